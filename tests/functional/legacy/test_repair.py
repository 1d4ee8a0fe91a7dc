"""Comparing and repairing what the first Startifact has left behind."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from startifact import errors
from startifact.cli import main
from startifact.repair.verify import FindingKind
from tests.functional.legacy.conftest import Old
from tests.functional.legacy.test_reading import flip
from tests.functional.repair.project_fixture import CONTENT, OTHER, actions, sha256
from tests.support.messages import shell_hint
from tests.support.wire import Answer, Forward, Request

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


@pytest.mark.parametrize("command", ["download", "info", "repair"])
def test_other_metadata_without_a_majority(
    old: Old, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What stands in the way says how the contents get names, and one of them can be kept."""
    fixture = old.fixture
    for backend, lang in zip(fixture.backends, ("dotnet", "rust", "go"), strict=True):
        old.stage(metadata={"lang": lang}, backends=[backend])
    regions = f"--regions={','.join(fixture.regions)}"
    path = [str(tmp_path / "back")] if command == "download" else []

    code = main([command, fixture.key, *path, regions])
    said = " ".join(capsys.readouterr().err.split())
    main(["verify", fixture.key, "--read-data", regions])
    names = re.findall("content:[0-9a-f]{64}", capsys.readouterr().out)
    kept = main(["repair", fixture.key, "--keep", names[1], regions])
    artifact = fixture.session().get(fixture.project, "1.0.0")

    assert code in {4, 7}
    assert f"startifact verify {fixture.key} --read-data" in said
    assert (kept, dict(artifact)) == (0, {"lang": "rust"})


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
    """Staging the same file again fills the other regions."""
    fixture = old.fixture
    old.stage(backends=[fixture.a])

    found = fixture.found("1.0.0")
    fixture.stage()

    assert found == [(FindingKind.MISSING, "eu-west-1"), (FindingKind.MISSING, "ap-southeast-2")]
    assert [backend.content(fixture.key) for backend in fixture.backends] == [CONTENT] * 3


@pytest.mark.parametrize("keep", [None, KEEP])
def test_added_region(old: Old, keep: str | None) -> None:
    """An added region gets the artifact with a record, whose digest is that of the bytes."""
    fixture = old.fixture
    metadata = {"lang": "dotnet", "build": 7, "startifact:filename": "dist.zip"}
    old.stage(metadata=metadata, backends=[fixture.a, fixture.b])
    before = fixture.snapshot()

    done = fixture.repair("1.0.0", keep=keep)
    left = fixture.found("1.0.0")
    later = fixture.repair_until_equal("1.0.0", keep=KEEP)

    assert actions(done) == [("fill", "ap-southeast-2")]
    assert done
    assert fixture.c.content(fixture.key) == CONTENT
    record = json.loads(fixture.c.encoded_record(fixture.key))
    assert record == {
        "build": "7",
        "lang": "dotnet",
        "startifact:format": "1",
        "startifact:sha256": sha256(),
        "startifact:size": str(len(CONTENT)),
        "startifact:staged-at": "",
        "startifact:filename": "dist.zip",
    }
    assert before[2] == {}
    assert left == [(FindingKind.UNRECORDED, name) for name in fixture.regions[:2]]
    assert {action for action, _ in later} == {"set-aside", "fill"}
    assert fixture.session().get(fixture.project).staged_at is None


def test_added_region_and_latest(old: Old) -> None:
    """All of a project is brought to an added region, and ``latest`` moves there."""
    fixture = old.fixture
    for version in ("1.0.0", "1.1.0"):
        old.stage(version, backends=[fixture.a, fixture.b])

    done = fixture.repair()

    assert done
    assert actions(done) == [
        ("fill", "ap-southeast-2"),
        ("fill", "ap-southeast-2"),
        ("move-latest", "ap-southeast-2"),
    ]
    assert fixture.c.latest(fixture.project) == "1.1.0"


def test_added_region_and_metadata_that_nobody_could_stage_now(old: Old) -> None:
    """More than a staging may bring is filled all the same, as far as a record can hold it."""
    fixture = old.fixture
    old.stage(metadata={"notes": "x" * 1500}, backends=[fixture.a, fixture.b])

    done = fixture.repair("1.0.0")

    assert actions(done) == [("fill", "ap-southeast-2")]
    assert json.loads(fixture.c.encoded_record(fixture.key))["notes"] == "x" * 1500


def test_added_region_and_large_metadata(old: Old) -> None:
    """Metadata that a record cannot hold keeps an artifact where it is, and that is said."""
    old.stage(metadata={"notes": "x" * 3000}, backends=[old.fixture.a])

    said = old.fixture.refused("1.0.0")

    assert "the metadata and facts of this artifact take 3,1" in said


