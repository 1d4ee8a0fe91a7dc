"""Regions that do not answer, refuse, or take too long: told apart from what differs."""

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from startifact import deadline, errors
from startifact.errors import AccessDeniedError, RegionUnavailableError, with_notes
from startifact.model.keys import Key
from startifact.regions.directory.region import DirectoryRegion
from startifact.repair.latest import Forwarder
from startifact.repair.verify import Kind
from tests.functional.repair.shop import OTHER, Shop, actions, sha256
from tests.support.faulty_region import faulty, session_over
from tests.support.places import Bucket, Place
from tests.support.wire import Answer, Forward, Request, error


def forbid(place: Place, method: str = "") -> None:
    """Make a bucket refuse whatever it is asked, or requests of one method."""
    assert isinstance(place, Bucket)
    assert place.wire is not None
    region = place.region

    def refuse(request: Request, forward: Forward) -> Answer | None:
        mine = (request.region, request.service) == (region, "s3")
        asked = method in {"", request.method} and "uploadId" not in request.query
        if mine and asked:
            return error(403, "AccessDenied")
        return forward()

    place.wire.add(refuse)


def test_region_down(shop: Shop) -> None:
    """What answers is compared; what does not is told, and is no difference."""
    shop.stage()
    shop.b.remove(shop.key)
    shop.c.take_down()

    found = shop.verify("1.0.0")
    done = shop.repair("1.0.0")
    shop.c.bring_back()

    assert [(d.kind, d.region) for d in found.differences] == [(Kind.MISSING, shop.b.spelling)]
    assert list(found.failures) == list(done.failures) == [shop.c.spelling]
    assert isinstance(found.failures[shop.c.spelling], RegionUnavailableError)
    assert not found
    assert not done
    assert actions(done) == [("fill", shop.b.spelling)]
    assert shop.mended() == []


@pytest.mark.parametrize("kind", ["market", "bucket_shop"])
def test_region_forbidden(kind: str, request: pytest.FixtureRequest) -> None:
    """A region that refuses is another failure than one that does not answer."""
    shop: Shop = request.getfixturevalue(kind)
    shop.stage()
    shop.b.remove(shop.key)
    forbid(shop.c)

    found = shop.verify()
    done = shop.repair()

    failure = found.failures[shop.c.spelling]
    assert isinstance(failure, AccessDeniedError)
    assert isinstance(done.failures[shop.c.spelling], AccessDeniedError)
    assert "s3:ListBucket" in str(failure)
    assert actions(done) == [("fill", shop.b.spelling)]


def test_region_that_must_not_be_written(bucket_shop: Shop) -> None:
    """A region that can be read and not written is a failure of the repair alone."""
    shop = bucket_shop
    shop.stage()
    shop.b.remove(shop.key)
    forbid(shop.b, "PUT")

    found = shop.verify()
    done = shop.repair()

    assert found.failures == {}
    assert done.steps == ()
    assert isinstance(done.failures[shop.b.spelling], AccessDeniedError)
    assert "s3:PutObject" in str(done.failures[shop.b.spelling])


def test_delete_forbidden(bucket_shop: Shop) -> None:
    """Without permission to delete, nothing is replaced, and the permission is named."""
    shop = bucket_shop
    shop.stage()
    shop.forge(shop.b, shop.key)
    forbid(shop.b, "DELETE")

    done = shop.repair("1.0.0", keep=f"sha256:{sha256()}")

    assert done.steps == ()
    assert "s3:DeleteObject" in str(done.failures[shop.b.spelling])
    assert shop.b.content(shop.key) == OTHER


@pytest.mark.parametrize("version", [None, "1.0.0"])
def test_all_regions_down(corner_shop: Shop, version: str | None) -> None:
    """Where no region answers, nothing is said to be absent."""
    shop = corner_shop
    shop.stage()
    for place in shop.places:
        place.take_down()

    found = shop.verify(version)
    done = shop.repair(version)

    assert found.differences == ()
    assert list(found.failures) == list(done.failures) == shop.regions
    assert (done.steps, done.refusals) == ((), ())


