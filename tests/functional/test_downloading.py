"""Downloading: verified or nothing, and nothing else on the disk."""

import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from startifact import Artifact, Progress
from startifact.errors import (
    InputError,
    IntegrityError,
    LocalFileError,
    NotFoundError,
    SeveralRegionsError,
    StartifactError,
)
from startifact.model.record import Record, encode
from tests.support.backends import Backend
from tests.support.limits import PART
from tests.support.limits import SessionOfSmallParts as Session
from tests.support.wire import Answer, Forward, Request, Wire, error, tampered

MakeFile = Callable[..., Path]

KEY = "SugarWater@1.0.0"
SIZE = PART + PART // 2

AWS_AND_FILES = pytest.mark.parametrize("backends", ["aws", "file"], indirect=True)
FILES = pytest.mark.parametrize("backends", ["file"], indirect=True)
S3 = pytest.mark.parametrize("backends", ["s3"], indirect=True)
SIZES = pytest.mark.parametrize(
    "size", [10, PART, 2 * PART + SIZE // 2], ids=["one", "full", "many"]
)


def session(backends: list[Backend]) -> Session:
    """Return a session with all *backends*."""
    return Session(regions=[backend.spec for backend in backends])


@pytest.fixture
def staged(backends: list[Backend], make_file: MakeFile) -> Artifact:
    """Return an artifact that is staged in all *backends*, with its file name."""
    return (
        session(backends)
        .stage("SugarWater", "1.0.0", make_file(b"sugar and water"), save_filename=True)
        .artifact
    )


def folder(path: Path) -> list[str]:
    """Return the names of all that is in *path*."""
    return sorted(p.name for p in path.iterdir())


@contextmanager
def warnings(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Collect the warnings of the library."""
    found: list[str] = []
    caplog.clear()
    with caplog.at_level(logging.WARNING, "startifact"):
        yield found
    found += [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


# Where the file goes -------------------------------------------------------------------------


@SIZES
def test_download(backends: list[Backend], make_file: MakeFile, tmp_path: Path, size: int) -> None:
    """The bytes come back, in one request or in many, and nothing else is left beside them."""
    content = os.urandom(size)
    session(backends).stage("SugarWater", "1.0.0", make_file(content))

    path = session(backends).get("SugarWater").downloader.download(tmp_path / "out" / "back")

    assert path == tmp_path / "out" / "back"
    assert path.read_bytes() == content
    assert folder(tmp_path / "out") == ["back"]


def test_path_as_text(
    directories: list[str],
    make_file: MakeFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A path may be text, and relative."""
    artifact = Session(regions=directories).stage("SugarWater", "1.0.0", make_file()).artifact
    monkeypatch.chdir(tmp_path)

    path = artifact.downloader.download("back")

    assert path == Path("back")
    assert (tmp_path / "back").exists()


@FILES
def test_missing_parents(staged: Artifact, tmp_path: Path) -> None:
    """Parents that are missing are made."""
    path = staged.downloader.download(tmp_path / "a" / "b" / "c")

    assert path.read_bytes() == b"sugar and water"


@FILES
def test_same_file_is_left_alone(staged: Artifact, tmp_path: Path) -> None:
    """A file that has the bytes already is not written again."""
    path = tmp_path / "back"
    path.write_bytes(b"sugar and water")
    os.utime(path, ns=(5, 5))
    before = path.stat()

    staged.downloader.download(path)

    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, 5)


@FILES
def test_other_file_is_replaced(staged: Artifact, tmp_path: Path) -> None:
    """A file with other bytes is replaced, be they of the same number or not."""
    for content in (b"sugar and wafer", b"short", b"longer than what is staged"):
        (tmp_path / "back").write_bytes(content)

        staged.downloader.download(tmp_path / "back")

        assert (tmp_path / "back").read_bytes() == b"sugar and water"


@FILES
def test_link_is_followed(staged: Artifact, tmp_path: Path) -> None:
    """What a link leads to is replaced, as with other tools, and the link stays."""
    (tmp_path / "out").mkdir()
    (tmp_path / "file").write_text("old")
    (tmp_path / "out" / "middle").symlink_to("../file")
    (tmp_path / "out" / "back").symlink_to("middle")

    path = staged.downloader.download(tmp_path / "out" / "back")

    assert path == tmp_path / "out" / "back"
    assert (tmp_path / "out" / "back").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"sugar and water"
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["back", "middle"]


@FILES
def test_link_to_the_same_bytes(staged: Artifact, tmp_path: Path) -> None:
    """A link to a file that has these bytes already is left alone, and so is the file."""
    (tmp_path / "other").write_bytes(b"sugar and water")
    (tmp_path / "back").symlink_to(tmp_path / "other")
    before = (tmp_path / "other").stat()

    staged.downloader.download(tmp_path / "back")

    assert (tmp_path / "back").is_symlink()
    assert os.path.samestat((tmp_path / "other").stat(), before)


@FILES
def test_link_that_leads_nowhere(staged: Artifact, tmp_path: Path) -> None:
    """A link to what is not there is followed as well: that is where the file appears."""
    (tmp_path / "back").symlink_to("nowhere")

    staged.downloader.download(tmp_path / "back")

    assert (tmp_path / "back").is_symlink()
    assert (tmp_path / "nowhere").read_bytes() == b"sugar and water"


@FILES
def test_link_into_no_folder(staged: Artifact, tmp_path: Path) -> None:
    """A folder that only a link names is not made: nobody asked for it."""
    (tmp_path / "back").symlink_to("missing/file")

    with pytest.raises(LocalFileError, match=r"is a link to .*missing/file'") as caught:
        staged.downloader.download(tmp_path / "back")

    assert caught.value.exit_code == 9
    assert not (tmp_path / "missing").exists()


@FILES
def test_file_behind_a_link_when_nothing_can_be_verified(
    staged: Artifact, backends: list[Backend], tmp_path: Path
) -> None:
    """Where no region can deliver the bytes, what a link leads to is as it was."""
    (tmp_path / "file").write_text("old")
    (tmp_path / "back").symlink_to("file")
    for backend in backends:
        backend.plant(KEY, b"sugar and WATER", backend.encoded_record(KEY))

    with pytest.raises(SeveralRegionsError) as caught:
        staged.downloader.download(tmp_path / "back")

    assert caught.value.exit_code == 7
    assert (tmp_path / "file").read_text() == "old"
    assert (tmp_path / "back").is_symlink()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".startifact")]


