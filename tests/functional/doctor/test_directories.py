"""What is looked at in directories, and in what else is a region."""

import shutil
from pathlib import Path

import pytest

from startifact import CheckState, Diagnosis
from startifact.errors import InputError
from startifact.limits import MIB
from startifact.regions.directory import filelock
from tests.functional.doctor.conftest import check_of, failures, states
from tests.support.backends import is_root
from tests.support.limits import Session


def examined(directories: list[str], operation: str = "stage") -> Diagnosis:
    """Return what is found of *directories*."""
    with Session(regions=directories) as session:
        return session.doctor("SugarWater", operation=operation)


def path_of(spec: str) -> Path:
    """Return the directory that *spec* spells."""
    return Path(spec.removeprefix("file://"))


def test_not_there_yet(directories: list[str]) -> None:
    """The first staging makes them, and looking does not."""
    found = examined(directories)

    assert found
    assert states(found, CheckState.NOT_TRIED) == {"locks"}
    assert not path_of(directories[0]).exists()


def test_all_is_well(directories: list[str]) -> None:
    """Of directories that are used nothing is left of having tried."""
    for spec in directories:
        path_of(spec).mkdir(parents=True)

    found = examined(directories)

    assert found
    names = [check.name for check in found.regions[0].checks]
    assert names == ["directory", "locks", "free space", "file system"]
    assert [list(path_of(spec).iterdir()) for spec in directories] == [[], [], []]


def test_one_file_system(directories: list[str]) -> None:
    """Regions that fail together are named, as on any laptop: that is no failure."""
    found = examined(directories)

    check = check_of(found, directories[0], "file system")
    assert check.state is CheckState.OK
    assert directories[1] in check.found
    assert "fail together" in check.found


def test_file_in_its_place(directories: list[str]) -> None:
    """A file where a directory should be is named, with what to do."""
    path_of(directories[1]).parent.mkdir(parents=True)
    path_of(directories[1]).write_text("in the way")

    found = examined(directories)

    assert failures(found) == [(directories[1], "directory")]
    check = check_of(found, directories[1], "directory")
    assert "is no directory" in check.found
    assert "move away what is there" in str(check.hint)


@pytest.mark.skipif(is_root(), reason="modes do not apply to root")
@pytest.mark.parametrize(
    ("mode", "said"), [(0o500, "cannot be written"), (0o300, "cannot be read")]
)
def test_modes(directories: list[str], mode: int, said: str) -> None:
    """What may not be read or written is named."""
    path_of(directories[0]).mkdir(parents=True)
    path_of(directories[0]).chmod(mode)

    found = examined(directories)

    path_of(directories[0]).chmod(0o700)
    assert failures(found) == [(directories[0], "directory")]
    assert said in check_of(found, directories[0], "directory").found


def test_no_locks(directories: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A share without locks is named before anything is staged to it."""

    def lock(descriptor: int) -> bool:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(filelock, "_lock", lock)
    path_of(directories[0]).mkdir(parents=True)

    found = examined(directories)

    assert failures(found) == [(directories[0], "locks")]
    assert "mount the share with locks" in str(check_of(found, directories[0], "locks").hint)


def test_full_disk(directories: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is about to be full is named to whoever stages, and to nobody else."""

    class Usage:
        free = 3 * MIB

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage)

    assert failures(examined(directories)) == [(spec, "free space") for spec in directories]
    assert examined(directories, "download")


def test_memory() -> None:
    """A kind of region that says nothing of itself is listed."""
    found = examined(["memory:doctor"])

    assert found
    assert [check.name for check in found.regions[0].checks] == ["listing"]


@pytest.mark.parametrize("arguments", [{"project": "../x"}, {"channel": "1.0.0"}])
def test_bad_arguments(directories: list[str], arguments: dict[str, str]) -> None:
    """They are refused before any region is looked at."""
    with Session(regions=directories) as session, pytest.raises(InputError):
        session.doctor(**arguments)
