"""Disks that are full or read-only: a clean error, and the old file."""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

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
