"""Deliberate breaks of the code, each of which the model notices: it can fail."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from startifact.channels import latest, reading
from startifact.channels.latest import ChannelWriter
from startifact.channels.record import read_channel_record
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import AlreadyStagedError, ExistsError
from startifact.files.source import Source
from startifact.model import versions
from startifact.model.keys import Key
from startifact.model.record import Record, decode
from startifact.reading.replica import Replica
from startifact.regions.interface import Region, StoredArtifact, StoredChannel
from startifact.repair import latest as repair_latest
from startifact.repair import verify
from startifact.repair.inventory import ProjectInventory
from startifact.repair.latest import LatestRepairer
from startifact.repair.log import RepairLog
from startifact.session import base
from startifact.staging import content, region_steps, stager
from startifact.staging import latest as staging_latest
from startifact.staging.outcomes import StageRequest
from startifact.staging.stager import Stager
from startifact.staging.state import StagingState
from tests.model import shuffle
from tests.model.explorer import Explorer
from tests.model.programs import Get, Program, Repair, Stage
from tests.model.rules import CHANNEL, BrokenPromiseError
from tests.model.world import World
from tests.support.memory_region import StoreState

pytestmark = [pytest.mark.no_cover, pytest.mark.timeout(600)]

Break = Callable[[pytest.MonkeyPatch], None]

OTHER = (Stage("p", "A", "1.0.0", "x"), Stage("q", "A", "1.0.0", "y"))
OTHER_IN_TWO = (Stage("p", "AB", "1.0.0", "x"), Stage("q", "AB", "1.0.0", "y"))
ELSEWHERE = (Stage("p", "A", "1.0.0", "x"), Stage("q", "B", "1.0.0", "y"), Repair("m", "AB"))
LATER = (Stage("p", "A", "1.0.0", "x"), Stage("q", "A", "1.1.0", "y"))
LATER_SHOWN = (Stage("p", "a", "1.0.0", "x"), Stage("q", "a", "1.1.0", "y"))
UNSTABLE = (Stage("p", "A", "1.0.0", "x"), Stage("q", "A", "2.0.0-rc.1", "y"))
BEHIND = (Stage("p", "A", "1.1.0", "x"), Stage("q", "AB", "1.0.0", "y"))
KEPT = (Stage("p", "AB", "1.0.0", "x"), Stage("q", "AB", "1.0.0", "y", if_exists="keep"))
OTHER_AND_EASY = (Stage("p", "AB", "1.0.0", "x", 1), Stage("q", "AB", "1.0.0", "y", 1))
LOWER = (Stage("q", "AB", "1.0.0", "y"),)
ALONE = (Stage("p", "AB", "1.0.0", "x"),)
ALONE_AND_EASY = (Stage("p", "AB", "1.0.0", "x", 1),)


def create_that_overwrites(patch: pytest.MonkeyPatch) -> None:
    def create(
        self: StoreState, key: str, data: bytes, encoded_record: str, proves: bool
    ) -> tuple[StoreState, StoredArtifact | None]:
        after = self.put(key, data, encoded_record)
        return after, after.items[key].stored if proves else None

    patch.setattr(StoreState, "create", create)


def content_that_is_not_compared(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Record, "same_content", lambda self, other: True)


def conflicts_that_do_not_stop(patch: pytest.MonkeyPatch) -> None:
    """Who meets other content while it writes goes on in the other regions."""
    original = Stager._choose

    def choose(self: Stager, state: StagingState, request: StageRequest, attempt: Record) -> Record:
        try:
            return original(self, state, request, attempt)
        except AlreadyStagedError:
            if not state.created:
                raise
            return attempt

    patch.setattr(Stager, "_choose", choose)


def repair_to_what_is_disputed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LatestRepairer, "_is_disputed", lambda self, version: False)
    for module in (repair_latest, verify):
        patch.setattr(module, "is_disputed", lambda project_inventory, version: False)


def repair_that_forgets_conflicts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RepairLog, "conflict", lambda self, region, key: None)


def replicas_that_were_only_reported_early(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StagingState, "record_early_replica", lambda self, copy: None)


def regions_that_fail_in_a_comparison(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ProjectInventory, "statuses_with_early", ProjectInventory.statuses)


def writing_without_inspecting(patch: pytest.MonkeyPatch) -> None:
    def inspect_region(
        region: Region, project: str, version: object, heartbeat: Heartbeat, *, on_replica: object
    ) -> region_steps.RegionSnapshot:
        _, channel_record = read_channel_record(region, project, "latest")
        latest = None if channel_record is None else channel_record.version
        return region_steps.RegionSnapshot(region.store_identity(), (), None, latest)

    patch.setattr(region_steps, "inspect_region", inspect_region)


def nothing_more_to_do_for_a_re_run(patch: pytest.MonkeyPatch) -> None:
    """What is stored everywhere is taken for staged: latest is not looked at."""
    original = Stager._move_latest

    def move(self: Stager, state: StagingState, request: StageRequest) -> None:
        if state.created:
            original(self, state, request)

    patch.setattr(Stager, "_move_latest", move)


def writes_that_are_not_looked_at_again(patch: pytest.MonkeyPatch) -> None:
    """ "Exists" is taken for a write of one's own."""

    def create(
        region: Region,
        project: str,
        key: Key,
        source: Source,
        encoded_record: str,
        heartbeat: Heartbeat,
        **_: object,
    ) -> Replica:
        with contextlib.suppress(ExistsError):
            region.create(key, source, encoded_record, heartbeat.beat)
        stored = StoredArtifact(size=source.size, encoded_record=encoded_record, token="1")
        return Replica(region, stored, decode(encoded_record, where="a break"))

    patch.setattr(region_steps, "create", create)


