"""Every schedule of a few programs that move and read one channel."""

from collections.abc import Sequence
from pathlib import Path

from tests.model import channel_rules
from tests.model.automaton import Automaton
from tests.model.channel_programs import Promote
from tests.model.explorer import Explorer, State, Step
from tests.model.programs import Program, Report, Stage
from tests.model.rules import BrokenPromiseError
from tests.model.world import World
from tests.support.memory_region import Request, StoreState

VERSIONS = ("1.0.0", "1.1.0", "1.2.0")


def staged(
    folder: Path, regions: str, *, channel_in: str = "", versions: Sequence[str] = VERSIONS[:1]
) -> dict[str, StoreState]:
    """Return regions with all versions; in *channel_in* the channel was moved to *versions*."""
    programs: list[Program] = [Stage(f"s{v}", regions, v, f"content {v}") for v in VERSIONS]
    if channel_in:
        programs += [Promote(f"{channel_rules.FIRST} {v}", channel_in, v) for v in versions]
    world = World(programs, folder)
    for program in programs:
        world.end(program.name)
    world.close()
    return dict(world.stores)


class ChannelExplorer(Explorer):
    """Searches what programs do to one channel; what they succeed with is judged in every state.

    With *again*, all are stopped wherever regions have changed, and another one promotes.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        folder: Path,
        *,
        stores: dict[str, StoreState],
        faults: int = 0,
        preemptions: int | None = None,
        failing: str = "",
        outages: int = 1,
        again: bool = False,
    ) -> None:
        super().__init__(
            programs,
            folder,
            stores=stores,
            faults=faults,
            preemptions=preemptions,
            failing=failing,
            outages=outages,
            in_order=True,
        )
        self._existed = any(channel_rules.KEY in store.channels for store in stores.values())
        self._judged: set[tuple[object, ...]] = set()
        regions = "".join(self.names)
        self._again = Automaton(Promote("again", regions, VERSIONS[2]), folder) if again else None

    def _take(self, state: State, step: Step) -> State:
        after = super()._take(state, step)
        self._judge_once(after)
        return after

    def _judge_once(self, state: State) -> None:
        """Judge what *state* has in common with many others, the first time that it comes."""
        reports = tuple(node.report for node in state.nodes)
        judged = (state.stores, reports, state.began)
        if judged not in self._judged:
            self._judged.add(judged)
            self._judge(state, reports)

    def _judge(self, state: State, reports: Sequence[Report | None]) -> None:
        stores = self._by_name(state.stores)
        channel_rules.check_stores(self.programs, reports, stores, "".join(self.names), state.began)

    def _serve(self, region: str, store: StoreState, request: Request) -> tuple[StoreState, object]:
        after, answer = super()._serve(region, store, request)
        channel_rules.check_change(region, store, after)
        return after, answer

    def _check_report(self, state: State, index: int, report: Report) -> None:
        self._reports.add((self.programs[index].name, report.end))
        if report.end == "unknown" and not self._failing and not self._faults:
            raise BrokenPromiseError("calm", f"{self.programs[index].name} does not know")
        reports = [node.report for node in state.nodes]
        channel_rules.check_reports(
            self.programs, reports, state.began, channel_existed=self._existed
        )

    def _check_stores(self, stores: tuple[StoreState, ...]) -> None:
        """Stop everybody here, and have another one promote: alone it succeeds at once."""
        if self._again is None or stores in self._ended_again:
            return
        self._ended_again.add(stores)
        report, after = self._run_alone(self._again, self._by_name(stores))
        if report.end not in {"done", "unchanged"}:
            raise BrokenPromiseError("alone", f"whoever promotes next, alone, ends {report.end}")
        regions = "".join(self.names)
        channel_rules.check_stores([self._again.program], [report], after, regions)

    def _check_end(self, state: State) -> None:
        """Nothing: promotions are judged in every state."""
