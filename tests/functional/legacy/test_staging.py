"""Staging over an artifact of the first Startifact: a conflict, unless the bytes are the same."""

import json
from pathlib import Path

import pytest

from startifact import State, errors
from startifact.cli import main
from tests.functional.legacy.conftest import Old
from tests.functional.repair.project_fixture import CONTENT, OTHER, sha256
from tests.support.wire import Answer, Forward, Request


def test_same_bytes(old: Old, tmp_path: Path) -> None:
    """The same bytes are staged already; the regions that lack them get them with a record."""
    fixture = old.fixture
    old.stage(backends=[fixture.b], metadata={"lang": "dotnet"})
    (tmp_path / "again").write_bytes(CONTENT)

    staging = fixture.session().stage(
        fixture.project, "1.0.0", tmp_path / "again", metadata={"lang": "dotnet"}
    )

    assert not staging.created
    assert [o.state for o in staging.outcomes] == [State.CREATED, State.PRESENT, State.CREATED]
    assert fixture.keys(fixture.b) == [fixture.key, f"{fixture.key}/metadata"]
    for backend in (fixture.a, fixture.c):
        record = json.loads(backend.encoded_record(fixture.key))
        assert (record["startifact:sha256"], record["lang"]) == (sha256(), "dotnet")
        assert backend.content(fixture.key) == CONTENT
        assert backend.latest(fixture.project) == "1.0.0"
    assert [fixture.displayed(backend) for backend in fixture.backends] == ["1.0.0"] * 3


def test_same_bytes_everywhere(old: Old) -> None:
    """Where every region has the same bytes, nothing is stored."""
    old.stage()
    before = old.fixture.snapshot()

    old.fixture.stage()

    assert old.fixture.snapshot() == before


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("recorded", "metadata", "save_filename", "difference"),
    [
        ({"lang": "dotnet"}, {"lang": "rust"}, False, "the metadata ('lang')"),
        ({"lang": "dotnet"}, {}, False, "the metadata ('lang')"),
        (None, {"lang": "rust"}, False, "the metadata ('lang')"),
        ({"startifact:filename": "dist.zip"}, {}, True, "'dist.zip' instead of 'again'"),
        ({"startifact:filename": "dist.zip"}, {}, False, "'dist.zip' instead of none"),
        (None, {}, True, "none instead of 'again'"),
    ],
)
@pytest.mark.parametrize("everywhere", [False, True])
def test_same_bytes_with_other_metadata(
    old: Old,
    tmp_path: Path,
    recorded: dict[str, str] | None,
    metadata: dict[str, str],
    save_filename: bool,
    difference: str,
    everywhere: bool,
) -> None:
    """Metadata and file name are compared as those of any other artifact."""
    fixture = old.fixture
    old.stage(metadata=recorded, backends=None if everywhere else [fixture.b])
    before = fixture.snapshot()
    (tmp_path / "again").write_bytes(CONTENT)

    with pytest.raises(errors.AlreadyStagedError) as caught:
        fixture.session().stage(
            fixture.project,
            "1.0.0",
            tmp_path / "again",
            metadata=metadata,
            save_filename=save_filename,
        )

    assert caught.value.exit_code == 4
    assert f"eu-west-1: sha256:{sha256()}, 16 bytes; differs in" in caught.value.message
    assert difference in caught.value.message
    assert fixture.snapshot() == before


def test_same_metadata_and_file_name(old: Old, tmp_path: Path) -> None:
    """What the first Startifact recorded is what is staged again; numbers are their text."""
    fixture = old.fixture
    old.stage(metadata={"build": 7, "startifact:filename": "again"}, backends=[fixture.b])
    (tmp_path / "again").write_bytes(CONTENT)

    staging = fixture.session().stage(
        fixture.project, "1.0.0", tmp_path / "again", metadata={"build": "7"}, save_filename=True
    )

    assert not staging.created
    assert (dict(staging.artifact), staging.artifact.filename) == ({"build": "7"}, "again")
    record = json.loads(fixture.a.encoded_record(fixture.key))
    assert (record["build"], record["startifact:filename"]) == ("7", "again")


@pytest.mark.parametrize("first_holder", ["legacy", "own"])
def test_copy_without_its_metadata(old: Old, tmp_path: Path, first_holder: str) -> None:
    """A region that lacks the metadata of the others does not hold the artifact, and says why."""
    fixture = old.fixture
    metadata = {"lang": "dotnet"}
    if first_holder == "legacy":
        old.stage(metadata=metadata, backends=[fixture.a])
    else:
        fixture.stage(metadata=metadata, regions=[fixture.a.spec])
    old.stage(backends=[fixture.b])
    (tmp_path / "again").write_bytes(CONTENT)

    staging = fixture.session().stage(
        fixture.project, "1.0.0", tmp_path / "again", metadata=metadata
    )
    with pytest.raises(errors.StagingFailedError) as caught:
        fixture.session(required_regions="all").stage(
            fixture.project, "1.0.0", tmp_path / "again", metadata=metadata
        )

    assert [o.state for o in staging.outcomes] == [State.PRESENT, State.FAILED, State.CREATED]
    reason = f"{fixture.key} in eu-west-1 lacks the metadata that other regions have"
    assert staging.outcomes[1].error is not None
    assert staging.outcomes[1].error.message == reason
    assert "Complete it with Session.repair(" in str(staging.outcomes[1].error)
    assert "lacks the metadata that other regions have" in caught.value.message


