"""Fail where a staging or a download asks, sends or takes more than it did before.

Nothing that is timed fails: times are only shown. What servers are asked is counted while each
answer takes so long that requests which wait for one another can be told from those that do not.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.cases import US, Case, Figure, Result, Run, Target, measure
from benchmarks.large import Large
from benchmarks.servers import aws, proxy
from benchmarks.small import ORGANISATIONS, Small

# Far longer than a busy machine takes to begin two requests, where both could begin at once.
ROUND_TRIP_SECONDS = 0.25
# Noise can only make what is counted greater, so that the least of the runs is what is held.
COUNTED_ROUNDS = 2
LARGE_ROUNDS = 1
COUNTED = {Figure.REQUESTS, Figure.ONE_AFTER_ANOTHER}
LARGE_MIB = 64
MOST_MEMORY_MIB = 150
# A share of the size: with 64 MiB there are some ten headers of a kilobyte each.
MOST_SENT = 1.005
MOST_SENT_WHERE_COPIED = 1.02


def cases(folder: Path) -> Iterator[Case]:
    """Yield what is looked at, with servers that last as long as the next is not asked for."""
    with aws(ORGANISATIONS) as server:
        with proxy(server, ROUND_TRIP_SECONDS, handshake_seconds=0) as far:
            small = Small(server, server.at(far.endpoint), folder, far)
            # Of a project that has a version already; see tests/faults/test_request_counts.py.
            # Whether it is being removed is asked beside the write: one more in each region.
            yield small.bucket("stage into one bucket", _counts(5, 3))
            yield small.organisation("stage into an organisation's one region", 1, _counts(11, 7))
            yield small.organisation("stage into an organisation's 3 regions", 3, _counts(33, 7))
            # Whether the version was yanked is asked of each region while the bytes are under way:
            # one request more in each of them, and none more after another.
            yield small.download("download latest from one bucket", None, _counts(4, 3))
            yield small.download("download latest from one region", 1, _counts(7, 5))
            yield small.download("download latest from 3 regions", 3, _counts(19, 5))
        with proxy(server, 0) as near:
            large = Large(server, server.at(near.endpoint), folder, LARGE_MIB, near)
            memory = Target(Figure.MEMORY, MOST_MEMORY_MIB)
            sent = Target(Figure.SENT, LARGE_MIB * MOST_SENT)
            copied = Target(Figure.SENT, LARGE_MIB * MOST_SENT_WHERE_COPIED)
            yield large.up(f"stage {LARGE_MIB} MiB into one bucket", [memory, sent])
            yield large.up_copied(
                f"stage {LARGE_MIB} MiB into three buckets, copied", [memory, copied]
            )
            yield large.down(f"download {LARGE_MIB} MiB, verified", [memory])


def _counts(requests: int, one_after_another: int) -> list[Target]:
    return [
        Target(Figure.REQUESTS, requests),
        Target(Figure.ONE_AFTER_ANOTHER, one_after_another),
    ]


def main(only: str) -> int:
    """Look at the cases with *only* in the name; return 1 where a limit is exceeded."""
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(Path(folder)):
            if only in case.name:
                rounds = LARGE_ROUNDS if "MiB" in case.name else COUNTED_ROUNDS
                result = measure(case.alone(), rounds, Path(folder))
                print(_text(result), flush=True)
                wrong += failures(result)
    for failure in wrong:
        print(f"error: {failure}", file=sys.stderr)
    return 1 if wrong else 0


def failures(result: Result) -> list[str]:
    """Return what is wrong with *result*, with what was got and what was expected."""
    case, runs = result.case, result.runs[US]
    wrong = []
    for target in case.targets:
        figure, got = target.figure, _least(target, runs)
        if figure in {*COUNTED, Figure.SENT} and not got:
            wrong.append(f"{case.name}: {figure.value}: no request was recorded")
        elif not target.is_met(got):
            amount, most = _amount(got, figure), _amount(target.limit, figure)
            asked = [f"\n  {e.method} {e.path}" for e in runs[-1].exchanges]
            wrong.append(
                f"{case.name}: {figure.value}: got {amount}, expected at most {most}"
                + (f"; the last run asked:{''.join(asked)}" if figure in COUNTED else "")
            )
    return wrong


def _least(target: Target, runs: list[Run]) -> float:
    return min(target.figure.of(run) for run in runs)


def _amount(figure: float, kind: Figure) -> str:
    return f"{figure:.2f} {kind.unit}" if kind.unit else f"{figure:.0f}"


def _text(result: Result) -> str:
    runs = result.runs[US]
    times = [Target(Figure.CPU, 0), Target(Figure.WALL, 0)]
    held = [
        f"{target.figure.value} {_amount(_least(target, runs), target.figure)}"
        f" (at most {_amount(target.limit, target.figure)})"
        for target in result.case.targets
    ]
    shown = [f"{t.figure.value} {_amount(_least(t, runs), t.figure)}" for t in times]
    return f"{result.case.name}: {', '.join([*held, *shown])}"
