"""A file whose parts arrive in any order is hashed from its front on, while the rest arrives."""

import hashlib
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import IntegrityError
from startifact.limits import PART_BYTES, Limits
from startifact.model.keys import Key
from startifact.model.record import Record
from startifact.reading.replica import Replica
from startifact.reading.transfer import read_verified
from startifact.regions.interface import StoredArtifact
from startifact.regions.memory import MemoryRegion

KEY = Key("SugarWater@1.0.0")
CONTENT = os.urandom(5 * PART_BYTES + 1000)
RECORD = Record(
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    size=len(CONTENT),
    staged_at="2026-01-01T00:00:00Z",
)


class _Region(MemoryRegion):
    """Delivers each part after a time of its own, in blocks."""

    def __init__(self, seed: int, content: bytes) -> None:
        super().__init__("memory:parts")
        self._random = random.Random(seed)
        self._content = content
        self.asked: list[tuple[int, int]] = []

    def read(self, key: Key, stored: StoredArtifact, start: int, stop: int) -> Iterator[bytes]:
        self.asked.append((start, stop))
        time.sleep(self._random.choice((0.0, 0.01, 0.05)))
        for offset in range(start, stop, 1024 * 1024):
            yield self._content[offset : min(offset + 1024 * 1024, stop)]


def _read(region: _Region, path: Path, *, workers: int = 3) -> None:
    path.touch()
    replica = Replica(
        region, StoredArtifact(size=len(CONTENT), encoded_record=None, token="token"), RECORD
    )
    read_verified(replica, RECORD, KEY, path, Heartbeat(), Limits(part_workers=workers))


@pytest.mark.parametrize("seed", range(8))
def test_whole(seed: int, tmp_path: Path) -> None:
    """Whatever the order, all of it is written and hashed."""
    _read(_Region(seed, CONTENT), tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == CONTENT


def test_size_of_parts(tmp_path: Path) -> None:
    """Of a large artifact each request brings more, up to 32 MiB; of others it is 8 MiB."""
    small, large = _Region(0, CONTENT), _Region(0, CONTENT)

    _read(small, tmp_path / "small")
    _read(large, tmp_path / "large", workers=1)

    assert sorted(small.asked)[:2] == [(0, PART_BYTES), (PART_BYTES, 2 * PART_BYTES)]
    half = len(CONTENT) // 2
    assert sorted(large.asked) == [(0, half), (half, len(CONTENT))]


@pytest.mark.parametrize("at", [0, PART_BYTES, 3 * PART_BYTES - 1, len(CONTENT) - 1])
def test_one_byte(at: int, tmp_path: Path) -> None:
    """One wrong byte in any part is found."""
    damaged = bytearray(CONTENT)
    damaged[at] ^= 1

    with pytest.raises(IntegrityError, match="is damaged"):
        _read(_Region(at, bytes(damaged)), tmp_path / "file")
