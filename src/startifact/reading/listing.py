"""Which versions of a project there are."""

import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from semver import Version

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import CURRENT_HEARTBEAT, Heartbeat
from startifact.errors import (
    InputError,
    NotFoundError,
    StartifactError,
    no_answer,
)
from startifact.limits import Limits
from startifact.model.keys import artifact_prefix, marks_prefix, version_text
from startifact.model.quorum import refuse_shared_store, required_to_read
from startifact.model.versions import newest_first, parse_version
from startifact.regions.interface import Region
from startifact.text import quoted_list, with_regions

T = TypeVar("T")

logger = logging.getLogger(__name__)


def list_versions(regions: Sequence[Region], project: str, *, limits: Limits) -> list[Version]:
    """Return every version of *project* that any region holds, newest first.

    Raises:
        InputError: Two regions are one store.
        NotFoundError: Every region said that there is none.
        SeveralRegionsError: Fewer than half of the regions answered.
    """
    found, failures = versions_of(regions, project, limits=limits)
    check_answers(regions, project, failures, all_needed=not found)
    check_found(regions, project, failures, found)
    return found


def check_answers(
    regions: Sequence[Region],
    project: str,
    failures: Mapping[str, StartifactError],
    *,
    all_needed: bool,
) -> None:
    """Return when enough *regions* were listed, which are all of them where *all_needed*.

    Raises:
        InputError: Two regions are one store.
        SeveralRegionsError: Fewer were.
    """
    refuse_shared_store({r.name: r.store_identity() for r in regions if r.name not in failures})
    answers = len(regions) - len(failures)
    if answers < required_to_read(len(regions)) or (failures and all_needed):
        raise no_answer(
            f"cannot list the versions of {project}: {answers} of {len(regions)} regions answered:",
            failures.items(),
        )


def check_found(
    regions: Sequence[Region],
    project: str,
    failures: Mapping[str, StartifactError],
    found: Sequence[Version],
) -> None:
    """Return when versions were *found*, with a warning of each region that was not listed.

    Raises:
        NotFoundError: Every region said that there is none.
    """
    warn_of_unlisted(failures)
    if not found:
        raise NotFoundError(
            f"nothing of {project} is staged in {', '.join(r.name for r in regions)}",
            hint="Check the project's name and the regions",
        )


def warn_of_unlisted(failures: Mapping[str, StartifactError]) -> None:
    """Log a warning of each region that was not listed, and why."""
    for name, error in failures.items():
        logger.warning("%s", with_regions([name], f"versions were not listed: {error.message}"))


def versions_of(
    regions: Sequence[Region], project: str, *, limits: Limits, every: bool = False
) -> tuple[list[Version], dict[str, StartifactError]]:
    """Return every version of *project* that any region lists, newest first.

    With it comes why regions were not listed, by region. Once enough regions for a reader are, the
    others are not waited for as long, unless *every* region is to have its whole time.
    """
    enough = None if every else required_to_read(len(regions))
    jobs = {r.name: partial(list_keys, r, project) for r in regions}
    listed, failed = ask_regions(jobs, limits, enough)
    warn_of_others(regions, project, {name: others for name, (_, others) in listed.items()})
    return newest_first(merged(listed)), failures_by_region(regions, failed)


def merged(listed: Mapping[str, "Listed"]) -> list[Version]:
    """Return all versions that regions list, each once, in any order."""
    found = {str(version): version for versions, _ in listed.values() for version in versions}
    return list(found.values())


def failures_by_region(
    regions: Sequence[Region], failures: Iterable[Failure]
) -> dict[str, StartifactError]:
    """Return why regions did not answer, in the order of *regions*."""
    failed = {failure.name: failure.error for failure in failures}
    return {r.name: failed[r.name] for r in regions if r.name in failed}


Listed = tuple[list[Version], list[str]]
"""The versions of a project that a region lists, in any order, and all other keys."""


def begin_listing(region: Region, project: str) -> Callable[[], Listed]:
    """Begin to list *project* in *region*, where that takes its time; return what gives it."""

    def ask() -> Listed:
        return list_keys(region, project, CURRENT_HEARTBEAT.get() or Heartbeat())

    return region.ask_in_background(ask)


