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

from startifact.concurrency.fan_out import Failed, Round, Watch
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
from startifact.regions.interface import ChannelState, Region

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 1.0
"""How long answers that are not needed any more are still waited for."""

MAX_ATTEMPTS = 40
MAX_CHANNEL_BYTES = 4096
MAX_GENERATION = 2**53
"""Counted one by one nobody gets there; up to it, every JSON parser reads the same number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """What a channel holds. ``generation`` counts its moves, so no two are ever the same text."""

    version: Version
    generation: int
    previous: Version | None
    moved_at: str
    by: str

    def to_json(self) -> str:
        """Return the one line that is stored."""
        value = {
            "version": str(self.version),
            "generation": self.generation,
            "previous": None if self.previous is None else str(self.previous),
            "moved-at": self.moved_at,
            "by": self.by,
        }
        return json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n"


def parse_pointer(text: str, *, where: str) -> Pointer:
    """Return the pointer stored as *text*; *where* names channel and region in messages.

    A bare version is what the first Startifact kept in SSM; its generation is 0.

    Raises:
        IntegrityError: It is damaged.
    """
    try:
        if len(text) > MAX_CHANNEL_BYTES:
            raise JsonError(f"it is larger than {MAX_CHANNEL_BYTES:,} bytes")
        if not text.startswith("{"):
            return Pointer(
                version=parse_version(text), generation=0, previous=None, moved_at="", by=""
            )
        value = parse_object(text)
        generation, previous = value.get("generation"), value.get("previous")
        if not isinstance(generation, int) or isinstance(generation, bool) or generation < 1:
            raise JsonError("it has no generation")
        if generation > MAX_GENERATION:
            raise JsonError("its generation is larger than any number of moves")
        return Pointer(
            version=parse_version(value.get("version")),
            generation=generation,
            previous=None if previous is None else parse_version(previous),
            moved_at=str(value.get("moved-at", "")),
            by=str(value.get("by", "")),
        )
    except (JsonError, InputError) as e:
        raise IntegrityError(f"the channel {where} is damaged: {e}") from e


def read_pointer(
    region: Region, project: str, channel: str
) -> tuple[ChannelState | None, Pointer | None]:
    """Return what *channel* holds in one region, as stored and as read; ``None`` when absent."""
    state = region.read_channel(channel_key(project, channel))
    if state is None:
        return None, None
    return state, parse_pointer(state.text, where=f"{project}/{channel} in {region.name}")


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
    failed: list[Failed] = []
    until: float | None = None
    with Round({r.name: partial(_ask, r, project, channel) for r in regions}) as asked:
        while answer := asked.next(until):
            if isinstance(answer, Failed):
                failed.append(answer)
            elif answer.value is None:
                absent.append(answer.name)
            else:
                found[answer.name] = answer.value
            if until is None and len(found) >= needed:
                until = time.monotonic() + WINDOW_SECONDS
    if len(found) >= needed:
        return highest(found.values())
    raise _no_answer(project, channel, len(regions), found, absent, failed)


def _ask(region: Region, project: str, channel: str, watch: Watch) -> Version | None:
    watch.moved()
    _, pointer = read_pointer(region, project, channel)
    return None if pointer is None else pointer.version


def _no_answer(
    project: str,
    channel: str,
    regions: int,
    found: dict[str, Version],
    absent: list[str],
    failed: list[Failed],
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
class Mover:
    """Moves ``latest`` in one region; it only ever goes forward."""

    now: Callable[[], str]
    by: str
    pause: Callable[[float], None] = time.sleep

    def advance(
        self,
        region: Region,
        project: str,
        version: Version,
        *,
        floor: Version | None = None,
        holds: Callable[[Version], bool] = lambda _: False,
    ) -> Version | None:
        """Make ``latest`` in *region* at least *version*, and return where it is.

        *floor* is the highest ``latest`` seen in any region. Where there is no channel yet, it is
        created there or higher, and only at a version that *holds* says is complete in this
        region; else it stays absent and ``None`` is returned: the region is behind.
        """
        key = channel_key(project, LATEST)
        for attempt in range(MAX_ATTEMPTS):
            state, pointer = read_pointer(region, project, LATEST)
            target = version
            if pointer is not None and not is_later(version, pointer.version):
                return pointer.version
            if pointer is None and floor is not None and is_later(floor, version):
                if not holds(floor):
                    return None
                target = floor
            text = self._next(pointer, target).to_json()
            if self._write(region, key, text, state):
                return target
            self.pause(random.uniform(0, min(0.05 * 2**attempt, 1.0)))  # noqa: S311  # jitter
        raise RegionUnavailableError(
            f"{region.name}: {project}/{LATEST} kept changing while it was being moved"
        )

    def replace_damaged(
        self, region: Region, project: str, version: Version, damaged: ChannelState
    ) -> None:
        """Put *version* where *damaged* is, if that still is there.

        Raises:
            RegionUnavailableError: Something else is there by now.
        """
        text = self._next(None, version).to_json()
        if not self._write(region, channel_key(project, LATEST), text, damaged):
            raise RegionUnavailableError(f"{region.name}: {project}/{LATEST} changed meanwhile")

    def _next(self, pointer: Pointer | None, target: Version) -> Pointer:
        return Pointer(
            version=target,
            generation=1 if pointer is None else pointer.generation + 1,
            previous=None if pointer is None else pointer.version,
            moved_at=self.now(),
            by=self.by,
        )

    def _write(self, region: Region, key: Key, text: str, state: ChannelState | None) -> bool:
        try:
            return region.write_channel(key, text, state)
        except RegionUnavailableError:
            # The answer may be lost although the write was done.
            current = region.read_channel(key)
            if current is not None and current.text == text:
                return True
            raise

    def publish(self, region: Region, project: str) -> None:
        """Copy ``latest`` of *region* to where others read it.

        A copy that fails is logged as a warning: the channel itself has moved.
        """
        try:
            self.copy(region, project)
        except StartifactError as e:
            warn_of_copy(region.name, project, e)

    def copy(self, region: Region, project: str) -> None:
        """Copy ``latest`` of *region* to where others read it, and look again until both agree.

        Raises:
            StartifactError: It was not copied.
        """
        copied: str | None = None
        for _ in range(MAX_ATTEMPTS if region.publishes else 0):
            _, pointer = read_pointer(region, project, LATEST)
            if pointer is None or str(pointer.version) == copied:
                return
            first, copied = copied is None, str(pointer.version)
            # What was copied a moment ago may still be read as it was before: only at first can
            # the copy be trusted to be right already.
            if not first or region.published(project, LATEST) != copied:
                region.publish(project, LATEST, copied)


def warn_of_copy(region: str, project: str, error: StartifactError) -> None:
    """Say in the log that the copy of ``latest`` was not made."""
    logger.warning("%s: the copy of %s/%s was not made: %s", region, project, LATEST, error)