def latest_where_nothing_is(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StagingState, "replicas_in_order", lambda self: list(self.replicas.values()))
    patch.setattr(StagingState, "holders", lambda self: list(self.regions))
    patch.setattr(StagingState, "record_failure", lambda self, failure: None)


def _advance(patch: pytest.MonkeyPatch, **changed: object) -> None:
    original: Any = ChannelWriter.advance

    def advance(self: ChannelWriter, *args: Any, **given: Any) -> Any:
        return original(self, *args, **{**given, **changed})

    patch.setattr(ChannelWriter, "advance", advance)


def beginning_at_what_is_not_there(patch: pytest.MonkeyPatch) -> None:
    _advance(patch, holds=lambda version: True)


def beginning_without_highest_known(patch: pytest.MonkeyPatch) -> None:
    _advance(patch, highest_known=None)


def _order_versions(patch: pytest.MonkeyPatch, is_later: Callable[..., bool]) -> None:
    """Make *is_later* the order of versions, wherever ``latest`` is read and moved."""
    for module in (latest, versions):
        patch.setattr(module, "is_later", is_later)


def latest_that_goes_back(patch: pytest.MonkeyPatch) -> None:
    _order_versions(patch, lambda version, than: version != than)


def prereleases_as_any_other(patch: pytest.MonkeyPatch) -> None:
    _order_versions(patch, lambda version, than: version.compare(than) > 0)


def latest_that_never_moves(patch: pytest.MonkeyPatch) -> None:
    _order_versions(patch, lambda version, than: False)


def moving_whatever_is_there(patch: pytest.MonkeyPatch) -> None:
    """The state that is expected is read just before the write."""

    def write(
        self: ChannelWriter, region: Region, key: Key, text: str, state: StoredChannel
    ) -> bool:
        return region.write_channel(key, text, region.read_channel(key))

    patch.setattr(ChannelWriter, "_write", write)


def copy_that_is_not_looked_at_again(patch: pytest.MonkeyPatch) -> None:
    def mirror(self: ChannelWriter, region: Region, project: str, move: object = None) -> None:
        _, channel_record = read_channel_record(region, project, "latest")
        if channel_record is not None and region.mirror is not None:
            region.mirror.write(project, "latest", str(channel_record.version))

    patch.setattr(ChannelWriter, "mirror", mirror)


def _with_one_region(patch: pytest.MonkeyPatch, step: str) -> None:
    original: Any = getattr(Stager, step)
    patch.setattr(Stager, step, lambda self, *args: original(replace(self, required=1), *args))


def latest_before_enough_copies(patch: pytest.MonkeyPatch) -> None:
    _with_one_region(patch, "_check_written")


