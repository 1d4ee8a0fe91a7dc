"""Schedules drawn from seeds: three actors, three regions and a reader, and all that goes wrong."""

from collections import Counter
from pathlib import Path

import pytest

from tests.model import shuffle
from tests.model.programs import Get, Repair, Stage
from tests.model.world import Actor, World

pytestmark = [pytest.mark.no_cover, pytest.mark.timeout(600)]

SEEDS = 20_000
CHUNK = 500

EVERY_CHUNK = {
    "Stage staged",
    "Stage conflict",
    "Stage short",
    "Stage died",
    "Stage kept",
    "Stage staged what a majority holds",
    "Stage staged to a list that has grown",
    "Repair repaired",
    "Repair refused",
    "Repair unreached",
    "Repair died",
    "Repair filled a region that was added",
    "Get got",
    "Get absent",
    "Get undetermined",
    "Get died",
    "Get after a success",
    "Get after a list has grown",
    "an answer was lost",
    "a call was refused",
    "a write arrived late",
    "a region was given up",
    "nothing went wrong",
}
"""What happens in any chunk, so that its rules have something to judge."""


def _run(seeds: range, folder: Path) -> None:
    happened: Counter[str] = Counter()
    for seed in seeds:
        happened.update(_what_happened(shuffle.run(seed, folder)))
    assert happened.keys() >= EVERY_CHUNK


def _what_happened(world: World) -> set[str]:
    kinds = {kind for _, kind, _, _ in world.log}
    words = {"lost": "an answer was lost", "refused": "a call was refused"}
    words["late"] = "a write arrived late"
    found = {word for kind, word in words.items() if kind in kinds}
    for actor in world.actors.values():
        found |= _how_it_went(actor)
    if world.is_calm and not any(actor.is_dead for actor in world.actors.values()):
        found.add("nothing went wrong")
    return found


def _how_it_went(actor: Actor) -> set[str]:
    program, report = actor.program, actor.report
    name = type(program).__name__
    end = "died" if report is None else report.end
    found = {f"{name} {end}"}
    if actor.process is not None and actor.process.clock > 30:
        found.add("a region was given up")
    grew = [p for p in actor.began if isinstance(p, Repair)]
    match program:
        case Stage() if report is not None and end == "staged":
            found |= {"Stage staged to a list that has grown"} if grew else set()
            found |= {"Stage kept"} if report.sha256 != program.sha256 else set()
            if any(outcome.state == "different" for outcome in report.outcomes):
                found.add("Stage staged what a majority holds")
        case Get() if any(isinstance(p, Stage) for p in actor.began):
            found.add("Get after a success")
            if any(len(p.regions) < len(program.regions) for p in actor.began):
                found.add("Get after a list has grown")
        case Repair() if report is not None and any(s.startswith("fill") for s in report.steps):
            if any(len(p.regions) < len(program.regions) for p in actor.began):
                found.add("Repair filled a region that was added")
    return found


@pytest.mark.parametrize("first", [0, pytest.param(CHUNK, marks=pytest.mark.exhaustive)])
def test_some_schedules(first: int, folder: Path) -> None:
    """Every promise is kept in some hundred schedules, in which everything happens that can."""
    _run(range(first, first + CHUNK), folder)


@pytest.mark.exploration
@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_all_schedules(first: int, folder: Path) -> None:
    """Every promise is kept in 20,000 schedules."""
    _run(range(first, first + CHUNK), folder)
