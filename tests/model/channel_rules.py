"""What must be true of a channel at every step, as checks on what regions hold and reports say."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import combinations, zip_longest

from startifact.channels.targets import Target, TargetCodec
from startifact.model.keys import channel_key, mark_key
from startifact.registers.marks import Mark, MarkCodec
from startifact.registers.record import NO_BALLOT, Accepted, Move, RegisterRecord, parse_record
from tests.model.channel_programs import CHANNEL, Promote, Read, RemoveChannel, RollBack, Yank
from tests.model.programs import PROJECT, Program, Report
from tests.model.rules import BrokenPromiseError
from tests.support.memory_region import StoreState

KEY = channel_key(PROJECT, CHANNEL)
FIRST = "first"
"""What the id of every move begins with that was made before a search, where there is a channel."""


@cache
def record_of(text: str) -> RegisterRecord[Target]:
    """Return what a region holds of the channel."""
    return parse_record(text, TargetCodec(), where="the model")


def check_change(region: str, before: StoreState, after: StoreState) -> None:
    """Ballots of the channel in one region only rise."""
    if before.channels.get(KEY) == after.channels.get(KEY):
        return
    old = NO_BALLOT
    if (text := before.channels.get(KEY)) is not None:
        old = record_of(text).highest
    new = record_of(after.channels[KEY])
    if new.promised < old or (new.accepted is not None and new.accepted.ballot > new.promised):
        raise BrokenPromiseError("ballots", f"{region} went from {old} to {new.highest}")


@cache
def mark_of(text: str) -> RegisterRecord[Mark]:
    """Return what a region holds of a version's mark."""
    return parse_record(text, MarkCodec(), where="the model")


def check_stores(
    programs: Sequence[Program],
    reports: Sequence[Report | None],
    stores: Mapping[str, StoreState],
    regions: str,
    began: Sequence[frozenset[int] | None] = (),
) -> None:
    """Whichever regions a reader meets now, it gets what succeeded, and nothing that failed."""
    texts = [stores[region].channels.get(KEY) for region in regions]
    states = [record_of(text).accepted for text in texts if text is not None]
    for met in combinations(states, -(-len(regions) // 2)):
        known: list[Accepted[Target]] = [state for state in met if state is not None]
        moves = max(known, key=lambda state: state.ballot).history if known else ()
        check_seen([move.id for move in moves], programs, reports, since=None)
        _check_order(moves, programs)
        _check_rollbacks(moves, programs)
        _check_obeyed(moves, programs, began)
    for program, report in zip(programs, reports, strict=True):
        if isinstance(program, Yank) and report is not None:
            _check_yank(program, report, [stores[region] for region in regions])


def _check_order(moves: Sequence[Move[Target]], programs: Sequence[Program]) -> None:
    """A move follows the state that it expects, and a removal one that has a version."""
    changes = {program.name: program for program in programs if isinstance(program, Promote)}
    for move, before in zip_longest(moves, moves[1:]):
        program = changes.get(move.id)
        version = None if before is None else before.value.version
        if isinstance(program, RemoveChannel) and version is None:
            raise BrokenPromiseError("expect", f"{move.id} removed what was not there")
        expected = None if program is None else program.expect
        if expected not in {None, "none" if version is None else str(version)}:
            raise BrokenPromiseError("expect", f"{move.id} expected {expected}, not {version}")


def _check_rollbacks(moves: Sequence[Move[Target]], programs: Sequence[Program]) -> None:
    """A rollback takes back the move that it follows, and none that others made unseen."""
    names = {program.name for program in programs if isinstance(program, RollBack)}
    for move, _, before in zip(moves, moves[1:], moves[2:], strict=False):
        if move.id in names and move.value.version != before.value.version:
            raise BrokenPromiseError(
                "rollback", f"{move.id} went to {move.value.version}, past {before.value.version}"
            )


def _check_obeyed(
    moves: Sequence[Move[Target]],
    programs: Sequence[Program],
    began: Sequence[frozenset[int] | None],
) -> None:
    """No promotion that began once its version had been yanked moves a channel."""
    names = {move.id for move in moves}
    for program, since in zip(programs, began, strict=False):
        if isinstance(program, Promote) and program.name in names:
            earlier = (programs[index] for index in since or ())
            if any(isinstance(p, Yank) and p.version == program.version for p in earlier):
                raise BrokenPromiseError("yank", f"{program.name} began after the yank")


def _check_yank(program: Yank, report: Report, stores: Sequence[StoreState]) -> None:
    """Whoever asks half of the regions about a version learns of a yank that has succeeded."""
    texts = [store.channels.get(mark_key(PROJECT, program.version)) for store in stores]
    states = [None if text is None else mark_of(text).accepted for text in texts]
    for met in combinations(states, -(-len(stores) // 2)):
        known = [state for state in met if state is not None]
        is_yanked = bool(known) and max(known, key=lambda s: s.ballot).value.yanked is not None
        if report.end == "done" and not is_yanked:
            raise BrokenPromiseError("lost", f"{program.name} succeeded, and is not seen")
        if report.end == "failed" and is_yanked:
            raise BrokenPromiseError("failed", f"{program.name} failed, and is seen")


def check_seen(
    moves: Iterable[str],
    programs: Sequence[Program],
    reports: Sequence[Report | None],
    *,
    since: frozenset[int] | None,
) -> None:
    """What a reader gets has all that had succeeded, *since* it began or by now, and no failure."""
    names = list(moves)
    if len(names) != len(set(names)):
        raise BrokenPromiseError("once", f"a move was made twice: {names}")
    for index, (program, report) in enumerate(zip(programs, reports, strict=True)):
        if not isinstance(program, Promote) or report is None:
            continue
        must_be_seen = since is None or index in since
        sure = {"done": program.name, "unchanged": "".join(report.steps)}.get(report.end)
        if sure is not None and must_be_seen and sure not in names:
            raise BrokenPromiseError("lost", f"{program.name} made {sure} sure: {names} is seen")
        if report.end in {"conflict", "failed"} and program.name in names:
            raise BrokenPromiseError("failed", f"{program.name} failed, but {names} is seen")


def check_reports(
    programs: Sequence[Program],
    reports: Sequence[Report | None],
    began: Sequence[frozenset[int] | None],
    *,
    channel_existed: bool,
) -> None:
    """Of several that expect the same at most one succeeds, and readers see what they must.

    That holds where nobody sets again what others expect, as no program here does.
    """
    done = [
        p
        for p, r in zip(programs, reports, strict=True)
        if isinstance(p, Promote) and r is not None and r.end == "done"
    ]
    expectations = [p.expect for p in done if p.expect is not None]
    if len(expectations) != len(set(expectations)):
        raise BrokenPromiseError("expect", f"{[p.name for p in done]} expected the same")
    removes = any(isinstance(program, RemoveChannel) for program in programs)
    if channel_existed and "none" in expectations and not removes:
        raise BrokenPromiseError("expect", "there was such a channel, and none was expected")
    for program, report, since in zip(programs, reports, began, strict=True):
        if isinstance(program, Read) and report is not None and report.end == "read":
            check_seen(report.steps, programs, reports, since=since)
