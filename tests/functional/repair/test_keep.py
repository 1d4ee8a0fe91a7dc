"""A person's word about what is right: the rest is set aside, and nothing is lost."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from startifact import errors
from startifact.repair.repairer import parse_keep
from startifact.repair.verify import Kind
from tests.functional.repair.shop import CONTENT, OTHER, Shop, actions, sha256
from tests.support.faulty_region import faulty, session_over
from tests.support.places import Bucket
from tests.support.wire import Answer, Forward, Request, error

KEEP = f"sha256:{sha256()}"


def test_what_is_set_aside_is_kept(shop: Shop) -> None:
    """Bytes and record of what was replaced are in quarantine, in the region they were in."""
    shop.stage(metadata={"lang": "dotnet"})
    shop.forge(shop.b, shop.key)
    record = shop.b.document(shop.key)

    done = shop.mended("1.0.0", keep=KEEP)

    assert done == [("set-aside", shop.b.spelling), ("fill", shop.b.spelling)]
    assert [len(shop.quarantined(place)) for place in shop.places] == [0, 1, 0]
    [aside] = shop.quarantined(shop.b)
    assert aside.startswith(f"{shop.project}/_quarantine/1.0.0-")
    assert (shop.b.content(aside), shop.b.document(aside)) == (OTHER, record)
    assert shop.b.document(shop.key) == shop.a.document(shop.key)


def test_quarantine_is_no_version(shop: Shop) -> None:
    """What was set aside is neither listed nor compared."""
    shop.stage()
    shop.forge(shop.b, shop.key)
    shop.mended("1.0.0", keep=KEEP)

    listed = shop.session().versions(shop.project)
    found = shop.verify(read_data=True)

    assert [str(version) for version in listed] == ["1.0.0"]
    assert found
    assert [str(version) for version in found.versions] == ["1.0.0"]


def test_large_artifact(bucket_shop: Shop) -> None:
    """An artifact that goes in several parts is set aside and replaced like any other."""
    shop = bucket_shop
    content = b"x" * (8 * 1024 * 1024 + 1)
    shop.stage(content=content)
    shop.forge(shop.b, shop.key, content[:-1] + b"y")

    shop.mended("1.0.0", keep=f"sha256:{sha256(content)}")

    [aside] = shop.quarantined(shop.b)
    assert shop.b.content(aside) == content[:-1] + b"y"


def test_same_content_twice(corner_shop: Shop) -> None:
    """The same content that is set aside a second time is kept once."""
    shop = corner_shop
    shop.stage()
    shop.forge(shop.b, shop.key)
    forged = shop.b.document(shop.key)
    shop.mended("1.0.0", keep=KEEP)
    shop.b.plant(shop.key, OTHER, forged)

    shop.mended("1.0.0", keep=KEEP)

    assert len(shop.quarantined(shop.b)) == 1


def test_nothing_to_keep_it_from(shop: Shop) -> None:
    """Where all regions agree on what is to be kept, nothing is done."""
    shop.stage()

    done = shop.mended("1.0.0", keep=KEEP)

    assert done == []


def test_unknown_digest(shop: Shop) -> None:
    """A digest that no region has is not found, and nothing is changed."""
    shop.stage()
    shop.forge(shop.b, shop.key)
    before = shop.snapshot()

    with pytest.raises(errors.NotFoundError, match="no region holds a sound") as caught:
        shop.repair("1.0.0", keep=f"sha256:{sha256(b'unknown')}")

    assert "startifact verify --read-data" in str(caught.value.hint)
    assert shop.snapshot() == before


def test_digest_that_a_region_may_have(corner_shop: Shop) -> None:
    """A digest that no region has that answered is not known to be nowhere."""
    shop = corner_shop
    shop.stage()
    shop.forge(shop.b, shop.key)
    shop.a.take_down()

    with pytest.raises(errors.SeveralRegionsError, match="of those that answered") as caught:
        shop.repair("1.0.0", keep=f"sha256:{sha256(b'unknown')}")

    assert caught.value.exit_code == 5
    assert shop.a.spelling in str(caught.value)


def test_digest_of_damaged_bytes(shop: Shop) -> None:
    """What is to be kept is read first: a record that its bytes do not fit is not kept."""
    shop.stage()
    shop.forge(shop.b, shop.key)
    shop.rewrite(shop.b, shop.key, CONTENT)
    before = shop.snapshot()

    with pytest.raises(errors.NotFoundError):
        shop.repair("1.0.0", keep=f"sha256:{sha256(OTHER)}")

    assert shop.snapshot() == before


def test_keep_needs_a_version(corner_shop: Shop) -> None:
    """A digest without a version is refused before anything is asked."""
    corner_shop.a.take_down()

    with pytest.raises(errors.InputError, match="keep needs one version"):
        corner_shop.repair(keep=KEEP)


@pytest.mark.parametrize(
    "text",
    ["", "sha256:", sha256(), f"sha256:{sha256()[:-1]}", f"sha256:{sha256()}0", f"md5:{sha256()}",
     f"sha256:{'g' * 64}", f" {KEEP}", f"{KEEP}\n", "sha256:" + "\u0660" * 64],
)  # fmt: skip
def test_malformed_digest(text: str, corner_shop: Shop) -> None:
    """A digest that is not written as one is refused before anything is asked."""
    with pytest.raises(errors.InputError, match="expected sha256: and 64 hexadecimal digits"):
        corner_shop.repair("1.0.0", keep=text)


def test_digest_in_capitals() -> None:
    """A digest may be written in capitals."""
    assert parse_keep(f"sha256:{sha256().upper()}") == sha256()


def test_while_a_region_is_down(shop: Shop) -> None:
    """Regions that answer are mended; the one that does not is a failure, until it is back."""
    shop.stage()
    shop.forge(shop.b, shop.key)
    shop.forge(shop.c, shop.key)
    shop.c.take_down()

    done = shop.repair("1.0.0", keep=KEEP)
    shop.c.bring_back()

    assert actions(done) == [("set-aside", shop.b.spelling), ("fill", shop.b.spelling)]
    assert list(done.failures) == [shop.c.spelling]
    assert isinstance(done.failures[shop.c.spelling], errors.RegionUnavailableError)
    assert not done
    assert shop.mended("1.0.0", keep=KEEP) == [
        ("set-aside", shop.c.spelling),
        ("fill", shop.c.spelling),
    ]


# What changes meanwhile ----------------------------------------------------------------------


def before_each(region: Any, name: str, act: Callable[[], None]) -> None:
    """Make *act* happen before every call of the method *name*."""
    proceed = getattr(region, name)

    def method(*args: Any) -> Any:
        act()
        return proceed(*args)

    setattr(region, name, method)


@pytest.mark.parametrize("moment", ["create", "delete"])
def test_object_that_changed_meanwhile(shop: Shop, moment: str) -> None:
    """What came after the look is not deleted: it is compared again, in the very request too."""
    shop.stage()
    shop.forge(shop.b, shop.key)
    session = shop.session()
    before_each(session._regions()[1], moment, lambda: shop.forge(shop.b, shop.key, b"newer"))

    done = session.repair(shop.project, "1.0.0", keep=KEEP)

    assert actions(done) == []
    assert "is another one by now, and was not deleted" in str(done.failures[shop.b.spelling])
    assert shop.b.content(shop.key) == b"newer"


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "OperationAborted"])
def test_conflict_of_a_delete(bucket_shop: Shop, code: str) -> None:
    """Another operation under way says nothing about what is there: the delete is tried again."""
    shop = bucket_shop
    shop.stage()
    shop.forge(shop.b, shop.key)
    assert isinstance(shop.b, Bucket)
    assert shop.b.wire is not None
    answers = [error(409, code)] * 2

    def conflict(request: Request, forward: Forward) -> Answer | None:
        deletes = request.method == "DELETE" and request.path.endswith(shop.key)
        return answers.pop() if deletes and answers else forward()

    shop.b.wire.add(conflict)

    done = shop.mended("1.0.0", keep=KEEP)

    assert done == [("set-aside", shop.b.spelling), ("fill", shop.b.spelling)]
    assert answers == []


@pytest.mark.parametrize("kind", ["market", "bucket_shop"])
def test_every_delete_is_conditional(kind: str, request: pytest.FixtureRequest) -> None:
    """No request deletes anything but the object with the ETag that was looked at."""
    shop: Shop = request.getfixturevalue(kind)
    shop.stage()
    shop.forge(shop.b, shop.key)
    shop.mended("1.0.0", keep=KEEP)

    assert isinstance(shop.b, Bucket)
    assert shop.b.wire is not None
    requests = shop.b.wire.requests()
    deletes = [r for r in requests if r.method == "DELETE" and "uploadId" not in r.query]

    assert [r.path.rpartition("/")[2] for r in deletes] == [shop.key]
    assert deletes[0].headers["if-match"].strip('"')


def test_region_that_sends_something_else_each_time(corner_shop: Shop) -> None:
    """Nothing is deleted that could not be read the same way twice."""
    shop = corner_shop
    shop.stage()
    shop.forge(shop.b, shop.key)
    regions = faulty(shop.regions)
    before_each(regions[1], "prepare_to_write", lambda: regions[1].corrupt(0))

    done = session_over(regions).repair(shop.project, "1.0.0", keep=KEEP)

    assert "two different contents" in str(done.failures[shop.b.spelling])
    assert shop.b.content(shop.key) == OTHER
    assert shop.quarantined(shop.b) == []


def test_other_content_meanwhile(corner_shop: Shop) -> None:
    """A region that somebody fills with other content meanwhile is refused, not overwritten."""
    shop = corner_shop
    shop.stage()
    forged = shop.a.document(shop.key)
    shop.b.remove(shop.key)
    session = shop.session()

    def stage_other() -> None:
        shop.b.plant(shop.key, CONTENT, forged)
        shop.forge(shop.b, shop.key)

    before_each(session._regions()[1], "create", stage_other)

    done = session.repair(shop.project, "1.0.0")

    assert [e.exit_code for e in done.refusals] == [4]
    assert "has other content" in str(done.refusals[0])
    assert shop.b.content(shop.key) == OTHER


# Interruptions -------------------------------------------------------------------------------

STEPS = [("create", 1), ("describe", 2), ("delete", 1), ("create", 2), ("describe", 4)]


@pytest.mark.parametrize("how", ["fail", "lose"])
@pytest.mark.parametrize(("operation", "nth"), STEPS)
def test_interrupted(corner_shop: Shop, operation: str, nth: int, how: str) -> None:
    """Whatever step fails, or seems to, nothing is lost, and the same command mends the rest."""
    shop = corner_shop
    shop.stage()
    shop.forge(shop.b, shop.key)
    regions = faulty(shop.regions)
    getattr(regions[1], how)(operation, nth=nth)

    session_over(regions).repair(shop.project, "1.0.0", keep=KEEP)

    kept = shop.key in shop.keys(shop.b) or shop.quarantined(shop.b)
    assert kept
    shop.mended("1.0.0", keep=KEEP)
    [aside] = shop.quarantined(shop.b)
    assert shop.b.content(aside) == OTHER


KILLED = """
import sys
from tests.support.faulty_region import faulty, session_over
project, keep, operation, nth, after, *names = sys.argv[1:]
regions = faulty(names)
regions[1].die(operation, nth=int(nth), after=after == "after")
session_over(regions).repair(project, "1.0.0", keep=keep)
"""


@pytest.mark.parametrize("after", ["before", "after"])
@pytest.mark.parametrize(("operation", "nth"), [s for s in STEPS if s[0] != "describe"])
def test_killed(corner_shop: Shop, operation: str, nth: int, after: str) -> None:
    """Killed before or after any step that can be seen, the same command mends the rest."""
    shop = corner_shop
    shop.stage()
    shop.forge(shop.b, shop.key)
    words = [shop.project, KEEP, operation, str(nth), after, *shop.regions]

    done = subprocess.run([sys.executable, "-c", KILLED, *words], timeout=60, check=False)

    assert done.returncode == -9
    shop.mended("1.0.0", keep=KEEP)
    [aside] = shop.quarantined(shop.b)
    assert shop.b.content(aside) == OTHER


def test_interrupted_by_a_person(corner_shop: Shop) -> None:
    """Ctrl-C while something is set aside ends the repair, and the same command mends the rest."""
    shop = corner_shop
    shop.stage()
    shop.forge(shop.b, shop.key)
    regions = faulty(shop.regions)

    def interrupt() -> None:
        raise KeyboardInterrupt

    before_each(regions[1], "delete", interrupt)

    with pytest.raises(KeyboardInterrupt):
        session_over(regions).repair(shop.project, "1.0.0", keep=KEEP)

    assert shop.found("1.0.0") == [(Kind.DIFFERENT, shop.b.spelling)]
    shop.mended("1.0.0", keep=KEEP)


@pytest.mark.parametrize("operation", ["create", "read"])
def test_interrupted_fill(corner_shop: Shop, operation: str) -> None:
    """A fill that fails is a failure of that region, told, and mended the next time."""
    shop = corner_shop
    shop.stage()
    shop.b.remove(shop.key)
    regions = faulty(shop.regions)
    for region in regions:
        region.fail(operation)

    done = session_over(regions).repair(shop.project)

    assert not done
    assert done.steps == ()
    if operation == "create":
        assert list(done.failures) == [shop.b.spelling]
    else:
        assert "no region could deliver" in str(done.refusals[0])
        assert done.refusals[0].exit_code == 5
    assert shop.mended() == [("fill", shop.b.spelling)]
