"""The entry point as a process of its own: signals, bugs, hostile surroundings."""

import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from startifact.action import main as module
from startifact.errors import StartifactError
from startifact.progress import Progress
from tests.action.conftest import Call
from tests.runner_step import ACTION, TIMEOUT, Done, Step

HOSTILE_TEXT = (
    "\n::set-output name=version::evil\r::error::x\n##[add-mask]a\u2028::stop-commands::t"
)


def staging(step: Step, regions: str = "file:artifacts", **more: str) -> dict[str, str]:
    return {
        "command": "stage",
        "project": "SugarWater",
        "version": "1.0.0",
        "path": step.file(),
        "regions": regions,
        **more,
    }


def test_happy_path(step: Step) -> None:
    """A step that succeeds writes no command, nothing to standard error, and all its outputs."""
    done = step.run(**staging(step))

    assert done.exit_code == 0, done.stdout + done.stderr
    assert done.commands == []
    assert done.stderr == ""
    assert set(done.outputs) == set(ACTION["outputs"])
    assert done.outputs["created"] == "true"


def test_in_aws(step: Step, cloud: object) -> None:
    """A step works with regions that the organisation configuration names, and stays quiet."""
    done = step.run({"AWS_PROFILE": "", "AWS_SESSION_TOKEN": " "}, **staging(step, regions=""))

    assert done.exit_code == 0, done.stdout + done.stderr
    assert done.outputs["uri"].startswith("s3://")
    assert done.commands == []
    assert done.stderr == ""


def test_mistake(step: Step) -> None:
    """A mistake is one error annotation, and nothing else is in the log."""
    done = step.run(command="stage", project="..", version="1.1", path="x")

    assert done.exit_code == 2
    assert len(done.errors) == 1
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""
    assert done.outputs == {}


@pytest.mark.parametrize(
    ("output", "exit_code"), [("", 2), ("../gone", 9), (".", 9)], ids=["unset", "gone", "folder"]
)
def test_output_file(output: str, exit_code: int, step: Step) -> None:
    """Without a file for the outputs the step fails before it does anything, and names it."""
    done = step.run({"GITHUB_OUTPUT": output}, **staging(step))

    assert done.exit_code == exit_code
    assert [command.name for command in done.commands] == ["error"]
    assert "GITHUB_OUTPUT" in done.errors[0]
    assert not (step.workspace / "artifacts").exists()


def test_leaky_environment(step: Step) -> None:
    """What a job puts into the environment and the workspace does not get into the program."""
    for name in ("json", "boto3", "yaml", "startifact", "sitecustomize"):
        for folder in (step.workspace, step.workspace / "src"):
            folder.mkdir(exist_ok=True)
            (folder / f"{name}.py").write_text("raise SystemExit('imported')")
    leaks = {
        "PATH": "/home/runner/.local/bin",
        "PYTHONPATH": str(step.workspace / "src"),
        "PYTHONHOME": "/nowhere",
        "PYTHONIOENCODING": "ascii",
        "PYTHONSTARTUP": str(step.workspace / "json.py"),
        "LC_ALL": "xx",
        "LANG": "xx",
    }

    done = step.run(leaks, **staging(step, metadata="greeting=Grüße"))

    assert done.exit_code == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.outputs["metadata"] == '{"greeting":"Grüße"}'


def test_without_the_interpreter_s_options(step: Step) -> None:
    """Started plainly where the environment says ASCII, it can say everything all the same."""
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"}

    done = step.finish(
        step.start(
            staging(step, regions="file:Grüße"), ascii_only, arguments=("-m", "startifact.action")
        )
    )

    assert done.exit_code == 0, done.stdout + done.stderr
    assert "file:Grüße: created" in done.stdout


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
    """A signal ends the step at once with its own exit code, one error and no outputs."""
    address, asked = silent_server
    endpoint = address.replace(":", "%3A").replace("/", "%2F")
    inputs = staging(step, regions=f"s3://a-bucket?region=us-east-1&endpoint={endpoint}")

    process = step.start(inputs)
    assert asked.wait(TIMEOUT)
    process.send_signal(number)
    done = step.finish(process)

    assert done.exit_code == exit_code
    assert done.errors == [f"stopped by {number.name}\nHint: Running the same step again is safe"]
    assert done.outputs == {}
    assert done.stderr == ""


SLOW_TO_END = """
import sys, time
from startifact import signals
from startifact.action import process as entry

signals.PATIENCE_SECONDS = {patience}

def slow(*_):
    try:
        entry.say("begun")
        time.sleep(60)
    finally:
        entry.say("ending")
        time.sleep({cleanup})
        entry.say("taken back")

entry.main = slow
sys.exit(entry.run())
"""


def signalled(step: Step, numbers: list[int], *, patience: float, cleanup: float) -> Done:
    """Run a step that takes *cleanup* seconds to end, and send it one signal after the other."""
    code = SLOW_TO_END.format(patience=patience, cleanup=cleanup)
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
    done = signalled(step, numbers, patience=30, cleanup=1)

    name = signal.Signals(numbers[0]).name
    assert done.exit_code == exit_code
    assert done.errors == [f"stopped by {name}\nHint: Running the same step again is safe"]
    assert "taken back" in done.stdout
    assert done.stderr == ""


