"""Which versions of a project there are."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial

from semver import Version

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
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


Listing = FanOut[tuple[list[Version], list[str]]]
"""Versions of a project, in any order, and all other keys, as regions list them."""


def begin_listing(regions: Sequence[Region], project: str, *, limits: Limits) -> Listing:
    """Begin to list *project* in *regions*, each of which has its whole time; to be left."""
    return FanOut({r.name: partial(_keys_in, r, project) for r in regions}, limits=limits)


def versions_by_region(listing: Listing) -> tuple[dict[str, list[Version]], list[Failure]]:
    """Return the versions that each region of *listing* lists, in any order.

    With it comes why others were not listed.
    """
    listed, _, failures = _take(listing, None, None)
    return listed, failures


def _listings(
    regions: Sequence[Region], project: str, limits: Limits, enough: int | None
) -> tuple[dict[str, list[Version]], dict[str, list[str]], list[Failure]]:
    """Return the versions and the other keys that each region lists, and why others did not."""
    jobs = {r.name: partial(_keys_in, r, project) for r in regions}
    with FanOut(jobs, limits=limits, enough=enough) as listing:
        return _take(listing, enough, limits.quorum_idle_timeout_seconds)


def _take(
    listing: Listing, enough: int | None, shortened: float | None
) -> tuple[dict[str, list[Version]], dict[str, list[str]], list[Failure]]:
    """Wait for *listing*; once *enough* have answered, others may be idle for *shortened* only."""
    listed: dict[str, list[Version]] = {}
    other_keys: dict[str, list[str]] = {}
    failures: list[Failure] = []
    for answer in listing:
        if isinstance(answer, Failure):
            failures.append(answer)
            continue
        listed[answer.name], other_keys[answer.name] = answer.value
        if enough is not None and shortened is not None and len(listed) >= enough:
            listing.shorten_idle_timeout(shortened)
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
