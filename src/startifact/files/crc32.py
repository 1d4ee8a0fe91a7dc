"""The CRC-32 of bytes that are known by the CRC-32 of their pieces.

A CRC is the remainder of a division of polynomials over GF(2), so that bytes which follow multiply
that of the bytes before them by a power of x (see RFC 1952, and zlib's ``crc32_combine``).
"""

import functools

_POLYNOMIAL = 0xEDB88320
"""That of CRC-32 without its highest term. As in all values, the lowest bit is the highest power
of x."""

_ONE = 1 << 31
_X_TO_THE_8 = _ONE >> 8


def concatenated(first: int, second: int, second_size: int) -> int:
    """Return the CRC-32 of bytes, and *second_size* bytes behind them, from those of the two."""
    return _product(first, _shift(second_size)) ^ second


@functools.lru_cache(maxsize=4)  # nearly all parts of a file have one size
def _shift(size: int) -> int:
    """Return x to the power of the bits of *size* bytes."""
    result, square = _ONE, _X_TO_THE_8
    while size:
        if size & 1:
            result = _product(result, square)
        square = _product(square, square)
        size >>= 1
    return result


def _product(left: int, right: int) -> int:
    product = 0
    while left:
        if left & _ONE:
            product ^= right
        left = left << 1 & 0xFFFFFFFF
        right = right >> 1 ^ (_POLYNOMIAL if right & 1 else 0)
    return product
