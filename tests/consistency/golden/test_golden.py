"""The storage format is a promise: what one version has written every later one can read.

The files beside this one are that promise, byte for byte. A test that fails here is not fixed by
writing them anew: what is stored already would be read by nobody. A change of the format needs a
new number in ``startifact:format``, and golden files of its own beside these.
"""

import gzip
import hashlib
import io
import logging
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from semver import Version

from startifact import ConfigurationLoader, Session
from startifact.channels.record import ChannelRecord, parse_channel_record
from startifact.errors import RemovedError
from startifact.model.configuration import Configuration, parse_configuration, to_json
from startifact.model.keys import (
    artifact_key,
    channel_key,
    channel_parameter,
    mark_key,
    probe_key,
)
from startifact.model.record import Origin, Record, decode, encode, encode_tombstone
from startifact.model.tree import ArchiveKind, TreeDigest
from startifact.registers.marks import Mark, MarkCodec, PruningMark, PruningState
from startifact.registers.record import (
    Accepted,
    Ballot,
    Move,
    RegisterRecord,
    parse_record,
    record_text,
)
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.consistency.golden.comparison import (
    HERE,
    check_read,
    check_written,
    differences_of_texts,
    golden,
)
from tests.support.backends import Backend, Bucket, Directory

pytestmark = pytest.mark.tries_stores

MakeFile = Callable[..., Path]

SHA256 = "4eb9ac597489bb667813bff9a0fdce541dfbd605e4061deb5da649f8830f871f"

REMOVED_AT = "2026-02-03T04:05:08.000009Z"

LEAST = Record(sha256=SHA256, size=16, staged_at="2026-02-03T04:05:06.000007Z")
FULL = Record(
    sha256=SHA256,
    size=16,
    staged_at="2026-02-03T04:05:06.000007Z",
    metadata={"hash": "9876=", "lang": "dotnet", "ünïcode": 'zażółć 🎉 "quoted"\n'},
    filename="größe.tar.gz",
    origin=Origin(
        repository="org/repo",
        commit="0123456789abcdef0123456789abcdef01234567",
        ref="refs/tags/v1.0.9000",
        run="https://github.com/org/repo/actions/runs/42",
        actor="somebody",
    ),
)
FIRST = ChannelRecord(
    version=Version(1, 0, 9000),
    generation=1,
    previous=None,
    moved_at="2026-02-03T04:05:06.000007Z",
    moved_by="https://github.com/org/repo/actions/runs/42",
)
MOVED = ChannelRecord(
    version=Version(1, 0, 9001, "rc.1", "b"),
    generation=2,
    previous=Version(1, 0, 9000),
    moved_at="2026-02-03T04:05:07.000008Z",
    moved_by="startifact/1.0.0",
)


# An archive that was made, by its facts; the tree is that of tree.jsonl.
ARCHIVE = replace(
    LEAST,
    filename="dist.tar.gz",
    archive="tar.gz",
    tree="63641fd3794217c07682197b205952faa5bfeb060def3f09f09103ddfcfd342e",
    origin=Origin(repository="org/repo"),
)


@pytest.mark.parametrize(
    ("name", "record"), [("full", FULL), ("least", LEAST), ("archive", ARCHIVE)]
)
def test_record(name: str, record: Record) -> None:
    """A record is these bytes, and these bytes are that record."""
    file = f"record-{name}.json"

    text, left_out = encode(record)

    check_written(file, text)
    assert left_out == []
    check_read(file, decode(golden(file), where="here"), record)


def test_tree() -> None:
    """The tree of an archive is the SHA-256 of these lines, one for each member."""
    digest = TreeDigest()
    digest.add_directory("bin")
    digest.add_file("bin/tool", mode=0o755, size=16, sha256=SHA256)
    digest.add_link("current", target="bin/tool")
    digest.add_directory("empty")
    digest.add_file("größe 🎉.txt", mode=0o644, size=0, sha256=hashlib.sha256(b"").hexdigest())

    assert digest.hexdigest() == hashlib.sha256(golden("tree.jsonl").encode()).hexdigest()
    assert digest.hexdigest() == ARCHIVE.tree


