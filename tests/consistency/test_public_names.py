"""The names that a program may import: what type checkers and the interpreter say of them."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import startifact

REVEALED = "".join(f"reveal_type(startifact.{name})\n" for name in startifact.__all__)
PROGRAM = f"import startifact\n{REVEALED}"
MISSPELLED = """\
import startifact
from startifact import Sesssion
print(Sesssion, startifact.Artefact)
"""

Checker = Callable[[Path], subprocess.CompletedProcess[str]]


def mypy(folder: Path) -> subprocess.CompletedProcess[str]:
    """Return what mypy says of the programs in *folder*."""
    return _run("mypy", "--strict", "--cache-dir", str(folder / "cache"), folder=folder)


def pyright(folder: Path) -> subprocess.CompletedProcess[str]:
    """Return what pyright says; basedpyright is the same with what it needs in its wheel."""
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}')
    return _run("basedpyright", "--pythonpath", sys.executable, folder=folder)


def _run(module: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments, *sorted(map(str, folder.glob("*.py")))],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=100,
    )


@pytest.mark.parametrize("check", [mypy, pytest.param(pyright, marks=pytest.mark.exhaustive)])
def test_names(check: Checker, tmp_path: Path) -> None:
    """A program sees the exact type of every name, and that one is an error which is not there."""
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "misspelled.py").write_text(MISSPELLED)

    done = check(tmp_path)

    said = done.stdout
    assert re.search(r"misspelled\.py:2.* error: .*Sesssion", said), said + done.stderr
    assert re.search(r"misspelled\.py:3.* error: .*Artefact", said), said
    assert not re.search(r"program\.py:[\d:]+ (?:- )?error: ", said), said
    revealed = dict(re.findall(r"program\.py:(\d+).* is \"(.*)\"", said))
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
