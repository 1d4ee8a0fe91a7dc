"""Removals of versions that were not finished: found by their marks, and completed."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import partial

from semver import Version

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import IntegrityError, RemovedError, StartifactError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.keys import Key, artifact_key
from startifact.model.versions import parse_version
from startifact.reading.listing import ask_regions, marked_versions
from startifact.reading.replica import describe
from startifact.regions.interface import Region
from startifact.registers.attempt import Author
from startifact.registers.marks import (
    PruningMark,
    PruningState,
    is_being_removed,
    mark_in,
    mark_in_region,
    mark_register,
)
from startifact.repair.log import RepairLog, Step
from startifact.repair.verify import Finding
from startifact.retention.removal import Remover, change_pruning, is_removed


def removing_versions(
    regions: Sequence[Region], project: str, version: Version | None, *, limits: Limits
) -> frozenset[str]:
    """Return the versions of *project*, as texts, that a region says are being removed.

    With *version* no other one is looked at. A region that does not say it is passed over: whoever
    compares marks reports that. Where regions say otherwise, the last of it holds: one that missed
    that a removal was taken back starts no other.
    """
    jobs = {r.name: partial(_removing_in, r, project, version, limits) for r in regions}
    found, _ = ask_regions(jobs, limits, None)
    said: dict[str, set[bool]] = {}
    for marks in found.values():
        for text, is_removing in marks.items():
            said.setdefault(text, set()).add(is_removing)
    taken_back: set[str] = set()

    def look_again(text: str) -> None:
        register = mark_register(regions, project, parse_version(text), limits=limits)
        reading = register.read()
        if reading.is_known and not mark_in(reading).is_being_removed:
            taken_back.add(text)

    disputed = [partial(look_again, text) for text, words in said.items() if len(words) > 1]
    run_in_pool(disputed, workers=limits.inventory_workers, limits=limits)
    return frozenset(text for text, words in said.items() if True in words) - taken_back


def _removing_in(
    region: Region, project: str, version: Version | None, limits: Limits, heartbeat: Heartbeat
) -> dict[str, bool]:
    found: dict[str, bool] = {}

    def read(marked: Version) -> None:
        heartbeat.beat()
        try:
            mark = mark_in_region(region, project, marked)
        except IntegrityError:
            return
        found[str(marked)] = mark.is_being_removed

    versions = marked_versions(region, project, heartbeat) if version is None else [version]
    jobs = [partial(read, marked) for marked in versions]
    run_in_pool(jobs, workers=limits.inventory_workers, limits=limits)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalCompleter:
    """Completes removals as the prune would that has begun them."""

    regions: Sequence[Region]
    project: str
    author: Author
    log: RepairLog
    limits: Limits

    def complete(self, version: Version, findings: Sequence[Finding]) -> None:
        """Put a tombstone into every region, unless a channel holds *version* after all.

        *findings* say which regions lack one.
        """
        key = artifact_key(self.project, version)
        steps = [
            Step(region=f.region, key=key, action="remove", message=f"remove {key} here")
            for f in findings
        ]
        if self.log.dry_run:
            for step in steps:
                self.log.record_step(step)
            return
        remover = Remover(self.regions, self.project, self.author, self.limits)
        try:
            # Where the mark was lost, or says less than the tombstones do.
            change_pruning(
                self.regions, self.project, version, self._begun, self.author, limits=self.limits
            )
            remover.remove([version], datetime.now(UTC))
        except StartifactError as e:
            self.log.record_failure_of_all(e)
            return
        for error in remover.incomplete.values():
            self.log.record_failure_of_all(error)
        if why := remover.in_use.get(str(version)):
            steps = [
                Step(region=s.region, key=key, action="take-back", message=f"keep {key}: {why}")
                for s in steps
            ]
        elif remover.incomplete:
            there = self._tombstones(key)
            steps = [step for step in steps if step.region in there]
        for step in steps:
            self.log.record_step(step)

    def _tombstones(self, key: Key) -> set[str]:
        """Return the regions that have a tombstone at *key*, although not all have one."""

        def inspect(region: Region, heartbeat: Heartbeat) -> bool:
            heartbeat.beat()
            return is_removed(region.describe(key))

        jobs = {region.name: partial(inspect, region) for region in self.regions}
        found, _ = ask_regions(jobs, self.limits, None)
        return {name for name, is_there in found.items() if is_there}

    def _begun(self, mark: PruningMark | None) -> PruningMark:
        if mark is not None and mark.state is PruningState.REMOVING:
            return mark
        at = self.author.now()
        return PruningMark(
            state=PruningState.REMOVING, not_before=at, at=at, decided_by=self.author.moved_by
        )


def check_not_removing(
    regions: Sequence[Region], project: str, version: Version, *, limits: Limits
) -> None:
    """Return where enough regions say that *version* is not being removed.

    Raises:
        RemovedError: One says that it is.
        SeveralRegionsError: Too few say anything.
    """
    reading = mark_register(regions, project, version, limits=limits).read()
    key = artifact_key(project, version)
    if is_being_removed(reading):
        raise RemovedError(f"{key} is being removed", hint="Choose another version")
    if not reading.is_known:
        raise reading.unknown(f"cannot tell whether {key} is being removed")


def refuse_removed(
    regions: Sequence[Region], key: Key, failed: Collection[str], log: RepairLog, limits: Limits
) -> None:
    """Record a refusal where a region has a tombstone at *key*, which others were filled with.

    A removal may have begun since regions were compared.
    """
    living = [region for region in regions if region.name not in failed]
    jobs = {region.name: partial(_describe, region, key) for region in living}
    with FanOut(jobs, limits=limits) as describing:
        for answer in describing:
            if isinstance(answer, Failure) and isinstance(answer.error, RemovedError):
                log.refuse(answer.error)
                return


def _describe(region: Region, key: Key, heartbeat: Heartbeat) -> object:
    heartbeat.beat()
    return describe(region, key)