def success_before_latest_has_followed(patch: pytest.MonkeyPatch) -> None:
    _with_one_region(patch, "_move_latest")


def quorum_of_one(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(base, "required_to_stage", lambda required, regions: 1)


def one_answer_that_is_enough(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reading, "required_to_read", lambda regions: 1)


def lowest_of_the_answers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reading, "highest", min)


def keeping_that_stages_its_own(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stager, "choose_content", lambda state, request, attempt: attempt)


def one_region_that_is_a_majority(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(content, "majority", lambda regions: 1)


def latest_that_is_not_looked_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stager, "look_for_lost_latest", lambda *args: None)


SEARCHES: list[tuple[Break, str, tuple[Program, ...], int]] = [
    (create_that_overwrites, "promise 1", OTHER, 0),
    (content_that_is_not_compared, "promise 1", OTHER, 0),
    (conflicts_that_do_not_stop, "promise 1", OTHER_IN_TWO, 0),
    (repair_to_what_is_disputed, "promise 1", ELSEWHERE, 0),
    (replicas_that_were_only_reported_early, "promise 2", OTHER_IN_TWO, 1),
    (writing_without_inspecting, "promise 2", OTHER_IN_TWO, 0),
    (nothing_more_to_do_for_a_re_run, "promise 2", OTHER, 0),
    (writes_that_are_not_looked_at_again, "success", OTHER, 0),
    (latest_where_nothing_is, "promise 3", ALONE_AND_EASY, 1),
    (beginning_at_what_is_not_there, "promise 3", BEHIND, 0),
    (beginning_without_highest_known, "behind", BEHIND, 0),
    (latest_that_goes_back, "promise 4", LATER, 0),
    (prereleases_as_any_other, "promise 4", UNSTABLE, 0),
    (latest_that_never_moves, "promise 2", LATER, 0),
    (moving_whatever_is_there, "promise 4", LATER, 0),
    (copy_that_is_not_looked_at_again, "copy", LATER_SHOWN, 0),
    (latest_before_enough_copies, "quorum", ALONE, 1),
    (success_before_latest_has_followed, "success", ALONE, 1),
    (quorum_of_one, "success", ALONE, 1),
    (keeping_that_stages_its_own, "promise 2", KEPT, 0),
    (one_region_that_is_a_majority, "promise 1", OTHER_AND_EASY, 0),
]


def _repair_that_meets_other_content(world: World) -> None:
    world.serve("p", world.until("p", "create", "A"))
    world.kill("p")
    world.until("m", "create", "C")
    world.end("q")
    world.end("m")


def _repair_to_which_a_region_tells_a_part(world: World) -> None:
    world.end("p")
    world.end("q")
    world.serve("m", world.until("m", "read_channel", "C"), "refused")
    world.end("m")


def _reader_that_reaches_one(world: World) -> None:
    world.end("p")
    world.serve("q", world.until("q", "describe", "C"), "refused")
    world.end("q")
    for region in "AB":
        world.serve("g", world.until("g", "read_channel", region), "refused")
    world.end("g")


def _reader_of_a_region_that_is_behind(world: World) -> None:
    world.end("p")
    world.serve("q", world.until("q", "describe", "C"), "refused")
    world.end("q")
    world.end("g")


REPAIRED = (Stage("p", "ABC", "1.0.0", "x"), Stage("q", "C", "1.0.0", "y"), Repair("m", "ABC"))
REPAIRED_HALF = (Stage("p", "A", "1.0.0", "x"), Stage("q", "C", "1.0.0", "y"), Repair("m", "ABC"))
READ = (Stage("p", "ABC", "1.0.0", "x"), Stage("q", "ABC", "1.1.0", "y"), Get("g", "ABC"))

SCHEDULES: list[tuple[Break, str, tuple[Program, ...], Callable[[World], None]]] = [
    (repair_that_forgets_conflicts, "promise 1", REPAIRED, _repair_that_meets_other_content),
    (
        regions_that_fail_in_a_comparison,
        "promise 2",
        REPAIRED_HALF,
        _repair_to_which_a_region_tells_a_part,
    ),
    (one_answer_that_is_enough, "quorum", READ, _reader_that_reaches_one),
    (lowest_of_the_answers, "quorum", READ, _reader_of_a_region_that_is_behind),
]