@pytest.mark.parametrize("kind", ArchiveKind)
def test_archive(kind: ArchiveKind, tmp_path: Path) -> None:
    """An archive of these files has these bytes, before they are compressed."""
    (tmp_path / "dist" / "bin").mkdir(parents=True)
    (tmp_path / "dist" / "bin" / "tool").write_bytes(b"sugar and water\n")
    (tmp_path / "dist" / "bin" / "tool").chmod(0o755)
    (tmp_path / "dist" / "größe 🎉.txt").touch()
    (tmp_path / "dist" / ("n" * 101)).mkdir()
    session = Session(regions=f"file://{tmp_path}/region")
    session.stage("P", "1.0.0", tmp_path / "dist", archive=kind)
    content = (tmp_path / "region" / "P@1.0.0" / "artifact").read_bytes()

    if kind is ArchiveKind.TAR_GZ:
        assert content[:10] == bytes.fromhex("1f8b08000000000000ff")
        content = gzip.decompress(content)
        assert (
            hashlib.sha256(content).hexdigest()
            == "97e4524c7a6ae7d39f6b311fc5a90e4e2ff0109745d3dea78b35d0f80a512974"
        )
    else:
        facts = [
            (i.filename, i.flag_bits, i.create_version, i.extract_version,
             i.create_system, i.external_attr, i.date_time, i.CRC, i.file_size)
            for i in zipfile.ZipFile(io.BytesIO(content)).infolist()
        ]  # fmt: skip
        assert facts == [
            ("bin/", 2048, 20, 20, 3, 1106051088, (1980, 1, 1, 0, 0, 0), 0, 0),
            ("bin/tool", 2056, 20, 20, 3, 2179792896, (1980, 1, 1, 0, 0, 0), 2401669980, 16),
            ("größe 🎉.txt", 2048, 20, 20, 3, 2175008768, (1980, 1, 1, 0, 0, 0), 0, 0),
            (f"{'n' * 101}/", 2048, 20, 20, 3, 1106051088, (1980, 1, 1, 0, 0, 0), 0, 0),
        ]


@pytest.mark.parametrize(("name", "channel_record"), [("first", FIRST), ("moved", MOVED)])
def test_channel(name: str, channel_record: ChannelRecord) -> None:
    """A channel is this line, and this line is that channel."""
    file = f"channel-{name}.json"

    check_written(file, channel_record.to_json())
    check_read(file, parse_channel_record(golden(file), where="here"), channel_record)


def test_tombstone() -> None:
    """What stands in the place of a removed version is these bytes, which readers know."""
    check_written(
        "tombstone.json",
        encode_tombstone(removed_at=REMOVED_AT, removed_by=str(FULL.origin.run)),
    )
    with pytest.raises(RemovedError, match=f"here was removed at '{REMOVED_AT}' by 'https"):
        decode(golden("tombstone.json"), where="here")


@pytest.mark.parametrize("state", PruningState)
def test_mark_of_a_prune(state: PruningState) -> None:
    """That a version is to be removed, or is being removed, is this line."""
    file = f"mark-{state}.json"
    pruning = PruningMark(
        state=state, not_before="2026-02-10T04:05:06.000007Z", at=REMOVED_AT, decided_by="somebody"
    )
    move = Move(id="1a", value=Mark(pruning=pruning), at=REMOVED_AT, moved_by="somebody")
    accepted = Accepted(ballot=Ballot(1, "1a"), history=(move,))
    record = RegisterRecord(promised=Ballot(1, "1a"), accepted=accepted)

    check_written(file, record_text(record, MarkCodec()))
    check_read(file, parse_record(golden(file), MarkCodec(), where="here"), record)


def test_names() -> None:
    """Artifacts, channels, the probe and the copies of channels are found under these names."""
    assert artifact_key("SugarWater", "1.0.9000-rc.1+b") == "SugarWater@1.0.9000-rc.1+b"
    assert channel_key("SugarWater", "latest") == "SugarWater/latest"
    assert mark_key("SugarWater", "1.0.9000") == "SugarWater/_yanked/1.0.9000"
    assert probe_key("SugarWater", "1a") == "SugarWater/_probe/1a"
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
    file = f"{name}.json"

    check_read(file, parse_configuration(golden(file), source="here"), configuration)


def test_written_organisation_configuration() -> None:
    """The organisation configuration is written as these bytes."""
    text = to_json(parse_configuration(golden("organisation.json"), source="here"))

    check_written("organisation.json", text)


def test_what_differs() -> None:
    """A key that differs is named with both values; without one, the first character is."""
    key = differences_of_texts('{"a":"1","b":"2"}', '{"a":"1","b":"3","c":"4"}')
    order = differences_of_texts('{"b":"2","a":"1"}', '{"a":"1","b":"2"}')
    end = differences_of_texts('{"a":"1"}', '{"a":"1"}\n')

    assert key == ["b: got '2', expected '3'", "c: got no such key, expected '4'"]
    assert order == ["""line 1, column 3: got '{"b":"2","a":"1"}', expected '{"a":"1","b":"2"}'"""]
    assert end == ["""line 1, column 10: got '{"a":"1"}', expected '{"a":"1"}\\n'"""]


def test_message() -> None:
    """A failure says first which file and which key, and then what to do."""
    changed = golden("channel-first.json").replace('"generation":1', '"generation":2')

    with pytest.raises(pytest.fail.Exception) as caught:
        check_written("channel-first.json", changed)

    first, second, *rest = str(caught.value).splitlines()
    assert first == "golden/channel-first.json is written differently:"
    assert second == "  generation: got 2, expected 1"
    assert "never write this file anew" in rest[0]
    assert len(rest) == 2


