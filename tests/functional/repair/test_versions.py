"""Every damage to a version: verify finds it, and repair corrects it or says why it must not."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from startifact import errors
from startifact.repair.verify import FindingKind
from tests.functional.repair.project_fixture import (
    CONTENT,
    OTHER,
    ProjectFixture,
    actions,
    changed,
    sha256,
)
from tests.support.messages import shell_hint

TOMBSTONE = json.dumps({"startifact:format": "1", "startifact:removed-at": "2026-01-01T00:00:00Z"})


def test_whole(fixture: ProjectFixture) -> None:
    """What was staged in every region differs in nothing, and there is nothing to repair."""
    fixture.stage(metadata={"lang": "dotnet"}, save_filename=True)
    fixture.stage("2.0.0-rc.1")
    before = fixture.snapshot()

    found = fixture.verify(read_data=True)
    done = fixture.repair(read_data=True)

    assert found
    assert [str(version) for version in found.versions] == ["2.0.0-rc.1", "1.0.0"]
    assert done
    assert done.steps == ()
    assert fixture.snapshot() == before


@pytest.mark.parametrize("version", [None, "1.0.0"])
def test_nothing_anywhere(fixture: ProjectFixture, version: str | None) -> None:
    """Where every region says that there is nothing, there is nothing to compare or to repair."""
    with pytest.raises(errors.NotFoundError, match="nothing of"):
        fixture.verify(version)
    with pytest.raises(errors.NotFoundError, match="nothing of"):
        fixture.repair(version)

    assert fixture.snapshot() == [{}, {}, {}]


def test_missing_in_one_region(fixture: ProjectFixture) -> None:
    """A region that lacks a version is named, and gets exactly what the others have."""
    fixture.stage(metadata={"lang": "dotnet"}, save_filename=True)
    fixture.b.remove(fixture.key)

    found = fixture.found("1.0.0")
    done = fixture.repair_until_equal("1.0.0")

    assert found == [(FindingKind.MISSING, fixture.b.spec)]
    assert done == [("fill", fixture.b.spec)]
    assert fixture.b.content(fixture.key) == CONTENT
    assert fixture.b.encoded_record(fixture.key) == fixture.a.encoded_record(fixture.key)


def test_missing_in_two_regions(fixture: ProjectFixture) -> None:
    """One region that has a version is enough to fill the others."""
    fixture.stage()
    fixture.a.remove(fixture.key)
    fixture.c.remove(fixture.key)

    found = fixture.found("1.0.0")
    done = fixture.repair_until_equal("1.0.0")

    assert found == [(FindingKind.MISSING, fixture.a.spec), (FindingKind.MISSING, fixture.c.spec)]
    assert done == [("fill", fixture.a.spec), ("fill", fixture.c.spec)]


def test_missed_its_quorum(fixture: ProjectFixture) -> None:
    """A staging that reached one region only is completed, ``latest`` included."""
    fixture.stage()
    fixture.stage("2.0.0", OTHER, regions=[fixture.c.spec], required_regions=1)
    fixture.c.write(fixture.latest, fixture.a.text(fixture.latest))

    found = fixture.found()
    done = fixture.repair_until_equal()

    missing = {(FindingKind.MISSING, fixture.a.spec), (FindingKind.MISSING, fixture.b.spec)}
    behind = {(FindingKind.LATEST_BEHIND, name) for name in fixture.regions}
    assert {f for f in found if f[0] is not FindingKind.MIRROR_DIFFERS} == missing | behind
    assert done == [
        *(("fill", name) for name in fixture.regions[:2]),
        *(("move-latest", name) for name in fixture.regions),
    ]
    assert [backend.latest(fixture.project) for backend in fixture.backends] == ["2.0.0"] * 3


def test_many_versions(file_project: ProjectFixture) -> None:
    """Everything of a project is repaired at once, oldest first, and ``latest`` with it."""
    fixture = file_project
    versions = ["1.0.0", "1.1.0", "1.10.0", "2.0.0-rc.1"]
    for version in versions:
        fixture.stage(version, version.encode(), regions=fixture.regions[:1])

    found = fixture.found()
    done = fixture.repair()

    assert len(found) == 2 * len(versions) + 2
    assert [s.key for s in done.steps if s.region == fixture.c.spec] == [
        *(fixture.at(version) for version in versions),
        fixture.latest,
    ]
    assert fixture.verify(read_data=True)
    assert fixture.c.latest(fixture.project) == "1.10.0"


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
def test_damaged_records(file_project: ProjectFixture, record: str) -> None:
    """A record that cannot be read is reported, whatever is wrong with it."""
    fixture = file_project
    fixture.stage()
    fixture.b.plant(fixture.key, CONTENT, record)

    found = fixture.found("1.0.0")
    said = fixture.refused("1.0.0")

    assert found == [(FindingKind.DAMAGED, fixture.b.spec)]
    assert f"--keep sha256:{sha256()}" in said


@pytest.mark.parametrize("record", ["", DAMAGED_RECORDS["types"]], ids=["empty", "types"])
def test_damaged_record(fixture: ProjectFixture, record: str) -> None:
    """A record that cannot be read is replaced at a person's word, and kept aside."""
    fixture.stage()
    fixture.b.plant(fixture.key, CONTENT, record)

    found = fixture.found("1.0.0")
    said = fixture.refused("1.0.0")
    done = fixture.repair_until_equal("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(FindingKind.DAMAGED, fixture.b.spec)]
    assert f"regions disagree about {fixture.key}, nothing of it was changed" in said
    assert f"startifact repair {fixture.key} --keep sha256:{sha256()}" in said
    assert done == [("set-aside", fixture.b.spec), ("fill", fixture.b.spec)]
    [aside] = fixture.quarantined(fixture.b)
    assert (fixture.b.content(aside), fixture.b.encoded_record(aside)) == (CONTENT, record or "{}")


@pytest.mark.parametrize("data", [b"\xff\xfe\x00junk", b"x" * 100_000], ids=["bytes", "large"])
def test_record_that_is_no_text(file_project: ProjectFixture, data: bytes) -> None:
    """What stands in a directory in place of a record can be anything, and be replaced."""
    fixture = file_project
    fixture.stage()
    fixture.b.plain(f"{fixture.key}/metadata.json", data)

    found = fixture.found("1.0.0")
    done = fixture.repair_until_equal("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(FindingKind.DAMAGED, fixture.b.spec)]
    assert done == [("set-aside", fixture.b.spec), ("fill", fixture.b.spec)]


@pytest.mark.parametrize("half", ["artifact", "metadata.json"])
def test_half_an_artifact(file_project: ProjectFixture, half: str) -> None:
    """Where somebody removed one of an artifact's two files, the other is set aside."""
    fixture = file_project
    fixture.stage()
    (fixture.b.root / fixture.key / half).unlink()  # type: ignore[attr-defined]

    found = fixture.found("1.0.0")
    said = fixture.refused("1.0.0")
    done = fixture.repair_until_equal("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(FindingKind.DAMAGED, fixture.b.spec)]
    assert f"--keep sha256:{sha256()}" in said
    assert done == [("set-aside", fixture.b.spec), ("fill", fixture.b.spec)]
    [aside] = fixture.quarantined(fixture.b)
    assert fixture.b.content(aside) == (b"" if half == "artifact" else CONTENT)


def test_folder_without_an_artifact(file_project: ProjectFixture) -> None:
    """A folder that holds something else altogether is left alone, and named."""
    fixture = file_project
    fixture.stage()
    fixture.b.remove(fixture.key)
    fixture.b.plain(f"{fixture.key}/readme.txt", b"whatever")

    found = fixture.found("1.0.0")
    done = fixture.repair("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(FindingKind.DAMAGED, fixture.b.spec)]
    assert list(done.failures) == [fixture.b.spec]
    assert "Look into" in str(done.failures[fixture.b.spec].hint)
    assert (fixture.b.root / fixture.key / "readme.txt").exists()  # type: ignore[attr-defined]


def test_newer_format(fixture: ProjectFixture) -> None:
    """What a newer Startifact has staged is not touched, whatever anybody says."""
    fixture.stage()
    fixture.rewrite(fixture.b, fixture.key, format="2")

    found = fixture.found("1.0.0")
    said = fixture.refused("1.0.0")
    kept = fixture.refused("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(FindingKind.NEWER_FORMAT, fixture.b.spec)]
    assert "a newer Startifact is needed" in said
    assert "a newer Startifact is needed" in kept


@pytest.mark.parametrize("kind", ["aws_project", "bucket_project"])
def test_no_record_at_all(kind: str, request: pytest.FixtureRequest) -> None:
    """An object without a record passes for one of the first Startifact, and can be given one."""
    fixture: ProjectFixture = request.getfixturevalue(kind)
    fixture.stage(metadata={"lang": "dotnet"})
    fixture.b.plain(fixture.key, CONTENT)

    found = fixture.found("1.0.0")
    said = fixture.refused("1.0.0")
    done = fixture.repair_until_equal("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(FindingKind.UNRECORDED, fixture.b.spec)]
    assert f"--keep sha256:{sha256()}" in said
    assert done == [("set-aside", fixture.b.spec), ("fill", fixture.b.spec)]


@pytest.mark.sweep
@pytest.mark.parametrize("content", [CONTENT + b"more", b""], ids=["more", "empty"])
def test_other_size(fixture: ProjectFixture, content: bytes) -> None:
    """Bytes that are more or fewer than recorded are reported without reading them."""
    fixture.stage()
    fixture.rewrite(fixture.b, fixture.key, content)

    found = fixture.found("1.0.0")
    said = fixture.refused("1.0.0")
    done = fixture.repair_until_equal("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(FindingKind.DAMAGED, fixture.b.spec)]
    assert f"has {len(content)} bytes, 16 were recorded" in said
    assert done == [("set-aside", fixture.b.spec), ("fill", fixture.b.spec)]
    [aside] = fixture.quarantined(fixture.b)
    assert fixture.b.content(aside) == content


def test_damaged_bytes(fixture: ProjectFixture) -> None:
    """Bytes that differ in nothing but themselves are found by reading them."""
    fixture.stage()
    fixture.rewrite(fixture.b, fixture.key, OTHER)

    unread = fixture.found("1.0.0")
    found = fixture.found("1.0.0", read_data=True)
    said = fixture.refused("1.0.0", read_data=True)
    done = fixture.repair_until_equal("1.0.0", keep=f"sha256:{sha256()}")

    assert unread == []
    assert found == [(FindingKind.DAMAGED, fixture.b.spec)]
    assert f"has bytes with sha256:{sha256(OTHER)}, recorded is sha256:{sha256()}" in said
    assert done == [("set-aside", fixture.b.spec), ("fill", fixture.b.spec)]


def test_damaged_bytes_are_not_copied(fixture: ProjectFixture) -> None:
    """A region is never filled from damaged bytes, even where no other region has any."""
    fixture.stage()
    fixture.rewrite(fixture.b, fixture.key, OTHER)
    fixture.a.remove(fixture.key)
    fixture.c.remove(fixture.key)

    said = fixture.refused("1.0.0")

    assert "is damaged: got 16 bytes" in said


def test_damaged_bytes_are_passed_over(fixture: ProjectFixture) -> None:
    """A region is filled from another one when the first has damaged bytes."""
    fixture.stage()
    fixture.rewrite(fixture.a, fixture.key, OTHER)
    fixture.c.remove(fixture.key)

    done = fixture.repair("1.0.0")

    assert actions(done) == [("fill", fixture.c.spec)]
    assert fixture.c.content(fixture.key) == CONTENT


def test_damaged_everywhere(fixture: ProjectFixture) -> None:
    """Where no region has a sound copy, nothing is offered that could be kept."""
    fixture.stage()
    for backend in fixture.backends:
        fixture.rewrite(backend, fixture.key, b"cut")

    said = fixture.refused("1.0.0")

    assert fixture.found("1.0.0") == [(FindingKind.DAMAGED, name) for name in fixture.regions]
    assert "No region has one that could be kept: stage the content under a new version" in said
    assert "--keep" not in said


def test_replaced_in_one_region(fixture: ProjectFixture) -> None:
    """Artifact and record that were replaced together are told apart by what others hold."""
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)

    found = fixture.found("1.0.0")
    said = fixture.refused("1.0.0")
    done = fixture.repair_until_equal("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(FindingKind.DIFFERENT, fixture.b.spec)]
    assert f"sha256:{sha256(OTHER)}, most regions have 16 bytes with sha256:{sha256()}" in said
    assert f"--keep sha256:{sha256()} or " in said
    assert f"--keep sha256:{sha256(OTHER)}" in said
    assert done == [("set-aside", fixture.b.spec), ("fill", fixture.b.spec)]


def test_the_minority_may_be_right(fixture: ProjectFixture) -> None:
    """It is a person who says what is right, and not the number of regions."""
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)

    done = fixture.repair_until_equal("1.0.0", keep=f"sha256:{sha256(OTHER)}")

    assert done == [
        ("set-aside", fixture.a.spec),
        ("set-aside", fixture.c.spec),
        ("fill", fixture.a.spec),
        ("fill", fixture.c.spec),
    ]
    assert [backend.content(fixture.key) for backend in fixture.backends] == [OTHER] * 3


def test_no_majority(fixture: ProjectFixture) -> None:
    """Where every region holds something else, each is named with what it has."""
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    fixture.forge(fixture.c, fixture.key, b"neither nor")

    found = fixture.found("1.0.0")
    said = fixture.refused("1.0.0")
    done = fixture.repair_until_equal("1.0.0", keep=f"sha256:{sha256(OTHER)}")

    assert found == [(FindingKind.DIFFERENT, name) for name in fixture.regions]
    for content in (CONTENT, OTHER, b"neither nor"):
        assert f"startifact repair {fixture.key} --keep sha256:{sha256(content)}" in said
    assert [action for action, _ in done] == ["set-aside"] * 2 + ["fill"] * 2


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lang": "rust"}, "it differs in the metadata ('lang')"),
        ({"lang": None}, "it differs in the metadata ('lang')"),
        ({"filename": "other.zip"}, "the file name ('other.zip' instead of 'dist.tar.gz')"),
        ({"filename": None}, "the file name (none instead of 'dist.tar.gz')"),
    ],
    ids=["metadata", "no-metadata", "file-name", "no-file-name"],
)
def test_other_metadata(fixture: ProjectFixture, changes: dict[str, Any], message: str) -> None:
    """The same bytes with other metadata are other content; most regions' metadata is kept."""
    fixture.stage(metadata={"lang": "dotnet"}, save_filename=True)
    fixture.rewrite(fixture.b, fixture.key, **changes)

    found = fixture.found("1.0.0")
    said = fixture.refused("1.0.0")
    done = fixture.repair_until_equal("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(FindingKind.DIFFERENT, fixture.b.spec)]
    assert message in said
    assert done == [("set-aside", fixture.b.spec), ("fill", fixture.b.spec)]
    assert json.loads(fixture.b.encoded_record(fixture.key))["lang"] == "dotnet"


def test_other_metadata_everywhere(file_project: ProjectFixture) -> None:
    """Of contents that differ only in metadata, a digest cannot choose: their names are offered."""
    fixture = file_project
    fixture.stage()
    fixture.rewrite(fixture.b, fixture.key, lang="rust")
    fixture.rewrite(fixture.c, fixture.key, lang="go")

    said = fixture.refused("1.0.0")

    names = contents_offered(said)
    assert len(names) == 3
    assert "--keep sha256:" not in said
    with pytest.raises(errors.IntegrityError, match="with other metadata each") as caught:
        fixture.repair("1.0.0", keep=f"sha256:{sha256()}")
    assert contents_offered(f"{caught.value.message} {shell_hint(caught.value)}") == names
    done = fixture.repair_until_equal("1.0.0", keep=names[1])
    assert [name for action, name in done if action == "fill"] == [
        fixture.a.spec,
        fixture.c.spec,
    ]
    assert fixture.session().get(fixture.project, "1.0.0")["lang"] == "rust"


@pytest.mark.parametrize("change", [{"lang": "rust"}, {"filename": "other.zip"}])
def test_no_majority_of_the_same_bytes(
    fixture: ProjectFixture, change: dict[str, Any], tmp_path: Path
) -> None:
    """Who downloads, asks or compares is shown names of contents, and one of them repairs it."""
    fixture.stage(save_filename=True)
    fixture.rewrite(fixture.b, fixture.key, **change)
    fixture.c.remove(fixture.key)

    with pytest.raises(errors.IntegrityError, match="no majority agrees") as caught:
        fixture.session().get(fixture.project, "1.0.0")
    differences = fixture.verify("1.0.0").differences

    names = contents_offered(shell_hint(caught.value))
    assert len(names) == 2
    for region, name, finding in zip(fixture.regions, names, differences, strict=False):
        assert f"{region}: sha256:{sha256()}, {name}" in caught.value.message
        assert f"sha256:{sha256()}, {name}" in finding.message
    assert f"differs from {fixture.a.spec} in the " in caught.value.message
    fixture.repair_until_equal("1.0.0", keep=names[0])
    artifact = fixture.session().get(fixture.project, "1.0.0")
    assert artifact.downloader.download(tmp_path / "back").read_bytes() == CONTENT
    assert artifact.filename == "dist.tar.gz"


def contents_offered(text: str) -> list[str]:
    """Return the names of contents in *text*, each once."""
    return list(dict.fromkeys(re.findall(r"content:[0-9a-f]{64}", text)))


def test_other_facts_are_no_difference(fixture: ProjectFixture) -> None:
    """When it was staged, and who staged it, does not make it other content."""
    fixture.stage()
    encoded_record = fixture.b.encoded_record(fixture.key)
    fixture.b.plant(
        fixture.key, CONTENT, changed(encoded_record, **{"startifact:actor": "somebody"})
    )

    found = fixture.verify("1.0.0", read_data=True)

    assert found


def test_tombstone_in_one_region(fixture: ProjectFixture) -> None:
    """A version that was removed in one region only is for a person to decide about."""
    fixture.stage()
    fixture.b.plant(fixture.key, b"", TOMBSTONE)

    found = fixture.found("1.0.0")
    said = fixture.refused("1.0.0")
    done = fixture.repair_until_equal("1.0.0", keep=f"sha256:{sha256()}")

    assert found == [(FindingKind.REMOVED, fixture.b.spec)]
    assert "it was removed here, and is still there in other regions" in said
    assert done == [("set-aside", fixture.b.spec), ("fill", fixture.b.spec)]
    [aside] = fixture.quarantined(fixture.b)
    assert fixture.b.encoded_record(aside) == TOMBSTONE


def test_removed_version(fixture: ProjectFixture) -> None:
    """A version that was removed everywhere differs in nothing."""
    fixture.stage("2.0.0")
    for backend in fixture.backends:
        backend.plant(fixture.key, b"", TOMBSTONE)

    found = fixture.verify(read_data=True)
    done = fixture.repair()

    assert found
    assert done.steps == ()


@pytest.mark.parametrize("version", [None, "1.0.0"])
def test_where_regions_differ_nothing_of_it_changes(
    file_project: ProjectFixture, version: str | None
) -> None:
    """A region is not filled while others disagree; other versions are repaired all the same."""
    fixture = file_project
    fixture.stage()
    fixture.stage("2.0.0")
    fixture.forge(fixture.b, fixture.key)
    fixture.c.remove(fixture.key)
    fixture.c.remove(fixture.at("2.0.0"))

    done = fixture.repair(version)

    assert [e.exit_code for e in done.refusals] == [4]
    assert fixture.key not in fixture.keys(fixture.c)
    assert [s.key for s in done.steps] == ([fixture.at("2.0.0")] if version is None else [])
