"""Every damage to a version: verify finds it, and repair mends it or says why it must not."""

import json
from typing import Any

import pytest

from startifact import errors
from startifact.repair.verify import Kind
from tests.functional.repair.shop import CONTENT, OTHER, Shop, actions, changed, sha256

TOMBSTONE = json.dumps({"startifact:format": "1", "startifact:removed-at": "2026-01-01T00:00:00Z"})


def test_whole(shop: Shop) -> None:
    """What was staged in every region differs in nothing, and there is nothing to mend."""
    shop.stage(metadata={"lang": "dotnet"}, save_filename=True)
    shop.stage("2.0.0-rc.1")
    before = shop.snapshot()

    found = shop.verify(read_data=True)
    done = shop.repair(read_data=True)

    assert found
    assert [str(version) for version in found.versions] == ["2.0.0-rc.1", "1.0.0"]
    assert done
    assert done.steps == ()
    assert shop.snapshot() == before


@pytest.mark.parametrize("version", [None, "1.0.0"])
def test_nothing_anywhere(shop: Shop, version: str | None) -> None:
    """Where every region says that there is nothing, there is nothing to compare or to mend."""
    with pytest.raises(errors.NotFoundError, match="nothing of"):
        shop.verify(version)
    with pytest.raises(errors.NotFoundError, match="nothing of"):
        shop.repair(version)

    assert shop.snapshot() == [{}, {}, {}]


def test_missing_in_one_region(shop: Shop) -> None:
    """A region that lacks a version is named, and gets exactly what the others have."""
    shop.stage(metadata={"lang": "dotnet"}, save_filename=True)
    shop.b.remove(shop.key)

    found = shop.found("1.0.0")
    done = shop.mended("1.0.0")

    assert found == [(Kind.MISSING, shop.b.spelling)]
    assert done == [("fill", shop.b.spelling)]
    assert shop.b.content(shop.key) == CONTENT
    assert shop.b.document(shop.key) == shop.a.document(shop.key)


def test_missing_in_two_regions(shop: Shop) -> None:
    """One region that has a version is enough to fill the others."""
    shop.stage()
    shop.a.remove(shop.key)
    shop.c.remove(shop.key)

    found = shop.found("1.0.0")
    done = shop.mended("1.0.0")

    assert found == [(Kind.MISSING, shop.a.spelling), (Kind.MISSING, shop.c.spelling)]
    assert done == [("fill", shop.a.spelling), ("fill", shop.c.spelling)]


def test_missed_its_quorum(shop: Shop) -> None:
    """A staging that reached one region only is completed, ``latest`` included."""
    shop.stage()
    shop.stage("2.0.0", OTHER, regions=[shop.c.spelling], required_regions=1)
    shop.c.write(shop.latest, shop.a.text(shop.latest))

    found = shop.found()
    done = shop.mended()

    missing = {(Kind.MISSING, shop.a.spelling), (Kind.MISSING, shop.b.spelling)}
    behind = {(Kind.LATEST_BEHIND, name) for name in shop.regions}
    assert {f for f in found if f[0] is not Kind.COPY_DIFFERS} == missing | behind
    assert done == [
        *(("fill", name) for name in shop.regions[:2]),
        *(("move-latest", name) for name in shop.regions),
    ]
    assert [place.latest(shop.project) for place in shop.places] == ["2.0.0"] * 3


def test_many_versions(corner_shop: Shop) -> None:
    """Everything of a project is mended at once, oldest first, and ``latest`` with it."""
    shop = corner_shop
    versions = ["1.0.0", "1.1.0", "1.10.0", "2.0.0-rc.1"]
    for version in versions:
        shop.stage(version, version.encode(), regions=shop.regions[:1])

    found = shop.found()
    done = shop.repair()

    assert len(found) == 2 * len(versions) + 2
    assert [s.key for s in done.steps if s.region == shop.c.spelling] == [
        *(shop.at(version) for version in versions),
        shop.latest,
    ]
    assert shop.verify(read_data=True)
    assert shop.c.latest(shop.project) == "1.10.0"


DAMAGED_RECORDS = {
    "empty": "",
    "text": "not JSON",
    "cut": '{"startifact:format":"1","startifact:sha',
    "list": "[1, 2]",
    "number": "7",
    "types": '{"startifact:format":1,"startifact:size":{},"startifact:sha256":null}',
    "twice": '{"startifact:format":"1","startifact:format":"1"}',
    "no facts": "{}",
    "deep": "[" * 900,
}