@pytest.mark.parametrize("version", [None, "1.0.0"])
def test_not_there_and_not_known(shop: Shop, version: str | None) -> None:
    """A version that the down region may hold is neither missing elsewhere nor absent."""
    shop.c.take_down()

    found = shop.verify(version)
    done = shop.repair(version)
    shop.c.bring_back()

    assert found.differences == ()
    assert list(found.failures) == [shop.c.spelling]
    assert (done.steps, done.refusals) == ((), ())
    assert list(done.failures) == [shop.c.spelling]


def test_region_that_fails_halfway(corner_shop: Shop) -> None:
    """A region that lists its versions and then fails is not compared at all."""
    shop = corner_shop
    shop.stage()
    regions = faulty(shop.regions)
    regions[1].fail("describe")

    found = session_over(regions).verify(shop.project)

    assert found.differences == ()
    assert list(found.failures) == [shop.b.spelling]


def test_latest_needs_enough_regions(corner_shop: Shop) -> None:
    """``latest`` does not begin to move to a version that too few regions are known to hold."""
    shop = corner_shop
    shop.stage()
    shop.stage("2.0.0", OTHER, regions=shop.regions[:1], required_regions=1)
    shop.a.write(shop.latest, shop.b.text(shop.latest))
    for place in (shop.b, shop.c):
        place.take_down()

    alone = shop.repair()
    single = shop.repair(required_regions=1)
    for place in (shop.b, shop.c):
        place.bring_back()

    assert actions(alone) == []
    assert [e.exit_code for e in alone.refusals] == [5]
    assert "is complete in 1 of 3 regions, 2 are needed" in str(alone.refusals[0])
    assert actions(single) == [("move-latest", shop.a.spelling)]
    assert ("fill", shop.b.spelling) in shop.mended()


def test_latest_waits_for_what_is_filled(corner_shop: Shop) -> None:
    """Where filling fails, ``latest`` does not move to what is not there."""
    shop = corner_shop
    shop.stage()
    shop.stage("2.0.0", OTHER, regions=shop.regions[:1], required_regions=1)
    shop.a.write(shop.latest, shop.b.text(shop.latest))
    regions = faulty(shop.regions)
    for region in regions[1:]:
        region.fail("create")

    done = session_over(regions).repair(shop.project)

    assert done.steps == ()
    assert list(done.failures) == shop.regions[1:]
    assert [place.latest(shop.project) for place in shop.places] == ["1.0.0"] * 3


def test_region_that_fails_before_latest_moves(corner_shop: Shop) -> None:
    """A region that fails when it is asked again is a failure, and not said to lack a version."""
    shop = corner_shop
    shop.stage()
    shop.stage("2.0.0", OTHER)
    shop.lose_latest(shop.b)
    regions = faulty(shop.regions)
    regions[1].fail("describe", nth=3)

    done = session_over(regions).repair(shop.project)

    assert (done.steps, done.refusals) == ((), ())
    assert list(done.failures) == [shop.b.spelling]
    assert shop.mended() == [("move-latest", shop.b.spelling)]


@pytest.mark.parametrize("command", ["verify", "repair"])
def test_deadline(corner_shop: Shop, command: str) -> None:
    """A region that hangs does not keep a comparison or a repair beyond its deadline."""
    shop = corner_shop
    shop.stage()
    regions = faulty(shop.regions)
    regions[1].hang("describe")
    session = session_over(regions)

    with deadline(0.3), pytest.raises(errors.DeadlineError):
        getattr(session, command)(shop.project)

    regions[1].release()


def test_deadline_while_something_is_mended(corner_shop: Shop) -> None:
    """A deadline that passes in a step ends the repair, and is not that region's failure."""
    shop = corner_shop
    shop.stage()
    shop.b.remove(shop.key)
    regions = faulty(shop.regions)
    regions[1].hang("create")

    with deadline(1.0), pytest.raises(errors.DeadlineError):
        session_over(regions).repair(shop.project)

    regions[1].release()
    shop.mended()


