"""The self-test workflow, run by act, which is a second opinion on the runner's ways."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.runner_step import PROJECT
from tests.ways_in.container.conftest import docker

# The name by which act looks for the image of an action in the repository itself.
TAG = "act-dockeraction:latest"
JOB_IMAGE = "python:3.13-slim"
ACT = shutil.which("act") or shutil.which("act", path=str(PROJECT / ".venv" / "bin"))


@contextlib.contextmanager
def tagged(image: str) -> Iterator[None]:
    """Give *image* that name, which other test runs on this machine want for theirs as well."""
    import fcntl  # only here: this module is loaded where there is no such lock, too

    with Path(tempfile.gettempdir(), f"startifact-act-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert docker("tag", image, TAG).returncode == 0
        try:
            yield
        finally:
            docker("rmi", "--no-prune", TAG)


@pytest.mark.skipif(ACT is None, reason="there is no act: see CONTRIBUTING.md for how to get it")
def test_self_test_workflow(image: str, tmp_path: Path) -> None:
    """The container's job in the self-test workflow succeeds."""
    assert ACT

    with tagged(image):
        done = subprocess.run(
            [
                *(ACT, "push", "--workflows", ".github/workflows/self-test.yml"),
                *("--job", "container", "--matrix", "os:ubuntu-latest"),
                *("--platform", f"ubuntu-latest={JOB_IMAGE}"),
                *("--rm", "--pull=false", "--rebuild=false", "--no-cache-server"),
                *("--container-daemon-socket", "-", "--secret", "GITHUB_TOKEN=none"),
            ],
            cwd=PROJECT,
            env={**os.environ, "HOME": str(tmp_path), "ACT_DISABLE_VERSION_CHECK": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "Job succeeded" in done.stdout
    assert "Failure - Main Stage something else under the same version" in done.stdout
