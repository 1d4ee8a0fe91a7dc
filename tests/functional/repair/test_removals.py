"""Removals that were not finished, and tombstones that were lost or damaged."""

from collections.abc import Callable, Sequence

import pytest

from startifact.errors import RemovedError
from startifact.limits import DEFAULT_LIMITS
from startifact.model.keys import Key
from startifact.model.record import encode_tombstone, is_tombstone
from startifact.model.versions import parse_version
from startifact.registers.attempt import Author
from startifact.registers.marks import Mark, PruningMark, PruningState, mark_register
from startifact.repair.verify import FindingKind
from tests.functional.repair.project_fixture import CONTENT, OTHER, ProjectFixture, sha256
from tests.support.backends import Backend
from tests.support.faulty_region import faulty

AT = "2026-01-01T00:00:00Z"
TOMBSTONE = encode_tombstone(removed_at=AT, removed_by="a test")


def begin(fixture: ProjectFixture, regions: Sequence[str] | None = None) -> None:
    """Let *regions* say that the version is being removed, as a prune does."""
    pruning = PruningMark(state=PruningState.REMOVING, not_before=AT, at=AT, decided_by="a test")
    opened = faulty(regions or fixture.regions)
    register = mark_register(opened, fixture.project, parse_version("1.0.0"), limits=DEFAULT_LIMITS)
    register.change(lambda _: Mark(pruning=pruning), Author(moved_by="a test", now=lambda: AT))


@pytest.fixture
def removed(fixture: ProjectFixture) -> ProjectFixture:
    """Return a project of which one version of two was removed, in every region."""
    fixture.stage()
    fixture.stage("2.0.0")
    for _ in range(2):
        fixture.session().prune(fixture.project, keep_versions=1, grace="0s", yes=True)
    assert all(is_tombstone(b.encoded_record(fixture.key)) for b in fixture.backends)
    return fixture


def lose(fixture: ProjectFixture, backend: Backend) -> None:
    backend.remove(fixture.key)


def bring_back(fixture: ProjectFixture, backend: Backend) -> None:
    """Put the artifact back, as from a backup."""
    backend.plant(fixture.key, CONTENT, backend.encoded_record(fixture.at("2.0.0")))


def replace(fixture: ProjectFixture, backend: Backend) -> None:
    """Put other bytes there, which are not what their record says."""
    backend.plant(fixture.key, OTHER + OTHER, backend.encoded_record(fixture.at("2.0.0")))


def damage(fixture: ProjectFixture, backend: Backend) -> None:
    backend.plant(fixture.key, b"", "not JSON")


def leave_bytes(fixture: ProjectFixture, backend: Backend) -> None:
    """Leave what a removal leaves that was interrupted in a directory."""
    backend.plant(fixture.key, CONTENT * 100, TOMBSTONE)


Damage = Callable[[ProjectFixture, Backend], None]
DAMAGES = [lose, bring_back, replace, damage, leave_bytes]


@pytest.mark.parametrize("damage_", DAMAGES, ids=lambda d: d.__name__)
@pytest.mark.represented_by("aws-lose", "aws-leave_bytes", "file-bring_back", "file-damage")
def test_damage_of_a_tombstone(removed: ProjectFixture, damage_: Damage) -> None:
    """It is found, and repaired: a removed version stays removed."""
    damage_(removed, removed.b)

    found = removed.found()
    done = removed.repair_until_equal()

    assert found == [(FindingKind.NOT_REMOVED, removed.b.spec)]
    assert done == [("remove", removed.b.spec)]
    assert is_tombstone(removed.b.encoded_record(removed.key))


@pytest.mark.parametrize("damage_", DAMAGES, ids=lambda d: d.__name__)
@pytest.mark.represented_by("aws-replace", "file-bring_back", "file-damage")
def test_damage_where_the_mark_is_lost(removed: ProjectFixture, damage_: Damage) -> None:
    """Most tombstones say the same as the mark, which is made anew."""
    for backend in removed.backends:
        backend.erase(f"{removed.project}/_yanked/1.0.0")
    damage_(removed, removed.b)

    assert removed.found("1.0.0") == [(FindingKind.NOT_REMOVED, removed.b.spec)]
    assert removed.repair_until_equal("1.0.0") == [("remove", removed.b.spec)]


@pytest.mark.sweep
@pytest.mark.parametrize("version", [None, "1.0.0"], ids=["project", "version"])
def test_tombstones_lost_everywhere(removed: ProjectFixture, version: str | None) -> None:
    """The marks still say it: it is found, completed, and whoever asks for it learns of it."""
    for backend in removed.backends:
        lose(removed, backend)
    session = removed.session()

    found = removed.found(version)
    verified = session.verify(removed.project, version)
    for ask in (session.get, session.yank):
        with pytest.raises(RemovedError, match="was removed, or is being removed"):
            ask(removed.project, "1.0.0", *(["It is broken"] if ask == session.yank else []))
    done = removed.repair_until_equal(version)

    assert found == [(FindingKind.NOT_REMOVED, region) for region in removed.regions]
    assert "1.0.0" in map(str, verified.versions)
    assert done == [("remove", region) for region in removed.regions]
    assert all(is_tombstone(b.encoded_record(removed.key)) for b in removed.backends)


def test_tombstones_lost_where_a_region_is_down(removed: ProjectFixture) -> None:
    """It is found in the others."""
    for backend in removed.backends:
        lose(removed, backend)
    removed.b.fail_region()

    found = removed.found()

    removed.b.restore_region()
    others = [region for region in removed.regions if region != removed.b.spec]
    assert found == [(FindingKind.NOT_REMOVED, region) for region in others]


