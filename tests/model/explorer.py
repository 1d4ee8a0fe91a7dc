"""Every schedule of a few programs, each state looked at once.

What several programs do together is searched on their automata and on immutable states, depth
first, until no state is left that has not been seen.

A crash needs no step of its own. A process that is dead is one that is not scheduled any more, and
every state is visited in which any of them have stopped anywhere while the others went on. In each,
every staging is run again, by itself, to its end. What was on its way when its process died arrives
in the states in which that thread has had one more answer.
"""

import gc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest

from tests.model import rules
from tests.model.automaton import LOST, START, Automaton, Node
from tests.model.engine import Ask, resolved, serve
from tests.model.programs import Program, Report, Stage
from tests.support.memory_region import Request, StoreState

T = TypeVar("T")


def each(searches: Mapping[str, object], *longest: str) -> pytest.MarkDecorator:
    """Return what runs a test once for each of *searches*, as its ``search``.

    The *longest* are left to `make exhaustive`.
    """
    assert set(longest) <= searches.keys()
    return pytest.mark.parametrize(
        "search",
        [
            pytest.param(search, marks=pytest.mark.exhaustive if name in longest else [], id=name)
            for name, search in searches.items()
        ],
    )


class State(NamedTuple):
    """All of them at one moment. Equal states have equal futures."""

    stores: tuple[StoreState, ...]
    nodes: tuple[Node, ...]
    began: tuple[frozenset[int] | None, ...]
    """For each program that starts late, which ones had succeeded by then."""

    faults: int
    """How many answers may still be lost."""

    last: int = -1
    preemptions: int = 0
    outages: int = 0
    """How often the failing region may still go down."""

    is_down: bool = False


class Step(NamedTuple):
    """One thread of one program has its call answered, or served and the answer lost, or not.

    Or, of no program, the failing region goes ``down`` or ``up``.
    """

    program: int
    thread: int
    kind: str = "served"


DOWN, UP = Step(-1, -1, "down"), Step(-1, -1, "up")


@dataclass(slots=True)
class Explored:
    """How much was looked at, and how much was left when the search ended."""

    states: int = 0
    steps: int = 0
    ends: int = 0
    stores: int = 0
    histories: int = 0
    left: int = 0
    reports: frozenset[tuple[str, str]] = frozenset()
    """Which programs ended in which way."""


