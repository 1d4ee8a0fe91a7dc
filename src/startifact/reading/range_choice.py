"""The version that a range picks, and why it is not a higher one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from semver import Version

from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.in_order import map_in_order
from startifact.concurrency.progress import ProgressCallback
from startifact.errors import IntegrityError, NotFoundError, RemovedError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_QUOTED_VERSIONS, REMOVED_ONE_BY_ONE, Limits
from startifact.model.clock import age, time_of
from startifact.model.keys import artifact_key, version_prefix
from startifact.model.quorum import majority, required_to_read
from startifact.model.ranges import Range
from startifact.model.record import Record
from startifact.model.versions import newest_first, precedence
from startifact.model.voting import Votes
from startifact.reading.artifact import Artifact, PassedOver
from startifact.reading.finding import artifact_of
from startifact.reading.listing import (
    Listed,
    ask_regions,
    check_answers,
    failures_by_region,
    merged,
    sorted_out,
    warn_of_unlisted,
)
from startifact.reading.nearest import kept_out, nothing_satisfies
from startifact.reading.outcomes import State, may_be_majority, outcome_of
from startifact.reading.resolution import Resolution
from startifact.reading.version_mark import KnownMark
from startifact.regions.interface import Region
from startifact.registers.marks import Mark, is_being_removed, mark_in, mark_register
from startifact.text import quoted

# Most of what is being removed was removed long ago: its mark stays, and is read first.
_REMOVING = "it was removed, or is being removed"
_REMOVED = "it was removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeRequest:
    """What to choose from."""

    project: str
    range: Range
    min_age: timedelta | None
    """Versions that were staged less than so long ago are passed over."""

    now: datetime


def find_in_range(
    regions: Sequence[Region],
    request: RangeRequest,
    *,
    progress: ProgressCallback | None,
    limits: Limits,
) -> Artifact:
    """Return the highest version that satisfies the range and can be used; it says why no higher.

    Raises:
        InputError: Two regions are one store.
        NotFoundError: There is none.
        SeveralRegionsError: Too few regions answered to know.
    """
    passed: list[PassedOver] = []
    candidates, prerelease = _candidates(regions, request, limits)
    for candidate in _in_order(candidates, partial(_look_at, regions, request, limits), limits):
        if isinstance(candidate.found, str):
            passed.append(PassedOver(candidate.version, candidate.found))
            continue
        return artifact_of(
            regions,
            request.project,
            candidate.version,
            candidate.resolution,
            candidate.found,
            KnownMark(candidate.mark),
            progress=progress,
            limits=limits,
            passed_over=_with_prerelease(passed, prerelease, candidate.version),
        )
    raise _none(regions, request, passed, limits)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A version that satisfies the range, and what was *found*: its record, or why it is no use."""

    version: Version
    resolution: Resolution
    mark: Mark
    found: Record | str


def _in_order(
    versions: Iterable[Version], look_at: Callable[[Version], _Candidate], limits: Limits
) -> Iterator[_Candidate]:
    """Yield what *look_at* returns of each of *versions*, in their order.

    It looks at the next one when it is asked for. Only once several in a row were removed, as after
    a prune, it looks at more and more of them at once.
    """
    left, removed = iter(versions), 0
    while removed < REMOVED_ONE_BY_ONE and (version := next(left, None)) is not None:
        candidate = look_at(version)
        yield candidate
        removed = removed + 1 if candidate.found in {_REMOVED, _REMOVING} else 0
    at_once = REMOVED_ONE_BY_ONE
    while batch := list(islice(left, at_once)):
        yield from map_in_order(look_at, batch, workers=at_once, ahead=at_once)
        at_once = min(2 * at_once, limits.inventory_workers)


def _look_at(
    regions: Sequence[Region], request: RangeRequest, limits: Limits, version: Version
) -> _Candidate:
    """Return what regions have of *version*, and whether it can be used.

    Raises:
        SeveralRegionsError: Too few regions answered to know.
    """
    key = artifact_key(request.project, version)
    # What a majority has said of a version is seen by half of the regions: more are not waited for.
    at_once = replace(limits, quorum_wait_seconds=0.0)
    resolution = Resolution(regions, key, limits=limits)  # it asks beside the marks
    marks = mark_register(regions, request.project, version, limits=at_once).read()
    if not marks.is_known:
        raise marks.unknown(f"cannot tell whether {key} was yanked")
    found = _why_marked(mark_in(marks), removing=is_being_removed(marks))
    candidate = _Candidate(
        version, resolution, mark_in(marks), found or _resolve(resolution, request)
    )
    if isinstance(candidate.found, str):
        resolution.close()
    return candidate


