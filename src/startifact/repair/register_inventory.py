"""What all regions hold of the channels that are set by hand, and of the marks of versions."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import field, replace
from functools import partial
from typing import Any

from semver import Version

from startifact.channels.targets import channel_register
from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import InputError, IntegrityError, StartifactError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.keys import LATEST, channels_prefix, marks_prefix
from startifact.model.selectors import check_channel
from startifact.model.versions import newest_first, parse_version
from startifact.reading.listing import ask_regions
from startifact.regions.interface import Region
from startifact.registers.marks import mark_register
from startifact.registers.reader import Acceptor, highest_of
from startifact.registers.record import Accepted
from startifact.registers.register import Register


@dataclass(frozen=True, slots=True)
class RegisterStatus:
    """What one region holds of one register, or why it cannot be read."""

    acceptor: Acceptor[Any] = field(default_factory=Acceptor)
    trouble: IntegrityError | None = None
    is_mirrored: bool = False
    """Whether it is a channel that is mirrored in this region."""

    mirrored: str | None = None
    """What the mirror holds, where it is mirrored."""


@dataclass(slots=True)
class RegisterInventory:
    """What all regions that answered hold of one register."""

    register: Register[Any]
    channel: str | None
    """Its name; ``None`` where it is a mark."""

    statuses: dict[str, RegisterStatus] = field(default_factory=dict)

    @property
    def agreed(self) -> Accepted[Any] | None:
        """The state with the highest ballot."""
        return highest_of(status.acceptor.accepted for status in self.statuses.values())


@dataclass(slots=True)
class Registers:
    """All registers of a project, and why regions were not read."""

    project: str
    regions: dict[str, Region]
    inventories: list[RegisterInventory]
    failures: dict[str, StartifactError]


def take_registers(
    regions: Sequence[Region], project: str, *, failed_before: Collection[str], limits: Limits
) -> Registers:
    """Return what *regions* hold of every channel but ``latest``, and of every mark.

    Those that *failed before* are not asked again, and count as regions all the same.
    """
    living = [region for region in regions if region.name not in failed_before]
    jobs = {region.name: partial(_keys_in, region, project) for region in living}
    listed, failed = ask_regions(jobs, limits, None)
    # What is no folder or the like has no registers; what is wrong with latest there says so.
    failures = {f.name: f.error for f in failed if not isinstance(f.error, IntegrityError)}
    living = [region for region in living if region.name in listed]
    channels = sorted({name for names, _ in listed.values() for name in names})
    versions = newest_first({str(v): v for _, found in listed.values() for v in found}.values())
    inventories = [
        RegisterInventory(channel_register(regions, project, name, limits=limits), name)
        for name in channels
    ]
    inventories += [
        RegisterInventory(mark_register(regions, project, version, limits=limits), None)
        for version in versions
    ]
    reading = {r.name: partial(_read_all, r, project, inventories, limits) for r in living}
    statuses, failed = ask_regions(reading, limits, None)
    failures |= {failure.name: failure.error for failure in failed}
    names = [region.name for region in regions]  # in this order, and not in that of answers
    for index, inventory in enumerate(inventories):
        inventory.statuses = {n: statuses[n][index] for n in names if n in statuses}
    return Registers(
        project,
        {r.name: r for r in regions},
        inventories,
        {n: failures[n] for n in names if n in failures},
    )


def _keys_in(region: Region, project: str, heartbeat: Heartbeat) -> tuple[list[str], list[Version]]:
    """Return which channels, and marks of which versions, *region* has."""
    channels = _parsed(region, channels_prefix(project), check_channel, heartbeat)
    versions = _parsed(region, marks_prefix(project), parse_version, heartbeat)
    return [name for name in channels if name != LATEST], versions  # which is no register


def _parsed(
    region: Region, prefix: str, parse: Callable[[str], Any], heartbeat: Heartbeat
) -> list[Any]:
    found = []
    for key in region.channel_keys(prefix):
        heartbeat.beat()
        try:
            found.append(parse(key.removeprefix(prefix)))
        except InputError:  # something else's
            continue
    return found


def _read_all(
    region: Region,
    project: str,
    inventories: Sequence[RegisterInventory],
    limits: Limits,
    heartbeat: Heartbeat,
) -> list[RegisterStatus]:
    found: dict[int, RegisterStatus] = {}

    def read(index: int) -> None:
        found[index] = _read(region, project, inventories[index], heartbeat)

    jobs = [partial(read, index) for index in range(len(inventories))]
    run_in_pool(jobs, workers=limits.inventory_workers, limits=limits)
    return [found[index] for index in range(len(inventories))]


def _read(
    region: Region, project: str, inventory: RegisterInventory, heartbeat: Heartbeat
) -> RegisterStatus:
    register, channel, mirror = inventory.register, inventory.channel, region.mirror
    status = RegisterStatus()
    if mirror is not None and channel is not None and mirror.mirrors(channel):
        status = RegisterStatus(is_mirrored=True, mirrored=mirror.read(project, channel))
    try:
        return replace(status, acceptor=register.acceptor_in(region, heartbeat))
    except IntegrityError as e:
        stored = region.read_channel(register.key)
        return replace(status, acceptor=Acceptor(stored), trouble=e)
