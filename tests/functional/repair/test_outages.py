"""Regions that do not answer, refuse, or take too long: told apart from what differs."""

import errno
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from startifact import deadline, errors
from startifact.errors import AccessDeniedError, RegionUnavailableError, with_notes
from startifact.files.temporary import sweep
from startifact.limits import MIB, SCRATCH_ABANDONED_SECONDS
from startifact.model.keys import Key
from startifact.regions.directory.region import DirectoryRegion
from startifact.repair.latest import LatestRepairer
from startifact.repair.verify import FindingKind
from tests.faults import processes
from tests.functional.repair.project_fixture import OTHER, ProjectFixture, actions, sha256
from tests.support.backends import Backend, Bucket
from tests.support.faulty_region import faulty, session_over
from tests.support.wire import Answer, Forward, Request, error


def forbid(backend: Backend, method: str = "") -> None:
    """Make a bucket refuse whatever it is asked, or requests of one method."""
    assert isinstance(backend, Bucket)
    assert backend.wire is not None
    region = backend.region

    def refuse(request: Request, forward: Forward) -> Answer | None:
        mine = (request.region, request.service) == (region, "s3")
        asked = method in {"", request.method} and "uploadId" not in request.query
        if mine and asked:
            return error(403, "AccessDenied")
        return forward()

    backend.wire.add(refuse)


def test_region_down(fixture: ProjectFixture) -> None:
    """What answers is compared; what does not is reported, and is no difference."""
    fixture.stage()
    fixture.b.remove(fixture.key)
    fixture.c.fail_region()

    found = fixture.verify("1.0.0")
    done = fixture.repair("1.0.0")
    fixture.c.restore_region()

    assert [(d.kind, d.region) for d in found.differences] == [
        (FindingKind.MISSING, fixture.b.spec)
    ]
    assert list(found.failures) == list(done.failures) == [fixture.c.spec]
    assert isinstance(found.failures[fixture.c.spec], RegionUnavailableError)
    assert not found
    assert not done
    assert actions(done) == [("fill", fixture.b.spec)]
    assert fixture.repair_until_equal() == []


@pytest.mark.parametrize("kind", ["aws_project", "bucket_project"])
def test_region_forbidden(kind: str, request: pytest.FixtureRequest) -> None:
    """A region that refuses is another failure than one that does not answer."""
    fixture: ProjectFixture = request.getfixturevalue(kind)
    fixture.stage()
    fixture.b.remove(fixture.key)
    forbid(fixture.c)

    found = fixture.verify()
    done = fixture.repair()

    failure = found.failures[fixture.c.spec]
    assert isinstance(failure, AccessDeniedError)
    assert isinstance(done.failures[fixture.c.spec], AccessDeniedError)
    assert "s3:ListBucket" in failure.message
    assert actions(done) == [("fill", fixture.b.spec)]


def test_region_that_must_not_be_written(bucket_project: ProjectFixture) -> None:
    """A region that can be read and not written is a failure of the repair default."""
    fixture = bucket_project
    fixture.stage()
    fixture.b.remove(fixture.key)
    forbid(fixture.b, "PUT")

    found = fixture.verify()
    done = fixture.repair()

    assert found.failures == {}
    assert done.steps == ()
    assert isinstance(done.failures[fixture.b.spec], AccessDeniedError)
    assert "s3:PutObject" in done.failures[fixture.b.spec].message


def test_delete_forbidden(bucket_project: ProjectFixture) -> None:
    """Without permission to delete, nothing is replaced, and the permission is named."""
    fixture = bucket_project
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    forbid(fixture.b, "DELETE")

    done = fixture.repair("1.0.0", keep=f"sha256:{sha256()}")

    assert done.steps == ()
    assert "s3:DeleteObject" in done.failures[fixture.b.spec].message
    assert fixture.b.content(fixture.key) == OTHER


@pytest.mark.parametrize("version", [None, "1.0.0"])
def test_all_regions_down(file_project: ProjectFixture, version: str | None) -> None:
    """Where no region answers, nothing is said to be absent."""
    fixture = file_project
    fixture.stage()
    for backend in fixture.backends:
        backend.fail_region()

    found = fixture.verify(version)
    done = fixture.repair(version)

    assert found.differences == ()
    assert list(found.failures) == list(done.failures) == fixture.regions
    assert (done.steps, done.refusals) == ((), ())


@pytest.mark.sweep
@pytest.mark.parametrize("version", [None, "1.0.0"])
def test_not_there_and_not_known(fixture: ProjectFixture, version: str | None) -> None:
    """A version that the down region may hold is neither missing elsewhere nor absent."""
    fixture.c.fail_region()

    found = fixture.verify(version)
    done = fixture.repair(version)
    fixture.c.restore_region()

    assert found.differences == ()
    assert list(found.failures) == [fixture.c.spec]
    assert (done.steps, done.refusals) == ((), ())
    assert list(done.failures) == [fixture.c.spec]


