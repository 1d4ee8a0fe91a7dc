"""What is said of one version beside the version itself: that it was yanked, that it is pruned."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from semver import Version

from startifact.errors import RemovedError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_REASON_CHARACTERS, Limits
from startifact.model.keys import Key, mark_key
from startifact.model.strict_json import JsonError
from startifact.regions.interface import Region
from startifact.registers.reader import Reading
from startifact.registers.record import Codec, Move, parse_record
from startifact.registers.register import Register
from startifact.text import quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Yank:
    """That a version was taken out of the choice of ranges."""

    reason: str
    at: str
    yanked_by: str


class PruningState(StrEnum):
    """How far the removal of a version is."""

    MARKED = "marked"
    """It will be removed, unless it is used by then."""

    REMOVING = "removing"
    """It is being removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PruningMark:
    """That a version is to be removed for good."""

    state: PruningState
    not_before: str
    at: str
    decided_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is said of one version."""

    yanked: Yank | None = None
    pruning: PruningMark | None = None

    @property
    def is_being_removed(self) -> bool:
        """Whether nothing may use it any more."""
        return self.pruning is not None and self.pruning.state is PruningState.REMOVING


class MarkCodec(Codec[Mark]):
    """How marks are stored."""

    def to_json(self, value: Mark) -> dict[str, Any]:
        """Return the fields of *value*."""
        yanked, pruning = value.yanked, value.pruning
        return {
            "yanked": None
            if yanked is None
            else {"reason": yanked.reason, "at": yanked.at, "by": yanked.yanked_by},
            "pruning": None
            if pruning is None
            else {
                "state": pruning.state.value,
                "not-before": pruning.not_before,
                "at": pruning.at,
                "by": pruning.decided_by,
            },
        }

    def from_json(self, fields: Mapping[str, Any]) -> Mark:
        """Return the mark that has *fields*."""
        yanked, pruning = _texts(fields.get("yanked")), _texts(fields.get("pruning"))
        return Mark(
            yanked=None
            if yanked is None
            else Yank(reason=yanked["reason"], at=yanked["at"], yanked_by=yanked["by"]),
            pruning=None
            if pruning is None
            else PruningMark(
                state=_state(pruning["state"]),
                not_before=pruning["not-before"],
                at=pruning["at"],
                decided_by=pruning["by"],
            ),
        )

    def empty(self) -> Mark:
        """Return a mark that says nothing."""
        return Mark()

    def summary(self, history: tuple[Move[Mark], ...]) -> dict[str, Any]:  # noqa: ARG002
        """Return nothing: the mark says all."""
        return {}


class _Texts(dict[str, str]):
    def __missing__(self, name: str) -> str:
        raise JsonError(f"a mark in it has no {name}")


def _texts(fields: object) -> _Texts | None:
    if fields is None:
        return None
    if not isinstance(fields, dict) or not all(isinstance(v, str) for v in fields.values()):
        raise JsonError("a mark in it is not a JSON object of strings")
    return _Texts(fields)


def _state(text: str) -> PruningState:
    try:
        return PruningState(text)
    except ValueError:
        raise JsonError("a mark in it has a state that is not known") from None


def mark_register(
    regions: Sequence[Region], project: str, version: Version, *, limits: Limits
) -> Register[Mark]:
    """Return the register of what is said of *version*. Most versions have none."""
    return Register(
        regions, mark_key(project, version), MarkCodec(), limits=limits, is_mostly_absent=True
    )


def mark_in_region(region: Region, project: str, version: Version) -> Mark:
    """Return what *region* by itself says of *version*; an empty mark where it says nothing.

    Raises:
        IntegrityError: What it says is damaged.
    """
    key = mark_key(project, version)
    stored = region.read_channel(key)
    if stored is None:
        return Mark()
    record = parse_record(stored.text, MarkCodec(), where=f"{key} in {region.name}")
    return Mark() if record.accepted is None else record.accepted.value


def mark_in(reading: Reading[Mark]) -> Mark:
    """Return the mark that was read; an empty one where there is none."""
    return Mark() if reading.accepted is None else reading.accepted.value


def known_mark(reading: Reading[Mark], key: Key, *, hint: str) -> Mark:
    """Return the mark that was read of the version at *key*, which is to be used anew.

    Raises:
        RemovedError: Any region says that it is being removed, whatever others say; *hint* says
            what to do then.
        SeveralRegionsError: Too few regions answered to know.
    """
    if is_being_removed(reading):
        raise RemovedError(f"{key} is being removed", hint=hint)
    if not reading.is_known:
        raise reading.unknown(f"cannot tell whether {key} was yanked")
    return mark_in(reading)


def yanked_message(key: Key, yank: Yank) -> str:
    """Return the message that the version at *key* was yanked, and why."""
    return f"{key} was yanked: {quoted(yank.reason, MAX_REASON_CHARACTERS)}"


def not_known_message(key: Key) -> str:
    """Return the message that it is not known whether the version at *key* was yanked."""
    return f"it is not known whether {key} was yanked"


def is_being_removed(reading: Reading[Mark]) -> bool:
    """Say whether any region says that the version is being removed, whatever others say."""
    states = [acceptor.accepted for acceptor in reading.by_region.values()]
    return any(state is not None and state.value.is_being_removed for state in states)
