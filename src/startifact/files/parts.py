"""The parts in which a file is sent, and their digests."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from startifact.concurrency.deadline import check_deadline
from startifact.limits import BLOCK_BYTES, MAX_PARTS, MIB, PART_BYTES

if TYPE_CHECKING:
    from concurrent.futures import Future


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes one request carries, and their SHA-256 (32 bytes, not hexadecimal)."""

    offset: int
    size: int
    sha256: bytes


def part_size(size: int) -> int:
    """Return how many bytes each part of an artifact of *size* bytes has, the last one excepted."""
    smallest = -(-size // MAX_PARTS)
    return max(PART_BYTES, -(-smallest // MIB) * MIB)


def hash_parts(
    file: io.BufferedReader, size: int, beat: Callable[[int], None]
) -> tuple[str, tuple[Part, ...]]:
    """Return the SHA-256 of *file*, which has *size* bytes, and its parts; it is read once.

    Where it has grown, the last part ends one byte behind *size*. *beat* is called with the number
    of bytes each time some were read.
    """
    limit = part_size(size)
    if size <= limit:
        part = _hash_part(file, Part(0, size, b""), beat, lambda _: None)
        return part.sha256.hex(), (part,)
    # Only here: small files, of which there are many, are spared the time that its import takes.
    from concurrent.futures import ThreadPoolExecutor

    whole, parts, offset = hashlib.sha256(), list[Part](), 0
    with ThreadPoolExecutor(1, "startifact digest") as other_thread:
        # The digest of the whole is worked out beside those of the parts.
        def update(block: bytes) -> "Future[None]":
            return other_thread.submit(whole.update, block)

        # Not beyond the size it had: a file that grows faster than it is read has no end.
        while offset <= size:
            asked = Part(offset, min(limit, size + 1 - offset), b"")
            part = _hash_part(file, asked, beat, update)
            if part.size == 0:
                break
            parts.append(part)
            offset += part.size
    return whole.hexdigest(), tuple(parts)


def _hash_part(
    file: io.BufferedReader,
    asked: Part,
    beat: Callable[[int], None],
    update: Callable[[bytes], "Future[None] | None"],
) -> Part:
    """Return the part that *asked* is about, as large as it is and with its digest.

    *update* is called with each block, and has ended before the next one is read.
    """
    digest, count = hashlib.sha256(), 0
    while count < asked.size and (block := file.read(min(BLOCK_BYTES, asked.size - count))):
        updating = update(block)
        digest.update(block)
        if updating is not None:
            updating.result()
        count += len(block)
        beat(len(block))
        check_deadline()
    return Part(asked.offset, count, digest.digest())
