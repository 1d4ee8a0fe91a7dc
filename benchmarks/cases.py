"""What is measured: cases, each with commands that do the same and what Startifact has to reach."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from benchmarks.process import Usage
from benchmarks.requests import Exchange
from benchmarks.servers import Proxy

US = "Startifact"


class Figure(Enum):
    """What of a run is compared."""

    CPU = "CPU"
    WALL = "time"
    MEMORY = "memory"

    def of(self, usage: Usage) -> float:
        """Return the figure of one run, in seconds or MiB."""
        match self:
            case Figure.CPU:
                return usage.cpu_seconds
            case Figure.WALL:
                return usage.wall_seconds
            case Figure.MEMORY:
                return usage.peak_mib

    @property
    def unit(self) -> str:
        """The unit."""
        return "MiB" if self is Figure.MEMORY else "s"


@dataclass(frozen=True)
class Target:
    """What Startifact may take at most: a share of what *against* takes, or an amount."""

    figure: Figure
    at_most: float
    against: str | None = None


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


@dataclass(frozen=True)
class Case:
    """Commands that do the same, of which the first is Startifact's, and its targets."""

    name: str
    candidates: list[Candidate]
    targets: list[Target]
    proxy: Proxy | None = None
    """What stands in front of the server, and records the requests."""


@dataclass
class Result:
    """What the runs of a case took, by candidate."""

    case: Case
    usages: dict[str, list[Usage]] = field(default_factory=dict)
    exchanges: dict[str, list[Exchange]] = field(default_factory=dict)
    """The requests of the last run."""
