"""Channels other than ``latest``, copied to where tools read them that cannot read regions."""

import logging
import time
from collections.abc import Collection, Sequence
from functools import partial

from startifact.channels.targets import Target
from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import StartifactError
from startifact.limits import Limits
from startifact.model.keys import artifact_key, project_of
from startifact.regions.interface import Mirror, Region
from startifact.registers.register import Register

logger = logging.getLogger(__name__)

_BEHIND = "the region does not have the move yet"


def mirror_channel(
    regions: Sequence[Region],
    register: Register[Target],
    channel: str,
    *,
    holders: Collection[str],
    limits: Limits,
) -> None:
    """Copy *channel* to the mirrors of *regions*; the *holders* are known to have its last move.

    What does not succeed is a warning: the channel itself has moved, and is the authority.
    """
    failures = copy_to_mirrors(
        regions, register, channel,
        holders=holders, wait_seconds=limits.mirror_wait_seconds, limits=limits,
    )  # fmt: skip
    for name, why in failures.items():
        text = why.message if isinstance(why, StartifactError) else why
        logger.warning("%s", not_written(register, name, text))


def not_written(register: Register[Target], region: str, why: str) -> str:
    """Return the message that the copy in *region* could not be written."""
    return f"the copy of {register.key} in {region} could not be written: {why}"


def copy_to_mirrors(
    regions: Sequence[Region],
    register: Register[Target],
    channel: str,
    *,
    holders: Collection[str],
    wait_seconds: float,
    limits: Limits,
) -> dict[str, StartifactError | str]:
    """Copy *channel* to the mirrors of *regions*; return why some were not written, by region.

    A region gets what it holds itself, where that version is complete in it. What has not succeeded
    in *wait_seconds* is not waited for. The *holders* are known to have the channel's last move; no
    other region, which as a rule does not answer, is waited for longer than ``quorum_wait_seconds``
    once theirs are written.
    """
    jobs = {
        region.name: partial(
            _write, region, region.mirror, register, channel, is_holder=region.name in holders
        )
        for region in regions
        if region.mirror is not None
    }
    began = time.monotonic()
    until, until_others = began + wait_seconds, began + limits.quorum_wait_seconds
    waiting = set(jobs)
    failures: dict[str, StartifactError | str] = {}
    with FanOut(jobs, limits=limits, enough=0) as asking:
        while answer := asking.next(
            until if waiting.intersection(holders) else min(until, until_others)
        ):
            waiting.discard(answer.name)
            if isinstance(answer, Failure):
                failures[answer.name] = answer.error
            elif answer.value is not None:
                failures[answer.name] = answer.value
    late = f"it took more than {wait_seconds:g} s"
    return failures | {name: late if name in holders else _BEHIND for name in sorted(waiting)}


def _write(
    region: Region,
    mirror: Mirror,
    register: Register[Target],
    channel: str,
    heartbeat: Heartbeat,
    *,
    is_holder: bool,
) -> str | None:
    """Write the mirror, and again as long as somebody moves the channel meanwhile.

    Return why it does not hold the channel's last move; ``None`` where it does, or this channel is
    not mirrored. Where the region does not hold the version, what is in the mirror stays.
    """
    if not mirror.mirrors(channel):
        return None
    behind = None if is_holder else _BEHIND
    project = project_of(register.key)
    mirrored: list[str | None] = []
    for _ in range(register.limits.mirror_attempts):
        heartbeat.beat()
        accepted = register.acceptor_in(region, heartbeat).accepted
        version = None if accepted is None else accepted.value.version
        text = None if version is None else str(version)
        if mirrored and mirrored[-1] == text:
            return behind
        if text is None:
            mirror.delete(project, channel)
        elif region.describe(artifact_key(project, text)) is None:
            return "the version is not complete there"
        else:
            mirror.write(project, channel, text)
        mirrored.append(text)
    return behind