class Explorer:
    """Searches what *programs* do together, beginning with *stores*.

    With *faults*, so many calls in one schedule may fail: before anything was done, or after, with
    the answer lost. The *failing* region goes down, as soon or as late as may be, and comes back,
    so many *outages*; what it is doing when it goes down may be done or not. With *preemptions*, a
    program is taken off while it could go on at most so many times. Calls of the threads of one
    program to several regions change nothing for each other: *in_order* they are answered one after
    the other, in the order in which the threads began.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        folder: Path,
        *,
        stores: Mapping[str, StoreState] | None = None,
        faults: int = 0,
        preemptions: int | None = None,
        failing: str = "",
        outages: int = 1,
        in_order: bool = False,
    ) -> None:
        self.programs = list(programs)
        self._failing = failing
        self._outages = outages if failing else 0
        self._in_order = in_order
        self.names = sorted({region for program in programs for region in program.regions})
        self.explored = Explored()
        self._reports: set[tuple[str, str]] = set()
        self._automata = [Automaton(program, folder) for program in programs]
        self._start = tuple((stores or {}).get(name, StoreState()) for name in self.names)
        # Regions that begin alike and are all used by everybody: none is behind.
        self._is_steady = rules.is_one_list(programs) and len(set(self._start)) == 1
        self._faults = faults
        self._preemptions = preemptions
        self._served: dict[tuple[StoreState, Request], tuple[StoreState, object]] = {}
        self._states_by_value: dict[StoreState, StoreState] = {}
        self._ended_again: set[tuple[StoreState, ...]] = set()

    def run(self) -> Explored:
        """Visit every state, and return how many there were.

        Raises:
            BrokenPromiseError: A promise was broken; its notes are the schedule.
        """
        first = State(
            self._start,
            tuple(a.root for a in self._automata),
            (None,) * len(self.programs),
            self._faults,
            outages=self._outages,
        )
        self._check_stores(first.stores)
        visited = {first}
        path: list[tuple[State, Iterator[Step], Step | None]] = [(first, self._steps(first), None)]
        step: Step | None = None
        thresholds = gc.get_threshold()
        # States are kept to the end: looking through them all the time takes a fifth of it.
        gc.set_threshold(5_000, 20, 1_000)
        try:
            while path:
                (state, steps, _), step = path[-1], None
                step = next(steps, None)
                if step is None:
                    path.pop()
                    continue
                after = self._take(state, step)
                self.explored.steps += 1
                if after not in visited:
                    visited.add(after)
                    path.append((after, self._steps(after), step))
        except rules.BrokenPromiseError as e:
            self._note(e, [*path, (state, steps, step)])
            raise
        finally:
            gc.set_threshold(*thresholds)
            for automaton in self._automata:
                automaton.close()
        self.explored.reports = frozenset(self._reports)
        self.explored.states = len(visited)
        self.explored.stores = len(self._ended_again)
        self.explored.histories = sum(len(a) for a in self._automata)
        self.explored.left = len(path)
        return self.explored

    def _steps(self, state: State) -> Iterator[Step]:
        """Yield what can happen next."""
        ended = True
        for index, node in enumerate(state.nodes):
            for thread, ask in sorted(node.pending.items())[: 1 if self._in_order else None]:
                ended = False
                if self._is_one_too_many(state, index):
                    continue
                if state.is_down and ask.region == self._failing:
                    yield Step(index, thread, "refused")
                    continue
                yield Step(index, thread)
                if state.faults and ask is not START:
                    yield Step(index, thread, "refused")
                if (state.faults or self._may_go_down(state, ask)) and (
                    ask.request.verb in rules.WRITES
                ):
                    yield Step(index, thread, "lost")
        if state.is_down:
            yield UP
        elif state.outages and not ended:
            yield DOWN
        if ended:
            self.explored.ends += 1
            self._check_end(state)

    def _may_go_down(self, state: State, ask: Ask) -> bool:
        return bool(state.outages) and ask.region == self._failing

    def _is_one_too_many(self, state: State, index: int) -> bool:
        return (
            self._preemptions is not None
            and self._is_preemption(state, index)
            and state.preemptions >= self._preemptions
        )

    def _is_preemption(self, state: State, index: int) -> bool:
        return state.last not in {-1, index} and bool(state.nodes[state.last].pending)

    def _take(self, state: State, step: Step) -> State:
        """Return the state after *step*, which has kept every promise."""
        if step in {DOWN, UP}:
            is_down = step == DOWN
            return state._replace(is_down=is_down, outages=state.outages - is_down)
        index = step.program
        node = state.nodes[index]
        ask = node.pending[step.thread]
        last, preemptions = -1, 0
        if self._preemptions is not None:
            last, preemptions = index, state.preemptions + self._is_preemption(state, index)
        if ask is START:
            child = self._automata[index].follow(node, step.thread, None)
            began = frozenset(i for i, n in enumerate(state.nodes) if _succeeded(n.report))
            return state._replace(
                nodes=_replace(state.nodes, index, child),
                began=_replace(state.began, index, began),
                last=last,
                preemptions=preemptions,
            )
        at = self.names.index(ask.region)
        store, answer = state.stores[at], object()
        if step.kind != "refused":
            request = resolved(ask.request, self._by_name(state.stores))
            store, answer = self._serve(ask.region, store, request)
        stores = _replace(state.stores, at, store)
        if answer is True:
            first = self._by_name(self._start)
            rules.check_move(self.programs[index], ask, self._by_name(stores), first)
        child = self._automata[index].follow(
            node, step.thread, answer if step.kind == "served" else LOST
        )
        is_failing = ask.region == self._failing
        goes_down = step.kind == "lost" and is_failing
        after = state._replace(
            stores=stores,
            nodes=_replace(state.nodes, index, child),
            faults=state.faults - (step.kind != "served" and not is_failing),
            last=last,
            preemptions=preemptions,
            is_down=state.is_down or goes_down,
            outages=state.outages - goes_down,
        )
        if stores != state.stores:
            self._check_stores(stores)
        if node.report is None and child.report is not None:
            self._check_report(after, index, child.report)
        return after

    def _serve(self, region: str, store: StoreState, request: Request) -> tuple[StoreState, object]:
        served = self._served.get((store, request))
        if served is None:
            after, answer = serve(store, request)
            rules.check_change(region, request, store, after)
            served = self._states_by_value.setdefault(after, after), answer
            self._served[store, request] = served
        return served

    def _check_report(self, state: State, index: int, report: Report) -> None:
        self._reports.add((self.programs[index].name, report.end))
        program, stores = self.programs[index], self._by_name(state.stores)
        calm = state.faults == self._faults
        rules.check_report(program, report, stores, calm=calm and self._is_steady)
        began = state.began[index]
        if began is not None:
            known = {
                self.programs[i]: frozenset(self.programs[j] for j in state.began[i] or ())
                for i in range(len(self.programs))
            }
            before = frozenset(self.programs[i] for i in began)
            rules.check_reader(
                program, report, rules.promises_to(program, known, before), calm=calm
            )

    def _check_stores(self, stores: tuple[StoreState, ...]) -> None:
        """Stop everybody here, and stage each again."""
        if stores in self._ended_again:
            return
        self._ended_again.add(stores)
        before = self._by_name(stores)
        for program, automaton in zip(self.programs, self._automata, strict=True):
            if isinstance(program, Stage):
                report, after = self._run_alone(automaton, dict(before))
                rules.check_again(program, report, before, after)

    def _run_alone(
        self, automaton: Automaton, stores: dict[str, StoreState]
    ) -> tuple[Report, dict[str, StoreState]]:
        node = automaton.root
        while node.report is None:
            thread = min(node.pending)
            ask = node.pending[thread]
            request = resolved(ask.request, stores)
            store, answer = self._serve(ask.region, stores[ask.region], request)
            stores[ask.region] = store
            node = automaton.follow(node, thread, answer)
        return node.report, stores

    def _check_end(self, state: State) -> None:
        if state.faults == self._faults:
            reports = [node.report for node in state.nodes]
            rules.check_end(
                list(zip(self.programs, reports, strict=True)),
                self._by_name(self._start),
                self._by_name(state.stores),
            )

    def _by_name(self, stores: tuple[StoreState, ...]) -> dict[str, StoreState]:
        return dict(zip(self.names, stores, strict=True))

    def _note(
        self, error: rules.BrokenPromiseError, path: list[tuple[State, Iterator[Step], Step | None]]
    ) -> None:
        """Tell the schedule that led to *error*."""
        for (state, _, _), (_, _, step) in pairwise(path):
            if step in {DOWN, UP}:
                error.add_note(f"{self._failing} goes {step.kind}")
            elif step is not None:
                ask = state.nodes[step.program].pending[step.thread]
                name = self.programs[step.program].name
                error.add_note(
                    f"{name}: {ask.request.verb} {ask.request.args[:1]} in {ask.region} {step.kind}"
                )


def _succeeded(report: Report | None) -> bool:
    return report is not None and report.end in {"staged", "repaired", "done", "unchanged"}


def _replace(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    return (*items[:index], item, *items[index + 1 :])
