"""Comparing and mending what the first Startifact has left behind."""

import json
from pathlib import Path

import pytest

from startifact.repair.verify import Kind
from tests.functional.legacy.conftest import Old
from tests.functional.legacy.test_reading import flip
from tests.functional.repair.shop import CONTENT, OTHER, sha256

KEEP = f"sha256:{sha256()}"


@pytest.mark.parametrize("read_data", [False, True])
def test_nothing_differs(old: Old, read_data: bool) -> None:
    """A project that is the same in every region differs in nothing, and is left as it is."""
    old.stage("1.0.0", metadata={"lang": "dotnet"})
    old.stage("2.0.0", OTHER)
    before = old.shop.snapshot()

    found = old.shop.verify(read_data=read_data)
    done = old.shop.repair(read_data=read_data)

    assert found
    assert done
    assert done.steps == ()
    assert old.shop.snapshot() == before


@pytest.mark.parametrize("read_data", [False, True])
def test_other_bytes(old: Old, read_data: bool) -> None:
    """Other bytes of the same size are found by their MD5, or by reading them."""
    old.stage()
    old.stage(content=OTHER, places=[old.shop.b])

    found = old.shop.found("1.0.0", read_data=read_data)
    said = old.shop.refused("1.0.0", read_data=read_data)

    assert found == [(Kind.DIFFERENT, "eu-west-1")]
    assert "it differs in the bytes" in said
    assert "--keep" not in said


def test_other_metadata(old: Old) -> None:
    """Other metadata beside the same bytes is a difference."""
    old.stage(metadata={"lang": "dotnet"})
    old.shop.b.plain(f"{old.shop.key}/metadata", b'{"lang": "rust"}')

    found = old.shop.found("1.0.0")
    said = old.shop.refused("1.0.0")

    assert found == [(Kind.DIFFERENT, "eu-west-1")]
    assert "it differs in the metadata ('lang')" in said


def test_damaged_bytes(old: Old) -> None:
    """Bytes that are not those of the MD5 are damaged, where they are read."""
    old.stage()
    old.wire.add(flip)

    unread = old.shop.found("1.0.0")
    found = old.shop.found("1.0.0", read_data=True)

    assert unread == []
    assert found == [(Kind.DAMAGED, name) for name in old.shop.regions]


def test_damaged_metadata(old: Old) -> None:
    """Metadata that cannot be read is damage in that region."""
    old.stage(metadata={"lang": "dotnet"})
    old.shop.b.plain(f"{old.shop.key}/metadata", b"not JSON")

    found = old.shop.found("1.0.0")
    said = old.shop.refused("1.0.0")

    assert found == [(Kind.DAMAGED, "eu-west-1")]
    assert f"the metadata of {old.shop.key} in eu-west-1 is damaged" in said


def test_missing(old: Old) -> None:
    """What has no digest is not copied; staging the same file again fills the other regions."""
    shop = old.shop
    old.stage(places=[shop.a])

    found = shop.found("1.0.0")
    said = shop.refused("1.0.0")
    kept = shop.refused("1.0.0", keep=KEEP)
    shop.stage()

    assert found == [(Kind.MISSING, "eu-west-1"), (Kind.MISSING, "ap-southeast-2")]
    assert "it has no digest to copy it by" in said
    assert "it has no digest to copy it by" in kept
    assert "Stage the same file again: that fills the other regions" in said
    assert [place.content(shop.key) for place in shop.places] == [CONTENT] * 3


@pytest.mark.parametrize("read_data", [False, True])
def test_without_a_record_among_others(old: Old, read_data: bool) -> None:
    """A region whose copy has no record is told; a person's word gives it one."""
    shop = old.shop
    old.stage(places=[shop.a])
    shop.stage()

    found = shop.found("1.0.0", read_data=read_data)
    said = shop.refused("1.0.0", read_data=read_data)
    done = shop.mended("1.0.0", keep=KEEP)

    assert found == [(Kind.UNRECORDED, "us-east-1")]
    assert f"--keep {KEEP}" in said
    assert done == [("set-aside", "us-east-1"), ("fill", "us-east-1")]
    assert json.loads(shop.a.document(shop.key))["startifact:sha256"] == sha256()
    [aside] = shop.quarantined(shop.a)
    assert shop.a.content(aside) == CONTENT


def test_other_bytes_without_a_record(old: Old) -> None:
    """A copy without a record that has other bytes than the others is another content."""
    shop = old.shop
    shop.stage()
    shop.a.plain(shop.key, OTHER)

    unread = shop.found("1.0.0")
    read = shop.found("1.0.0", read_data=True)
    shop.b.plain(shop.key, b"short")
    all_differ = shop.found("1.0.0")

    assert unread == read == [(Kind.DIFFERENT, "us-east-1")]
    assert all_differ == [(Kind.DIFFERENT, region) for region in shop.regions]


@pytest.mark.parametrize("read_data", [False, True])
def test_record_that_most_contradict(old: Old, read_data: bool) -> None:
    """Where most regions hold something that one record cannot stand for, that one differs."""
    shop = old.shop
    old.stage(places=[shop.a, shop.c])
    shop.stage(content=OTHER, regions=[shop.b.spelling])

    assert shop.found("1.0.0", read_data=read_data) == [(Kind.DIFFERENT, "eu-west-1")]
    assert f"--keep sha256:{sha256(OTHER)}" in shop.refused("1.0.0", read_data=read_data)


def test_read_where_others_have_a_record(old: Old, tmp_path: Path) -> None:
    """The record of the other regions counts, and verifies what comes from the one without."""
    shop = old.shop
    old.stage(places=[shop.a])
    shop.stage(metadata={"lang": "dotnet"})

    artifact = shop.session().get(shop.project, "1.0.0")
    for place in (shop.b, shop.c):
        place.take_down()
    path = artifact.downloader.download(tmp_path / "back")
    for place in (shop.b, shop.c):
        place.bring_back()

    assert artifact.sha256 == sha256()
    assert dict(artifact) == {"lang": "dotnet"}
    assert path.read_bytes() == CONTENT


def test_latest_moves_on(old: Old) -> None:
    """A ``latest`` that is only a parameter, and behind, is moved forward and made an object."""
    shop = old.shop
    old.stage("1.0.0")
    shop.stage("2.0.0", OTHER)
    shop.b.erase(shop.latest)
    shop.show(shop.b, "1.0.0")

    found = shop.found()
    done = shop.mended()

    assert found == [(Kind.LATEST_BEHIND, "eu-west-1")]
    assert done == [("move-latest", "eu-west-1")]
    assert (shop.b.latest(shop.project), shop.shown(shop.b)) == ("2.0.0", "2.0.0")
