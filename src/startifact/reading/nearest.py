"""What is near a range that nothing satisfies."""

import bisect
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice

from semver import Version

from startifact.concurrency.in_order import map_in_order
from startifact.errors import DeadlineError, NotFoundError, StartifactError
from startifact.limits import MAX_NEAR_VERSIONS, Limits
from startifact.model.keys import artifact_key
from startifact.model.ranges import Range
from startifact.model.versions import newest_first, precedence
from startifact.reading.listing import versions_of
from startifact.reading.resolution import Resolution
from startifact.regions.interface import Region
from startifact.text import quoted


def nothing_satisfies(
    regions: Sequence[Region], project: str, range_: Range, limits: Limits
) -> NotFoundError:
    """Return the error that no version satisfies *range_*, with the nearest that there are.

    Those that were removed are listed as others are: the few that are named are looked at.
    """
    names = ", ".join(region.name for region in regions)
    versions, _ = versions_of(regions, project, limits=limits)
    if not versions:
        return NotFoundError(
            f"nothing of {project} is staged in {names}",
            hint="Check the project's name and the regions",
        )
    there = partial(_those_there, regions, project, limits)
    rising = list(reversed(newest_first(versions)))
    index = bisect.bisect([precedence(v) for v in rising], range_.begin)
    near = [*reversed(list(islice(there(rising[:index][::-1], ahead=2), 2)))]
    near += islice(there(rising[index:], ahead=1), 1)
    nearest = f"the nearest: {', '.join(map(str, near))}" if near else "what is near was removed"
    wanted = f"{project}@{range_}"
    naming = ""
    if prerelease := next(there(_prereleases(range_, versions), ahead=1), None):
        naming = f"; a prerelease has to be named, as in >={prerelease}"
    return NotFoundError(
        f"nothing satisfies {quoted(wanted)} in {names}; {nearest}",
        hint=f"Widen the range, or stage a version that satisfies it{naming}",
    )


def kept_out(range_: Range, versions: Iterable[Version]) -> Version | None:
    """Return the highest of *versions* that *range_* lacks only because it is a prerelease."""
    return next(iter(_prereleases(range_, versions)), None)


def _prereleases(range_: Range, versions: Iterable[Version]) -> list[Version]:
    """Return those of *versions*, newest first, that *range_* lacks only as prereleases."""
    prereleases = (v for v in versions if v.prerelease is not None)
    return newest_first(v for v in prereleases if range_._keeps_out_as_prerelease(v))


def _those_there(
    regions: Sequence[Region],
    project: str,
    limits: Limits,
    versions: Sequence[Version],
    *,
    ahead: int,
) -> Iterator[Version]:
    """Yield those of the first few *versions* that were not removed, as far as that is known."""

    def is_there(version: Version) -> bool:
        resolution = Resolution(regions, artifact_key(project, version), limits=limits)
        try:
            resolution.resolve()
        except NotFoundError:
            return False
        except DeadlineError:
            raise
        except StartifactError:  # whoever asks for it gets the error
            return True
        finally:
            resolution.close()
        return True

    few = versions[:MAX_NEAR_VERSIONS]
    for version, is_known in zip(
        few, map_in_order(is_there, few, workers=ahead, ahead=ahead), strict=False
    ):
        if is_known:
            yield version
