"""A person's word about what is right: the rest is set aside, and nothing is lost."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from startifact import errors
from startifact.model.digest import parse_keep
from startifact.model.keys import Key
from startifact.repair.verify import FindingKind
from tests.faults.rules import is_part
from tests.functional.repair.project_fixture import CONTENT, OTHER, ProjectFixture, actions, sha256
from tests.support.backends import Bucket
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import PART
from tests.support.messages import shell_hint
from tests.support.wire import Answer, Forward, Request, error

KEEP = f"sha256:{sha256()}"


def test_what_is_set_aside_is_kept(fixture: ProjectFixture) -> None:
    """Bytes and record of what was replaced are in quarantine, in the region they were in."""
    fixture.stage(metadata={"lang": "dotnet"})
    fixture.forge(fixture.b, fixture.key)
    record = fixture.b.encoded_record(fixture.key)

    done = fixture.repair_until_equal("1.0.0", keep=KEEP)

    assert done == [("set-aside", fixture.b.spec), ("fill", fixture.b.spec)]
    assert [len(fixture.quarantined(backend)) for backend in fixture.backends] == [0, 1, 0]
    [aside] = fixture.quarantined(fixture.b)
    assert aside.startswith(f"{fixture.project}/_quarantine/1.0.0-")
    assert (fixture.b.content(aside), fixture.b.encoded_record(aside)) == (OTHER, record)
    assert fixture.b.encoded_record(fixture.key) == fixture.a.encoded_record(fixture.key)


def test_quarantine_is_no_version(fixture: ProjectFixture) -> None:
    """What was set aside is neither listed nor compared."""
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    fixture.repair_until_equal("1.0.0", keep=KEEP)

    listed = fixture.session().versions(fixture.project)
    found = fixture.verify(read_data=True)

    assert [str(version) for version in listed] == ["1.0.0"]
    assert found
    assert [str(version) for version in found.versions] == ["1.0.0"]


def test_large_artifact(bucket_project: ProjectFixture) -> None:
    """An artifact that goes in several parts is set aside and replaced like any other."""
    fixture = bucket_project
    assert isinstance(fixture.b, Bucket)
    assert fixture.b.wire is not None
    wire = fixture.b.wire
    content = b"x" * (PART + 1)
    fixture.stage(content=content)
    fixture.forge(fixture.b, fixture.key, content[:-1] + b"y")
    wire.log.clear()

    fixture.repair_until_equal("1.0.0", keep=f"sha256:{sha256(content)}")

    [aside] = fixture.quarantined(fixture.b)
    assert fixture.b.content(aside) == content[:-1] + b"y"
    parts = [request.path for request in wire.requests() if is_part(request)]
    assert [sum(path.endswith(key) for path in parts) for key in (aside, fixture.key)] == [2, 2]


def test_same_content_twice(file_project: ProjectFixture) -> None:
    """The same content that is set aside a second time is kept once."""
    fixture = file_project
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    forged = fixture.b.encoded_record(fixture.key)
    fixture.repair_until_equal("1.0.0", keep=KEEP)
    fixture.b.plant(fixture.key, OTHER, forged)

    fixture.repair_until_equal("1.0.0", keep=KEEP)

    assert len(fixture.quarantined(fixture.b)) == 1


def test_nothing_to_keep_it_from(fixture: ProjectFixture) -> None:
    """Where all regions agree on what is to be kept, nothing is done."""
    fixture.stage()

    done = fixture.repair_until_equal("1.0.0", keep=KEEP)

    assert done == []


def test_unknown_digest(fixture: ProjectFixture) -> None:
    """A digest that no region has is not found, and nothing is changed."""
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    before = fixture.snapshot()

    with pytest.raises(errors.NotFoundError, match="no region holds a sound") as caught:
        fixture.repair("1.0.0", keep=f"sha256:{sha256(b'unknown')}")

    assert "startifact verify --read-data" in shell_hint(caught.value)
    assert fixture.snapshot() == before


def test_digest_that_a_region_may_have(file_project: ProjectFixture) -> None:
    """A digest that no region has that answered is not known to be nowhere."""
    fixture = file_project
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    fixture.a.fail_region()

    with pytest.raises(errors.SeveralRegionsError, match="of those that answered") as caught:
        fixture.repair("1.0.0", keep=f"sha256:{sha256(b'unknown')}")

    assert caught.value.exit_code == 5
    assert fixture.a.spec in caught.value.message


def test_digest_of_damaged_bytes(fixture: ProjectFixture) -> None:
    """What is to be kept is read first: a record that its bytes do not fit is not kept."""
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    fixture.rewrite(fixture.b, fixture.key, CONTENT)
    before = fixture.snapshot()

    with pytest.raises(errors.NotFoundError):
        fixture.repair("1.0.0", keep=f"sha256:{sha256(OTHER)}")

    assert fixture.snapshot() == before


def test_keep_needs_a_version(file_project: ProjectFixture) -> None:
    """A digest without a version is refused before anything is asked."""
    file_project.a.fail_region()

    with pytest.raises(errors.InputError, match="keep needs one version"):
        file_project.repair(keep=KEEP)


@pytest.mark.parametrize(
    "text",
    ["", "sha256:", sha256(), f"sha256:{sha256()[:-1]}", f"sha256:{sha256()}0", f"md5:{sha256()}",
     f"sha256:{'g' * 64}", f" {KEEP}", f"{KEEP}\n", "sha256:" + "\u0660" * 64],
)  # fmt: skip
def test_malformed_digest(text: str, file_project: ProjectFixture) -> None:
    """A digest that is not written as one is refused before anything is asked."""
    with pytest.raises(errors.InputError, match="expected sha256: and 64 hexadecimal digits"):
        file_project.repair("1.0.0", keep=text)


def test_digest_in_capitals() -> None:
    """A digest may be written in capitals."""
    assert parse_keep(f"sha256:{sha256().upper()}") == KEEP


def test_while_a_region_is_down(fixture: ProjectFixture) -> None:
    """Regions that answer are repaired; the one that does not is a failure, until it is back."""
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    fixture.forge(fixture.c, fixture.key)
    fixture.c.fail_region()

    done = fixture.repair("1.0.0", keep=KEEP)
    fixture.c.restore_region()

    assert actions(done) == [("set-aside", fixture.b.spec), ("fill", fixture.b.spec)]
    assert list(done.failures) == [fixture.c.spec]
    assert isinstance(done.failures[fixture.c.spec], errors.RegionUnavailableError)
    assert not done
    assert fixture.repair_until_equal("1.0.0", keep=KEEP) == [
        ("set-aside", fixture.c.spec),
        ("fill", fixture.c.spec),
    ]


# What changes meanwhile ----------------------------------------------------------------------


def before_each(region: Any, name: str, act: Callable[[], None]) -> None:
    """Make *act* happen before every call of the method *name*."""
    proceed = getattr(region, name)

    def method(*args: Any) -> Any:
        act()
        return proceed(*args)

    setattr(region, name, method)


def test_copy_that_is_another_one(fixture: ProjectFixture) -> None:
    """What is to be set aside stays where it is when something else has the copy's place."""
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    session = fixture.session()
    region: Any = session._regions()[1]
    create = region.create

    def create_second(key: Key, *args: Any) -> None:
        fixture.b.plant(key, b"something else", "{}")
        create(key, *args)

    region.create = create_second
    done = session.repair(fixture.project, "1.0.0", keep=KEEP)

    assert actions(done) == []
    assert "did not keep" in done.failures[fixture.b.spec].message
    assert fixture.b.content(fixture.key) == OTHER


