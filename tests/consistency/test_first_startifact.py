"""The page for those who come from the first Startifact says what is so."""

import re
import shlex
from pathlib import Path

import pytest

import startifact
from startifact import errors
from startifact.cli.arguments import parse
from startifact.cli.legacy import translated

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "from-the-first-startifact.md").read_text(encoding="utf-8")

PUBLIC = (
    "Artifact",
    "ArtifactDownloader",
    "BucketNames",
    "ConfigurationLoader",
    "LatestVersionLoader",
    "MetadataLoader",
    "Session",
)
EXCEPTIONS = (
    "CannotDiscoverExistence",
    "CannotStageArtifact",
    "NoConfiguration",
    "NoRegionsAvailable",
    "NoRegionsConfigured",
    "NotAllowedToGetParameter",
    "NotAllowedToPutParameter",
    "ParameterNotFound",
    "ParameterStoreError",
    "ProjectNameError",
)


def rows(head: str) -> list[tuple[str, str]]:
    """Return the rows of the tables below *head*, whose cells are code and text."""
    table = rf"^\| {re.escape(head)} \|\n\| --- \| --- \|\n((?:\|.*\n)+)"
    tables = re.findall(table, PAGE, re.MULTILINE)
    cells = [line.strip("|").split(" | ") for table in tables for line in table.splitlines()]
    return [(before.strip(), now.strip()) for before, now in cells]


COMMANDS = [(a, b) for a, b in rows("Before | Now") if a.startswith("`startifact ")]
NAMES = [(a, b) for a, b in rows("Before | Now") if not a.startswith("`startifact ")]


@pytest.mark.parametrize(("before", "now"), COMMANDS)
def test_commands(before: str, now: str) -> None:
    """The error of an old command line says what the page says, and that can be run."""
    _, *old = shlex.split(before.strip("`"))
    _, *new = shlex.split(now.strip("`"))

    assert translated(old) == now.strip("`")
    if "--help" not in new:
        parse(new)


def test_every_public_name() -> None:
    """Each name that the first one exported is in the table, and those that are kept exist."""
    for name in PUBLIC:
        [(_, now), *_] = [row for row in NAMES if re.search(rf"\b{name}\b", row[0])]
        replaced = re.findall(r"^`(\w+)", now)
        assert now.startswith("Gone") or hasattr(startifact, (replaced or [name])[0])


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_every_exception(name: str) -> None:
    """Each of its exceptions is in the table, beside those of this one."""
    table = rows("`startifact.exceptions` | `startifact.errors`")
    [now] = [now for before, now in table if f"`{name}`" in before]
    found = re.findall(r"`(\w+Error)`", now)

    assert found
    assert all(issubclass(getattr(errors, kind), errors.StartifactError) for kind in found)


def test_it_is_linked() -> None:
    """The README and the pages lead there."""
    for path in ("README.md", "docs/index.md", "mkdocs.yml"):
        assert "from-the-first-startifact.md" in (PROJECT / path).read_text(encoding="utf-8"), path
