"""What is measured: cases, each with commands that do the same and what Startifact has to reach."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from benchmarks import process
from benchmarks.process import Usage
from benchmarks.requests import (
    Exchange,
    connections,
    critical_path,
    most_at_once,
    sent_bytes,
)
from benchmarks.servers import Proxy

US = "Startifact"
MIB = 1 << 20


@dataclass(frozen=True)
class Run:
    """What one run of a command took, and its requests where a proxy recorded them."""

    usage: Usage
    exchanges: list[Exchange]


class Figure(Enum):
    """What of a run is compared."""

    CPU = "CPU"
    WALL = "time"
    FIRST_OUTPUT = "time to the first line"
    MEMORY = "memory"
    REQUESTS = "requests"
    ONE_AFTER_ANOTHER = "requests one after another"
    AT_ONCE = "requests at once"
    BEFORE_FIRST_OUTPUT = "requests before the first line"
    CONNECTIONS = "connections"
    SENT = "sent"

    def of(self, run: Run) -> float:
        """Return the figure of one run, in its unit."""
        match self:
            case Figure.CPU:
                return run.usage.cpu_seconds
            case Figure.WALL:
                return run.usage.wall_seconds
            case Figure.FIRST_OUTPUT:
                return run.usage.first_output_seconds
            case Figure.MEMORY:
                return run.usage.peak_mib
            case _:
                return self._counted(run)

    def _counted(self, run: Run) -> float:
        match self:
            case Figure.ONE_AFTER_ANOTHER:
                return len(critical_path(run.exchanges))
            case Figure.AT_ONCE:
                return most_at_once(run.exchanges)
            case Figure.BEFORE_FIRST_OUTPUT:
                first = run.usage.began + run.usage.first_output_seconds
                return sum(exchange.begin < first for exchange in run.exchanges)
            case Figure.CONNECTIONS:
                return connections(run.exchanges)
            case Figure.SENT:
                return sent_bytes(run.exchanges) / MIB
            case _:
                return len(run.exchanges)

    @property
    def unit(self) -> str:
        """The unit, which is empty for what is counted."""
        match self:
            case Figure.CPU | Figure.WALL | Figure.FIRST_OUTPUT:
                return "s"
            case Figure.MEMORY | Figure.SENT:
                return "MiB"
            case _:
                return ""


@dataclass(frozen=True)
class Target:
    """What Startifact may take at most: a share of what *against* takes, or an amount."""

    figure: Figure
    limit: float
    against: str | None = None
    is_least: bool = False
    """Whether it has to be reached, and may be exceeded."""

    def is_met(self, figure: float) -> bool:
        """Say whether *figure* is within the limit."""
        return figure >= self.limit if self.is_least else figure <= self.limit


def _nothing(_: int) -> None:
    return


@dataclass(frozen=True)
class Candidate:
    """A command that is measured; each of its runs has a number, which names what it stores."""

    name: str
    command: Callable[[int], list[str]]
    environment: Mapping[str, str]
    prepare: Callable[[int], None] = _nothing
    """Called before each run."""

    check: Callable[[int], None] = _nothing
    """Called after each run; it raises where what arrived is not what was sent."""

    runs_once: bool = False
    """Whether one run has to do, beside all those of the others, as it takes minutes."""


@dataclass(frozen=True)
class Point:
    """Where a case stands among those that differ from it in one number, for a plot of them all."""

    what: str
    along: str
    """What the number is: of MiB, or of regions."""

    at: int


@dataclass(frozen=True)
class Case:
    """Commands that do the same, of which the first is Startifact's, and its targets."""

    name: str
    candidates: list[Candidate]
    targets: list[Target]
    proxy: Proxy | None = None
    """What stands in front of the server, and records the requests."""

    point: Point | None = None
    first_output: bool = False
    """Whether the time until a command prints something is a matter of its own."""

    warms_up: bool = True
    """Whether there is a run before those that count: of many seconds, starting is a small part."""

    left_out: Mapping[str, str] = field(default_factory=dict)
    """Other tools that cannot be compared with here, and why."""

    def alone(self) -> "Case":
        """Return this case without other commands, and without the targets beside them."""
        targets = [target for target in self.targets if target.against is None]
        return replace(self, candidates=self.candidates[:1], targets=targets)


@dataclass
class Result:
    """What the runs of a case took, by candidate."""

    case: Case
    runs: dict[str, list[Run]] = field(default_factory=dict)


def measure(case: Case, rounds: int, folder: Path) -> Result:
    """Run every command of *case* in turn *rounds* times, once to warm up before it if it does."""
    result = Result(case)
    for number in range(0 if case.warms_up else 1, rounds + 1):
        # Another one goes first in each round.
        shift = (number - 1) % len(case.candidates) if number else 0
        for candidate in case.candidates[shift:] + case.candidates[:shift]:
            if candidate.runs_once and number != 1:
                continue
            candidate.prepare(number)
            if case.proxy:
                case.proxy.take()
            usage = process.run(candidate.command(number), candidate.environment, folder / "said")
            exchanges = case.proxy.take() if case.proxy else []
            candidate.check(number)
            if number:
                result.runs.setdefault(candidate.name, []).append(Run(usage, exchanges))
    return result
