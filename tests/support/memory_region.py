"""A region in memory: exact, quick, and open to whoever wants to come between its calls."""

import threading
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, NamedTuple

from startifact.errors import IntegrityError
from startifact.files.source import Source
from startifact.model.keys import Key
from startifact.regions.interface import (
    ChannelState,
    ExistsError,
    Location,
    Moved,
    Region,
    Stored,
)


class Request(NamedTuple):
    """One call on a region, with all that it carries."""

    verb: str
    args: tuple[Hashable, ...]


class Item(NamedTuple):
    """One stored artifact. *times* says how often its key has been taken, this time included."""

    data: bytes
    document: str | None
    times: int

    @property
    def stored(self) -> Stored:
        """What a region says of it."""
        return Stored(size=len(self.data), document=self.document, token=f"{self.times}")


class Shelf:
    """All that a region holds at one moment. It never changes: what is written is another one.

    Every call on a region is a method here, and returns the shelf as it is afterwards and the
    answer.
    """

    __slots__ = ("_hash", "channels", "items", "key", "shown", "times")

    def __init__(
        self,
        items: Mapping[str, Item] | None = None,
        channels: Mapping[str, str] | None = None,
        shown: Mapping[str, str] | None = None,
        times: Mapping[str, int] | None = None,
    ) -> None:
        self.items = dict(items or {})
        self.channels = dict(channels or {})
        self.shown = dict(shown or {})
        self.times = dict(times or {})
        self.key = tuple(
            tuple(sorted(x.items())) for x in (self.items, self.channels, self.shown, self.times)
        )
        self._hash = hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shelf) and self.key == other.key

    def __hash__(self) -> int:
        return self._hash

    def serve(self, request: Request) -> tuple["Shelf", Any]:
        """Return what *request* makes of this shelf, and the answer."""
        found: tuple[Shelf, Any] = getattr(self, request.verb)(*request.args)
        return found

    def describe(self, key: str) -> tuple["Shelf", Stored | None]:
        """See `Region.describe`."""
        item = self.items.get(key)
        return self, None if item is None else item.stored

    def create(self, key: str, data: bytes, document: str) -> tuple["Shelf", None]:
        """See `Region.create`."""
        if key in self.items:
            raise ExistsError(key)
        return self.put(key, data, document), None

    def put(self, key: str, data: bytes, document: str | None) -> "Shelf":
        """Return the shelf with an artifact at *key*, whatever is there."""
        times = self.times.get(key, 0) + 1
        return Shelf(
            self.items | {key: Item(data, document, times)},
            self.channels,
            self.shown,
            self.times | {key: times},
        )

    def read(self, key: str, token: str, start: int, stop: int) -> tuple["Shelf", bytes]:
        """See `Region.read`; the bytes come at once."""
        item = self.items.get(key)
        if item is None or item.stored.token != token:
            raise IntegrityError(f"{key} is not what was described")
        if stop > len(item.data):
            raise IntegrityError(f"{key} ended early")
        return self, item.data[start:stop]

    def keys(self, prefix: str) -> tuple["Shelf", tuple[str, ...]]:
        """See `Region.keys`."""
        return self, tuple(sorted(key for key in self.items if key.startswith(prefix)))

    def delete(self, key: str, token: str) -> tuple["Shelf", bool]:
        """See `Region.delete`."""
        item = self.items.get(key)
        if item is None or item.stored.token != token:
            return self, False
        return self.without(key), True

    def without(self, key: str) -> "Shelf":
        """Return the shelf with nothing at *key*, neither artifact nor channel."""
        items = {k: v for k, v in self.items.items() if k != key}
        channels = {k: v for k, v in self.channels.items() if k != key}
        return Shelf(items, channels, self.shown, self.times)

    def read_channel(self, key: str) -> tuple["Shelf", ChannelState | None]:
        """See `Region.read_channel`."""
        text = self.channels.get(key)
        return self, None if text is None else ChannelState(text, text)

    def write_channel(
        self, key: str, text: str, expected: ChannelState | None
    ) -> tuple["Shelf", bool]:
        """See `Region.write_channel`."""
        if self.channels.get(key) != (None if expected is None else expected.token):
            return self, False
        return self.write(key, text), True

    def write(self, key: str, text: str) -> "Shelf":
        """Return the shelf with *text* as the channel at *key*, whatever is there."""
        return Shelf(self.items, self.channels | {key: text}, self.shown, self.times)

    def publish(self, project: str, channel: str, version: str) -> tuple["Shelf", None]:
        """See `Region.publish`."""
        shown = self.shown | {f"{project}/{channel}": version}
        return Shelf(self.items, self.channels, shown, self.times), None

    def published(self, project: str, channel: str) -> tuple["Shelf", str | None]:
        """See `Region.published`."""
        return self, self.shown.get(f"{project}/{channel}")


class MemoryRegion(Region):
    """A region that is kept in memory. Two with one *name* are two places."""

    publishes = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.shelf = Shelf()
        self._lock = threading.Lock()

    def ask(self, verb: str, *args: Hashable) -> Any:
        """Carry out one call, and return its answer."""
        with self._lock:
            self.shelf, answer = self.shelf.serve(Request(verb, args))
        return answer

    def place(self) -> str:
        """See `Region.place`."""
        return f"memory:{self.name}"

    def location(self, key: Key) -> Location:
        """See `Region.location`."""
        return Location(region=self.name, bucket=self.name, key=key, uri=f"memory:{key}")

    def describe(self, key: Key) -> Stored | None:
        """See `Region.describe`."""
        found: Stored | None = self.ask("describe", key)
        return found

    def create(self, key: Key, source: Source, document: str, moved: Moved) -> None:
        """See `Region.create`."""
        blocks = []
        for part in source.parts:
            with source.open(part) as reader:
                blocks.append(reader.read(part.size))
            moved(part.size)
        self.ask("create", key, b"".join(blocks), document)

    def read(self, key: Key, stored: Stored, start: int, stop: int) -> Iterator[bytes]:
        """See `Region.read`."""
        yield self.ask("read", key, stored.token, start, stop)

    def keys(self, prefix: str) -> Iterator[str]:
        """See `Region.keys`."""
        yield from self.ask("keys", prefix)

    def delete(self, key: Key, stored: Stored) -> bool:
        """See `Region.delete`."""
        deleted: bool = self.ask("delete", key, stored.token)
        return deleted

    def read_channel(self, key: Key) -> ChannelState | None:
        """See `Region.read_channel`."""
        found: ChannelState | None = self.ask("read_channel", key)
        return found

    def write_channel(self, key: Key, text: str, expected: ChannelState | None) -> bool:
        """See `Region.write_channel`."""
        written: bool = self.ask("write_channel", key, text, expected)
        return written

    def publish(self, project: str, channel: str, version: str) -> None:
        """See `Region.publish`."""
        self.ask("publish", project, channel, version)

    def published(self, project: str, channel: str) -> str | None:
        """See `Region.published`."""
        found: str | None = self.ask("published", project, channel)
        return found
