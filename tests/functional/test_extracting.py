"""What is extracted, where it may go, and what is there when it could not be."""

import contextlib
import gzip
import io
import logging
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from startifact import Artifact, Session
from startifact.errors import InputError, IntegrityError, LocalFileError, SeveralRegionsError
from startifact.files.extraction.archive_reading import open_archive
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.support.archives import (
    tar_file,
    tar_link,
    tar_of,
    with_large_end,
    with_utf8_name,
    zip_entry,
    zip_of,
)

Staged = Callable[[bytes], Artifact]

SUGAR = b"sugar" * 100
FILES = (tar_file("./bin/tool", b"run", mode=0o755), tar_file("./lib/a.txt", SUGAR))
TAR = tar_of(*FILES)
ARCHIVES = {
    "tar": TAR,
    "tar of GNU": tar_of(*FILES, form=tarfile.GNU_FORMAT),
    "tar of POSIX 1988": tar_of(*FILES, form=tarfile.USTAR_FORMAT),
    "tar.gz": tar_of(*FILES, mode="w:gz"),
    "tar.bz2": tar_of(*FILES, mode="w:bz2"),
    "tar.xz": tar_of(*FILES, mode="w:xz"),
    "zip": zip_of((zip_entry("bin/tool", 0o100755), b"run"), ("lib/a.txt", SUGAR)),
}
OWN = ".startifact-extract-*"

EXTRACTING = """
import sys
from startifact.cli import main
path, region = sys.argv[1:]
sys.exit(main(["download", "SugarWater", path, "--regions", region, "--extract"]))
"""
posix = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be somebody else"
)


def _can_mount() -> bool:
    if not sys.platform.startswith("linux") or not shutil.which("unshare"):
        return False
    tried = ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(tried, capture_output=True, timeout=60, check=False).returncode == 0


mounts = pytest.mark.skipif(not _can_mount(), reason="nothing can be mounted here")


