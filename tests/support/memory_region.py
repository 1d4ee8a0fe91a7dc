"""What a region holds as a value that never changes, and a region whose calls somebody answers.

The model keeps, compares and hashes what regions held at every step, which the ``memory:`` regions
of the package, whose stores change in place, do not allow.
"""

import hashlib
from abc import abstractmethod
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, NamedTuple

from startifact.errors import ExistsError, IntegrityError
from startifact.files.source import Source
from startifact.model.keys import Key
from startifact.regions.interface import Beat, Location, Region, StoredArtifact, StoredChannel


class Request(NamedTuple):
    """One call on a region, with all that it carries."""

    verb: str
    args: tuple[Hashable, ...]


class Item(NamedTuple):
    """One stored artifact. *times* says how often its key has been taken, this time included."""

    data: bytes
    encoded_record: str | None
    times: int

    @property
    def stored(self) -> StoredArtifact:
        """What a region says of it."""
        return StoredArtifact(
            size=len(self.data), encoded_record=self.encoded_record, token=f"{self.times}"
        )


class StoreState:
    """All that a region holds at one moment. It never changes: what is written is another one.

    Every call on a region is a method here, and returns the store as it is afterwards and the
    answer.
    """

    __slots__ = ("_hash", "channels", "displayed", "items", "key", "times")

    def __init__(
        self,
        items: Mapping[str, Item] | None = None,
        channels: Mapping[str, str] | None = None,
        displayed: Mapping[str, str] | None = None,
        times: Mapping[str, int] | None = None,
    ) -> None:
        self.items = dict(items or {})
        self.channels = dict(channels or {})
        self.displayed = dict(displayed or {})
        self.times = dict(times or {})
        self.key = tuple(
            tuple(sorted(x.items()))
            for x in (self.items, self.channels, self.displayed, self.times)
        )
        self._hash = hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoreState) and self.key == other.key

    def __hash__(self) -> int:
        return self._hash

    def serve(self, request: Request) -> tuple["StoreState", Any]:
        """Return what *request* makes of this store, and the answer."""
        found: tuple[StoreState, Any] = getattr(self, request.verb)(*request.args)
        return found

    def describe(self, key: str) -> tuple["StoreState", StoredArtifact | None]:
        """See `Region.describe`."""
        item = self.items.get(key)
        return self, None if item is None else item.stored

    def create(
        self, key: str, data: bytes, encoded_record: str, proves: bool
    ) -> tuple["StoreState", StoredArtifact | None]:
        """See `Region.create`; only the answer that *proves* it is the artifact."""
        if key in self.items:
            raise ExistsError(key)
        after = self.put(key, data, encoded_record)
        return after, after.items[key].stored if proves else None

    def create_copy(
        self,
        key: str,
        origin: str,  # whoever serves this has looked there: *found*
        encoded_record: str,
        token: str,
        sha256: str,
        found: Item | None,
    ) -> tuple["StoreState", None]:
        """See `Region.create_copy`; *found* is what the region *origin* holds at *key*."""
        if found is None or found.stored.token != token:
            raise IntegrityError(f"{key} is not what was described")
        if hashlib.sha256(found.data).hexdigest() != sha256:
            raise IntegrityError(f"{key} is not what was to be copied")
        return self.create(key, found.data, encoded_record, proves=False)[0], None

    def put(self, key: str, data: bytes, encoded_record: str | None) -> "StoreState":
        """Return the store with an artifact at *key*, whatever is there."""
        times = self.times.get(key, 0) + 1
        return StoreState(
            self.items | {key: Item(data, encoded_record, times)},
            self.channels,
            self.displayed,
            self.times | {key: times},
        )

    def read(self, key: str, token: str, start: int, stop: int) -> tuple["StoreState", bytes]:
        """See `Region.read`; the bytes come at once."""
        item = self.items.get(key)
        if item is None or item.stored.token != token:
            raise IntegrityError(f"{key} is not what was described")
        if stop > len(item.data):
            raise IntegrityError(f"{key} ended early")
        return self, item.data[start:stop]

    def keys(self, prefix: str) -> tuple["StoreState", tuple[str, ...]]:
        """See `Region.keys`."""
        return self, tuple(sorted(key for key in self.items if key.startswith(prefix)))

    def channel_keys(self, prefix: str) -> tuple["StoreState", tuple[str, ...]]:
        """See `Region.channel_keys`."""
        below = (key for key in self.channels if key.startswith(prefix))
        return self, tuple(sorted(key for key in below if "/" not in key.removeprefix(prefix)))

    def delete(self, key: str, token: str) -> tuple["StoreState", bool]:
        """See `Region.delete`."""
        item = self.items.get(key)
        if item is None or item.stored.token != token:
            return self, False
        return self.without(key), True

    def replace_with_tombstone(
        self, key: str, encoded_record: str, token: str | None
    ) -> tuple["StoreState", bool]:
        """See `Region.replace_with_tombstone`."""
        item = self.items.get(key)
        if (item and item.stored.token) != token:
            return self, False
        return self.put(key, encoded_record.encode(), encoded_record), True

    def without(self, key: str) -> "StoreState":
        """Return the store with nothing at *key*, neither artifact nor channel."""
        items = {k: v for k, v in self.items.items() if k != key}
        channels = {k: v for k, v in self.channels.items() if k != key}
        return StoreState(items, channels, self.displayed, self.times)

    def read_channel(self, key: str) -> tuple["StoreState", StoredChannel | None]:
        """See `Region.read_channel`."""
        text = self.channels.get(key)
        return self, None if text is None else StoredChannel(text, text)

    def write_channel(
        self, key: str, text: str, expected: StoredChannel | None
    ) -> tuple["StoreState", bool]:
        """See `Region.write_channel`."""
        if self.channels.get(key) != (None if expected is None else expected.token):
            return self, False
        return self.write(key, text), True

    def write(self, key: str, text: str) -> "StoreState":
        """Return the store with *text* as the channel at *key*, whatever is there."""
        return StoreState(self.items, self.channels | {key: text}, self.displayed, self.times)

    def write_mirror(self, project: str, channel: str, version: str) -> tuple["StoreState", None]:
        """See `Mirror.write`."""
        displayed = self.displayed | {f"{project}/{channel}": version}
        return StoreState(self.items, self.channels, displayed, self.times), None

    def delete_mirror(self, project: str, channel: str) -> tuple["StoreState", None]:
        """See `Mirror.delete`."""
        displayed = {k: v for k, v in self.displayed.items() if k != f"{project}/{channel}"}
        return StoreState(self.items, self.channels, displayed, self.times), None

    def read_mirror(self, project: str, channel: str) -> tuple["StoreState", str | None]:
        """See `Mirror.read`."""
        return self, self.displayed.get(f"{project}/{channel}")