@FILES
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="there is no /proc")
@pytest.mark.parametrize("through_link", [False, True])
def test_open_file_is_no_destination(
    staged: Artifact, tmp_path: Path, *, through_link: bool
) -> None:
    """What a process has open, as /dev/stdout is, is not replaced, be it a file."""
    with (tmp_path / "log").open("w") as log:
        path = Path(f"/proc/self/fd/{log.fileno()}")
        if through_link:
            (tmp_path / "back").symlink_to(path)
            path = tmp_path / "back"

        with pytest.raises(InputError, match="is not a regular file"):
            staged.downloader.download(path)

    assert (tmp_path / "log").read_text() == ""


@FILES
@pytest.mark.skipif(
    not Path("/dev/stdout").is_symlink() or os.access("/dev", os.W_OK),
    reason="/dev/stdout is no link, or a failing test would replace it",
)
def test_standard_output_is_no_destination(staged: Artifact) -> None:
    """The link in /dev stays, whoever may replace it."""
    before = Path("/dev/stdout").readlink()

    with pytest.raises(InputError, match="'/dev/stdout' is not a regular file"):
        staged.downloader.download("/dev/stdout")

    assert Path("/dev/stdout").readlink() == before


@FILES
def test_slash_at_the_end(backends: list[Backend], make_file: MakeFile, tmp_path: Path) -> None:
    """Text that ends with a slash is a directory, for which a file name has to be saved."""
    staging = session(backends).stage("SugarWater", "1.0.0", make_file())

    with pytest.raises(InputError, match="was staged without its file name") as caught:
        staging.artifact.downloader.download(f"{tmp_path}/new/")

    assert "save_filename=True" in str(caught.value.hint)
    assert not (tmp_path / "new").exists()


@FILES
def test_slash_at_the_end_of_a_directory_to_make(
    backends: list[Backend], make_file: MakeFile, tmp_path: Path
) -> None:
    """With a saved name the directory is made, whether or not it is asked for."""
    here = Session(regions=[backend.spec for backend in backends])
    staging = here.stage("SugarWater", "1.0.0", make_file(), save_filename=True)

    path = staging.artifact.downloader.download(f"{tmp_path}/new/er/", load_filename=True)

    unasked = staging.artifact.downloader.download(f"{tmp_path}/un/asked/")

    assert path == tmp_path / "new" / "er" / "dist.tar.gz"
    assert path.is_file()
    assert unasked == tmp_path / "un" / "asked" / "dist.tar.gz"
    assert unasked.is_file()


@FILES
def test_directory(staged: Artifact, tmp_path: Path) -> None:
    """A directory is no destination unless the saved name is wanted."""
    with pytest.raises(InputError, match="is a directory") as caught:
        staged.downloader.download(tmp_path)

    assert caught.value.hint is not None
    assert "load_filename=True" in caught.value.hint


