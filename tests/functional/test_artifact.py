"""An artifact as Python sees it: a mapping of its metadata, with its facts as attributes."""

import inspect
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from semver import Version

from startifact import Artifact, Session
from startifact.report import facts_of

MakeFile = Callable[..., Path]


@pytest.fixture
def session(directories: list[str]) -> Session:
    """Return a session with three directories."""
    return Session(regions=directories)


@pytest.fixture
def artifact(session: Session, make_file: MakeFile) -> Artifact:
    """Return an artifact with metadata."""
    return session.stage(
        "SugarWater", "1.0.0", make_file(), metadata={"lang": "dotnet", "hash": "9876="}
    ).artifact


def test_mapping(artifact: Artifact) -> None:
    """The metadata is read like a dictionary."""
    assert isinstance(artifact, Mapping)
    assert artifact["lang"] == "dotnet"
    assert "hash" in artifact
    assert "startifact:sha256" not in artifact
    assert len(artifact) == 2
    assert list(artifact) == ["hash", "lang"]
    assert dict(artifact) == {"hash": "9876=", "lang": "dotnet"}
    assert artifact.get("nope", "other") == "other"
    assert sorted(artifact.values()) == ["9876=", "dotnet"]


def test_no_such_key(artifact: Artifact) -> None:
    """A key that is not there is a KeyError."""
    with pytest.raises(KeyError, match="nope"):
        artifact["nope"]


def test_nothing_can_be_changed(artifact: Artifact) -> None:
    """What is staged never changes, and neither does the mapping."""
    with pytest.raises(TypeError):
        artifact["lang"] = "cobol"  # type: ignore[index]
    with pytest.raises(TypeError):
        artifact._record.metadata["lang"] = "cobol"  # type: ignore[index]


def test_true_without_metadata(session: Session, make_file: MakeFile) -> None:
    """An artifact is true even when it has no metadata."""
    artifact = session.stage("SugarWater", "1.0.0", make_file()).artifact

    assert artifact
    assert len(artifact) == 0


def test_equality(session: Session, artifact: Artifact, make_file: MakeFile) -> None:
    """Artifacts are equal when project, version and all that is recorded are."""
    other = session.stage("SugarWater", "2.0.0", make_file(), metadata=dict(artifact)).artifact
    same = session.get("SugarWater", "1.0.0")

    assert artifact == same
    assert hash(artifact) == hash(same)
    assert artifact is not same
    assert artifact != other
    assert artifact != dict(artifact)
    assert artifact != "SugarWater@1.0.0"
    assert len({artifact, same, other}) == 2


def test_build_metadata_is_not_equal(session: Session, make_file: MakeFile) -> None:
    """Versions that differ in build metadata are artifacts of their own."""
    one = session.stage("SugarWater", "1.0.0+a", make_file()).artifact
    two = session.stage("SugarWater", "1.0.0+b", make_file()).artifact

    assert one != two
    assert one.version.compare(two.version) == 0


def test_facts(artifact: Artifact) -> None:
    """What Startifact has recorded is read as attributes."""
    assert artifact.project == "SugarWater"
    assert artifact.version == Version(1)
    assert artifact.size == 16
    assert artifact.sha256 == "4eb9ac597489bb667813bff9a0fdce541dfbd605e4061deb5da649f8830f871f"
    assert artifact.filename is None
    for name in ("repository", "commit", "ref", "run", "actor"):
        assert getattr(artifact, name) is None


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-02-03T04:05:06.000007Z", datetime(2026, 2, 3, 4, 5, 6, 7, tzinfo=UTC)),
        ("2026-02-03T04:05:06+02:30", datetime(2026, 2, 3, 1, 35, 6, tzinfo=UTC)),
        ("2026-02-03T04:05:06.123456789Z", datetime(2026, 2, 3, 4, 5, 6, 123456, tzinfo=UTC)),
        ("2026-02-03T04:05:06", None),
        ("2026-02-03", None),
        ("2026-02-30T04:05:06Z", None),
        ("2026-02-03T04:05:60Z", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("yesterday \x1b[31m", None),
        ("", None),
    ],
)
def test_time_as_it_is_recorded(
    artifact: Artifact, directories: list[str], text: str, time: datetime | None
) -> None:
    """What is no time is none, and is not lost: what programs and people are shown is the text."""
    for directory in directories:
        path = Path(directory.removeprefix("file://")) / "SugarWater@1.0.0" / "metadata.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"startifact:staged-at": text}))

    found = Session(regions=directories).get("SugarWater", "1.0.0")

    assert found.staged_at == time
    assert found.staged_at is None or found.staged_at.tzinfo is UTC
    assert found.staged_at_text == text
    assert facts_of(found)["staged-at"] == (text or None)


def test_text(artifact: Artifact) -> None:
    """An artifact is written as project and version everywhere."""
    assert str(artifact) == "SugarWater@1.0.0"
    assert repr(artifact).startswith("<Artifact SugarWater@1.0.0: 16 bytes, ")


def test_location(artifact: Artifact, directories: list[str]) -> None:
    """The downloader says where the artifact is."""
    downloader = artifact.downloader

    assert downloader.region == directories[0]
    assert downloader.bucket == directories[0].removeprefix("file://")
    assert downloader.key == "SugarWater@1.0.0"
    assert downloader.uri == f"{directories[0]}/SugarWater%401.0.0/artifact"
    assert [location.region for location in downloader.locations()] == directories
    assert downloader.failures() == {}


def test_everything_public_is_documented() -> None:
    """Every public member of what a program uses has a docstring."""
    for member in (Artifact, Session, type(Artifact.downloader)):
        for name, value in inspect.getmembers(member):
            if not name.startswith("_") and (callable(value) or isinstance(value, property)):
                assert inspect.getdoc(value), f"{member.__name__}.{name}"