class AskingRegion(Region):
    """A region whose calls are answered elsewhere. Two of different *name* are two places."""

    proves_writes = False
    """Whether it is of the kind whose answer to `create` proves what is stored."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.mirror = _Mirror(self)

    @abstractmethod
    def ask(self, verb: str, *args: Hashable) -> Any:
        """Have one call answered, and return the answer."""

    def store_identity(self) -> str:
        """See `Region.store_identity`."""
        return f"memory:{self.name}"

    def location(self, key: Key) -> Location:
        """See `Region.location`."""
        return Location(region=self.name, bucket=self.name, key=key, uri=f"memory:{key}")

    def describe(self, key: Key) -> StoredArtifact | None:
        """See `Region.describe`."""
        found: StoredArtifact | None = self.ask("describe", key)
        return found

    def create(
        self, key: Key, source: Source, encoded_record: str, beat: Beat
    ) -> StoredArtifact | None:
        """See `Region.create`."""
        blocks = []
        for part in source.parts:
            with source.open(part) as reader:
                blocks.append(reader.read(part.size))
            beat(part.size)
        data = b"".join(blocks)
        stored: StoredArtifact | None = self.ask(
            "create", key, data, encoded_record, self.proves_writes
        )
        return stored

    def can_copy_from(self, origin: Region) -> bool:
        """See `Region.can_copy_from`."""
        return isinstance(origin, AskingRegion)

    def create_copy(
        self,
        key: Key,
        source: Source,
        encoded_record: str,
        beat: Beat,
        *,
        origin: Region,
        stored: StoredArtifact,
    ) -> None:
        """See `Region.create_copy`: one step, which reads the origin's store as it is then."""
        beat(source.size)
        self.ask("create_copy", key, origin.name, encoded_record, stored.token, source.sha256)

    def read(self, key: Key, stored: StoredArtifact, start: int, stop: int) -> Iterator[bytes]:
        """See `Region.read`."""
        yield self.ask("read", key, stored.token, start, stop)

    def keys(self, prefix: str) -> Iterator[str]:
        """See `Region.keys`."""
        yield from self.ask("keys", prefix)

    def channel_keys(self, prefix: str) -> Iterator[str]:
        """See `Region.channel_keys`."""
        yield from self.ask("channel_keys", prefix)

    def projects(self) -> Iterator[str]:
        """See `Region.projects`: the model has one project."""
        raise NotImplementedError

    def delete(self, key: Key, stored: StoredArtifact) -> bool:
        """See `Region.delete`."""
        deleted: bool = self.ask("delete", key, stored.token)
        return deleted

    def replace_with_tombstone(
        self, key: Key, encoded_record: str, stored: StoredArtifact | None
    ) -> bool:
        """See `Region.replace_with_tombstone`."""
        token = None if stored is None else stored.token
        replaced: bool = self.ask("replace_with_tombstone", key, encoded_record, token)
        return replaced

    def read_channel(self, key: Key) -> StoredChannel | None:
        """See `Region.read_channel`."""
        found: StoredChannel | None = self.ask("read_channel", key)
        return found

    def write_channel(self, key: Key, text: str, expected: StoredChannel | None) -> bool:
        """See `Region.write_channel`."""
        written: bool = self.ask("write_channel", key, text, expected)
        return written


class _Mirror:
    def __init__(self, region: AskingRegion) -> None:
        self._region = region

    def read(self, project: str, channel: str) -> str | None:
        found: str | None = self._region.ask("read_mirror", project, channel)
        return found

    def write(self, project: str, channel: str, version: str) -> None:
        self._region.ask("write_mirror", project, channel, version)

    def delete(self, project: str, channel: str) -> None:
        self._region.ask("delete_mirror", project, channel)

    def mirrors(self, channel: str) -> bool:
        return True
