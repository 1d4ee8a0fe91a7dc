"""Checksums as S3 writes them."""

import base64


def crc32_text(crc: int) -> str:
    """Return *crc* as S3 writes it."""
    return base64_of(crc.to_bytes(4, "big"))


def base64_of(checksum: bytes) -> str:
    """Return *checksum* as S3 writes it."""
    return base64.b64encode(checksum).decode()