def test_removal_that_has_only_begun(fixture: ProjectFixture) -> None:
    """Where a prune died before its first tombstone, it is completed."""
    fixture.stage()
    fixture.stage("2.0.0")
    begin(fixture)

    found = fixture.found()
    done = fixture.repair_until_equal()

    assert found == [(FindingKind.NOT_REMOVED, region) for region in fixture.regions]
    assert done == [("remove", region) for region in fixture.regions]


def test_a_channel_holds_it(fixture: ProjectFixture) -> None:
    """Where a channel points at what is being removed, it stays, and the mark says so."""
    fixture.stage()
    fixture.stage("2.0.0")
    fixture.session().promote(fixture.project, "1.0.0", "prod")
    begin(fixture)

    done = fixture.repair()

    assert {step.action for step in done.steps} == {"take-back"}
    assert not done.refusals
    assert fixture.verify(read_data=True)
    assert fixture.session().promote(fixture.project, "1.0.0", "staging").changed


def test_missing_region_is_not_filled(fixture: ProjectFixture) -> None:
    """What is being removed is not brought to a region that lacks it."""
    fixture.stage()
    fixture.stage("2.0.0")
    fixture.c.remove(fixture.key)
    begin(fixture, fixture.regions[:1])

    done = fixture.repair("1.0.0")

    assert {step.action for step in done.steps} == {"remove"}
    assert all(is_tombstone(b.encoded_record(fixture.key)) for b in fixture.backends)


def test_nothing_of_it_can_be_kept(removed: ProjectFixture) -> None:
    """A person cannot bring back what was removed."""
    bring_back(removed, removed.b)

    said = removed.refused("1.0.0", keep=f"sha256:{sha256()}")

    assert "no content of it can be kept" in said


def test_tombstone_nobody_else_knows_of(fixture: ProjectFixture) -> None:
    """One where other regions have nothing is brought to them: its number is used."""
    fixture.stage("2.0.0")
    fixture.a.plant(fixture.key, b"", TOMBSTONE)

    found = fixture.found()
    done = fixture.repair_until_equal()

    assert found == [(FindingKind.NOT_REMOVED, region) for region in fixture.regions[1:]]
    assert done == [("remove", region) for region in fixture.regions[1:]]


def test_removal_that_was_taken_back(fixture: ProjectFixture) -> None:
    """What one region alone still says is no removal to complete: it missed the take-back."""
    fixture.stage()
    fixture.stage("2.0.0")
    fixture.session().promote(fixture.project, "1.0.0", "prod")
    begin(fixture)
    key = f"{fixture.project}/_yanked/1.0.0"
    missed = fixture.c.text(key)
    fixture.session().prune(fixture.project, keep_versions=1, yes=True)
    fixture.c.write(key, missed)
    for backend in fixture.backends:
        backend.erase(f"{fixture.project}/prod")

    foretold = fixture.repair(read_only=True)
    done = fixture.repair()

    assert (done.refusals, done.failures) == ((), {})
    assert foretold.steps == done.steps
    assert {step.action for step in done.steps} == {"move-channel"}
    assert not any(is_tombstone(b.encoded_record(fixture.key)) for b in fixture.backends)
    assert fixture.verify()


def test_no_content_is_kept_where_marks_cannot_be_read(fixture: ProjectFixture) -> None:
    """A tombstone is not set aside while it is not known whether the version is being removed."""
    fixture.stage()
    fixture.stage("2.0.0")
    begin(fixture)
    fixture.a.plant(fixture.key, b"", TOMBSTONE)
    for backend in fixture.backends[:2]:
        backend.write(f"{fixture.project}/_yanked/1.0.0", "not JSON")
    fixture.c.erase(f"{fixture.project}/_yanked/1.0.0")

    done = fixture.repair("1.0.0", keep=f"sha256:{sha256()}")

    assert done.steps == ()
    assert "cannot tell whether" in str(done.refusals[0])
    assert is_tombstone(fixture.a.encoded_record(fixture.key))


def test_tombstone_while_a_region_is_down(fixture: ProjectFixture) -> None:
    """One alone removes nothing while a region may have the version that has not answered."""
    fixture.stage()
    fixture.stage("2.0.0")
    fixture.a.plant(fixture.key, b"", TOMBSTONE)
    lose(fixture, fixture.b)
    fixture.c.fail_region()

    found = fixture.found()
    done = fixture.repair()

    assert (FindingKind.REMOVED, fixture.regions[0]) in found
    assert done.steps == ()
    assert done.refusals
    fixture.c.restore_region()
    assert not is_tombstone(fixture.c.encoded_record(fixture.key))


def test_region_that_is_down(removed: ProjectFixture) -> None:
    """What can be repaired is, and so it is reported, and the rest is said."""
    lose(removed, removed.b)
    removed.c.fail_region()

    done = removed.repair()

    assert not done
    assert [(step.action, step.region) for step in done.steps] == [("remove", removed.regions[1])]
    assert is_tombstone(removed.b.encoded_record(removed.key))
    assert removed.regions[2] in done.failures
    removed.c.restore_region()
    assert removed.repair()
    assert removed.verify()


def test_something_that_is_no_artifact(file_project: ProjectFixture) -> None:
    """What nobody may replace is refused, with the reason."""
    fixture = file_project
    fixture.stage("2.0.0")
    for backend in fixture.backends[:2]:
        backend.plant(fixture.key, b"", TOMBSTONE)
    fixture.c.plain(Key(f"{fixture.key}/unexpected"), b"x")

    done = fixture.repair()

    assert not done
    assert "is neither an artifact nor half of one" in str(done.refusals[0])