def test_region_that_fails_halfway(file_project: ProjectFixture) -> None:
    """A region that lists its versions and then fails is not compared at all."""
    fixture = file_project
    fixture.stage()
    regions = faulty(fixture.regions)
    regions[1].fail("describe")

    found = session_over(regions).verify(fixture.project)

    assert found.differences == ()
    assert list(found.failures) == [fixture.b.spec]


def test_latest_needs_enough_regions(file_project: ProjectFixture) -> None:
    """``latest`` does not begin to move to a version that too few regions are known to hold."""
    fixture = file_project
    fixture.stage()
    fixture.stage("2.0.0", OTHER, regions=fixture.regions[:1], required_regions=1)
    fixture.a.write(fixture.latest, fixture.b.text(fixture.latest))
    for backend in (fixture.b, fixture.c):
        backend.fail_region()

    default = fixture.repair()
    single = fixture.repair(required_regions=1)
    for backend in (fixture.b, fixture.c):
        backend.restore_region()

    assert actions(default) == []
    assert [e.exit_code for e in default.refusals] == [5]
    assert "is complete in 1 of 3 regions, 2 are needed" in default.refusals[0].message
    assert actions(single) == [("move-latest", fixture.a.spec)]
    assert ("fill", fixture.b.spec) in fixture.repair_until_equal()


def test_latest_waits_for_what_is_filled(file_project: ProjectFixture) -> None:
    """Where filling fails, ``latest`` does not move to what is not there."""
    fixture = file_project
    fixture.stage()
    fixture.stage("2.0.0", OTHER, regions=fixture.regions[:1], required_regions=1)
    fixture.a.write(fixture.latest, fixture.b.text(fixture.latest))
    regions = faulty(fixture.regions)
    for region in regions[1:]:
        region.fail("create")

    done = session_over(regions).repair(fixture.project)

    assert done.steps == ()
    assert list(done.failures) == fixture.regions[1:]
    assert [backend.latest(fixture.project) for backend in fixture.backends] == ["1.0.0"] * 3


def test_region_that_fails_before_latest_moves(file_project: ProjectFixture) -> None:
    """A region that fails when it is asked again is a failure, and not said to lack a version."""
    fixture = file_project
    fixture.stage()
    fixture.stage("2.0.0", OTHER)
    fixture.lose_latest(fixture.b)
    regions = faulty(fixture.regions)
    regions[1].fail("describe", nth=3)

    done = session_over(regions).repair(fixture.project)

    assert (done.steps, done.refusals) == ((), ())
    assert list(done.failures) == [fixture.b.spec]
    assert fixture.repair_until_equal() == [("move-latest", fixture.b.spec)]


@pytest.mark.parametrize("command", ["verify", "repair"])
def test_deadline(file_project: ProjectFixture, command: str) -> None:
    """A region that hangs does not keep a comparison or a repair beyond its deadline."""
    fixture = file_project
    fixture.stage()
    regions = faulty(fixture.regions)
    regions[1].hang("describe")
    session = session_over(regions)

    with deadline(0.3), pytest.raises(errors.DeadlineError):
        getattr(session, command)(fixture.project)

    regions[1].release()


def test_deadline_while_something_is_repaired(file_project: ProjectFixture) -> None:
    """A deadline that passes in a step ends the repair, and is not that region's failure."""
    fixture = file_project
    fixture.stage()
    fixture.b.remove(fixture.key)
    regions = faulty(fixture.regions)
    regions[1].hang("create")

    with deadline(1.0), pytest.raises(errors.DeadlineError):
        session_over(regions).repair(fixture.project)

    regions[1].release()
    fixture.repair_until_equal()


