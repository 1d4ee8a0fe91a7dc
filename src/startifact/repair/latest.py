"""Repairing ``latest``: it moves forward where it is behind or lost, never back; mirrors follow."""

from dataclasses import field
from functools import partial

from semver import Version

from startifact.channels.latest import ChannelWriter
from startifact.concurrency.fan_out import run_one
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import (
    IntegrityError,
    NewerFormatError,
    RefusedError,
    RemovedError,
    StartifactError,
    UndeterminedError,
)
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.keys import LATEST, Key, artifact_key, channel_key
from startifact.model.quorum import required_to_read
from startifact.model.record import Record
from startifact.model.versions import is_later
from startifact.reading.replica import Replica, describe
from startifact.repair.inventory import ProjectInventory, RegionInventory
from startifact.repair.log import RepairLog, Step
from startifact.repair.quarantine import move_latest_aside
from startifact.repair.verify import is_disputed, is_mirror_wrong, is_sound, target_of


@dataclass(slots=True)
class LatestRepairer:
    """Repairs the ``latest`` of one project in every region that *project_inventory* covers.

    *required* regions have to hold a version before ``latest`` begins to move to it.
    """

    project_inventory: ProjectInventory
    log: RepairLog
    channel_writer: ChannelWriter
    required: int
    limits: Limits
    _refused: set[str] = field(default_factory=set)
    _first_records: dict[Key, Record] = field(default_factory=dict)

    def repair(self) -> None:
        """Move or mirror every ``latest`` that can be repaired, and record why others cannot."""
        target = target_of(self.project_inventory)
        for inventory in self.project_inventory.inventories:
            if inventory.region.name in self.log.failures:
                continue
            if target is not None:
                self._repair_region(inventory, target)
            elif inventory.latest.trouble is not None:
                self._refuse(
                    RefusedError(
                        f"{inventory.latest.trouble.message}; there is no version that it could "
                        "point at",
                        hint="Stage a version, then run this again",
                    )
                )

    def _repair_region(self, inventory: RegionInventory, target: Version) -> None:
        channel_record = inventory.latest.channel_record
        if channel_record is None or is_later(target, channel_record.version):
            if self._is_disputed(target):
                return  # nothing moves to it; the refusal of the version has said why
            stop = self._too_few(target) or (
                self._uncertain(target) if channel_record is None else None
            )
            if stop is not None:
                self._refuse(stop)
            elif self._holds(inventory, target):
                if not self._is_disputed(target):  # `_holds` may have found that only now
                    self._move(inventory, target)
            else:
                self._refuse_dangling(inventory, target, "cannot be")
            return
        here = channel_record.version
        if not self._holds(inventory, here):
            self._refuse_dangling(inventory, here, "is")
        if is_mirror_wrong(inventory, here):
            step = self._step(
                inventory, "refresh-copy", f"copy {self._key} to where others read it"
            )
            self.log.run_step(
                step,
                lambda _: self.channel_writer.mirror(
                    inventory.region, self.project_inventory.project
                ),
            )

    def _move(self, inventory: RegionInventory, target: Version) -> None:
        region = inventory.region
        damaged = inventory.latest.state if inventory.latest.trouble is not None else None
        if (
            inventory.latest.trouble is not None and damaged is None
        ):  # something that has no text to be replaced, such as a folder
            aside = self._step(inventory, "set-aside", f"move what is at {self._key} aside")
            if not self.log.run_step(
                aside, partial(move_latest_aside, region, self.project_inventory.project)
            ):
                return

        def move(heartbeat: Heartbeat) -> None:
            heartbeat.beat()
            if damaged is not None:
                self.channel_writer.replace_damaged(
                    region, self.project_inventory.project, target, damaged
                )
            else:
                self.channel_writer.advance(region, self.project_inventory.project, target)
            self.channel_writer.mirror(region, self.project_inventory.project)

        self.log.run_step(
            self._step(inventory, "move-latest", f"move {self._key} to {target}"), move
        )

    def _too_few(self, target: Version) -> StartifactError | None:
        """Return why ``latest`` may not move to *target* yet; ``None`` when it may.

        Where one region has moved to it, its staging had enough regions, and the others follow.
        """
        if str(target) in map(str, self.project_inventory.channel_records()):
            return None
        holders = sum(
            self._holds(inventory, target) for inventory in self.project_inventory.inventories
        )
        if holders >= self.required:
            return None
        return UndeterminedError(
            f"{artifact_key(self.project_inventory.project, target)} is complete in {holders} of "
            f"{self._count} regions, {self.required} are needed before {LATEST} moves to it",
            hint="Run this again when the other regions answer",
        )

    def _uncertain(self, target: Version) -> StartifactError | None:
        """Return why a lost ``latest`` may have been higher than *target*, if it may have been."""
        later = [v for v in self.project_inventory.versions if is_later(v, target)]
        disputed = next((v for v in later if is_disputed(self.project_inventory, v)), None)
        known = len(self.project_inventory.channel_records())
        # So many regions include one of every successful staging: it would be known.
        if disputed is None or known >= required_to_read(self._count):
            return None
        key = artifact_key(self.project_inventory.project, disputed)
        return RefusedError(
            f"{self._key} is not known in enough regions, and may have been {disputed}, which "
            "regions disagree about",
            hint=f"Repair {key} first, then run this again",
        )

    def _holds(self, inventory: RegionInventory, version: Version) -> bool:
        """Say whether the region holds *version*, or in a dry run would by now."""
        region, key = inventory.region, artifact_key(self.project_inventory.project, version)
        if self.log.has_done(region.name, key, "fill"):
            return True
        if self.log.dry_run:
            return is_sound(inventory, version)
        try:
            # Not from the inventory, which is older than every step so far: ``latest`` must never
            # come to point at what has gone.
            replica = run_one(region.name, lambda _: describe(region, key), limits=self.limits)
        except (IntegrityError, NewerFormatError, RemovedError):
            return False
        except StartifactError as e:
            self.log.record_failure(region.name, e)
            return False
        if replica is not None and not self._is_disputed(version):
            self._compare(replica, key, version)
        return replica is not None

    def _compare(self, replica: Replica, key: Key, version: Version) -> None:
        """Record a conflict where *replica* differs from what other regions hold by now.

        Other content may have been staged since the inventory was taken; and of a version that was
        staged since versions were listed, the inventory has only some regions.
        """
        if key not in self._first_records:
            statuses = [i.statuses.get(str(version)) for i in self.project_inventory.inventories]
            records = [
                s.replica.record for s in statuses if s is not None and s.replica is not None
            ]
            self._first_records[key] = next((r for r in records if r.sha256), replica.record)
        first = self._first_records[key]
        if first.sha256 and replica.record.sha256 and not first.same_content(replica.record):
            self.log.conflict(replica.region.name, key)

    def _refuse_dangling(self, inventory: RegionInventory, version: Version, verb: str) -> None:
        name = inventory.region.name
        if name in self.log.failures:
            return
        if self._is_disputed(version):
            return  # the refusal of the version has said why; that has to be decided first
        elsewhere = any(is_sound(i, version) for i in self.project_inventory.inventories)
        self._refuse(
            RefusedError(
                f"{self._key} in {name} {verb} {version}, which "
                + ("is not complete there" if elsewhere else "no region that answered holds"),
                hint=f"{LATEST} never goes back: stage {version} again, or a later version",
            )
        )

    def _refuse(self, error: StartifactError) -> None:
        """Record a refusal, once where it is the same for several regions."""
        if error.message not in self._refused:
            self._refused.add(error.message)
            self.log.refuse(error)

    def _is_disputed(self, version: Version) -> bool:
        if artifact_key(self.project_inventory.project, version) in self.log.conflicts:
            return True
        known = str(version) in map(str, self.project_inventory.versions)
        return known and is_disputed(self.project_inventory, version)

    def _step(self, inventory: RegionInventory, action: str, message: str) -> Step:
        return Step(region=inventory.region.name, key=self._key, action=action, message=message)

    @property
    def _key(self) -> Key:
        return channel_key(self.project_inventory.project, LATEST)

    @property
    def _count(self) -> int:
        return len(self.project_inventory.inventories) + len(self.project_inventory.failures)
