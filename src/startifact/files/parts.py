"""The parts in which a file is sent, and their checksums."""

import hashlib
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from startifact.concurrency.deadline import check_deadline
from startifact.limits import BLOCK_BYTES, MAX_PARTS

if TYPE_CHECKING:
    from concurrent.futures import Future


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes one request carries, and their CRC-32.

    A CRC is enough to find what was changed on its way, or in the file meanwhile, and takes a
    quarter of the time of a SHA-256. That one is taken of the whole: it is what a download checks.
    """

    offset: int
    size: int
    crc32: int


def piece_size(part_bytes: int) -> int:
    """Return how many bytes each piece has of which parts of *part_bytes* or more consist."""
    return min(part_bytes, BLOCK_BYTES)


def part_size(size: int, part_bytes: int) -> int:
    """Return how many bytes each part of an artifact of *size* bytes has, the last one excepted.

    These are *part_bytes* at least, and whole pieces.
    """
    smallest, piece = max(part_bytes, -(-size // MAX_PARTS)), piece_size(part_bytes)
    return -(-smallest // piece) * piece


def hash_parts(
    file: io.BufferedReader, size: int, beat: Callable[[int], None], part_bytes: int
) -> tuple[str, tuple[Part, ...]]:
    """Return the SHA-256 of *file*, which has *size* bytes, and its parts; it is read once.

    Where it has grown, the last part ends one byte behind *size*. *beat* is called with the number
    of bytes each time some were read.
    """
    limit, sha256 = part_size(size, part_bytes), hashlib.sha256()
    if size <= limit:
        part = _read_part(file, 0, size, beat, sha256.update)
        return sha256.hexdigest(), (part,)
    # Only here: small files, of which there are many, are spared the time that its import takes.
    from concurrent.futures import ThreadPoolExecutor

    parts, offset = list[Part](), 0
    with ThreadPoolExecutor(1, "startifact digest") as other_thread:
        hashing: Future[None] | None = None

        def update(block: bytes) -> None:
            nonlocal hashing
            if hashing is not None:
                hashing.result()  # reading is one block ahead, and not more: memory is bounded
            hashing = other_thread.submit(sha256.update, block)

        # Not beyond the size it had: a file that grows faster than it is read has no end.
        while offset <= size:
            part = _read_part(file, offset, min(limit, size + 1 - offset), beat, update)
            if part.size == 0:
                break
            parts.append(part)
            offset += part.size
    return sha256.hexdigest(), tuple(parts)


def _read_part(
    file: io.BufferedReader,
    offset: int,
    size: int,
    beat: Callable[[int], None],
    update: Callable[[bytes], None],
) -> Part:
    """Return the part at *offset*, of at most *size* bytes; *update* is called with each block."""
    crc, count = 0, 0
    while count < size and (block := file.read(min(BLOCK_BYTES, size - count))):
        update(block)
        crc = zlib.crc32(block, crc)
        count += len(block)
        beat(len(block))
        check_deadline()
    return Part(offset, count, crc)
