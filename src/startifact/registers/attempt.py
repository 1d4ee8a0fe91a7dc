"""One attempt to change a register, in as many rounds as it takes."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import field
from functools import partial
from typing import Generic, TypeVar

from startifact.concurrency.backoff import attempts
from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.quorum import ask_until_enough
from startifact.errors import (
    IntegrityError,
    RegionsFailedError,
    RegionUnavailableError,
    StartifactError,
    UndeterminedError,
)
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_BALLOT, MAX_HISTORY_MOVES
from startifact.model.keys import project_of
from startifact.model.quorum import majority
from startifact.regions.interface import Region
from startifact.registers.reader import Acceptor, RegisterReader, highest_of
from startifact.registers.record import Accepted, Ballot, Move, RegisterRecord, record_text

V = TypeVar("V")

AGAIN = "Run it again once more regions answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Generic[V]):
    """A change that has succeeded, or that there was nothing to do."""

    accepted: Accepted[V] | None
    regions: tuple[str, ...]
    """Those that have accepted it, a majority."""

    move_id: str
    """That of this change; it is in the history unless all was as it should be."""

    failures: Mapping[str, StartifactError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who changes a register, and when."""

    moved_by: str
    now: Callable[[], str]


class Attempt(Generic[V]):
    """One change, in as many rounds as it takes."""

    def __init__(
        self,
        register: RegisterReader[V],
        propose: Callable[[Accepted[V] | None], V | None],
        author: Author,
        before_accepting: Callable[[], None],
        *,
        accepts_nothing: bool = False,
    ) -> None:
        self._register = register
        self._regions = register.regions
        self._limits = register.limits
        self._propose = propose
        self._before_accepting = before_accepting
        self._accepts_nothing = accepts_nothing
        self._author = author
        self._id = new_id()
        self._highest = 0
        self._answered: set[str] = set()
        self._failures: dict[str, StartifactError] = {}
        self.may_be_seen = False
        """Whether a region was asked to accept it."""

    @property
    def _majority(self) -> int:
        return majority(len(self._regions))

    def run(self) -> Change[V]:
        """Go through rounds until one succeeds."""
        until = time.monotonic() + self._limits.change_seconds
        for number in attempts(self._limits.channel_retry):
            change = self._round(is_first=number == 1)
            if change is not None:
                return change
            if len(self._failures) > len(self._regions) - self._majority:
                raise self._too_few()
            if time.monotonic() > until:
                break
        if self._failures:
            raise self._too_few()
        raise UndeterminedError(f"others kept changing {self._register.key}", hint=AGAIN)

    def _round(self, *, is_first: bool) -> Change[V] | None:
        """Return the change, where this round has made it."""
        acceptors = self._read(is_first=is_first)
        self._highest = 1 + max([self._highest, *(a.highest.number for a in acceptors.values())])
        at = self._ballot(acceptors)
        promises = acceptors if self._needs_no_promise(acceptors) else self._promise(acceptors, at)
        if len(promises) < self._majority:
            return None
        before = highest_of(a.accepted for a in promises.values())
        is_new = (
            before is None
            and len(acceptors) == len(self._regions)
            and not any(a.accepted for a in acceptors.values())
        )
        accepted = self._next(before, at, is_new=is_new)
        if accepted is None:
            return Change(accepted=None, regions=(), move_id=self._id, failures=self._failures)
        self._before_accepting()
        regions = self._accept(promises, accepted)
        if len(regions) < self._majority:
            return None
        late = {
            name: RegionUnavailableError(f"{name} has not answered in time")
            for name in self._regions
            if name not in regions and name not in self._failures
        }
        failures = late | self._failures
        return Change(
            accepted=accepted,
            regions=regions,
            move_id=self._id,
            failures={name: failures[name] for name in self._regions if name in failures},
        )

    def _needs_no_promise(self, acceptors: Mapping[str, Acceptor[V]]) -> bool:
        """Say whether one swap promises and accepts, as it does of one region.

        Not where a channel has no object yet: whoever removes a version lists the channels, and has
        to find those that are being created. docs/guarantees.md has the reason.
        """
        is_listed = self._register.is_mostly_absent or all(a.record for a in acceptors.values())
        return len(self._regions) == 1 and is_listed

    def _ballot(self, acceptors: Mapping[str, Acceptor[V]]) -> Ballot:
        if self._highest >= MAX_BALLOT:  # what is written has to be readable
            names = [n for n, a in acceptors.items() if a.highest.number >= MAX_BALLOT - 1]
            raise IntegrityError(
                f"{self._register.key} in {', '.join(names)} has a ballot above all others: no "
                "attempt can be above it"
            )
        return Ballot(self._highest, self._id)

    def _read(self, *, is_first: bool) -> dict[str, Acceptor[V]]:
        # A region that is slower is waited for only where the first round was not enough.
        longer = self._limits.quorum_idle_timeout_seconds
        reading = self._register.ask(
            self._majority, self._prepare, wait_seconds=None if is_first else longer
        )
        self._failures, self._answered = dict(reading.failures), set(reading.by_region)
        if len(reading.by_region) < self._majority:
            raise self._too_few()
        return dict(reading.by_region)

    def _prepare(self, region: Region, heartbeat: Heartbeat) -> Acceptor[V]:
        region.preflight(project_of(self._register.key))
        return self._register.acceptor_in(region, heartbeat)

    def _too_few(self) -> StartifactError:
        known = dict.fromkeys(self._answered, "has answered") | self._failures
        reasons = [(name, known.get(name, "has not answered in time")) for name in self._regions]
        return RegionsFailedError(
            f"{self._register.key} could not be changed: fewer than {self._majority} of "
            f"{len(self._regions)} regions took it:",
            said=reasons,
            again=AGAIN,
        )

    def _next(
        self, before: Accepted[V] | None, ballot: Ballot, *, is_new: bool
    ) -> Accepted[V] | None:
        """Return what is to be accepted under *ballot*, where *before* was accepted last.

        Where nothing was, and nothing is to be, that is accepted as well, unless every region has
        said that it *is new*: one of the others may have accepted something. Whoever has to make
        older promises void accepts nothing in any case: what was accepted under one by a minority
        meanwhile would be the highest state else.
        """
        if before is not None and before.has(self._id):
            return Accepted(ballot=ballot, history=before.history)
        value = self._propose(before)
        if value is None and before is None and (self._accepts_nothing or not is_new):
            value = self._register.codec.empty()
        history = () if before is None else before.history
        if value is not None:
            move = Move(
                id=self._id, value=value, at=self._author.now(), moved_by=self._author.moved_by
            )
            history = (move, *history)[:MAX_HISTORY_MOVES]
        return Accepted(ballot=ballot, history=history) if history else None

    def _promise(
        self, acceptors: Mapping[str, Acceptor[V]], ballot: Ballot
    ) -> dict[str, Acceptor[V]]:
        """Return what regions hold that have promised *ballot*.

        One without the object promises only where another one has promised that has a state, or
        none has one: otherwise several of them could be a majority that has forgotten it.
        """
        has_state = {name for name, a in acceptors.items() if a.accepted is not None}
        has_object = {name for name, a in acceptors.items() if a.record is not None}
        first = has_object if has_state else set(acceptors)
        promises = self._promise_in({n: a for n, a in acceptors.items() if n in first}, ballot)
        later = {n: a for n, a in acceptors.items() if n not in first}
        if later and any(a.accepted is not None for a in promises.values()):
            promises |= self._promise_in(later, ballot)
        return promises

    def _promise_in(
        self, acceptors: Mapping[str, Acceptor[V]], ballot: Ballot
    ) -> dict[str, Acceptor[V]]:
        jobs = {
            name: partial(self._promise_of, self._regions[name], a, ballot)
            for name, a in acceptors.items()
        }
        promises, failures = ask_until_enough(
            jobs, needed=min(len(jobs), self._majority), limits=self._limits, counts=bool
        )
        self._failures |= failures
        return {name: acceptor for name, acceptor in promises.items() if acceptor is not None}

    def _promise_of(
        self, region: Region, acceptor: Acceptor[V], ballot: Ballot, heartbeat: Heartbeat
    ) -> Acceptor[V] | None:
        """Return what *region* holds once it has promised; ``None`` where it has promised more."""
        register, limits = self._register, self._limits
        was_there = acceptor.record is not None
        for _ in range(limits.promise_attempts):
            heartbeat.beat()
            if acceptor.highest >= ballot or (was_there and acceptor.record is None):
                return None
            text = record_text(
                RegisterRecord(promised=ballot, accepted=acceptor.accepted), register.codec
            )
            error: RegionUnavailableError | None = None
            try:
                region.write_channel(register.key, text, acceptor.stored)
            except RegionUnavailableError as e:
                error = e  # the answer may be lost although it was done
            # Also after a success: the next write has to name the token that it has now.
            acceptor = register.acceptor_in(region, heartbeat)
            if acceptor.stored is not None and acceptor.stored.text == text:
                return acceptor
            if error is not None:
                raise error
        return None

    def _accept(
        self, promises: Mapping[str, Acceptor[V]], accepted: Accepted[V]
    ) -> tuple[str, ...]:
        """Return the regions that have *accepted* it."""
        text = record_text(
            RegisterRecord(promised=accepted.ballot, accepted=accepted), self._register.codec
        )
        jobs = {
            name: partial(self._accept_in, self._regions[name], acceptor, text, accepted.ballot)
            for name, acceptor in promises.items()
        }
        self.may_be_seen = True
        done, failures = ask_until_enough(
            jobs, needed=self._majority, limits=self._limits, counts=bool
        )
        self._failures |= failures
        return tuple(name for name in self._regions if done.get(name))

    def _accept_in(
        self, region: Region, acceptor: Acceptor[V], text: str, ballot: Ballot, heartbeat: Heartbeat
    ) -> bool:
        heartbeat.beat()
        error: RegionUnavailableError | None = None
        try:
            if region.write_channel(self._register.key, text, acceptor.stored):
                return True
        except RegionUnavailableError as e:
            error = e
        # The answer may be lost, or be the one to a second attempt.
        accepted = self._register.acceptor_in(region, heartbeat).accepted
        if accepted is not None and accepted.ballot == ballot:
            return True
        if error is not None:
            raise error
        return False


def new_id() -> str:
    """Return what identifies one change."""
    return secrets.token_hex(8)
