"""What is no file or no folder where one should be in a directory: damage of one key, set aside."""

import os
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from startifact.errors import IntegrityError, StartifactError
from startifact.limits import DEFAULT_LIMITS
from startifact.model.keys import Key, quarantine_key
from startifact.regions.directory.filelock import locked
from startifact.regions.directory.region import DirectoryRegion
from startifact.repair.verify import FindingKind
from tests.functional.repair.project_fixture import CONTENT, OTHER, ProjectFixture, actions, sha256
from tests.support.backends import Directory

KEEP = f"sha256:{sha256()}"

PRECIOUS = b"nobody may touch this"

Make = Callable[[Path], None]


def folder(path: Path) -> None:
    path.mkdir()
    (path / "inside").write_bytes(OTHER)


def file(path: Path) -> None:
    path.write_bytes(OTHER)


def link_to_folder(path: Path) -> None:
    target = outside(path)
    target.mkdir()
    (target / "artifact").write_bytes(PRECIOUS)
    path.symlink_to(target)


def link_to_file(path: Path) -> None:
    target = outside(path)
    target.write_bytes(PRECIOUS)
    path.symlink_to(target)


def loop(path: Path) -> None:
    path.symlink_to(path)


def pipe(path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no named pipes in folders")
    os.mkfifo(path)


def outside(path: Path) -> Path:
    """Return where the links that are made at *path* lead: not into the region."""
    root = next(parent for parent in path.parents if parent.name in {"a", "b", "c"})
    return root.parent / "outside"


def root_of(fixture: ProjectFixture) -> Path:
    """Return the directory of the second region, which these tests damage."""
    assert isinstance(fixture.b, Directory)
    return fixture.b.root


def put(fixture: ProjectFixture, name: str, make: Make) -> Path:
    """Put something else where *name* is in the second region, and return where that is."""
    path = root_of(fixture) / name
    if path.is_dir():
        for inside in path.iterdir():
            inside.unlink()
        path.rmdir()
    else:
        path.unlink()
    make(path)
    return path


def shape(path: Path) -> tuple[int, object]:
    """Return what shows whether *path* still is the very thing it was."""
    status = path.lstat()
    link = path.readlink() if path.is_symlink() else None
    return status.st_ino, (stat.S_IFMT(status.st_mode), link)


def set_aside(fixture: ProjectFixture) -> list[Path]:
    return list((root_of(fixture) / fixture.project / "_quarantine").iterdir())


PLACES = [
    ("artifact", folder, "a folder, expected a file"),
    ("artifact", link_to_file, "a link, expected a file"),
    ("artifact", loop, "a link, expected a file"),
    ("artifact", pipe, "a pipe or a device, expected a file"),
    ("metadata.json", folder, "a folder, expected a file"),
    ("metadata.json", link_to_file, "a link, expected a file"),
    ("metadata.json", loop, "a link, expected a file"),
    ("metadata.json", pipe, "a pipe or a device, expected a file"),
    ("", file, "a file, expected a folder"),
    ("", link_to_folder, "a link, expected a folder"),
    ("", loop, "a link, expected a folder"),
    ("", pipe, "a pipe or a device, expected a folder"),
]


@pytest.mark.parametrize(("name", "make", "said"), PLACES)
def test_artifact(file_project: ProjectFixture, name: str, make: Make, said: str) -> None:
    """It is found, refused, and moved aside as it is at a person's word. No link is followed."""
    fixture = file_project
    fixture.stage()
    key = fixture.key if not name else f"{fixture.key}/{name}"
    at = put(fixture, key, make)
    before = shape(at)
    started = time.monotonic()

    found = fixture.verify("1.0.0", read_data=True)
    refused = fixture.refused("1.0.0")
    everything = fixture.verify()
    done = fixture.repair_until_equal("1.0.0", keep=KEEP)

    [difference] = found.differences
    assert found.failures == everything.failures == {}
    assert (difference.kind, difference.region) == (FindingKind.DAMAGED, fixture.b.spec)
    assert f"{key} in {fixture.b.spec} is {said}" in difference.message
    assert f"startifact repair {fixture.key} --keep {KEEP}" in refused
    assert done == [("set-aside", fixture.b.spec), ("fill", fixture.b.spec)]
    [aside] = set_aside(fixture)
    assert aside.name.startswith("1.0.0-")
    assert shape(aside / name) == before
    assert_untouched(at)
    assert fixture.verify(read_data=True)
    assert time.monotonic() - started < 20  # no pipe is waited for


def assert_untouched(path: Path) -> None:
    target = outside(path)
    if target.is_dir():
        assert {p.name: p.read_bytes() for p in target.iterdir()} == {"artifact": PRECIOUS}
    elif target.exists():
        assert target.read_bytes() == PRECIOUS


@pytest.mark.parametrize("make", [folder, link_to_file, loop, pipe])
def test_latest(file_project: ProjectFixture, make: Make) -> None:
    """What stands in the place of ``latest`` is moved aside as it is, and ``latest`` restored."""
    fixture = file_project
    fixture.stage()
    at = put(fixture, fixture.latest, make)
    before = shape(at)

    found = fixture.verify()
    newest = fixture.session().get(fixture.project)
    done = fixture.repair_until_equal()

    assert (found.failures, str(newest)) == ({}, fixture.key)
    assert [(d.kind, d.region) for d in found.differences] == [
        (FindingKind.LATEST_DAMAGED, fixture.b.spec)
    ]
    assert f"{fixture.latest} in {fixture.b.spec} is a " in found.differences[0].message
    assert done == [("set-aside", fixture.b.spec), ("move-latest", fixture.b.spec)]
    [aside] = set_aside(fixture)
    assert aside.name.startswith("latest-")
    assert shape(aside) == before
    assert_untouched(at)


@pytest.mark.parametrize("make", [file, link_to_folder, loop, pipe])
def test_folder_of_the_project(file_project: ProjectFixture, make: Make) -> None:
    """Where there is no folder to set things aside in, a person has to move what is there."""
    fixture = file_project
    fixture.stage()
    (root_of(fixture) / fixture.latest).unlink()
    at = put(fixture, fixture.project, make)
    put(fixture, f"{fixture.key}/artifact", loop)
    before = shape(at), shape(root_of(fixture) / fixture.key / "artifact")

    found = fixture.verify()
    done = [fixture.repair(), fixture.repair("1.0.0", keep=KEEP)]

    assert found.failures == {}
    assert [d.kind for d in found.differences] == [FindingKind.DAMAGED, FindingKind.LATEST_DAMAGED]
    for one in done:
        assert actions(one) == []
    failure = done[1].failures[fixture.b.spec]
    assert isinstance(failure, IntegrityError)
    assert f"{fixture.project} in {fixture.b.spec} is a " in failure.message
    assert str(at) in str(failure.hint)
    assert (shape(at), shape(root_of(fixture) / fixture.key / "artifact")) == before
    assert_untouched(at)


def test_repaired_meanwhile(file_project: ProjectFixture) -> None:
    """What somebody has put right since it was looked at is not moved aside."""
    fixture = file_project
    fixture.stage()
    kept = (root_of(fixture) / fixture.key / "artifact").read_bytes()
    at = put(fixture, f"{fixture.key}/artifact", loop)
    session = fixture.session()
    region = session._regions()[1]
    move = region.move_aside

    def repaired_first(key: Key, aside: Key) -> bool:
        at.unlink()
        at.write_bytes(kept)
        return move(key, aside)

    region.move_aside = repaired_first  # type: ignore[method-assign]

    done = session.repair(fixture.project, "1.0.0", keep=KEEP)

    assert actions(done) == []
    assert "is another one by now, and was not moved" in done.failures[fixture.b.spec].message
    assert fixture.verify(read_data=True)


@pytest.mark.parametrize("make", [file, loop, pipe, link_to_folder])
def test_staging(file_project: ProjectFixture, make: Make) -> None:
    """Nothing is staged under a version in whose place something else stands."""
    fixture = file_project
    root_of(fixture).mkdir(parents=True)
    make(root_of(fixture) / fixture.key)

    with pytest.raises(StartifactError) as caught:
        fixture.stage()

    assert caught.value.exit_code == 7
    assert fixture.keys(fixture.a) == []


def test_download(file_project: ProjectFixture, tmp_path: Path) -> None:
    """A version is downloaded from the other regions."""
    fixture = file_project
    fixture.stage()
    put(fixture, f"{fixture.key}/artifact", link_to_file)

    path = fixture.session().get(fixture.project).downloader.download(tmp_path / "got")

    assert path.read_bytes() == CONTENT


def test_loop_in_the_root(file_project: ProjectFixture) -> None:
    """A link that leads nowhere is nothing to any project, and what is named like a version is."""
    fixture = file_project
    fixture.stage()
    loop(root_of(fixture) / "whatever")
    loop(root_of(fixture) / f"{fixture.project}-other@1.0.0")
    loop(root_of(fixture) / fixture.at("2.0.0"))

    listed = fixture.session().versions(fixture.project)
    found = fixture.found()

    assert [str(version) for version in listed] == ["2.0.0", "1.0.0"]
    assert (FindingKind.DAMAGED, fixture.b.spec) in found


def test_root_that_is_a_link(file_project: ProjectFixture) -> None:
    """A region itself may be reached through links: only what is inside is judged."""
    fixture = file_project
    fixture.stage()
    real = root_of(fixture).with_name("real")
    root_of(fixture).rename(real)
    root_of(fixture).symlink_to(real)

    found = fixture.verify(read_data=True)
    fixture.stage("2.0.0", OTHER)

    assert found
    assert (real / fixture.at("2.0.0") / "artifact").read_bytes() == OTHER


def test_moved_under_the_lock_of_its_channel(file_project: ProjectFixture) -> None:
    """Nobody makes a good channel between the look and the move: that waits for the lock."""
    fixture = file_project
    fixture.stage()
    assert isinstance(fixture.a, Directory)
    latest = fixture.a.root / fixture.latest
    latest.unlink()
    folder(latest)
    region = DirectoryRegion("a", fixture.a.root)
    aside = quarantine_key(fixture.project, "latest", "0")

    with ThreadPoolExecutor(1) as pool:
        with locked(latest.with_name(f".{latest.name}.lock"), limits=DEFAULT_LIMITS):
            moving = pool.submit(region.move_aside, Key(fixture.latest), aside)
            time.sleep(0.3)
            there = latest.is_dir()
            latest.rename(latest.with_name("by another repair"))
            latest.write_text('{"version":"1.0.0","generation":1}\n')
        was_moved = moving.result()

    assert there
    assert not was_moved
    assert latest.is_file()
