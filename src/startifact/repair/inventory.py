"""What all regions hold of one project."""

from dataclasses import field

from semver import Version

from startifact.channels.record import ChannelRecord
from startifact.errors import (
    NotFoundError,
    RemovedError,
    StartifactError,
)
from startifact.lazy_dataclasses import dataclass
from startifact.model.keys import (
    artifact_key,
)
from startifact.model.quorum import majority
from startifact.model.record import has_left_bytes
from startifact.reading.replica import Replica
from startifact.regions.interface import Region, StoredArtifact, StoredChannel


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """What one region holds of one version.

    ``trouble`` says why what is stored is not a sound replica; ``stored`` describes it where it is
    an object that can be copied to quarantine and deleted. ``sha256`` is that of the bytes, where
    they were read.
    """

    stored: StoredArtifact | None = None
    replica: Replica | None = None
    trouble: StartifactError | None = None
    sha256: str | None = None
    has_separate_metadata: bool = False
    """Whether metadata is left beside a tombstone that the first Startifact stored there."""

    why_absent: str | None = None
    """What else is known of what is absent, as that it was deleted."""

    @property
    def absent(self) -> bool:
        """Whether the region says that there is nothing."""
        return self.stored is None and self.trouble is None

    @property
    def is_tombstone(self) -> bool:
        """Whether it says that the version was removed."""
        return isinstance(self.trouble, RemovedError)

    @property
    def is_removed(self) -> bool:
        """Whether it is a tombstone, and nothing is left of what was there before."""
        stored = self.stored
        left = stored is not None and has_left_bytes(stored.encoded_record, stored.size)
        return self.is_tombstone and not left and not self.has_separate_metadata

    @property
    def recorded(self) -> bool:
        """Whether it is a sound replica with a record, which those of the first Startifact lack."""
        return self.replica is not None and self.replica.is_recorded


@dataclass(frozen=True, slots=True)
class LatestStatus:
    """One region's ``latest``: as stored, as parsed, and its mirror.

    ``trouble`` says why it could not be read; ``state`` is what a repair would replace.
    """

    state: StoredChannel | None = None
    channel_record: ChannelRecord | None = None
    trouble: StartifactError | None = None
    mirrored: str | None = None

    @property
    def absent(self) -> bool:
        """Whether the region says that there is none."""
        return self.channel_record is None and self.trouble is None


@dataclass(slots=True)
class RegionInventory:
    """What one region holds of the project."""

    region: Region
    statuses: dict[str, ReplicaStatus] = field(default_factory=dict)
    latest: LatestStatus = field(default_factory=LatestStatus)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectInventory:
    """What every region that answered holds, and why the others did not answer."""

    project: str
    regions: tuple[str, ...]
    """The names of all regions, in the configured order, which everything else is in."""

    versions: tuple[Version, ...]
    inventories: tuple[RegionInventory, ...]
    failures: dict[str, StartifactError]
    whole: bool
    """Whether it covers the whole project, its channels included."""

    partial_inventories: tuple[RegionInventory, ...] = ()
    """What is known of regions that failed later."""

    removing: frozenset[str] = frozenset()
    """The versions, as texts, whose marks say that they are being removed, in any region."""

    def is_removal(self, version: Version) -> bool:
        """Say whether *version* is to have a tombstone in every region.

        That is where its mark says so, most of all regions have one, or all have answered and none
        has anything else. One that most contradict, or may contradict, may be anybody's who can
        write to that region.
        """
        present = [s for s in self.statuses_with_early(version).values() if not s.absent]
        tombstones = sum(status.is_tombstone for status in present)
        return (
            str(version) in self.removing
            or tombstones >= majority(len(self.regions))
            or (not self.failures and 0 < tombstones == len(present))
        )

    def sound_versions(self) -> dict[str, set[str]]:
        """Return the versions that each region holds sound replicas of, by region."""
        return {
            inventory.region.name: {
                version
                for version, status in inventory.statuses.items()
                if status.replica is not None
            }
            for inventory in self.inventories
        }

    def statuses(self, version: Version) -> dict[str, ReplicaStatus]:
        """Return what each region holds of *version*."""
        return {
            inventory.region.name: inventory.statuses[str(version)]
            for inventory in self.inventories
        }

    def statuses_with_early(self, version: Version) -> dict[str, ReplicaStatus]:
        """Return the same, and what is known to be in regions that failed later."""
        early = {
            inventory.region.name: inventory.statuses.get(str(version))
            for inventory in self.partial_inventories
        }
        known = self.statuses(version) | {
            name: status
            for name, status in early.items()
            if status is not None and not status.absent
        }
        return {name: known[name] for name in self.regions if name in known}

    def channel_records(self) -> list[Version]:
        """Return where ``latest`` is, in every region where it can be read."""
        return [
            inventory.latest.channel_record.version
            for inventory in self.inventories
            if inventory.latest.channel_record is not None
        ]

    def check_found(self) -> None:
        """Return when a region holds something, or has not answered and may.

        Raises:
            NotFoundError: Every region said that there is nothing.
        """
        if (
            self.failures
            or self.removing
            or any(
                not inventory.latest.absent
                or any(not status.absent for status in inventory.statuses.values())
                for inventory in self.inventories
            )
        ):
            return
        subject = self.project if self.whole else artifact_key(self.project, self.versions[0])
        names = ", ".join(inventory.region.name for inventory in self.inventories)
        raise NotFoundError(
            f"nothing of {subject} is staged in {names}",
            hint="Check the project's name, the version and the regions",
        )
