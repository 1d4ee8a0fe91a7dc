"""What runs before a commit runs in ``make check`` too, and fetches nothing."""

import re
from typing import Any

import pytest
import yaml

from tests.consistency.test_ci import made
from tests.support.runner_step import PROJECT

HOOKS: list[dict[str, Any]] = yaml.safe_load(
    (PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
)["repos"]


def generators(target: str) -> list[str]:
    """Return the commands with which a target of the Makefile runs scripts."""
    return re.findall(r"-m scripts\.\w+(?: --check)?", made([target]))


def test_hooks_are_local() -> None:
    """The hooks run what the lock installed, and fetch nothing from anywhere."""
    assert [repo["repo"] for repo in HOOKS] == ["local"]
    assert {hook["language"] for hook in HOOKS[0]["hooks"]} == {"system"}


@pytest.mark.parametrize("tool", ["ruff check", "ruff format", "codespell"])
def test_hooks_are_checks(tool: str) -> None:
    """A tool that runs before a commit runs in ``make check`` too."""
    entries = [hook["entry"] for hook in HOOKS[0]["hooks"]]

    assert any(entry.startswith(f".venv/bin/{tool}") for entry in entries)
    assert f".venv/bin/{tool}" in made(["check"])


def test_what_is_generated_is_checked() -> None:
    """``make check`` fails where a file differs from what ``make generate`` would write."""
    assert generators("generate")
    assert generators("check") == [f"{script} --check" for script in generators("generate")]


def test_every_generator() -> None:
    """Every script that can be asked whether its files are up to date is a generator."""
    scripts = sorted(
        f"-m scripts.{path.stem}"
        for path in (PROJECT / "scripts").glob("*.py")
        if '"--check"' in path.read_text(encoding="utf-8")
    )

    assert sorted(generators("generate")) == scripts


@pytest.mark.parametrize("tool", ["pre-commit", "codespell"])
def test_tools_are_locked(tool: str) -> None:
    """What the checks need comes with the development environment."""
    lock = (PROJECT / "requirements" / "dev.txt").read_text(encoding="utf-8")

    assert f"\n{tool}==" in lock


def test_documents_are_strict() -> None:
    """A warning ends ``make docs``; where mkdocs is quiet, it does not even count them."""
    (command,) = [line for line in made(["docs"]).splitlines() if "mkdocs" in line]

    assert "--strict" in command
    assert "--quiet" not in command
