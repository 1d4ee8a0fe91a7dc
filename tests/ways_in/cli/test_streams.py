"""Standard output and standard error: what goes where, and what happens when nobody reads."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.cli.console import Console, table
from startifact.errors import LocalFileError, StartifactError
from tests.ways_in.cli.conftest import Run
from tests.ways_in.cli.screen import visible

MakeFile = Callable[..., Path]

COMMAND = [sys.executable, "-m", "startifact"]


def test_quiet(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """With -q there are neither results nor warnings for people, but data and errors."""
    three[1].parent.mkdir()
    three[1].write_text("not a directory")

    staged = run("stage", "SugarWater@1.0.0", make_file(), "-q")
    failed = run("info", "SugarWater@2.0.0", "--quiet", "--regions", f"file:{three[0]}")

    assert (staged.code, staged.out, staged.err) == (0, "SugarWater@1.0.0\n", "")
    assert failed.code == 3
    assert failed.err.startswith("error: ")


def test_verbose(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """With -v people see what the library logs for information, without it they do not."""
    run("stage", "SugarWater@1.0.0", make_file())
    (three[0] / "SugarWater@one").mkdir()
    (three[0] / "SugarWater@one" / "artifact").touch()

    plain = run("versions", "SugarWater")
    verbose = run("versions", "SugarWater", "-v")

    assert "which is not a version of" not in plain.err
    assert "'SugarWater@one', which is not a version of SugarWater" in verbose.err
    assert plain.out == verbose.out == "1.0.0\n"


def test_verbose_says_nothing_of_the_sdk(start: Run, account: object, make_file: MakeFile) -> None:
    """With -v the SDK stays silent, because it logs credentials and signatures."""
    make_file()

    done = start("stage", "SugarWater@1.0.0", "dist.tar.gz", "-v")

    assert done.code == 0
    assert "botocore" not in done.err
    assert "AKIATEST" not in done.err


def _run_with(
    out: int, *words: str, err: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], stdout=out, stderr=err, text=True, timeout=60, check=False
    )


def test_reader_that_has_gone(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """A closed pipe at standard output is no error: head has what it wanted."""
    run("stage", "SugarWater@1.0.0", make_file())
    reader, writer = os.pipe()
    os.close(reader)

    done = _run_with(writer, "versions", "SugarWater")
    os.close(writer)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", [["--help"], ["stage", "--help"], ["--version"], []], ids=str)
def test_reader_of_help_that_has_gone(words: list[str]) -> None:
    """Help is no exception, though it is written before a command begins."""
    reader, writer = os.pipe()
    os.close(reader)

    done = _run_with(writer, *words)
    os.close(writer)

    assert (done.returncode, done.stderr) == (0, "")


def test_nobody_reads_errors(three: list[Path], make_file: MakeFile) -> None:
    """A closed pipe at standard error keeps nothing from being done."""
    reader, writer = os.pipe()
    os.close(reader)

    done = _run_with(subprocess.PIPE, "stage", "SugarWater@1.0.0", str(make_file()), err=writer)
    os.close(writer)

    assert (done.returncode, done.stdout) == (0, "SugarWater@1.0.0\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("option", ["-q", "--json"])
def test_full_disk(run: Run, three: list[Path], make_file: MakeFile, option: str) -> None:
    """Standard output that cannot be written is a local file error, not a success."""
    run("stage", "SugarWater@1.0.0", make_file())
    with Path("/dev/full").open("w") as full:
        done = _run_with(full.fileno(), "versions", "SugarWater", option)

    assert done.returncode == 9
    assert done.stderr == "error: cannot write standard output: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_full_disk_for_help(option: str) -> None:
    """So is help that cannot be written."""
    with Path("/dev/full").open("w") as full:
        done = _run_with(full.fileno(), option)

    assert done.returncode == 9
    assert done.stderr == "error: cannot write standard output: No space left on device\n"


def test_closed_streams(three: list[Path], make_file: MakeFile) -> None:
    """A command whose streams are closed still does its work."""
    words = [*COMMAND, "stage", "SugarWater@1.0.0", str(make_file())]

    done = subprocess.run(["sh", "-c", '"$@" >&- 2>&-', "sh", *words], timeout=60, check=False)

    assert done.returncode == 0
    assert (three[0] / "SugarWater@1.0.0").is_dir()


def test_no_control_characters_on_a_pipe(
    start: Run, three: list[Path], make_file: MakeFile
) -> None:
    """Into a pipe or a log, neither a bar nor a carriage return is written."""
    make_file(os.urandom(9_000_000))

    done = start("stage", "SugarWater@1.0.0", "dist.tar.gz")

    assert done.code == 0
    assert "%" not in done.err.replace("SugarWater%401.0.0", "")
    assert all(c.isprintable() or c == "\n" for c in done.out + done.err)


def test_standard_output_that_is_not_utf8(three: list[Path], make_file: MakeFile, run: Run) -> None:
    """Where the terminal knows fewer characters, the others are escaped."""
    run("stage", "SugarWater@1.0.0", make_file(), "-m", "name=Zuckerwasser für alle")

    done = subprocess.run(
        [*COMMAND, "info", "SugarWater"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0
    assert rb"  name  Zuckerwasser f\xfcr alle" in done.stdout


class _Terminal(io.StringIO):
    """A terminal, as far as Python asks."""

    def isatty(self) -> bool:
        return True


def test_status_is_cleared_for_other_lines() -> None:
    """A line that comes while the status is shown stands alone, and the status below it."""
    err = _Terminal()
    console = Console(out=io.StringIO(), err=err)

    console.status("a long status 50 %")
    console.warn("one\ntwo")
    console.status("60 %")

    assert visible(err.getvalue()) == ["warning: one", "  two", "60 %"]


def test_status_is_cleared_for_data() -> None:
    """Data that is printed to the same terminal is not mixed with the status."""
    both = _Terminal()
    console = Console(out=both, err=both)

    console.status("a long status 50 %")
    console.data("1.0.0")

    assert visible(both.getvalue()) == ["1.0.0"]


def test_status_leaves_room_for_an_interrupt() -> None:
    """What the terminal echoes for Ctrl-C goes away with the status."""
    err = _Terminal()
    console = Console(out=io.StringIO(), err=err)

    console.status("a status that is longer than what comes next 50 %")
    err.write("^C")
    console.status("")
    console.fail(StartifactError("interrupted"))

    assert visible(err.getvalue()) == ["error: interrupted"]


def test_columns_of_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the stream has no width, the one that the shell says counts."""
    monkeypatch.setenv("COLUMNS", "50")

    assert Console(out=io.StringIO(), err=io.StringIO()).columns() == 47


def test_output_that_fails() -> None:
    """An error while data is written is reported with its reason."""

    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    console = Console(out=Broken(), err=io.StringIO())

    with pytest.raises(LocalFileError, match="cannot write standard output: No space left"):
        console.data("x")


def test_table() -> None:
    """Columns are aligned, and what is in them is escaped."""
    assert table([("a", "bb\x1b", "c"), ("aaa", "b", "")]) == [
        "  a    bb\\x1b  c",
        "  aaa  b",
    ]


def test_other_thread(run: Run, three: list[Path]) -> None:
    """A command runs in a thread that cannot take care of signals, too."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(run, "info", "SugarWater").result()

    assert done.code == 3


def test_signal_handler_is_given_back(run: Run, three: list[Path]) -> None:
    """After a command, SIGTERM means what it meant before."""
    before = signal.getsignal(signal.SIGTERM)

    run("info", "SugarWater")

    assert signal.getsignal(signal.SIGTERM) is before
