"""CONTRIBUTING.md names what is there: every folder of tests, and no path that has gone."""

import re
from pathlib import Path

import pytest

from tests.consistency.test_ci import made
from tests.support.runner_step import PROJECT

TESTS = PROJECT / "tests"
CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
README = (TESTS / "README.md").read_text(encoding="utf-8")


def folders() -> list[str]:
    """Return each folder that has tests, or what tests share."""
    modules = [*TESTS.rglob("test_*.py"), *TESTS.glob("support/*.py")]
    return sorted({path.parent.relative_to(TESTS).as_posix() for path in modules})


def code(text: str) -> list[str]:
    """Return what stands between backticks in *text*."""
    return re.findall(r"`([^`\n]+)`", text)


@pytest.mark.parametrize("folder", folders())
def test_every_folder_of_tests(folder: str) -> None:
    """A newcomer reads what is in each folder that has tests."""
    assert folder in code(README)


def test_paths_are_there() -> None:
    """Each file and folder that CONTRIBUTING names is there."""
    named = {
        text for text in code(CONTRIBUTING) if re.match(r"(src|tests|docs|examples|scripts)/", text)
    }

    assert len(named) > 10
    assert [path for path in sorted(named) if not (PROJECT / path).exists()] == []


def test_files_of_the_tests_are_there() -> None:
    """Each file that the README of the tests names is somewhere below it."""
    named = {text for text in code(README) if re.fullmatch(r"\w+\.py", text)}

    assert len(named) > 5
    assert named <= {path.name for path in TESTS.rglob("*.py")}


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make (\w+)`", CONTRIBUTING))))
def test_targets(target: str) -> None:
    """Each target of the Makefile that CONTRIBUTING names can be made."""
    assert made([target])


def test_links() -> None:
    """Each document that they refer to is there."""
    for text, folder in ((CONTRIBUTING, PROJECT), (README, TESTS)):
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (folder / Path(link)).exists(), link
