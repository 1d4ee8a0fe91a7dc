"""Deliberate breaks of each rule of the protocol for channels, which the model notices.

That a change goes above the ballots that it has read costs no promise where it is broken alone:
regions still refuse a ballot that is not above what they have promised. But then a change that
nobody disturbs is refused as often as the channel has been moved, and fails. So that break is found
by a rule about those that are alone, and the refusal has a break of its own.

When a promotion reads whether its version was yanked makes no difference here, as long as it does:
that it is between promise and acceptance, and in each round, is what a prune needs, and
test_prune_mutants.py has the breaks of it.
"""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from startifact.channels import promotion
from startifact.channels.checks import check_expectation
from startifact.channels.promotion import Promoter
from startifact.channels.targets import Target, read_version
from startifact.registers import attempt, reader
from startifact.registers.attempt import Attempt
from startifact.registers.reader import Acceptor
from startifact.registers.record import NO_BALLOT, Accepted, Ballot
from tests.model.channel_explorer import VERSIONS, ChannelExplorer, staged
from tests.model.channel_programs import (
    Promote,
    PromoteLate,
    Read,
    RemoveChannel,
    RollBack,
    Yank,
)
from tests.model.programs import Program
from tests.model.rules import BrokenPromiseError

pytestmark = [pytest.mark.no_cover, pytest.mark.timeout(600)]

Break = Callable[[pytest.MonkeyPatch], None]

TWO = (Promote("p", "ABC", "1.1.0"), Promote("q", "ABC", "1.2.0"))
SAME = (Promote("p", "ABC", "1.1.0", "1.0.0"), Promote("q", "ABC", "1.2.0", "1.0.0"))
NONE = (Promote("p", "ABC", "1.1.0"), Promote("q", "ABC", "1.2.0", "none"))
READ = (Promote("p", "ABC", "1.1.0"), Read("r", "ABC"))
BACK = (RollBack("b", "ABC"), Promote("p", "ABC", "1.1.0"))
REMOVED = (RemoveChannel("d", "ABC"), Promote("p", "ABC", "1.1.0"))
REMOVED_SAME = (
    RemoveChannel("d", "ABC", expect="1.0.0"),
    Promote("p", "ABC", "1.1.0", expect="1.0.0"),
)
TWICE = (RemoveChannel("d", "ABC"), RemoveChannel("e", "ABC"))
YANKED = (Yank("y", "ABC", "1.1.0"), PromoteLate("p", "ABC", "1.1.0"))


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


class BelowNothing(Ballot):
    """A ballot that is never refused."""

    __slots__ = ()

    def __le__(self, other: object) -> bool:
        return False


def ballots_below_what_was_read(patch: pytest.MonkeyPatch) -> None:
    """A change does not go above the ballots that it has read; regions refuse as ever."""

    def ballot(self: Attempt[Any], _: dict[str, Acceptor[Any]]) -> Ballot:
        self.rounds = getattr(self, "rounds", 0) + 1  # type: ignore[attr-defined]
        return Ballot(self.rounds, self._id)  # type: ignore[attr-defined]

    patch.setattr(Attempt, "_ballot", ballot)


def lower_ballots_are_promised(patch: pytest.MonkeyPatch) -> None:
    """A change goes above the ballots that it has read; regions promise whatever they are asked."""
    original = Attempt._ballot
    patch.setattr(
        Attempt, "_ballot", lambda self, acceptors: BelowNothing(*original(self, acceptors))
    )


def removal_of_what_was_not_seen(patch: pytest.MonkeyPatch) -> None:
    """A removal compares what is expected with what it reads at first, and not in its rounds."""
    original = Promoter.remove

    def remove(self: Promoter, project: str, channel: str, *, expectation: Any) -> Any:
        version = read_version(self.regions, project, channel, limits=self.limits)
        check_expectation(project, channel, version, expectation, None)
        return original(self, project, channel)

    patch.setattr(Promoter, "remove", remove)


def removal_that_forgets(patch: pytest.MonkeyPatch) -> None:
    """A channel that is removed has no history any more, as if its objects were deleted."""
    original = Attempt._next

    def next_(self: Attempt[Any], *args: Any, **given: Any) -> Accepted[Any] | None:
        accepted = original(self, *args, **given)
        if accepted is None or accepted.value.version is not None:
            return accepted
        return Accepted(ballot=accepted.ballot, history=accepted.history[:1])

    patch.setattr(Attempt, "_next", next_)


def removal_of_nothing(patch: pytest.MonkeyPatch) -> None:
    """A removal removes once more what another one has removed meanwhile."""
    original = Promoter._move

    def move(self: Promoter, project: str, channel: str, propose: Any, **given: Any) -> Any:
        if given["version"] is None:
            return original(self, project, channel, lambda _: Target(version=None), **given)
        return original(self, project, channel, propose, **given)

    patch.setattr(Promoter, "_move", move)


def promotion_of_what_was_yanked(patch: pytest.MonkeyPatch) -> None:
    """A promotion does not look whether its version was yanked."""
    patch.setattr(promotion, "check_mark", lambda *_, **__: None)


def yank_in_one_region(patch: pytest.MonkeyPatch) -> None:
    """A yank is done once one region has accepted it."""
    success_with_one_region(patch)


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
    again: bool = False,
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
        again=again,
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
    ballots_below_what_was_read: (partial(search, programs=TWO, again=True), {"alone"}),
    lower_ballots_are_promised: (partial(search, programs=TWO), {"ballots"}),
    removal_of_what_was_not_seen: (partial(search, programs=REMOVED_SAME), {"expect"}),
    removal_that_forgets: (partial(search, programs=REMOVED), {"expect", "lost"}),
    removal_of_nothing: (partial(search, programs=TWICE), {"expect"}),
    promotion_of_what_was_yanked: (partial(search, programs=YANKED), {"yank"}),
    yank_in_one_region: (partial(search, programs=YANKED[:1], faults=2), {"lost"}),
    rollback_of_what_was_not_seen: (
        partial(search, programs=BACK, versions=("1.0.0", "1.2.0"), preemptions=1),
        {"rollback"},
    ),
}


LONG = {failure_that_is_certain, own_move_is_not_recognised}
"""What is found after thousands of states."""


@pytest.mark.parametrize(
    "break_",
    [pytest.param(b, marks=pytest.mark.exhaustive) if b in LONG else b for b in MUTANTS],
    ids=[b.__name__ for b in MUTANTS],
)
def test_break_is_found(break_: Break, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model finds a schedule in which the break does harm."""
    run, rules = MUTANTS[break_]
    break_(monkeypatch)

    with pytest.raises(BrokenPromiseError) as caught:
        run(folder)

    assert caught.value.rule in rules