def test_added_region_and_bytes_that_only_reading_tells_apart(old: Old) -> None:
    """Where no region knows an MD5, the bytes of all are read before one is filled."""
    fixture = old.fixture
    old.stage(backends=[fixture.a])
    old.stage(content=OTHER, backends=[fixture.b])
    old.wire.add(without_md5)

    said = fixture.refused("1.0.0")

    assert f"regions disagree about {fixture.key}, nothing of it was changed" in said


def without_md5(request: Request, forward: Forward) -> Answer | None:
    """Answer as a bucket does whose objects are encrypted with a key of KMS."""
    answer = forward()
    if "@" in request.path and not request.path.endswith("/metadata"):
        return replace(
            answer, headers=dict(answer.headers) | {"x-amz-server-side-encryption": "aws:kms"}
        )
    return answer


@pytest.mark.parametrize("keep", [None, KEEP])
@pytest.mark.parametrize("known", [True, False])
def test_copy_without_its_metadata(old: Old, keep: str | None, known: bool) -> None:
    """Where the first Startifact was interrupted, the metadata is copied from another region."""
    fixture = old.fixture
    metadata = {"lang": "dotnet", "startifact:filename": "dist.zip"}
    old.stage(metadata=metadata, backends=[fixture.a, fixture.c])
    old.stage(backends=[fixture.b])
    if not known:
        old.wire.add(without_md5)

    found = fixture.found("1.0.0")
    message = fixture.verify("1.0.0").differences[0].message
    done = fixture.repair_until_equal("1.0.0", keep=keep)

    assert found == [(FindingKind.INCOMPLETE, "eu-west-1")]
    assert "lacks what other regions have: the file name" in message
    assert "the metadata ('lang')" in message
    assert done == [("complete", "eu-west-1")]
    assert json.loads(fixture.b.text(f"{fixture.key}/metadata")) == metadata
    assert fixture.b.content(fixture.key) == CONTENT


def test_metadata_in_one_region_only(old: Old, caplog: pytest.LogCaptureFixture) -> None:
    """One interruption leaves several regions without metadata: the one that has it is right."""
    fixture = old.fixture
    metadata = {"lang": "dotnet"}
    old.stage(metadata=metadata, backends=[fixture.c])
    old.stage(backends=[fixture.a, fixture.b])

    artifact = fixture.session().get(fixture.project, "1.0.0")
    warned = [m for m in caplog.messages if "lacks the metadata that other regions have" in m]
    with pytest.raises(errors.StagingFailedError, match="is staged in 1 of 3 regions") as caught:
        fixture.stage(metadata=metadata, required_regions="majority")
    with pytest.raises(errors.AlreadyStagedError):
        fixture.stage()
    found = fixture.found("1.0.0")
    done = fixture.repair_until_equal("1.0.0")

    assert dict(artifact) == metadata
    assert len(warned) == 2
    assert f"startifact repair {fixture.key}" in shell_hint(caught.value)
    assert found == [(FindingKind.INCOMPLETE, region) for region in fixture.regions[:2]]
    assert done == [("complete", region) for region in fixture.regions[:2]]
    for backend in fixture.backends:
        assert json.loads(backend.text(f"{fixture.key}/metadata")) == metadata
    fixture.stage(metadata=metadata)


def test_metadata_in_one_region_that_a_person_deletes(old: Old) -> None:
    """Where it is known that there was no metadata, without that one object nothing differs."""
    fixture = old.fixture
    old.stage(metadata={"lang": "dotnet"}, backends=[fixture.c])
    old.stage(backends=[fixture.a, fixture.b])

    fixture.c.erase(f"{fixture.key}/metadata")

    assert fixture.found("1.0.0") == []
    assert dict(fixture.session().get(fixture.project, "1.0.0")) == {}
    fixture.stage()


def test_copy_without_its_metadata_and_other_bytes(old: Old) -> None:
    """Metadata is not copied beside bytes that turn out to be others."""
    fixture = old.fixture
    old.stage(metadata={"lang": "dotnet"}, backends=[fixture.a, fixture.c])
    old.stage(content=OTHER, backends=[fixture.b])
    old.wire.add(without_md5)
    before = fixture.snapshot()

    done = fixture.repair("1.0.0")

    assert not done
    assert f"{fixture.key} in eu-west-1 has other bytes than in us-east-1" in str(
        done.failures["eu-west-1"]
    )
    assert fixture.snapshot() == before


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
    fixture.stage(metadata={"lang": "dotnet"}, regions=fixture.regions[1:])

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
