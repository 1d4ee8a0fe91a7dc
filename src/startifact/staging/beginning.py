"""Where ``latest`` begins in regions that have none: not below what it may have been.

That is asked where too few regions have one to know the highest: for the first version of a
project, and after ``latest`` was lost, for example by a lifecycle rule.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

from semver import Version

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import IntegrityError, RemovedError
from startifact.limits import Limits
from startifact.model.keys import artifact_key
from startifact.model.quorum import majority
from startifact.model.record import Record
from startifact.model.versions import is_later, latest_first
from startifact.model.voting import Votes
from startifact.reading.listing import versions_by_region
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
    required: int,
    limits: Limits,
) -> Beginnings:
    """Return where ``latest`` begins in those of *regions* that have *answered*, if it has none.

    It is the highest version above *version* that the region holds and whose staging may have
    succeeded: *required* regions, or a majority of all, hold one content of it, or could as far as
    regions do not answer. What is removed in any region is passed over.
    """
    asked = [region for region in regions if region.name in answered]
    listed, failures = versions_by_region(asked, project, limits=limits)
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
    jobs = {r.name: partial(_describe, r, project, version) for r in holders}
    replicas: list[Replica] = []
    unknown: list[Failure] = []
    with FanOut(jobs, limits=limits) as describing:
        for answer in describing:
            if isinstance(answer, Failure):
                if isinstance(answer.error, RemovedError):
                    return set(), []
                if not isinstance(answer.error, IntegrityError):  # damaged, it is not complete
                    unknown.append(answer)
            elif answer.value is not None:
                replicas.append(answer.value)
    votes, not_known = Votes(replicas), regions - len(holders) + len(unknown)
    if votes.is_tied or votes.most + not_known < enough:
        return set(), []
    if votes.leader is None:
        return set(), unknown
    leader = votes.leader.record
    return {r.region.name for r in replicas if _is_content_of(leader, r)}, unknown


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
