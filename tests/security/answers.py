"""Services that answer what a test wants."""

from collections.abc import Callable

from tests.functional.repair.shop import Shop
from tests.support.places import Bucket
from tests.support.wire import Answer, Request, Rule, Wire


def wire_of(shop: Shop) -> Wire:
    """Return the wire to a project's regions."""
    assert isinstance(shop.a, Bucket)
    assert shop.a.wire is not None
    return shop.a.wire


def answering(answer: Answer, *, to: Callable[[Request], object] = lambda _: True) -> Rule:
    """Return a rule that answers requests with *answer*."""
    return lambda request, forward: answer if to(request) else forward()


def as_xml(text: str) -> str:
    """Return *text* as XML holds it: what XML has no way to write is written all the same."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("\r", "&#13;")


def as_written(text: str) -> str:
    """Return *text*."""
    return text
