"""Whoever fills a region sees a removal that is under way, or was left unfinished."""

from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.errors import AccessDeniedError, ConflictError, RemovedError
from startifact.limits import DEFAULT_LIMITS
from startifact.model.record import encode_tombstone, is_tombstone
from startifact.model.versions import parse_version
from startifact.regions.interface import Region
from startifact.registers.attempt import Author
from startifact.registers.marks import Mark, PruningMark, PruningState, mark_register
from tests.support.backends import Backend
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import Session

MakeFile = Callable[..., Path]

KEY = "SugarWater@1.0.0"
AT = "2026-01-01T00:00:00Z"
TOMBSTONE = encode_tombstone(removed_at=AT, removed_by="a test")
FILES = pytest.mark.parametrize("backends", ["file"], indirect=True)


def begin_removal(regions: list[Region], version: str = "1.0.0") -> None:
    """Let *regions* say of *version* that it is being removed."""
    pruning = PruningMark(state=PruningState.REMOVING, not_before=AT, at=AT, decided_by="a test")
    register = mark_register(regions, "SugarWater", parse_version(version), limits=DEFAULT_LIMITS)
    register.change(lambda _: Mark(pruning=pruning), Author(moved_by="a test", now=lambda: AT))


def specs_of(backends: list[Backend]) -> list[str]:
    return [backend.spec for backend in backends]


@pytest.mark.sweep
@pytest.mark.parametrize("if_exists", ["fail", "keep"])
@pytest.mark.parametrize("dry_run", [False, True], ids=["stage", "dry-run"])
def test_being_removed_anywhere_refuses_staging(
    backends: list[Backend], make_file: MakeFile, if_exists: str, *, dry_run: bool
) -> None:
    """The same content, or whatever is there, is refused, and nothing is written."""
    specs = specs_of(backends)
    Session(regions=specs).stage("SugarWater", "1.0.0", make_file(b"sugar"))
    backends[2].remove(KEY)
    begin_removal(list(faulty(specs[1:2])))
    before = [backend.snapshot() for backend in backends]

    with pytest.raises(ConflictError, match=r"SugarWater@1\.0\.0 is being removed") as caught:
        Session(regions=specs, read_only=dry_run).stage(
            "SugarWater", "1.0.0", make_file(b"sugar"), if_exists=if_exists
        )

    assert caught.value.exit_code == 4
    assert "the number of a removed version stays used" in str(caught.value)
    assert [backend.snapshot() for backend in backends] == before


@FILES
def test_being_removed_refuses_what_no_region_has(
    backends: list[Backend], make_file: MakeFile
) -> None:
    """Where only the mark is left, latest does not move to the version."""
    specs = specs_of(backends)
    begin_removal(list(faulty(specs)))

    with pytest.raises(ConflictError, match="is being removed"):
        Session(regions=specs).stage("SugarWater", "1.0.0", make_file())

    assert all("SugarWater/latest" not in backend.snapshot() for backend in backends)


@FILES
def test_being_removed_refuses_copies(
    backends: list[Backend], make_file: MakeFile, tmp_path: Path
) -> None:
    """What is being removed here, or there, does not come to other regions."""
    specs = specs_of(backends)
    Session(regions=specs).stage("SugarWater", "1.0.0", make_file(b"sugar"))
    elsewhere = f"file:{tmp_path}/elsewhere"
    begin_removal(list(faulty(specs)))

    with pytest.raises(RemovedError, match="is being removed"):
        Session(regions=specs).copy("SugarWater", "1.0.0", Session(regions=elsewhere))

    assert not (tmp_path / "elsewhere").exists()


@FILES
def test_tombstone_that_comes_while_a_region_is_filled(
    backends: list[Backend], make_file: MakeFile
) -> None:
    """All regions are described once more: a removal that began meanwhile is no success."""
    specs = specs_of(backends)
    Session(regions=specs[:2]).stage("SugarWater", "1.0.0", make_file(b"sugar"))
    regions = faulty(specs)
    plant = backends[0].plant

    class Removing(type(regions[2])):  # type: ignore[misc]
        def preflight(self, project: str) -> None:
            plant(KEY, TOMBSTONE.encode(), TOMBSTONE)
            super().preflight(project)

    regions[2].__class__ = Removing

    with pytest.raises(ConflictError, match=r"was removed at .* by 'a test'|was removed at"):
        session_over(regions).stage("SugarWater", "1.0.0", make_file(b"sugar"))


