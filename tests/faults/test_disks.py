"""Disks that are full or read-only: a clean error, and the old file."""

import errno
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from startifact import Session
from startifact.errors import LocalFileError, StartifactError
from tests.faults import processes
from tests.support.backends import is_root
from tests.support.faulty_region import faulty, session_over

MakeFile = Callable[..., Path]

MIB = 1024 * 1024
OLD = b"what was there before\n"


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Return a function that makes a small file system in memory, with a file in it."""
    mounted: list[Path] = []

    def make(*, read_only: bool = False) -> Path:
        path = tmp_path / f"disk-{len(mounted)}"
        path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=1m", "startifact", str(path)]
        if not is_root() or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("only root can make a file system, and not in every container")
        mounted.append(path)
        (path / "file").write_bytes(OLD)
        if read_only:
            subprocess.run(["mount", "-o", "remount,ro", str(path)], check=True)
        return path

    yield make
    for path in mounted:
        subprocess.run(["umount", str(path)], check=True)


@pytest.fixture
def staged(directories: list[str], make_file: MakeFile) -> list[str]:
    """Return regions that hold an artifact of 2 MiB."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file(os.urandom(2 * MIB)))
    return directories


def fails(regions: list[str], path: Path) -> StartifactError:
    """Fail unless the download does, with exit code 9, and leaves the old file alone."""
    with pytest.raises(LocalFileError) as caught:
        Session(regions=regions).get("SugarWater", "1.0.0").downloader.download(path)
    assert caught.value.exit_code == 9
    assert path.read_bytes() == OLD
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    return caught.value


def test_case_27_download_to_a_full_disk(staged: list[str], mount: Callable[..., Path]) -> None:
    """A disk that is too small is reported as that, and the old file stays."""
    error = fails(staged, mount() / "file")

    assert "No space left on device" in error.message


def test_case_27_download_to_a_read_only_disk(
    staged: list[str], mount: Callable[..., Path]
) -> None:
    """A disk that is read-only is reported as that."""
    error = fails(staged, mount(read_only=True) / "file")

    assert "Read-only file system" in error.message


@pytest.mark.skipif(is_root(), reason="modes do not apply to root")
def test_case_27_download_to_a_read_only_folder(staged: list[str], tmp_path: Path) -> None:
    """A folder that must not be written to is reported as that."""
    path = tmp_path / "to" / "file"
    path.parent.mkdir()
    path.write_bytes(OLD)
    path.parent.chmod(0o555)

    error = fails(staged, path)

    assert "Permission denied" in error.message


def test_case_27_download_below_a_file(staged: list[str], tmp_path: Path) -> None:
    """A file where a folder would have to be is reported as that, and stays."""
    path = tmp_path / "file"
    path.write_bytes(OLD)

    with pytest.raises(LocalFileError) as caught:
        Session(regions=staged).get("SugarWater", "1.0.0").downloader.download(path / "file")

    assert caught.value.exit_code == 9
    assert path.read_bytes() == OLD


def test_case_27_file_size_limit(staged: list[str], tmp_path: Path) -> None:
    """Where the system allows no file of that size, the command ends with 9 and the old file."""
    path = tmp_path / "to" / "file"
    path.parent.mkdir()
    path.write_bytes(OLD)

    done = processes.run(
        *("download", "SugarWater@1.0.0", path, "--regions", ",".join(staged)),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB)),
    )

    assert done.returncode == 9
    assert "File too large" in done.stderr
    assert path.read_bytes() == OLD
    assert [p.name for p in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("read_only", [False, True], ids=["full", "read-only"])
def test_stage_to_a_disk_that_takes_nothing(
    directories: list[str],
    make_file: MakeFile,
    mount: Callable[..., Path],
    caplog: pytest.LogCaptureFixture,
    *,
    read_only: bool,
) -> None:
    """A directory on a full or read-only disk is a region out of order; nothing is left there."""
    disk = mount(read_only=read_only)
    regions = [f"file:{disk}", *directories[1:]]

    staging = Session(regions=regions).stage("SugarWater", "1.0.0", make_file(os.urandom(2 * MIB)))

    assert [o.state for o in staging.outcomes] == ["failed", "created", "created"]
    assert [p.name for p in disk.iterdir()] == ["file"]
    reason = "Read-only file system" if read_only else "No space left on device"
    assert reason in caplog.text


def test_source_that_goes(directories: list[str], make_file: MakeFile) -> None:
    """A file that is removed while it is staged is reported as that, and nothing is stored."""
    path = make_file()
    regions = faulty(directories[:1])

    def gone(project: str) -> None:
        path.unlink()

    regions[0].inner.preflight = gone  # type: ignore[method-assign]
    with pytest.raises(LocalFileError) as caught:
        session_over(regions).stage("SugarWater", "1.0.0", path)

    assert caught.value.exit_code == 9
    assert list(regions[0].keys("SugarWater@")) == []


def test_too_many_open_files_to_stage(directories: list[str], make_file: MakeFile) -> None:
    """With hardly a file that may be open, that is what is said, and not that the file changed."""
    # All is imported by then, which takes files too.
    script = (
        "import resource, sys; from startifact.cli import main; "
        "words = sys.argv[1:]; main(['stage', 'SugarWater@0.9.0', *words]); "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4)); "
        "sys.exit(main(['stage', 'SugarWater@1.0.0', *words]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, make_file(), "--regions", ",".join(directories)],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 9
    assert "Too many open files" in done.stderr
    assert "changed" not in done.stderr
    assert "ulimit -n 1024" in done.stderr


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_too_many_open_files_in_a_directory(
    directories: list[str], make_file: MakeFile, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A directory region that cannot open more files is no region that is down."""
    session = Session(regions=directories)
    session.stage("SugarWater", "1.0.0", make_file())
    opened = os.open

    def refuse(path: object, *more: Any, **others: Any) -> int:
        if str(path).endswith("metadata.json"):
            raise OSError(number, os.strerror(number))
        return opened(path, *more, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StartifactError) as caught:
        session.get("SugarWater", "1.0.0")

    assert caught.value.exit_code == 9
    assert os.strerror(number) in caught.value.message
    assert "files" in str(caught.value.hint)


@pytest.mark.skipif(os.name == "nt", reason="locks are made otherwise there")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.EPERM])
def test_share_without_locks(
    directories: list[str], make_file: MakeFile, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A share without locks is refused at once, before an artifact is there without a channel."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(StartifactError) as caught:
        Session(regions=directories[:1]).stage("SugarWater", "1.0.0", make_file())

    folder = Path(directories[0].removeprefix("file://"))
    assert caught.value.exit_code != 1
    assert "has no locks" in caught.value.message
    assert "local disk" in str(caught.value.hint)
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="folders are not flushed there")
def test_share_whose_folders_cannot_be_flushed(
    directories: list[str], make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share that cannot flush a folder has flushed the files in it, and is used."""
    flush = os.fsync

    def refuse(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)

    assert Session(regions=directories).stage("SugarWater", "1.0.0", make_file()).is_latest


def test_share_without_modes(
    directories: list[str], make_file: MakeFile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where modes cannot be changed, everything works all the same."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    for name in ("chmod", "fchmod", "chown"):
        monkeypatch.setattr(os, name, refuse, raising=False)
    session = Session(regions=directories)
    session.stage("SugarWater", "1.0.0", make_file())
    (tmp_path / "back").write_bytes(OLD)

    session.get("SugarWater").downloader.download(tmp_path / "back")
    session.repair("SugarWater")

    assert (tmp_path / "back").read_bytes() == make_file().read_bytes()
