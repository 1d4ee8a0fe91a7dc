"""Which versions of a project there are, the newest ones before the others are known.

Where a region does not give all keys at once, those of its highest minor version are asked for
first: two listings of common prefixes say which that is. Then everything is listed, as always.
"""

import itertools
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from semver import Version

from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import StartifactError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import KEYS_AT_ONCE, Limits
from startifact.model.keys import (
    VERSION_DELIMITER,
    next_number,
    version_prefix,
    versions_prefix,
)
from startifact.model.quorum import required_to_read
from startifact.model.ranges import Prefix, Range
from startifact.reading.listing import (
    ask_regions,
    check_answers,
    check_found,
    failures_by_region,
    sort_out,
    warn_of_others,
    warn_of_unlisted,
)
from startifact.reading.nearest import nothing_satisfies
from startifact.reading.sorted_versions import SortedVersions, newest_of, without
from startifact.regions.interface import Region
from startifact.text import quoted_list

logger = logging.getLogger(__name__)

Minor = tuple[int, int]
"""The first two numbers of a version."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """The versions that a region has, and all other keys."""

    versions: SortedVersions
    others: list[str]


@dataclass(frozen=True, slots=True)
class _Newest:
    """The versions that a region has from *since* on; ``None`` where they are not known."""

    versions: SortedVersions
    since: Minor | None


def list_in_batches(
    regions: Sequence[Region],
    project: str,
    *,
    limits: Limits,
    range_: Range | None = None,
    unlisted: dict[str, StartifactError] | None = None,
) -> Iterator[list[Version]]:
    """Yield every version of *project* that any region holds, newest first, in batches.

    With *range_* it is those that satisfy it, and only what they begin with is listed. Only their
    texts are kept, so that memory hardly grows with their number. What was staged while this listed
    is left out, with a warning, where its place is over. Why a region was not listed is in
    *unlisted* as soon as it is known.

    Raises:
        InputError: Two regions are one store.
        NotFoundError: Every region said that there is none.
        SeveralRegionsError: Fewer than half of the regions answered, or not to the end.
    """
    prefixes: list[Prefix] = [()] if range_ is None else sorted(range_.prefixes, reverse=True)
    failures = {} if unlisted is None else unlisted
    warned: set[str] = set()
    found = False
    for prefix in prefixes:
        listing = _Listing(regions, project, prefix, limits, failures=failures, warned=warned)
        for versions in listing.batches():
            batch = [v for v in versions if range_ is None or _is_in(v, prefix, range_)]
            if batch:
                found = True
                yield batch
    if found:
        return
    check_answers(regions, project, failures, all_needed=True)
    if range_ is not None:
        raise nothing_satisfies(regions, project, range_, limits)
    check_found(regions, project, {}, ())


def _is_in(version: Version, prefix: Prefix, range_: Range) -> bool:
    numbers = (version.major, version.minor, version.patch)
    # The keys of 1.2.30 begin as those of 1.2.3 do.
    return numbers[: len(prefix)] == prefix and version in range_


class _Listing:
    """The versions that begin with *prefix*, of all regions."""

    def __init__(
        self,
        regions: Sequence[Region],
        project: str,
        prefix: Prefix,
        limits: Limits,
        *,
        failures: dict[str, StartifactError],
        warned: set[str],
    ) -> None:
        self._regions = regions
        self._project = project
        self._prefix = prefix
        self._limits = limits
        self._failures = failures
        """Of regions that have failed before; those that fail now are added."""

        self._warned = warned
        """The regions of which a warning was given."""

    def batches(self) -> Iterator[list[Version]]:
        """Yield them, newest first: those of the highest minor before the others are listed."""
        regions, project, limits = self._regions, self._project, self._limits
        enough = required_to_read(len(regions))
        begin = {r.name: partial(_newest_in, r, project, self._prefix) for r in regions}
        answers, failed = ask_regions(begin, limits, enough)
        whole = {name: a for name, a in answers.items() if isinstance(a, _Listed)}
        begun = {name: a for name, a in answers.items() if isinstance(a, _Newest)}
        since = _known_since(begun)
        if begun:
            self._take_failures(failures_by_region(regions, failed))
        known = [answer.versions for answer in answers.values()] if since is not None else []
        yield from _batches(itertools.takewhile(partial(_is_from, since), newest_of(known)))
        # All of it once more, as a walk from minor to minor may take a request for each version.
        rest = {r.name: partial(_list, r, project, self._prefix) for r in regions}
        rest = {name: job for name, job in rest.items() if name in begun}
        listed, failed_later = ask_regions(rest, limits, max(0, enough - len(whole)))
        whole |= listed
        failures = failures_by_region(regions, [*failed, *failed_later])
        self._take_failures(failures)
        warn_of_unlisted({name: e for name, e in failures.items() if name not in self._warned})
        self._warned |= failures.keys()
        if not self._prefix:  # other keys than versions are no matter of a range
            warn_of_others(regions, project, {name: a.others for name, a in whole.items()})
        found = newest_of(a.versions for a in whole.values())
        for is_over, versions in itertools.groupby(found, partial(_is_from, since)):
            if is_over:
                came = without(versions, newest_of(known))
                _warn_of_late(project, list(came))
            else:
                yield from _batches(versions)

    def _take_failures(self, failures: Mapping[str, StartifactError]) -> None:
        check_answers(self._regions, self._project, failures, all_needed=False)
        self._failures.update(failures)


def _is_from(since: Minor | None, version: Version) -> bool:
    return since is not None and _minor(version) >= since


def _batches(versions: Iterable[Version]) -> Iterator[list[Version]]:
    """Yield *versions* in lists of as many as are listed at once."""
    left = iter(versions)
    while batch := list(itertools.islice(left, KEYS_AT_ONCE)):
        yield batch


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


def _newest_in(
    region: Region, project: str, prefix: Prefix, heartbeat: Heartbeat
) -> _Listed | _Newest:
    """Return the whole listing where it comes at once, else what is newest."""
    if len(prefix) > 1:  # there is no minor to choose
        return _list(region, project, prefix, heartbeat)
    page = region.first_page(versions_prefix(project, *prefix))
    heartbeat.beat()
    if page.whole:
        return _listed(region, project, page.keys, heartbeat)
    unknown = _Newest(SortedVersions(), None)
    majors = list(prefix) or _numbers(region, versions_prefix(project), heartbeat)
    if not majors:
        return unknown
    major = max(majors)
    minors = _numbers(region, versions_prefix(project, major), heartbeat)
    if not minors or len(majors) == len(minors) == 1:  # that is everything
        return unknown
    minor = max(minors)
    return _Newest(_list(region, project, (major, minor), heartbeat).versions, (major, minor))


def _list(region: Region, project: str, prefix: Prefix, heartbeat: Heartbeat) -> _Listed:
    keys = region.keys(version_prefix(project, *prefix))
    return _listed(region, project, keys, heartbeat)


def _listed(region: Region, project: str, keys: Iterable[str], heartbeat: Heartbeat) -> _Listed:
    versions = SortedVersions()
    return _Listed(versions, sort_out(region, project, keys, heartbeat, versions.add))


def _numbers(region: Region, prefix: str, heartbeat: Heartbeat) -> list[int]:
    """Return which numbers the versions have behind *prefix*; none where there are many pages."""
    page = region.first_page(prefix, VERSION_DELIMITER)
    heartbeat.beat()
    found = (next_number(prefix, common) for common in page.common_prefixes) if page.whole else ()
    return [number for number in found if number is not None]


def _minor(version: Version) -> Minor:
    return version.major, version.minor
