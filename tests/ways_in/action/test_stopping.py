"""The entry point as a process of its own that is sent signals."""

import signal
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.runner_step import TIMEOUT, Done, Step


@pytest.fixture
def silent_server() -> Iterator[tuple[str, threading.Event]]:
    """Return the address of a store that accepts requests and never answers, and its first one."""
    asked = threading.Event()
    kept: list[socket.socket] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                kept.append(listener.accept()[0])
            except OSError:
                return
            asked.set()

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(TIMEOUT)
    for connection in kept:
        connection.close()


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_signals(
    number: signal.Signals,
    exit_code: int,
    step: Step,
    silent_server: tuple[str, threading.Event],
) -> None:
    """A signal ends the step at once with its own exit code, one error, and outputs that say so."""
    address, asked = silent_server
    endpoint = address.replace(":", "%3A").replace("/", "%2F")
    inputs = {
        "command": "stage",
        "project": "SugarWater",
        "version": "1.0.0",
        "path": step.file(),
        "regions": f"s3://a-bucket?region=us-east-1&endpoint={endpoint}",
    }

    process = step.start(inputs)
    assert asked.wait(TIMEOUT)
    process.send_signal(number)
    done = step.finish(process)

    assert done.exit_code == exit_code
    assert done.errors == [f"stopped by {number.name}\nHint: Running the same step again is safe"]
    assert done.has_only("stopped", project="SugarWater", version="1.0.0")
    assert done.stderr == ""
    assert f"### ❌ stage `SugarWater@1.0.0` failed with exit code {exit_code}\n" in done.summary
    assert f"stopped by {number.name}" in done.summary


SLOW_TO_END = """
import sys, time
from startifact.action import process as entry
from startifact.limits import Limits

def slow(*_):
    try:
        entry.say("begun")
        time.sleep(60)
    finally:
        entry.say("ending")
        time.sleep({cleanup})
        entry.say("taken back")

entry.main = slow
sys.exit(entry.run(Limits(stop_seconds={stop_seconds})))
"""


def signalled(step: Step, numbers: list[int], *, stop_seconds: float, cleanup: float) -> Done:
    """Run a step that takes *cleanup* seconds to end, and send it one signal after the other."""
    code = SLOW_TO_END.format(stop_seconds=stop_seconds, cleanup=cleanup)
    process = step.start({}, arguments=("-I", "-u", "-X", "utf8", "-c", code))
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    process.send_signal(numbers[0])
    assert process.stdout.readline() == b"ending\n"
    for number in numbers[1:]:
        time.sleep(0.2)
        process.send_signal(number)
    return step.finish(process)


@pytest.mark.parametrize(
    ("numbers", "exit_code"),
    [
        ([signal.SIGINT, signal.SIGTERM], 130),
        ([signal.SIGTERM, signal.SIGINT], 143),
        ([signal.SIGINT, signal.SIGINT, signal.SIGINT], 130),
        ([signal.SIGTERM, signal.SIGTERM], 143),
    ],
    ids=["INT TERM", "TERM INT", "INT INT INT", "TERM TERM"],
)
def test_more_signals(numbers: list[int], exit_code: int, step: Step) -> None:
    """The first signal decides; more of them do not keep what was begun from being taken back."""
    done = signalled(step, numbers, stop_seconds=30, cleanup=1)

    name = signal.Signals(numbers[0]).name
    assert done.exit_code == exit_code
    assert done.errors == [f"stopped by {name}\nHint: Running the same step again is safe"]
    assert "taken back" in done.stdout
    assert done.stderr == ""


def test_signal_that_comes_late(step: Step) -> None:
    """What does not end by itself is ended by a signal that comes when there was time enough."""
    began = time.monotonic()

    done = signalled(step, [signal.SIGINT, signal.SIGTERM], stop_seconds=0.1, cleanup=TIMEOUT)

    assert time.monotonic() - began < TIMEOUT / 2
    assert done.exit_code == 130
    assert done.errors == ["stopped by SIGINT\nHint: Running the same step again is safe"]
    assert done.stderr == ""


REPORTED = """
import os, signal, sys
from startifact.action import process as entry
from startifact.errors import StartifactError

def fail(annotations, limits):
    entry.tell(StartifactError("it went wrong"), annotations)
    os.kill(os.getpid(), signal.SIGTERM)

entry.main = fail
sys.exit(entry.run())
"""


def test_signal_after_an_error(step: Step) -> None:
    """A step that has reported its error, and is stopped then, reports no other one."""
    done = step.finish(step.start({}, arguments=("-I", "-u", "-X", "utf8", "-c", REPORTED)))

    assert done.exit_code == 143
    assert done.errors == ["it went wrong"]
    assert "stopped by SIGTERM" in done.stdout
