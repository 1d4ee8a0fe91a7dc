"""A step in each of the forms that the action has: in a process, in its container, composite."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from startifact.limits import Limits
from startifact.regions.directory.filelock import locked
from tests.support.composite_step import INSTALL_SECONDS, CompositeStep
from tests.support.runner_step import Step
from tests.ways_in.container.conftest import BUILD_SECONDS, RUN_SECONDS, RunnerStep, engine, image

__all__ = ["engine", "image"]


def forms(*marks: pytest.MarkDecorator) -> list[Any]:
    """Return each form, as parameters; those that take more than a process have *marks* too."""
    in_container = pytest.mark.timeout(BUILD_SECONDS + RUN_SECONDS)
    composite = pytest.mark.timeout(INSTALL_SECONDS + RUN_SECONDS)
    return [
        "process",
        pytest.param("container", marks=[pytest.mark.container, in_container, *marks]),
        pytest.param("composite", marks=[composite, *marks]),
    ]


FORMS = forms()


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of a job whose first step has installed what the others use again.

    Processes that share a test run share the installation, which takes longer than all their
    steps: the first one makes it, and the others find it in their own jobs.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_TESTRUNUID" in os.environ else base
    first = CompositeStep(shared / "first-job")
    with locked(shared / "first-job.lock", limits=Limits(lock_wait_seconds=INSTALL_SECONDS)):
        if not list(first.temp.glob("startifact-*/complete")):
            done = first.run(command="info", project="Nowhere", regions="file:nothing")
            assert done.exit_code == 3, done.stdout + done.stderr
    job = tmp_path_factory.mktemp("job")
    for environment in first.temp.glob("startifact-*"):
        (CompositeStep(job).temp / environment.name).symlink_to(environment)
    return job


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, tmp_path: Path) -> Step:
    """Return a step of each form in turn, with a workspace and files that are empty."""
    if request.param == "container":
        return RunnerStep(tmp_path / "job", request.getfixturevalue("image"))
    if request.param == "process":
        return Step(tmp_path / "job")
    step = CompositeStep(request.getfixturevalue("installed"))
    shutil.rmtree(step.workspace)
    step.workspace.mkdir()
    for path in (*step.files.iterdir(), step.summary):
        path.write_bytes(b"")
    return step