@FILES
def test_pipe(staged: Artifact, tmp_path: Path) -> None:
    """What is neither a file nor a link, such as a pipe or a device, is not replaced."""
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(InputError, match="is not a regular file"):
        staged.downloader.download(tmp_path / "pipe")

    assert (tmp_path / "pipe").is_fifo()


@FILES
def test_nul(staged: Artifact, tmp_path: Path) -> None:
    """A path that no system takes is refused before anything is fetched."""
    with pytest.raises(InputError, match=r"'.*a\\x00b' is not a path"):
        staged.downloader.download(tmp_path / "a\x00b")


@FILES
def test_parent_that_is_a_file(staged: Artifact, tmp_path: Path) -> None:
    """A parent that is a file is local trouble."""
    (tmp_path / "file").write_text("")

    for path in ("file/back", "file/more/back"):
        with pytest.raises(LocalFileError, match="cannot write") as caught:
            staged.downloader.download(tmp_path / path)

        assert caught.value.exit_code == 9
        assert "Not a directory" in caught.value.message


@FILES
def test_directory_that_cannot_be_written(staged: Artifact) -> None:
    """A directory in which nothing can be made is local trouble; here, one of the kernel's."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no directory that root may not write to")

    with pytest.raises(LocalFileError, match="cannot write '/proc/self/back'"):
        staged.downloader.download("/proc/self/back")


@FILES
def test_name_that_is_too_long(staged: Artifact, tmp_path: Path) -> None:
    """A name that the file system does not take is local trouble, and leaves nothing."""
    with pytest.raises(LocalFileError, match="cannot write"):
        staged.downloader.download(tmp_path / "out" / ("x" * 300))

    assert not (tmp_path / "out").exists() or folder(tmp_path / "out") == []


@FILES
def test_umask(staged: Artifact, tmp_path: Path) -> None:
    """The file gets the mode that the umask asks for."""
    before = os.umask(0o027)
    try:
        path = staged.downloader.download(tmp_path / "back")
    finally:
        os.umask(before)

    assert path.stat().st_mode & 0o777 == 0o640


@FILES
def test_mode_of_what_is_replaced(staged: Artifact, tmp_path: Path) -> None:
    """Who may read what was there may read what replaces it, but nobody runs it as its owner."""
    path = tmp_path / "back"
    path.write_bytes(b"a program")
    path.chmod(0o6754)

    staged.downloader.download(path)

    assert path.stat().st_mode & 0o7777 == 0o754


# The saved name ------------------------------------------------------------------------------


def test_saved_name(staged: Artifact, tmp_path: Path) -> None:
    """With the saved name, the file is in the directory under that name."""
    path = staged.downloader.download(tmp_path / "out", load_filename=True)

    assert path == tmp_path / "out" / "dist.tar.gz"
    assert path.read_bytes() == b"sugar and water"
    assert staged.filename == "dist.tar.gz"


@FILES
def test_saved_name_of_a_directory(staged: Artifact, tmp_path: Path) -> None:
    """A directory under the saved name is not replaced, and nothing is fetched for it."""
    (tmp_path / "out" / "dist.tar.gz").mkdir(parents=True)

    with pytest.raises(InputError, match=r"dist\.tar\.gz' is a directory"):
        staged.downloader.download(tmp_path / "out", load_filename=True)


@AWS_AND_FILES
def test_no_saved_name(backends: list[Backend], make_file: MakeFile, tmp_path: Path) -> None:
    """Without a saved name there is none to restore."""
    artifact = session(backends).stage("SugarWater", "1.0.0", make_file()).artifact

    with pytest.raises(InputError, match="was staged without its file name") as caught:
        artifact.downloader.download(tmp_path, load_filename=True)

    assert caught.value.hint == "Name the file to download to, or stage with save_filename=True"


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd", "../x", "..", ".", "", "a/b", "a\\b", "C:x", "CON", "nul.txt", "-rf",
        "x\x00y", "x\ny", "x\x1b[31m", "\u202egpj", "x" * 300, "x.", " x", "~/x/../y",
    ],
)  # fmt: skip
@FILES
def test_unsafe_name(backends: list[Backend], tmp_path: Path, name: str) -> None:
    """A saved name that is not one safe path component is refused, and nothing is written."""
    content = b"sugar"
    record = Record(
        sha256="2d6e8f1ffd4a37b5a9a2d5b7a0a0f0b4a8f2b5f1a3d8c8f3bd45b1e6cdd0a777",
        size=5,
        staged_at="",
        filename=name,
    )
    for backend in backends:
        backend.plant(KEY, content, encode(record)[0])
    (tmp_path / "out" / "in").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(IntegrityError, match=r"the saved file name .* it is not used") as caught:
        session(backends).get("SugarWater", "1.0.0").downloader.download(
            tmp_path / "out" / "in", load_filename=True
        )

    assert caught.value.hint == "Download to a file name of your own"
    assert caught.value.message.isprintable()
    assert sorted(tmp_path.rglob("*")) == before


# Regions that fail ---------------------------------------------------------------------------


@pytest.mark.sweep
@pytest.mark.parametrize("alive", [0, 1, 2])
def test_one_living_region(
    backends: list[Backend], staged: Artifact, tmp_path: Path, alive: int
) -> None:
    """One living region is enough for an exact version."""
    for n, backend in enumerate(backends):
        if n != alive:
            backend.fail_region()

    artifact = session(backends).get("SugarWater", "1.0.0")
    path = artifact.downloader.download(tmp_path / "back")

    assert path.read_bytes() == b"sugar and water"
    assert artifact == staged
    assert artifact.downloader.region == backends[alive].spec
    assert set(artifact.downloader.failures()) == {
        backend.spec for n, backend in enumerate(backends) if n != alive
    }


@AWS_AND_FILES
def test_no_living_region(backends: list[Backend], staged: Artifact) -> None:
    """Where no region lives, it is not known whether the version exists."""
    for backend in backends:
        backend.fail_region()

    with pytest.raises(SeveralRegionsError) as caught:
        session(backends).get("SugarWater", "1.0.0")

    assert caught.value.exit_code == 5
    assert "cannot tell whether SugarWater@1.0.0 exists" in caught.value.message


@AWS_AND_FILES
def test_all_regions_die_in_between(
    backends: list[Backend], staged: Artifact, tmp_path: Path
) -> None:
    """Where all regions die once the artifact was described, the destination stays as it was."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "back").write_text("old")
    artifact = session(backends).get("SugarWater")
    for backend in backends:
        backend.fail_region()

    with pytest.raises(SeveralRegionsError) as caught:
        artifact.downloader.download(tmp_path / "out" / "back")

    assert caught.value.exit_code in {5, 7}  # what a directory was may have gone
    assert "no region could deliver SugarWater@1.0.0" in caught.value.message
    assert folder(tmp_path / "out") == ["back"]
    assert (tmp_path / "out" / "back").read_text() == "old"


