"""A region that fails as a test tells it to, around a real one that does not."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from startifact import ConfigurationLoader, Session
from startifact.errors import RegionUnavailableError
from startifact.files.source import Source
from startifact.limits import Limits
from startifact.model.examination import Check, ExaminationRequest
from startifact.model.keys import Key
from startifact.model.links import LinkRequest, SignedLink
from startifact.regions.factory import open_regions, parse_specs
from startifact.regions.interface import (
    Beat,
    Location,
    Mirror,
    Region,
    StoredArtifact,
    StoredChannel,
)
from startifact.regions.pages import Page
from tests.support.limits import SHORT

T = TypeVar("T")

ANY = "*"
"""Stands for every operation."""

Stream = Callable[[int, Iterator[bytes]], Iterator[bytes]]
"""Takes the offset of a read and its blocks, and returns other blocks."""


@dataclass
class _Fault:
    operation: str
    nth: int | None
    act: Callable[[Callable[[], Any]], Any]
    matches: int = 0

    def applies_to(self, operation: str) -> bool:
        if self.operation not in {operation, ANY}:
            return False
        self.matches += 1
        return self.nth in {None, self.matches}


class FaultyRegion(Region):
    """Passes every call on to *inner*, but for the faults it is given.

    A fault is for the calls of one *operation*, which is the name of a method of `Region`,
    ``read_mirror`` or ``write_mirror`` for its mirror's, or for those of every one (``"*"``); with
    *nth* only for that one of them, counted from 1 and from when the fault was given. The fault
    that was given last is the outermost.
    """

    def __init__(self, inner: Region) -> None:
        self.inner = inner
        self.name = inner.name
        self.mirror = None if inner.mirror is None else FaultyMirror(self, inner.mirror)
        self.calls: list[str] = []
        self._lock = threading.Lock()
        self._faults: list[_Fault] = []
        self._streams: list[Stream] = []
        self._answers: dict[tuple[str, str], Any] = {}
        self._released = threading.Event()
        self._pause = 0.0

    # Faults ----------------------------------------------------------------------------------

    def fail(
        self, operation: str, error: BaseException | None = None, *, nth: int | None = None
    ) -> None:
        """Raise *error*, and do nothing."""

        def act(proceed: Callable[[], Any]) -> Any:
            raise error or RegionUnavailableError(f"{self.name} fails")

        self._faults.append(_Fault(operation, nth, act))

    def lose(self, operation: str, *, nth: int | None = None) -> None:
        """Do it, and lose the answer."""

        def act(proceed: Callable[[], Any]) -> Any:
            proceed()
            raise RegionUnavailableError(f"{self.name} did not answer")

        self._faults.append(_Fault(operation, nth, act))

    def hang(self, operation: str, *, nth: int | None = None) -> None:
        """Neither do it nor answer, until `release` is called; fail then."""

        def act(proceed: Callable[[], Any]) -> Any:
            self._released.wait()
            raise RegionUnavailableError(f"{self.name} hung")

        self._faults.append(_Fault(operation, nth, act))

    def release(self) -> None:
        """Let go of what hangs."""
        self._released.set()

    def delay(
        self, operation: str, until: float | threading.Event, *, nth: int | None = None
    ) -> threading.Event:
        """Do it only when *until* is set, or as many seconds later.

        The event that is returned is set as soon as a call is being kept waiting.
        """
        waiting = threading.Event()

        def act(proceed: Callable[[], Any]) -> Any:
            waiting.set()
            if isinstance(until, threading.Event):
                until.wait()
            else:
                time.sleep(until)
            return proceed()

        self._faults.append(_Fault(operation, nth, act))
        return waiting

    def stale(self, operation: str, *, nth: int | None = None) -> None:
        """Answer what was answered the last time: at first, that there is nothing."""

        def act(proceed: Callable[[], Any]) -> Any:
            return _STALE

        self._faults.append(_Fault(operation, nth, act))

    def die(self, operation: str, *, nth: int | None = None, after: bool = False) -> None:
        """Kill this very process before it is done, or *after* it is."""

        def act(proceed: Callable[[], Any]) -> Any:
            if after:
                proceed()
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)

        self._faults.append(_Fault(operation, nth, act))

    def corrupt(self, at: int) -> None:
        """Flip a bit of the byte at offset *at* of whatever artifact is read."""

        def stream(start: int, blocks: Iterator[bytes]) -> Iterator[bytes]:
            for block in blocks:
                if start <= at < start + len(block):
                    i = at - start
                    yield block[:i] + bytes([block[i] ^ 1]) + block[i + 1 :]
                else:
                    yield block
                start += len(block)

        self._streams.append(stream)

    def truncate(self, at: int) -> None:
        """End every read at offset *at* of the artifact, as if that were all."""

        def stream(start: int, blocks: Iterator[bytes]) -> Iterator[bytes]:
            for block in blocks:
                yield block[: max(0, at - start)]
                start += len(block)

        self._streams.append(stream)

    def overlong(self, more: bytes) -> None:
        """Add *more* to the end of every read."""

        def stream(start: int, blocks: Iterator[bytes]) -> Iterator[bytes]:
            yield from blocks
            yield more

        self._streams.append(stream)

    def break_off(self, at: int) -> None:
        """Fail in every read at offset *at* of the artifact."""

        def stream(start: int, blocks: Iterator[bytes]) -> Iterator[bytes]:
            for block in blocks:
                if at < start + len(block):
                    yield block[: max(0, at - start)]
                    raise RegionUnavailableError(f"{self.name} broke off")
                yield block
                start += len(block)

        self._streams.append(stream)

    def drip(self, seconds: float) -> None:
        """Wait *seconds* before each byte that is read, and after each block that is written."""

        def stream(start: int, blocks: Iterator[bytes]) -> Iterator[bytes]:
            for block in blocks:
                for i in range(len(block)):
                    time.sleep(seconds)
                    yield block[i : i + 1]

        self._pause = seconds
        self._streams.append(stream)

    def heal(self) -> None:
        """Forget every fault."""
        self._faults.clear()
        self._streams.clear()
        self._pause = 0.0

    # The region ------------------------------------------------------------------------------

    def store_identity(self) -> str:
        return self.do("store_identity", "", self.inner.store_identity)

    def location(self, key: Key) -> Location:
        return self.inner.location(key)  # asks nobody, of a region that has been asked before

    def describe(self, key: Key) -> StoredArtifact | None:
        return self.do("describe", key, lambda: self.inner.describe(key))

    def why_absent(self, key: Key) -> str | None:
        # Nothing is sent for it, so nothing can go wrong.
        return self.inner.why_absent(key)

    def create(
        self, key: Key, source: Source, encoded_record: str, beat: Beat
    ) -> StoredArtifact | None:
        def slowly(count: int) -> None:
            beat(count)
            if self._pause:
                time.sleep(self._pause)

        return self.do(
            "create", key, lambda: self.inner.create(key, source, encoded_record, slowly)
        )

    def can_copy_from(self, origin: Region) -> bool:
        return isinstance(origin, FaultyRegion) and self.inner.can_copy_from(origin.inner)

    def create_copy(
        self,
        key: Key,
        source: Source,
        encoded_record: str,
        beat: Beat,
        *,
        origin: Region,
        stored: StoredArtifact,
    ) -> StoredArtifact | None:
        inner = cast("FaultyRegion", origin).inner
        return self.do(
            "create_copy",
            key,
            lambda: self.inner.create_copy(
                key, source, encoded_record, beat, origin=inner, stored=stored
            ),
        )

    def read(self, key: Key, stored: StoredArtifact, start: int, stop: int) -> Iterator[bytes]:
        blocks = self.do("read", key, lambda: self.inner.read(key, stored, start, stop))
        for stream in self._streams:
            blocks = stream(start, blocks)
        return blocks

    def sign_link(
        self, key: Key, stored: StoredArtifact, request: LinkRequest
    ) -> SignedLink | None:
        return self.do("sign_link", key, lambda: self.inner.sign_link(key, stored, request))

    def keys(self, prefix: str) -> Iterator[str]:
        return iter(self.do("keys", prefix, lambda: list(self.inner.keys(prefix))) or ())

    def first_page(self, prefix: str, delimiter: str = "") -> Page:
        # One more listing, so that it has the faults of listings.
        page = self.do("keys", prefix, lambda: self.inner.first_page(prefix, delimiter))
        return page or Page(keys=(), common_prefixes=(), whole=True)

    def channel_keys(self, prefix: str) -> Iterator[str]:
        return iter(
            self.do("channel_keys", prefix, lambda: list(self.inner.channel_keys(prefix))) or ()
        )

    def projects(self) -> Iterator[str]:
        return iter(self.do("projects", "", lambda: list(self.inner.projects())) or ())

    def delete(self, key: Key, stored: StoredArtifact) -> bool:
        return self.do("delete", key, lambda: self.inner.delete(key, stored))

    def replace_with_tombstone(
        self, key: Key, encoded_record: str, stored: StoredArtifact | None
    ) -> bool:
        return self.do(
            "replace_with_tombstone",
            key,
            lambda: self.inner.replace_with_tombstone(key, encoded_record, stored),
        )

    def separate_metadata(self, prefix: str) -> Iterator[Key]:
        return iter(
            self.do("separate_metadata", prefix, lambda: list(self.inner.separate_metadata(prefix)))
            or ()
        )

    def delete_separate_metadata(self, key: Key) -> None:
        self.do("delete_separate_metadata", key, lambda: self.inner.delete_separate_metadata(key))

    def examine(self, request: ExaminationRequest) -> Iterator[Check]:
        return iter(self.do("examine", "", lambda: list(self.inner.examine(request))) or ())

    def move_aside(self, key: Key, aside: Key) -> bool:
        return self.do("move_aside", key, lambda: self.inner.move_aside(key, aside))

    def read_channel(self, key: Key) -> StoredChannel | None:
        return self.do("read_channel", key, lambda: self.inner.read_channel(key))

    def ask_in_background(self, ask: Callable[[], T]) -> Callable[[], T]:
        return self.inner.ask_in_background(ask)  # what is asked has its faults

    def read_channel_and_mirror(
        self, key: Key
    ) -> tuple[StoredChannel | None, Callable[[], str | None]]:
        return super().read_channel_and_mirror(key)  # each of the two has its faults

    def write_channel(self, key: Key, text: str, expected: StoredChannel | None) -> bool:
        return self.do("write_channel", key, lambda: self.inner.write_channel(key, text, expected))

    def check_project(self, project: str) -> None:
        self.do("check_project", project, lambda: self.inner.check_project(project))

    def preflight(self, project: str) -> None:
        self.do("preflight", project, lambda: self.inner.preflight(project))

    def preflight_deletion(self, project: str) -> None:
        self.do("preflight_deletion", project, lambda: self.inner.preflight_deletion(project))

    def is_untried(self) -> bool:
        return self.inner.is_untried()

    def configured_regions(self) -> tuple[str, ...]:
        return self.do("configured_regions", "", self.inner.configured_regions)

    def do(self, operation: str, subject: str, proceed: Callable[[], T]) -> T:
        """Execute one call of *operation*, with its faults, of the region or of its mirror."""
        with self._lock:
            self.calls.append(operation)
            acts = [fault.act for fault in self._faults if fault.applies_to(operation)]
        call: Callable[[], Any] = proceed
        for act in acts:
            call = _bound(act, call)
        answer = call()
        with self._lock:
            if answer is _STALE:
                return cast("T", self._answers.get((operation, subject)))
            self._answers[operation, subject] = answer
        return cast("T", answer)


@dataclass
class FaultyMirror:
    """Passes every call on to *inner*, but for the faults that its region is given."""

    region: FaultyRegion
    inner: Mirror

    def read(self, project: str, channel: str) -> str | None:
        return self.region.do("read_mirror", project, lambda: self.inner.read(project, channel))

    def write(self, project: str, channel: str, version: str) -> None:
        self.region.do("write_mirror", project, lambda: self.inner.write(project, channel, version))

    def delete(self, project: str, channel: str) -> None:
        self.region.do("delete_mirror", project, lambda: self.inner.delete(project, channel))

    def mirrors(self, channel: str) -> bool:
        return self.inner.mirrors(channel)


_STALE = object()


def _bound(
    act: Callable[[Callable[[], Any]], Any], proceed: Callable[[], Any]
) -> Callable[[], Any]:
    return lambda: act(proceed)


def faulty(specs: Sequence[str], limits: Limits = SHORT) -> list[FaultyRegion]:
    """Return the regions that *specs* name, each with no fault yet."""
    parsed, loader = parse_specs(specs, source="test"), ConfigurationLoader(limits=limits)
    return [FaultyRegion(region) for region in open_regions(parsed, loader=loader, limits=limits)]


def session_over(regions: Sequence[Region], **options: Any) -> Session:
    """Return a session over *regions* themselves, in place of spellings."""
    return Session(regions=regions, **options)