def test_no_room_for_temporary_files(
    corner_shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where no temporary file can be made, that is said of the version, and nothing changes."""
    shop = corner_shop
    shop.stage()
    shop.b.remove(shop.key)
    before = shop.snapshot()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not" / "there"))

    done = shop.repair()

    assert [e.exit_code for e in done.refusals if "temporary folder" in str(e)] == [9]
    assert str(done.refusals[0]).startswith(f"{shop.key} cannot be brought here: cannot make a ")
    assert (done.steps, done.failures) == ((), {})
    assert shop.snapshot() == before


@pytest.mark.parametrize("full", ["1.0.0", "2.0.0"])
def test_disk_that_is_full_for_one_version(
    corner_shop: Shop, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    """A version that there is no room for is refused; what was and can be done is told and done."""
    shop = corner_shop
    shop.stage()
    shop.stage("2.0.0", OTHER)
    for version in ("1.0.0", "2.0.0"):
        shop.b.remove(shop.at(version))
    no_room_for(shop.at(full), monkeypatch)

    done = shop.repair()

    other = "2.0.0" if full == "1.0.0" else "1.0.0"
    assert [(s.action, s.key) for s in done.steps] == [("fill", shop.at(other))]
    refusal = done.refusals[0]
    assert (type(refusal), refusal.exit_code) == (errors.LocalFileError, 9)
    assert f"{shop.at(full)} cannot be brought here: " in str(refusal)
    assert "No space left" in str(refusal)
    monkeypatch.undo()
    assert ("fill", shop.b.spelling) in shop.mended()


def no_room_for(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the disk full as soon as the artifact at *key* is written to it."""
    read = DirectoryRegion.read

    def full(region: DirectoryRegion, at: Key, *rest: Any) -> Iterator[bytes]:
        if at == key:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        yield from read(region, at, *rest)

    monkeypatch.setattr(DirectoryRegion, "read", full)


@pytest.mark.parametrize("stop", [errors.DeadlineError, KeyboardInterrupt, ZeroDivisionError])
def test_what_ends_a_repair_says_what_was_done(
    corner_shop: Shop, stop: type[BaseException]
) -> None:
    """Whoever is told why a repair has ended is told what it had changed by then."""
    shop = corner_shop
    shop.stage()
    shop.stage("2.0.0", OTHER)
    shop.b.remove(shop.key)
    shop.b.remove(shop.at("2.0.0"))
    regions = faulty(shop.regions)
    regions[1].fail("create", stop("why"), nth=2)

    with pytest.raises(stop) as caught:
        session_over(regions).repair(shop.project)

    assert with_notes("why", caught.value) == (
        f"why\nuntil then this was done:\n  {shop.b.spelling}: copy {shop.key} here, verified"
    )


def test_deadline_while_several_regions_are_filled(corner_shop: Shop) -> None:
    """A region that was filled before the deadline is named, although another one was not."""
    shop = corner_shop
    shop.stage()
    shop.b.remove(shop.key)
    shop.c.remove(shop.key)
    regions = faulty(shop.regions)
    regions[1].hang("create")

    with deadline(1.0), pytest.raises(errors.DeadlineError) as caught:
        session_over(regions).repair(shop.project)

    regions[1].release()
    assert with_notes("", caught.value).splitlines() == [
        "", "until then this was done:", f"  {shop.c.spelling}: copy {shop.key} here, verified",
    ]  # fmt: skip


def test_what_ends_a_dry_run_says_nothing_more(
    corner_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run has changed nothing, however it ends."""
    shop = corner_shop
    shop.stage()
    shop.b.remove(shop.key)

    def interrupt(_: Forwarder) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Forwarder, "mend", interrupt)

    with pytest.raises(KeyboardInterrupt) as caught:
        shop.repair(read_only=True)

    assert with_notes("interrupted", caught.value) == "interrupted"


def test_no_temporary_file_is_left(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a repair has downloaded is gone afterwards."""
    shop.stage()
    shop.forge(shop.b, shop.key)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()

    shop.mended("1.0.0", keep=f"sha256:{sha256()}")

    assert list((tmp_path / "temp").iterdir()) == []
