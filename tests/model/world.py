"""Programs that run live against regions in memory, one step at a time, each step judged."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from startifact.errors import RegionUnavailableError
from tests.model import rules
from tests.model.engine import Ask, Process, Raised, resolved, serve
from tests.model.programs import Program, Report, Stage
from tests.support.memory_region import StoreState

LOST = Raised(RegionUnavailableError, "the answer was lost")


class Actor:
    """One program, and the process that runs it once it has started."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: Process | None = None
        self.known = rules.known_from_the_start(program)
        self.began: frozenset[Program] = frozenset()
        self.doubtful: set[int] = set()
        """Threads that may have been given up: what they see, nobody may have seen."""

        self.report: Report | None = None
        self.is_dead = False

    @property
    def pending(self) -> dict[int, Ask]:
        """The calls that wait for an answer, by thread."""
        return {} if self.process is None else self.process.pending

    @property
    def is_over(self) -> bool:
        """Whether it has ended or died."""
        return self.is_dead or self.report is not None


class World:
    """*programs* and the regions that they use, which hold *stores* at first."""

    def __init__(
        self,
        programs: Sequence[Program],
        folder: Path,
        stores: Mapping[str, StoreState] | None = None,
    ) -> None:
        names = {region for program in programs for region in program.regions}
        self.stores = {name: (stores or {}).get(name, StoreState()) for name in sorted(names)}
        self.first = dict(self.stores)
        self.is_steady = not stores and rules.is_one_list(programs)
        self.actors = {program.name: Actor(program) for program in programs}
        self.orphans: list[Ask] = []
        """What is on its way to a region, and nobody waits for any more."""

        self.is_calm = True
        self.log: list[tuple[str, str, object, object]] = []
        self._folder = folder

    def start(self, name: str, *, run: bool = True) -> None:
        """Start a program."""
        actor = self.actors[name]
        actor.began = frozenset(self._succeeded())
        actor.process = Process(lambda: actor.program.run(self._folder))
        self.log.append((name, "starts", "", ""))
        if run:
            self.run_until_idle(name)

    def run_until_idle(self, name: str) -> None:
        """Let a program run until it waits."""
        actor = self.actors[name]
        process = actor.process
        assert process is not None
        before = set(process.pending)
        process.run_until_idle()
        self._judge(actor, before)

    def serve(self, name: str, number: int, kind: str = "served", *, run: bool = True) -> None:
        """Answer one call: ``served``, ``lost`` once it was done, ``refused``, or ``late``."""
        actor = self.actors[name]
        process = actor.process
        assert process is not None
        ask = process.pending[number]
        self.log.append((name, kind, ask.region, ask.request))
        answer: object = LOST
        if kind in {"served", "lost"}:
            answer = self._apply(ask, actor)
        elif kind == "late":
            self.orphans.append(ask)
        if kind != "served":
            answer, self.is_calm = LOST, False
        actor.known = actor.known.reported(
            actor.program, ask, answer, doubtful=number in actor.doubtful
        )
        before = set(process.pending) - {number}
        process.answer(number, answer)
        self._judge(actor, before)
        if run:
            self.run_until_idle(name)

    def arrive(self, index: int) -> None:
        """Let something arrive that nobody waits for."""
        ask = self.orphans.pop(index)
        self.log.append(("nobody", "late", ask.region, ask.request))
        self._apply(ask, None)

    def pass_time(self, name: str, seconds: float) -> None:
        """Let *seconds* pass for a program, or less: until it does something that counts.

        Whoever waits looks up again and again meanwhile; that by itself does not count.
        """
        actor = self.actors[name]
        process = actor.process
        assert process is not None
        self.is_calm = False
        self.log.append((name, "waits", f"{seconds:.1f} s", ""))
        acts, end = process.acts, process.clock + seconds
        while process.clock < end and process.acts == acts:
            actor.doubtful |= set(process.pending)
            process.pass_time(min(process.time_left(), end - process.clock))
            self.run_until_idle(name)

    def kill(self, name: str) -> None:
        """Kill a program where it is; what it has sent may be on its way."""
        actor = self.actors[name]
        assert actor.process is not None
        self.log.append((name, "dies", "", ""))
        self.orphans += [a for a in actor.pending.values() if a.request.verb in rules.WRITES]
        actor.is_dead = True
        actor.process.kill()

    def end(self, name: str) -> Report:
        """Let only one program go on, to its end."""
        actor = self.actors[name]
        if actor.process is None:
            self.start(name)
        while actor.report is None:
            self.serve(name, min(actor.pending))
        return actor.report

    def until(self, name: str, verb: str, region: str | None = None) -> int:
        """Let only one program go on, until it waits for such a call; return by which thread."""
        actor = self.actors[name]
        if actor.process is None:
            self.start(name)
        while actor.report is None:
            for number, ask in actor.pending.items():
                if ask.request.verb == verb and region in {None, ask.region}:
                    return number
            self.serve(name, min(actor.pending))
        raise AssertionError(f"{name} ended before it came to {verb}")

    def run_again(self, program: Program) -> Report:
        """Run *program* alone, as a process of its own, with nothing failing."""
        again = World([program], self._folder, self.stores)
        report = again.end(program.name)
        self.log += again.log
        self.stores |= again.stores
        if isinstance(program, Stage):
            rules.check_again(program, report, again.first, again.stores)
        return report

    def close(self) -> None:
        """End every process."""
        for actor in self.actors.values():
            if actor.process is not None:
                actor.process.kill()

    def check_end(self) -> None:
        """Judge how all of it ended, where nothing had failed."""
        if self.is_calm and not any(actor.is_dead for actor in self.actors.values()):
            ended = [(actor.program, actor.report) for actor in self.actors.values()]
            rules.check_end(ended, self.first, self.stores)

    def _apply(self, ask: Ask, actor: Actor | None) -> object:
        before = self.stores[ask.region]
        self.stores[ask.region], answer = serve(before, resolved(ask.request, self.stores))
        rules.check_change(ask.region, ask.request, before, self.stores[ask.region])
        if answer is True and actor is not None:
            rules.check_move(actor.program, ask, self.stores, self.first)
        return answer

    def _judge(self, actor: Actor, before: set[int]) -> None:
        """Judge what a program asks for now, and what it reports."""
        process = actor.process
        assert process is not None
        for number in process.pending.keys() - before:
            rules.check_request(actor.program, actor.known, process.pending[number])
        if process.ended and actor.report is None:
            assert isinstance(process.report, Report)
            actor.report = process.report
            self.log.append((actor.program.name, "ends", actor.report, ""))
            steady = self.is_calm and self.is_steady
            rules.check_report(actor.program, actor.report, self.stores, calm=steady)
            if actor.program.starts_late:
                began = {a.program: a.began for a in self.actors.values()}
                promised = rules.promises_to(actor.program, began, actor.began)
                rules.check_reader(actor.program, actor.report, promised, calm=self.is_calm)

    def _succeeded(self) -> list[Program]:
        ends = {"staged", "repaired"}
        return [a.program for a in self.actors.values() if a.report and a.report.end in ends]
