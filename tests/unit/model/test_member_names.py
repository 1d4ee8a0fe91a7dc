"""Which names of an archive's members would be one file on some disk."""

import pytest

from startifact.model.member_names import folded


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("README", "readme"),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}"),
        (
            "CAF\N{LATIN CAPITAL LETTER E WITH ACUTE}",
            "cafe\N{COMBINING ACUTE ACCENT}",
        ),
        ("stra\N{LATIN SMALL LETTER SHARP S}e", "STRASSE"),
        ("bin/Tool", "Bin/tool"),
    ],
)
def test_names_that_could_be_one_file_are_the_same(one: str, other: str) -> None:
    """Upper and lower case, and both spellings of a letter with an accent."""
    assert folded(one) == folded(other)


@pytest.mark.parametrize(
    ("one", "other"), [("a", "b"), ("a/b", "a_b"), ("e", "\u00e9"), ("a", "a ")]
)
def test_other_names_are_not(one: str, other: str) -> None:
    """Names that every disk keeps apart."""
    assert folded(one) != folded(other)
