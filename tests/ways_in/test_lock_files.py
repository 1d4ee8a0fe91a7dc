"""Lock files that are not as they should be: all three ways in say the same, and exit alike."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from startifact.errors import DifferencesError, StartifactError
from startifact.reading.locking import LockCheck
from tests.support.command import run_inside
from tests.support.limits import Session
from tests.support.runner_step import Step
from tests.ways_in.action.conftest import call, directories, step

__all__ = ["call", "directories", "step"]

Ended = tuple[int, str]
"""The exit code, and everything that was said."""

Way = Callable[[str], Ended]
"""Runs one of `COMMANDS`."""

LOCK = "startifact.lock"
COMMANDS = ("download", "lock", "update", "check")


class Bad(NamedTuple):
    """A lock file that is not as it should be, or none."""

    make: Callable[[str], str | None]
    """Returns its text, made from that of a right one; ``None`` where there is none."""

    said: str
    codes: tuple[int, int, int, int]
    """How each of `COMMANDS` ends."""


BAD = {
    "no TOML": Bad(
        lambda text: f"{text}project CLI\n", "'startifact.lock' is not TOML: ", (2,) * 4
    ),
    "merged": Bad(
        lambda text: f"{text}<<<<<<< HEAD\n=======\n>>>>>>> x\n",
        "has a conflict of a merge",
        (2,) * 4,
    ),
    "newer format": Bad(
        lambda text: text.replace("format = 1", "format = 2"),
        "has the format 2, expected 1: a newer Startifact is needed",
        (2,) * 4,
    ),
    "no format": Bad(
        lambda text: text.replace("format = 1", ""), "format is missing, expected 1", (2,) * 4
    ),
    "no project": Bad(
        lambda text: text.replace('project = "CLI"', ""), "'^1': project is missing", (2,) * 4
    ),
    "sizes of one digest": Bad(
        lambda text: text + text.split("format = 1")[1].replace("^1", "1.x").replace("= 3", "= 4"),
        "size: got 4, expected 3, which the same digest has in line ",
        (2,) * 4,
    ),
    "other size": Bad(
        lambda text: text.replace("size = 3", "size = 4"),
        "CLI@1.0.0: got 3 bytes, expected 4 as CLI@^1 is locked in 'startifact.lock'",
        (7, 7, 7, 8),
    ),
    "other digest": Bad(
        lambda text: text.replace(hashlib.sha256(b"old").hexdigest(), "0" * 64),
        f"expected sha256:{'0' * 64} as CLI@^1 is locked in 'startifact.lock'",
        (7, 7, 7, 8),
    ),
    "without the project": Bad(
        lambda text: text.replace("CLI", "Tea"),
        "lock file 'startifact.lock' has no entry",
        (2, 0, 2, 2),
    ),
    "empty": Bad(
        lambda text: "format = 1\n", "lock file 'startifact.lock' has no entry", (2, 0, 2, 2)
    ),
    "absent": Bad(lambda text: None, "there is no lock file 'startifact.lock'", (9, 0, 9, 9)),
}


@pytest.fixture
def locked(step: Step, directories: list[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lock CLI@^1 to 1.0.0 in the workspace, and return the lock file."""
    monkeypatch.chdir(step.workspace)
    monkeypatch.setenv("STARTIFACT_REGIONS", " ".join(directories))
    with Session() as session:
        session.stage("CLI", "1.0.0", step.workspace / step.file(b"old"))
        session.lock("CLI", "^1")
    return step.workspace / LOCK


@pytest.fixture
def python() -> Way:
    """Return how the commands are run in Python."""

    def run(command: str) -> Ended:
        with Session() as session:
            methods: dict[str, Callable[[], object]] = {
                "download": lambda: session.get("CLI", "^1", lock_file=LOCK),
                "lock": lambda: session.lock("CLI", "^1"),
                "update": lambda: session.update_lock("CLI"),
                "check": lambda: session.check_lock("CLI"),
            }
            try:
                result = methods[command]()
            except StartifactError as e:
                return e.exit_code, e.message
            if isinstance(result, LockCheck) and result.differences:
                return DifferencesError.exit_code, result.differences[0].error.message
            return 0, ""

    return run


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Way:
    """Return how the commands are run in a shell."""
    words = {
        "download": ["download", "CLI@^1", "back", "--lock-file", LOCK],
        "lock": ["lock", "CLI@^1"],
        "update": ["lock", "--update", "CLI"],
        "check": ["lock", "--check", "CLI"],
    }

    def run(command: str) -> Ended:
        done = run_inside(capsys, words[command])
        return done.code, done.out + done.err

    return run


@pytest.fixture
def workflow(request: pytest.FixtureRequest) -> Way:
    """Return how the commands are run in a step."""
    inputs = {
        "download": {
            "command": "download",
            "project": "CLI",
            "version": "^1",
            "path": "back",
            "lock_file": LOCK,
        },
        "lock": {"command": "lock", "entries": "CLI@^1"},
        "update": {"command": "lock", "update": "true", "entries": "CLI"},
        "check": {"command": "lock", "check": "true", "entries": "CLI"},
    }
    call = request.getfixturevalue("call")

    def run(command: str) -> Ended:
        done = call({}, **inputs[command])
        assert done.outputs["exit-code"] == str(done.exit_code)
        return done.exit_code, "".join(done.errors)

    return run


@pytest.mark.parametrize("way", ["python", "shell", "workflow"])
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_lock_files(request: pytest.FixtureRequest, locked: Path, bad: Bad, way: str) -> None:
    """Each command says what is wrong, by the same exit code, and leaves the file as it is."""
    run: Way = request.getfixturevalue(way)
    text = bad.make(locked.read_text(encoding="utf-8"))
    for command, code in zip(COMMANDS, bad.codes, strict=True):
        if text is None:
            locked.unlink(missing_ok=True)
        else:
            locked.write_text(text, encoding="utf-8")

        ended, said = run(command)

        assert ended == code, (command, said)
        if code:
            assert bad.said in said
            assert not locked.exists() if text is None else locked.read_text("utf-8") == text
        assert not (locked.parent / "back").exists()
