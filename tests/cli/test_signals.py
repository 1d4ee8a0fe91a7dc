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

MakeFile = Callable[..., Path]

# A shell that runs tests in the background makes its children ignore SIGINT.
SCRIPT = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from startifact.cli import main; sys.exit(main())"
)


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
        [sys.executable, "-c", SCRIPT, "stage", "SugarWater@1.0.0", make_file(), "--json"],
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
