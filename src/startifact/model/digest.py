"""Digests as they are written: those of bytes, and the names of contents."""

import hashlib
import json
import re
from collections.abc import Mapping

from startifact.errors import InputError
from startifact.text import quoted

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)

_CONTENT = "content:"
_BYTES = "sha256:"


def is_sha256(text: str) -> bool:
    """Say whether *text* is a SHA-256 in lower-case hexadecimal digits."""
    return _SHA256.fullmatch(text) is not None


def content_name(sha256: str, size: int, filename: str | None, metadata: Mapping[str, str]) -> str:
    """Return the name of a content: ``content:`` and a digest over all that makes it the same.

    That is the SHA-256 of one ASCII JSON object without spaces, its keys sorted, in which *sha256*
    is that of the bytes, *filename* in NFC or null, and *metadata* the user's pairs. Two stagings
    of the same content have the same name, and two of the same bytes with other metadata have not.
    """
    content = {"filename": filename, "metadata": dict(metadata), "sha256": sha256, "size": size}
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return _CONTENT + hashlib.sha256(text.encode()).hexdigest()


def parse_sha256(text: object) -> str:
    """Return the SHA-256 that *text* is, in lower-case hexadecimal digits.

    Raises:
        InputError: It is not 64 hexadecimal digits, behind ``sha256:`` or not.
    """
    digest = text.lower().removeprefix(_BYTES) if isinstance(text, str) else ""
    if is_sha256(digest):
        return digest
    raise InputError(
        f"sha256 is {quoted(text)}, expected 64 hexadecimal digits, with or without {_BYTES} "
        "before them"
    )


def parse_keep(text: str) -> str:
    """Return what *text* names, with digits in lower case: bytes, or a content.

    It is written ``sha256:`` or ``content:`` and 64 hexadecimal digits.

    Raises:
        InputError: It is not.
    """
    for prefix in (_BYTES, _CONTENT):
        digest = text.removeprefix(prefix).lower()
        if text.startswith(prefix) and is_sha256(digest):
            return prefix + digest
    raise InputError(
        f"keep is {quoted(text)}, expected {_BYTES} and 64 hexadecimal digits, or {_CONTENT} and "
        "as many"
    )