def test_signal_that_comes_late(step: Step) -> None:
    """What does not end by itself is ended by a signal that comes when there was time enough."""
    began = time.monotonic()

    done = signalled(step, [signal.SIGINT, signal.SIGTERM], patience=0.1, cleanup=TIMEOUT)

    assert time.monotonic() - began < TIMEOUT / 2
    assert done.exit_code == 130
    assert done.errors == ["stopped by SIGINT\nHint: Running the same step again is safe"]
    assert done.stderr == ""


TOLD = """
import os, signal, sys
from startifact.action import process as entry

def fail(annotations):
    entry.tell(entry.StartifactError("it went wrong"), annotations)
    os.kill(os.getpid(), signal.SIGTERM)

entry.main = fail
sys.exit(entry.run())
"""


def test_signal_after_an_error(step: Step) -> None:
    """A step that has told its error, and is stopped then, tells no other one."""
    done = step.finish(step.start({}, arguments=("-I", "-u", "-X", "utf8", "-c", TOLD)))

    assert done.exit_code == 143
    assert done.errors == ["it went wrong"]
    assert "stopped by SIGTERM" in done.stdout


CRASH = f"""
import sys, threading
from startifact.action import process as entry

class Broken:
    def __del__(self):
        raise ValueError({HOSTILE_TEXT!r})

def crash(_):
    def in_thread():
        raise ValueError({HOSTILE_TEXT!r})
    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    Broken()
    import logging, warnings
    logging.getLogger("somebody.else").error({HOSTILE_TEXT!r})
    warnings.warn({HOSTILE_TEXT!r})
    raise KeyError({HOSTILE_TEXT!r})

entry.main = crash
sys.exit(entry.run())
"""


@pytest.mark.parametrize("debug", ["", "1"])
def test_bug_anywhere(debug: str, step: Step) -> None:
    """
    A bug that nobody caught is one error. Tracebacks come with debug logging, and do nothing.
    """
    ran = subprocess.run(
        [sys.executable, "-I", "-u", "-X", "utf8", "-c", CRASH],
        cwd=step.workspace,
        env=step.environment({}, {"RUNNER_DEBUG": debug}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )

    done = step.done(ran.returncode, ran.stdout.decode(), ran.stderr.decode())
    assert done.exit_code == 1
    assert [command.name for command in done.commands] == ["error"]
    assert done.errors[0].startswith("this is a bug in Startifact: KeyError")
    assert done.stderr == ""
    assert done.stdout.count("Traceback") == (3 if debug else 0)


@pytest.mark.parametrize("debug", ["", "1"])
def test_bug(debug: str, step: Step, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in what the step does is one error that says so, with exit code 1."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError(HOSTILE_TEXT)

    monkeypatch.setattr(module, "carry_out", broken)

    done = call({"RUNNER_DEBUG": debug}, **staging(step))

    assert done.exit_code == 1
    assert [command.name for command in done.commands] == ["error"]
    assert done.errors[0].startswith("this is a bug in Startifact: ZeroDivisionError")
    assert ("Traceback" in done.stdout) == bool(debug)
    assert done.outputs == {}
    assert "failed with exit code 1" in done.summary


def test_error_without_hint(step: Step, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that knows no next step is told without one."""

    def broken(*_: object) -> None:
        raise StartifactError("it went wrong")

    monkeypatch.setattr(module, "carry_out", broken)

    done = call(**staging(step))

    assert done.errors == ["it went wrong"]
    assert "Hint" not in done.summary


def test_progress(capsys: pytest.CaptureFixture[str]) -> None:
    """The log says now and then how far a region has got, and not at every block."""
    now = [0.0]
    reporter = module.Reporter(clock=lambda: now[0])

    for second in range(31):
        now[0] = float(second)
        for done in (2 * second, 2 * second + 1):
            reporter(Progress(verb="stage", artifact="a", region="r", done=done, total=1000))
    now[0] = 100.0
    reporter(Progress(verb="hash", artifact="a", region="", done=50, total=1000))

    assert capsys.readouterr().out.splitlines() == [
        "r: 2 % of 1,000 bytes",
        "r: 4 % of 1,000 bytes",
        "r: 6 % of 1,000 bytes",
        "reading the file: 5 % of 1,000 bytes",
    ]


def test_debug_logging(step: Step, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the library tells those who look for a fault is in the log of such a run alone."""
    logger = logging.getLogger("startifact.somewhere")

    def log(*_: object) -> None:
        logger.debug("a detail\n::error::x")
        raise StartifactError("the end")

    monkeypatch.setattr(module, "carry_out", log)

    quiet = call(**staging(step))
    loud = call({"RUNNER_DEBUG": "1"}, **staging(step))

    assert "a detail" not in quiet.stdout
    assert "a detail" in loud.stdout
    assert len(loud.commands) == 1
