"""A lock that the operating system gives back when its holder dies."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from startifact.errors import ConfigurationError, RegionUnavailableError
from startifact.limits import DEFAULT_LIMITS, Limits
from startifact.regions.directory.filelock import locked


def test_one_at_a_time(tmp_path: Path) -> None:
    """Only one of many holds the lock at any time."""
    inside = threading.Lock()
    times = 0

    def work() -> None:
        nonlocal times
        for _ in range(20):
            with locked(tmp_path / "lock", limits=DEFAULT_LIMITS):
                assert inside.acquire(blocking=False)
                times += 1
                inside.release()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert times == 80


def test_holder_that_dies(tmp_path: Path) -> None:
    """A process that is killed gives the lock back."""
    program = (
        "import pathlib, sys, time\n"
        "from startifact.limits import DEFAULT_LIMITS\n"
        "from startifact.regions.directory.filelock import locked\n"
        "with locked(pathlib.Path(sys.argv[1]), limits=DEFAULT_LIMITS):\n"
        "    print('locked', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "lock")], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        process.send_signal(signal.SIGKILL)
        process.wait()

        with locked(tmp_path / "lock", limits=DEFAULT_LIMITS):
            pass


def test_holder_that_hangs(tmp_path: Path) -> None:
    """A lock that is not given back is not waited for without end."""
    impatient = Limits(lock_wait_seconds=0.05)

    with (
        locked(tmp_path / "lock", limits=impatient),
        pytest.raises(RegionUnavailableError, match="has been locked for 0 s") as caught,
        locked(tmp_path / "lock", limits=impatient),
    ):
        pass

    assert caught.value.hint == "Look for a Startifact process that hangs"


def test_error_inside(tmp_path: Path) -> None:
    """An error inside gives the lock back."""
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "lock", limits=DEFAULT_LIMITS):
        raise ZeroDivisionError

    with locked(tmp_path / "lock", limits=DEFAULT_LIMITS):
        pass


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="links are always followed here")
def test_link_in_the_way(tmp_path: Path) -> None:
    """A link in the lock's place is not followed."""
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")

    with (
        pytest.raises(OSError, match="symbolic links"),
        locked(tmp_path / "lock", limits=DEFAULT_LIMITS),
    ):
        pass

    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(os.name == "nt", reason="locks are made otherwise there")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.EPERM, errno.ENOSYS])
def test_share_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Where the file system has no locks that is said, with what to do, and not waited for."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)

    with (
        pytest.raises(ConfigurationError, match="has no locks") as caught,
        locked(tmp_path / "lock", limits=DEFAULT_LIMITS),
    ):
        pass

    assert os.strerror(number) in caught.value.message
    assert "local disk" in str(caught.value.hint)
