"""What ``make compare-faults`` runs still runs, and says who survives what."""

import os
import re
import subprocess
import sys

import pytest

from tests.consistency.test_ci import made
from tests.support.runner_step import PROJECT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the tools of a POSIX system")


def compare(*options: str) -> "subprocess.CompletedProcess[str]":
    command = re.findall(r"-m (scripts\.\w+)", made(["compare-faults"]))
    assert len(command) == 1
    return subprocess.run(
        [sys.executable, "-m", *command, *options],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_without_a_fault() -> None:
    """Startifact survives what has no fault; a tool that is not installed is left out."""
    done = compare("--only", "no fault, 1 MB")

    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert rows[0] == ["fault", "aws-cli", "rclone", "Startifact"]
    assert rows[2][0] == "no fault, 1 MB"
    assert rows[2][3].startswith("yes, exit 0, ")
    assert all(re.match(r"yes, exit 0, |not installed$", cell) for cell in rows[2][1:3])
    assert ("aws-cli is left out: " in done.stdout) == (rows[2][1] == "not installed")


def test_startifact_fails() -> None:
    """It fails where Startifact cannot do what has no fault, whoever else can."""
    done = compare("--only", "no fault, 1 MB", "--limit", "0.01")

    assert done.returncode == 1
    assert "Startifact fails where it has to survive: no fault, 1 MB" in done.stdout
    assert "NO, ended, 0 s" in done.stdout


def test_no_such_fault() -> None:
    """It fails where nothing is tried."""
    assert compare("--only", "no such fault").returncode == 1
