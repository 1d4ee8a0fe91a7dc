"""The page of guarantees names tests that exist."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "guarantees.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`", PAGE)


def test_every_promise_names_tests() -> None:
    """Each of the promises is held by a test."""
    assert "\nTwelve promises." in PAGE
    promises = PAGE.split("\n## ")[1:]

    assert len(promises) == 12
    assert all("Held by: `tests/" in promise for promise in promises)


def test_named_tests_exist() -> None:
    """Every test that the page names is there."""
    texts = {file: (PROJECT / file).read_text(encoding="utf-8") for file, _ in NAMED}
    missing = [
        f"{file}::{name}" for file, name in NAMED if name and f"def {name}(" not in texts[file]
    ]

    assert NAMED
    assert missing == []
    assert all(texts.values())