def test_no_room_for_temporary_files(
    file_project: ProjectFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where no temporary file can be made, that is said of the version, and nothing changes."""
    fixture = file_project
    fixture.stage()
    fixture.b.remove(fixture.key)
    before = fixture.snapshot()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not" / "there"))

    done = fixture.repair()

    assert [e.exit_code for e in done.refusals if "temporary folder" in str(e)] == [9]
    assert done.refusals[0].message.startswith(
        f"{fixture.key} cannot be brought here: cannot make a "
    )
    assert (done.steps, done.failures) == ((), {})
    assert fixture.snapshot() == before


@pytest.mark.parametrize("full", ["1.0.0", "2.0.0"])
def test_disk_that_is_full_for_one_version(
    file_project: ProjectFixture, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    """A version without room is refused; what was and can be done is reported and done."""
    fixture = file_project
    fixture.stage()
    fixture.stage("2.0.0", OTHER)
    for version in ("1.0.0", "2.0.0"):
        fixture.b.remove(fixture.at(version))
    no_room_for(fixture.at(full), monkeypatch)

    done = fixture.repair()

    other = "2.0.0" if full == "1.0.0" else "1.0.0"
    assert [(s.action, s.key) for s in done.steps] == [("fill", fixture.at(other))]
    refusal = done.refusals[0]
    assert (type(refusal), refusal.exit_code) == (errors.LocalFileError, 9)
    assert f"{fixture.at(full)} cannot be brought here: " in refusal.message
    assert "No space left" in refusal.message
    assert f"make room in '{tempfile.gettempdir()}', or let TMPDIR" in str(refusal.hint)
    monkeypatch.undo()
    assert ("fill", fixture.b.spec) in fixture.repair_until_equal()


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
    file_project: ProjectFixture, stop: type[BaseException]
) -> None:
    """The error that ends a repair says what the repair had changed by then."""
    fixture = file_project
    fixture.stage()
    fixture.stage("2.0.0", OTHER)
    fixture.b.remove(fixture.key)
    fixture.b.remove(fixture.at("2.0.0"))
    regions = faulty(fixture.regions)
    regions[1].fail("create", stop("why"), nth=2)

    with pytest.raises(stop) as caught:
        session_over(regions).repair(fixture.project)

    assert with_notes("why", caught.value) == (
        f"why\nuntil then this was done:\n  {fixture.b.spec}: copy {fixture.key} here, verified"
    )


def test_deadline_while_several_regions_are_filled(file_project: ProjectFixture) -> None:
    """A region that was filled before the deadline is named, although another one was not."""
    fixture = file_project
    fixture.stage()
    fixture.b.remove(fixture.key)
    fixture.c.remove(fixture.key)
    regions = faulty(fixture.regions)
    regions[1].hang("create")

    with deadline(1.0), pytest.raises(errors.DeadlineError) as caught:
        session_over(regions).repair(fixture.project)

    regions[1].release()
    assert with_notes("", caught.value).splitlines() == [
        "", "until then this was done:", f"  {fixture.c.spec}: copy {fixture.key} here, verified",
    ]  # fmt: skip


def test_what_ends_a_dry_run_says_nothing_more(
    file_project: ProjectFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run has changed nothing, however it ends."""
    fixture = file_project
    fixture.stage()
    fixture.b.remove(fixture.key)

    def interrupt(_: LatestRepairer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LatestRepairer, "repair", interrupt)

    with pytest.raises(KeyboardInterrupt) as caught:
        fixture.repair(read_only=True)

    assert with_notes("interrupted", caught.value) == "interrupted"


def test_no_temporary_file_is_left(
    fixture: ProjectFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a repair has downloaded is gone afterwards."""
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()

    fixture.repair_until_equal("1.0.0", keep=f"sha256:{sha256()}")

    assert list((tmp_path / "temp").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="there a folder is removed by its age")
def test_folder_of_a_killed_repair(
    file_project: ProjectFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a killed repair has left in the temporary folder is removed by the next one at once."""
    fixture = file_project
    fixture.stage(content=b"sugar" * MIB)
    fixture.b.remove(fixture.key)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    words = ["repair", fixture.project, "--regions", ",".join(fixture.regions)]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with processes.start(*words, faults=[[1, "hang", "create"]], env=environment) as process:
        while not list(temporary.glob("*/artifact")):
            assert process.poll() is None
            time.sleep(0.01)
        sweep()
        (kept,) = temporary.iterdir()
        process.kill()

    left = list(temporary.iterdir())
    done = fixture.repair()

    assert left == [kept]
    assert done
    assert list(temporary.iterdir()) == []


def test_other_folders_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder with anything else in it, a young one and a link are left alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old = time.time() - 2 * SCRATCH_ABANDONED_SECONDS
    for name, files in {
        "startifact-fetch-aaaaaaaa": ["lock", "thesis.tex"],
        "startifact-fetch-bbbbbbbb": ["artifact"],
        "startifact-fetch-cccccccc": ["artifact"],
        "startifact-examples": ["lock"],
    }.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).touch()
            if not name.endswith("b"):
                os.utime(tmp_path / name / file, (old, old))
        if not name.endswith("b"):
            os.utime(tmp_path / name, (old, old))
    (tmp_path / "startifact-fetch-dddddddd").symlink_to(tmp_path / "startifact-examples")

    sweep()

    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "startifact-examples",
        "startifact-fetch-aaaaaaaa",
        "startifact-fetch-bbbbbbbb",
        "startifact-fetch-dddddddd",
    ]
    assert (tmp_path / "startifact-examples" / "lock").exists()
