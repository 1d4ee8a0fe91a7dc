"""The bytes of one replica: read into a file, and compared with its record."""

import hashlib
import threading
from functools import partial
from pathlib import Path

from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import IntegrityError
from startifact.files.destination import local_errors
from startifact.limits import MAX_READ_BYTES, READ_BACK_BYTES, READS_PER_WORKER, Limits
from startifact.model.keys import Key
from startifact.model.record import Record
from startifact.reading.replica import Replica


def read_verified(
    replica: Replica,
    record: Record,
    key: Key,
    temporary: Path,
    heartbeat: Heartbeat,
    limits: Limits,
) -> None:
    """Write all bytes of *replica* to *temporary*, which then has the size and digest of *record*.

    Several parts of it come at a time, and its front is hashed while the rest comes.

    Raises:
        IntegrityError: What came has another size or digest.
    """
    front = _Front(record, temporary, heartbeat)

    def fetch(start: int, stop: int) -> None:
        # Opened for each part: several are written at once, each at its own place.
        with local_errors(temporary), temporary.open("r+b") as file:
            file.seek(start)
            for block in replica.region.read(key, replica.stored, start, stop):
                file.write(block)
                heartbeat.beat(len(block))
        front.add(start, stop)

    size = replica.record.size
    part = _part_bytes(size, limits)
    # One after the other as they are needed: it is a region that says how many there are.
    run_in_pool(
        (partial(fetch, s, min(s + part, size)) for s in range(0, size, part)),
        workers=limits.part_workers,
        limits=limits,
    )
    front.check(f"{key} in {replica.region.name}")


def _part_bytes(size: int, limits: Limits) -> int:
    """Return how many of *size* bytes one request reads, so that all workers have several."""
    reads = READS_PER_WORKER * limits.part_workers
    return min(max(limits.part_bytes, -(-size // reads)), MAX_READ_BYTES)


class _Front:
    """The digest of a file that is written in parts, as far as they follow its beginning.

    What is in the file is hashed, not what was meant to be written to it.
    """

    def __init__(self, record: Record, path: Path, heartbeat: Heartbeat) -> None:
        self._record = record
        self._path = path
        self._heartbeat = heartbeat
        # Artifacts of the first Startifact have an MD5 at best, which says something about
        # accidents.
        self._digest = hashlib.sha256() if record.sha256 else hashlib.md5(usedforsecurity=False)
        self._lock = threading.Lock()
        self._written: dict[int, int] = {}
        self._end = 0
        self._is_hashing = False

    def add(self, start: int, stop: int) -> None:
        """Note that the bytes from *start* to *stop* are written, and hash the front up to there.

        Where another thread is at it already, that one goes on with it.
        """
        with self._lock:
            self._written[start] = stop
            if self._is_hashing:
                return
            self._is_hashing = True
        while (end := self._next()) is not None:
            self._hash(end)

    def check(self, where: str) -> None:
        """Return when the whole file has the size and the digest of the record.

        Raises:
            IntegrityError: It has others.
        """
        record = self._record
        with local_errors(self._path):
            size = self._path.stat().st_size
            self._hash(size)
        expected = record.sha256 or record.md5
        got = self._digest.hexdigest() if expected else None
        if (size, got) != (record.size, expected):
            name = self._digest.name
            raise IntegrityError(
                f"{where} is damaged: got {size:,} bytes with {name}:{got}, "
                f"expected {record.size:,} bytes with {name}:{expected}"
            )

    def _next(self) -> int | None:
        """Return up to where the file is written and not hashed; ``None`` where that is nothing.

        Then nobody hashes any more: whoever writes the next part does.
        """
        with self._lock:
            stop = self._written.pop(self._end, None)
            if stop is None:
                self._is_hashing = False
            return stop

    def _hash(self, stop: int) -> None:
        # Always the same memory: blocks of their own would take as long to make as to read.
        block = memoryview(bytearray(READ_BACK_BYTES))
        with local_errors(self._path), self._path.open("rb", buffering=0) as file:
            file.seek(self._end)
            while self._end < stop and (count := file.readinto(block[: stop - self._end])):
                self._digest.update(block[:count])
                self._end += count
                self._heartbeat.beat(0)  # progress counted these bytes when they came
