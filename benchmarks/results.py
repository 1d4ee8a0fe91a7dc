"""What was measured, as JSON: what pages and plots are made from."""

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import tools
from benchmarks.cases import US, Case, Figure, Result, Run, Target
from benchmarks.requests import critical_path


def facts(results: Sequence[Result]) -> dict[str, Any]:
    """Return everything that pages and plots need of *results*."""
    return {"machine": machine(), "cases": [case_facts(result) for result in results]}


def machine() -> dict[str, str]:
    """Return what this machine is, and the versions of what was run."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processors": f"{os.cpu_count()} x {models[0] if models else platform.machine()}",
        "system": platform.platform(),
        "Python": platform.python_version(),
        "Startifact": version("startifact"),
        "boto3": version("boto3"),
        "awscrt": _said(
            str(tools.PEERS / "python"), "-c", "import awscrt; print(awscrt.__version__)"
        ),
        "curl": _said("curl", "--version").split()[1] if tools.has_curl() else "not installed",
        "aws-cli": _said(str(tools.PEERS / "aws"), "--version").split()[0].rpartition("/")[2],
        "s5cmd": _said(str(tools.PEERS / "s5cmd"), "version").partition("-")[0],
        "rclone": _said(str(tools.rclone()), "version").splitlines()[0].rpartition(" ")[2],
    }


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def case_facts(result: Result) -> dict[str, Any]:
    """Return everything that pages and plots need of one case."""
    return {
        "name": result.case.name,
        "point": asdict(result.case.point) if result.case.point else None,
        "candidates": [
            {
                "name": candidate.name,
                "medians": {
                    figure.value: statistics.median(
                        figure.of(run) for run in result.runs[candidate.name]
                    )
                    for figure in _figures(result.case)
                },
                "spreads": {
                    figure.value: _spread([figure.of(run) for run in result.runs[candidate.name]])
                    for figure in (Figure.CPU, Figure.WALL)
                },
                "requests": _requests(result, candidate.name),
            }
            for candidate in result.case.candidates
        ],
        "ratios": _ratios(result),
        "left out": result.case.left_out,
        "targets": [_target(result, target) for target in result.case.targets],
        "timeline": _timeline(_median_run(result.runs[US])),
    }


def _median_run(runs: Sequence[Run]) -> Run:
    """Return the run that took the median time."""
    return sorted(runs, key=lambda run: run.usage.wall_seconds)[len(runs) // 2]


def _timeline(run: Run) -> dict[str, Any]:
    """Return the requests of *run*, in milliseconds since its process was started."""
    path = {id(exchange) for exchange in critical_path(run.exchanges)}
    return {
        "ended": 1000 * run.usage.wall_seconds,
        "requests": [
            asdict(exchange)
            | {
                "begin": 1000 * (exchange.begin - run.usage.began),
                "end": 1000 * (exchange.end - run.usage.began),
                "is on the critical path": id(exchange) in path,
            }
            for exchange in run.exchanges
        ],
    }


def _ratios(result: Result) -> dict[str, dict[str, Any]]:
    """Return what Startifact takes as a share of what each other command does."""
    others = [candidate.name for candidate in result.case.candidates[1:]]
    return {
        other: {
            figure.value: _spread(ratios(result, Target(figure, 0, other)))
            for figure in (Figure.CPU, Figure.WALL)
        }
        for other in others
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def _figures(case: Case) -> list[Figure]:
    first_output = [Figure.FIRST_OUTPUT] if case.first_output else []
    return [Figure.CPU, Figure.WALL, Figure.MEMORY, *first_output]


def _requests(result: Result, name: str) -> dict[str, float] | None:
    counts = {
        "in all": Figure.REQUESTS,
        "one after another": Figure.ONE_AFTER_ANOTHER,
        "at once": Figure.AT_ONCE,
        "connections": Figure.CONNECTIONS,
        "MiB sent": Figure.SENT,
    }
    medians = {
        what: statistics.median(figure.of(run) for run in result.runs[name])
        for what, figure in counts.items()
    }
    return medians if medians["in all"] else None


def _target(result: Result, target: Target) -> dict[str, Any]:
    spread = _spread(ratios(result, target))
    return {
        "figure": target.figure.value,
        "unit": target.figure.unit,
        "against": target.against,
        "limit": target.limit,
        "is least": target.is_least,
        "is met": target.is_met(spread["median"]),
        **spread,
    }


def ratios(result: Result, target: Target) -> list[float]:
    """Return what Startifact takes by round, as a share of what *target* compares it with."""
    ours = [target.figure.of(run) for run in result.runs[US]]
    if target.against is None:
        return ours
    others = [target.figure.of(run) for run in result.runs[target.against]]
    others *= len(ours) if len(others) == 1 else 1
    return [our / other for our, other in zip(ours, others, strict=True)]


def save(results: Sequence[Result], path: Path) -> None:
    """Write *results* to *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts(results), indent=1) + "\n", encoding="utf-8")
