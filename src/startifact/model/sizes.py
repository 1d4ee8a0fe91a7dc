"""Sizes as people write them: ``1000000``, ``500MB``, ``2GiB``."""

import re

from startifact.errors import InputError
from startifact.limits import MAX_SIZE_TEXT_DIGITS
from startifact.text import quoted

_SIZE = re.compile(rf"([0-9]{{1,{MAX_SIZE_TEXT_DIGITS}}})(?:([KMGT])(i?))?B?", re.ASCII)


def parse_size(given: object, *, name: str = "the size") -> int:
    """Return how many bytes *given* is; *name* is what it is given for.

    Raises:
        InputError: It is neither a number of bytes nor a number and a unit, or it is nothing.
    """
    size = 0
    if isinstance(given, int) and not isinstance(given, bool):
        size = given
    elif isinstance(given, str) and (match := _SIZE.fullmatch(given)):
        base = 1024 if match[3] else 1000
        size = int(match[1]) * int(base ** (" KMGT".index(match[2] or " ")))
    if size > 0:
        return size
    raise InputError(
        f"{name} {quoted(given)} is not a size",
        hint="Write a number of bytes, or a number and KiB, MiB, GiB or TiB, for example 2GiB",
    )
