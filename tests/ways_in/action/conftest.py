"""What the tests of the action share: a step, and a way to run it in this process."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest

from startifact.action.main import main
from startifact.action.workflow import Annotations
from startifact.limits import Limits
from tests.support.limits import SHORT
from tests.support.runner_step import Done, Step, dashed


class Call(Protocol):
    def __call__(
        self,
        extra: Mapping[str, str] | None = None,
        limits: Limits = SHORT,
        /,
        **inputs: str,
    ) -> Done: ...


def to_stage(step: Step, **inputs: str) -> dict[str, str]:
    """Return *inputs* of a step that stages a file; what they leave open is always the same."""
    file = {} if "path" in inputs else {"path": step.file()}
    return {"command": "stage", "project": "SugarWater", "version": "1.0.0", **file, **inputs}


@pytest.fixture
def step(tmp_path: Path) -> Step:
    """Return a step that has not begun."""
    return Step(tmp_path)


@pytest.fixture
def directories(step: Step) -> list[str]:
    """Return the spellings of three ``file:`` regions that are not there yet, where a step may."""
    return [f"file://{step.temp}/regions/{name}" for name in ("a", "b", "c")]


@pytest.fixture
def call(step: Step, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Return a function that carries out the step in this process, where it can be measured."""

    def run(
        extra: Mapping[str, str] | None = None,
        limits: Limits = SHORT,
        /,
        **inputs: str,
    ) -> Done:
        for name in [n for n in os.environ if n.startswith("INPUT_")]:
            monkeypatch.delenv(name)
        monkeypatch.delenv("STARTIFACT_CONTAINER", raising=False)
        environment = step.environment(dashed(inputs), extra)
        monkeypatch.chdir(step.workspace)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        capfd.readouterr()
        exit_code = main(Annotations(), limits)
        out, err = capfd.readouterr()
        return step.done(exit_code, out, err)

    return run
