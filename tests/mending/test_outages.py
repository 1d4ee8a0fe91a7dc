"""Regions that do not answer, refuse, or take too long: told apart from what differs."""

import tempfile
from pathlib import Path

import pytest

from startifact import deadline, errors
from startifact.errors import AccessDeniedError, RegionUnavailableError
from startifact.verifying import Kind
from tests.faulty_region import faulty, session_over
from tests.mending.shop import OTHER, Shop, actions, sha256
from tests.places import Bucket, Place
from tests.wire import Answer, Forward, Request, error


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
    """Where no temporary file can be made, that is said, and nothing has changed."""
    shop = corner_shop
    shop.stage()
    shop.b.remove(shop.key)
    before = shop.snapshot()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not" / "there"))

    with pytest.raises(errors.LocalFileError, match="cannot make a temporary folder"):
        shop.repair()

    assert shop.snapshot() == before


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
