"""Channels other than ``latest``, copied to where tools read them that cannot read regions."""

import logging
import time
from collections.abc import Collection, Sequence
from functools import partial

from startifact.channels.targets import Target
from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.limits import Limits
from startifact.model.keys import artifact_key, project_of
from startifact.regions.interface import Mirror, Region
from startifact.registers.register import Register

logger = logging.getLogger(__name__)


def mirror_channel(
    regions: Sequence[Region],
    register: Register[Target],
    channel: str,
    *,
    holders: Collection[str],
    limits: Limits,
) -> None:
    """Copy *channel* to the mirrors of *regions*; the *holders* are known to have its last move.

    A region gets what it holds itself, where that version is complete in it. What does not succeed
    in ``mirror_wait_seconds`` is a warning: the channel itself has moved, and is the authority.
    """
    jobs = {
        region.name: partial(_write, region, region.mirror, register, channel)
        for region in regions
        if region.mirror is not None
    }
    until = time.monotonic() + limits.mirror_wait_seconds
    waiting = set(jobs)
    with FanOut(jobs, limits=limits, enough=0) as asking:
        while answer := asking.next(until):
            waiting.discard(answer.name)
            if isinstance(answer, Failure):
                _warn(answer.name, register, answer.error.message)
            elif not answer.value:
                _warn(answer.name, register, "the version is not complete there")
            elif answer.name not in holders:
                _warn(answer.name, register, "the region does not have the move yet")
    for name in sorted(waiting):
        _warn(name, register, f"it took more than {limits.mirror_wait_seconds:g} s")


def _warn(region: str, register: Register[Target], why: str) -> None:
    logger.warning("the copy of %s in %s could not be written: %s", register.key, region, why)


def _write(
    region: Region, mirror: Mirror, register: Register[Target], channel: str, heartbeat: Heartbeat
) -> bool:
    """Write the mirror, and again as long as somebody moves the channel meanwhile.

    ``False`` where the region does not hold the version: what is there stays.
    """
    project = project_of(register.key)
    mirrored: list[str | None] = []
    for _ in range(register.limits.mirror_attempts):
        heartbeat.beat()
        accepted = register.acceptor_in(region, heartbeat).accepted
        version = None if accepted is None else accepted.value.version
        text = None if version is None else str(version)
        if mirrored and mirrored[-1] == text:
            return True
        if text is None:
            mirror.delete(project, channel)
        elif region.describe(artifact_key(project, text)) is None:
            return False
        else:
            mirror.write(project, channel, text)
        mirrored.append(text)
    return True
