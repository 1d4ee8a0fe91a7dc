"""What a channel other than ``latest`` holds: the version that somebody has promoted to it."""

from collections.abc import Mapping, Sequence
from typing import Any

from semver import Version

from startifact.errors import InputError, NotFoundError, RemovedError
from startifact.hints import Command, Hint
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.keys import LATEST, channel_key
from startifact.model.strict_json import JsonError
from startifact.model.versions import is_same, parse_version
from startifact.regions.interface import Region
from startifact.registers.record import Accepted, Codec, Move
from startifact.registers.register import Register
from startifact.text import quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What one move of a channel has set."""

    version: Version | None
    """``None`` where the channel was removed."""

    is_rollback: bool = False


class TargetCodec(Codec[Target]):
    """How targets are stored."""

    def to_json(self, value: Target) -> dict[str, Any]:
        """Return the fields of *value*."""
        version = None if value.version is None else str(value.version)
        return {"version": version, **({"rollback": True} if value.is_rollback else {})}

    def from_json(self, fields: Mapping[str, Any]) -> Target:
        """Return the target that has *fields*."""
        version, is_rollback = fields.get("version"), fields.get("rollback", False)
        if "version" not in fields or not isinstance(is_rollback, bool):
            raise JsonError("a move in it has no version")
        if version is not None and not isinstance(version, str):
            raise JsonError("a version in it is not a text")
        return Target(
            version=None if version is None else parse_version(version), is_rollback=is_rollback
        )

    def empty(self) -> Target:
        """Return no version."""
        return Target(version=None)

    def summary(self, history: tuple[Move[Target], ...]) -> dict[str, Any]:
        """Return what the channel held before its last move."""
        before = history[1].value.version if len(history) > 1 else None
        return {"previous": None if before is None else str(before)}


def channel_register(
    regions: Sequence[Region], project: str, channel: str, *, limits: Limits
) -> Register[Target]:
    """Return the register that *channel* of *project* is.

    Raises:
        InputError: It is ``latest``, which nobody sets.
    """
    check_is_set_by_hand(channel)
    return Register(regions, channel_key(project, channel), TargetCodec(), limits=limits)


def rollback_target(state: Accepted[Target]) -> Version | None:
    """Return what the channel held before the last of its moves that has not been undone yet.

    A rollback undoes as many moves as it takes to come to its version, or, where that was undone
    before, does them again. ``None`` where the history knows of nothing before.
    """
    # What it was moved to in turn without the moves that other moves have taken the place of, and
    # where in there it is.
    versions: list[Version | None] = []
    at = -1
    all_versions: list[Version | None] = []
    for move in reversed(state.history):
        version = move.value.version
        known = [i for i, other in enumerate(versions) if is_same(other, version)]
        if move.value.is_rollback and known:
            before = [i for i in known if i <= at]
            at = before[-1] if before else known[0]
        elif move.value.is_rollback and not any(is_same(other, version) for other in all_versions):
            # It went further back than this history does: what was before is not known.
            versions, at = [version], 0
        else:
            versions = [*versions[: at + 1], version]
            at = len(versions) - 1
        all_versions.append(version)
    return versions[at - 1] if at > 0 else None


def check_is_set_by_hand(channel: str) -> None:
    """Return where *channel* is one that somebody sets.

    Raises:
        InputError: It is ``latest``.
    """
    if channel == LATEST:
        raise InputError(
            f"{LATEST} is no channel that is set by hand: it is the highest stable version",
            hint="Name another channel, such as prod",
        )


def read_version(
    regions: Sequence[Region], project: str, channel: str, *, limits: Limits
) -> Version:
    """Return the version that *channel* points at.

    Raises:
        NotFoundError: There is no such channel, or it was removed.
        SeveralRegionsError: Too few regions answered to know.
    """
    return version_of(read_state(regions, project, channel, limits=limits), project, channel)


def read_state(
    regions: Sequence[Region], project: str, channel: str, *, limits: Limits
) -> Accepted[Target]:
    """Return the state of *channel*, which may have been removed.

    Raises:
        NotFoundError: There is no such channel.
        SeveralRegionsError: Too few regions answered to know.
    """
    register = channel_register(regions, project, channel, limits=limits)
    state = state_or_none(register, project, channel)
    if state is None:
        names = ", ".join(region.name for region in regions)
        raise NotFoundError(f"{project} has no channel {channel} in {names}", hint=_which(project))
    return state


def version_of(state: Accepted[Target], project: str, channel: str) -> Version:
    """Return the version that *channel* points at in *state*.

    Raises:
        RemovedError: It was removed.
    """
    if state.value.version is None:
        move = state.history[0]
        raise RemovedError(
            f"{project} has no channel {channel}: it was removed at {quoted(move.at)} by "
            f"{quoted(move.moved_by)}",
            hint=_which(project),
        )
    return state.value.version


def _which(project: str) -> Hint:
    return Hint.of("See which channels there are with ", Command("channels", project))


def state_or_none(
    register: Register[Target], project: str, channel: str
) -> Accepted[Target] | None:
    """Return the state of *channel*; ``None`` where there is none.

    Raises:
        SeveralRegionsError: Too few regions answered to know.
    """
    reading = register.read()
    if not reading.is_known:
        raise reading.unknown(f"cannot tell the {channel} version of {project}")
    return reading.accepted
