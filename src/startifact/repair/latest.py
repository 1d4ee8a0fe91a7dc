"""Mending ``latest``: forward where it is behind or lost, and its copies after it. Never back."""

from dataclasses import dataclass, field
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
from startifact.limits import Limits
from startifact.model.keys import LATEST, Key, artifact_key, channel_key
from startifact.model.quorum import required_to_read
from startifact.model.record import Record
from startifact.model.versions import is_later
from startifact.reading.replica import Replica, describe
from startifact.repair.inventory import ProjectInventory, RegionInventory
from startifact.repair.log import RepairLog, Step
from startifact.repair.quarantine import move_latest_aside
from startifact.repair.verify import is_disputed, is_sound, target_of


@dataclass(slots=True)
class LatestRepairer:
    """Mends the ``latest`` of one project in every region that *seen* tells of.

    *required* regions have to hold a version before ``latest`` begins to move to it.
    """

    seen: ProjectInventory
    log: RepairLog
    channel_writer: ChannelWriter
    required: int
    limits: Limits
    _refused: set[str] = field(default_factory=set)
    _found: dict[Key, Record] = field(default_factory=dict)

    def mend(self) -> None:
        """Mend every region's ``latest`` that can be mended."""
        target = target_of(self.seen)
        for inventory in self.seen.inventories:
            if inventory.region.name in self.log.failures:
                continue
            if target is not None:
                self._mend_one(inventory, target)
            elif inventory.latest.trouble is not None:
                self._refuse(
                    RefusedError(
                        f"{inventory.latest.trouble.message}; there is no version that it could "
                        "point at",
                        hint="Stage a version, then run this again",
                    )
                )

    def _mend_one(self, inventory: RegionInventory, target: Version) -> None:
        channel_record = inventory.latest.channel_record
        if channel_record is None or is_later(target, channel_record.version):
            if self._is_disputed(target):
                return  # nothing moves to it; why has been said of the version
            stop = self._too_few(target) or (
                self._uncertain(target) if channel_record is None else None
            )
            if stop is not None:
                self._refuse(stop)
            elif self._holds(inventory, target):
                if not self._is_disputed(target):  # that may have come out only now
                    self._move(inventory, target)
            else:
                self._refuse_dangling(inventory, target, "cannot be")
            return
        here = channel_record.version
        if not self._holds(inventory, here):
            self._refuse_dangling(inventory, here, "is")
        if inventory.region.mirror is not None and inventory.latest.mirrored != str(here):
            step = self._step(
                inventory, "refresh-copy", f"copy {self._key} to where others read it"
            )
            self.log.run_step(
                step, lambda _: self.channel_writer.mirror(inventory.region, self.seen.project)
            )

    def _move(self, inventory: RegionInventory, target: Version) -> None:
        region = inventory.region
        damaged = inventory.latest.state if inventory.latest.trouble is not None else None
        if (
            inventory.latest.trouble is not None and damaged is None
        ):  # what is there is no text at all
            aside = self._step(inventory, "set-aside", f"move what is at {self._key} aside")
            if not self.log.run_step(aside, partial(move_latest_aside, region, self.seen.project)):
                return

        def move(heartbeat: Heartbeat) -> None:
            heartbeat.beat()
            if damaged is not None:
                self.channel_writer.replace_damaged(region, self.seen.project, target, damaged)
            else:
                self.channel_writer.advance(region, self.seen.project, target)
            self.channel_writer.mirror(region, self.seen.project)

        self.log.run_step(
            self._step(inventory, "move-latest", f"move {self._key} to {target}"), move
        )

    def _too_few(self, target: Version) -> StartifactError | None:
        """Return why no ``latest`` must begin to move to *target*, or ``None``."""
        if str(target) in map(str, self.seen.channel_records()):
            return None
        holders = sum(self._holds(inventory, target) for inventory in self.seen.inventories)
        if holders >= self.required:
            return None
        return UndeterminedError(
            f"{artifact_key(self.seen.project, target)} is complete in {holders} of {self._count} "
            f"regions, {self.required} are needed before {LATEST} moves to it",
            hint="Run this again when the other regions answer",
        )

    def _uncertain(self, target: Version) -> StartifactError | None:
        """Return why a ``latest`` that was lost may have been higher than *target*, or ``None``."""
        later = [v for v in self.seen.versions if is_later(v, target)]
        disputed = next((v for v in later if is_disputed(self.seen, v)), None)
        if disputed is None or len(self.seen.channel_records()) >= required_to_read(self._count):
            return None
        key = artifact_key(self.seen.project, disputed)
        return RefusedError(
            f"{self._key} is not known in enough regions, and may have been {disputed}, which "
            "regions disagree about",
            hint=f"Settle {key} first, then run this again",
        )

    def _holds(self, inventory: RegionInventory, version: Version) -> bool:
        """Say whether *version* is in a region, or in a dry run would be by now."""
        region, key = inventory.region, artifact_key(self.seen.project, version)
        if self.log.has_done(region.name, key, "fill"):
            return True
        if self.log.dry_run:
            return is_sound(inventory, version)
        try:
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
        """See whether regions agree; they may have ceased to since they were looked at.

        Of a version that was staged since versions were listed, some regions were looked at.
        """
        if key not in self._found:
            seen = [inventory.statuses.get(str(version)) for inventory in self.seen.inventories]
            known = [
                one.replica.record for one in seen if one is not None and one.replica is not None
            ]
            self._found[key] = next((r for r in known if r.sha256), replica.record)
        first = self._found[key]
        if first.sha256 and replica.record.sha256 and not first.same_content(replica.record):
            self.log.conflict(replica.region.name, key)

    def _refuse_dangling(self, inventory: RegionInventory, version: Version, what: str) -> None:
        name = inventory.region.name
        if name in self.log.failures:
            return
        if self._is_disputed(version):
            return  # why has been said of the version, which is what has to be settled
        held = any(is_sound(v, version) for v in self.seen.inventories)
        self._refuse(
            RefusedError(
                f"{self._key} in {name} {what} {version}, which "
                + ("is not complete there" if held else "no region that answered holds"),
                hint=f"{LATEST} never goes back: stage {version} again, or a later version",
            )
        )

    def _refuse(self, error: StartifactError) -> None:
        """Refuse once what stops several regions."""
        if error.message not in self._refused:
            self._refused.add(error.message)
            self.log.refuse(error)

    def _is_disputed(self, version: Version) -> bool:
        if artifact_key(self.seen.project, version) in self.log.conflicts:
            return True
        known = str(version) in map(str, self.seen.versions)
        return known and is_disputed(self.seen, version)

    def _step(self, inventory: RegionInventory, action: str, message: str) -> Step:
        return Step(region=inventory.region.name, key=self._key, action=action, message=message)

    @property
    def _key(self) -> Key:
        return channel_key(self.seen.project, LATEST)

    @property
    def _count(self) -> int:
        return len(self.seen.inventories) + len(self.seen.failures)
