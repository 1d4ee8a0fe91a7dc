"""What must be true of a version that is removed, at every step."""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations

from startifact.model.keys import artifact_key
from startifact.model.record import is_tombstone
from tests.model import channel_rules
from tests.model.programs import PROJECT, Program, Report, Stage
from tests.model.prune_programs import Prune
from tests.model.rules import BrokenPromiseError
from tests.support.memory_region import Item, StoreState


@cache
def is_removed(item: Item | None) -> bool:
    """Say whether a tombstone is there."""
    return item is not None and is_tombstone(item.encoded_record)


def check_change(region: str, before: StoreState, after: StoreState) -> None:
    """What was removed stays removed, and what is stored is replaced by nothing else."""
    for key, item in before.items.items():
        now = after.items.get(key)
        if now != item and not is_removed(now):
            raise BrokenPromiseError("number", f"{key} changed in {region}")


def check_stores(
    programs: Sequence[Program],
    reports: Sequence[Report | None],
    began: Sequence[frozenset[int] | None],
    stores: Mapping[str, StoreState],
) -> None:
    """Nothing that a reader of the channel may get is being removed, and removed is everywhere."""
    names = sorted(stores)
    texts = [stores[name].channels.get(channel_rules.KEY) for name in names]
    states = [channel_rules.record_of(text).accepted for text in texts if text is not None]
    for met in combinations(states, -(-len(names) // 2)):
        known = [state for state in met if state is not None]
        version = max(known, key=lambda s: s.ballot).value.version if known else None
        key = artifact_key(PROJECT, version) if version is not None else ""
        removed = [n for n in names if is_removed(stores[n].items.get(key))]
        if removed:
            raise BrokenPromiseError("in use", f"a reader gets {key}, removed in {removed}")
    for program, report in zip(programs, reports, strict=True):
        if isinstance(program, Prune) and report is not None and report.end == "removed":
            key = artifact_key(PROJECT, program.version)
            if left := [n for n in names if not is_removed(stores[n].items.get(key))]:
                raise BrokenPromiseError("removed", f"{key} was removed, and is in {left}")
    for index, (program, report) in enumerate(zip(programs, reports, strict=True)):
        since = began[index] or frozenset()
        if isinstance(program, Stage) and report is not None and report.end == "staged":
            for other in since:
                pruned, done = programs[other], reports[other]
                if isinstance(pruned, Prune) and done is not None and done.end == "removed":
                    raise BrokenPromiseError("number", f"{program.version} was staged again")
