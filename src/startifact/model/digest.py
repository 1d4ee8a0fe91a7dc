"""Digests as they are written."""

import re

from startifact.errors import InputError
from startifact.text import quoted

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def is_sha256(text: str) -> bool:
    """Say whether *text* is a SHA-256 in lower-case hexadecimal digits."""
    return _SHA256.fullmatch(text) is not None


def parse_keep(text: str) -> str:
    """Return the digest in *text*, which is written ``sha256:`` and 64 hexadecimal digits.

    Raises:
        InputError: It is not.
    """
    digest = text.removeprefix("sha256:").lower()
    if text.startswith("sha256:") and is_sha256(digest):
        return digest
    raise InputError(f"keep is {quoted(text)}, expected sha256: and 64 hexadecimal digits")