def versions_by_region(
    regions: Sequence[Region],
    project: str,
    begun: Mapping[str, Callable[[], Listed]],
    *,
    limits: Limits,
) -> tuple[dict[str, list[Version]], list[Failure]]:
    """Return the versions of *project* that each region lists, in any order.

    With it comes why others were not listed. Every region has its whole time. Some may have *begun*
    to be listed.
    """
    jobs: dict[str, Callable[[Heartbeat], Listed]] = {}
    for region in regions:
        jobs[region.name] = partial(list_keys, region, project)
        if region.name in begun:
            jobs[region.name] = partial(_listed, begun[region.name])
    listed, failures = ask_regions(jobs, limits, None)
    return {name: versions for name, (versions, _) in listed.items()}, failures


def _listed(listing: Callable[[], Listed], heartbeat: Heartbeat) -> Listed:
    heartbeat.beat()
    return listing()


def ask_regions(
    jobs: Mapping[str, Callable[[Heartbeat], T]], limits: Limits, enough: int | None
) -> tuple[dict[str, T], list[Failure]]:
    """Return what the *jobs* of regions return, by region, and why others failed.

    Once *enough* have returned, the others are not waited for as long.
    """
    answers: dict[str, T] = {}
    failures: list[Failure] = []
    with FanOut(jobs, limits=limits, enough=enough) as asking:
        while True:
            if enough is not None and len(answers) >= enough:
                asking.shorten_idle_timeout(limits.quorum_idle_timeout_seconds)
            answer = asking.next()
            if answer is None:
                return answers, failures
            if isinstance(answer, Failure):
                failures.append(answer)
            else:
                answers[answer.name] = answer.value


def warn_of_others(
    regions: Sequence[Region], project: str, found: Mapping[str, Sequence[str]]
) -> None:
    """Log one warning of all keys that are no versions, by region, where any were *found*."""
    others = {r.name: keys for r in regions if (keys := found.get(r.name))}
    if others:
        keys = sorted({key for found in others.values() for key in found})
        count = f"{len(keys):,} keys are not versions of {project}, and are"
        if len(keys) == 1:
            count = f"1 key is not a version of {project}, and is"
        logger.warning("%s", with_regions(others, f"{count} passed over: {quoted_list(keys)}"))


def list_keys(region: Region, project: str, heartbeat: Heartbeat) -> Listed:
    """Return the versions of *project* that *region* lists, and all other keys."""
    return sorted_out(region, project, region.keys(artifact_prefix(project)), heartbeat)


def sorted_out(region: Region, project: str, keys: Iterable[str], heartbeat: Heartbeat) -> Listed:
    """Return the versions of *project* among *keys* of *region*, and all other keys.

    Those below an artifact's key are its metadata, and in neither list.
    """
    versions: list[Version] = []
    return versions, sort_out(region, project, keys, heartbeat, versions.append)


def marked_versions(region: Region, project: str, heartbeat: Heartbeat) -> list[Version]:
    """Return the versions of *project* of which *region* has a mark."""
    versions, prefix = [], marks_prefix(project)
    for key in region.channel_keys(prefix):
        heartbeat.beat()
        with contextlib.suppress(InputError):  # something else's
            versions.append(parse_version(key.removeprefix(prefix)))
    return versions


def sort_out(
    region: Region,
    project: str,
    keys: Iterable[str],
    heartbeat: Heartbeat,
    add: Callable[[Version], object],
) -> list[str]:
    """Call *add* with each version of *project* among *keys* of *region*; return all other keys.

    Those below an artifact's key are its metadata, and neither.
    """
    others: list[str] = []
    for key in keys:
        heartbeat.beat()
        text = version_text(project, key)
        if text is None:
            continue
        try:
            version = parse_version(text)
        except InputError:
            version = None
        if version is None or str(version) != text:
            logger.info("%s holds %r, which is not a version of %s", region.name, key, project)
            others.append(key)
        else:
            add(version)
    return others
