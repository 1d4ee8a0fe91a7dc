"""Two ways to run a command: inside the test, which is fast, and as a process, which is real."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.support.command import Done, run_inside

Run = Callable[..., Done]


@pytest.fixture(autouse=True)
def buffered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes write as they do for people: what cannot be written is met again at exit."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing have colours, on terminals that tests make neither."""
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command inside this process."""

    def run(*words: object) -> Done:
        return run_inside(capsys, words)

    return run


@pytest.fixture
def start(tmp_path: Path) -> Run:
    """Return a function that runs a command as a process of its own, in the test's folder."""

    def start(*words: object, command: Sequence[str] = ("-m", "startifact")) -> Done:
        done = subprocess.run(
            [sys.executable, *command, *map(str, words)],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return start


@pytest.fixture
def three(directories: list[str], monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Make three ``file:`` regions those of every command, and return their directories."""
    monkeypatch.setenv("STARTIFACT_REGIONS", ",".join(directories))
    return [Path(spec.removeprefix("file://")) for spec in directories]


def tree(folder: Path) -> list[str]:
    """Return everything below *folder*."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
