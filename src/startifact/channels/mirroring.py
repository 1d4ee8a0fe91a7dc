"""Channels other than ``latest``, copied to where tools read them that cannot read regions."""

import logging
import time
from collections.abc import Collection, Sequence
from functools import partial

from semver import Version

from startifact.channels.named import Target
from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.limits import Limits
from startifact.model.keys import channel_key, project_of
from startifact.regions.interface import Mirror, Region
from startifact.registers.register import Register

logger = logging.getLogger(__name__)


def mirror_channel(
    regions: Sequence[Region],
    register: Register[Target],
    project: str,
    channel: str,
    *,
    version: Version | None,
    complete_in: Collection[str],
    limits: Limits,
) -> None:
    """Copy *channel*, which *regions* hold at *version* by now, to their mirrors.

    Only regions in which *version* is complete get it. What does not succeed in
    ``mirror_wait_seconds`` is a warning: the channel itself has moved, and is the authority.
    """
    jobs = {
        region.name: partial(_write, region, region.mirror, register, channel, version)
        for region in regions
        if region.mirror is not None and (version is None or region.name in complete_in)
    }
    until = time.monotonic() + limits.mirror_wait_seconds
    waiting = set(jobs)
    with FanOut(jobs, limits=limits, enough=0) as asking:
        while answer := asking.next(until):
            waiting.discard(answer.name)
            if isinstance(answer, Failure):
                _warn(answer.name, project, channel, answer.error.message)
    for name in sorted(waiting):
        _warn(name, project, channel, f"it took more than {limits.mirror_wait_seconds:g} s")


def _warn(region: str, project: str, channel: str, why: str) -> None:
    key = channel_key(project, channel)
    logger.warning("the copy of %s in %s could not be written: %s", key, region, why)


def _write(
    region: Region,
    mirror: Mirror,
    register: Register[Target],
    channel: str,
    version: Version | None,
    heartbeat: Heartbeat,
) -> None:
    """Write the mirror, and again as long as somebody moves the channel meanwhile."""
    project, mirrored = project_of(register.key), None
    for attempt in range(register.limits.mirror_attempts):
        heartbeat.beat()
        if attempt:
            accepted = register.acceptor_in(region, heartbeat).accepted
            version = None if accepted is None else accepted.value.version
            if version == mirrored:
                return
        if version is None:
            mirror.delete(project, channel)
        else:
            mirror.write(project, channel, str(version))
        mirrored = version
