"""What one region holds of a register: what it has promised, and what it has accepted."""

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from startifact.errors import InputError, IntegrityError
from startifact.hints import Command, Hint
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_BALLOT, MAX_CHANNEL_BYTES, MAX_HISTORY_MOVES, MAX_ID_CHARACTERS
from startifact.model.strict_json import JsonError, parse_object

V = TypeVar("V")


class Ballot(NamedTuple):
    """What orders the attempts to change a register. No two attempts have the same."""

    number: int
    proposer: str


_REPAIR = Hint.of(
    "See what is damaged with ", Command("verify"), ", and repair it with ", Command("repair")
)

NO_BALLOT = Ballot(0, "")
"""Lower than every other one."""


class Codec(Protocol[V]):
    """How the values of one kind of register are written."""

    def to_json(self, value: V) -> dict[str, Any]:
        """Return the fields of *value*."""

    def from_json(self, fields: Mapping[str, Any]) -> V:
        """Return the value that has *fields*, among which may be others.

        Raises:
            JsonError, InputError: There is none.
        """

    def empty(self) -> V:
        """Return the value that stands for nothing."""

    def summary(self, history: "tuple[Move[V], ...]") -> dict[str, Any]:
        """Return what else stands beside the fields of the newest value, for those who read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move(Generic[V]):
    """One change of a register."""

    id: str
    """Made for this change, so that it is known again whoever has completed it."""

    value: V
    at: str
    moved_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Generic[V]):
    """The value of a register, as one ballot has set it."""

    ballot: Ballot
    history: tuple[Move[V], ...]
    """The last moves, newest first; the first one is the current one."""

    @property
    def value(self) -> V:
        """What the register holds."""
        return self.history[0].value

    def has(self, move_id: str) -> bool:
        """Say whether the move is among those that led here."""
        return any(move.id == move_id for move in self.history)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRecord(Generic[V]):
    """What one region holds of a register."""

    promised: Ballot
    """No ballot below it is accepted any more."""

    accepted: Accepted[V] | None = field(default=None)

    @property
    def highest(self) -> Ballot:
        """The highest ballot that the region knows."""
        return self.promised if self.accepted is None else max(self.promised, self.accepted.ballot)


def record_text(record: RegisterRecord[V], codec: Codec[V]) -> str:
    """Return the one line that is stored; it has as many of the last moves as there is room for.

    Raises:
        InputError: There is no room for the last one.
    """
    if record.accepted is None:
        return _line({"promised": record.promised, "accepted": None})
    moves = [_move_fields(move, codec) for move in record.accepted.history[:MAX_HISTORY_MOVES]]
    while True:
        accepted = {
            "ballot": record.accepted.ballot,
            **moves[0],
            **codec.summary(record.accepted.history),
            "history": moves,
        }
        text = _line({"promised": record.promised, "accepted": accepted})
        if len(text) <= MAX_CHANNEL_BYTES:
            return text
        if len(moves) == 1:  # nobody could read it again
            raise InputError(
                f"what is to be stored takes {len(text):,} bytes, of at most {MAX_CHANNEL_BYTES:,}",
                hint="Use shorter texts",
            )
        moves.pop()


def parse_record(text: str, codec: Codec[V], *, where: str) -> RegisterRecord[V]:
    """Return the record stored as *text*; *where* names it and its region in messages.

    Raises:
        IntegrityError: It is damaged.
    """
    try:
        if len(text) > MAX_CHANNEL_BYTES:
            raise JsonError(f"it is larger than {MAX_CHANNEL_BYTES:,} bytes")
        fields = parse_object(text)
        accepted = fields.get("accepted")
        return RegisterRecord(
            promised=_ballot(fields.get("promised")),
            accepted=None if accepted is None else _accepted(accepted, codec),
        )
    except (JsonError, InputError) as e:
        reason = e.message if isinstance(e, InputError) else str(e)
        raise IntegrityError(f"{where} is damaged: {reason}", hint=_REPAIR) from e


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n"


def _move_fields(move: Move[V], codec: Codec[V]) -> dict[str, Any]:
    return {"id": move.id, **codec.to_json(move.value), "moved-at": move.at, "by": move.moved_by}


def _accepted(value: object, codec: Codec[V]) -> Accepted[V]:
    if not isinstance(value, dict):
        raise JsonError("what was accepted is not a JSON object")
    history = value.get("history")
    if not isinstance(history, list) or not history:
        raise JsonError("it has no history")
    moves = tuple(_move(fields, codec) for fields in history)
    first = codec.to_json(moves[0].value)
    if value.get("id") != moves[0].id or codec.to_json(codec.from_json(value)) != first:
        raise JsonError("its history does not begin with what was accepted")
    return Accepted(ballot=_ballot(value.get("ballot")), history=moves)


def _move(fields: object, codec: Codec[V]) -> Move[V]:
    if not isinstance(fields, dict):
        raise JsonError("a move in its history is not a JSON object")
    return Move(
        id=_text(fields.get("id")),
        value=codec.from_json(fields),
        at=str(fields.get("moved-at", "")),
        moved_by=str(fields.get("by", "")),
    )


def _ballot(value: object) -> Ballot:
    if not isinstance(value, list) or len(value) != 2:
        raise JsonError("it has a ballot that is not a number and an id")
    number, proposer = value
    # JSON's true is an int in Python.
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number < MAX_BALLOT:
        raise JsonError("it has a ballot whose number is none that an attempt can have")
    return Ballot(number, _text(proposer))


def _text(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_ID_CHARACTERS:
        raise JsonError(f"it has an id that is not a text of 1 to {MAX_ID_CHARACTERS} characters")
    return value
