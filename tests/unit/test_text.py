"""Text about regions, and lists in one line."""

import pytest

from startifact.errors import AccessDeniedError, by_region
from startifact.text import joined, quoted_list, with_regions, without_region


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("broken", "eu-west-1: broken"),
        ("eu-west-1 refused it", "eu-west-1 refused it"),
        ("eu-west-1: it is gone", "eu-west-1: it is gone"),
        ("P@1.0.0 in eu-west-1 is gone", "P@1.0.0 in eu-west-1 is gone"),
        ("no credentials for eu-west-1: none", "no credentials for eu-west-1: none"),
        ("it is not in eu-west-1", "it is not in eu-west-1"),
        ("regions eu-west-1 and b are one store", "regions eu-west-1 and b are one store"),
        ("eu-west-1 is not eu-west-1", "eu-west-1 is not eu-west-1"),
        ("eu-west-1, b: both", "eu-west-1, b: both"),
        ("eu-west-11 refused it", "eu-west-1: eu-west-11 refused it"),
        ("it in eu-west-1/more is gone", "eu-west-1: it in eu-west-1/more is gone"),
        ("eu-west-1@1.0.0 is not there", "eu-west-1: eu-west-1@1.0.0 is not there"),
        ("eu-west-1.bak is down", "eu-west-1: eu-west-1.bak is down"),
        ("it is not in eu-west-1. Then", "it is not in eu-west-1. Then"),
        ("at /x/eu-west-1 is a pipe", "eu-west-1: at /x/eu-west-1 is a pipe"),
        ("several:\n  eu-west-1: no", "eu-west-1: several:\n  eu-west-1: no"),
        ("eu-west-1", "eu-west-1"),
        ("", "eu-west-1: "),
    ],
)
def test_one_region(text: str, expected: str) -> None:
    """A region that is not named stands in front; no sentence is changed."""
    assert with_regions(["eu-west-1"], text) == expected


def test_several_regions() -> None:
    """Of several regions, one that the text names keeps its part in it."""
    assert with_regions(["a", "b"], "broken") == "a, b: broken"
    assert with_regions(["a", "b"], "b refused it") == "a: b refused it"
    assert with_regions(["a", "b"], "a and b are one") == "a and b are one"


def test_special_characters() -> None:
    """A region's spelling is no pattern."""
    name = "s3://b/(p)+?region=eu&endpoint=http%3A%2F%2Fx"
    assert with_regions([name], f"{name} is away") == f"{name} is away"


def test_list_by_region() -> None:
    """Regions that say the same share a line, and none stands twice in one."""
    refused = AccessDeniedError("home refused it")
    said = [("home", refused), ("b", refused), ("c", "absent"), ("d", "d is away"), ("e", "absent")]

    assert by_region(said) == "\n  b: home refused it\n  c: absent\n  d is away\n  e: absent"


def test_lists_are_short() -> None:
    """What is too many for a line is counted; what is there twice stands once."""
    assert joined(["a", "b", "a"]) == "a, b"
    assert joined(map(str, range(13)), limit=3) == "0, 1, 2, 10 more"
    assert quoted_list(["a\n", "b"]) == r"'a\n', 'b'"
    assert joined([]) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("eu-west-1: it is gone", "it is gone"),
        ("eu-west-1 refused it", "refused it"),
        ("eu-west-11 refused it", "eu-west-11 refused it"),
        ("eu-west-1, b: both", "eu-west-1, b: both"),
        ("P@1.0.0 in eu-west-1 is gone", "P@1.0.0 in eu-west-1 is gone"),
        ("eu-west-1", "eu-west-1"),
    ],
)
def test_without_region(text: str, expected: str) -> None:
    """A line that stands beside a region's name does not begin with it again."""
    assert without_region("eu-west-1", text) == expected
