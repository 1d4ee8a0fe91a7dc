"""Every schedule of prunes with promotions and stagings of what is removed."""

from collections.abc import Sequence
from pathlib import Path

from startifact.model.keys import LATEST, artifact_key, channel_key, mark_key
from startifact.model.record import encode_tombstone
from startifact.registers.marks import PruningState
from tests.model import channel_rules, prune_rules
from tests.model.channel_explorer import VERSIONS, ChannelExplorer
from tests.model.channel_programs import Promote
from tests.model.engine import NOW, serve
from tests.model.explorer import State, Step
from tests.model.programs import PROJECT, Program, Report, Stage
from tests.model.prune_programs import MarkDue, PruneAll
from tests.model.rules import BrokenPromiseError
from tests.model.world import World
from tests.support.memory_region import Request, StoreState

OLD = "1.1.0"
"""The version that is to be removed."""


def marked(
    folder: Path, regions: str, *, channel_in: str = "", staged_in: str = ""
) -> dict[str, StoreState]:
    """Return regions that hold all versions, of which ``OLD`` is due; it may be in some only."""
    programs: list[Program] = []
    for v in VERSIONS:
        where = staged_in if staged_in and v == OLD else regions
        programs.append(Stage(f"s{v}", where, v, f"content {v}", required=len(where)))
    if channel_in:
        programs.append(Promote(channel_rules.FIRST, channel_in, VERSIONS[0]))
    programs.append(MarkDue("due", regions, OLD))
    world = World(programs, folder)
    for program in programs:
        world.end(program.name)
    world.close()
    return dict(world.stores)


def removed(folder: Path, *, lost_in: str = "") -> dict[str, StoreState]:
    """Return three regions from which ``OLD`` was removed; some have lost what they know of it."""
    mark = MarkDue("before", "ABC", OLD, PruningState.REMOVING)
    world = World([mark], folder, stores=marked(folder, "ABC"))
    world.end(mark.name)
    world.close()
    key = artifact_key(PROJECT, OLD)
    tombstone = encode_tombstone(removed_at=NOW, removed_by=mark.name)
    stores = {
        name: store.replace_with_tombstone(key, tombstone, store.items[key].stored.token)[0]
        for name, store in world.stores.items()
    }
    for name in lost_in:
        stores[name] = stores[name].without(key).without(mark_key(PROJECT, OLD))
    return stores


def above_latest(folder: Path) -> dict[str, StoreState]:
    """Return regions of which one holds two versions above ``latest``; the lower one is due."""
    programs: list[Program] = [
        Stage("s", "ABC", VERSIONS[0], f"content {VERSIONS[0]}", required=3),
        *(Stage(f"s{v}", "A", v, f"content {v}", required=1) for v in VERSIONS[1:]),
        MarkDue("due", "ABC", OLD),
    ]
    world = World(programs, folder)
    for program in programs:
        world.end(program.name)
    world.close()
    latest = channel_key(PROJECT, LATEST)
    stores = dict(world.stores)
    stores["A"] = stores["A"].write(latest, stores["B"].channels[latest])
    return stores


class PruneExplorer(ChannelExplorer):
    """Searches what prunes do beside others; each state is judged by what is in use and removed."""

    def _take(self, state: State, step: Step) -> State:
        after = super()._take(state, step)
        if after.began != state.began:
            index, stores = step.program, self._by_name(after.stores)
            began = (after.began[index] or frozenset()) | prune_rules.removing(
                self.programs, stores
            )
            after = after._replace(began=(*after.began[:index], began, *after.began[index + 1 :]))
            self._judge_once(after)
        return after

    def _judge(self, state: State, reports: Sequence[Report | None]) -> None:
        super()._judge(state, reports)
        stores = self._by_name(state.stores)
        prune_rules.check_stores(self.programs, reports, state.began, stores)

    def _serve(self, region: str, store: StoreState, request: Request) -> tuple[StoreState, object]:
        found = self._served.get((store, request))
        if found is None:
            after, answer = serve(store, request)
            channel_rules.check_change(region, store, after)
            prune_rules.check_change(region, store, after)
            found = self._states_by_value.setdefault(after, after), answer
            self._served[store, request] = found
        return found

    def _check_report(self, state: State, index: int, report: Report) -> None:
        if isinstance(self.programs[index], Stage):
            self._reports.add((self.programs[index].name, report.end))
            return
        super()._check_report(state, index, report)


class RemovedExplorer(PruneExplorer):
    """Searches what comes after a removal that was finished: the number stays used, everywhere."""

    def _check_report(self, state: State, index: int, report: Report) -> None:
        super()._check_report(state, index, report)
        if isinstance(self.programs[index], Stage) and report.end == "staged":
            raise BrokenPromiseError("number", f"{OLD} was staged again")

    def _check_end(self, state: State) -> None:
        """Where a prune has succeeded, whatever was written until then is replaced."""
        pruned = any(
            isinstance(program, PruneAll)
            and node.report is not None
            and node.report.end == "pruned"
            for program, node in zip(self.programs, state.nodes, strict=True)
        )
        stores, key = self._by_name(state.stores), artifact_key(PROJECT, OLD)
        left = [n for n in stores if not prune_rules.is_removed(stores[n].items.get(key))]
        if pruned and left:
            raise BrokenPromiseError("removed", f"{key} is not removed in {left}")
