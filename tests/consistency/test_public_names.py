"""The names that a program may import: what type checkers and the interpreter say of them."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import startifact

PROGRAM = "".join(f"reveal_type(startifact.{name})\n" for name in startifact.__all__)

Checker = Callable[[Path], subprocess.CompletedProcess[str]]


def mypy(path: Path) -> subprocess.CompletedProcess[str]:
    """Return what mypy says of the program at *path*."""
    return _run("mypy", "--strict", "--cache-dir", str(path.parent / "cache"), str(path))


def pyright(path: Path) -> subprocess.CompletedProcess[str]:
    """Return what pyright says; basedpyright is the same with what it needs in its wheel."""
    (path.parent / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}')
    return _run("basedpyright", "--pythonpath", sys.executable, str(path))


def _run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(arguments[-1]).parent,
        timeout=100,
    )


CHECKERS = pytest.mark.parametrize("check", [mypy, pyright])


@CHECKERS
def test_misspelled_name(check: Checker, tmp_path: Path) -> None:
    """A name that is not there is an error for whoever checks the types of a program."""
    program = tmp_path / "program.py"
    program.write_text(
        "import startifact\nfrom startifact import Sesssion\nprint(Sesssion, startifact.Artefact)\n"
    )

    said = check(program).stdout

    assert re.search(r"program\.py:2.* error: .*Sesssion", said), said
    assert re.search(r"program\.py:3.* error: .*Artefact", said), said


@CHECKERS
def test_types_of_names(check: Checker, tmp_path: Path) -> None:
    """A program sees the exact type of every name."""
    program = tmp_path / "program.py"
    program.write_text(f"import startifact\n{PROGRAM}")

    done = check(program)

    assert done.returncode == 0, done.stdout + done.stderr
    revealed = dict(re.findall(r"program\.py:(\d+).* is \"(.*)\"", done.stdout))
    for line, name in enumerate(startifact.__all__, start=2):
        text = revealed[str(line)]
        known = getattr(startifact, name)
        word = name if isinstance(known, type) else ""
        assert "Any" not in text, name
        assert text.removeprefix("builtins.") != "object", name
        assert word in text, name


def test_misspelled_name_at_run_time() -> None:
    """A name that is not there is an error when it is asked for, and says which."""
    with pytest.raises(AttributeError, match="'startifact' has no attribute 'Sesssion'"):
        getattr(startifact, "Sesssion")  # noqa: B009  # as a program that is not checked would
