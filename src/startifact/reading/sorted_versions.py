"""Many versions in little memory: they are added in any order, and come out newest first."""

import heapq
import io
import itertools
from collections.abc import Iterable, Iterator
from operator import itemgetter

from semver import Version

from startifact.limits import KEYS_AT_ONCE
from startifact.model.versions import Precedence, newest_first, precedence

_SEPARATOR = "\n"


class SortedVersions:
    """Versions that were added, each kept as its text: that takes a dozen bytes.

    A `Version` takes half a kilobyte, which a hundred thousand of them would show.
    """

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._unsorted: list[Version] = []

    def add(self, version: Version) -> None:
        """Take *version* among them."""
        self._unsorted.append(version)
        if len(self._unsorted) >= KEYS_AT_ONCE:
            self._close_block()

    def __bool__(self) -> bool:
        return bool(self._blocks or self._unsorted)

    def blocks(self) -> list[bytes]:
        """Return all that were added: in each block they are newest first."""
        if self._unsorted:
            self._close_block()
        return self._blocks

    def _close_block(self) -> None:
        texts = map(str, newest_first(self._unsorted))
        self._blocks.append(_SEPARATOR.join(texts).encode("ascii"))
        self._unsorted = []


def newest_of(stores: Iterable[SortedVersions]) -> Iterator[Version]:
    """Yield the versions in all *stores*, newest first and each once, as `newest_first` does."""
    streams = [_versions_in(block) for store in stores for block in store.blocks()]
    merged = heapq.merge(*streams, key=itemgetter(0), reverse=True)
    for _, equal in itertools.groupby(merged, key=itemgetter(0)):
        by_text = {str(version): version for _, version in equal}
        yield from (by_text[text] for text in sorted(by_text))


def _versions_in(block: bytes) -> Iterator[tuple[Precedence, Version]]:
    for line in io.BytesIO(block):
        version = Version.parse(line.decode("ascii").removesuffix(_SEPARATOR))
        yield precedence(version), version


def without(versions: Iterable[Version], others: Iterable[Version]) -> Iterator[Version]:
    """Yield those of *versions* that are not among *others*; both are newest first."""
    left = iter(others)
    other = next(left, None)
    for version in versions:
        while other is not None and _is_before(other, version):
            other = next(left, None)
        if other is None or str(other) != str(version):
            yield version


def _is_before(one: Version, other: Version) -> bool:
    """Say whether *one* comes before *other*, newest first."""
    ours, theirs = precedence(one), precedence(other)
    return ours > theirs or (ours == theirs and str(one) < str(other))
