"""Repairing what a comparison found: filling regions, moving ``latest`` forward, mirroring it.

Nothing that is stored is lost. Where regions disagree, a person says which content is right; all
other content is copied to quarantine before it is deleted.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from semver import Version

from startifact.channels.latest import ChannelWriter
from startifact.concurrency.fan_out import Failure, FanOut
from startifact.errors import (
    DeadlineError,
    InputError,
    IntegrityError,
    LocalFileError,
    NewerFormatError,
    NotFoundError,
    RefusedError,
    StartifactError,
    no_answer,
)
from startifact.files.source import Source
from startifact.files.temporary import sweep
from startifact.hints import Command, Hint, Option
from startifact.limits import Limits
from startifact.model.clock import now
from startifact.model.keys import Key, artifact_key
from startifact.model.record import Record
from startifact.model.voting import ContentNames
from startifact.reading.disagreement import choice_of, unnamed
from startifact.reading.replica import Replica
from startifact.regions.interface import Region
from startifact.registers.attempt import Author
from startifact.repair.inspection import take_inventory, with_removing
from startifact.repair.inventory import ProjectInventory, ReplicaStatus
from startifact.repair.latest import LatestRepairer
from startifact.repair.log import Repair, RepairLog, Step
from startifact.repair.quarantine import quarantine
from startifact.repair.register_inventory import take_registers
from startifact.repair.registers import compare_registers, repair_registers
from startifact.repair.removals import (
    RemovalCompleter,
    check_not_removing,
    refuse_removed,
    removing_versions,
)
from startifact.repair.unrecorded import complete, with_record
from startifact.repair.verify import UNDISPUTED, Finding, FindingKind, compare, leading_status
from startifact.staging.existing import fetch_existing
from startifact.staging.region_steps import create, warn_untried


class Repairer:
    """Repairs one project in *regions*.

    *required* regions have to hold a version before ``latest`` begins to move to it.
    """

    def __init__(
        self,
        regions: Sequence[Region],
        *,
        moved_by: str,
        required: int,
        dry_run: bool,
        read_data: bool,
        limits: Limits,
    ) -> None:
        self._regions = regions
        self._channel_writer = ChannelWriter(now=now, moved_by=moved_by, limits=limits)
        self._required = required
        self._read_data = read_data
        self._limits = limits
        self._log = RepairLog(dry_run, limits)

    def repair(self, project: str, version: Version | None, keep: str | None) -> Repair:
        """Repair *project*, or one *version* of it; *keep* names the content to keep.

        Raises:
            InputError: *keep* was given without *version*.
            NotFoundError: Every region said that there is nothing, or none has *keep*.
            IntegrityError: Regions hold the bytes to keep with other metadata each, so that *keep*
                has to name a content.
            DeadlineError: The time that was allowed has passed. Its notes say what was done.
        """
        if keep is not None and version is None:
            raise InputError(
                "keep needs one version", hint="Name it, for example SugarWater@1.0.9000"
            )
        # The content to keep is read and compared first: a record by itself proves nothing.
        read_data = self._read_data or keep is not None
        project_inventory = take_inventory(
            self._regions, project, version, read_data=read_data, limits=self._limits
        )
        removing = removing_versions(self._regions, project, version, limits=self._limits)
        project_inventory = with_removing(project_inventory, removing, limits=self._limits)
        project_inventory.check_found()
        if not self._log.dry_run:
            sweep()
        self._log.failures.update(project_inventory.failures)
        with self._log.noting_what_was_done():
            for each in reversed(project_inventory.versions):  # oldest first, as they were staged
                self._repair_version(project_inventory, each, keep)
            if version is None:
                LatestRepairer(
                    project_inventory, self._log, self._channel_writer, self._required, self._limits
                ).repair()
                self._repair_registers(project_inventory)
        if self._log.dry_run:
            written = {step.region for step in self._log.steps}
            warn_untried(region for region in self._regions if region.name in written)
        return self._log.result(project, [region.name for region in self._regions])

    def _repair_registers(self, project_inventory: ProjectInventory) -> None:
        """Bring channels that are set by hand, and marks, to every region."""
        project, failed = project_inventory.project, self._log.failures
        registers = take_registers(
            self._regions, project, failed_before=failed, limits=self._limits
        )
        for name, error in registers.failures.items():
            self._log.record_failure(name, error)
        findings = compare_registers(registers, project_inventory.sound_versions())
        author = Author(moved_by=self._channel_writer.moved_by, now=now)
        repair_registers(registers, findings, self._log, author)

    def _repair_version(
        self, project_inventory: ProjectInventory, version: Version, keep: str | None
    ) -> None:
        key, statuses, known = (
            artifact_key(project_inventory.project, version),
            project_inventory.statuses(version),
            project_inventory.statuses_with_early(version),
        )
        found = compare(project_inventory, version)
        # First of all: what this Startifact cannot read, it cannot judge either.
        if newer := [s.trouble for s in known.values() if isinstance(s.trouble, NewerFormatError)]:
            self._log.refuse(newer[0])
            return
        if project_inventory.is_removal(version):
            self._complete_removal(project_inventory, version, found, keep)
            return
        self._refuse_archived(key, known.values())
        if keep is not None:
            right = _chosen(key, statuses, keep, project_inventory.failures)
        elif any(d.kind not in UNDISPUTED for d in found):
            self._log.refuse(_disagreement(key, known, found))
            return
        else:
            right = {
                name: status for name, status in statuses.items() if status.replica is not None
            }
        incomplete = {d.region for d in found if d.kind is FindingKind.INCOMPLETE}
        replicas = _sources(status for name, status in right.items() if name not in incomplete)
        if not replicas:
            return
        for name, status in statuses.items():
            if name in incomplete:
                self._complete(project_inventory.project, key, status, replicas[0])
        wrong = {n: s for n, s in statuses.items() if n not in right and n not in incomplete}
        if wrong and self._may_set_aside(project_inventory.project, version, wrong):
            self._replace(project_inventory.project, version, replicas, wrong)

    def _may_set_aside(
        self, project: str, version: Version, wrong: Mapping[str, ReplicaStatus]
    ) -> bool:
        """Say whether no prune has put there what is *wrong*; record a refusal where it may have.

        Where its mark could not be read, the version looks as if it was not being removed.
        """
        if not any(status.is_tombstone for status in wrong.values()):
            return True
        try:
            check_not_removing(self._regions, project, version, limits=self._limits)
        except DeadlineError:
            raise
        except StartifactError as e:
            self._log.refuse(e)
            return False
        return True

    def _refuse_archived(self, key: Key, statuses: Iterable[ReplicaStatus]) -> None:
        """Record which copies cannot be read: only whoever owns the bucket can restore them."""
        for status in statuses:
            if status.replica is not None and (error := status.replica.archived_error(key)):
                self._log.refuse(error)

    def _complete_removal(
        self,
        project_inventory: ProjectInventory,
        version: Version,
        found: Sequence[Finding],
        keep: str | None,
    ) -> None:
        """Remove *version* in the regions that *found* is about; nothing of it is kept."""
        if keep is not None:
            key = artifact_key(project_inventory.project, version)
            self._log.refuse(
                RefusedError(
                    f"{key} is removed, or being removed: no content of it can be kept",
                    hint="Stage the content under a new version",
                )
            )
        elif found:
            RemovalCompleter(
                regions=self._regions,
                project=project_inventory.project,
                author=Author(moved_by=self._channel_writer.moved_by, now=now),
                log=self._log,
                limits=self._limits,
            ).complete(version, found)

    def _complete(self, project: str, key: Key, status: ReplicaStatus, whole: Replica) -> None:
        """Give an incomplete replica the metadata of *whole*."""
        if status.replica is not None:
            step = _step(status.replica.region, key, "complete", f"copy the metadata of {key} here")
            job = partial(complete, project, key, status.replica, whole, limits=self._limits)
            self._log.run_step(step, job)

    def _replace(
        self,
        project: str,
        version: Version,
        replicas: list[Replica],
        wrong: dict[str, ReplicaStatus],
    ) -> None:
        """Replace what is *wrong* or missing by one of *replicas*."""
        if self._log.dry_run:
            self._put(project, version, replicas[0], None, wrong)
            return
        key = artifact_key(project, version)
        with contextlib.ExitStack() as stack:
            try:
                # Before anything is set aside: it may turn out that no region can deliver it.
                source = stack.enter_context(
                    fetch_existing(self._regions, key, replicas, limits=self._limits)
                )
                replica = replicas[0]
                if not replica.is_recorded:
                    replica = with_record(replicas, key, source, self._limits)
            except DeadlineError:
                raise
            except LocalFileError as e:
                # Not the end of the repair: the next version may be smaller, and the result has to
                # say what was done so far.
                self._log.refuse(
                    LocalFileError(f"{key} cannot be brought here: {e.message}", hint=e.next_step)
                )
            except StartifactError as e:
                self._log.refuse(e)
            else:
                self._put(project, version, replica, source, wrong)

    def _put(
        self,
        project: str,
        version: Version,
        replica: Replica,
        source: Source | None,
        wrong: dict[str, ReplicaStatus],
    ) -> None:
        """Move what is *wrong* to quarantine, and fill those regions from *source*."""
        key = artifact_key(project, version)
        ready = []
        for region in self._regions:
            if (status := wrong.get(region.name)) is None:
                continue
            how = f"copy {key} aside and delete it"
            if status.stored is None:
                how = f"move what is at {key} aside"
            step = _step(region, key, "set-aside", how)
            job = partial(quarantine, region, project, version, status, limits=self._limits)
            if status.absent or self._log.run_step(step, job):
                ready.append(region)
        self._fill(project, key, ready, source, replica)

    def _fill(
        self, project: str, key: Key, regions: list[Region], source: Source | None, replica: Replica
    ) -> None:
        """Create the artifact in *regions*, with the record of *replica*, byte for byte."""
        steps = {r.name: _step(r, key, "fill", f"copy {key} here, verified") for r in regions}
        if source is None:
            for step in steps.values():
                self._log.record_step(step)
            return
        encoded_record = str(replica.stored.encoded_record)
        jobs = {r.name: partial(create, r, project, key, source, encoded_record) for r in regions}
        filled: set[str] = set()
        different: set[str] = set()
        try:
            with FanOut(jobs, limits=self._limits, undo=True) as filling:
                for answer in filling:
                    if isinstance(answer, Failure):
                        self._log.record_failure(answer.name, answer.error)
                    elif answer.value.record.same_content(replica.record):
                        filled.add(answer.name)
                    else:
                        different.add(answer.name)
        finally:  # a signal or a deadline too: what was done until then is in the log
            for name, step in steps.items():
                if name in filled:
                    self._log.record_step(step)
                elif name in different:
                    self._log.conflict(name, key)
        if filled:
            refuse_removed(self._regions, key, self._log.failures, self._log, self._limits)


def _step(region: Region, key: Key, action: str, message: str) -> Step:
    return Step(region=region.name, key=key, action=action, message=message)


def _chosen(
    key: Key, statuses: dict[str, ReplicaStatus], keep: str, failures: dict[str, StartifactError]
) -> dict[str, ReplicaStatus]:
    """Return, by region, the replicas that have the digest to keep and the same metadata."""
    sound = {
        n: s
        for n, s in statuses.items()
        if s.replica is not None
        and keep in {s.replica.record.digest, s.replica.record.content_name}
    }
    if not sound:
        message, hint = f"no region holds a sound {key} with {keep}", _VERIFY
        if not failures:
            raise NotFoundError(message, hint=hint)
        raise no_answer(f"{message}, of those that answered", failures.items())
    agreed = leading_status(list(sound.values()))
    if agreed is None or agreed.replica is None:
        names = ContentNames(_records(sound))
        lines = "".join(
            f"\n  {name}: {names.of(status.replica.record)}"
            for name, status in sound.items()
            if status.replica is not None
        )
        raise IntegrityError(
            f"regions hold {key} with {keep}, but with other metadata each:{lines}",
            hint=choice_of(key, _records(sound), _CHOOSE),
        )
    agreed_record = agreed.replica.record
    recorded = any(status.recorded for status in sound.values())
    return {
        name: status
        for name, status in sound.items()
        if status.replica is not None
        and status.replica.record.same_content(agreed_record)
        and status.recorded == recorded
    }


_CHOOSE = "Find out which is right, then run "

_VERIFY = Hint.of(
    "Choose one of the contents that ",
    Command("verify", options=(Option("read-data", "true"),)),
    " shows",
)


def _disagreement(
    key: Key, statuses: dict[str, ReplicaStatus], found: list[Finding]
) -> RefusedError:
    recorded = {name: status for name, status in statuses.items() if status.recorded}
    otherwise: Hint | str = (
        unnamed(key, "Find out which is right: ")
        if _records(statuses)
        else "No region has one that could be kept: stage the content under a new version"
    )
    return RefusedError(
        f"regions disagree about {key}, nothing of it was changed:"
        + "".join(f"\n  {finding.message}" for finding in found),
        hint=choice_of(key, _records(recorded), _CHOOSE) or otherwise,
    )


def _records(statuses: Mapping[str, ReplicaStatus]) -> list[Record]:
    return [status.replica.record for status in statuses.values() if status.replica is not None]


def _sources(statuses: Iterable[ReplicaStatus]) -> list[Replica]:
    """Return the replicas to fill regions from: those with a record, else all of them.

    Those whose bytes can be verified come first.
    """
    replicas = [status.replica for status in statuses if status.replica is not None]
    recorded = [replica for replica in replicas if replica.is_recorded]
    return recorded or sorted(replicas, key=lambda replica: replica.record.md5 is None)
