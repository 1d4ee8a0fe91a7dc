"""A version that only a minority of the regions holds: it is served, and not without a word."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.backends import Directory
from tests.support.command import run_inside
from tests.support.limits import Session

MakeFile = Callable[..., Path]

KEY = "SugarWater@1.0.0"
WORDS = f"{KEY} is held by 1 of 3 regions"


@pytest.fixture
def backends(directories: list[str]) -> list[Directory]:
    """Return what is behind three regions."""
    return [Directory(spec, Path(spec.removeprefix("file://"))) for spec in directories]


@pytest.fixture
def held_by_one(directories: list[str], backends: list[Directory], make_file: MakeFile) -> str:
    """Stage a version of which two regions hold nothing by now; return the region that does."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file())
    for backend in (backends[0], backends[2]):
        backend.remove(KEY)
    return directories[1]


def test_warning(
    directories: list[str], held_by_one: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It says who holds it, who does not, and what brings it there."""
    artifact = Session(regions=directories).get("SugarWater", "1.0.0")

    (warning,) = caplog.messages
    assert warning.startswith(f"{WORDS} ({held_by_one})")
    assert "repair, or staging the same again" in warning
    assert warning.endswith(f"{directories[0]}, {directories[2]}")
    assert artifact.size > 0


@pytest.fixture
def lacking(directories: list[str], backends: list[Directory], make_file: MakeFile) -> Directory:
    """Stage a version of which one region holds nothing by now; return that region."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file())
    backends[0].remove(KEY)
    return backends[0]


def test_majority(
    directories: list[str], lacking: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    """A region that lacks it beside two that hold it is nothing to be warned of."""
    Session(regions=directories).get("SugarWater", "1.0.0")

    assert caplog.messages == []


def test_region_that_does_not_answer(
    directories: list[str],
    backends: list[Directory],
    lacking: Directory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A region that says nothing may hold it: that it does not is not claimed."""
    backends[2].fail_region()

    Session(regions=directories).get("SugarWater", "1.0.0")

    assert "is held by" not in caplog.text


@pytest.mark.parametrize("command", ["info", "download"])
def test_in_a_shell(
    directories: list[str],
    held_by_one: str,
    command: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """A shell is warned on standard error, and a program sees it in the JSON."""
    path = [tmp_path / "back"] if command == "download" else []

    done = run_inside(capsys, [command, KEY, *path, "--json", "--regions", ",".join(directories)])

    assert done.code == 0
    assert f"warning: {WORDS}" in done.err
    facts = json.loads(done.out)
    assert facts["held-by-majority"] is False
    assert [x["outcome"] for x in facts["locations"]] == ["absent", "present", "absent"]
    assert facts["region"] == held_by_one
