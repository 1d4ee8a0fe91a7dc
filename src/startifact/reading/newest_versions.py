"""Which versions of a project there are, the newest ones before the others are known.

Where a region does not give all keys at once, those of its highest minor version are asked for
first: two listings of common prefixes say which that is. Then everything is listed, as always.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from semver import Version

from startifact.concurrency.heartbeat import Heartbeat
from startifact.limits import Limits
from startifact.model.keys import (
    VERSION_DELIMITER,
    artifact_prefix,
    next_number,
    versions_prefix,
)
from startifact.model.quorum import required_to_read
from startifact.model.versions import newest_first
from startifact.reading.listing import (
    Listed,
    ask_regions,
    check_answers,
    check_found,
    failures_by_region,
    list_keys,
    merged,
    sorted_out,
    warn_of_others,
)
from startifact.regions.interface import Region
from startifact.text import quoted_list

logger = logging.getLogger(__name__)

Minor = tuple[int, int]
"""The first two numbers of a version."""


@dataclass(frozen=True, slots=True)
class _Newest:
    """The versions that a region has from *since* on; ``None`` where they are not known."""

    listed: Listed
    since: Minor | None


_UNKNOWN = _Newest(([], []), None)


def list_in_batches(
    regions: Sequence[Region], project: str, *, limits: Limits
) -> Iterator[list[Version]]:
    """Yield every version of *project* that any region holds, newest first, in one or two batches.

    What was staged while this listed is left out, with a warning, where its place is over.

    Raises:
        InputError: Two regions are one store.
        NotFoundError: Every region said that there is none.
        SeveralRegionsError: Fewer than half of the regions answered, or not to the end.
    """
    enough = required_to_read(len(regions))
    jobs = {r.name: partial(_newest_in, r, project) for r in regions}
    answers, failed = ask_regions(jobs, limits, enough)
    whole = {name: answer for name, answer in answers.items() if isinstance(answer, tuple)}
    begun = {name: answer for name, answer in answers.items() if isinstance(answer, _Newest)}
    yielded: list[Version] = []
    since = _known_since(begun)
    if begun:
        failures = failures_by_region(regions, failed)
        check_answers(regions, project, failures, all_needed=False)
    if since is not None:
        known = merged(whole | {name: newest.listed for name, newest in begun.items()})
        yielded = newest_first(v for v in known if _minor(v) >= since)
        if yielded:
            yield yielded
    # All of it once more, as a walk from minor to minor may take a request for each version.
    jobs_left = {r.name: partial(list_keys, r, project) for r in regions if r.name in begun}
    listed, failed_later = ask_regions(jobs_left, limits, max(0, enough - len(whole)))
    whole |= listed
    failures = failures_by_region(regions, [*failed, *failed_later])
    warn_of_others(regions, project, whole)
    found = newest_first(merged(whole))
    check_answers(regions, project, failures, all_needed=not found and not yielded)
    check_found(regions, project, failures, found or yielded)
    rest = [v for v in found if since is None or _minor(v) < since]
    passed = {str(v) for v in found} - {str(v) for v in [*rest, *yielded]}
    _warn_of_late(project, [v for v in found if str(v) in passed])
    if rest:
        yield rest


def _known_since(begun: Mapping[str, _Newest]) -> Minor | None:
    """Return from where on all versions are known of regions whose listing has *begun*, if any."""
    minors = [newest.since for newest in begun.values()]
    known = [minor for minor in minors if minor is not None]
    return max(known) if known and len(known) == len(minors) else None


def _warn_of_late(project: str, versions: Sequence[Version]) -> None:
    if versions:
        names = quoted_list([str(version) for version in versions])
        logger.warning(
            "versions of %s came while they were listed, and are left out: %s",
            project, names,
        )  # fmt: skip


def _newest_in(region: Region, project: str, heartbeat: Heartbeat) -> Listed | _Newest:
    """Return the whole listing where it comes at once, else what is newest."""
    page = region.first_page(artifact_prefix(project))
    heartbeat.beat()
    if page.whole:
        return sorted_out(region, project, page.keys, heartbeat)
    majors = _numbers(region, versions_prefix(project), heartbeat)
    if not majors:
        return _UNKNOWN
    major = max(majors)
    minors = _numbers(region, versions_prefix(project, major), heartbeat)
    if not minors or len(majors) == len(minors) == 1:  # that is everything
        return _UNKNOWN
    minor = max(minors)
    keys = region.keys(versions_prefix(project, major, minor))
    return _Newest(sorted_out(region, project, keys, heartbeat), (major, minor))


def _numbers(region: Region, prefix: str, heartbeat: Heartbeat) -> list[int]:
    """Return which numbers the versions have behind *prefix*; none where there are many pages."""
    page = region.first_page(prefix, VERSION_DELIMITER)
    heartbeat.beat()
    found = (next_number(prefix, common) for common in page.common_prefixes) if page.whole else ()
    return [number for number in found if number is not None]


def _minor(version: Version) -> Minor:
    return version.major, version.minor
