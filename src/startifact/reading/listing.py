"""Which versions of a project there are."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

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
from startifact.model.keys import artifact_prefix, version_text
from startifact.model.quorum import refuse_shared_store, required_to_read
from startifact.model.versions import newest_first, parse_version
from startifact.regions.interface import Region
from startifact.text import quoted_list, with_regions

logger = logging.getLogger(__name__)


def list_versions(regions: Sequence[Region], project: str, *, limits: Limits) -> list[Version]:
    """Return every version of *project* that any region holds, newest first.

    Raises:
        InputError: Two regions are one store.
        NotFoundError: Every region said that there is none.
        SeveralRegionsError: Fewer than half of the regions answered.
    """
    found, failures = versions_of(regions, project, limits=limits)
    refuse_shared_store({r.name: r.store_identity() for r in regions if r.name not in failures})
    answers = len(regions) - len(failures)
    if answers < required_to_read(len(regions)) or (failures and not found):
        raise no_answer(
            f"cannot list the versions of {project}: {answers} of {len(regions)} regions answered:",
            failures.items(),
        )
    for name, error in failures.items():
        logger.warning("%s", with_regions([name], f"versions were not listed: {error.message}"))
    if not found:
        raise NotFoundError(
            f"nothing of {project} is staged in {', '.join(r.name for r in regions)}",
            hint="Check the project's name and the regions",
        )
    return found


def versions_of(
    regions: Sequence[Region], project: str, *, limits: Limits, every: bool = False
) -> tuple[list[Version], dict[str, StartifactError]]:
    """Return every version of *project* that any region lists, newest first.

    With it comes why regions were not listed, by region. Once enough regions for a reader are, the
    others are not waited for as long, unless *every* region is to have its whole time.
    """
    enough = None if every else required_to_read(len(regions))
    listed, others, failed = _listings(regions, project, limits, enough)
    _warn_of_others(project, {r.name: others[r.name] for r in regions if others.get(r.name)})
    found = {str(version): version for versions in listed.values() for version in versions}
    failures = {failure.name: failure.error for failure in failed}
    return newest_first(found.values()), {
        r.name: failures[r.name] for r in regions if r.name in failures
    }


Listed = tuple[list[Version], list[str]]
"""The versions of a project that a region lists, in any order, and all other keys."""


def begin_listing(region: Region, project: str) -> Callable[[], Listed]:
    """Begin to list *project* in *region*, where that takes its time; return what gives it."""

    def ask() -> Listed:
        return _keys_in(region, project, CURRENT_HEARTBEAT.get() or Heartbeat())

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
        jobs[region.name] = partial(_keys_in, region, project)
        if region.name in begun:
            jobs[region.name] = partial(_listed, begun[region.name])
    listed, _, failures = _take(jobs, limits, None)
    return listed, failures


def _listed(listing: Callable[[], Listed], heartbeat: Heartbeat) -> Listed:
    heartbeat.beat()
    return listing()


def _listings(
    regions: Sequence[Region], project: str, limits: Limits, enough: int | None
) -> tuple[dict[str, list[Version]], dict[str, list[str]], list[Failure]]:
    """Return the versions and the other keys that each region lists, and why others did not."""
    return _take({r.name: partial(_keys_in, r, project) for r in regions}, limits, enough)


def _take(
    jobs: Mapping[str, Callable[[Heartbeat], Listed]], limits: Limits, enough: int | None
) -> tuple[dict[str, list[Version]], dict[str, list[str]], list[Failure]]:
    listed: dict[str, list[Version]] = {}
    other_keys: dict[str, list[str]] = {}
    failures: list[Failure] = []
    with FanOut(jobs, limits=limits, enough=enough) as listing:
        for answer in listing:
            if isinstance(answer, Failure):
                failures.append(answer)
            else:
                listed[answer.name], other_keys[answer.name] = answer.value
                if enough is not None and len(listed) >= enough:
                    listing.shorten_idle_timeout(limits.quorum_idle_timeout_seconds)
    return listed, other_keys, failures


def _warn_of_others(project: str, others: Mapping[str, Sequence[str]]) -> None:
    """Log one warning of all keys that are no versions, by region, where there are any."""
    if others:
        keys = sorted({key for found in others.values() for key in found})
        count = f"{len(keys):,} keys are not versions of {project}, and are"
        if len(keys) == 1:
            count = f"1 key is not a version of {project}, and is"
        logger.warning("%s", with_regions(others, f"{count} passed over: {quoted_list(keys)}"))


def _keys_in(region: Region, project: str, heartbeat: Heartbeat) -> tuple[list[Version], list[str]]:
    """Return the versions of *project* that *region* lists, in any order, and all other keys.

    Those below an artifact's key are its metadata, and in neither list.
    """
    versions, others = [], []
    for key in region.keys(artifact_prefix(project)):
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
            versions.append(version)
    return versions, others
