"""Where a listing begins."""

from collections.abc import Iterable

from startifact.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The keys that a listing begins with, or what these begin with."""

    keys: tuple[str, ...]
    common_prefixes: tuple[str, ...]
    """What the keys that have the delimiter begin with, each once, up to it and with it."""

    whole: bool
    """Whether it is the whole listing."""


def page_of(keys: Iterable[str], prefix: str, delimiter: str, *, whole: bool) -> Page:
    """Return the page of *keys*, which begin with *prefix*, as `Region.first_page` has it."""
    if not delimiter:
        return Page(keys=tuple(keys), common_prefixes=(), whole=whole)
    without: list[str] = []
    common: set[str] = set()
    for key in keys:
        at = key.find(delimiter, len(prefix))
        if at < 0:
            without.append(key)
        else:
            common.add(key[: at + len(delimiter)])
    return Page(keys=tuple(without), common_prefixes=tuple(common), whole=whole)
