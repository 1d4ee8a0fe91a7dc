"""Regions in the memory of this process, for tests and for the examples of documents.

What is staged to ``memory:NAME`` is there for every session of the process that names it, and
vanishes with the process. Artifacts are kept whole, so memory grows with them.
"""

import itertools
import re
import threading
from collections.abc import Hashable, Iterator
from typing import ClassVar

from startifact.errors import ExistsError, InputError, IntegrityError
from startifact.files.source import Source
from startifact.lazy_dataclasses import dataclass
from startifact.limits import BLOCK_BYTES
from startifact.model.keys import Key, project_of
from startifact.regions.interface import (
    Beat,
    Location,
    Region,
    StoredArtifact,
    StoredChannel,
)
from startifact.regions.spec import OpenContext, RegionKind, RegionSpec, quoted_spec

_PREFIX = "memory:"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


class MemoryRegion(Region):
    """A region that is kept in memory. Two objects are two stores, whatever their names."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._tokens = itertools.count(1)
        self._artifacts: dict[Key, tuple[StoredArtifact, bytes]] = {}
        self._channels: dict[Key, StoredChannel] = {}

    def store_identity(self) -> str:
        """See `Region.store_identity`: names are unique within a session."""
        return f"memory of {self.name}"

    def location(self, key: Key) -> Location:
        """See `Region.location`."""
        name = self.name.removeprefix(_PREFIX)
        return Location(region=self.name, bucket=name, key=key, uri=f"{_PREFIX}{name}/{key}")

    def describe(self, key: Key) -> StoredArtifact | None:
        """See `Region.describe`."""
        with self._lock:
            return self._artifacts[key][0] if key in self._artifacts else None

    def create(
        self, key: Key, source: Source, encoded_record: str, beat: Beat
    ) -> StoredArtifact | None:
        """See `Region.create`: what it returns proves it."""
        data = b"".join(source.blocks(beat))
        with self._lock:
            if key in self._artifacts:
                raise ExistsError(key)
            stored = StoredArtifact(
                size=len(data), encoded_record=encoded_record, token=self._next_token()
            )
            self._artifacts[key] = (stored, data)
            return stored

    def read(self, key: Key, stored: StoredArtifact, start: int, stop: int) -> Iterator[bytes]:
        """See `Region.read`."""
        with self._lock:
            found = self._artifacts.get(key)
        if found is None or found[0].token != stored.token:
            raise IntegrityError(f"{key} in {self.name} was replaced or removed while it was read")
        if stop > len(found[1]):
            raise IntegrityError(f"{key} in {self.name} ended early")
        for at in range(start, stop, BLOCK_BYTES):
            yield found[1][at : min(at + BLOCK_BYTES, stop)]

    def keys(self, prefix: str) -> Iterator[str]:
        """See `Region.keys`."""
        with self._lock:
            found = [key for key in self._artifacts if key.startswith(prefix)]
        yield from found

    def channel_keys(self, prefix: str) -> Iterator[str]:
        """See `Region.channel_keys`."""
        with self._lock:
            below = [key.removeprefix(prefix) for key in self._channels if key.startswith(prefix)]
        yield from (f"{prefix}{name}" for name in below if "/" not in name and name[0] != ".")

    def projects(self) -> Iterator[str]:
        """See `Region.projects`."""
        with self._lock:
            found = {project_of(key) for key in (*self._artifacts, *self._channels)}
        yield from found

    def delete(self, key: Key, stored: StoredArtifact) -> bool:
        """See `Region.delete`."""
        with self._lock:
            if key in self._artifacts and self._artifacts[key][0].token != stored.token:
                return False
            self._artifacts.pop(key, None)
            return True

    def replace_with_tombstone(
        self, key: Key, encoded_record: str, stored: StoredArtifact | None
    ) -> bool:
        """See `Region.replace_with_tombstone`."""
        data = encoded_record.encode()
        with self._lock:
            found = self._artifacts.get(key)
            if (found and found[0].token) != (stored and stored.token):
                return False
            tombstone = StoredArtifact(
                size=len(data), encoded_record=encoded_record, token=self._next_token()
            )
            self._artifacts[key] = (tombstone, data)
            return True

    def read_channel(self, key: Key) -> StoredChannel | None:
        """See `Region.read_channel`."""
        with self._lock:
            return self._channels.get(key)

    def write_channel(self, key: Key, text: str, expected: StoredChannel | None) -> bool:
        """See `Region.write_channel`."""
        with self._lock:
            if self._channels.get(key) != expected:
                return False
            self._channels[key] = StoredChannel(text, self._next_token())
            return True

    def _next_token(self) -> str:
        return str(next(self._tokens))


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySpec(RegionSpec):
    """The name of a region in memory that all sessions of this process share."""

    outlives_process: ClassVar[bool] = False

    @property
    def store(self) -> Hashable:
        """See `RegionSpec.store`."""
        return self.text

    def open(self, context: OpenContext) -> Region:  # noqa: ARG002  # it needs none of it
        """See `RegionSpec.open`: the same region each time, so that it holds the same."""
        with _opening:
            return _opened.setdefault(self.text, MemoryRegion(self.text))


_opening = threading.Lock()
_opened: dict[str, MemoryRegion] = {}


def _parse(text: str) -> MemorySpec:
    if not _NAME.fullmatch(text.removeprefix(_PREFIX)):
        raise InputError(
            f"region {quoted_spec(text)}: expected a name of 1 to 64 letters, digits, dots, dashes "
            "and underscores that begins with a letter or a digit",
            hint=f"Write for example {_PREFIX}tests",
        )
    return MemorySpec(text=text)


# Not offered in hints: it is of no use where one process stages and another one downloads.
MEMORY = RegionKind(None, lambda text: text.startswith(_PREFIX), _parse)
