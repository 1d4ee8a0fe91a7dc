"""The case of the container: a step as the runner starts it, from ``docker run`` to its end."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.cases import US, Candidate, Case, Figure, Target
from tests.support.runner_step import PROJECT
from tests.ways_in.container.conftest import (
    BUILD_SECONDS,
    PYTHON,
    RunnerStep,
    docker,
    why_no_engine,
)


def cases(folder: Path) -> Iterator[Case]:
    """Yield it, where a Docker engine answers; the image is built first, and removed at the end."""
    if reason := why_no_engine():
        print(f"{reason}: the container is not measured", file=sys.stderr)
        return
    image = f"startifact-bench:{os.getpid()}"
    built = docker("build", "--network=host", "--tag", image, str(PROJECT), seconds=BUILD_SECONDS)
    if built.returncode:
        print(f"the image cannot be built, and is not measured: {built.stderr}", file=sys.stderr)
        return
    try:
        yield _case(folder / "container", image)
    finally:
        docker("image", "rm", "--force", "--no-prune", image)


def _case(folder: Path, image: str) -> Case:
    step = RunnerStep(folder, image)
    name = step.file(os.urandom(1000))
    inputs = {"command": "stage", "project": "P", "path": name, "regions": "file:./artifacts"}
    variables = {"HOME": str(step.home), **step.inputs(inputs), **step.variables()}
    environment = step.translated(variables)
    engine = {n: v for n, v in os.environ.items() if n == "PATH" or n.startswith("DOCKER_")}

    def started(number: int, options: list[str], program: list[str]) -> list[str]:
        step.options = [*options, "-e", f"INPUT_VERSION=1.0.{number}"]
        step.program = program
        return step.arguments(f"startifact-bench-{os.getpid()}", environment)

    def check(number: int) -> None:
        stored = step.workspace / "artifacts" / f"P@1.0.{number}" / "artifact"
        assert stored.read_bytes() == (step.workspace / name).read_bytes(), "other bytes are stored"

    def ours(number: int) -> list[str]:
        return started(number, [], [])

    def empty(number: int) -> list[str]:
        return started(number, ["--entrypoint", PYTHON], ["-I", "-c", ""])

    everything = {**environment, **engine}
    candidates = [
        Candidate(US, ours, everything, check=check),
        Candidate("empty Python", empty, everything),
    ]
    name_of_case = "container: stage 1 KB into a directory"
    return Case(name_of_case, candidates, [Target(Figure.WALL, 1.3, "empty Python")])
