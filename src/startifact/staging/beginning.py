"""Where ``latest`` begins in regions that have none: not below what it may have been.

That is asked where too few regions have one to know the highest: for the first version of a
project, and after ``latest`` was lost, for example by a lifecycle rule.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from functools import partial

from semver import Version

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import IntegrityError, RegionUnavailableError, RemovedError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.keys import LATEST, artifact_key
from startifact.model.quorum import majority
from startifact.model.record import Record
from startifact.model.versions import is_later, latest_first
from startifact.model.voting import Votes
from startifact.reading.listing import Listed, versions_by_region
from startifact.reading.replica import Replica, describe
from startifact.regions.interface import Region


@dataclass(slots=True)
class Beginnings:
    """Where ``latest`` begins, by region, other than at the version that is staged."""

    versions: dict[str, Version] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    """Regions that do not say whether they hold what may have been ``latest``."""


def find_beginnings(
    regions: Sequence[Region],
    project: str,
    version: Version,
    *,
    answered: Collection[str],
    begun: Mapping[str, Callable[[], Listed]],
    required: int,
    limits: Limits,
) -> Beginnings:
    """Return where ``latest`` begins in those of *regions* that have *answered*, if it has none.

    Some of them may have *begun* to be listed.

    It is the highest version above *version* that the region holds and whose staging may have
    succeeded: *required* regions, or a majority of all, hold one content of it, or could as far as
    regions do not answer. What is removed in any region is passed over.
    """
    asked = [region for region in regions if region.name in answered]
    listed, failures = versions_by_region(asked, project, begun, limits=limits)
    beginnings = Beginnings(failures=failures)
    enough = min(required, majority(len(regions)))
    later = {str(v): v for found in listed.values() for v in found if is_later(v, version)}
    for candidate in latest_first(later.values()):
        names = {name for name, found in listed.items() if candidate in found}
        is_known = names <= beginnings.versions.keys()
        if is_known or len(names) + len(regions) - len(listed) < enough:
            continue
        holders = [region for region in asked if region.name in listed]
        holding, unknown = _holding(holders, project, candidate, len(regions), enough, limits)
        # Also where it was created since the region was listed.
        beginnings.versions |= dict.fromkeys(holding - beginnings.versions.keys(), candidate)
        undecided = names - beginnings.versions.keys()
        beginnings.failures += [failure for failure in unknown if failure.name in undecided]
    return beginnings


def regions_with_other_content(
    regions: Sequence[Region], project: str, version: Version, *, limits: Limits
) -> set[str]:
    """Return which of *regions* hold *version* with other content than most that hold it.

    These are all that hold it where no content leads. Regions that do not answer are not counted.
    """
    found = _describe_in(regions, project, version, limits)
    return {replica.region.name for replica in found.replicas} - found.leading()


@dataclass(slots=True)
class _Descriptions:
    """What regions say of one version."""

    replicas: list[Replica] = field(default_factory=list)
    unknown: list[Failure] = field(default_factory=list)
    """Regions that do not say whether they hold it."""

    is_removed: bool = False
    """Whether a region says that it was removed."""

    def leading(self) -> set[str]:
        """Return the regions that hold the content which most hold; none where two lead."""
        votes = Votes(self.replicas)
        if votes.leader is None or votes.is_tied:
            return set()
        leader = votes.leader.record
        return {r.region.name for r in self.replicas if _is_content_of(leader, r)}


def _describe_in(
    regions: Sequence[Region], project: str, version: Version, limits: Limits
) -> _Descriptions:
    jobs = {r.name: partial(_describe, r, project, version) for r in regions}
    found = _Descriptions()
    with FanOut(jobs, limits=limits) as describing:
        for answer in describing:
            if isinstance(answer, Failure):
                if isinstance(answer.error, RemovedError):
                    found.is_removed = True
                elif not isinstance(answer.error, IntegrityError):  # damaged, it is not complete
                    found.unknown.append(answer)
            elif answer.value is not None:
                found.replicas.append(answer.value)
    return found


def _holding(
    holders: Sequence[Region],
    project: str,
    version: Version,
    regions: int,
    enough: int,
    limits: Limits,
) -> tuple[set[str], list[Failure]]:
    """Return which of *holders* hold *version*, where *enough* of *regions* may; else none.

    With it comes why others did not say whether they do.
    """
    found = _describe_in(holders, project, version, limits)
    if found.is_removed:
        return set(), []
    replicas, unknown = found.replicas, found.unknown
    votes, not_known = Votes(replicas), regions - len(holders) + len(unknown)
    if votes.leader is None or votes.most + not_known < enough:
        return set(), unknown if votes.leader is None else []
    leading = found.leading()
    for replica in (r for r in replicas if r.region.name not in leading):
        same = sum(_is_content_of(replica.record, other) for other in replicas)
        if same + not_known >= enough:
            unknown.append(_contested(replica.region, project, version))
    return leading, unknown


def _contested(region: Region, project: str, version: Version) -> Failure:
    """Return the failure of a region whose content of *version* may be the majority's or not."""
    return Failure(
        region.name,
        0.0,
        RegionUnavailableError(
            f"{region.name} has no {LATEST} of {project}, which may have been {version}: regions "
            "that do not answer decide that, as the others disagree about it. It was not created"
        ),
    )


def _is_content_of(leader: Record, replica: Replica) -> bool:
    record = replica.record
    if record.sha256 and leader.sha256:
        return record.same_content(leader)
    return record.may_have_bytes_of(leader)  # of the first Startifact: it recorded no digest


def _describe(
    region: Region, project: str, version: Version, heartbeat: Heartbeat
) -> Replica | None:
    heartbeat.beat()
    return describe(region, artifact_key(project, version))
