"""Which channels a project has, and what each points at."""

import logging
from collections.abc import Sequence
from functools import partial

from semver import Version

from startifact.channels.reading import read_latest
from startifact.channels.targets import Target, channel_register, read_state, state_or_none
from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.quorum import ask_until_enough
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import (
    DeadlineError,
    InputError,
    NotFoundError,
    StartifactError,
    no_answer,
)
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.keys import LATEST, channel_key, channels_prefix
from startifact.model.quorum import required_to_read
from startifact.model.selectors import check_channel
from startifact.regions.interface import Region
from startifact.registers.record import Accepted

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMove:
    """One move of a channel."""

    version: Version | None
    """Where it was moved to; ``None`` where it was removed."""

    moved_at: str
    """RFC 3339, in UTC; remote text."""

    moved_by: str
    """As a rule the address of a workflow run; remote text."""

    is_rollback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOverview:
    """What one channel of a project points at, since when, and who has moved it."""

    project: str
    channel: str

    history: tuple[ChannelMove, ...]
    """Its last moves, newest first, at most 20; of ``latest`` only the last one is known."""

    previous: Version | None
    """What it pointed at before; ``None`` where that is nothing, or not known."""

    @property
    def version(self) -> Version | None:
        """What it points at; ``None`` where it was removed."""
        return self.history[0].version

    @property
    def moved_at(self) -> str:
        """Since when it points there."""
        return self.history[0].moved_at

    @property
    def moved_by(self) -> str:
        """Who has moved it there."""
        return self.history[0].moved_by


def list_channels(
    regions: Sequence[Region], project: str, *, limits: Limits
) -> list[ChannelOverview]:
    """Return every channel of *project*, ``latest`` first, then by name.

    Raises:
        NotFoundError: Every region said that there is none.
        SeveralRegionsError: Too few regions answered to know.
    """
    needed = required_to_read(len(regions))
    jobs = {r.name: partial(names_in, r, project) for r in regions}
    answers, failures = ask_until_enough(jobs, needed=needed, limits=limits)
    names = {name for found in answers.values() for name in found}
    if len(answers) < needed or (not names and failures):
        raise no_answer(
            f"cannot list the channels of {project}: {len(answers)} of {len(regions)} regions "
            f"answered, {needed} are needed:",
            failures.items(),
        )
    found: dict[str, ChannelOverview] = {}

    unread: dict[str, StartifactError] = {}

    def look_up(name: str) -> None:
        try:
            overview = (
                _latest(regions, project, limits)
                if name == LATEST
                else _named(regions, project, name, limits)
            )
        except DeadlineError:
            raise
        except StartifactError as e:  # the others can be shown all the same
            unread[name] = e
            return
        if overview is not None:
            found[name] = overview

    jobs_of_names = [partial(look_up, name) for name in sorted({LATEST, *names})]
    run_in_pool(jobs_of_names, workers=limits.inventory_workers, limits=limits)
    for name, error in sorted(unread.items()):
        if not found:
            raise error
        logger.warning("%s is left out: %s", channel_key(project, name), error.message)
    if not found:
        raise NotFoundError(
            f"{project} has no channels in {', '.join(r.name for r in regions)}",
            hint="Check the project's name and the regions",
        )
    return [found[name] for name in sorted(found, key=lambda name: (name != LATEST, name))]


def overview_of_channel(
    regions: Sequence[Region], project: str, channel: str, *, limits: Limits
) -> ChannelOverview:
    """Return what *channel* of *project* points at, and has pointed at; it may have been removed.

    Raises:
        NotFoundError: There is no such channel.
        SeveralRegionsError: Too few regions answered to know.
    """
    if channel != LATEST:
        state = read_state(regions, project, channel, limits=limits)
        return overview_of(state, project, channel)
    record = read_latest(regions, project, limits=limits)
    move = ChannelMove(version=record.version, moved_at=record.moved_at, moved_by=record.moved_by)
    return ChannelOverview(
        project=project, channel=LATEST, history=(move,), previous=record.previous
    )


def names_in(region: Region, project: str, heartbeat: Heartbeat) -> set[str]:
    """Return the names of the channels that *region* has an object of, promised ones included."""
    names = set()
    for key in region.channel_keys(channels_prefix(project)):
        heartbeat.beat()
        name = key.removeprefix(channels_prefix(project))
        try:
            names.add(check_channel(name))
        except InputError:  # something else's
            continue
    return names


def _named(
    regions: Sequence[Region], project: str, name: str, limits: Limits
) -> ChannelOverview | None:
    register = channel_register(regions, project, name, limits=limits)
    state = state_or_none(register, project, name)
    return None if state is None else overview_of(state, project, name)


def overview_of(state: Accepted[Target], project: str, channel: str) -> ChannelOverview:
    """Return what *state* says of *channel*."""
    moves = tuple(
        ChannelMove(
            version=move.value.version,
            moved_at=move.at,
            moved_by=move.moved_by,
            is_rollback=move.value.is_rollback,
        )
        for move in state.history
    )
    previous = moves[1].version if len(moves) > 1 else None
    return ChannelOverview(project=project, channel=channel, history=moves, previous=previous)


def _latest(regions: Sequence[Region], project: str, limits: Limits) -> ChannelOverview | None:
    try:
        return overview_of_channel(regions, project, LATEST, limits=limits)
    except NotFoundError:
        return None