def _names(cases: list[Any]) -> list[str]:
    return [case[0].__name__ for case in cases]


@pytest.mark.parametrize(("break_", "rule", "programs", "faults"), SEARCHES, ids=_names(SEARCHES))
def test_break_that_a_search_notices(
    break_: Break,
    rule: str,
    programs: tuple[Program, ...],
    faults: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A search that ends well without the break names the rule that is broken with it."""
    preemptions = 3 if len(programs) > 1 else None
    break_(monkeypatch)

    with pytest.raises(BrokenPromiseError) as e:
        Explorer(programs, folder, faults=faults, preemptions=preemptions).run()

    assert e.value.rule == rule
    assert e.value.__notes__


@pytest.mark.parametrize(
    ("break_", "rule", "programs", "schedule"), SCHEDULES, ids=_names(SCHEDULES)
)
def test_break_that_a_schedule_notices(
    break_: Break,
    rule: str,
    programs: tuple[Program, ...],
    schedule: Callable[[World], None],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same of what takes three regions: one schedule, that keeps every promise without it."""
    schedule(World(programs, folder))
    break_(monkeypatch)

    with pytest.raises(BrokenPromiseError) as e:
        schedule(World(programs, folder))

    assert e.value.rule == rule


def test_search_notices_that_latest_is_set_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where latest was lost, a search notices that it begins too low."""
    world = World([Stage("p", "AB", "1.1.0", "x")], folder)
    world.end("p")
    world.close()
    stores = {name: store.without(CHANNEL) for name, store in world.stores.items()}
    assert Explorer(LOWER, folder, stores=stores).run().left == 0
    latest_that_is_not_looked_for(monkeypatch)

    with pytest.raises(BrokenPromiseError) as e:
        Explorer(LOWER, folder, stores=stores).run()

    assert e.value.rule == "lost"


@pytest.mark.parametrize("away", ["", "A", "B", "C"])
def test_region_that_was_behind_does_not_set_latest_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    """Where two of three have lost latest, the third one does not say where it begins."""
    world = World([Stage("o", "ABC", "1.1.0", "x"), Stage("p", "AB", "1.2.0", "x")], folder)
    world.end("o")
    world.end("p")
    world.close()
    stores = {n: s if n == "C" else s.without(CHANNEL) for n, s in world.stores.items()}

    def stage() -> None:
        again = World([Stage("q", "ABC", "1.1.5", "y")], folder, stores)
        if away:
            again.serve("q", again.until("q", "describe", away), "refused")
        again.end("q")
        again.close()

    stage()
    monkeypatch.setattr(staging_latest, "required_to_read", lambda regions: 1)
    if away == "C":  # nothing is known then, so that versions are listed all the same
        return
    with pytest.raises(BrokenPromiseError) as e:
        stage()

    assert e.value.rule == "lost"


@pytest.mark.exhaustive
def test_seeds_notice_a_break(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Schedules drawn from seeds come upon a break too, and tell the seed."""
    lowest_of_the_answers(monkeypatch)

    with pytest.raises(BrokenPromiseError) as e:
        _run_seeds(range(3000), folder)

    assert e.value.rule == "quorum"
    assert any(note.startswith("seed ") for note in e.value.__notes__)


def _run_seeds(seeds: range, folder: Path) -> None:
    for seed in seeds:
        shuffle.run(seed, folder)


@pytest.mark.parametrize(
    ("programs", "faults"),
    [
        (OTHER, 0),
        pytest.param(ELSEWHERE, 0, marks=pytest.mark.exploration),
        (LATER, 0),
        (LATER_SHOWN, 0),
        (UNSTABLE, 0),
        (BEHIND, 0),
        (ALONE, 1),
        (ALONE_AND_EASY, 1),
        (OTHER_AND_EASY, 0),
    ],
)
def test_searches_that_end_well_without_a_break(
    programs: tuple[Program, ...], faults: int, folder: Path
) -> None:
    """Nothing is noticed where nothing is broken; OTHER_IN_TWO is among the longer searches."""
    preemptions = 3 if len(programs) > 1 else None
    assert Explorer(programs, folder, faults=faults, preemptions=preemptions).run().left == 0
