"""What one program does, found out by running its real code once for each history of answers.

A process is deterministic: what it asks next follows from the answers it has had. So its code is
run for each such history, alone, and remembered as an automaton.

Two histories are one when they differ only in the order in which threads that cannot notice each
other were answered: the answers of each thread are the same, and so is the order in which threads
with one and the same starter ended, since the last time that any thread did what others notice
(started one, ended the process, told one to stop, or asked for something when another was
answered). Wherever two orders meet, the real code has run in both, and what it asks, knows and
reports is compared.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from startifact.errors import RegionUnavailableError
from tests.model import rules
from tests.model.engine import Ask, Process, Raised
from tests.model.programs import Program, Report
from tests.support.memory_region import Request

START = Ask("", Request("start", ()))
LOST = Raised(RegionUnavailableError, "the answer was lost")
KEPT = 200
"""How many processes are kept where they are, to go on from there."""


Lanes = tuple[tuple[int, tuple[object, ...]], ...]
Ended = tuple[tuple[int, tuple[int, ...]], ...]


class History(NamedTuple):
    """What a process has been through: what is decided, and per thread what came after that."""

    past: object = None
    lanes: Lanes = ()
    ended: Ended = ()


@dataclass(slots=True, eq=False)
class Node:
    """A process at one point: what it waits for, what it knows, and how it ended."""

    history: History
    pending: dict[int, Ask]
    known: rules.Known
    report: Report | None
    back: "tuple[Node, int, object] | None" = None
    following: dict[tuple[int, object], "Node"] = field(default_factory=dict)


class Automaton:
    """All that one program does, found out as it is needed."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program = program
        self._folder = folder
        self._live: OrderedDict[Node, Process] = OrderedDict()
        self._nodes: dict[History, Node] = {}
        self._pasts: dict[History, int] = {}
        known = rules.known_from_the_start(program)
        if program.starts_late:
            self.root = Node(History(), {0: START}, known, None)
        else:
            self.root = self._keep(History(), self._new(), known)

    def __len__(self) -> int:
        return len(self._nodes)

    def follow(self, node: Node, number: int, answer: object) -> Node:
        """Return where the process is once thread *number* has had *answer*."""
        found = node.following.get((number, answer))
        if found is None:
            found = node.following[number, answer] = self._run(node, number, answer)
        return found

    def _run(self, node: Node, number: int, answer: object) -> Node:
        if node.pending[number] is START:
            return self._keep(History(1), self._new(), node.known, (node, number, answer))
        process = self._live.pop(node, None) or self._replay(node)
        starter, acts = process.strands[number].starter, process.acts
        others = process.pending.keys() - {number}
        ended = process.answer(number, answer)
        process.run_until_idle()
        noticed = process.acts != acts or process.pending.keys() - others - {number}
        history = self._lengthen(node.history, number, answer, starter if ended else None)
        if noticed:
            history = History(self._pasts.setdefault(history, len(self._pasts) + 2))
        known = node.known.reported(self.program, node.pending[number], answer)
        child = self._keep(history, process, known, (node, number, answer))
        for other in child.pending.keys() - (node.pending.keys() - {number}):
            rules.check_request(self.program, known, child.pending[other])
        return child

    def _lengthen(
        self, history: History, number: int, answer: object, starter: int | None
    ) -> History:
        lanes, ended = dict(history.lanes), dict(history.ended)
        lanes[number] = (*lanes.get(number, ()), answer)
        if starter is not None:
            ended[starter] = (*ended.get(starter, ()), number)
        return History(
            history.past,
            tuple(sorted(lanes.items(), key=_first)),
            tuple(sorted(ended.items(), key=_first)),
        )

    def _keep(
        self,
        history: History,
        process: Process,
        known: rules.Known,
        back: tuple[Node, int, object] | None = None,
    ) -> Node:
        report = process.report if process.ended else None
        assert report is None or isinstance(report, Report)
        node = self._nodes.get(history)
        if node is None:
            node = Node(history, dict(process.pending), known, report, back)
            self._nodes[history] = node
        else:
            assert (node.pending, node.known, node.report) == (process.pending, known, report)
        if process.ended or node in self._live:
            process.kill()
        else:
            self._live[node] = process
            if len(self._live) > KEPT:
                self._live.popitem(last=False)[1].kill()
        return node

    def _new(self) -> Process:
        process = Process(lambda: self.program.run(self._folder))
        process.run_until_idle()
        return process

    def _replay(self, node: Node) -> Process:
        """Bring a new process to where *node* is."""
        steps: list[tuple[Node, int, object]] = []
        at: Node | None = node
        while at is not None and at.back is not None:
            steps.append(at.back)
            at = at.back[0]
        process = self._new()
        for before, number, answer in reversed(steps):
            if before.pending[number] is START:
                continue
            assert process.pending == before.pending
            process.answer(number, answer)
            process.run_until_idle()
        assert process.pending == node.pending
        return process

    def close(self) -> None:
        """End every process that is kept."""
        for process in self._live.values():
            process.kill()
        self._live.clear()


def _first(pair: tuple[int, object]) -> int:
    return pair[0]
