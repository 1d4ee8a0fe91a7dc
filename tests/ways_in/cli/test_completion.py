"""What real shells complete of a command line."""

import contextlib
import os
import pty
import select
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from startifact.definitions import WayIn
from startifact.options import COMMANDS, SHELLS, commands_of
from tests.support.runner_step import PROJECT
from tests.ways_in.cli.conftest import Run

SCRIPTS = PROJECT / "src" / "startifact" / "cli" / "completions"
READY, DONE = "ready to type", "nothing more"

# What is typed, and the words of the command line once it is completed.
COMPLETED = [
    ("sta", ["stage"]),
    ("compl", ["completion"]),
    ("stage --save", ["stage", "--save-filename"]),
    ("stage P@1.0.0 --save", ["stage", "P@1.0.0", "--save-filename"]),
    ("--regions file:./a dow", ["--regions", "file:./a", "download"]),
    ("stage --if-exists k", ["stage", "--if-exists", "keep"]),
    ("stage P@1.0.0 --if-exists=k", ["stage", "P@1.0.0", "--if-exists=keep"]),
    ("stage --required-regions maj", ["stage", "--required-regions", "majority"]),
    ("completion z", ["completion", "zsh"]),
    ("stage SugarWater@1.0.0 dis", ["stage", "SugarWater@1.0.0", "dist.tar.gz"]),
    (
        "stage -m lang=dotnet SugarWater@1.0.0 build/o",
        ["stage", "-m", "lang=dotnet", "SugarWater@1.0.0", "build/out.bin"],
    ),
    (
        "--json download --regions s3://b/p?region=eu-west-1 P@prod dis",
        ["--json", "download", "--regions", "s3://b/p?region=eu-west-1", "P@prod", "dist.tar.gz"],
    ),
    ("download P x --lock-file dis", ["download", "P", "x", "--lock-file", "dist.tar.gz"]),
    ("lock P@1 Q@2 --upd", ["lock", "P@1", "Q@2", "--update"]),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two files that command lines name."""
    (tmp_path / "dist.tar.gz").touch()
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "out.bin").touch()
    return tmp_path


def needed(shell: str) -> str:
    """Return where *shell* is; the test is skipped where it is not there."""
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    return path


class Terminal:
    """An interactive shell in a terminal of its own, in which a command shows its words."""

    def __init__(self, shell: str, folder: Path) -> None:
        begin = {
            "bash": ["--norc", "--noprofile", "-i"],
            "zsh": ["-f", "-i"],
        }[shell]
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "dumb"}
        self._terminal, other = pty.openpty()
        self._process = subprocess.Popen(
            [needed(shell), *begin],
            cwd=folder,
            env=environment,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)
        script = shlex.quote(str(SCRIPTS / f"startifact.{shell}"))
        own = ["setopt nonomatch", "autoload -U compinit", "compinit -u -D"]
        setup = [*(own if shell == "zsh" else []), f'eval "$(cat {script})"']
        setup += ['startifact() { printf \'<%s>\' "$@"; echo; echo nothing "more"; }']
        self.run("; ".join(setup))

    def run(self, command: str) -> None:
        """Run *command*."""
        self._send(f'{command}; echo ready to "type"\n')
        self._read_until(READY)

    def complete(self, typed: str) -> list[str]:
        """Return the words of the command that *typed*, the tab key and return make."""
        self._send(f"startifact {typed}\t")
        self._send("\n")
        output = self._read_until(DONE)
        line = next(x for x in reversed(output.splitlines()) if x.startswith("<"))
        return line.removeprefix("<").removesuffix(">").split("><")

    def close(self) -> None:
        """End the shell."""
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    def _send(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def _read_until(self, end: str) -> str:
        output, until = "", time.monotonic() + 60
        while end not in output:
            ready, _, _ = select.select([self._terminal], [], [], until - time.monotonic())
            assert ready, output
            output += os.read(self._terminal, 65536).decode(errors="replace")
        return output.replace("\r", "\n")


@contextlib.contextmanager
def terminal(shell: str, folder: Path) -> Iterator[Terminal]:
    """Give an interactive *shell* in *folder*, and end it."""
    opened = Terminal(shell, folder)
    try:
        yield opened
    finally:
        opened.close()


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_tab(shell: str, folder: Path) -> None:
    """The tab key completes commands, options before and behind them, their values, and paths."""
    with terminal(shell, folder) as opened:
        completed = {typed: opened.complete(typed) for typed, _ in COMPLETED}

    assert completed == dict(COMPLETED)


def test_other_ends_of_words(folder: Path) -> None:
    """bash completes the same where somebody has changed what ends a word."""
    with terminal("bash", folder) as opened:
        opened.run('COMP_WORDBREAKS="${COMP_WORDBREAKS//[=:@]/}"')
        completed = {typed: opened.complete(typed) for typed, _ in COMPLETED}

    assert completed == dict(COMPLETED)


def offered(typed: str, folder: Path) -> list[str]:
    """Return what fish offers in the place of the last word that is *typed*."""
    script = shlex.quote(str(SCRIPTS / "startifact.fish"))
    asked = f"source {script}; complete -C {shlex.quote(f'startifact {typed}')}"
    done = subprocess.run(
        [needed("fish"), "--no-config", "-c", asked],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [line.partition("\t")[0] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(("typed", "completed"), COMPLETED)
def test_fish(typed: str, completed: list[str], folder: Path) -> None:
    """fish offers the same."""
    assert offered(typed, folder) == completed[-1:]


def test_all_commands(folder: Path) -> None:
    """Every command is offered, and no option or file beside them."""
    assert sorted(offered("", folder)) == sorted(commands_of(WayIn.SHELL))


@pytest.mark.parametrize("shell", SHELLS)
def test_printed(start: Run, shell: str) -> None:
    """What the command prints is what is in the package."""
    done = start("completion", shell)

    assert (done.code, done.err) == (0, "")
    assert done.out == (SCRIPTS / f"startifact.{shell}").read_text(encoding="utf-8")


def test_other_shell(start: Run) -> None:
    """For a shell that is not among them nothing is printed, and those that are are named."""
    done = start("completion", "tcsh")

    assert (done.code, done.out) == (2, "")
    assert "(choose from" in done.err
    assert COMMANDS["completion"].choices == SHELLS