@pytest.mark.parametrize("record", DAMAGED_RECORDS.values(), ids=DAMAGED_RECORDS)
def test_damaged_records(corner_shop: Shop, record: str) -> None:
    """A record that cannot be read is told, whatever is wrong with it."""
    shop = corner_shop
    shop.stage()
    shop.b.plant(shop.key, CONTENT, record)

    found = shop.found("1.0.0")
    said = shop.refused("1.0.0")

    assert found == [(Kind.DAMAGED, shop.b.spelling)]
    assert f"--keep sha256:{sha256()}" in said


@pytest.mark.parametrize("record", ["", DAMAGED_RECORDS["types"]], ids=["empty", "types"])
def test_damaged_record(shop: Shop, record: str) -> None:
    """A record that cannot be read is replaced at a person's word, and kept aside."""
    shop.stage()
    shop.b.plant(shop.key, CONTENT, record)

    found = shop.found("1.0.0")
    said = shop.refused("1.0.0")
    done = shop.mended("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(Kind.DAMAGED, shop.b.spelling)]
    assert f"regions disagree about {shop.key}, nothing of it was changed" in said
    assert f"startifact repair {shop.key} --keep sha256:{sha256()}" in said
    assert done == [("set-aside", shop.b.spelling), ("fill", shop.b.spelling)]
    [aside] = shop.quarantined(shop.b)
    assert (shop.b.content(aside), shop.b.document(aside)) == (CONTENT, record or "{}")


@pytest.mark.parametrize("data", [b"\xff\xfe\x00junk", b"x" * 100_000], ids=["bytes", "large"])
def test_record_that_is_no_text(corner_shop: Shop, data: bytes) -> None:
    """What stands in a directory in place of a record can be anything, and be replaced."""
    shop = corner_shop
    shop.stage()
    shop.b.plain(f"{shop.key}/metadata.json", data)

    found = shop.found("1.0.0")
    done = shop.mended("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(Kind.DAMAGED, shop.b.spelling)]
    assert done == [("set-aside", shop.b.spelling), ("fill", shop.b.spelling)]


@pytest.mark.parametrize("half", ["artifact", "metadata.json"])
def test_half_an_artifact(corner_shop: Shop, half: str) -> None:
    """Where somebody removed one of an artifact's two files, the other is set aside."""
    shop = corner_shop
    shop.stage()
    (shop.b.root / shop.key / half).unlink()  # type: ignore[attr-defined]

    found = shop.found("1.0.0")
    said = shop.refused("1.0.0")
    done = shop.mended("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(Kind.DAMAGED, shop.b.spelling)]
    assert f"--keep sha256:{sha256()}" in said
    assert done == [("set-aside", shop.b.spelling), ("fill", shop.b.spelling)]
    [aside] = shop.quarantined(shop.b)
    assert shop.b.content(aside) == (b"" if half == "artifact" else CONTENT)


def test_folder_without_an_artifact(corner_shop: Shop) -> None:
    """A folder that holds something else altogether is left alone, and named."""
    shop = corner_shop
    shop.stage()
    shop.b.remove(shop.key)
    shop.b.plain(f"{shop.key}/readme.txt", b"whatever")

    found = shop.found("1.0.0")
    done = shop.repair("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(Kind.DAMAGED, shop.b.spelling)]
    assert list(done.failures) == [shop.b.spelling]
    assert "Look into" in str(done.failures[shop.b.spelling].hint)
    assert (shop.b.root / shop.key / "readme.txt").exists()  # type: ignore[attr-defined]


def test_newer_format(shop: Shop) -> None:
    """What a newer Startifact has staged is not touched, whatever anybody says."""
    shop.stage()
    shop.rewrite(shop.b, shop.key, format="2")

    found = shop.found("1.0.0")
    said = shop.refused("1.0.0")
    kept = shop.refused("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(Kind.NEWER_FORMAT, shop.b.spelling)]
    assert "a newer Startifact is needed" in said
    assert "a newer Startifact is needed" in kept


@pytest.mark.parametrize("kind", ["market", "bucket_shop"])
def test_no_record_at_all(kind: str, request: pytest.FixtureRequest) -> None:
    """An object without a record passes for one of the first Startifact, and can be given one."""
    shop: Shop = request.getfixturevalue(kind)
    shop.stage(metadata={"lang": "dotnet"})
    shop.b.plain(shop.key, CONTENT)

    found = shop.found("1.0.0")
    said = shop.refused("1.0.0")
    done = shop.mended("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(Kind.UNRECORDED, shop.b.spelling)]
    assert f"--keep sha256:{sha256()}" in said
    assert done == [("set-aside", shop.b.spelling), ("fill", shop.b.spelling)]


@pytest.mark.parametrize("content", [CONTENT + b"more", b""], ids=["more", "empty"])
def test_other_size(shop: Shop, content: bytes) -> None:
    """Bytes that are more or fewer than recorded are told without reading them."""
    shop.stage()
    shop.rewrite(shop.b, shop.key, content)

    found = shop.found("1.0.0")
    said = shop.refused("1.0.0")
    done = shop.mended("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(Kind.DAMAGED, shop.b.spelling)]
    assert f"has {len(content)} bytes, 16 were recorded" in said
    assert done == [("set-aside", shop.b.spelling), ("fill", shop.b.spelling)]
    [aside] = shop.quarantined(shop.b)
    assert shop.b.content(aside) == content


def test_damaged_bytes(shop: Shop) -> None:
    """Bytes that differ in nothing but themselves are found by reading them."""
    shop.stage()
    shop.rewrite(shop.b, shop.key, OTHER)

    unread = shop.found("1.0.0")
    found = shop.found("1.0.0", read_data=True)
    said = shop.refused("1.0.0", read_data=True)
    done = shop.mended("1.0.0", keep=f"sha256:{sha256()}")

    assert unread == []
    assert found == [(Kind.DAMAGED, shop.b.spelling)]
    assert f"has bytes with sha256:{sha256(OTHER)}, recorded is sha256:{sha256()}" in said
    assert done == [("set-aside", shop.b.spelling), ("fill", shop.b.spelling)]


def test_damaged_bytes_are_not_copied(shop: Shop) -> None:
    """A region is never filled from damaged bytes, even where no other region has any."""
    shop.stage()
    shop.rewrite(shop.b, shop.key, OTHER)
    shop.a.remove(shop.key)
    shop.c.remove(shop.key)

    said = shop.refused("1.0.0")

    assert "is damaged: got 16 bytes" in said


def test_damaged_bytes_are_passed_over(shop: Shop) -> None:
    """A region is filled from another one when the first has damaged bytes."""
    shop.stage()
    shop.rewrite(shop.a, shop.key, OTHER)
    shop.c.remove(shop.key)

    done = shop.repair("1.0.0")

    assert actions(done) == [("fill", shop.c.spelling)]
    assert shop.c.content(shop.key) == CONTENT


def test_damaged_everywhere(shop: Shop) -> None:
    """Where no region has a sound copy, nothing is offered that could be kept."""
    shop.stage()
    for place in shop.places:
        shop.rewrite(place, shop.key, b"cut")

    said = shop.refused("1.0.0")

    assert shop.found("1.0.0") == [(Kind.DAMAGED, name) for name in shop.regions]
    assert "No region has one that could be kept: stage the content under a new version" in said
    assert "--keep" not in said


def test_replaced_in_one_region(shop: Shop) -> None:
    """Artifact and record that were replaced together are told apart by what others hold."""
    shop.stage()
    shop.forge(shop.b, shop.key)

    found = shop.found("1.0.0")
    said = shop.refused("1.0.0")
    done = shop.mended("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(Kind.DIFFERENT, shop.b.spelling)]
    assert f"sha256:{sha256(OTHER)}, most regions have 16 bytes with sha256:{sha256()}" in said
    assert f"--keep sha256:{sha256()} or " in said
    assert f"--keep sha256:{sha256(OTHER)}" in said
    assert done == [("set-aside", shop.b.spelling), ("fill", shop.b.spelling)]


def test_the_minority_may_be_right(shop: Shop) -> None:
    """It is a person who says what is right, and not the number of regions."""
    shop.stage()
    shop.forge(shop.b, shop.key)

    done = shop.mended("1.0.0", keep=f"sha256:{sha256(OTHER)}")

    assert done == [
        ("set-aside", shop.a.spelling),
        ("set-aside", shop.c.spelling),
        ("fill", shop.a.spelling),
        ("fill", shop.c.spelling),
    ]
    assert [place.content(shop.key) for place in shop.places] == [OTHER] * 3


def test_no_majority(shop: Shop) -> None:
    """Where every region holds something else, each is named with what it has."""
    shop.stage()
    shop.forge(shop.b, shop.key)
    shop.forge(shop.c, shop.key, b"neither nor")

    found = shop.found("1.0.0")
    said = shop.refused("1.0.0")
    done = shop.mended("1.0.0", keep=f"sha256:{sha256(OTHER)}")

    assert found == [(Kind.DIFFERENT, name) for name in shop.regions]
    for content in (CONTENT, OTHER, b"neither nor"):
        assert f"startifact repair {shop.key} --keep sha256:{sha256(content)}" in said
    assert [action for action, _ in done] == ["set-aside"] * 2 + ["fill"] * 2


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"lang": "rust"}, "it differs in the metadata ('lang')"),
        ({"lang": None}, "it differs in the metadata ('lang')"),
        ({"filename": "other.zip"}, "the file name ('other.zip' instead of 'dist.tar.gz')"),
        ({"filename": None}, "the file name (none instead of 'dist.tar.gz')"),
    ],
    ids=["metadata", "no-metadata", "file-name", "no-file-name"],
)
def test_other_metadata(shop: Shop, changes: dict[str, Any], told: str) -> None:
    """The same bytes with other metadata are other content; most regions' metadata is kept."""
    shop.stage(metadata={"lang": "dotnet"}, save_filename=True)
    shop.rewrite(shop.b, shop.key, **changes)

    found = shop.found("1.0.0")
    said = shop.refused("1.0.0")
    done = shop.mended("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(Kind.DIFFERENT, shop.b.spelling)]
    assert told in said
    assert done == [("set-aside", shop.b.spelling), ("fill", shop.b.spelling)]
    assert json.loads(shop.b.document(shop.key))["lang"] == "dotnet"


def test_other_metadata_everywhere(corner_shop: Shop) -> None:
    """Of contents that differ in metadata alone, a digest cannot choose: it is not offered."""
    shop = corner_shop
    shop.stage()
    shop.rewrite(shop.b, shop.key, lang="rust")
    shop.rewrite(shop.c, shop.key, lang="go")

    said = shop.refused("1.0.0")

    assert "--keep" not in said
    with pytest.raises(errors.IntegrityError, match="with other metadata each"):
        shop.repair("1.0.0", keep=f"sha256:{sha256()}")


def test_other_facts_are_no_difference(shop: Shop) -> None:
    """When and by whom it was staged does not make content another."""
    shop.stage()
    document = shop.b.document(shop.key)
    shop.b.plant(shop.key, CONTENT, changed(document, **{"startifact:actor": "somebody"}))

    found = shop.verify("1.0.0", read_data=True)

    assert found


def test_tombstone_in_one_region(shop: Shop) -> None:
    """A version that was removed in one region only is for a person to decide about."""
    shop.stage()
    shop.b.plant(shop.key, b"", TOMBSTONE)

    found = shop.found("1.0.0")
    said = shop.refused("1.0.0")
    done = shop.mended("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(Kind.REMOVED, shop.b.spelling)]
    assert "it was removed here, and is still there in other regions" in said
    assert done == [("set-aside", shop.b.spelling), ("fill", shop.b.spelling)]
    [aside] = shop.quarantined(shop.b)
    assert shop.b.document(aside) == TOMBSTONE


@pytest.mark.parametrize("count", [1, 3])
def test_removed_version(shop: Shop, count: int) -> None:
    """A version that was removed differs in nothing where it is not there either."""
    shop.stage("2.0.0")
    for place in shop.places[:count]:
        place.plant(shop.key, b"", TOMBSTONE)

    found = shop.verify(read_data=True)
    done = shop.repair()

    assert found
    assert done.steps == ()


@pytest.mark.parametrize("version", [None, "1.0.0"])
def test_where_regions_differ_nothing_of_it_changes(corner_shop: Shop, version: str | None) -> None:
    """A region is not filled while others disagree; other versions are mended all the same."""
    shop = corner_shop
    shop.stage()
    shop.stage("2.0.0")
    shop.forge(shop.b, shop.key)
    shop.c.remove(shop.key)
    shop.c.remove(shop.at("2.0.0"))

    done = shop.repair(version)

    assert [e.exit_code for e in done.refusals] == [4]
    assert shop.key not in shop.keys(shop.c)
    assert [s.key for s in done.steps] == ([shop.at("2.0.0")] if version is None else [])