@pytest.mark.parametrize("moment", ["create", "delete"])
def test_object_that_changed_meanwhile(fixture: ProjectFixture, moment: str) -> None:
    """What came after the look is not deleted: it is compared again, in the very request too."""
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    session = fixture.session()
    before_each(
        session._regions()[1], moment, lambda: fixture.forge(fixture.b, fixture.key, b"newer")
    )

    done = session.repair(fixture.project, "1.0.0", keep=KEEP)

    assert actions(done) == []
    assert "is another one by now, and was not deleted" in done.failures[fixture.b.spec].message
    assert fixture.b.content(fixture.key) == b"newer"


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "OperationAborted"])
def test_conflict_of_a_delete(bucket_project: ProjectFixture, code: str) -> None:
    """Another operation under way says nothing about what is there: the delete is tried again."""
    fixture = bucket_project
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    assert isinstance(fixture.b, Bucket)
    assert fixture.b.wire is not None
    answers = [error(409, code)] * 2

    def conflict(request: Request, forward: Forward) -> Answer | None:
        deletes = request.method == "DELETE" and request.path.endswith(fixture.key)
        return answers.pop() if deletes and answers else forward()

    fixture.b.wire.add(conflict)

    done = fixture.repair_until_equal("1.0.0", keep=KEEP)

    assert done == [("set-aside", fixture.b.spec), ("fill", fixture.b.spec)]
    assert answers == []


