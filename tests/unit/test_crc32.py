"""The CRC-32 of a whole, worked out of those of its parts."""

import functools
import zlib

from hypothesis import given
from hypothesis import strategies as st

from startifact.files.crc32 import concatenated


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=8))
def test_parts_together(pieces: list[bytes]) -> None:
    """It is what zlib says of all bytes at once, however they are cut."""
    whole = functools.reduce(
        lambda crc, piece: concatenated(crc, zlib.crc32(piece), len(piece)), pieces, 0
    )

    assert whole == zlib.crc32(b"".join(pieces))


def test_parts_of_mebibytes() -> None:
    """It holds for parts of the size that uploads have, and for a last one of another size."""
    first, second = bytes(range(256)) * 32_768, b"end"

    crc = concatenated(zlib.crc32(first), zlib.crc32(second), len(second))

    assert crc == zlib.crc32(first + second)