@pytest.fixture
def unfinished(backends: list[Backend], make_file: MakeFile) -> list[Backend]:
    """Return regions of which two have a tombstone and its mark, and the third one has nothing."""
    specs = specs_of(backends)
    Session(regions=specs).stage("SugarWater", "2.0.0", make_file(b"sugar"))
    begin_removal(list(faulty(specs)))
    for backend in backends[:2]:
        backend.plant(KEY, TOMBSTONE.encode(), TOMBSTONE)
    backends[2].erase("SugarWater/_yanked/1.0.0")
    return backends


@FILES
@pytest.mark.parametrize("dry_run", [False, True], ids=["stage", "dry-run"])
def test_all_that_know_of_the_removal_are_down(
    unfinished: list[Backend],
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
    *,
    dry_run: bool,
) -> None:
    """With fewer required regions than know, it cannot be known: that is a warning."""
    specs = specs_of(unfinished)
    for backend in unfinished[:2]:
        backend.fail_region()

    Session(regions=specs, required_regions=1, read_only=dry_run).stage(
        "SugarWater", "1.0.0", make_file(b"other")
    )

    assert (
        "SugarWater@1.0.0: 1 of 3 regions said that this version was not removed before, 2 are "
        "needed to know: if it was, its number is used again, and the next prune or repair "
        "removes what is staged now"
    ) in caplog.messages
    for backend in unfinished[:2]:
        backend.restore_region()
    assert Session(regions=specs).repair("SugarWater")
    assert all(is_tombstone(backend.encoded_record(KEY)) for backend in unfinished)


@FILES
@pytest.mark.parametrize("required", [1, "majority"])
@pytest.mark.parametrize("left", ["tombstone", "mark"])
def test_one_that_knows_of_the_removal_answers(
    unfinished: list[Backend], make_file: MakeFile, required: int | str, left: str
) -> None:
    """A tombstone, or a mark alone, in one of the regions that answer refuses the staging."""
    specs = specs_of(unfinished)
    unfinished[0].fail_region()
    if left == "mark":
        unfinished[1].remove(KEY)
    before = unfinished[2].snapshot()

    with pytest.raises(ConflictError, match="removed"):
        Session(regions=specs, required_regions=required).stage(
            "SugarWater", "1.0.0", make_file(b"other")
        )

    assert unfinished[2].snapshot() == before


@FILES
@pytest.mark.parametrize("down", [0, 1])
def test_enough_say_that_nothing_was_removed(
    backends: list[Backend], make_file: MakeFile, caplog: pytest.LogCaptureFixture, down: int
) -> None:
    """A staging that asks for one region and meets enough others warns of no removal."""
    for backend in backends[:down]:
        backend.fail_region()

    Session(regions=specs_of(backends), required_regions=1).stage(
        "SugarWater", "1.0.0", make_file(b"sugar")
    )

    assert "removed before" not in caplog.text


@FILES
def test_mark_that_may_not_be_read(
    backends: list[Backend], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A role that may not read marks stages all the same, with a warning that says so."""
    regions = faulty(specs_of(backends))
    for region in regions:
        region.fail("read_channel", AccessDeniedError("the role may not"), nth=2)

    staging = session_over(regions).stage("SugarWater", "1.0.0", make_file())

    assert staging.is_latest
    assert "it is not known whether SugarWater@1.0.0 is being removed: the role" in caplog.text


@FILES
def test_damaged_mark(
    backends: list[Backend], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A mark that nobody can read keeps nobody from staging."""
    for backend in backends:
        backend.write("SugarWater/_yanked/1.0.0", "not JSON")

    staging = Session(regions=specs_of(backends)).stage("SugarWater", "1.0.0", make_file())

    assert staging.is_latest
    assert "is damaged" in caplog.text
