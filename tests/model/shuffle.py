"""Schedules drawn from a seed, with everything that can go wrong in them."""

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from tests.model import rules
from tests.model.programs import Get, Program, Repair, Stage, Verify
from tests.model.world import Actor, World

VERSIONS = ("1.0.0", "1.0.1", "1.1.0", "2.0.0-rc.1", "2.0.0-rc.2", "1.0.0+more")

TROUBLES = ("none", "none", "deaths", "faults", "outages", "time", "all")
"""What goes wrong in one schedule; often nothing, since then more is promised."""

WAITS = (0.3, 1.0, 4.0, 11.0, 31.0)
"""How many seconds pass at a time: less and more than any limit that the code has."""

MAX_STEPS = 2000


@dataclass(frozen=True, slots=True)
class Plan:
    """Some programs, and for each which others have to be over before it starts."""

    programs: tuple[Program, ...]
    after: dict[str, set[str]]


def run(seed: int, folder: Path) -> World:
    """Run what *seed* stands for.

    Raises:
        BrokenPromiseError: A promise was broken; its notes are the schedule.
    """
    rng = Random(seed)
    plan = _plan(rng)
    if seed % 3 == 0:
        plan = replace(plan, programs=tuple(map(_copying, plan.programs)))
    world = World(plan.programs, folder)
    try:
        _Shuffle(rng, world, plan).run()
        world.check_end()
        _run_again(rng, world)
    except rules.BrokenPromiseError as e:
        e.add_note(f"seed {seed}")
        for line in world.log:
            e.add_note(" ".join(str(word) for word in line))
        raise
    finally:
        world.close()
    return world


def _plan(rng: Random) -> Plan:
    kind = rng.choice(("stage", "stage", "stage", "repair", "grow"))
    names = rng.choice(("abc", "ABC", "ABC"))  # those that show their channels, and others
    reader = Get("g", names, download=rng.random() < 0.1)
    after = {} if rng.random() < 0.2 else {"g": {rng.choice("pq")}}
    versions = rng.sample(VERSIONS, rng.choice((1, 2, 3)))
    first, second, third = (_stage(rng, name, names, versions) for name in "pqr")
    if kind == "stage":
        return Plan((first, second, third, reader), after)
    repair = Repair("m", names)
    if kind == "repair":
        return Plan((first, second, repair, reader), after)
    first = replace(first, regions=names[0], required="majority")
    third = replace(third, regions=rng.choice((names, names[0])), required="majority")
    after = {"m": {"p"}} if rng.random() < 0.5 else {}
    after |= {p.name: {"m"} for p in (second, third, reader) if p.regions == names}
    return Plan((first, repair, second, third, reader), after)


def _copying(program: Program) -> Program:
    return replace(program, copies=True) if isinstance(program, Stage) else program


def _stage(rng: Random, name: str, regions: str, versions: list[str]) -> Stage:
    required = rng.choice(("majority", "majority", "majority", "all"))
    if_exists = rng.choice(("fail", "fail", "keep"))
    return Stage(name, regions, rng.choice(versions), rng.choice("xxy"), required, if_exists)


class _Shuffle:
    """Takes steps until every program is over."""

    def __init__(self, rng: Random, world: World, plan: Plan) -> None:
        self._rng = rng
        self._world = world
        self._plan = plan
        trouble = rng.choice(TROUBLES)
        self._stays = rng.choice((0.0, 0.5, 0.9))
        self._is_lazy = rng.choice((True, False))
        self._deaths = rng.choice((0.005, 0.02)) if trouble in {"deaths", "all"} else 0.0
        self._faults = rng.choice((0.02, 0.1)) if trouble in {"faults", "all"} else 0.0
        self._waits = rng.choice((0.02, 0.1)) if trouble in {"time", "all"} else 0.0
        self._outages = self._draw_outages() if trouble in {"outages", "all"} else {}
        self._last = ""

    def _draw_outages(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return between which steps which region is down for whom."""
        found = {}
        for _ in range(self._rng.randint(1, 3)):
            who = self._rng.choice(list(self._world.actors))
            begin = self._rng.randint(0, 60)
            end = begin + self._rng.choice((5, 30, 1000))
            found[who, self._rng.choice(list(self._world.stores))] = (begin, end)
        return found

    def run(self) -> None:
        """Take steps until every program is over, and nothing is left on its way."""
        for step in range(MAX_STEPS):
            if all(actor.is_over for actor in self._world.actors.values()):
                break
            self._step(step)
        else:
            raise rules.BrokenPromiseError("end", "it does not end")
        self._leftovers()

    def _step(self, step: int) -> None:
        rng, world = self._rng, self._world
        if world.orphans and rng.random() < 0.1:
            world.arrive(rng.randrange(len(world.orphans)))
            return
        name = self._choose()
        actor = world.actors[name]
        process = actor.process
        if process is None:
            world.start(name)
        elif rng.random() < self._deaths:
            world.kill(name)
        elif process.is_ready and (not process.pending or rng.random() < 0.5):
            world.run_until_idle(name)
        elif process.time_left() < 1e6 and (not process.pending or rng.random() < self._waits):
            world.pass_time(name, rng.choice(WAITS) if process.pending else process.time_left())
        elif not process.pending:
            raise rules.BrokenPromiseError("end", f"{name} waits for nothing")
        else:
            self._serve(actor, step)

    def _serve(self, actor: Actor, step: int) -> None:
        rng, name = self._rng, actor.program.name
        number = rng.choice(list(actor.pending))
        ask = actor.pending[number]
        kind = "served"
        begin, end = self._outages.get((name, ask.region), (0, 0))
        if begin <= step < end:
            kind = "refused"
        elif rng.random() < self._faults:
            kind = rng.choice(("refused", "lost", "late"))
            if kind == "late" and ask.request.verb not in rules.CREATES | {"write_channel"}:
                kind = "lost"
        self._world.serve(name, number, kind, run=not self._is_lazy or rng.random() < 0.5)

    def _choose(self) -> str:
        """Return who goes on."""
        actors = self._world.actors
        over = {name for name, actor in actors.items() if actor.is_over}
        able = [
            name
            for name, actor in actors.items()
            if not actor.is_dead
            and (actor.report is None or actor.pending)
            and (actor.process is not None or self._plan.after.get(name, set()) <= over)
        ]
        if self._last not in able or self._rng.random() >= self._stays:
            self._last = self._rng.choice(able)
        return self._last

    def _leftovers(self) -> None:
        """Let what is still on its way arrive, or not."""
        rng, world = self._rng, self._world
        for name, actor in world.actors.items():
            while actor.pending and rng.random() < 0.7:
                world.serve(name, rng.choice(list(actor.pending)))
        while world.orphans:
            if rng.random() < 0.5:
                world.arrive(rng.randrange(len(world.orphans)))
            else:
                world.orphans.pop()


def _run_again(rng: Random, world: World) -> None:
    """Run the stagings again, and sometimes repair what is left and compare."""
    programs = [actor.program for actor in world.actors.values()]
    stagings = [p for p in programs if isinstance(p, Stage)]
    rng.shuffle(stagings)
    whole = rng.random() < 0.1
    for program in stagings if whole else stagings[: rng.choice((0, 1))]:
        world.run_again(program)
    if whole:
        regions = max((p.regions for p in programs), key=len)
        repaired = world.run_again(Repair("repair", regions))
        same = world.run_again(Verify("verify", regions))
        rules.check_repaired(repaired, same, list(world.stores.values()))
        again = world.run_again(Repair("repair", regions))
        if again.steps:
            raise rules.BrokenPromiseError("repair", f"it repairs what is repaired: {again.steps}")
