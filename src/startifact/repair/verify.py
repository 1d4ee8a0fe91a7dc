"""Comparing regions: what differs between them, and what is damaged in each."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from semver import Version

from startifact.errors import InputError, NewerFormatError, RemovedError, StartifactError
from startifact.lazy_dataclasses import dataclass
from startifact.model.keys import LATEST, artifact_key, channel_key
from startifact.model.record import Record
from startifact.model.versions import highest, is_later, parse_version
from startifact.model.voting import ContentNames, Votes
from startifact.repair.inventory import ProjectInventory, RegionInventory, ReplicaStatus
from startifact.text import joined, quoted, quoted_list, with_regions


class FindingKind(StrEnum):
    """What is wrong with one thing in one region."""

    MISSING = "missing"
    """The region lacks it, and other regions have it."""

    DIFFERENT = "different"
    """It is sound, but not what other regions hold."""

    DAMAGED = "damaged"
    """Its record cannot be read, or its bytes are not the recorded ones."""

    ARCHIVED = "archived"
    """It is sound by its record, and cannot be delivered until it is restored from an archive."""

    UNRECORDED = "unrecorded"
    """It has no record, as it was staged by the first Startifact, and other regions have one."""

    INCOMPLETE = "incomplete"
    """It lacks the metadata that other regions have, as the first Startifact was interrupted."""

    REMOVED = "removed"
    """It says that it was removed, and most other regions have it, as if nobody had."""

    NOT_REMOVED = "not-removed"
    """It is removed, or being removed, and this region has no tombstone of it yet."""

    NEWER_FORMAT = "newer-format"
    """A newer Startifact staged it, and only a newer one can compare it."""

    LATEST_MISSING = "latest-missing"
    LATEST_BEHIND = "latest-behind"
    LATEST_DANGLING = "latest-dangling"
    """It points at a version that is not complete in that region."""

    LATEST_DAMAGED = "latest-damaged"
    MIRROR_DIFFERS = "copy-differs"
    """Its mirror in SSM is another version, or is not there although the channel is mirrored."""

    CHANNEL_MISSING = "channel-missing"
    """Other regions have the channel, which is set by hand."""

    CHANNEL_BEHIND = "channel-behind"
    """Other regions have a later move of it."""

    CHANNEL_DANGLING = "channel-dangling"
    """It points at a version that no region holds."""

    CHANNEL_DAMAGED = "channel-damaged"
    MARK_MISSING = "yank-missing"
    """Other regions say of the version that it was yanked, or was."""

    MARK_BEHIND = "yank-behind"
    MARK_DAMAGED = "yank-damaged"


UNDISPUTED = frozenset({FindingKind.MISSING, FindingKind.INCOMPLETE, FindingKind.ARCHIVED})
"""What says nothing of the content that regions hold, and contradicts no other region."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing in one region that is not as it should be."""

    kind: FindingKind
    region: str
    """The region's name."""

    key: str
    """What it is about, such as ``SugarWater@1.0.9000`` or ``SugarWater/latest``."""

    message: str
    """A sentence with the region's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a comparison of all regions found. It is true when nothing differs and all answered."""

    project: str
    versions: tuple[Version, ...]
    """The versions that were compared, newest first."""

    differences: tuple[Finding, ...]
    """What is not as it should be, version by version, and then what is wrong with ``latest``."""

    failures: dict[str, StartifactError]
    """Why regions could not be compared, by region, in the configured order."""

    def __bool__(self) -> bool:
        return not self.differences and not self.failures

    def __repr__(self) -> str:
        count = len(self.versions)
        facts = [f"{count} {'version' if count == 1 else 'versions'} compared"]
        found = joined(f"{d.kind} in {quoted(d.region, 200)}" for d in self.differences)
        facts += [f"differences: {found}"] if found else []
        facts += [f"failed: {quoted_list(self.failures)}"] if self.failures else []
        return f"<Verification {quoted(self.project)}: {', '.join(facts)}>"