def test_not_found(backends: list[Backend]) -> None:
    """Not found means that every region has said so."""
    with pytest.raises(NotFoundError) as caught:
        session(backends).get("SugarWater", "1.0.0")

    assert caught.value.exit_code == 3
    assert "SugarWater@1.0.0 is not staged in " in caught.value.message
    assert all(backend.spec in caught.value.message for backend in backends)


def test_not_found_and_one_down(backends: list[Backend]) -> None:
    """Where one region did not answer, not found is not known."""
    backends[1].fail_region()

    with pytest.raises(SeveralRegionsError) as caught:
        session(backends).get("SugarWater", "1.0.0")

    assert not isinstance(caught.value, NotFoundError)
    assert caught.value.exit_code == 5
    assert f"\n  {backends[0].spec}: not there" in caught.value.message
    assert f"\n  {backends[1].spec} " in caught.value.message


@AWS_AND_FILES
def test_in_one_region_only(backends: list[Backend], make_file: MakeFile, tmp_path: Path) -> None:
    """A version that a single region has can be had."""
    session(backends[2:]).stage("SugarWater", "1.0.0", make_file(b"here"))

    artifact = session(backends).get("SugarWater", "1.0.0")

    assert artifact.downloader.download(tmp_path / "back").read_bytes() == b"here"
    assert artifact.downloader.region == backends[2].spec
    assert artifact.downloader.uri.endswith(KEY) or "SugarWater" in artifact.downloader.uri


def test_where_it_is(account: object, backends: list[Backend], staged: Artifact) -> None:
    """Bucket, key and region are those of the first region that has it."""
    backends[0].remove(KEY)

    downloader = session(backends).get("SugarWater", "1.0.0").downloader

    assert downloader.region == backends[1].spec
    assert downloader.key.endswith(KEY)
    assert downloader.bucket
    assert downloader.object_version is None


# Bytes that are not right --------------------------------------------------------------------


def replace_bytes(backend: Backend, content: bytes) -> None:
    """Put other bytes under the record that is there."""
    backend.plant(KEY, content, backend.encoded_record(KEY))


