"""The bytes of one replica: read into a file, and compared with its record."""

import hashlib
from functools import partial
from pathlib import Path

from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import IntegrityError
from startifact.files.destination import local_errors
from startifact.limits import BLOCK_BYTES, PART_BYTES, Limits
from startifact.model.keys import Key
from startifact.model.record import Record
from startifact.reading.replica import Replica


def read_all(
    replica: Replica, key: Key, temporary: Path, heartbeat: Heartbeat, limits: Limits
) -> None:
    """Write all bytes of *replica* to *temporary*, several parts of it at a time."""

    def fetch(start: int, stop: int) -> None:
        # Opened for each part: several are written at once, each at its own place.
        with local_errors(temporary), temporary.open("r+b") as file:
            file.seek(start)
            for block in replica.region.read(key, replica.stored, start, stop):
                file.write(block)
                heartbeat.beat(len(block))

    size = replica.record.size
    # One after the other as they are needed: it is a region that says how many there are.
    run_in_pool(
        (partial(fetch, s, min(s + PART_BYTES, size)) for s in range(0, size, PART_BYTES)),
        workers=limits.part_workers,
        limits=limits,
    )


def verify_file(record: Record, where: str, temporary: Path, heartbeat: Heartbeat) -> None:
    """Return when *temporary* has the size and the digest of *record*.

    What is in the file is hashed, not what was meant to be written to it.

    Raises:
        IntegrityError: It has others.
    """
    # Artifacts of the first Startifact have an MD5 at best, which says something about accidents.
    digest = hashlib.sha256() if record.sha256 else hashlib.md5(usedforsecurity=False)
    expected = record.sha256 or record.md5
    size = 0
    with local_errors(temporary), temporary.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            size += len(block)
            heartbeat.beat(0)  # progress counted these bytes when they came
    got = digest.hexdigest() if expected else None
    if (size, got) != (record.size, expected):
        name = digest.name
        raise IntegrityError(
            f"{where} is damaged: got {size:,} bytes with {name}:{got}, "
            f"expected {record.size:,} bytes with {name}:{expected}"
        )