def verify(
    project_inventory: ProjectInventory,
    more: Sequence[Finding] = (),
    failures: Mapping[str, StartifactError] = MappingProxyType({}),
) -> Verification:
    """Return how the regions in *project_inventory* differ, and what *more* was found.

    Raises:
        NotFoundError: Every region said that there is nothing.
    """
    project_inventory.check_found()
    differences = [d for v in project_inventory.versions for d in compare(project_inventory, v)]
    if project_inventory.whole:
        target = target_of(project_inventory)
        for inventory in project_inventory.inventories:
            differences += _compare_latest(project_inventory, inventory, target)
    failed = {**failures, **project_inventory.failures}
    return Verification(
        project=project_inventory.project,
        versions=project_inventory.versions,
        differences=(*differences, *more),
        failures={name: failed[name] for name in project_inventory.regions if name in failed},
    )


def compare(project_inventory: ProjectInventory, version: Version) -> list[Finding]:
    """Return what is wrong with *version*, region by region.

    What is known of a region that failed later counts as well.
    """
    key = artifact_key(project_inventory.project, version)
    statuses = project_inventory.statuses_with_early(version)
    present = [status for status in statuses.values() if not status.absent]
    if project_inventory.is_removal(version):
        return [
            Finding(kind=wrong[0], region=name, key=key, message=with_regions([name], wrong[1]))
            for name, status in statuses.items()
            if (wrong := _compare_removed(status)) is not None
        ]
    if not present:
        return []
    agreed = leading_status(present)
    names = ContentNames(s.replica.record for s in present if s.replica is not None)
    found = {name: _compare_one(status, agreed, names) for name, status in statuses.items()}
    return [
        Finding(kind=wrong[0], region=name, key=key, message=with_regions([name], wrong[1]))
        for name, wrong in found.items()
        if wrong is not None
    ]


def _compare_removed(status: ReplicaStatus) -> tuple[FindingKind, str] | None:
    """Return what is wrong with *status* of a version that is removed in every region."""
    if status.is_removed:
        return None
    if isinstance(status.trouble, NewerFormatError):
        return FindingKind.NEWER_FORMAT, status.trouble.message
    left = "its removal was not finished here: "
    if status.absent:
        return FindingKind.NOT_REMOVED, f"{left}nothing is there, and its number could be used"
    if status.has_separate_metadata:
        return FindingKind.NOT_REMOVED, f"{left}metadata is left that was stored beside it"
    if status.is_tombstone:
        return FindingKind.NOT_REMOVED, f"{left}bytes are left beside the record that says so"
    if status.trouble is not None:
        return FindingKind.NOT_REMOVED, f"{left}{status.trouble.message}"
    return FindingKind.NOT_REMOVED, f"{left}it is still there"


def _compare_one(
    status: ReplicaStatus, agreed: ReplicaStatus | None, names: ContentNames
) -> tuple[FindingKind, str] | None:
    match status.trouble:
        case RemovedError():
            known = "is" if agreed is not None else "may be"
            said = f"it was removed here, and {known} still there in other regions"
            return FindingKind.REMOVED, said
        case NewerFormatError() as trouble:
            return FindingKind.NEWER_FORMAT, trouble.message
        case StartifactError() as trouble:
            return FindingKind.DAMAGED, trouble.message
    if status.replica is None:
        why = f": {status.why_absent}" if status.why_absent else ""
        return FindingKind.MISSING, f"it is not there{why}"
    found = _compare_record(status, status.replica.record, agreed, names)
    if found is None and (archived := status.replica.stored.archived):
        return FindingKind.ARCHIVED, f"{archived}, and cannot be delivered until it is restored"
    return found


def _compare_record(
    status: ReplicaStatus, record: Record, agreed: ReplicaStatus | None, names: ContentNames
) -> tuple[FindingKind, str] | None:
    if agreed is None or agreed.replica is None:
        return FindingKind.DIFFERENT, f"it has {_known(record, names)}, and regions do not agree"
    agreed_record = agreed.replica.record
    if agreed.recorded and not status.recorded and record.may_have_bytes_of(agreed_record):
        return (
            FindingKind.UNRECORDED,
            f"it has no record here, most regions have {_known(agreed_record, names)}",
        )
    if not status.recorded and record.lacks_metadata_of(agreed_record):
        return (
            FindingKind.INCOMPLETE,
            f"it has {_known(record, names)}, and lacks what other regions have: "
            + " and ".join(agreed_record.differences(record)),
        )
    if record.same_content(agreed_record):
        return None
    if not status.recorded and not agreed_record.differences(record):
        return None  # staged by the first Startifact, which recorded less of it
    return (
        FindingKind.DIFFERENT,
        f"it has {_known(record, names)}, most regions have {_known(agreed_record, names)}; it "
        "differs in " + " and ".join(agreed_record.differences(record)),
    )