@pytest.mark.sweep
@pytest.mark.parametrize("bad", [0, 1, 2])
@AWS_AND_FILES
def test_one_region_is_corrupt(
    backends: list[Backend],
    staged: Artifact,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    bad: int,
) -> None:
    """Corrupt bytes of one region are never delivered; another region has the right ones."""
    replace_bytes(backends[bad], b"sugar and wafer")

    with warnings(caplog) as reported:
        path = session(backends).get("SugarWater").downloader.download(tmp_path / "out" / "back")

    assert path.read_bytes() == b"sugar and water"
    assert folder(tmp_path / "out") == ["back"]
    assert all(f"in {backends[bad].spec} is damaged" in warning for warning in reported)


def test_all_regions_are_corrupt(backends: list[Backend], staged: Artifact, tmp_path: Path) -> None:
    """Where all regions are corrupt it is an integrity error, and the old file stays."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "back").write_text("old")
    for backend in backends:
        replace_bytes(backend, b"sugar and wafer")

    with pytest.raises(SeveralRegionsError) as caught:
        session(backends).get("SugarWater").downloader.download(tmp_path / "out" / "back")

    assert caught.value.exit_code == 7
    assert caught.value.message.count(" is damaged: got 15 bytes with sha256:") == 3
    assert f"expected 15 bytes with sha256:{staged.sha256}" in caught.value.message
    assert folder(tmp_path / "out") == ["back"]
    assert (tmp_path / "out" / "back").read_text() == "old"


@AWS_AND_FILES
def test_wrong_size(backends: list[Backend], staged: Artifact, tmp_path: Path) -> None:
    """A region whose artifact has another size than was recorded is passed over."""
    replace_bytes(backends[0], b"sugar")

    artifact = session(backends).get("SugarWater")

    assert artifact.downloader.download(tmp_path / "back").read_bytes() == b"sugar and water"
    assert {x.region for x in artifact.downloader.locations()} == {
        backend.spec for backend in backends[1:]
    }
    assert "has 5 bytes, 15 were recorded" in str(artifact.downloader.failures()[backends[0].spec])


@AWS_AND_FILES
def test_replaced_after_the_description(
    backends: list[Backend], staged: Artifact, tmp_path: Path
) -> None:
    """What replaced the artifact once it was described is never mixed in."""
    artifact = session(backends[:1]).get("SugarWater")
    backends[0].remove(KEY)
    replacement = b"sugar and wafer"
    backends[0].plant(KEY, replacement, backends[1].encoded_record(KEY))

    with pytest.raises(SeveralRegionsError, match="replaced") as caught:
        artifact.downloader.download(tmp_path / "back")

    assert caught.value.exit_code == 7
    assert not (tmp_path / "back").exists()


def other_artifact(backend: Backend, content: bytes = b"sugar and wafer") -> None:
    """Replace the artifact in *backend* together with its record."""
    value = json.loads(backend.encoded_record(KEY))
    value["startifact:sha256"] = hashlib.sha256(content).hexdigest()
    value["startifact:size"] = str(len(content))
    backend.plant(KEY, content, json.dumps(value))


@pytest.mark.sweep
@pytest.mark.parametrize("bad", [0, 1, 2])
@AWS_AND_FILES
def test_majority_decides(
    backends: list[Backend],
    staged: Artifact,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    bad: int,
) -> None:
    """Where one region has another artifact and record, what the majority has is the version."""
    other_artifact(backends[bad])

    with warnings(caplog) as reported:
        artifact = session(backends).get("SugarWater")
        path = artifact.downloader.download(tmp_path / "back")

    assert artifact.sha256 == staged.sha256
    assert path.read_bytes() == b"sugar and water"
    assert len(reported) <= 1
    assert all(backends[bad].spec in w and "is not what most regions hold" in w for w in reported)


@AWS_AND_FILES
def test_no_majority(backends: list[Backend], staged: Artifact) -> None:
    """Without a majority it is an integrity error that names regions and digests."""
    other_artifact(backends[0])
    other_artifact(backends[1], b"sugar and paper")

    with pytest.raises(IntegrityError) as caught:
        session(backends).get("SugarWater", "1.0.0")

    assert caught.value.exit_code == 7
    assert "regions hold different content for SugarWater@1.0.0, and no majority agrees" in str(
        caught.value
    )
    for backend in backends:
        assert f"\n  {backend.spec}: " in caught.value.message
    assert staged.sha256 in caught.value.message


@FILES
def test_no_majority_of_two(backends: list[Backend], staged: Artifact) -> None:
    """Of two regions that disagree none is right."""
    other_artifact(backends[0])

    with pytest.raises(IntegrityError, match="no majority agrees"):
        session(backends[:2]).get("SugarWater", "1.0.0")


@FILES
def test_no_majority_with_one_down(backends: list[Backend], staged: Artifact) -> None:
    """Of three regions, two that disagree and one that is down make no majority."""
    other_artifact(backends[0])
    backends[1].fail_region()

    with pytest.raises(IntegrityError, match="no majority agrees"):
        session(backends).get("SugarWater", "1.0.0")


@FILES
def test_metadata_that_was_replaced(
    backends: list[Backend], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Where one region has other metadata with the same bytes, the majority's is the metadata."""
    session(backends).stage("SugarWater", "1.0.0", make_file(), metadata={"lang": "dotnet"})
    value = json.loads(backends[0].encoded_record(KEY)) | {"lang": "cobol"}
    backends[0].plant(KEY, backends[0].content(KEY), json.dumps(value))

    for _ in range(5):
        assert dict(session(backends).get("SugarWater")) == {"lang": "dotnet"}