def test_conflict_beside_a_copy_without_its_metadata(
    old: Old, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What each region has is one line; only the error has a hint, in the words of the shell."""
    fixture = old.fixture
    old.stage(metadata={"lang": "dotnet"}, backends=[fixture.a])
    old.stage(backends=[fixture.b])
    (tmp_path / "again").write_bytes(CONTENT)
    words = ["stage", fixture.key, str(tmp_path / "again"), "--metadata=lang=rust"]

    code = main([*words, f"--regions={','.join(fixture.regions)}"])

    said = capsys.readouterr().err
    assert code == 4
    assert f"{fixture.key} in eu-west-1 lacks the metadata that other regions have" in said
    assert said.count("hint:") == 1
    assert "Session" not in said


def test_other_bytes(old: Old) -> None:
    """Other bytes of the same size are a conflict that names both digests; nothing is written."""
    fixture = old.fixture
    old.stage(backends=[fixture.b])
    before = fixture.snapshot()

    with pytest.raises(errors.AlreadyStagedError) as caught:
        fixture.stage("1.0.0", OTHER)

    assert caught.value.exit_code == 4
    assert f"this attempt: sha256:{sha256(OTHER)}" in caught.value.message
    assert f"eu-west-1: sha256:{sha256()}" in caught.value.message
    assert fixture.snapshot() == before


def test_regions_with_different_bytes(old: Old) -> None:
    """Where the first Startifact had left regions with different bytes, nothing is written."""
    fixture = old.fixture
    old.stage(backends=[fixture.a])
    old.stage(content=OTHER, backends=[fixture.b])
    before = fixture.snapshot()

    with pytest.raises(errors.AlreadyStagedError):
        fixture.stage()

    assert fixture.snapshot() == before


def test_keep(old: Old, tmp_path: Path) -> None:
    """With if-exists keep, what the first Startifact had staged is what is reported."""
    fixture = old.fixture
    old.stage(metadata={"lang": "dotnet"})
    (tmp_path / "other").write_bytes(OTHER)

    staging = fixture.session().stage(
        fixture.project, "1.0.0", tmp_path / "other", if_exists="keep"
    )

    assert not staging.created
    assert staging.artifact.sha256 == sha256()
    assert dict(staging.artifact) == {"lang": "dotnet"}


def test_keep_what_one_region_has(old: Old, tmp_path: Path) -> None:
    """What is kept is read whole: the regions that are filled have its digest on record."""
    fixture = old.fixture
    old.stage(backends=[fixture.b], metadata={"lang": "dotnet"})
    (tmp_path / "other").write_bytes(OTHER)

    staging = fixture.session(required_regions="all").stage(
        fixture.project, "1.0.0", tmp_path / "other", if_exists="keep"
    )

    assert [o.state for o in staging.outcomes] == [State.CREATED, State.PRESENT, State.CREATED]
    for backend in (fixture.a, fixture.c):
        record = json.loads(backend.encoded_record(fixture.key))
        assert (record["startifact:sha256"], record["lang"]) == (sha256(), "dotnet")
        assert record["startifact:staged-at"]
        assert backend.content(fixture.key) == CONTENT
    assert [fixture.displayed(backend) for backend in fixture.backends] == ["1.0.0"] * 3


@pytest.mark.parametrize("holders", [2, 3])
def test_keep_with_large_metadata(old: Old, tmp_path: Path, holders: int) -> None:
    """Metadata that a record cannot hold matters only where a region is to be filled."""
    fixture = old.fixture
    old.stage(metadata={"notes": "x" * 3000}, backends=fixture.backends[:holders])
    (tmp_path / "other").write_bytes(OTHER)

    staging = fixture.session().stage(
        fixture.project, "1.0.0", tmp_path / "other", if_exists="keep"
    )

    assert (staging.kept, staging.artifact["notes"]) == (True, "x" * 3000)
    last = State.PRESENT if holders == 3 else State.FAILED
    assert [o.state for o in staging.outcomes] == [State.PRESENT, State.PRESENT, last]
    if holders == 2:
        assert "2,027 are allowed" in str(staging.outcomes[2].error)


def test_dry_run(old: Old, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run compares the bytes too, and writes nothing."""
    fixture = old.fixture
    old.stage(backends=[fixture.b])
    before = fixture.snapshot()
    (tmp_path / "same").write_bytes(CONTENT)
    (tmp_path / "other").write_bytes(OTHER)
    words = ["stage", fixture.key, "--dry-run", f"--regions={','.join(fixture.regions)}"]

    same = main([*words, str(tmp_path / "same")])
    other = main([*words, str(tmp_path / "other")])

    assert (same, other) == (0, 4)
    assert sha256(OTHER) in capsys.readouterr().err
    assert fixture.snapshot() == before


def test_bytes_that_cannot_be_read(old: Old) -> None:
    """Where the bytes cannot be compared, nothing is written anywhere."""
    fixture = old.fixture
    old.stage(backends=[fixture.b])
    before = fixture.snapshot()

    def refuse(request: Request, forward: Forward) -> Answer | None:
        wanted = request.method == "GET" and request.path.endswith(fixture.key)
        return None if wanted else forward()

    old.wire.add(refuse)

    with pytest.raises(errors.RegionUnavailableError):
        fixture.stage()

    assert fixture.snapshot() == before