def _known(record: Record, names: ContentNames) -> str:
    return f"{record.size:,} bytes with {names.of(record)}"


def leading_status(statuses: Sequence[ReplicaStatus]) -> ReplicaStatus | None:
    """Return a sound replica of the content with the most votes; ``None`` when none has most.

    `Votes` says which replicas vote.
    """
    votes = Votes(status.replica for status in statuses if status.replica is not None)
    if votes.leader is None or votes.is_tied:
        return None
    return next(status for status in statuses if status.replica is votes.leader)


def is_disputed(project_inventory: ProjectInventory, version: Version) -> bool:
    """Say whether regions hold anything but sound replicas of one content as *version*."""
    return any(d.kind not in UNDISPUTED for d in compare(project_inventory, version))


def target_of(project_inventory: ProjectInventory) -> Version | None:
    """Return where ``latest`` should be in every region; ``None`` for nowhere.

    A version that regions disagree about moves no ``latest``, but one that points at it stays.
    """
    sound = [
        version
        for version in project_inventory.versions
        if any(is_sound(inventory, version) for inventory in project_inventory.inventories)
        and not is_disputed(project_inventory, version)
    ]
    known = [*project_inventory.channel_records(), *sound]
    return highest(known) if known else None


def is_sound(inventory: RegionInventory, version: Version) -> bool:
    """Say whether the region held a sound replica of *version* when the inventory was taken."""
    status = inventory.statuses.get(str(version))
    return status is not None and status.replica is not None


def _compare_latest(
    project_inventory: ProjectInventory, inventory: RegionInventory, target: Version | None
) -> list[Finding]:
    """Return what is wrong with one region's ``latest``, which should be *target*."""
    key = channel_key(project_inventory.project, LATEST)
    name = inventory.region.name
    return [
        Finding(kind=kind, region=name, key=key, message=with_regions([name], message))
        for kind, message in _wrong_with(inventory, target)
    ]


def _wrong_with(
    inventory: RegionInventory, target: Version | None
) -> list[tuple[FindingKind, str]]:
    latest = inventory.latest
    if latest.trouble is not None:
        return [(FindingKind.LATEST_DAMAGED, str(latest.trouble))]
    if latest.channel_record is None:
        missing = (FindingKind.LATEST_MISSING, f"it is not there, expected {target}")
        return [] if target is None else [missing]
    found: list[tuple[FindingKind, str]] = []
    here = latest.channel_record.version
    if target is not None and is_later(target, here):
        found.append((FindingKind.LATEST_BEHIND, f"it is {here}, expected {target}"))
    if not is_sound(inventory, here):
        found.append((FindingKind.LATEST_DANGLING, f"it is {here}, which is not complete there"))
    if is_mirror_wrong(inventory, here):
        mirror = "not there" if latest.mirrored is None else quoted(latest.mirrored, 60)
        found.append((FindingKind.MIRROR_DIFFERS, f"its copy is {mirror}, expected {here}"))
    return found


def is_mirror_wrong(inventory: RegionInventory, here: Version) -> bool:
    """Say whether the copy in SSM is another version than *here*, where the channel is.

    A later one that the region holds is not wrong: something else moved it there, so that it is the
    channel's turn, as soon as regions agree about that version.
    """
    mirrored = inventory.latest.mirrored
    if inventory.region.mirror is None or mirrored == str(here):
        return False
    try:
        later = None if mirrored is None else parse_version(mirrored.strip())
    except InputError:
        return True
    return later is None or not is_later(later, here) or not is_sound(inventory, later)