@AWS_AND_FILES
def test_damaged_record(backends: list[Backend], staged: Artifact, tmp_path: Path) -> None:
    """A region with a damaged record is passed over."""
    backends[0].plant(KEY, b"sugar and water", "nonsense")

    artifact = session(backends).get("SugarWater")

    assert artifact == staged
    assert artifact.downloader.download(tmp_path / "back").read_bytes() == b"sugar and water"
    assert "is damaged" in str(artifact.downloader.failures()[backends[0].spec])


@AWS_AND_FILES
def test_all_records_are_damaged(backends: list[Backend], staged: Artifact) -> None:
    """Where all records are damaged it is an integrity error."""
    for backend in backends:
        backend.plant(KEY, b"sugar and water", "nonsense")

    with pytest.raises(SeveralRegionsError) as caught:
        session(backends).get("SugarWater")

    assert caught.value.exit_code == 7


@AWS_AND_FILES
def test_tombstone(backends: list[Backend], staged: Artifact) -> None:
    """A version that was removed is not found, and the message says that it was removed."""
    backends[0].plant(
        KEY, b"", '{"startifact:format":"1","startifact:removed-at":"2026-01-01T00:00:00Z"}'
    )

    with pytest.raises(NotFoundError, match="was removed at '2026-01-01T00:00:00Z'") as caught:
        session(backends[:1]).get("SugarWater", "1.0.0")

    assert caught.value.exit_code == 3


@FILES
def test_half_an_artifact(backends: list[Backend], staged: Artifact) -> None:
    """A folder that lacks the artifact or the record is damage, and never absence."""
    root = Path(backends[0].spec.removeprefix("file://"))
    (root / KEY / "metadata.json").unlink()

    with pytest.raises(SeveralRegionsError, match="is damaged") as caught:
        session(backends[:1]).get("SugarWater", "1.0.0")

    assert caught.value.exit_code == 7


# On the wire ---------------------------------------------------------------------------------


def on_reads(
    rule: Callable[[Answer], Answer | None],
) -> Callable[[Request, Forward], Answer | None]:
    """Return a rule that applies *rule* to the answers to ranged reads of the artifact."""

    def apply(request: Request, forward: Forward) -> Answer | None:
        if request.method == "GET" and request.path.endswith(KEY):
            return rule(forward())
        return forward()

    return apply


@S3
def test_bit_that_flips(
    backends: list[Backend], wire: Wire, staged: Artifact, tmp_path: Path
) -> None:
    """A bit that flips on the way is noticed, whatever checksums say, and nothing is kept."""
    wire.add(on_reads(tampered))

    with pytest.raises(SeveralRegionsError) as caught:
        session(backends).get("SugarWater").downloader.download(tmp_path / "out" / "back")

    assert caught.value.exit_code == 7
    assert folder(tmp_path / "out") == []


