"""How the runner cancels a step, at a moment that a test chooses."""

import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from signal import Signals
from uuid import uuid4

from tests.support.runner_step import Done
from tests.support.wire import Answer, Request, Rule, Wire
from tests.ways_in.container.conftest import RUN_SECONDS, RunnerStep, docker

Sent = Sequence[tuple[float, Signals]]
"""Signals, and how many seconds after the first one each is sent."""

RUNNER: Sent = [(0.0, Signals.SIGINT), (7.5, Signals.SIGTERM)]
"""What the runner sends when a job is cancelled or has run for too long."""

STOP = 10.0
"""When the runner kills the Docker command that has not ended by then."""


def hanging(wire: Wire, reached: threading.Event, method: str, name: str) -> Rule:
    """Return a rule that never answers certain requests for bytes, and reports the first."""

    def rule(request: Request, forward: object) -> Answer | None:
        asked = name in request.query or name in request.headers
        if request.method == method and asked and "@" in request.path:  # the probe has none
            reached.set()
            wire.closing.wait(RUN_SECONDS)
            return None
        return forward()  # type: ignore[operator,no-any-return]

    return rule


def slow_to_abort(seconds: float) -> Rule:
    """Return a rule that lets every upload's end wait."""

    def rule(request: Request, forward: object) -> Answer | None:
        if request.method == "DELETE" and "uploadId" in request.query:
            time.sleep(seconds)
        return forward()  # type: ignore[operator,no-any-return]

    return rule


@dataclass(frozen=True)
class Stopped:
    """A step that was signalled."""

    done: Done
    seconds: float
    """How long after the first signal it ended."""


def interrupted(
    step: RunnerStep, inputs: dict[str, str], sent: Sent, reached: threading.Event
) -> Stopped:
    """Start a step, signal it when it has *reached* a point, and return what was left, and when.

    The engine passes on what the Docker command is sent. No container is left.
    """
    name = f"startifact-test-{uuid4().hex}"
    try:
        with step.launch(inputs, {}, name) as process:
            assert reached.wait(RUN_SECONDS)
            began = time.monotonic()
            stdout, stderr = _stopped(process, began, sent)
            seconds = time.monotonic() - began
        left = docker("ps", "--all", "--filter", f"name={name}", "--format", "{{.Status}}").stdout
        ended = f"{process.returncode}, {seconds:.1f} s after the first signal"
        assert left == "", f"{ended}: {stderr.decode()}"
    finally:
        docker("rm", "--force", name)
    done = step.done(process.returncode, stdout.decode(), stderr.decode())
    return Stopped(done, seconds)


def _stopped(process: "subprocess.Popen[bytes]", began: float, sent: Sent) -> tuple[bytes, bytes]:
    for after, number in sent:
        try:
            return process.communicate(timeout=max(0.001, began + after - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.send_signal(number)
    try:
        return process.communicate(timeout=began + STOP - time.monotonic())
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()
