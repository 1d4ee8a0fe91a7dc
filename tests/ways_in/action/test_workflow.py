"""What reaches the runner: log, annotations and outputs, judged by the runner's rules."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from startifact.action.workflow import Annotations, say, write_outputs
from startifact.errors import ConfigurationError, LocalFileError
from tests.support.runner_rules import Command, parse_commands, parse_outputs
from tests.support.runner_step import IS_ROOT

UNSAFE = [
    "\n::set-output name=version::evil",
    "\r::error::x",
    "\r\n::error::x",
    "a##[add-mask]b",
    "\u00a0::stop-commands::t",
    "::set-env name=A::b",
    "  ::add-matcher::/github/workspace/x.json",
    "\u2028::error::x",
    "\u0085::error::x",
    "\x0b::error::x",
    "\x1b::error::x",
    "\u202e::error::x",
    "\u200b::error::x",
    "\ufeff::error::x",
    "\u034f::error::x",
    "\u3164::error::x",
    ":\ufe0f:error::x",
    "#\u034f#[add-mask]b",
    "##\u0301[add-mask]b",
    "##[error]##[error]x",
    "\udc80\n::error::x",
]


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "set_output"
    path.touch()
    monkeypatch.setenv("GITHUB_OUTPUT", str(path))
    return path


@pytest.mark.parametrize("text", UNSAFE)
def test_nothing_said_is_a_command(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Text that holds commands is shown, and does nothing."""
    assert parse_commands(f"{text}\n"), "the runner would do nothing anyway"

    say(text)
    say(f"{text}\n{text}")

    out, err = capsys.readouterr()
    assert parse_commands(out) == []
    assert err == ""


@pytest.mark.parametrize("text", ["plain", "Grüße, 世界", "a: b :: c", "decomposed e\u0301", ""])
def test_ordinary_text_is_said_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Text that is neither unsafe nor hard to see is not changed."""
    say(text)

    assert capsys.readouterr().out == f"{text}\n"


@pytest.mark.parametrize("text", UNSAFE)
def test_annotations_hold_text(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Unsafe text in an annotation's message and title stays in that one annotation."""
    Annotations().add("error", text, title=text)

    commands = parse_commands(capsys.readouterr().out)
    assert [command.name for command in commands] == ["error"]


def test_annotation_escaping(capsys: pytest.CaptureFixture[str]) -> None:
    """Signs that mean something to the runner arrive as they are."""
    Annotations().add("warning", "100% a:b,c\nd %0A", title="x:y,z=%")

    assert parse_commands(capsys.readouterr().out) == [
        Command("warning", "100% a:b,c\nd %0A", {"title": "x:y,z=%"})
    ]


