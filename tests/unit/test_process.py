"""How processes of our own end: as the interpreter ends them, and sooner."""

import atexit
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from startifact.concurrency import process

PROGRAM = """
import atexit, sys, threading, time
from startifact.concurrency import process

def late():
    time.sleep(0.3)
    sys.stdout.write("thread\\n")

class Freed:
    def __del__(self):
        sys.stderr.write("freed\\n")

freed = Freed()
freed.itself = freed
atexit.register(lambda: sys.stdout.write("first handler\\n"))
atexit.register(lambda: sys.stdout.write("last handler\\n"))
threading.Thread(target=late).start()
sys.stdout.write("main\\n")
{end}
"""
OURS, INTERPRETER = "process.end(7)", "sys.exit(7)"


def run(program: str, stdout: int = subprocess.PIPE) -> "subprocess.CompletedProcess[str]":
    """Run *program* with streams that keep what is written until they are flushed."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    return subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


def test_end_is_that_of_the_interpreter() -> None:
    """Threads, then exit handlers in their order, all of it written; only nothing is freed."""
    ours, interpreter = (run(PROGRAM.format(end=end)) for end in (OURS, INTERPRETER))

    assert ours.stdout.splitlines() == ["main", "thread", "last handler", "first handler"]
    assert interpreter.stdout == ours.stdout
    assert (ours.returncode, interpreter.returncode) == (7, 7)
    assert (ours.stderr, interpreter.stderr) == ("", "freed\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_what_cannot_be_flushed_is_reported_by_the_interpreter() -> None:
    """A full disk is said at the end, and ends the process with the interpreter's own code."""
    text = "import sys; from startifact.concurrency import process; sys.stdout.write('x');"
    with Path("/dev/full").open("w") as full:
        ours, interpreter = (run(f"{text} {end}", full.fileno()) for end in (OURS, INTERPRETER))

    assert (ours.returncode, ours.stderr) == (interpreter.returncode, interpreter.stderr)
    assert ours.returncode == 120
    assert "No space left on device" in ours.stderr


class _Ended(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return what is done in place of ending this process."""
    done: list[object] = []

    def end(code: int) -> None:
        done.append(code)
        raise _Ended

    monkeypatch.setattr(threading, "_shutdown", lambda: done.append("threads"))
    monkeypatch.setattr(atexit, "_run_exitfuncs", lambda: done.append("handlers"))
    monkeypatch.setattr(os, "_exit", end)
    return done


@pytest.mark.parametrize("kept", [True, False], ids=["open", "closed"])
def test_streams_that_were_closed(
    monkeypatch: pytest.MonkeyPatch, done: list[object], *, kept: bool
) -> None:
    """A process that has no standard output, or closed it, ends like any other."""
    with Path(os.devnull).open("w") as stream:
        if not kept:
            stream.close()
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", None)

        with pytest.raises(_Ended):
            process.end(3)

    assert done == ["threads", "handlers", 3]


def test_stream_that_cannot_be_flushed(monkeypatch: pytest.MonkeyPatch, done: list[object]) -> None:
    """The interpreter ends the process then, which tries it again and says why it cannot."""

    class Full:
        closed = False

        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())

    with pytest.raises(SystemExit) as caught:
        process.end(3)

    assert caught.value.code == 3
    assert done == ["threads", "handlers"]
