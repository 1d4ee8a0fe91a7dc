"""What is no file or no folder where one should be in a directory: damage of one key, set aside."""

import os
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from startifact.errors import IntegrityError, StartifactError
from startifact.model.keys import Key, quarantine_key
from startifact.regions.directory.filelock import locked
from startifact.regions.directory.region import DirectoryRegion
from startifact.repair.verify import Kind
from tests.functional.repair.shop import CONTENT, OTHER, Shop, actions, sha256
from tests.support.places import Directory

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


def root_of(shop: Shop) -> Path:
    """Return the directory of the second region, which these tests damage."""
    assert isinstance(shop.b, Directory)
    return shop.b.root


def put(shop: Shop, name: str, make: Make) -> Path:
    """Put something else where *name* is in the second region, and return where that is."""
    path = root_of(shop) / name
    if path.is_dir():
        for inside in path.iterdir():
            inside.unlink()
        path.rmdir()
    else:
        path.unlink()
    make(path)
    return path


def shape(path: Path) -> tuple[int, object]:
    """Return what tells whether *path* still is the very thing it was."""
    status = path.lstat()
    link = path.readlink() if path.is_symlink() else None
    return status.st_ino, (stat.S_IFMT(status.st_mode), link)


def set_aside(shop: Shop) -> list[Path]:
    return list((root_of(shop) / shop.project / "_quarantine").iterdir())


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
def test_artifact(corner_shop: Shop, name: str, make: Make, said: str) -> None:
    """It is found, refused, and moved aside as it is at a person's word. No link is followed."""
    shop = corner_shop
    shop.stage()
    key = shop.key if not name else f"{shop.key}/{name}"
    at = put(shop, key, make)
    before = shape(at)
    started = time.monotonic()

    found = shop.verify("1.0.0", read_data=True)
    refused = shop.refused("1.0.0")
    everything = shop.verify()
    done = shop.mended("1.0.0", keep=KEEP)

    [difference] = found.differences
    assert found.failures == everything.failures == {}
    assert (difference.kind, difference.region) == (Kind.DAMAGED, shop.b.spelling)
    assert f"{key} in {shop.b.spelling} is {said}" in difference.message
    assert f"startifact repair {shop.key} --keep {KEEP}" in refused
    assert done == [("set-aside", shop.b.spelling), ("fill", shop.b.spelling)]
    [aside] = set_aside(shop)
    assert aside.name.startswith("1.0.0-")
    assert shape(aside / name) == before
    assert_untouched(at)
    assert shop.verify(read_data=True)
    assert time.monotonic() - started < 20  # no pipe is waited for


def assert_untouched(path: Path) -> None:
    target = outside(path)
    if target.is_dir():
        assert {p.name: p.read_bytes() for p in target.iterdir()} == {"artifact": PRECIOUS}
    elif target.exists():
        assert target.read_bytes() == PRECIOUS


@pytest.mark.parametrize("make", [folder, link_to_file, loop, pipe])
def test_latest(corner_shop: Shop, make: Make) -> None:
    """What stands in the place of ``latest`` is moved aside as it is, and ``latest`` restored."""
    shop = corner_shop
    shop.stage()
    at = put(shop, shop.latest, make)
    before = shape(at)

    found = shop.verify()
    newest = shop.session().get(shop.project)
    done = shop.mended()

    assert (found.failures, str(newest)) == ({}, shop.key)
    assert [(d.kind, d.region) for d in found.differences] == [
        (Kind.LATEST_DAMAGED, shop.b.spelling)
    ]
    assert f"{shop.latest} in {shop.b.spelling} is a " in found.differences[0].message
    assert done == [("set-aside", shop.b.spelling), ("move-latest", shop.b.spelling)]
    [aside] = set_aside(shop)
    assert aside.name.startswith("latest-")
    assert shape(aside) == before
    assert_untouched(at)


