"""Channels that are set by hand, and marks of versions: compared in all regions, and repaired.

What a majority has accepted is seen by every reader, so a region that is behind is no danger; but
where another one is lost too, it would be.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from semver import Version

from startifact.channels.mirroring import MirrorCopies, not_written
from startifact.channels.targets import Target
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import RefusedError, RegionUnavailableError, StartifactError
from startifact.limits import Limits
from startifact.model.keys import Key, artifact_key, mark_key
from startifact.reading.listing import ask_regions
from startifact.regions.interface import Region
from startifact.registers.attempt import Author
from startifact.registers.marks import Mark, mark_register, yanked_message
from startifact.registers.reader import highest_of
from startifact.registers.record import Accepted, RegisterRecord, record_text
from startifact.repair.log import RepairLog, Step
from startifact.repair.register_inventory import RegisterInventory, Registers, RegisterStatus
from startifact.repair.verify import Finding, FindingKind
from startifact.text import quoted, with_regions

logger = logging.getLogger(__name__)


def compare_registers(registers: Registers, known: Mapping[str, Collection[str]]) -> list[Finding]:
    """Return what is wrong with the registers; *known* are the versions that each region holds."""
    return [
        Finding(
            kind=kind,
            region=name,
            key=inventory.register.key,
            message=with_regions([name], message),
        )
        for inventory in registers.inventories
        for name, kind, message in _wrong_with(inventory, registers, known)
    ]


def _wrong_with(
    inventory: RegisterInventory,
    registers: Registers,
    known: Mapping[str, Collection[str]],
) -> list[tuple[str, FindingKind, str]]:
    agreed, is_channel = inventory.agreed, inventory.channel is not None
    found: list[tuple[str, FindingKind, str]] = []
    for name, status in inventory.statuses.items():
        kind, message = _wrong_in(status, agreed, is_channel=is_channel)
        if kind is not None:
            found.append((name, kind, message))
        if agreed is not None and is_channel:
            version = agreed.value.version
            is_held = version is None or any(str(version) in names for names in known.values())
            if kind is None and not is_held:
                what = f"it is {version}, which {_no_region(registers, inventory)} holds"
                found.append((name, FindingKind.CHANNEL_DANGLING, what))
            is_here = version is None or str(version) in known.get(name, ())
            if is_here and _is_mirror_wrong(status, version):
                copy = "not there" if status.mirrored is None else quoted(status.mirrored, 60)
                what = f"its copy is {copy}, expected {version or 'none'}"
                found.append((name, FindingKind.MIRROR_DIFFERS, what))
    return found


def _wrong_in(
    status: RegisterStatus, agreed: Accepted[Any] | None, *, is_channel: bool
) -> tuple[FindingKind | None, str]:
    if status.trouble is not None:
        kind = FindingKind.CHANNEL_DAMAGED if is_channel else FindingKind.MARK_DAMAGED
        return kind, status.trouble.message
    here = status.acceptor.accepted
    if agreed is None or (here is not None and here.ballot == agreed.ballot):
        return None, ""
    if here is None:
        kind = FindingKind.CHANNEL_MISSING if is_channel else FindingKind.MARK_MISSING
        return kind, f"it is not there, expected {_said(agreed)}"
    kind = FindingKind.CHANNEL_BEHIND if is_channel else FindingKind.MARK_BEHIND
    return kind, f"it is {_said(here)}, expected {_said(agreed)}"


def _no_region(registers: Registers, inventory: RegisterInventory) -> str:
    answered = len(inventory.statuses) == len(registers.regions)
    return "no region" if answered else "no region that answered"


def _said(state: Accepted[Any]) -> str:
    value = state.value
    if isinstance(value, Target):
        return "no version" if value.version is None else str(value.version)
    if isinstance(value, Mark) and value.pruning is not None:
        return f"{'yanked, and ' if value.yanked else ''}pruned: {value.pruning.state}"
    return "yanked" if isinstance(value, Mark) and value.yanked is not None else "not yanked"


def _is_mirror_wrong(status: RegisterStatus, version: Version | None) -> bool:
    """Say whether the copy in SSM is not *version*, or there where that is none.

    An old copy of a channel that the organisation does not mirror any more is nobody's to correct.
    """
    expected = None if version is None else str(version)
    return status.is_mirrored and status.mirrored != expected


def repair_registers(
    registers: Registers, findings: Sequence[Finding], log: RepairLog, author: Author
) -> None:
    """Bring the registers that *findings* are about to every region that answered."""
    for inventory in registers.inventories:
        wrong = [f for f in findings if f.key == inventory.register.key]
        damaged = [n for n, s in inventory.statuses.items() if s.trouble is not None]
        if any(not _may_replace(registers, inventory, name) for name in damaged):
            for name in damaged:
                log.refuse(_cannot_replace(inventory, inventory.statuses[name]))
            continue
        for name in damaged:
            key = inventory.register.key
            step = _step(name, key, "move-channel", f"replace {key}, which is damaged")
            log.run_step(step, partial(_replace, registers, inventory, name))
        behind = [f.region for f in wrong if f.kind in _TO_ACCEPT_AGAIN]
        if behind or damaged:
            _accept_again(inventory, behind, log, author)
        if any(f.kind is FindingKind.CHANNEL_DANGLING for f in wrong):
            log.refuse(_points_at_nothing(registers, inventory))
        # A region that could not be given the move cannot copy it either.
        copies = [
            f.region
            for f in wrong
            if f.kind is FindingKind.MIRROR_DIFFERS and f.region not in log.failures
        ]
        if inventory.channel is not None and copies:
            _mirror_again(registers, inventory, copies, log)


_TO_ACCEPT_AGAIN = frozenset(
    {
        FindingKind.CHANNEL_MISSING,
        FindingKind.CHANNEL_BEHIND,
        FindingKind.MARK_MISSING,
        FindingKind.MARK_BEHIND,
    }
)


def _may_replace(registers: Registers, inventory: RegisterInventory, name: str) -> bool:
    """Say whether what *name* has lost is known by others.

    Any majority that has accepted a state has one of the others in it, so all of them have to have
    answered, and to be sound.
    """
    others = [s for n, s in inventory.statuses.items() if n != name]
    return (
        len(others) == len(registers.regions) - 1
        and all(status.trouble is None for status in others)
        and inventory.agreed is not None
    )


def _cannot_replace(inventory: RegisterInventory, status: RegisterStatus) -> RefusedError:
    key = inventory.register.key
    again = "promote the version again"
    if inventory.channel is None:
        again = (
            "yank the version again where it was yanked; it may have been marked to be removed "
            "too: then prune again"
        )
    why = status.trouble.message if status.trouble is not None else f"{key} is damaged"
    return RefusedError(
        f"{why}. It is not replaced, as not all other regions could be read or know what it was",
        hint="Run this again when all regions answer; where none knows, delete the object with "
        f"the store's own tools, and {again}",
    )


def _points_at_nothing(registers: Registers, inventory: RegisterInventory) -> RefusedError:
    version = None if inventory.agreed is None else _said(inventory.agreed)
    where = _no_region(registers, inventory)
    return RefusedError(
        f"{inventory.register.key} points at {version}, which {where} holds",
        hint="Promote another version, roll back, or take the channel away",
    )


def _replace(
    registers: Registers, inventory: RegisterInventory, name: str, heartbeat: Heartbeat
) -> None:
    """Write what the others agree about where *name* has something damaged."""
    heartbeat.beat()
    register, region = inventory.register, registers.regions[name]
    agreed = inventory.agreed
    highest = max(status.acceptor.highest for status in inventory.statuses.values())
    text = record_text(RegisterRecord(promised=highest, accepted=agreed), register.codec)
    if not region.write_channel(register.key, text, inventory.statuses[name].acceptor.stored):
        raise RegionUnavailableError(f"{name}: {register.key} changed meanwhile")


def _accept_again(
    inventory: RegisterInventory, behind: Sequence[str], log: RepairLog, author: Author
) -> None:
    register = inventory.register
    steps = [_step(n, register.key, "move-channel", f"bring {register.key} here") for n in behind]
    if not log.dry_run:
        try:
            change = register.change(lambda _: None, author)
        except StartifactError as e:
            for step in steps:
                log.record_failure(step.region, e)
            return
        for name, error in change.failures.items():
            log.record_failure(name, error)
        steps = [step for step in steps if step.region in change.regions]
    for step in steps:
        log.record_step(step)


def _mirror_again(
    registers: Registers, inventory: RegisterInventory, copies: Sequence[str], log: RepairLog
) -> None:
    agreed, channel = inventory.agreed, inventory.channel
    if agreed is None or channel is None:
        return
    failures: Mapping[str, StartifactError | str] = {}
    if not log.dry_run:
        failures = MirrorCopies(
            [registers.regions[name] for name in copies],
            inventory.register,
            channel,
            holders=copies,
            wait_seconds=log.limits.idle_timeout_seconds,
            limits=log.limits,
        ).failures()
    for name in copies:
        if (why := failures.get(name)) is None:
            message = f"copy {inventory.register.key} to SSM again"
            log.record_step(_step(name, inventory.register.key, "refresh-copy", message))
        elif isinstance(why, StartifactError):
            log.record_failure(name, why)
        else:
            error = RegionUnavailableError(not_written(inventory.register, name, why))
            log.record_failure(name, error)


def _step(region: str, key: Key, action: str, message: str) -> Step:
    return Step(region=region, key=key, action=action, message=message)


def warn_of_yanked(registers: Registers) -> None:
    """Warn of each channel that points at a version that was yanked."""
    marks = {i.register.key: i.agreed for i in registers.inventories if i.channel is None}
    for inventory in registers.inventories:
        state = inventory.agreed
        if inventory.channel is None or state is None or state.value.version is None:
            continue
        mark = marks.get(mark_key(registers.project, state.value.version))
        if mark is not None and mark.value.yanked is not None:
            logger.warning(
                "%s points at %s, which was yanked: %s", inventory.register.key,
                state.value.version, quoted(mark.value.yanked.reason),
            )  # fmt: skip


def warn_of_yanked_version(
    regions: Sequence[Region],
    project: str,
    version: Version,
    *,
    failed_before: Collection[str],
    limits: Limits,
) -> None:
    """Warn where *version* was yanked, as far as regions say so.

    Those that *failed before* are not asked again; what another one does not say is no failure:
    the marks are not what is compared.
    """
    register = mark_register(regions, project, version, limits=limits)
    jobs = {
        region.name: partial(register.acceptor_in, region)
        for region in regions
        if region.name not in failed_before
    }
    acceptors, _ = ask_regions(jobs, limits, None)
    state = highest_of(acceptor.accepted for acceptor in acceptors.values())
    if state is not None and state.value.yanked is not None:
        key = artifact_key(project, version)
        logger.warning("%s", yanked_message(key, state.value.yanked))
