"""Words that had to be explained do not come back, in code, tests, messages or documents."""

import re
from pathlib import Path

import pytest

from tests.support.runner_step import PROJECT

# Each with the field's own term, which stands in its place.
WORDS = {
    "ledger": "StagingState, record_…",
    "sight": "RegionSnapshot",
    "glimpse": "early replica",
    "worksheet": "RepairLog",
    "forwarder": "LatestRepairer",
    "mover": "ChannelWriter",
    "misshapen": "UnexpectedFileType",
    "survey": "Resolution",
    "uncomparable": "IndeterminateContent",
    "take down": "fail_region in tests, record in the code",
    "taken down": "failed in tests, recorded in the code",
}

FILES = [
    *(
        path
        for folder in ("src", "tests", "docs")
        for path in sorted((PROJECT / folder).rglob("*"))
    ),
    PROJECT / "README.md",
]


def pattern(word: str) -> str:
    """Return what matches *word* in prose and in names: ``a_word``, ``ItsWord``, ``words``."""
    first, rest = word[0], word[1:].replace(" ", "[ _-]?")
    return rf"(?:(?<![A-Za-z])[{first}{first.upper()}]|{first.upper()})(?i:{rest})"


def uses(text: str, word: str) -> list[str]:
    """Return each line of *text* that has *word*, with its number."""
    search = re.compile(pattern(word)).search
    return [f"{n}: {line.strip()}" for n, line in enumerate(text.splitlines(), 1) if search(line)]


@pytest.mark.parametrize("word", WORDS)
def test_word_is_gone(word: str) -> None:
    """No file has the word, in its text or its name."""
    found = []
    for path in FILES:
        if path.is_dir() or "__pycache__" in path.parts or path == Path(__file__):
            continue
        name = str(path.relative_to(PROJECT))
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{name}:{use}" for use in uses(f"{text}\n", word)]
        found += [name] if uses(name, word) else []

    assert not found, f"say {WORDS[word]} instead of {word!r}:\n" + "\n".join(found)


@pytest.mark.parametrize(
    "text",
    ["a Mover", "movers", "_mover", "ChannelMover", "MOVERS", "move_mover()", "mover.move"],
)
def test_seen(text: str) -> None:
    """The word is seen alone, in a name, and in the plural."""
    assert uses(text, "mover")


@pytest.mark.parametrize("text", ["remover", "move", "moved"])
def test_part_of_another_word(text: str) -> None:
    """A longer word that happens to end like it is another word."""
    assert not uses(text, "mover")


@pytest.mark.parametrize("text", ["take_down", "take down", "TakeDown", "takedown"])
def test_two_words(text: str) -> None:
    """Two words are seen however they are joined."""
    assert uses(text, "take down")