@pytest.mark.parametrize("make", [file, link_to_folder, loop, pipe])
def test_folder_of_the_project(corner_shop: Shop, make: Make) -> None:
    """Where there is no folder to set things aside in, a person has to move what is there."""
    shop = corner_shop
    shop.stage()
    (root_of(shop) / shop.latest).unlink()
    at = put(shop, shop.project, make)
    put(shop, f"{shop.key}/artifact", loop)
    before = shape(at), shape(root_of(shop) / shop.key / "artifact")

    found = shop.verify()
    done = [shop.repair(), shop.repair("1.0.0", keep=KEEP)]

    assert found.failures == {}
    assert [d.kind for d in found.differences] == [Kind.DAMAGED, Kind.LATEST_DAMAGED]
    for one in done:
        assert actions(one) == []
    failure = done[1].failures[shop.b.spelling]
    assert isinstance(failure, IntegrityError)
    assert f"{shop.project} in {shop.b.spelling} is a " in str(failure)
    assert str(at) in str(failure.hint)
    assert (shape(at), shape(root_of(shop) / shop.key / "artifact")) == before
    assert_untouched(at)


def test_mended_meanwhile(corner_shop: Shop) -> None:
    """What somebody has put right since it was looked at is not moved aside."""
    shop = corner_shop
    shop.stage()
    kept = (root_of(shop) / shop.key / "artifact").read_bytes()
    at = put(shop, f"{shop.key}/artifact", loop)
    session = shop.session()
    region = session._regions()[1]
    move = region.move_aside

    def mended_first(key: Key, aside: Key) -> bool:
        at.unlink()
        at.write_bytes(kept)
        return move(key, aside)

    region.move_aside = mended_first  # type: ignore[method-assign]

    done = session.repair(shop.project, "1.0.0", keep=KEEP)

    assert actions(done) == []
    assert "is another one by now, and was not moved" in str(done.failures[shop.b.spelling])
    assert shop.verify(read_data=True)


@pytest.mark.parametrize("make", [file, loop, pipe, link_to_folder])
def test_staging(corner_shop: Shop, make: Make) -> None:
    """Nothing is staged under a version in whose place something else stands."""
    shop = corner_shop
    root_of(shop).mkdir(parents=True)
    make(root_of(shop) / shop.key)

    with pytest.raises(StartifactError) as caught:
        shop.stage()

    assert caught.value.exit_code == 7
    assert shop.keys(shop.a) == []


def test_download(corner_shop: Shop, tmp_path: Path) -> None:
    """A version is downloaded from the other regions."""
    shop = corner_shop
    shop.stage()
    put(shop, f"{shop.key}/artifact", link_to_file)

    path = shop.session().get(shop.project).downloader.download(tmp_path / "got")

    assert path.read_bytes() == CONTENT


def test_loop_in_the_root(corner_shop: Shop) -> None:
    """A link that leads nowhere is nothing to any project, and what is named like a version is."""
    shop = corner_shop
    shop.stage()
    loop(root_of(shop) / "whatever")
    loop(root_of(shop) / f"{shop.project}-other@1.0.0")
    loop(root_of(shop) / shop.at("2.0.0"))

    listed = shop.session().versions(shop.project)
    found = shop.found()

    assert [str(version) for version in listed] == ["2.0.0", "1.0.0"]
    assert (Kind.DAMAGED, shop.b.spelling) in found


def test_root_that_is_a_link(corner_shop: Shop) -> None:
    """A region itself may be reached through links: only what is inside is judged."""
    shop = corner_shop
    shop.stage()
    real = root_of(shop).with_name("real")
    root_of(shop).rename(real)
    root_of(shop).symlink_to(real)

    found = shop.verify(read_data=True)
    shop.stage("2.0.0", OTHER)

    assert found
    assert (real / shop.at("2.0.0") / "artifact").read_bytes() == OTHER


def test_moved_under_the_lock_of_its_channel(corner_shop: Shop) -> None:
    """Nobody makes a good channel between the look and the move: that waits for the lock."""
    shop = corner_shop
    shop.stage()
    assert isinstance(shop.a, Directory)
    latest = shop.a.root / shop.latest
    latest.unlink()
    folder(latest)
    region = DirectoryRegion("a", shop.a.root)
    aside = quarantine_key(shop.project, "latest", "0")

    with ThreadPoolExecutor(1) as pool:
        with locked(latest.with_name(f".{latest.name}.lock")):
            moving = pool.submit(region.move_aside, Key(shop.latest), aside)
            time.sleep(0.3)
            there = latest.is_dir()
            latest.rename(latest.with_name("by another repair"))
            latest.write_text('{"version":"1.0.0","generation":1}\n')
        moved = moving.result()

    assert there
    assert not moved
    assert latest.is_file()