def bound(path: Path, region: str) -> "subprocess.CompletedProcess[str]":
    """Extract into *path* as somebody whom permissions bind, as they do not bind root."""
    without = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    return subprocess.run(
        [*without, sys.executable, "-c", EXTRACTING, str(path), region],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def mounted(mount: str, path: Path, region: str) -> "subprocess.CompletedProcess[str]":
    """Extract into *path* where something is mounted as *mount* says, for that time only."""
    script = f'mount {mount} && exec "$@"'
    words = ["sh", sys.executable, "-c", EXTRACTING, str(path), region]
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", script, *words],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture
def staged(directories: list[str], tmp_path: Path) -> Staged:
    """Return a function that stages an archive under a version of its own."""
    session = Session(regions=directories[:1])
    versions = iter(range(100))

    def stage(archive: bytes) -> Artifact:
        file = tmp_path / "file.txt"  # what it is called does not matter
        file.write_bytes(archive)
        return session.stage("SugarWater", f"1.0.{next(versions)}", file).artifact

    return stage


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return a folder for what is extracted, with something in it."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "other").write_text("other")
    return tmp_path / "out"


def tree(folder: Path) -> dict[str, str]:
    """Return everything below *folder*: of files the text, of links what they lead to."""
    return {
        path.relative_to(folder).as_posix(): f"-> {path.readlink()}"
        if path.is_symlink()
        else path.read_text()
        if path.is_file()
        else "folder"
        for path in sorted(folder.rglob("*"))
    }


EXTRACTED = {"bin": "folder", "bin/tool": "run", "lib": "folder", "lib/a.txt": SUGAR.decode()}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_kinds(kind: str, staged: Staged, out: Path) -> None:
    """Every kind of archive is recognised by its content; parents are made."""
    path = staged(ARCHIVES[kind]).downloader.extract(out / "new" / "er")

    assert path == out / "new" / "er"
    assert tree(path) == EXTRACTED
    assert os.access(path / "bin" / "tool", os.X_OK)
    assert not (path / "lib" / "a.txt").stat().st_mode & 0o111
    assert sorted(entry.name for entry in out.iterdir()) == ["new", "other"]


def test_times_of_gnu(staged: Staged, out: Path) -> None:
    """The times that GNU tar has in a header with --incremental are no folder."""
    (info, content), (folder, _) = tar_file("a"), tar_file("d/", b"", type=tarfile.DIRTYPE)
    archive = b""
    for member in (info, folder):
        header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
        header[345:369] = b"15302324636\0" * 2
        header[148:156] = b"%06o\0 " % (sum(header[:148]) + 256 + sum(header[156:]))
        archive += header + (content.ljust(512, b"\0") if member is info else b"")

    path = staged(archive + bytes(1024)).downloader.extract(out / "new")

    assert tree(path) == {"a": "sugar", "d": "folder"}


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_modes(umask: int, staged: Staged, out: Path) -> None:
    """Files may be run as in the archive; the umask decides the rest, for folders too."""
    folder = tar_file("empty", b"", type=tarfile.DIRTYPE, mode=0o2700)
    artifact = staged(tar_of(*FILES, folder, tar_file("private", mode=0o400)))
    before = os.umask(umask)
    try:
        path = artifact.downloader.extract(out / "new")
    finally:
        os.umask(before)

    modes = {p: (path / p).stat().st_mode & 0o7777 for p in ("bin/tool", "private", "empty", ".")}
    assert modes == {
        "bin/tool": 0o777 & ~umask,
        "private": 0o666 & ~umask,
        "empty": 0o777 & ~umask,
        ".": 0o777 & ~umask,
    }


def test_times_and_owners(staged: Staged, out: Path) -> None:
    """Files are of now and of whoever extracts them."""
    before = time.time() - 1
    info, content = tar_file("x", mtime=1, uid=12345, gid=12345, uname="root")

    status = (staged(tar_of((info, content))).downloader.extract(out / "new") / "x").stat()

    assert status.st_mtime > before
    assert (status.st_uid, status.st_gid) == (os.geteuid(), os.getegid())


def test_links(staged: Staged, out: Path) -> None:
    """Links that stay inside are links again, in chains as well; hard links are one file."""
    archive = tar_of(
        tar_file("lib/libx.so.1.2"),
        tar_link("lib/libx.so.1", "libx.so.1.2"),
        tar_link("lib/libx.so", "libx.so.1"),
        tar_link("current", "./lib/"),
        tar_link("lib/up/down", "../../lib/libx.so.1.2"),
        tar_link("hard", "lib/libx.so.1.2", hard=True),
        tar_link("nowhere", "not/there"),
    )

    path = staged(archive).downloader.extract(out / "new")

    assert tree(path) == {
        "current": "-> lib",
        "hard": "sugar",
        "lib": "folder",
        "lib/libx.so": "-> libx.so.1",
        "lib/libx.so.1": "-> libx.so.1.2",
        "lib/libx.so.1.2": "sugar",
        "lib/up": "folder",
        "lib/up/down": "-> ../../lib/libx.so.1.2",
        "nowhere": "-> not/there",
    }
    assert (path / "hard").stat().st_ino == (path / "lib" / "libx.so.1.2").stat().st_ino


@pytest.mark.parametrize(("host", "flagged"), [(3, True), (3, False), (19, False), (0, False)])
def test_names_in_zips(host: int, flagged: bool, staged: Staged, out: Path) -> None:
    """What tools on Unix and macOS write is UTF-8, whether the zip says so or not."""
    archive, raw = zip_of((zip_entry("Übung", system=host), b"")), "Übung".encode()
    assert archive.count(raw) == 2
    if not flagged:
        archive = archive.replace((0x800).to_bytes(2, "little"), bytes(2))
    if host == 0:
        archive = archive.replace(raw, b"\x9abung!")

    staged(archive).downloader.extract(out / "new")

    assert list(tree(out / "new")) == ["Übung" if host else "Übung!"]


def test_names_in_zips_of_unix_that_are_not_utf8(staged: Staged, out: Path) -> None:
    """What cannot be UTF-8 is as DOS had it."""
    archive = zip_of((zip_entry("xxbung"), b"")).replace(b"xxbung", b"x\x9abung")

    staged(archive).downloader.extract(out / "new")

    assert list(tree(out / "new")) == ["xÜbung"]


@pytest.mark.parametrize("system", [0, 3])
def test_names_in_fields_of_zips(system: int, staged: Staged, out: Path) -> None:
    """A name that DOS cannot have is in a field beside it, which counts while it belongs to it."""
    for stands_for, expected in ((b"x\x9abung", "Übung €"), (b"older", "xÜbung")):
        entry = with_utf8_name(zip_entry("xxbung", system=system), "Übung €", stands_for)
        archive = zip_of((entry, b"")).replace(b"xxbung", b"x\x9abung")

        staged(archive).downloader.extract(out / expected)

        assert list(tree(out / expected)) == [expected]


def test_names(staged: Staged, out: Path) -> None:
    """Names that a system has are kept: hidden ones, long ones, of any alphabet."""
    names = [
        ".hidden",
        "-x",
        "ab:c",
        "Foo::Bar.3",
        "e\u0301",
        "\u200dx",
        "x" * 255,
        "a/" * 90 + "y",
    ]
    archive = tar_of(*(tar_file(name) for name in names))
    in_zip = zip_of(*((name, b"sugar") for name in names))

    for number, content in enumerate([archive, in_zip]):
        path = staged(content).downloader.extract(out / str(number))
        assert {p for p, what in tree(path).items() if what == "sugar"} == set(names)


@pytest.mark.parametrize("archive", [tar_of(), zip_of()], ids=["tar", "zip"])
def test_empty(archive: bytes, staged: Staged, out: Path) -> None:
    """An archive without members is an empty directory."""
    assert tree(staged(archive).downloader.extract(out / "new")) == {}


def test_many_parts(staged: Staged, out: Path) -> None:
    """Compressed parts one behind the other, and zeros behind them, are one archive."""
    archive = gzip.compress(TAR[:700]) + gzip.compress(TAR[700:]) + bytes(512)

    assert tree(staged(archive).downloader.extract(out / "new")) == EXTRACTED


def test_large_zip(staged: Staged, out: Path) -> None:
    """A zip with fields for large files, written to a pipe, is read like any other."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    pipe = Pipe()
    with (
        zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("lib/a.txt", "w", force_zip64=True) as file,
    ):
        file.write(SUGAR)

    path = staged(pipe.getvalue()).downloader.extract(out / "new")

    assert tree(path) == {"lib": "folder", "lib/a.txt": SUGAR.decode()}


def test_zip_with_an_end_for_large_numbers(staged: Staged, out: Path) -> None:
    """A zip may have the end for large numbers where none is large: Info-ZIP writes it so."""
    path = staged(with_large_end(ARCHIVES["zip"])).downloader.extract(out / "new")

    assert tree(path) == EXTRACTED


@pytest.mark.no_cover
@pytest.mark.parametrize("count", [pytest.param(65_535, marks=pytest.mark.exhaustive), 65_536])
def test_zip_of_many_members(count: int, out: Path, tmp_path: Path) -> None:
    """The number of members in a zip is in one of two places."""
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        for number in range(count):
            archive.writestr(zip_entry(f"{number}/", 0o40755), b"")

    assert sum(1 for _ in open_archive(tmp_path / "zip", "zip").members()) == count


def test_aws(account: AwsAccount, make_file: Callable[..., Path], out: Path) -> None:
    """Where an AWS region holds something else, what the majority holds is extracted."""
    with Session(regions=AWS_REGIONS) as session:
        session.stage("SugarWater", "1.0.0", make_file(TAR))
        first = AWS_REGIONS[0]
        account.s3(first).put_object(
            Bucket=account.buckets[first], Key="team/SugarWater@1.0.0", Body=b"other"
        )

        session.get("SugarWater", "1.0.0").downloader.extract(out / "new")

    assert tree(out / "new") == EXTRACTED


def test_empty_directory(staged: Staged, out: Path) -> None:
    """An empty directory is filled in one step, and keeps its mode."""
    (out / "new").mkdir(mode=0o750)
    (out / "new").chmod(0o750)

    staged(TAR).downloader.extract(out / "new")

    assert tree(out / "new") == EXTRACTED
    assert (out / "new").stat().st_mode & 0o7777 == 0o750


@pytest.mark.skipif(not shutil.which("setpriv"), reason="permissions bind nobody here")
@posix
def test_directory_that_may_not_be_written_to(
    staged: Staged, out: Path, directories: list[str]
) -> None:
    """Where the system lets nothing be written there is the error, and nothing is left."""
    staged(TAR)
    (out / "new").mkdir()
    (out / "new").chmod(0o555)

    done = bound(out / "new", directories[0])

    assert done.returncode == 9
    assert "Permission denied" in done.stderr
    assert tree(out) == {"other": "other", "new": "folder"}


@posix
@pytest.mark.parametrize(("group", "mode"), [(1, 0o755), (0, 0o2775), (0, 0o4755)])
def test_group_of_an_empty_directory(group: int, mode: int, staged: Staged, out: Path) -> None:
    """An empty directory that another one could not be like stays that directory."""
    (out / "new").mkdir()
    os.chown(out / "new", -1, group)
    (out / "new").chmod(mode)
    before = (out / "new").stat()

    staged(TAR).downloader.extract(out / "new")

    after = (out / "new").stat()
    assert (after.st_gid, after.st_mode, after.st_ino) == (group, before.st_mode, before.st_ino)
    assert tree(out / "new") == EXTRACTED
    assert not list(out.rglob(OWN))


@mounts
def test_empty_directory_that_is_mounted(
    staged: Staged, out: Path, tmp_path: Path, directories: list[str]
) -> None:
    """What is mounted from the same file system is filled as any directory that has to stay."""
    staged(TAR)
    (tmp_path / "real").mkdir()
    (out / "new").mkdir()

    done = mounted(f"--bind {tmp_path}/real {out}/new", out / "new", directories[0])

    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "real") == EXTRACTED
    assert tree(out) == {"other": "other", "new": "folder"}


@mounts
def test_folder_in_another_file_system(staged: Staged, out: Path, directories: list[str]) -> None:
    """Where one rename cannot reach, the error says which folder that is, and what to do."""
    staged(tar_of(tar_file("a"), *FILES))
    (out / "lib").mkdir()

    done = mounted(f"-t tmpfs none {out}/lib", out, directories[0])

    assert done.returncode == 9
    assert f"'{out}/lib' is in another file system than '{out}'" in done.stderr
    assert "hint: Extract into another directory" in done.stderr
    assert tree(out) == {"other": "other", "lib": "folder"}


def test_directory_that_is_worked_in(
    staged: Staged, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The working directory stays the directory that it is."""
    (out / "new").mkdir()
    monkeypatch.chdir(out / "new")
    before = Path.cwd().stat().st_ino

    path = staged(TAR).downloader.extract(".")

    assert path == Path()
    assert tree(Path.cwd()) == EXTRACTED
    assert Path.cwd().stat().st_ino == (out / "new").stat().st_ino == before


def test_link_to_a_directory(staged: Staged, out: Path) -> None:
    """A link to a directory is followed, and stays."""
    (out / "link").symlink_to("new")
    (out / "new").mkdir()

    staged(TAR).downloader.extract(out / "link")

    assert (out / "link").is_symlink()
    assert tree(out / "new") == EXTRACTED


@pytest.mark.parametrize("name", ["other", "other/new", "link"])
def test_no_directory(name: str, staged: Staged, out: Path) -> None:
    """What is no directory is refused before anything is fetched."""
    (out / "link").symlink_to("nowhere")
    before = tree(out)

    with pytest.raises(InputError, match=f"{name}' is no directory"):
        staged(TAR).downloader.extract(out / name)

    assert tree(out) == before


def test_empty_path(staged: Staged, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty text is no directory, and not the working one."""
    monkeypatch.chdir(out)
    downloader = staged(TAR).downloader

    with pytest.raises(InputError, match="a path is empty"):
        downloader.extract("")
    with pytest.raises(InputError, match="a path is empty"):
        downloader.download("", load_filename=True)
    assert tree(out) == {"other": "other"}


def test_beside_other_files(staged: Staged, out: Path) -> None:
    """What a directory has stays; folders that both have are joined."""
    (out / "lib").mkdir()
    (out / "lib" / "b.txt").write_text("b")

    staged(TAR).downloader.extract(out)

    assert tree(out) == {**EXTRACTED, "lib/b.txt": "b", "other": "other"}


def test_members_that_are_there(staged: Staged, out: Path) -> None:
    """All members that are there are named, and nothing is written."""
    (out / "lib").mkdir()
    (out / "lib" / "a.txt").write_text("old")
    (out / "bin").mkdir()
    (out / "bin" / "tool").symlink_to("nowhere")
    before = tree(out)

    with pytest.raises(InputError) as caught:
        staged(TAR).downloader.extract(out)

    assert caught.value.exit_code == 2
    assert "'lib/a.txt' is there already" in caught.value.message
    assert "'bin/tool' is there already" in caught.value.message
    assert "overwrite=True" in str(caught.value.hint)
    assert tree(out) == before


def test_many_members_that_are_there(staged: Staged, out: Path) -> None:
    """However many are there, each is named, for programs too; a folder in the way once."""
    names = [f"{n:03}-{'long' * 40}" for n in range(150)]
    for name in names:
        (out / name).write_text("old")
    (out / "lib").write_text("no folder")
    files = [tar_file(name) for name in (*names, "lib/a", "lib/b")]

    with pytest.raises(InputError) as caught:
        staged(tar_of(*files)).downloader.extract(out)

    there = [
        *((name, "is there already") for name in names),
        ("lib", "is no directory there, and a directory in the archive"),
    ]
    assert list(caught.value.refused_members) == there
    assert caught.value.message.split("\n")[1:] == [f"  '{name}' {why}" for name, why in there]


def test_overwrite(staged: Staged, out: Path, tmp_path: Path) -> None:
    """Files are replaced, and so are links, which are not followed."""
    (tmp_path / "elsewhere").write_text("elsewhere")
    (out / "lib").mkdir()
    (out / "lib" / "a.txt").write_text("old")
    (out / "bin").mkdir()
    (out / "bin" / "tool").symlink_to(tmp_path / "elsewhere")

    staged(TAR).downloader.extract(out, overwrite=True)

    assert tree(out) == {**EXTRACTED, "other": "other"}
    assert (tmp_path / "elsewhere").read_text() == "elsewhere"


def test_what_is_never_replaced(staged: Staged, out: Path, tmp_path: Path) -> None:
    """A folder is no file, a link is no folder, and a pipe is neither, whatever is asked."""
    (tmp_path / "elsewhere").mkdir()
    (out / "lib").symlink_to(tmp_path / "elsewhere")
    (out / "bin" / "tool").mkdir(parents=True)
    os.mkfifo(out / "pipe")
    (out / "file").write_text("file")
    archive = tar_of(*FILES, tar_file("pipe"), tar_file("file/x"))

    with pytest.raises(InputError) as caught:
        staged(archive).downloader.extract(out, overwrite=True)

    for said in (
        "'lib' is a link there, and a directory in the archive",
        "'bin/tool' is a directory there, and none in the archive",
        "'pipe' is no regular file there",
        "'file' is no directory there, and a directory in the archive",
    ):
        assert said in caught.value.message
    assert caught.value.hint == "Name another directory"
    with pytest.raises(InputError) as caught:
        staged(archive).downloader.extract(out)
    assert caught.value.hint == "Name another directory"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_links_through_links_that_are_there(staged: Staged, out: Path, tmp_path: Path) -> None:
    """A link in an archive does not lead through a link of the directory."""
    (out / "away").symlink_to(tmp_path)

    with pytest.raises(IntegrityError, match="'x' is a link that leads through 'away'"):
        staged(tar_of(tar_link("x", "away/file.txt"))).downloader.extract(out)
    with pytest.raises(IntegrityError, match="'d/x' is a link that leads through 'away'"):
        staged(tar_of(tar_link("d/x", "../away"))).downloader.extract(out, overwrite=True)

    archive = tar_of(tar_link("x", "away"), tar_file("away"))
    staged(archive).downloader.extract(out, overwrite=True)
    assert tree(out) == {"away": "sugar", "other": "other", "x": "-> away"}


@pytest.mark.parametrize("failing", [2, 3, 4])
def test_failure_between_renames(
    failing: int, staged: Staged, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one rename of several fails, those before it are taken back."""
    archive = tar_of(*(tar_file(name, b"new") for name in ("a", "b", "c/d", "e", "f")))
    for name in ("a", "e"):
        (out / name).write_text("old")
    artifact = staged(archive)
    before, count = tree(out), iter(range(1, 100))
    rename, replace = Path.rename, Path.replace

    def failing_one(real: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def move(path: Path, target: Path) -> Path:
            if target.parent == out and next(count) == failing:
                raise PermissionError(1, os.strerror(1), str(target))
            return real(path, target)

        return move

    monkeypatch.setattr(Path, "rename", failing_one(rename))
    monkeypatch.setattr(Path, "replace", failing_one(replace))
    with pytest.raises(LocalFileError, match="Operation not permitted"):
        artifact.downloader.extract(out, overwrite=True)

    assert tree(out) == before


def test_system_that_leaves_out_entries(
    staged: Staged, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a system leaves out entries while others go from a folder, no member is lost."""
    names = [f"{folder}{i}" for folder in ("", "there/", "there/too/") for i in range(5)]
    (out / "there" / "too").mkdir(parents=True)
    artifact = staged(tar_of(*(tar_file(name, name.encode()) for name in names)))
    scandir = os.scandir

    @contextlib.contextmanager
    def leaving_out(folder: str) -> Iterator[Iterator["os.DirEntry[str]"]]:
        def those_left() -> Iterator["os.DirEntry[str]"]:
            is_left_out = False
            for entry in found:
                if not is_left_out:
                    yield entry
                is_left_out = not os.path.lexists(entry.path)

        with scandir(folder) as entries:
            found = list(entries)
        yield those_left()

    # Not for whatever removes folders, which goes by descriptors.
    monkeypatch.setattr(
        os, "scandir", lambda path: (scandir if isinstance(path, int) else leaving_out)(path)
    )
    artifact.downloader.extract(out)
    monkeypatch.undo()

    folders = dict.fromkeys(("there", "there/too"), "folder")
    assert tree(out) == {"other": "other", **folders, **{name: name for name in names}}


@pytest.mark.parametrize(
    ("archive", "said"),
    [
        (TAR, r"SugarWater@1\.0\.0 has 10,240 bytes, and 400 are free in"),
        (ARCHIVES["tar.gz"], "takes 503 bytes when it is extracted, and 400 are free in"),
    ],
)
def test_no_room(
    archive: bytes, said: str, staged: Staged, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is too little room, that is said: for the archive before it is brought."""
    usage = type("usage", (), {"free": 400})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)

    with pytest.raises(LocalFileError, match=said):
        staged(archive).downloader.extract(out / "new" / "er")

    assert tree(out) == {"other": "other"}


LIMITED = """
import resource, sys
from startifact import Session
artifact = Session(regions=sys.argv[1]).get("SugarWater")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
artifact.downloader.extract(sys.argv[2])
"""


def test_disk_that_takes_no_more(staged: Staged, out: Path, directories: list[str]) -> None:
    """Where the disk fails in the middle there is nothing that was not there before."""
    artifact = staged(tar_of(tar_file("a"), tar_file("b", bytes(200_000)), mode="w:gz"))

    done = subprocess.run(
        [sys.executable, "-c", LIMITED, directories[0], str(out / "new" / "er")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert artifact.version == "1.0.0"
    assert "LocalFileError: cannot write" in done.stderr
    assert "File too large" in done.stderr
    assert tree(out) == {"other": "other"}


KILLED = """
import os, sys
from startifact.cli import main
from startifact.files.extraction import extraction
number, *words = sys.argv[1:]
real = extraction._write_member
def write(member, tree, path):
    if path.name == "a.txt":
        os.kill(os.getpid(), int(number))
    real(member, tree, path)
extraction._write_member = write
sys.exit(main(["download", "SugarWater", *words, "--extract"]))
"""


def killed(number: int, path: Path, region: str) -> int:
    """Extract into *path* with a signal in the middle, and return the exit code."""
    words = [str(number), str(path), "--regions", region]
    return subprocess.run(
        [sys.executable, "-c", KILLED, *words], timeout=60, check=False
    ).returncode


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stopped(number: int, code: int, staged: Staged, out: Path, directories: list[str]) -> None:
    """Who is stopped in the middle leaves nothing."""
    staged(TAR)

    assert killed(number, out / "new" / "er", directories[0]) == code
    assert tree(out) == {"other": "other"}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed(staged: Staged, out: Path, directories: list[str]) -> None:
    """What a killed process has left is in one folder, which the next extraction removes."""
    artifact = staged(TAR)

    done = killed(signal.SIGKILL, out / "new", directories[0])
    left = [path.name for path in out.iterdir() if path.match(OWN)]
    artifact.downloader.extract(out / "new")

    assert done == -signal.SIGKILL
    assert len(left) == 1
    assert tree(out / "new") == EXTRACTED
    assert not [path for path in out.iterdir() if path.match(OWN)]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("there", ["new", "new/er", "new/er/other"])
def test_killed_before_a_parent_was_there(
    there: str, staged: Staged, out: Path, directories: list[str]
) -> None:
    """It removes it also where folders have come there since."""
    artifact = staged(TAR)

    killed(signal.SIGKILL, out / "new" / "er", directories[0])
    assert list(out.glob(OWN))
    (out / there).mkdir(parents=True)
    artifact.downloader.extract(out / "new" / "er")

    assert tree(out / "new" / "er").items() >= EXTRACTED.items()
    assert not list(out.rglob(OWN))


def test_verified_first(staged: Staged, out: Path, directories: list[str]) -> None:
    """Of an archive that is not the one that was staged no member is written."""
    staged(TAR)
    stored = Path(directories[0].removeprefix("file://")) / "SugarWater@1.0.0" / "artifact"
    stored.write_bytes(TAR.replace(b"run", b"nur"))

    artifact = Session(regions=directories[:1]).get("SugarWater")

    with pytest.raises(SeveralRegionsError, match="damaged") as caught:
        artifact.downloader.extract(out / "new")

    assert caught.value.exit_code == 7
    assert tree(out) == {"other": "other"}


def test_yanked(
    directories: list[str], staged: Staged, out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A yank is warned of as with any download."""
    staged(TAR)
    session = Session(regions=directories[:1])
    session.yank("SugarWater", "1.0.0", "broken")

    with caplog.at_level(logging.WARNING, "startifact"):
        session.get("SugarWater", "1.0.0").downloader.extract(out / "new")

    assert "broken" in caplog.text


def test_closed_session(directories: list[str], staged: Staged, out: Path) -> None:
    """With a session that is closed nothing is extracted, nor by what was pickled."""
    staged(TAR)
    with Session(regions=directories[:1]) as session:
        artifact = session.get("SugarWater")
    for one in (artifact, pickle.loads(pickle.dumps(artifact))):
        with pytest.raises(InputError, match=r"closed|pickled"):
            one.downloader.extract(out / "new")