def _candidates(
    regions: Sequence[Region], request: RangeRequest, limits: Limits
) -> tuple[list[Version], Version | None]:
    """Return the versions that satisfy the range, newest first, by a listing of their prefixes.

    With them comes the highest of the same listing that does not because it is a prerelease.
    """
    prefixes = sorted(version_prefix(request.project, *p) for p in request.range.prefixes)
    jobs: dict[str, Callable[[Heartbeat], Listed]] = {
        r.name: partial(_list_prefixes, r, request.project, prefixes) for r in regions
    }
    listed, failed = ask_regions(jobs, limits, required_to_read(len(regions)))
    failures = failures_by_region(regions, failed)
    versions = merged(listed)
    found = newest_first(v for v in versions if v in request.range)
    check_answers(regions, request.project, failures, all_needed=not found)
    warn_of_unlisted(failures)
    return found, kept_out(request.range, versions)


def _with_prerelease(
    passed: Sequence[PassedOver], prerelease: Version | None, chosen: Version
) -> list[PassedOver]:
    """Return *passed*, and the *prerelease* in its place where it is above the *chosen* version."""
    if prerelease is None or precedence(prerelease) < precedence(chosen):
        return list(passed)
    why = PassedOver(prerelease, "it is a prerelease, which this range does not name")
    return sorted([*passed, why], key=lambda p: precedence(p.version), reverse=True)


def _list_prefixes(
    region: Region, project: str, prefixes: Sequence[str], heartbeat: Heartbeat
) -> Listed:
    versions: list[Version] = []
    for prefix in prefixes:
        # Other keys than versions are no matter of a range: a listing of all versions warns.
        versions += sorted_out(region, project, region.keys(prefix), heartbeat)[0]
    return versions, []


def _why_marked(mark: Mark, *, removing: bool) -> str | None:
    """Return why nobody is to choose a version with this mark; ``None`` where they may."""
    if removing:
        return _REMOVING
    if mark.yanked is not None:
        return f"it was yanked: {quoted(mark.yanked.reason)}"
    if mark.pruning is not None:
        return f"it will be pruned, not before {quoted(mark.pruning.not_before)}"
    return None


def _resolve(resolution: Resolution, request: RangeRequest) -> Record | str:
    """Return the record of a candidate that can be used, or why it cannot."""
    try:
        record = resolution.resolve()
    except (RemovedError, NotFoundError):
        return _REMOVED
    except IntegrityError:
        return "regions hold different content"
    staged = time_of(record.staged_at)
    if request.min_age is not None and staged is None:
        return "it is not known when it was staged"
    if request.min_age is not None and staged and request.now - staged < request.min_age:
        return f"it was staged {age(record.staged_at, request.now)} ago"
    if Votes(resolution.replicas()).most >= majority(len(resolution.regions)):
        return record
    resolution.wait_a_moment_for_all()
    outcomes = [
        outcome_of(name, resolution.key, answer, record=record)
        for name, answer in resolution.answers().items()
    ]
    if not may_be_majority(outcomes):
        holders = sum(o.state in {State.PRESENT, State.ARCHIVED} for o in outcomes)
        return f"{holders} of {len(outcomes)} regions hold it, which is no majority"
    return record


def _none(
    regions: Sequence[Region],
    request: RangeRequest,
    passed: Sequence[PassedOver],
    limits: Limits,
) -> NotFoundError:
    """Return the error that nothing can be picked, with what was passed over or what is near."""
    wanted = f"{request.project}@{request.range}"
    names = ", ".join(region.name for region in regions)
    if passed:
        lines = "".join(f"\n  {p.version}: {p.why}" for p in passed[:MAX_QUOTED_VERSIONS])
        more = len(passed) - MAX_QUOTED_VERSIONS
        lines += f"\n  and {more:,} more" if more > 0 else ""
        hint = "Stage one that satisfies it, or widen the range"
        if any(p.why not in {_REMOVED, _REMOVING} for p in passed):
            hint = "Ask for one of them as an exact version, or stage one that satisfies it"
        return NotFoundError(
            f"nothing that satisfies {quoted(wanted)} can be used in {names}:{lines}", hint=hint
        )
    return nothing_satisfies(regions, request.project, request.range, limits)
