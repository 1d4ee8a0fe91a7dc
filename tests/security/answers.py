"""Services that answer what a test wants."""

from collections.abc import Callable

from tests.functional.repair.project_fixture import ProjectFixture
from tests.support.backends import Bucket
from tests.support.wire import Answer, Request, Rule, Wire


def wire_of(fixture: ProjectFixture) -> Wire:
    """Return the wire to a project's regions."""
    assert isinstance(fixture.a, Bucket)
    assert fixture.a.wire is not None
    return fixture.a.wire


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
