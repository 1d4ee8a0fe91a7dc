"""What a person sees of it, and is asked."""

import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from startifact.organisation.templates import regional_template, roles_template
from tests.faults.rules import when
from tests.functional.bootstrap.conftest import (
    EU,
    NAME,
    US,
    Bootstrap,
    EmptyAccount,
    failed_checks,
)
from tests.support.command import run_inside
from tests.support.wire import Answer, Forward, Request

Answering = Callable[..., tuple[int, str, str]]


@pytest.fixture
def at_a_terminal(empty: EmptyAccount) -> Answering:
    """Return what runs the command for a person who answers; it returns code, screen and output."""

    def run(*words: str, answer: str = "", columns: int = 80) -> tuple[int, str, str]:
        ours, theirs = pty.openpty()
        drawn: list[bytes] = []

        def read() -> None:
            while True:
                try:
                    drawn.append(os.read(ours, 65536))
                except OSError:  # Linux says so when the other end is closed
                    return
                if b"[y/N]" in drawn[-1]:
                    os.write(ours, f"{answer}\n".encode())

        reader = threading.Thread(target=read)
        with subprocess.Popen(
            [sys.executable, "-m", "startifact", "bootstrap", "--name", NAME, *words],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            env={**os.environ, "COLUMNS": str(columns), "TERM": "dumb"},
        ) as process:
            os.close(theirs)
            reader.start()
            out, _ = process.communicate(timeout=100)
        reader.join(10)
        os.close(ours)
        return process.returncode, b"".join(drawn).decode().replace("\r\n", "\n"), out

    return run


@pytest.mark.parametrize("answer", ["y", "n", ""])
def test_asks(empty: EmptyAccount, at_a_terminal: Answering, answer: str) -> None:
    """A person is asked once they have seen the plan; nothing but a yes changes anything."""
    code, screen, out = at_a_terminal("--regions", US, "--github", "ORG@1/REPO@2", answer=answer)

    assert code == 0
    assert f"Set account {empty.number} up like this? [y/N]" in screen
    assert screen.index("create") < screen.index("[y/N]")
    assert ("nothing was changed" in screen) == (answer != "y") == (empty.stack(US) is None)
    assert out.startswith("# .github/workflows") == (answer == "y")


def test_yes(empty: EmptyAccount, at_a_terminal: Answering) -> None:
    """--yes spares the question, and so does an account that is as planned."""
    first = at_a_terminal("--regions", US, "--yes")
    again = at_a_terminal("--regions", US)

    assert first[0] == again[0] == 0
    assert "[y/N]" not in first[1] + again[1]
    assert f"{US}: stack {NAME} CREATE_COMPLETE" in first[1]


@pytest.mark.parametrize("columns", [80, 40])
def test_narrow_terminals(empty: EmptyAccount, at_a_terminal: Answering, columns: int) -> None:
    """The plan is a table where it fits; else names have lines of their own, and only they may be
    longer than a line.
    """
    code, screen, _ = at_a_terminal("--regions", f"{US},{EU}", "--dry-run", columns=columns)

    assert code == 0
    lines = screen.split("\r")[-1].splitlines()
    long = [line for line in lines if len(line) > columns]
    assert all(empty.number in line for line in long)
    assert (f"  create  bucket         {empty.bucket(US)}" in lines) == (columns == 80)
    assert ("  create: bucket" in lines) == (columns == 40)
    assert lines[-1] == "dry run, nothing is changed"


@pytest.mark.parametrize("columns", [80, 40])
def test_narrow_terminals_to_the_end(
    empty: EmptyAccount, at_a_terminal: Answering, columns: int
) -> None:
    """From the plan to the roles no word is cut: what is longer than a line has one of its own.

    What may be copied into a shell is in one piece.
    """
    code, screen, _ = at_a_terminal(
        *("--regions", f"{US},{EU}", "--github", "ORG@1/REPO@2", "--channel", "staging"),
        answer="y",
        columns=columns,
    )

    assert code == 0
    lines = [line.rstrip() for line in re.split(r"[\r\n]", screen)]
    assert [line for line in lines if line.endswith(("_IN", "_PRO", "_COMPLE"))] == []
    long = [line.strip() for line in lines if len(line) > columns]
    assert [line for line in long if " " in line and not line.startswith("export ")] == []
    arn = f"arn:aws:iam::{empty.number}:role/{NAME}-stage"
    assert (f"  {arn}" in lines) == (columns == 40)
    assert (f"StageRole: {arn}" in lines) == (columns == 80)
    text = " ".join(screen.split())
    assert f"{EU}: stack {NAME} CREATE_COMPLETE" in text
    assert "checks in 2 regions for download: nothing is wrong" in text


def test_interrupted(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """Ctrl-C ends it at once, CloudFormation goes on by itself, and again is safe."""
    words = ["bootstrap", "--name", NAME, "--regions", US]
    with subprocess.Popen(
        [sys.executable, "-m", "startifact", *words], stderr=subprocess.PIPE, text=True
    ) as process:

        def interrupt(request: Request, forward: Forward) -> Answer | None:
            answer = forward()
            process.send_signal(signal.SIGINT)
            return answer

        undo = empty.wire.add(when(lambda r: r.operation == "ExecuteChangeSet", interrupt))
        _, err = process.communicate(timeout=100)
    undo()

    done = bootstrap("--json", regions=(US,))

    assert process.returncode == 130
    assert "Running the same command again is safe" in err
    assert (done.code, failed_checks(done)) == (0, [])


@pytest.mark.parametrize(
    ("which", "text"), [("region", regional_template()), ("roles", roles_template())]
)
def test_templates(
    empty: EmptyAccount, capsys: pytest.CaptureFixture[str], which: str, text: str
) -> None:
    """Either template can be had as it is, without naming anything, and nothing is asked."""
    done = run_inside(capsys, ["bootstrap", "--show-template", which])
    as_json = run_inside(capsys, ["bootstrap", "--show-template", which, "--json"])

    assert (done.code, done.out.strip()) == (0, text.strip())
    assert as_json.json["template"].strip() == text.strip()
    assert empty.wire.requests() == []


def test_template_and_more(
    empty: EmptyAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A template is printed as it is, and what would do nothing is refused, but the environment."""
    monkeypatch.setenv("STARTIFACT_REGIONS", "file:./a")
    template = ["bootstrap", "--show-template", "roles"]

    done = run_inside(capsys, [*template, "--regions", US, "--project", "Web-*", "--dry-run"])

    assert (done.code, done.out) == (2, "")
    given = "--dry-run, --project and --regions are given, and --show-template, which prints"
    assert given in done.err
    assert "hint: Leave out --dry-run, --project and --regions" in done.err
    assert run_inside(capsys, template).code == 0
    assert empty.wire.requests() == []
