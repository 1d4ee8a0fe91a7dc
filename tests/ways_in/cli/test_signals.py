"""A command that is interrupted ends in seconds, and takes back what it began."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import percent
from tests.faults.rules import Hole
from tests.support.runner_step import Step

MakeFile = Callable[..., Path]


@pytest.fixture
def stuck(three: list[Path], make_file: MakeFile) -> Iterator[subprocess.Popen[str]]:
    """Start a staging that has stored the artifact, and waits for a lock that we hold."""
    locks = []
    for folder in three:
        (folder / "SugarWater").mkdir(parents=True)
        descriptor = os.open(folder / "SugarWater" / ".latest.lock", os.O_CREAT | os.O_RDWR)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        locks.append(descriptor)
    process = subprocess.Popen(
        [sys.executable, "-m", "startifact", "stage", "SugarWater@1.0.0", make_file(), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    give_up = time.monotonic() + 30
    while not all((folder / "SugarWater@1.0.0" / "artifact").exists() for folder in three):
        assert time.monotonic() < give_up
        assert process.poll() is None
        time.sleep(0.01)
    yield process
    process.kill()
    process.communicate()
    for descriptor in locks:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_signal(
    stuck: subprocess.Popen[str], three: list[Path], number: int, code: int, said: str
) -> None:
    """Ctrl-C and SIGTERM end a command with their codes, a short message and nothing left over."""
    stuck.send_signal(number)

    out, err = stuck.communicate(timeout=20)

    assert stuck.returncode == code
    assert err == f"error: {said}\nhint: Running the same command again is safe\n"
    assert json.loads(out)["error"]["exit-code"] == code
    assert not [path for folder in three for path in folder.rglob(".startifact-*")]


# Of signals that have come before Python looks, it sees those with the lower numbers first.
@pytest.mark.parametrize(
    ("numbers", "pause", "code", "said"),
    [
        ((signal.SIGINT, signal.SIGTERM), 0.01, 130, "interrupted"),
        ((signal.SIGINT, signal.SIGTERM), 0.3, 130, "interrupted"),
        ((signal.SIGTERM, signal.SIGINT, signal.SIGINT), 0.3, 143, "terminated"),
    ],
)
def test_more_signals(
    stuck: subprocess.Popen[str], numbers: tuple[int, ...], pause: float, code: int, said: str
) -> None:
    """The first signal decides how a command ends, and no other disturbs what it takes back."""
    for number in numbers:
        stuck.send_signal(number)
        time.sleep(pause)

    _, err = stuck.communicate(timeout=20)

    assert stuck.returncode == code
    assert err == f"error: {said}\nhint: Running the same command again is safe\n"


@pytest.mark.parametrize(
    ("module", "stream", "text"),
    [
        ("startifact", "stderr", "\nerror: {}\n"),
        ("startifact.action", "stdout", "\n::error title=Startifact::stopped by {}\n"),
    ],
)
@pytest.mark.parametrize(
    ("name", "code", "said"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated")]
)
def test_signal_while_modules_are_imported(
    tmp_path: Path, module: str, stream: str, text: str, name: str, code: int, said: str
) -> None:
    """A signal is seen from the first moment: importing takes a while, also for process 1."""
    (tmp_path / "semver.py").write_text(
        f"import os, signal, time\nos.kill(os.getpid(), signal.{name})\ntime.sleep(60)\n"
    )
    # Not ignored in the child, but for a step, which hears it all the same.
    wanted = signal.SIG_IGN if module == "startifact.action" else signal.default_int_handler
    before = signal.signal(signal.SIGINT, wanted)
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, "versions", "SugarWater"],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=30,
        )
    finally:
        signal.signal(signal.SIGINT, before)

    said = name if module == "startifact.action" else said
    assert done.returncode == code
    assert {"stdout": done.stdout, "stderr": done.stderr} == {
        "stdout": "",
        "stderr": "",
        stream: text.format(said),
    }


DROPPED = """
import os, signal, sys
from startifact.concurrency import fan_out

class Waste:
    def __del__(self):
        os.kill(os.getpid(), signal.{0})
        for _ in range(1000): pass

leave = fan_out.FanOut.__exit__

def last(self, *args):
    if args[0] is not None and args[0].__name__ == "Stopped":
        os.kill(os.getpid(), signal.SIGTERM)  # which disturbs nothing any more
        for _ in range(1000): pass
        os.write(2, b"undisturbed")
    return leave(self, *args)

wait = fan_out.FanOut.next

def first(self, *args):
    fan_out.FanOut.next = wait
    Waste()
    return wait(self, *args)

fan_out.FanOut.next = first
fan_out.FanOut.__exit__ = last
"""


@pytest.fixture
def silent() -> Iterator[str]:
    """Return a region that never answers."""
    hole = Hole(accepts=True)
    yield f"s3://bucket?region=us-east-1&endpoint={percent(hole.endpoint)}"
    hole.close()


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
@pytest.mark.parametrize("way", ["cli", "action"])
def test_signal_while_an_object_is_destroyed(
    silent: str, tmp_path: Path, way: str, name: str, code: int
) -> None:
    """A signal is not lost where Python drops whatever is raised."""
    step = Step(tmp_path)
    program = {
        "cli": "from startifact.cli import main; sys.exit(main())",
        "action": "from startifact.action.process import run; sys.exit(run())",
    }[way]
    words = ["info", "P", f"--regions={silent}"] if way == "cli" else []
    inputs = {"command": "info", "project": "P", "regions": silent}
    process = step.start(inputs, arguments=["-c", DROPPED.format(name) + program, *words])
    started = time.monotonic()
    out, err = process.communicate(timeout=60)

    assert (process.returncode, time.monotonic() - started < 5) == (code, True), (out, err)
    assert b"Waste" not in out + err
    assert b"undisturbed" in err