@S3
def test_connection_that_breaks(
    backends: list[Backend], wire: Wire, make_file: MakeFile, tmp_path: Path
) -> None:
    """A connection that breaks is taken up where it broke."""
    content = os.urandom(SIZE)
    session(backends[:1]).stage("SugarWater", "1.0.0", make_file(content))
    read: list[int] = []

    def break_once(request: Request, forward: Forward) -> Answer | None:
        answer = forward()
        if request.method == "GET" and "range" in request.headers:
            start = int(request.headers["range"].removeprefix("bytes=").partition("-")[0])
            read.append(start)
            if start in {0, PART}:
                return Answer(answer.status, answer.body, answer.headers, cut_after=PART // 4)
        return answer

    wire.add(break_once)
    path = session(backends[:1]).get("SugarWater").downloader.download(tmp_path / "back")

    assert path.read_bytes() == content
    assert sorted(read) == [0, PART // 4, PART, PART + PART // 4]


@S3
def test_connection_that_keeps_breaking(
    backends: list[Backend], wire: Wire, staged: Artifact, tmp_path: Path
) -> None:
    """A connection that breaks without a byte, time after time, is given up."""
    wire.add(
        on_reads(lambda answer: Answer(answer.status, answer.body, answer.headers, cut_after=0))
    )

    with pytest.raises(SeveralRegionsError) as caught:
        session(backends[:1]).get("SugarWater").downloader.download(tmp_path / "out" / "back")

    assert caught.value.exit_code == 5
    assert folder(tmp_path / "out") == []


@S3
@pytest.mark.parametrize("how", ["short", "whole"])
def test_other_range(
    backends: list[Backend], wire: Wire, make_file: MakeFile, tmp_path: Path, how: str
) -> None:
    """A store that answers with another range than was asked for is not believed."""
    session(backends[:1]).stage("SugarWater", "1.0.0", make_file(os.urandom(SIZE)))

    def other(answer: Answer) -> Answer:
        body = answer.body[:-1] if how == "short" else bytes(SIZE)
        return Answer(200, body, {"ETag": answer.headers["ETag"]})

    wire.add(on_reads(other))
    with pytest.raises(SeveralRegionsError, match="asked for") as caught:
        session(backends[:1]).get("SugarWater").downloader.download(tmp_path / "back")

    assert caught.value.exit_code == 5  # by what was read, nothing is damaged


@S3
def test_reads_are_pinned(
    backends: list[Backend], wire: Wire, make_file: MakeFile, tmp_path: Path
) -> None:
    """Every range is asked for with the ETag that was described."""
    session(backends[:1]).stage("SugarWater", "1.0.0", make_file(os.urandom(2 * PART + 1000)))

    session(backends[:1]).get("SugarWater").downloader.download(tmp_path / "back")

    ranged = [r for r in wire.requests() if "range" in r.headers]
    assert sorted(r.headers["range"] for r in ranged) == [
        "bytes=0-1048575",
        "bytes=1048576-2097151",
        "bytes=2097152-2098151",
    ]
    assert len({r.headers["if-match"] for r in ranged}) == 1


@S3
def test_slow_region(backends: list[Backend], wire: Wire, staged: Artifact, tmp_path: Path) -> None:
    """A region that does not answer in time is passed by; the others have the artifact."""
    go = threading.Event()

    def hang(request: Request, forward: Forward) -> Answer | None:
        if request.region == "us-east-1":
            go.wait(30)
        return forward()

    wire.add(hang)
    artifact = session(backends).get("SugarWater", "1.0.0")
    path = artifact.downloader.download(tmp_path / "back")
    region = artifact.downloader.region
    go.set()

    assert path.read_bytes() == b"sugar and water"
    assert region == backends[1].spec


@AWS_AND_FILES
def test_progress(backends: list[Backend], make_file: MakeFile, tmp_path: Path) -> None:
    """Progress of a download never falls, and ends at the whole."""
    reported: list[Progress] = []
    session(backends).stage("SugarWater", "1.0.0", make_file(os.urandom(SIZE)))

    Session(regions=[backend.spec for backend in backends], progress=reported.append).get(
        "SugarWater"
    ).downloader.download(tmp_path / "back")

    done = [p.done for p in reported]
    assert done == sorted(done)
    assert done[-1] == SIZE
    assert {(p.verb, p.artifact, p.total) for p in reported} == {("download", KEY, SIZE)}


@FILES
def test_interrupted(backends: list[Backend], make_file: MakeFile, tmp_path: Path) -> None:
    """A callback that raises ends the download, and leaves nothing."""
    session(backends).stage("SugarWater", "1.0.0", make_file())

    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    here = Session(regions=[backend.spec for backend in backends], progress=stop)
    with pytest.raises(KeyboardInterrupt):
        here.get("SugarWater").downloader.download(tmp_path / "out" / "back")

    assert folder(tmp_path / "out") == []


# Access --------------------------------------------------------------------------------------


def refusing(*, listing: bool) -> Callable[[Request, Forward], Answer | None]:
    """Return a rule by which S3 refuses to show objects, and unless *listing* their list."""

    def refuse(request: Request, forward: Forward) -> Answer | None:
        if request.service != "s3" or request.method not in {"GET", "HEAD"}:
            return forward()
        if "list-type" in request.query:
            return forward() if listing else error(403, "AccessDenied")
        return Answer(403) if request.method == "HEAD" else error(403, "AccessDenied")

    return refuse


@S3
def test_refused_and_not_there(backends: list[Backend], wire: Wire) -> None:
    """Where S3 refuses what is not there, a listing of exactly that key decides."""
    wire.add(refusing(listing=True))

    with pytest.raises(NotFoundError):
        session(backends).get("SugarWater", "1.0.0")
    with pytest.raises(NotFoundError):
        session(backends).get("SugarWater")


@S3
def test_refused_and_longer_key_there(
    backends: list[Backend], wire: Wire, make_file: MakeFile
) -> None:
    """The listing is of exactly that key: a longer one that begins like it does not count."""
    session(backends).stage("SugarWater", "1.0.0-rc.1", make_file())
    wire.add(refusing(listing=True))

    with pytest.raises(NotFoundError):
        session(backends).get("SugarWater", "1.0.0-rc")


@S3
def test_refused_and_there(backends: list[Backend], wire: Wire, staged: Artifact) -> None:
    """What is there and refused is access denied, with the action that has to be allowed."""
    wire.add(refusing(listing=True))

    for selector in ("1.0.0", "latest"):
        with pytest.raises(SeveralRegionsError) as caught:
            session(backends).get("SugarWater", selector)

        assert caught.value.exit_code == 6
        assert "refused s3:GetObject on arn:aws:s3:::" in caught.value.message
        assert caught.value.hint is not None
        assert "Allow s3:GetObject on arn:aws:s3:::" in caught.value.hint


@S3
def test_refused_and_not_listed(backends: list[Backend], wire: Wire) -> None:
    """Where neither the object nor the list is shown, it is access denied and never not found."""
    wire.add(refusing(listing=False))

    for selector in ("1.0.0", "latest"):
        with pytest.raises(SeveralRegionsError) as caught:
            session(backends).get("SugarWater", selector)

        assert not isinstance(caught.value, NotFoundError)
        assert caught.value.exit_code == 6
        assert "nor says that it is not there" in caught.value.message
        assert caught.value.hint is not None
        assert "s3:GetObject" in caught.value.hint
        assert "s3:ListBucket" in caught.value.hint
    with pytest.raises(SeveralRegionsError) as caught:
        session(backends).versions("SugarWater")
    assert caught.value.exit_code == 6


@S3
def test_refused_staging(backends: list[Backend], wire: Wire, make_file: MakeFile) -> None:
    """Where it is not shown whether the version is there, nothing is written."""
    wire.add(refusing(listing=False))

    with pytest.raises(StartifactError) as caught:
        session(backends).stage("SugarWater", "1.0.0", make_file())

    assert caught.value.exit_code == 6
    assert wire.writes() == []


@S3
def test_credentials_that_expired(backends: list[Backend], wire: Wire, staged: Artifact) -> None:
    """Expired credentials are reported as such, though S3 answers HEAD without a reason."""

    def expired(request: Request, forward: Forward) -> Answer | None:
        return Answer(400) if request.method == "HEAD" else error(400, "ExpiredToken", "It expired")

    wire.add(expired)
    for selector in ("1.0.0", "latest"):
        with pytest.raises(SeveralRegionsError) as caught:
            session(backends).get("SugarWater", selector)

        assert caught.value.exit_code == 6
        assert "did not accept the AWS credentials" in caught.value.message
        assert "'ExpiredToken', 'It expired'" in caught.value.message
        assert caught.value.hint is not None
        assert "Get new credentials" in caught.value.hint


@S3
def test_credentials_that_are_wrong(backends: list[Backend], wire: Wire, staged: Artifact) -> None:
    """Wrong credentials are reported as such, though S3 answers HEAD with a plain 403."""

    def wrong(request: Request, forward: Forward) -> Answer | None:
        return Answer(403) if request.method == "HEAD" else error(403, "InvalidAccessKeyId")

    wire.add(wrong)
    with pytest.raises(SeveralRegionsError) as caught:
        session(backends).get("SugarWater", "1.0.0")

    assert caught.value.exit_code == 6
    assert "did not accept the AWS credentials" in caught.value.message
    assert "InvalidAccessKeyId" in caught.value.message


@S3
def test_bucket_of_somebody_else(backends: list[Backend], wire: Wire) -> None:
    """A bucket that exists and is not ours to list still proves that an object is absent."""

    def deny_bucket(request: Request, forward: Forward) -> Answer | None:
        if request.method == "HEAD" and request.path.count("/") == 1:
            return Answer(403)
        return forward()

    wire.add(deny_bucket)
    with pytest.raises(NotFoundError):
        session(backends).get("SugarWater", "1.0.0")
