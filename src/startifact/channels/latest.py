"""Channels: what one holds, how it is read from several regions, and how ``latest`` moves."""

import functools
import json
import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from semver import Version

from startifact.concurrency.fan_out import Failure, FanOut, Heartbeat
from startifact.errors import (
    InputError,
    IntegrityError,
    NotFoundError,
    RegionUnavailableError,
    SeveralRegionsError,
    StartifactError,
    UndeterminedError,
    by_region,
)
from startifact.model.keys import LATEST, Key, channel_key
from startifact.model.quorum import required_to_read
from startifact.model.strict_json import JsonError, parse_object
from startifact.model.versions import is_later, parse_version
from startifact.regions.interface import Region, StoredChannel

logger = logging.getLogger(__name__)

QUORUM_WAIT_SECONDS = 1.0
"""How long answers that are not needed any more are still waited for."""

MAX_ATTEMPTS = 40
MAX_CHANNEL_BYTES = 4096
MAX_GENERATION = 2**53
"""Counted one by one nobody gets there; up to it, every JSON parser reads the same number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRecord:
    """What a channel holds. ``generation`` counts its moves, so no two are ever the same text."""

    version: Version
    generation: int
    previous: Version | None
    moved_at: str
    moved_by: str

    def to_json(self) -> str:
        """Return the one line that is stored."""
        value = {
            "version": str(self.version),
            "generation": self.generation,
            "previous": None if self.previous is None else str(self.previous),
            "moved-at": self.moved_at,
            "by": self.moved_by,
        }
        return json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n"


def parse_channel_record(text: str, *, where: str) -> ChannelRecord:
    """Return the pointer stored as *text*; *where* names channel and region in messages.

    A bare version is what the first Startifact kept in SSM; its generation is 0.

    Raises:
        IntegrityError: It is damaged.
    """
    try:
        if len(text) > MAX_CHANNEL_BYTES:
            raise JsonError(f"it is larger than {MAX_CHANNEL_BYTES:,} bytes")
        if not text.startswith("{"):
            return ChannelRecord(
                version=parse_version(text), generation=0, previous=None, moved_at="", moved_by=""
            )
        value = parse_object(text)
        generation, previous = value.get("generation"), value.get("previous")
        if not isinstance(generation, int) or isinstance(generation, bool) or generation < 1:
            raise JsonError("it has no generation")
        if generation > MAX_GENERATION:
            raise JsonError("its generation is larger than any number of moves")
        return ChannelRecord(
            version=parse_version(value.get("version")),
            generation=generation,
            previous=None if previous is None else parse_version(previous),
            moved_at=str(value.get("moved-at", "")),
            moved_by=str(value.get("by", "")),
        )
    except (JsonError, InputError) as e:
        raise IntegrityError(f"the channel {where} is damaged: {e}") from e


def read_channel_record(
    region: Region, project: str, channel: str
) -> tuple[StoredChannel | None, ChannelRecord | None]:
    """Return what *channel* holds in one region, as stored and as read; ``None`` when absent."""
    state = region.read_channel(channel_key(project, channel))
    if state is None:
        return None, None
    return state, parse_channel_record(state.text, where=f"{project}/{channel} in {region.name}")


def read_channel(regions: Sequence[Region], project: str, channel: str) -> Version:
    """Return the version that *channel* of *project* points at.

    All regions are asked at once. Half of them, rounded up, have to answer; of those that do
    within a second of the last one needed, the highest is the answer. A region without the
    channel has not answered when another one has it.

    Raises:
        NotFoundError: Every region said that there is no such channel.
        SeveralRegionsError: Too few answered to know.
    """
    needed = required_to_read(len(regions))
    found: dict[str, Version] = {}
    absent: list[str] = []
    failed: list[Failure] = []
    until: float | None = None
    with FanOut({r.name: partial(_ask, r, project, channel) for r in regions}) as asked:
        while answer := asked.next(until):
            if isinstance(answer, Failure):
                failed.append(answer)
            elif answer.value is None:
                absent.append(answer.name)
            else:
                found[answer.name] = answer.value
            if until is None and len(found) >= needed:
                until = time.monotonic() + QUORUM_WAIT_SECONDS
    if len(found) >= needed:
        return highest(found.values())
    raise _no_answer(project, channel, len(regions), found, absent, failed)


def _ask(region: Region, project: str, channel: str, heartbeat: Heartbeat) -> Version | None:
    heartbeat.beat()
    _, channel_record = read_channel_record(region, project, channel)
    return None if channel_record is None else channel_record.version


def _no_answer(
    project: str,
    channel: str,
    regions: int,
    found: dict[str, Version],
    absent: list[str],
    failed: list[Failure],
) -> StartifactError:
    if not found and not failed:
        return NotFoundError(
            f"{project} has no {channel}: nothing has been staged in {', '.join(absent)}",
            hint="Check the project's name and the regions",
        )
    said: list[tuple[str, object]] = [
        *((name, f"{channel} is {version}") for name, version in found.items()),
        *((name, f"has no {channel}") for name in absent),
        *((failure.name, failure.error) for failure in failed),
    ]
    only_undetermined = all(isinstance(f.error, UndeterminedError) for f in failed)
    elsewhere = "Ask for an exact version, which one region can answer, or try again"
    return SeveralRegionsError(
        f"cannot tell the {channel} version of {project}: {len(found)} of {regions} regions "
        f"know it, {required_to_read(regions)} are needed" + by_region(said),
        causes=[failure.error for failure in failed],
        kind=UndeterminedError,
        hint=elsewhere if only_undetermined else None,
    )


def highest(versions: Iterable[Version]) -> Version:
    """Return the one that ``latest`` would end at; of equal ones the first."""
    return functools.reduce(lambda best, v: v if is_later(v, best) else best, versions)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelWriter:
    """Moves ``latest`` in one region; it only ever goes forward."""

    now: Callable[[], str]
    moved_by: str
    pause: Callable[[float], None] = time.sleep

    def advance(
        self,
        region: Region,
        project: str,
        version: Version,
        *,
        highest_known: Version | None = None,
        holds: Callable[[Version], bool] = lambda _: False,
    ) -> Version | None:
        """Make ``latest`` in *region* at least *version*, and return where it is.

        *highest_known* is the highest ``latest`` seen in any region. Where there is no channel yet,
        it is created there or higher, and only at a version that *holds* says is complete in this
        region; else it stays absent and ``None`` is returned: the region is behind.
        """
        key = channel_key(project, LATEST)
        for attempt in range(MAX_ATTEMPTS):
            state, channel_record = read_channel_record(region, project, LATEST)
            target = version
            if channel_record is not None and not is_later(version, channel_record.version):
                return channel_record.version
            if (
                channel_record is None
                and highest_known is not None
                and is_later(highest_known, version)
            ):
                if not holds(highest_known):
                    return None
                target = highest_known
            text = self._next(channel_record, target).to_json()
            if self._write(region, key, text, state):
                return target
            self.pause(random.uniform(0, min(0.05 * 2**attempt, 1.0)))  # noqa: S311  # jitter
        raise RegionUnavailableError(
            f"{region.name}: {project}/{LATEST} kept changing while it was being moved"
        )

    def replace_damaged(
        self, region: Region, project: str, version: Version, damaged: StoredChannel
    ) -> None:
        """Put *version* where *damaged* is, if that still is there.

        Raises:
            RegionUnavailableError: Something else is there by now.
        """
        text = self._next(None, version).to_json()
        if not self._write(region, channel_key(project, LATEST), text, damaged):
            raise RegionUnavailableError(f"{region.name}: {project}/{LATEST} changed meanwhile")

    def _next(self, channel_record: ChannelRecord | None, target: Version) -> ChannelRecord:
        return ChannelRecord(
            version=target,
            generation=1 if channel_record is None else channel_record.generation + 1,
            previous=None if channel_record is None else channel_record.version,
            moved_at=self.now(),
            moved_by=self.moved_by,
        )

    def _write(self, region: Region, key: Key, text: str, state: StoredChannel | None) -> bool:
        try:
            return region.write_channel(key, text, state)
        except RegionUnavailableError:
            # The answer may be lost although the write was done.
            current = region.read_channel(key)
            if current is not None and current.text == text:
                return True
            raise

    def mirror_or_warn(self, region: Region, project: str) -> None:
        """Copy ``latest`` of *region* to where others read it.

        A copy that fails is logged as a warning: the channel itself has moved.
        """
        try:
            self.mirror(region, project)
        except StartifactError as e:
            warn_mirror_failed(region.name, project, e)

    def mirror(self, region: Region, project: str) -> None:
        """Copy ``latest`` of *region* to where others read it, and look again until both agree.

        Raises:
            StartifactError: It was not mirrored.
        """
        mirrored: str | None = None
        for _ in range(MAX_ATTEMPTS if region.has_mirror else 0):
            _, channel_record = read_channel_record(region, project, LATEST)
            if channel_record is None or str(channel_record.version) == mirrored:
                return
            first, mirrored = mirrored is None, str(channel_record.version)
            # What was mirrored a moment ago may still be read as it was before: only at first can
            # the copy be trusted to be right already.
            if not first or region.read_mirror(project, LATEST) != mirrored:
                region.write_mirror(project, LATEST, mirrored)


def warn_mirror_failed(region: str, project: str, error: StartifactError) -> None:
    """Say in the log that the copy of ``latest`` was not made."""
    logger.warning("%s: the copy of %s/%s was not made: %s", region, project, LATEST, error)
