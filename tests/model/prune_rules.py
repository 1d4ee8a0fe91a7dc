"""What must be true of a version that is removed, at every step."""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations

from startifact.model.keys import artifact_key, mark_key
from startifact.model.quorum import majority
from startifact.model.record import is_tombstone
from startifact.registers.marks import MarkCodec
from startifact.registers.record import parse_record
from tests.model import channel_rules
from tests.model.programs import PROJECT, Program, Report, Stage
from tests.model.prune_programs import Prune
from tests.model.rules import BrokenPromiseError, latest_in
from tests.support.memory_region import Item, StoreState


@cache
def is_removed(item: Item | None) -> bool:
    """Say whether a tombstone is there."""
    return item is not None and is_tombstone(item.encoded_record)


@cache
def _is_being_removed(mark: str) -> bool:
    """Say whether a *mark*, as a region holds it, says that its version is being removed."""
    accepted = parse_record(mark, MarkCodec(), where="the model").accepted
    return accepted is not None and accepted.value.is_being_removed


def removing(programs: Sequence[Program], stores: Mapping[str, StoreState]) -> frozenset[int]:
    """Return which of *programs* remove a version of which a majority says so by now."""
    found = set()
    for index, program in enumerate(programs):
        if isinstance(program, Prune):
            key = mark_key(PROJECT, program.version)
            marks = [store.channels[key] for store in stores.values() if key in store.channels]
            if sum(map(_is_being_removed, marks)) >= majority(len(stores)):
                found.add(index)
    return frozenset(found)


def check_change(region: str, before: StoreState, after: StoreState) -> None:
    """What is stored is replaced by a tombstone alone, and the first tombstone stays."""
    for key, item in before.items.items():
        now = after.items.get(key)
        if now != item and (is_removed(item) or not is_removed(now)):
            raise BrokenPromiseError("number", f"{key} changed in {region}")


def check_stores(
    programs: Sequence[Program],
    reports: Sequence[Report | None],
    began: Sequence[frozenset[int] | None],
    stores: Mapping[str, StoreState],
) -> None:
    """Nothing that a reader of the channel may get is being removed, and removed is everywhere."""
    _check_in_use(stores)
    for program, report in zip(programs, reports, strict=True):
        if isinstance(program, Prune) and report is not None and report.end == "removed":
            key = artifact_key(PROJECT, program.version)
            if left := [n for n in sorted(stores) if not is_removed(stores[n].items.get(key))]:
                raise BrokenPromiseError("removed", f"{key} was removed, and is in {left}")
    for index, (program, report) in enumerate(zip(programs, reports, strict=True)):
        if isinstance(program, Stage) and report is not None and report.end == "staged":
            _check_staged(program, [programs[i] for i in began[index] or ()])


def _check_in_use(stores: Mapping[str, StoreState]) -> None:
    names = sorted(stores)
    texts = [stores[name].channels.get(channel_rules.KEY) for name in names]
    states = [channel_rules.record_of(text).accepted for text in texts if text is not None]
    for met in combinations(states, -(-len(names) // 2)):
        known = [state for state in met if state is not None]
        version = max(known, key=lambda s: s.ballot).value.version if known else None
        key = artifact_key(PROJECT, version) if version is not None else ""
        if removed := [n for n in names if is_removed(stores[n].items.get(key))]:
            raise BrokenPromiseError("in use", f"a reader gets {key}, removed in {removed}")
    for name in names:
        latest = latest_in(stores[name])
        key = artifact_key(PROJECT, latest) if latest is not None else ""
        if any(is_removed(store.items.get(key)) for store in stores.values()):
            raise BrokenPromiseError("latest", f"latest in {name} is {key}, which is removed")


def _check_staged(program: Stage, before: Sequence[Program]) -> None:
    """What was being removed *before* it began, nobody stages again."""
    if any(isinstance(other, Prune) and other.version == program.version for other in before):
        raise BrokenPromiseError("number", f"{program.version} was staged again")
