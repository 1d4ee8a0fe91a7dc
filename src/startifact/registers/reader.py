"""Reading a register: what each region says of it, and what they say together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Generic, TypeVar

from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.quorum import Question
from startifact.errors import SeveralRegionsError, StartifactError, no_answer
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.keys import Key
from startifact.model.quorum import required_to_read
from startifact.regions.interface import Region, StoredChannel
from startifact.registers.record import (
    NO_BALLOT,
    Accepted,
    Ballot,
    Codec,
    RegisterRecord,
    parse_record,
)

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Acceptor(Generic[V]):
    """What one region holds of a register; ``None`` twice where it holds no object."""

    stored: StoredChannel | None = None
    record: RegisterRecord[V] | None = None

    @property
    def accepted(self) -> Accepted[V] | None:
        """What was accepted there; ``None`` where nothing was."""
        return None if self.record is None else self.record.accepted

    @property
    def highest(self) -> Ballot:
        """The highest ballot that is known there."""
        return NO_BALLOT if self.record is None else self.record.highest


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[V]):
    """What regions say of a register."""

    accepted: Accepted[V] | None
    """The state with the highest ballot; ``None`` where there is none."""

    by_region: Mapping[str, Acceptor[V]]
    failures: Mapping[str, StartifactError]
    is_known: bool
    """Whether enough regions answered: what had succeeded before is seen then."""

    regions: tuple[str, ...]
    """All of them."""

    absence_counts: bool = False
    """Whether a region without the object is one that knows."""

    def unknown(self, what: str) -> SeveralRegionsError:
        """Return the error that *what* is not known, with what each region says."""
        said = {
            name: "has it" if acceptor.record is not None else "does not have it"
            for name, acceptor in self.by_region.items()
        }
        known = said | dict(self.failures)
        counted = [self.absence_counts or a.record is not None for a in self.by_region.values()]
        answers = sum(counted)
        return no_answer(
            f"{what}: {answers} of {len(self.regions)} regions know it, "
            f"{required_to_read(len(self.regions))} are needed:",
            [(name, known.get(name, "has not answered in time")) for name in self.regions],
        )


class RegisterReader(Generic[V]):
    """The register at *key* of all *regions*, of values that *codec* writes."""

    def __init__(
        self,
        regions: Sequence[Region],
        key: Key,
        codec: Codec[V],
        *,
        limits: Limits,
        is_mostly_absent: bool = False,
    ) -> None:
        self.key = key
        self.is_mostly_absent = is_mostly_absent
        """Whether a region without the object is one that knows, and nobody lists the objects."""

        self.regions = {region.name: region for region in regions}
        self.codec = codec
        self.limits = limits

    def read(self) -> Reading[V]:
        """Return the state with the highest ballot that ``ceil(n/2)`` regions or more report.

        A region without the object is behind where another one has it, and does not count as an
        answer; where registers are mostly absent, it does.
        """
        return self.ask(required_to_read(len(self.regions)), self.acceptor_in)

    def ask(
        self,
        needed: int,
        job: Callable[[Region, Heartbeat], Acceptor[V]],
        *,
        wait_seconds: float | None = None,
    ) -> Reading[V]:
        """Return what *job* gets in each region, of which *needed* have to answer.

        The others are waited for *wait_seconds*, by default ``quorum_wait_seconds``.
        """
        with self._question(needed, job) as question:
            question.wait(then_seconds=wait_seconds)
        return self._reading(question)

    def begin(self) -> Question[Acceptor[V]]:
        """Begin to read, beside other things and without insisting; see `finish`."""
        return self._question(required_to_read(len(self.regions)), self.acceptor_in, insists=False)

    def finish(self, question: Question[Acceptor[V]], until: float) -> Reading[V]:
        """Return what was begun, as far as regions have answered by *until*."""
        question.wait(until)
        return self._reading(question)

    def _question(
        self,
        needed: int,
        job: Callable[[Region, Heartbeat], Acceptor[V]],
        *,
        insists: bool = True,
    ) -> Question[Acceptor[V]]:
        jobs = {r.name: partial(job, r) for r in self.regions.values()}
        return Question(
            jobs, needed=needed, limits=self.limits, counts=self._is_answer, insists=insists
        )

    def _reading(self, question: Question[Acceptor[V]]) -> Reading[V]:
        acceptors = question.answers
        accepted = highest_of(a.accepted for a in acceptors.values())
        is_new = accepted is None and len(acceptors) == len(self.regions)
        return Reading(
            accepted=accepted,
            by_region=acceptors,
            failures=self._in_order(question.failures),
            is_known=question.is_answered() or is_new,
            regions=tuple(self.regions),
            absence_counts=self.is_mostly_absent,
        )

    def _is_answer(self, acceptor: Acceptor[V]) -> bool:
        return self.is_mostly_absent or acceptor.record is not None

    def acceptor_in(self, region: Region, heartbeat: Heartbeat) -> Acceptor[V]:
        """Return what *region* holds.

        Raises:
            IntegrityError: It is damaged.
        """
        heartbeat.beat()
        return self._parsed(region, region.read_channel(self.key))

    def _parsed(self, region: Region, stored: StoredChannel | None) -> Acceptor[V]:
        if stored is None:
            return Acceptor()
        where = f"{self.key} in {region.name}"
        return Acceptor(stored, parse_record(stored.text, self.codec, where=where))

    def _in_order(self, by_region: Mapping[str, StartifactError]) -> dict[str, StartifactError]:
        return {name: by_region[name] for name in self.regions if name in by_region}


def highest_of(states: Iterable[Accepted[V] | None]) -> Accepted[V] | None:
    """Return the state with the highest ballot; ``None`` where there is none."""
    known = [state for state in states if state is not None]
    return max(known, key=lambda state: state.ballot) if known else None
