"""Comparing and repairing what the first Startifact has left behind."""

import json
from pathlib import Path

import pytest

from startifact.repair.verify import FindingKind
from tests.functional.legacy.conftest import Old
from tests.functional.legacy.test_reading import flip
from tests.functional.repair.project_fixture import CONTENT, OTHER, sha256

KEEP = f"sha256:{sha256()}"


@pytest.mark.parametrize("read_data", [False, True])
def test_nothing_differs(old: Old, read_data: bool) -> None:
    """A project that is the same in every region differs in nothing, and is left as it is."""
    old.stage("1.0.0", metadata={"lang": "dotnet"})
    old.stage("2.0.0", OTHER)
    before = old.fixture.snapshot()

    found = old.fixture.verify(read_data=read_data)
    done = old.fixture.repair(read_data=read_data)

    assert found
    assert done
    assert done.steps == ()
    assert old.fixture.snapshot() == before


@pytest.mark.parametrize("read_data", [False, True])
def test_other_bytes(old: Old, read_data: bool) -> None:
    """Other bytes of the same size are found by their MD5, or by reading them."""
    old.stage()
    old.stage(content=OTHER, backends=[old.fixture.b])

    found = old.fixture.found("1.0.0", read_data=read_data)
    said = old.fixture.refused("1.0.0", read_data=read_data)

    assert found == [(FindingKind.DIFFERENT, "eu-west-1")]
    assert "it differs in the bytes" in said
    assert "--keep" not in said


def test_other_metadata(old: Old) -> None:
    """Other metadata beside the same bytes is a difference."""
    old.stage(metadata={"lang": "dotnet"})
    old.fixture.b.plain(f"{old.fixture.key}/metadata", b'{"lang": "rust"}')

    found = old.fixture.found("1.0.0")
    said = old.fixture.refused("1.0.0")

    assert found == [(FindingKind.DIFFERENT, "eu-west-1")]
    assert "it differs in the metadata ('lang')" in said


def test_damaged_bytes(old: Old) -> None:
    """Bytes that are not those of the MD5 are damaged, where they are read."""
    old.stage()
    old.wire.add(flip)

    unread = old.fixture.found("1.0.0")
    found = old.fixture.found("1.0.0", read_data=True)

    assert unread == []
    assert found == [(FindingKind.DAMAGED, name) for name in old.fixture.regions]


def test_damaged_metadata(old: Old) -> None:
    """Metadata that cannot be read is damage in that region."""
    old.stage(metadata={"lang": "dotnet"})
    old.fixture.b.plain(f"{old.fixture.key}/metadata", b"not JSON")

    found = old.fixture.found("1.0.0")
    said = old.fixture.refused("1.0.0")

    assert found == [(FindingKind.DAMAGED, "eu-west-1")]
    assert f"the metadata of {old.fixture.key} in eu-west-1 is damaged" in said


def test_missing(old: Old) -> None:
    """What has no digest is not copied; staging the same file again fills the other regions."""
    fixture = old.fixture
    old.stage(backends=[fixture.a])

    found = fixture.found("1.0.0")
    said = fixture.refused("1.0.0")
    kept = fixture.refused("1.0.0", keep=KEEP)
    fixture.stage()

    assert found == [(FindingKind.MISSING, "eu-west-1"), (FindingKind.MISSING, "ap-southeast-2")]
    assert "it has no digest to copy it by" in said
    assert "it has no digest to copy it by" in kept
    assert "Stage the same file again: that fills the other regions" in said
    assert [backend.content(fixture.key) for backend in fixture.backends] == [CONTENT] * 3


@pytest.mark.parametrize("read_data", [False, True])
def test_without_a_record_among_others(old: Old, read_data: bool) -> None:
    """A region whose replica has no record is reported; a person's word gives it one."""
    fixture = old.fixture
    old.stage(backends=[fixture.a])
    fixture.stage()

    found = fixture.found("1.0.0", read_data=read_data)
    said = fixture.refused("1.0.0", read_data=read_data)
    done = fixture.repair_until_equal("1.0.0", keep=KEEP)

    assert found == [(FindingKind.UNRECORDED, "us-east-1")]
    assert f"--keep {KEEP}" in said
    assert done == [("set-aside", "us-east-1"), ("fill", "us-east-1")]
    assert json.loads(fixture.a.encoded_record(fixture.key))["startifact:sha256"] == sha256()
    [aside] = fixture.quarantined(fixture.a)
    assert fixture.a.content(aside) == CONTENT


def test_other_bytes_without_a_record(old: Old) -> None:
    """A copy without a record that has other bytes than the others is another content."""
    fixture = old.fixture
    fixture.stage()
    fixture.a.plain(fixture.key, OTHER)

    unread = fixture.found("1.0.0")
    read = fixture.found("1.0.0", read_data=True)
    fixture.b.plain(fixture.key, b"short")
    all_differ = fixture.found("1.0.0")

    assert unread == read == [(FindingKind.DIFFERENT, "us-east-1")]
    assert all_differ == [(FindingKind.DIFFERENT, region) for region in fixture.regions]


@pytest.mark.parametrize("read_data", [False, True])
def test_record_that_most_contradict(old: Old, read_data: bool) -> None:
    """Where most regions hold something that one record cannot stand for, that one differs."""
    fixture = old.fixture
    old.stage(backends=[fixture.a, fixture.c])
    fixture.stage(content=OTHER, regions=[fixture.b.spec])

    assert fixture.found("1.0.0", read_data=read_data) == [(FindingKind.DIFFERENT, "eu-west-1")]
    assert f"--keep sha256:{sha256(OTHER)}" in fixture.refused("1.0.0", read_data=read_data)


def test_read_where_others_have_a_record(old: Old, tmp_path: Path) -> None:
    """The record of the other regions counts, and verifies what comes from the one without."""
    fixture = old.fixture
    old.stage(backends=[fixture.a])
    fixture.stage(metadata={"lang": "dotnet"})

    artifact = fixture.session().get(fixture.project, "1.0.0")
    for backend in (fixture.b, fixture.c):
        backend.fail_region()
    path = artifact.downloader.download(tmp_path / "back")
    for backend in (fixture.b, fixture.c):
        backend.restore_region()

    assert artifact.sha256 == sha256()
    assert dict(artifact) == {"lang": "dotnet"}
    assert path.read_bytes() == CONTENT


def test_latest_moves_on(old: Old) -> None:
    """A ``latest`` that is only a parameter, and behind, is moved forward and made an object."""
    fixture = old.fixture
    old.stage("1.0.0")
    fixture.stage("2.0.0", OTHER)
    fixture.b.erase(fixture.latest)
    fixture.show(fixture.b, "1.0.0")

    found = fixture.found()
    done = fixture.repair_until_equal()

    assert found == [(FindingKind.LATEST_BEHIND, "eu-west-1")]
    assert done == [("move-latest", "eu-west-1")]
    assert (fixture.b.latest(fixture.project), fixture.displayed(fixture.b)) == ("2.0.0", "2.0.0")
