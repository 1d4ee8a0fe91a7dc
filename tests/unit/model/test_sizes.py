"""Sizes as people write them."""

import pytest

from startifact.errors import InputError
from startifact.model.sizes import parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        (1, 1),
        ("1B", 1),
        ("1000000", 1_000_000),
        ("5K", 5000),
        ("5MB", 5_000_000),
        ("2GiB", 2 * 1024**3),
        ("3Ti", 3 * 1024**4),
    ],
)
def test_sizes(text: object, size: int) -> None:
    """A number of bytes, or with a unit of a thousand or of 1,024."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-1",
        "1.5GiB",
        "2 GiB",
        "GiB",
        "2gib",
        "1iB",
        "1" * 16,
        "1PB",
        "\u0661",
        0,
        -1,
        True,
        None,
    ],
)
def test_no_sizes(text: object) -> None:
    """Anything else is refused, with what to write."""
    with pytest.raises(InputError, match=r"max-extracted-size .* is not a size") as caught:
        parse_size(text, name="max-extracted-size")

    assert "2GiB" in str(caught.value.hint)
