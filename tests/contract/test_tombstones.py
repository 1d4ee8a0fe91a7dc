"""What stands in the place of an artifact that was removed, in every kind of region."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from startifact.errors import ExistsError, IntegrityError, RegionUnavailableError
from startifact.files.source import Source
from startifact.model.record import encode_tombstone
from startifact.regions.interface import Region, StoredArtifact
from tests.contract.conftest import (
    CHANNEL,
    ENCODED_RECORD,
    KEY,
    SIZES,
    MakeFile,
    stored,
    unmoved,
)
from tests.support.backends import Backend

pytestmark = pytest.mark.tries_stores

TOMBSTONE = encode_tombstone(removed_at="2026-01-01T00:00:00Z", removed_by="a test")


def described(region: Region) -> StoredArtifact:
    description = region.describe(KEY)
    assert description is not None
    return description


@pytest.mark.sweep
@SIZES
def test_tombstone_in_place_of_an_artifact(
    region: Region, backend: Backend, make_file: MakeFile, size: int
) -> None:
    """The record says that it was removed, the bytes are gone, and other keys are as they were."""
    region.create(KEY, Source.scan(make_file(os.urandom(size))), ENCODED_RECORD, unmoved)
    region.write_channel(CHANNEL, "x\n", None)
    before = described(region)

    assert region.replace_with_tombstone(KEY, TOMBSTONE, before)

    after = described(region)
    assert after.encoded_record == TOMBSTONE
    assert after.size == len(TOMBSTONE)
    assert after.token != before.token
    assert stored(region) == TOMBSTONE.encode()
    assert backend.keys() == sorted([KEY, CHANNEL])
    assert backend.leftovers() == []
    with pytest.raises(IntegrityError):
        b"".join(region.read(KEY, before, 0, before.size))


def test_tombstone_in_place_of_nothing(
    region: Region, backend: Backend, make_file: MakeFile
) -> None:
    """A key where nothing was is taken from then on."""
    assert region.replace_with_tombstone(KEY, TOMBSTONE, None)

    assert described(region).encoded_record == TOMBSTONE
    assert list(region.keys("SugarWater@")) == [KEY]
    with pytest.raises(ExistsError):
        region.create(KEY, Source.scan(make_file()), ENCODED_RECORD, unmoved)
    assert described(region).encoded_record == TOMBSTONE
    assert backend.leftovers() == []


def test_no_tombstone_in_place_of_something_else(
    region: Region, backend: Backend, make_file: MakeFile
) -> None:
    """What came after the description stays, and so does what nobody has described."""
    region.create(KEY, Source.scan(make_file(b"the first")), ENCODED_RECORD, unmoved)
    stale = described(region)
    assert not region.replace_with_tombstone(KEY, TOMBSTONE, None)
    backend.remove(KEY)
    assert not region.replace_with_tombstone(KEY, TOMBSTONE, stale)
    region.create(KEY, Source.scan(make_file(b"the other")), ENCODED_RECORD, unmoved)

    assert not region.replace_with_tombstone(KEY, TOMBSTONE, stale)

    assert stored(region) == b"the other"
    assert described(region).encoded_record == ENCODED_RECORD
    assert backend.leftovers() == []


def test_tombstone_in_place_of_a_tombstone(region: Region) -> None:
    """Of two that remove at once the second finds what the first has put there."""
    other = encode_tombstone(removed_at="2026-01-02T00:00:00Z", removed_by="a test")
    assert region.replace_with_tombstone(KEY, TOMBSTONE, None)
    first = described(region)
    assert region.replace_with_tombstone(KEY, other, first)

    assert not region.replace_with_tombstone(KEY, TOMBSTONE, first)

    assert described(region).encoded_record == other


def test_readers_see_an_artifact_or_a_tombstone(region: Region, make_file: MakeFile) -> None:
    """At no moment nothing is there, so that nobody creates the artifact again in between."""
    source = Source.scan(make_file())
    region.create(KEY, source, ENCODED_RECORD, unmoved)
    before, ended = described(region), threading.Event()
    records: set[str | None] = set()

    def describe() -> None:
        while True:
            last = ended.is_set()
            records.add(described(region).encoded_record)
            if last:
                return

    def create() -> None:
        while not ended.is_set():
            with pytest.raises((ExistsError, RegionUnavailableError)):
                region.create(KEY, source, ENCODED_RECORD, unmoved)

    with ThreadPoolExecutor(2) as pool:
        works = [pool.submit(describe), pool.submit(create)]
        try:
            assert region.replace_with_tombstone(KEY, TOMBSTONE, before)
        finally:
            ended.set()
        for work in works:
            work.result()

    assert records <= {ENCODED_RECORD, TOMBSTONE}
    assert described(region).encoded_record == TOMBSTONE


def test_metadata_beside_an_artifact_where_there_is_none(
    region: Region, backend: Backend, make_file: MakeFile
) -> None:
    """None is found, and deleting it changes nothing."""
    region.create(KEY, Source.scan(make_file(b"x")), ENCODED_RECORD, unmoved)
    before = described(region)

    assert list(region.separate_metadata(f"{KEY}/")) == []
    region.delete_separate_metadata(KEY)

    assert described(region) == before
    assert backend.keys() == [KEY]
