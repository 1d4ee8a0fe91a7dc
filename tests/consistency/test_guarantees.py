"""The page of guarantees names tests that exist."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "guarantees.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`", PAGE)


def test_every_promise_names_tests() -> None:
    """Each of the ten promises is held by a test."""
    promises = PAGE.split("\n## ")[1:]

    assert len(promises) == 10
    assert all("Held by: `tests/" in promise for promise in promises)


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_named_tests_exist(file: str, name: str) -> None:
    """A test that the page names is there."""
    text = (PROJECT / file).read_text(encoding="utf-8")

    assert f"def {name}(" in text if name else text
