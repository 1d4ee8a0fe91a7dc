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
from startifact.limits import DEFAULT_LIMITS, Limits
from startifact.model.keys import Key
from startifact.model.record import Record
from startifact.reading.replica import Replica
from startifact.reading.transfer import read_verified
from startifact.regions.interface import StoredArtifact
from startifact.regions.memory import MemoryRegion
from tests.support.limits import PART

KEY = Key("SugarWater@1.0.0")
CONTENT = os.urandom(5 * PART + 1000)
LIMITS = Limits(part_bytes=PART, part_workers=3)


def _record(content: bytes) -> Record:
    return Record(
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
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
        for offset in range(start, stop, PART // 8):
            yield self._content[offset : min(offset + PART // 8, stop)]


def _read(
    region: _Region, path: Path, *, content: bytes = CONTENT, limits: Limits = LIMITS
) -> None:
    path.touch()
    record = _record(content)
    stored = StoredArtifact(size=len(content), encoded_record=None, token="token")
    read_verified(Replica(region, stored, record), record, KEY, path, Heartbeat(), limits)


@pytest.mark.parametrize("seed", range(8))
def test_whole(seed: int, tmp_path: Path) -> None:
    """Whatever the order, all of it is written and hashed."""
    _read(_Region(seed, CONTENT), tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == CONTENT


def test_size_of_parts(tmp_path: Path) -> None:
    """Of a large artifact each request brings more, up to 32 MiB; of others it is 8 MiB."""
    each = DEFAULT_LIMITS.part_bytes
    content = bytes(5 * each + 1000)
    small, large = _Region(0, content), _Region(0, content)

    _read(small, tmp_path / "small", content=content, limits=Limits(part_workers=3))
    _read(large, tmp_path / "large", content=content, limits=Limits(part_workers=1))

    assert each == 8 * 1024 * 1024
    assert sorted(small.asked)[:2] == [(0, each), (each, 2 * each)]
    half = len(content) // 2
    assert sorted(large.asked) == [(0, half), (half, len(content))]


@pytest.mark.parametrize("at", [0, PART, 3 * PART - 1, len(CONTENT) - 1])
def test_one_byte(at: int, tmp_path: Path) -> None:
    """One wrong byte in any part is found."""
    damaged = bytearray(CONTENT)
    damaged[at] ^= 1

    with pytest.raises(IntegrityError, match="is damaged"):
        _read(_Region(at, bytes(damaged)), tmp_path / "file")
