"""Artifacts of the first Startifact stay readable, as far verified as that is possible."""

import json
import logging
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from semver import Version

from startifact import errors
from startifact.cli import main
from tests.functional.legacy.conftest import Old
from tests.functional.repair.project_fixture import CONTENT, OTHER, sha256
from tests.support.limits import PART
from tests.support.wire import Answer, Forward, Request, error, tampered

MIB = 1024 * 1024


def test_without_metadata(old: Old, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An artifact without metadata comes back byte for byte, with a word about its digest."""
    old.stage()

    artifact = old.fixture.session().get(old.fixture.project)
    path = artifact.downloader.download(tmp_path / "back")

    assert path.read_bytes() == CONTENT
    assert str(artifact.version) == "1.0.0"
    assert dict(artifact) == {}
    assert (artifact.sha256, artifact.filename, artifact.staged_at_text) == ("", None, "")
    assert artifact.staged_at is None
    assert artifact.size == len(CONTENT)
    [warning] = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert warning == (
        f"{old.fixture.key} was staged by the first Startifact: "
        "no digest was recorded to verify it by"
    )


def test_metadata(old: Old, tmp_path: Path) -> None:
    """Its metadata is a mapping, and the saved file name can be restored."""
    old.stage(metadata={"lang": "dotnet", "hash": "9876=", "startifact:filename": "dist.zip"})

    artifact = old.fixture.session().get(old.fixture.project, "1.0.0")
    path = artifact.downloader.download(tmp_path, load_filename=True)

    assert dict(artifact) == {"hash": "9876=", "lang": "dotnet"}
    assert artifact.filename == "dist.zip"
    assert path == tmp_path / "dist.zip"
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/b", "..", "a\nb", "CON"])
def test_file_name_that_is_a_path(old: Old, tmp_path: Path, name: str) -> None:
    """A saved file name that is more than a name is refused; nothing is written."""
    old.stage(metadata={"startifact:filename": name})
    artifact = old.fixture.session().get(old.fixture.project, "1.0.0")

    with pytest.raises(errors.IntegrityError, match="it is not used"):
        artifact.downloader.download(tmp_path / "in", load_filename=True)

    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize(
    "text",
    ["", "not JSON", "[]", '{"a": NaN}', '{"a": 1, "a": 2}', '{"a": "b", "a": "c"}', "x" * 100_000],
)
def test_damaged_metadata(old: Old, text: str) -> None:
    """Metadata that cannot be read is an integrity error, and not an artifact without any."""
    old.stage(metadata=text)

    with pytest.raises(errors.SeveralRegionsError) as caught:
        old.fixture.session().get(old.fixture.project, "1.0.0")

    assert caught.value.exit_code == 7
    assert f"the metadata of {old.fixture.key} in us-east-1 is damaged" in caught.value.message


def test_metadata_that_is_not_text(old: Old) -> None:
    """The first Startifact took whatever JSON can hold: what is no text is shown as its JSON."""
    values = {"build": 7, "ratio": 1.5, "ok": True, "none": None, "list": [1, "b"]}
    old.stage(metadata={**values, "text": "7.0"})

    artifact = old.fixture.session().get(old.fixture.project)

    assert dict(artifact) == {
        "build": "7",
        "ratio": "1.5",
        "ok": "true",
        "none": "null",
        "list": '[1, "b"]',
        "text": "7.0",
    }


def test_large_metadata(old: Old) -> None:
    """The first Startifact had no limit: far more than a record holds is read."""
    old.stage(metadata={"notes": "x" * 100_000})

    assert old.fixture.session().get(old.fixture.project)["notes"] == "x" * 100_000


def test_metadata_that_is_too_large(old: Old) -> None:
    """More than is read is an error that says of what, where and how much: it is not cut."""
    old.stage(metadata={"notes": "x" * (MIB + 1)})

    with pytest.raises(errors.SeveralRegionsError) as caught:
        old.fixture.session().get(old.fixture.project, "1.0.0")

    assert caught.value.exit_code == 7
    assert (
        f"the metadata of {old.fixture.key} in us-east-1 has more than 1,048,576 bytes"
        in caught.value.message
    )
    assert "get both with the tools of your store" in str(caught.value)


def test_copy_without_its_metadata(
    old: Old, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A region where the first Startifact had not written the metadata yet is warned about."""
    old.stage(backends=[old.fixture.b])
    old.stage(metadata={"lang": "dotnet"}, backends=[old.fixture.a])

    artifact = old.fixture.session().get(old.fixture.project, "1.0.0")
    path = artifact.downloader.download(tmp_path / "back")

    assert dict(artifact) == {"lang": "dotnet"}
    assert path.read_bytes() == CONTENT
    assert (
        f"{old.fixture.key} in eu-west-1 lacks the metadata that other regions have: repair it"
        in caplog.messages
    )


def test_other_metadata_is_named(old: Old) -> None:
    """Where the bytes are the same, the error says in what regions differ."""
    old.stage(metadata={"lang": "dotnet"}, backends=[old.fixture.a])
    old.stage(metadata={"lang": "rust"}, backends=[old.fixture.b])

    with pytest.raises(errors.IntegrityError, match="no majority agrees") as caught:
        old.fixture.session().get(old.fixture.project, "1.0.0")

    assert "; differs from us-east-1 in the metadata ('lang')" in caught.value.message


def flip(request: Request, forward: Forward) -> Answer | None:
    """Flip a bit of whatever is downloaded."""
    answer = forward()
    return tampered(answer) if request.method == "GET" and "@" in request.path else answer


def test_damaged_on_the_way(old: Old, tmp_path: Path) -> None:
    """Bytes that are not those of the MD5 in the ETag do not reach the destination."""
    old.stage()
    (tmp_path / "back").write_bytes(b"what was there")
    artifact = old.fixture.session().get(old.fixture.project, "1.0.0")
    old.wire.add(flip)

    with pytest.raises(errors.SeveralRegionsError, match="expected 16 bytes with md5:") as caught:
        artifact.downloader.download(tmp_path / "back")

    assert caught.value.exit_code == 7
    assert (tmp_path / "back").read_bytes() == b"what was there"


def test_damaged_in_one_region(old: Old, tmp_path: Path) -> None:
    """Where one region delivers something else, another one is asked."""
    old.stage()
    artifact = old.fixture.session().get(old.fixture.project, "1.0.0")
    bad = iter([True])

    def once(request: Request, forward: Forward) -> Answer | None:
        if request.method == "GET" and "@" in request.path and next(bad, False):
            return tampered(forward())
        return forward()

    old.wire.add(once)

    path = artifact.downloader.download(tmp_path / "back")

    assert path.read_bytes() == CONTENT


def test_etag_of_parts(old: Old, tmp_path: Path) -> None:
    """An ETag of several parts is no MD5: the size is all there is to compare."""
    parts = [b"x" * PART, b"y"]
    old.stage_in_parts(parts)

    artifact = old.fixture.session().get(old.fixture.project)
    path = artifact.downloader.download(tmp_path / "back")

    assert path.read_bytes() == b"".join(parts)


def test_size_of_parts(old: Old, tmp_path: Path) -> None:
    """Without an MD5, fewer bytes than there were are an integrity error still."""
    old.stage_in_parts([b"x" * PART, b"y"])
    artifact = old.fixture.session().get(old.fixture.project)

    def cut(request: Request, forward: Forward) -> Answer | None:
        answer = forward()
        if request.method == "GET" and "@" in request.path:
            names = {n: v for n, v in answer.headers.items() if n.lower() != "content-length"}
            return replace(answer, body=answer.body[:-1], headers=names)
        return answer

    old.wire.add(cut)

    with pytest.raises(errors.SeveralRegionsError) as caught:
        artifact.downloader.download(tmp_path / "back")

    assert caught.value.exit_code == 7
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("algorithm", ["aws:kms", "aws:kms:dsse"])
def test_etag_of_an_encrypted_object(old: Old, tmp_path: Path, algorithm: str) -> None:
    """The ETag of what is encrypted with a key of KMS looks like an MD5, and is none."""
    old.stage()

    def encrypted(request: Request, forward: Forward) -> Answer | None:
        if "@" not in request.path or request.path.endswith("/metadata"):
            return forward()
        kept = {n: v for n, v in request.headers.items() if n != "if-match"}
        answer = forward(replace(request, headers=kept))
        names = {n: v for n, v in answer.headers.items() if n.lower() != "etag"}
        names |= {"ETag": f'"{"f" * 32}"', "x-amz-server-side-encryption": algorithm}
        return replace(answer, headers=names)

    old.wire.add(encrypted)

    path = old.fixture.session().get(old.fixture.project).downloader.download(tmp_path / "back")

    assert path.read_bytes() == CONTENT


def test_versions(old: Old) -> None:
    """Listing passes over the metadata beside artifacts."""
    old.stage("1.0.0", metadata={"lang": "dotnet"})
    old.stage("1.10.0", metadata={"lang": "dotnet"})
    old.fixture.a.plain(f"{old.fixture.at('3.0.0')}/metadata", b"{}")

    versions = old.fixture.session().versions(old.fixture.project)

    assert [str(version) for version in versions] == ["1.10.0", "1.0.0"]


def test_info(old: Old, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not known about it is empty in JSON, and left out for people."""
    old.stage(metadata={"lang": "dotnet"})
    words = ["info", old.fixture.project, f"--regions={','.join(old.fixture.regions)}"]

    reported = main(words), capsys.readouterr().out
    data = main([*words, "--json"]), json.loads(capsys.readouterr().out)

    assert reported[0] == data[0] == 0
    assert "sha256" not in reported[1]
    assert data[1]["metadata"] == {"lang": "dotnet"}
    assert [data[1][n] for n in ("sha256", "sha256-base64", "staged-at")] == [None] * 3
    assert data[1]["size"] == len(CONTENT)


# Regions that differ -------------------------------------------------------------------------


def test_one_region_with_other_bytes(
    old: Old, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Other bytes of the same size in a region are known by their MD5: reported, not delivered."""
    old.stage()
    old.stage(content=OTHER, backends=[old.fixture.b])
    answered = threading.Event()

    def eu_west_1_first(request: Request, forward: Forward) -> Answer | None:
        if "@" in request.path and request.region != "eu-west-1":
            answered.wait(20)
        answer = forward()
        if request.path.endswith("/metadata"):
            answered.set()
        return answer

    old.wire.add(eu_west_1_first)

    path = (
        old.fixture.session().get(old.fixture.project, "1.0.0").downloader.download(tmp_path / "x")
    )

    assert path.read_bytes() == CONTENT
    [reported] = [r.getMessage() for r in caplog.records if "not what most" in r.getMessage()]
    assert f"{old.fixture.key} in eu-west-1 is not what most regions hold (md5:" in reported
    assert reported.endswith("and differs in the bytes")


def test_no_majority(old: Old) -> None:
    """Where every region has other bytes, none of them is the version."""
    old.stage()
    old.stage(content=OTHER, backends=[old.fixture.b])
    old.stage(content=b"neither, nor 16\n", backends=[old.fixture.c])

    with pytest.raises(errors.IntegrityError, match="no majority agrees") as caught:
        old.fixture.session().get(old.fixture.project, "1.0.0")

    assert "us-east-1: md5:" in caught.value.message


def test_record_that_comes_late(old: Old) -> None:
    """The one region that has a digest is heard, whichever answers first."""
    fixture = old.fixture
    old.stage(backends=[fixture.a, fixture.c])
    fixture.stage(regions=[fixture.b.spec])

    def eu_west_1_last(request: Request, forward: Forward) -> Answer | None:
        if "@" in request.path and request.region == "eu-west-1":
            old.wire.closing.wait(0.4)
        return forward()

    old.wire.add(eu_west_1_last)

    assert fixture.session().get(fixture.project, "1.0.0").sha256 == sha256()


def test_record_that_comes_while_bytes_do(old: Old, tmp_path: Path) -> None:
    """What was verified by its MD5 is verified anew, by the digest that another region reports."""
    fixture = old.fixture
    old.stage(backends=[fixture.a])
    fixture.stage(regions=[fixture.b.spec])

    def late_and_then_dead(request: Request, forward: Forward) -> Answer | None:
        reads = "range" in request.headers
        if "@" in request.path and request.region == "eu-west-1":
            old.wire.closing.wait(1.5)
            return error(403, "AccessDenied") if reads else forward()
        if "@" in request.path and reads:
            old.wire.closing.wait(2.0)
        return forward()

    old.wire.add(late_and_then_dead)

    path = fixture.session().get(fixture.project, "1.0.0").downloader.download(tmp_path / "x")

    assert path.read_bytes() == CONTENT


def test_record_in_one_region_that_most_contradict(
    old: Old, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A record by itself does not make one region's bytes those of the version."""
    fixture = old.fixture
    old.stage(backends=[fixture.a, fixture.c])
    fixture.stage(content=OTHER, regions=[fixture.b.spec])

    path = fixture.session().get(fixture.project, "1.0.0").downloader.download(tmp_path / "x")
    fixture.c.fail_region()
    with pytest.raises(errors.IntegrityError, match="no majority agrees"):
        fixture.session().get(fixture.project, "1.0.0")
    fixture.c.restore_region()

    assert path.read_bytes() == CONTENT
    assert f"{fixture.key} in eu-west-1 is not what most regions hold (md5:" in caplog.text


def test_parts_in_one_region_only(old: Old, tmp_path: Path) -> None:
    """A region that knows no MD5 does not contradict the others."""
    content = b"x" * PART + b"y"
    old.stage_in_parts([content[:-1], content[-1:]])
    old.stage(content=content, backends=[old.fixture.b])

    path = (
        old.fixture.session().get(old.fixture.project, "1.0.0").downloader.download(tmp_path / "x")
    )

    assert path.read_bytes() == content


# Python --------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0.0", Version(1, 0, 0)])
def test_version_by_its_name(old: Old, version: Version | str) -> None:
    """A program of the first Startifact names the version, or nothing for the latest."""
    old.stage("1.0.0")
    old.stage("1.1.0", OTHER)
    session = old.fixture.session()

    assert str(session.get(old.fixture.project, version=version).version) == "1.0.0"
    assert str(session.get(old.fixture.project, version=None).version) == "1.1.0"
    assert str(session.get(old.fixture.project, None).version) == "1.1.0"
    assert str(session.get(project=old.fixture.project).version) == "1.1.0"


def test_version_twice(old: Old) -> None:
    """One name is enough."""
    with pytest.raises(errors.InputError, match="are the same argument"):
        old.fixture.session().get(old.fixture.project, "1.0.0", version="1.0.0")