@pytest.mark.parametrize("title", ["", "="])
def test_annotation_without_title(title: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Properties that are empty are not printed."""
    Annotations().add("notice", "text", title=title)

    assert capsys.readouterr().out == "::notice::text\n"


def test_long_message(capsys: pytest.CaptureFixture[str]) -> None:
    """A line longer than the runner keeps is cut, and the log has it whole."""
    message = "0123456789" * 500

    Annotations().add("error", message)

    out = capsys.readouterr().out
    (command,) = parse_commands(out)
    assert len(command.data) == 4096
    assert command.data.endswith("... (the rest is in the log of the step)")
    assert message in out.splitlines()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["x" * 96] * 42, ["x" * 96] * 42),
        (
            ["x" * 96] * 43,
            [*["x" * 96] * 41, "  and 2 more lines, which are in the log of the step"],
        ),
        (["x", "y" * 5000], ["x", "  and 1 more line, which is in the log of the step"]),
        (
            ["x" * 2000] * 9999,
            [*["x" * 2000] * 2, "  and 9,997 more lines, which are in the log of the step"],
        ),
    ],
)
def test_long_list(
    lines: list[str], expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a list as many lines are shown as the runner keeps, and the hint; the log has it whole."""
    Annotations().add("error", "\n".join(lines), hint="do this")

    out = capsys.readouterr().out
    (command,) = parse_commands(out)
    assert len(command.data) <= 4096
    assert command.data.split("\n") == [*expected, "Hint: do this"]
    assert (lines == expected) or out.startswith("\n".join([*lines, "Hint: do this"]))


def test_long_hint(capsys: pytest.CaptureFixture[str]) -> None:
    """A hint that is as long as all that the runner keeps is cut like the rest."""
    Annotations().add("error", "message", hint="0123456789" * 500)

    out = capsys.readouterr().out
    (command,) = parse_commands(out)
    assert len(command.data) <= 4096
    assert command.data.startswith("message\n")
    assert "0123456789" * 500 in out


def test_many_annotations(capsys: pytest.CaptureFixture[str]) -> None:
    """There are ten of all kinds together, one of them kept for an error; the log has the rest."""
    annotations = Annotations()
    for i in range(6):
        annotations.add("warning", f"number {i}\n::error::x")
        annotations.add("notice", f"note {i}\n::error::x")
    annotations.add("error", "the end")
    annotations.add("error", "one more")

    out = capsys.readouterr().out
    names = [command.name for command in parse_commands(out)]
    assert names == ["warning", "notice"] * 4 + ["warning", "error"]
    for text in ("Notice: note 4", "Warning: number 5", "Notice: note 5", "Error: one more"):
        assert f"{text}\n" in out
    assert [message.split("\n")[0] for message in annotations.others] == [
        *("note 4", "number 5", "note 5", "one more"),
    ]


VALUES = [
    "",
    "a",
    "a\n",
    "\na",
    "\n",
    "a\r\nb",
    "x=y",
    "a<<EOF",
    "EOF",
    "EOF\n",
    "é☃𝄞",
    "x" * 65536,
]


@pytest.mark.parametrize("value", [*VALUES, *UNSAFE[:-1]])
def test_values_survive(value: str, output: Path) -> None:
    """Whatever a value holds, the runner reads exactly that and nothing beside it."""
    write_outputs(str(output), {"first": value, "second-one": "2"})

    assert parse_outputs(output.read_bytes()) == {"first": value, "second-one": "2"}


def test_value_that_is_not_unicode(output: Path) -> None:
    """What UTF-8 cannot hold is escaped, and does not end the step."""
    write_outputs(str(output), {"path": "a\udc80b"})

    assert parse_outputs(output.read_bytes()) == {"path": "a\\udc80b"}


def test_delimiters_differ(output: Path) -> None:
    """A value that holds an earlier delimiter does not end early."""
    write_outputs(str(output), {"a": "1"})
    text = output.read_text()

    write_outputs(str(output), {"b": text, "c": "3"})

    assert parse_outputs(output.read_bytes()) == {"a": "1", "b": text, "c": "3"}


@pytest.mark.parametrize("before", [b"x=1", b"x=1\n", b"x<<E\n1\nE"])
def test_what_is_there_already(before: bytes, output: Path) -> None:
    """What somebody else wrote is kept, also when its last line has no end."""
    output.write_bytes(before)

    write_outputs(str(output), {"a": "1"})

    assert parse_outputs(output.read_bytes()) == {"x": "1", "a": "1"}


@pytest.mark.parametrize("name", ["", "a=b", "a<<b", "a\nb", "a b", "1a", "é", "a\n"])
def test_names(name: str, output: Path) -> None:
    """A name that would be read back as something else is refused before a byte is written."""
    with pytest.raises(ValueError, match="cannot be the name"):
        write_outputs(str(output), {"good": "1", name: "2"})

    assert output.read_bytes() == b""


@pytest.mark.parametrize("path", ["", " "])
def test_no_output_file(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the variable there is an error that names it, and never the old command."""
    monkeypatch.setenv("GITHUB_OUTPUT", path)

    with pytest.raises(ConfigurationError, match="GITHUB_OUTPUT is not set"):
        write_outputs(path, {"a": "1"})

    assert capsys.readouterr().out == ""


def test_output_file_has_gone(output: Path) -> None:
    """A file that is not there is an error that names the variable, and is not made."""
    output.unlink()

    with pytest.raises(LocalFileError, match=r"GITHUB_OUTPUT names .*cannot be written"):
        write_outputs(str(output), {"a": "1"})

    assert not output.exists()


def test_output_file_is_a_directory(output: Path) -> None:
    """A directory in the place of the file is an error that names the variable."""
    output.unlink()
    output.mkdir()

    with pytest.raises(LocalFileError, match=r"GITHUB_OUTPUT names .*not a file"):
        write_outputs(str(output), {"a": "1"})


def error_in_a_process(path: Path, call: str, *, before: str = "", after: str = "") -> str:
    """Return the error of the file that *call* ends with, in a process of its own.

    What *before* takes away from that process, and *after* gives back for its end, is not taken
    from the one that runs the tests, which writes a log.
    """
    script = f"""
import os, sys
from startifact.action.workflow import check_output_file, write_outputs
from startifact.errors import LocalFileError
path = sys.argv[1]
{before}
try:
    {call}
except LocalFileError as error:
    print(error)
{after}
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.usefixtures("output")
def test_output_file_is_read_only(output: Path) -> None:
    """A file that must not be written is an error that names the variable."""
    output.chmod(0o444)

    # Root may write it all the same, so there the process becomes a user who owns nothing.
    error = error_in_a_process(
        output,
        "check_output_file(path)",
        before="os.seteuid(65534)" if IS_ROOT else "",
        after="os.seteuid(0)" if IS_ROOT else "",
    )

    assert re.search(r"GITHUB_OUTPUT names .*Permission denied", error)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of a file's size")
def test_disk_full(output: Path) -> None:
    """When not all outputs can be written, none is, and what was there is as it was."""
    output.write_bytes(b"x=1\n")

    # As on a disk that is full, a file can have no more than 1,000 bytes.
    error = error_in_a_process(
        output,
        'write_outputs(path, {"a": "1", "b": "2" * 2000})',
        before="import resource\n"
        "allowed = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, allowed[1]))",
        after="resource.setrlimit(resource.RLIMIT_FSIZE, allowed)",
    )

    assert "cannot write the outputs to GITHUB_OUTPUT" in error
    assert output.read_bytes() == b"x=1\n"
