"""Where the words that errors and warnings begin with have colours."""

import io
import re
from pathlib import Path

import pytest

from startifact.cli.console import Console
from startifact.errors import InputError
from tests.ways_in.cli.conftest import Run
from tests.ways_in.cli.screen import on_a_terminal

ERROR, HINT = "\x1b[1;31merror:\x1b[0m ", "\x1b[1;36mhint:\x1b[0m "


class Terminal(io.StringIO):
    """What says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def written(stream: io.StringIO) -> str:
    """Return what a console writes to *stream* of a warning and an error."""
    console = Console(out=io.StringIO(), err=stream)
    console.warn("late")
    console.fail(InputError("\x1b[31mno\n  more", hint="Try again"))
    return stream.getvalue()


PLAIN = "warning: late\nerror: \\x1b[31mno\n  more\nhint: Try again\n"
COLOURED = f"\x1b[1;33mwarning:\x1b[0m late\n{ERROR}\\x1b[31mno\n  more\n{HINT}Try again\n"


@pytest.mark.parametrize(
    ("environment", "terminal", "expected"),
    [
        ({}, True, COLOURED),
        ({}, False, PLAIN),
        ({"NO_COLOR": "1"}, True, PLAIN),
        ({"NO_COLOR": ""}, True, COLOURED),
        ({"FORCE_COLOR": "1"}, False, COLOURED),
        ({"FORCE_COLOR": ""}, False, PLAIN),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, PLAIN),
        ({"TERM": "dumb"}, True, PLAIN),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, COLOURED),
    ],
)
def test_colours(
    environment: dict[str, str],
    terminal: bool,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A terminal has colours, unless NO_COLOR says no; FORCE_COLOR brings them elsewhere."""
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert written(Terminal() if terminal else io.StringIO()) == expected


def test_output_is_plain(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What programs read has no colours, whatever is forced."""
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")

    done = run("info", "P", "--json", "--regions", "file:./nowhere")

    assert "\x1b" not in done.out
    assert ERROR in done.err


@pytest.mark.parametrize("columns", [120, 30])
def test_states_of_doctor(columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is seen at a glance on a terminal, and is the same text without colours."""
    monkeypatch.setenv("TERM", "xterm")
    (tmp_path / "blocked").write_text("")
    words = ["doctor", f"--regions=file:{tmp_path}/a,file:{tmp_path}/blocked"]

    _, plain = on_a_terminal(words, columns=columns, stream="stdout")
    monkeypatch.delenv("NO_COLOR")
    code, coloured = on_a_terminal(words, columns=columns, stream="stdout")

    assert code == 8
    assert "\x1b[32mok" in coloured
    assert "\x1b[1;31mfailed" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