@pytest.mark.parametrize("kind", ["aws_project", "bucket_project"])
def test_every_delete_is_conditional(kind: str, request: pytest.FixtureRequest) -> None:
    """No request deletes anything but the object with the ETag that was looked at."""
    fixture: ProjectFixture = request.getfixturevalue(kind)
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    fixture.repair_until_equal("1.0.0", keep=KEEP)

    assert isinstance(fixture.b, Bucket)
    assert fixture.b.wire is not None
    requests = fixture.b.wire.requests()
    deletes = [r for r in requests if r.method == "DELETE" and "uploadId" not in r.query]

    assert [r.path.rpartition("/")[2] for r in deletes] == [fixture.key]
    assert deletes[0].headers["if-match"].strip('"')


def test_region_that_sends_something_else_each_time(file_project: ProjectFixture) -> None:
    """Nothing is deleted that could not be read the same way twice."""
    fixture = file_project
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    regions = faulty(fixture.regions)
    before_each(regions[1], "preflight", lambda: regions[1].corrupt(0))

    done = session_over(regions).repair(fixture.project, "1.0.0", keep=KEEP)

    assert "two different contents" in done.failures[fixture.b.spec].message
    assert fixture.b.content(fixture.key) == OTHER
    assert fixture.quarantined(fixture.b) == []


def test_other_content_meanwhile(file_project: ProjectFixture) -> None:
    """A region that somebody fills with other content meanwhile is refused, not overwritten."""
    fixture = file_project
    fixture.stage()
    forged = fixture.a.encoded_record(fixture.key)
    fixture.b.remove(fixture.key)
    session = fixture.session()

    def stage_other() -> None:
        fixture.b.plant(fixture.key, CONTENT, forged)
        fixture.forge(fixture.b, fixture.key)

    before_each(session._regions()[1], "create", stage_other)

    done = session.repair(fixture.project, "1.0.0")

    assert [e.exit_code for e in done.refusals] == [4]
    assert "has other content" in done.refusals[0].message
    assert fixture.b.content(fixture.key) == OTHER


# Interruptions -------------------------------------------------------------------------------

STEPS = [("create", 1), ("describe", 2), ("delete", 1), ("create", 2), ("describe", 4)]


@pytest.mark.parametrize("how", ["fail", "lose"])
@pytest.mark.parametrize(("operation", "nth"), STEPS)
def test_interrupted(file_project: ProjectFixture, operation: str, nth: int, how: str) -> None:
    """Whatever step fails, or seems to, nothing is lost, and the same command does the rest."""
    fixture = file_project
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    regions = faulty(fixture.regions)
    getattr(regions[1], how)(operation, nth=nth)

    session_over(regions).repair(fixture.project, "1.0.0", keep=KEEP)

    kept = fixture.key in fixture.keys(fixture.b) or fixture.quarantined(fixture.b)
    assert kept
    fixture.repair_until_equal("1.0.0", keep=KEEP)
    [aside] = fixture.quarantined(fixture.b)
    assert fixture.b.content(aside) == OTHER


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
def test_killed(file_project: ProjectFixture, operation: str, nth: int, after: str) -> None:
    """Killed before or after any step that can be seen, the same command does the rest."""
    fixture = file_project
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    words = [fixture.project, KEEP, operation, str(nth), after, *fixture.regions]

    done = subprocess.run([sys.executable, "-c", KILLED, *words], timeout=60, check=False)

    assert done.returncode == -9
    fixture.repair_until_equal("1.0.0", keep=KEEP)
    [aside] = fixture.quarantined(fixture.b)
    assert fixture.b.content(aside) == OTHER


def test_interrupted_by_a_person(file_project: ProjectFixture) -> None:
    """Ctrl-C while something is set aside ends the repair; the same command does the rest."""
    fixture = file_project
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    regions = faulty(fixture.regions)

    def interrupt() -> None:
        raise KeyboardInterrupt

    before_each(regions[1], "delete", interrupt)

    with pytest.raises(KeyboardInterrupt):
        session_over(regions).repair(fixture.project, "1.0.0", keep=KEEP)

    assert fixture.found("1.0.0") == [(FindingKind.DIFFERENT, fixture.b.spec)]
    fixture.repair_until_equal("1.0.0", keep=KEEP)


@pytest.mark.parametrize("operation", ["create", "read"])
def test_interrupted_fill(file_project: ProjectFixture, operation: str) -> None:
    """A fill that fails is reported as a failure of that region, and is repaired the next time."""
    fixture = file_project
    fixture.stage()
    fixture.b.remove(fixture.key)
    regions = faulty(fixture.regions)
    for region in regions:
        region.fail(operation)

    done = session_over(regions).repair(fixture.project)

    assert not done
    assert done.steps == ()
    if operation == "create":
        assert list(done.failures) == [fixture.b.spec]
    else:
        assert "no region could deliver" in done.refusals[0].message
        assert done.refusals[0].exit_code == 5
    assert fixture.repair_until_equal() == [("fill", fixture.b.spec)]