def test_unknown_keys_warn(account: AwsAccount, caplog: pytest.LogCaptureFixture) -> None:
    """Keys of a later version are ignored with one warning that names them."""
    account.configure("eu-west-1", golden("organisation-of-a-later.json"))
    loader = ConfigurationLoader()

    with caplog.at_level(logging.WARNING, "startifact"):
        loader.load("eu-west-1")
        loader.load("eu-west-1")

    (warning,) = [r.getMessage() for r in caplog.records]
    assert warning.startswith(
        f"the organisation configuration in {account.parameter} in eu-west-1 "
    )
    assert warning.endswith("has keys that are ignored: 'colour', 'encryption'")


def test_directory_that_was_staged_long_ago(tmp_path: Path) -> None:
    """A directory as it is promised is read: latest, metadata, facts, name and bytes."""
    artifact = Session(regions=f"file:{HERE}/region").get("SugarWater")

    assert artifact.version == Version(1, 0, 9000)
    assert dict(artifact) == FULL.metadata
    assert (artifact.sha256, artifact.size) == (FULL.sha256, FULL.size)
    assert artifact.staged_at_text == FULL.staged_at
    assert artifact.staged_at == datetime(2026, 2, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert artifact.actor == "somebody"
    path = artifact.downloader.download(tmp_path, load_filename=True)
    assert path.name == "größe.tar.gz"
    assert path.read_bytes() == b"sugar and water\n"


def test_staged_long_ago(backends: list[Backend], tmp_path: Path) -> None:
    """An artifact and a channel as they are promised are read from every kind of region."""
    for backend in backends:
        backend.plant("SugarWater@1.0.9000", b"sugar and water\n", golden("record-full.json"))
        backend.write("SugarWater/latest", golden("channel-first.json"))
    session = Session(regions=[backend.spec for backend in backends])

    artifact = session.get("SugarWater")

    assert dict(artifact) == FULL.metadata
    assert artifact.commit == FULL.origin.commit
    assert artifact.downloader.download(tmp_path / "back").read_bytes() == b"sugar and water\n"
    assert session.versions("SugarWater") == [Version(1, 0, 9000)]


def test_staged_again_today(backends: list[Backend], make_file: MakeFile) -> None:
    """What was staged long ago is the same content as the same file and metadata today."""
    for backend in backends:
        backend.plant("SugarWater@1.0.9000", b"sugar and water\n", golden("record-full.json"))
        backend.write("SugarWater/latest", golden("channel-first.json"))
    before = [backend.snapshot() for backend in backends]
    session = Session(regions=[backend.spec for backend in backends])

    staging = session.stage(
        "SugarWater",
        "1.0.9000",
        make_file(b"sugar and water\n", "größe.tar.gz"),
        metadata=FULL.metadata,
        save_filename=True,
    )

    assert not staging.created
    assert [backend.snapshot() for backend in backends] == before


def test_layout(backends: list[Backend], make_file: MakeFile) -> None:
    """A staging stores these names and no others, and what travels with an object on S3."""
    session = Session(regions=[backend.spec for backend in backends])

    session.stage("SugarWater", "1.0.9000", make_file(), metadata={"lang": "dotnet"})

    for backend in backends:
        if isinstance(backend, Directory):
            paths = sorted(str(p.relative_to(backend.root)) for p in backend.root.rglob("*"))
            assert paths == [
                "SugarWater",
                "SugarWater/.latest.lock",
                "SugarWater/latest",
                "SugarWater@1.0.9000",
                "SugarWater@1.0.9000/artifact",
                "SugarWater@1.0.9000/metadata.json",
            ]
        else:
            assert isinstance(backend, Bucket)
            listing = backend.client.list_objects_v2(Bucket=backend.bucket)["Contents"]
            assert [item["Key"] for item in listing] == [
                f"{backend.prefix}SugarWater/latest",
                f"{backend.prefix}SugarWater@1.0.9000",
            ]
            head = backend.client.head_object(
                Bucket=backend.bucket, Key=f"{backend.prefix}SugarWater@1.0.9000"
            )
            assert list(head["Metadata"]) == ["startifact"]
            assert head["Metadata"]["startifact"].startswith('{"lang":"dotnet","startifact:format"')
            assert head["ContentType"] == "application/octet-stream"
            assert "ContentEncoding" not in head
            channel = backend.client.head_object(
                Bucket=backend.bucket, Key=f"{backend.prefix}SugarWater/latest"
            )
            assert channel["ContentType"] == "application/json"
            assert channel["Metadata"] == {}


def test_parameter(account: AwsAccount, make_file: MakeFile) -> None:
    """The copy of latest in SSM is a plain string under this name: the bare version."""
    Session().stage("SugarWater", "1.0.9000", make_file())

    for region in AWS_REGIONS:
        answer = account.ssm(region).get_parameter(Name=f"/team-{account.unique}/SugarWater/latest")
        assert answer["Parameter"]["Value"] == "1.0.9000"
        assert answer["Parameter"]["Type"] == "String"
