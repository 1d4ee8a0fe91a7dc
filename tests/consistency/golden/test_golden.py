"""The storage format is a promise: what one version has written every later one can read.

The files beside this one are that promise, byte for byte. A test that fails here is not mended by
writing them anew: what is stored already would be read by nobody. A change of the format needs a
new number in ``startifact:format``, and golden files of its own beside these.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from semver import Version

from startifact import ConfigurationLoader, Session
from startifact.channels.latest import Pointer, parse_pointer
from startifact.model.configuration import Configuration, parse_configuration, to_json
from startifact.model.keys import (
    artifact_key,
    channel_key,
    channel_parameter,
    probe_key,
)
from startifact.model.record import Origin, Record, decode, encode
from tests.conftest import AWS_REGIONS, Cloud
from tests.support.places import Bucket, Directory, Place

pytestmark = pytest.mark.tries_stores

MakeFile = Callable[..., Path]

HERE = Path(__file__).parent
SHA256 = "4eb9ac597489bb667813bff9a0fdce541dfbd605e4061deb5da649f8830f871f"

LEAST = Record(sha256=SHA256, size=16, staged_at="2026-02-03T04:05:06.000007Z")
FULL = Record(
    sha256=SHA256,
    size=16,
    staged_at="2026-02-03T04:05:06.000007Z",
    pairs={"hash": "9876=", "lang": "dotnet", "ünïcode": 'zażółć 🎉 "quoted"\n'},
    filename="größe.tar.gz",
    origin=Origin(
        repository="org/repo",
        commit="0123456789abcdef0123456789abcdef01234567",
        ref="refs/tags/v1.0.9000",
        run="https://github.com/org/repo/actions/runs/42",
        actor="somebody",
    ),
)
FIRST = Pointer(
    version=Version(1, 0, 9000),
    generation=1,
    previous=None,
    moved_at="2026-02-03T04:05:06.000007Z",
    by="https://github.com/org/repo/actions/runs/42",
)
MOVED = Pointer(
    version=Version(1, 0, 9001, "rc.1", "b"),
    generation=2,
    previous=Version(1, 0, 9000),
    moved_at="2026-02-03T04:05:07.000008Z",
    by="startifact/1.0.0",
)


def golden(name: str) -> str:
    """Return the text of a golden file, line ends as they are."""
    return (HERE / name).read_bytes().decode("ascii")


@pytest.mark.parametrize(("name", "record"), [("full", FULL), ("least", LEAST)])
def test_record(name: str, record: Record) -> None:
    """A record is these bytes, and these bytes are that record."""
    text = golden(f"record-{name}.json")

    assert encode(record) == (text, [])
    assert decode(text, where="here") == record


@pytest.mark.parametrize(("name", "pointer"), [("first", FIRST), ("moved", MOVED)])
def test_channel(name: str, pointer: Pointer) -> None:
    """A channel is this line, and this line is that channel."""
    text = golden(f"channel-{name}.json")

    assert pointer.to_json() == text
    assert parse_pointer(text, where="here") == pointer


def test_names() -> None:
    """Artifacts, channels, the probe and the copies of channels are found under these names."""
    assert artifact_key("SugarWater", "1.0.9000-rc.1+b") == "SugarWater@1.0.9000-rc.1+b"
    assert channel_key("SugarWater", "latest") == "SugarWater/latest"
    assert probe_key("SugarWater") == "SugarWater/_probe"
    assert channel_parameter("/team", "SugarWater", "latest") == "/team/SugarWater/latest"
    assert channel_parameter("", "SugarWater", "latest") == "/SugarWater/latest"


@pytest.mark.parametrize(
    ("name", "configuration"),
    [
        (
            "organisation",
            Configuration(
                bucket_name_param="/buckets/artifacts",
                bucket_key_prefix="team/",
                parameter_name_prefix="/team",
                regions=("eu-west-1", "us-east-1"),
            ),
        ),
        (
            "organisation-of-the-first",
            Configuration(
                bucket_name_param="/buckets/artifacts", regions=("eu-west-1", "us-east-1")
            ),
        ),
        (
            "organisation-of-a-later",
            Configuration(
                bucket_name_param="/buckets/artifacts",
                regions=("eu-west-1",),
                unknown_keys=("colour", "encryption"),
            ),
        ),
    ],
)
def test_organisation_configuration(name: str, configuration: Configuration) -> None:
    """What organisations have configured, by whatever version, is read."""
    assert parse_configuration(golden(f"{name}.json"), source="here") == configuration


def test_written_organisation_configuration() -> None:
    """The organisation configuration is written as these bytes."""
    text = golden("organisation.json")

    assert to_json(parse_configuration(text, source="here")) == text


def test_unknown_keys_warn(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    """Keys of a later version are ignored with one warning that names them."""
    cloud.configure("eu-west-1", golden("organisation-of-a-later.json"))
    loader = ConfigurationLoader()

    with caplog.at_level(logging.WARNING, "startifact"):
        loader.load("eu-west-1")
        loader.load("eu-west-1")

    (warning,) = [r.getMessage() for r in caplog.records]
    assert warning.startswith(f"the organisation configuration in {cloud.parameter} in eu-west-1 ")
    assert warning.endswith("has keys that are ignored: 'colour', 'encryption'")


def test_directory_that_was_staged_long_ago(tmp_path: Path) -> None:
    """A directory as it is promised is read: latest, metadata, facts, name and bytes."""
    artifact = Session(regions=f"file:{HERE}/region").get("SugarWater")

    assert artifact.version == Version(1, 0, 9000)
    assert dict(artifact) == FULL.pairs
    assert (artifact.sha256, artifact.size) == (FULL.sha256, FULL.size)
    assert artifact.staged_at == FULL.staged_at
    assert artifact.actor == "somebody"
    path = artifact.downloader.download(tmp_path, load_filename=True)
    assert path.name == "größe.tar.gz"
    assert path.read_bytes() == b"sugar and water\n"


def test_staged_long_ago(places: list[Place], tmp_path: Path) -> None:
    """An artifact and a channel as they are promised are read from every kind of region."""
    for place in places:
        place.plant("SugarWater@1.0.9000", b"sugar and water\n", golden("record-full.json"))
        place.write("SugarWater/latest", golden("channel-first.json"))
    session = Session(regions=[place.spelling for place in places])

    artifact = session.get("SugarWater")

    assert dict(artifact) == FULL.pairs
    assert artifact.commit == FULL.origin.commit
    assert artifact.downloader.download(tmp_path / "back").read_bytes() == b"sugar and water\n"
    assert session.versions("SugarWater") == [Version(1, 0, 9000)]


def test_staged_again_today(places: list[Place], make_file: MakeFile) -> None:
    """What was staged long ago is the same content as the same file and metadata today."""
    for place in places:
        place.plant("SugarWater@1.0.9000", b"sugar and water\n", golden("record-full.json"))
        place.write("SugarWater/latest", golden("channel-first.json"))
    before = [place.snapshot() for place in places]
    session = Session(regions=[place.spelling for place in places])

    staging = session.stage(
        "SugarWater",
        "1.0.9000",
        make_file(b"sugar and water\n", "größe.tar.gz"),
        metadata=FULL.pairs,
        save_filename=True,
    )

    assert not staging.created
    assert [place.snapshot() for place in places] == before


def test_layout(places: list[Place], make_file: MakeFile) -> None:
    """A staging stores these names and no others, and what travels with an object on S3."""
    session = Session(regions=[place.spelling for place in places])

    session.stage("SugarWater", "1.0.9000", make_file(), metadata={"lang": "dotnet"})

    for place in places:
        if isinstance(place, Directory):
            paths = sorted(str(p.relative_to(place.root)) for p in place.root.rglob("*"))
            assert paths == [
                "SugarWater",
                "SugarWater/.latest.lock",
                "SugarWater/latest",
                "SugarWater@1.0.9000",
                "SugarWater@1.0.9000/artifact",
                "SugarWater@1.0.9000/metadata.json",
            ]
        else:
            assert isinstance(place, Bucket)
            listing = place.client.list_objects_v2(Bucket=place.bucket)["Contents"]
            assert [item["Key"] for item in listing] == [
                f"{place.prefix}SugarWater/_probe",
                f"{place.prefix}SugarWater/latest",
                f"{place.prefix}SugarWater@1.0.9000",
            ]
            head = place.client.head_object(
                Bucket=place.bucket, Key=f"{place.prefix}SugarWater@1.0.9000"
            )
            assert list(head["Metadata"]) == ["startifact"]
            assert head["Metadata"]["startifact"].startswith('{"lang":"dotnet","startifact:format"')
            assert head["ContentType"] == "application/octet-stream"
            assert "ContentEncoding" not in head
            channel = place.client.head_object(
                Bucket=place.bucket, Key=f"{place.prefix}SugarWater/latest"
            )
            assert channel["ContentType"] == "application/json"
            assert channel["Metadata"] == {}


def test_parameter(cloud: Cloud, make_file: MakeFile) -> None:
    """The copy of latest in SSM is a plain string under this name: the bare version."""
    Session().stage("SugarWater", "1.0.9000", make_file())

    for region in AWS_REGIONS:
        answer = cloud.ssm(region).get_parameter(Name=f"/team-{cloud.unique}/SugarWater/latest")
        assert answer["Parameter"]["Value"] == "1.0.9000"
        assert answer["Parameter"]["Type"] == "String"
