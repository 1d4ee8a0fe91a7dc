"""Deliberate breaks of each rule of the protocol for channels, which the model notices."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from startifact.channels.promotion import Promoter
from startifact.channels.targets import Target
from startifact.registers import attempt, reader
from startifact.registers.attempt import Attempt
from startifact.registers.reader import Acceptor
from startifact.registers.record import NO_BALLOT, Accepted, Ballot
from tests.model.channel_explorer import VERSIONS, ChannelExplorer, staged
from tests.model.channel_programs import Promote, Read, RollBack
from tests.model.programs import Program
from tests.model.rules import BrokenPromiseError

pytestmark = [pytest.mark.no_cover, pytest.mark.timeout(600)]

Break = Callable[[pytest.MonkeyPatch], None]

TWO = (Promote("p", "ABC", "1.1.0"), Promote("q", "ABC", "1.2.0"))
SAME = (Promote("p", "ABC", "1.1.0", "1.0.0"), Promote("q", "ABC", "1.2.0", "1.0.0"))
NONE = (Promote("p", "ABC", "1.1.0"), Promote("q", "ABC", "1.2.0", "none"))
READ = (Promote("p", "ABC", "1.1.0"), Read("r", "ABC"))
BACK = (RollBack("b", "ABC"), Promote("p", "ABC", "1.1.0"))


def no_promises(patch: pytest.MonkeyPatch) -> None:
    """A change is written without a promise, as if what was read were still there."""
    patch.setattr(Attempt, "_promise", lambda self, acceptors, ballot: acceptors)


def promises_of_one_region(patch: pytest.MonkeyPatch) -> None:
    """One promise is enough, and one acceptance."""
    patch.setattr(attempt, "majority", lambda regions: 1)


def accepted_over_everything(patch: pytest.MonkeyPatch) -> None:
    """What is accepted replaces whatever is there by then."""
    original = Attempt._accept_in

    def accept_in(
        self: Attempt[Any],
        region: Any,
        acceptor: Acceptor[Any],
        text: str,
        ballot: Ballot,
        heartbeat: Any,
    ) -> bool:
        now = self._register.acceptor_in(region, heartbeat)
        return original(self, region, now, text, ballot, heartbeat)

    patch.setattr(Attempt, "_accept_in", accept_in)


def lowest_state_goes_on(patch: pytest.MonkeyPatch) -> None:
    """A change begins with what was accepted under the lowest ballot."""
    patch.setattr(attempt, "highest_of", lowest_of)


def lowest_of(states: Iterable[Accepted[Any] | None]) -> Accepted[Any] | None:
    """Return the state with the lowest ballot."""
    known = [state for state in states if state is not None]
    return min(known, key=lambda state: state.ballot) if known else None


def expectation_before_the_promise(patch: pytest.MonkeyPatch) -> None:
    """What is expected is compared with what was read, and not with what was promised."""
    promise = Attempt._promise
    next_ = Attempt._next

    def remember(
        self: Attempt[Any], acceptors: dict[str, Acceptor[Any]], ballot: Ballot
    ) -> dict[str, Acceptor[Any]]:
        self.read_before = reader.highest_of(a.accepted for a in acceptors.values())  # type: ignore[attr-defined]
        return promise(self, acceptors, ballot)

    def next_of_read(
        self: Attempt[Any], before: Accepted[Any] | None, ballot: Ballot, *, is_new: bool
    ) -> Accepted[Any] | None:
        propose = self._propose
        self._propose = lambda _: propose(self.read_before)  # type: ignore[attr-defined]
        return next_(self, before, ballot, is_new=is_new)

    patch.setattr(Attempt, "_promise", remember)
    patch.setattr(Attempt, "_next", next_of_read)


def failure_that_is_certain(patch: pytest.MonkeyPatch) -> None:
    """A change that was sent to regions, and has failed, is reported as one that never was."""
    never = property(lambda self: False, lambda self, value: None)
    patch.setattr(Attempt, "may_be_seen", never, raising=False)


def own_move_is_not_recognised(patch: pytest.MonkeyPatch) -> None:
    """A change that others have completed is made once more."""
    patch.setattr(Accepted, "has", lambda self, move_id: False)


def reader_of_the_first_answer(patch: pytest.MonkeyPatch) -> None:
    """A reader takes what the first region holds."""
    patch.setattr(
        reader, "highest_of", lambda states: next((s for s in states if s is not None), None)
    )


def reader_of_one_region(patch: pytest.MonkeyPatch) -> None:
    """A reader is content with one region of three."""
    patch.setattr(reader, "required_to_read", lambda regions: 1)


def absent_regions_promise_always(patch: pytest.MonkeyPatch) -> None:
    """A region without the channel promises also where none that has it has promised."""
    patch.setattr(Attempt, "_promise", Attempt._promise_in)


def success_with_one_region(patch: pytest.MonkeyPatch) -> None:
    """One region that has accepted is a success."""
    original = Attempt._accept

    def accept(self: Attempt[Any], promises: Any, accepted: Any) -> tuple[str, ...]:
        regions = original(self, promises, accepted)
        return regions and tuple(self._regions)

    patch.setattr(Attempt, "_accept", accept)


def ballots_from_the_start(patch: pytest.MonkeyPatch) -> None:
    """A ballot is above nothing that was seen, and regions promise it all the same."""
    patch.setattr(Acceptor, "highest", property(lambda self: NO_BALLOT))


def rollback_of_what_was_not_seen(patch: pytest.MonkeyPatch) -> None:
    """A rollback goes back to what it chose also where the channel has moved meanwhile."""
    original = Promoter._move

    def move(self: Promoter, project: str, channel: str, propose: Any, **given: Any) -> Any:
        if "undetermined" in given:
            back = Target(version=given["version"], is_rollback=True)
            return original(self, project, channel, lambda _: back, **given)
        return original(self, project, channel, propose, **given)

    patch.setattr(Promoter, "_move", move)


def search(
    folder: Path,
    programs: tuple[Program, ...],
    channel_in: str = "ABC",
    *,
    preemptions: int | None = 2,
    failing: str = "",
    faults: int = 0,
    outages: int = 1,
    versions: tuple[str, ...] = VERSIONS[:1],
) -> None:
    stores = staged(folder, "ABC", channel_in=channel_in, versions=versions)
    ChannelExplorer(
        programs,
        folder,
        stores=stores,
        preemptions=preemptions,
        failing=failing,
        faults=faults,
        outages=outages,
    ).run()


Run = Callable[[Path], None]
MUTANTS: dict[Break, tuple[Run, set[str]]] = {
    no_promises: (partial(search, programs=SAME), {"expect", "lost", "failed", "ballots"}),
    promises_of_one_region: (partial(search, programs=SAME, failing="C"), {"expect", "lost"}),
    accepted_over_everything: (partial(search, programs=TWO), {"lost", "ballots"}),
    lowest_state_goes_on: (partial(search, programs=TWO, failing="C"), {"lost", "once"}),
    expectation_before_the_promise: (partial(search, programs=SAME), {"expect", "lost"}),
    failure_that_is_certain: (partial(search, programs=SAME, failing="C", outages=2), {"failed"}),
    own_move_is_not_recognised: (partial(search, programs=TWO, failing="C", outages=2), {"once"}),
    reader_of_the_first_answer: (partial(search, programs=READ, failing="A"), {"lost"}),
    reader_of_one_region: (partial(search, programs=READ, failing="C", faults=2), {"lost"}),
    absent_regions_promise_always: (partial(search, programs=NONE, channel_in="A"), {"expect"}),
    success_with_one_region: (partial(search, programs=TWO, faults=2), {"lost"}),
    ballots_from_the_start: (partial(search, programs=TWO), {"ballots"}),
    rollback_of_what_was_not_seen: (
        partial(search, programs=BACK, versions=("1.0.0", "1.2.0"), preemptions=1),
        {"rollback"},
    ),
}


@pytest.mark.parametrize("break_", MUTANTS, ids=lambda break_: break_.__name__)
def test_break_is_found(break_: Break, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model finds a schedule in which the break does harm."""
    run, rules = MUTANTS[break_]
    break_(monkeypatch)

    with pytest.raises(BrokenPromiseError) as caught:
        run(folder)

    assert caught.value.rule in rules
