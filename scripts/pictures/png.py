"""Comments in PNG files, which are chunks tEXt (https://www.w3.org/TR/png-3/)."""

import struct
import zlib

_KIND = b"tEXt"
_KEYWORD = b"Comment\0"
_END = b"\0\0\0\0IEND"


def with_comment(image: bytes, comment: str) -> bytes:
    """Return *image* with *comment* in it."""
    content = _KIND + _KEYWORD + comment.encode("ascii")
    chunk = struct.pack(">I", len(content) - len(_KIND)) + content
    chunk += struct.pack(">I", zlib.crc32(content))
    before, end, after = image.rpartition(_END)
    return before + chunk + end + after


def comment_of(image: bytes) -> str:
    """Return the comment in *image*; the empty text where there is none."""
    _, found, rest = image.rpartition(_KIND + _KEYWORD)
    return rest[: -len(_END) - 8].decode("ascii", "replace") if found else ""
