"""Running a command to its end, with the time and the memory that it took."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LIMIT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run took; its child processes that it waited for are counted."""

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float
    """The most memory that any one of its processes had."""

    first_output_seconds: float = 0.0
    """When it said something first; when it ended where it said nothing."""

    began: float = 0.0
    """When it was started, by the clock that requests are recorded with."""


class CommandFailedError(Exception):
    """A command ended with another exit code than 0."""


def run(command: Sequence[str], environment: Mapping[str, str], said: Path) -> Usage:
    """Run *command*, which writes what it says to *said*, and return what it took.

    Raises:
        CommandFailedError: It failed, or was ended after `LIMIT_SECONDS`.
    """
    launcher = _launcher()
    ask = {"command": command, "environment": dict(environment), "said": str(said)}
    assert launcher.stdin is not None
    assert launcher.stdout is not None
    launcher.stdin.write(json.dumps(ask | {"limit": LIMIT_SECONDS}) + "\n")
    launcher.stdin.flush()
    answer = json.loads(launcher.stdout.readline())
    if code := answer.pop("code"):
        text = said.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise CommandFailedError(f"{' '.join(command)} ended with {code}: {text}")
    return Usage(**answer)


@cache
def _launcher() -> subprocess.Popen[str]:
    """Return the process that starts all commands; it ends when this one does."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__).with_name("launcher.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
