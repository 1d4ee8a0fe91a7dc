"""Checksums as S3 writes them."""

import base64
from collections.abc import Mapping
from typing import Any

FULL_OBJECT = "FULL_OBJECT"
"""The type of a checksum that is of the whole, and not of the checksums of its parts."""


def crc32_text(crc: int) -> str:
    """Return *crc* as S3 writes it."""
    return base64_of(crc.to_bytes(4, "big"))


def base64_of(checksum: bytes) -> str:
    """Return *checksum* as S3 writes it."""
    return base64.b64encode(checksum).decode()


def crc32_of_whole(answer: Mapping[str, Any], *, asked: bool) -> str | None:
    """Return the checksum of the whole in *answer*, to a completion; ``None`` where it has none.

    Where the type is not said, it is the one that was *asked* for; other stores may answer with a
    checksum of those of the parts.
    """
    checksum = str(answer.get("ChecksumCRC32") or "")
    is_whole = answer.get("ChecksumType", FULL_OBJECT if asked else None) == FULL_OBJECT
    return checksum if checksum and "-" not in checksum and is_whole else None
