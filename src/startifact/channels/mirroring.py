"""Channels other than ``latest``, copied to where tools read them that cannot read regions."""

import logging
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from startifact.channels.targets import Target
from startifact.concurrency.deadline import deadline_at
from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import BugError, StartifactError
from startifact.limits import SIGNAL_POLL_SECONDS, Limits
from startifact.model.keys import artifact_key, project_of
from startifact.regions.interface import Mirror, Region
from startifact.registers.register import Register

logger = logging.getLogger(__name__)

_BEHIND = "the region does not have the move yet"


class Mirroring:
    """Copies channels to mirrors beside whatever else a session does. Safe to use from threads.

    A copy that does not succeed, or not in ``mirror_wait_seconds``, is a warning: the channel
    itself has moved, and is the authority.
    """

    def __init__(self) -> None:
        self._threads: dict[threading.Thread, str] = {}
        """What is being copied, by who does it."""

        self._left: set[threading.Thread] = set()
        """Those that are no longer waited for, which was said: they have nothing to add."""

    def begin(
        self,
        regions: Sequence[Region],
        register: Register[Target],
        channel: str,
        *,
        holders: Collection[str],
        limits: Limits,
    ) -> None:
        """Begin to copy *channel*, which the *holders* are known to have."""
        if all(region.mirror is None for region in regions):
            return
        try:
            copies = MirrorCopies(
                regions, register, channel,
                holders=holders, wait_seconds=limits.mirror_wait_seconds, limits=limits,
            )  # fmt: skip
        except RuntimeError as e:  # the system allows no more threads
            _warn_of_unknown(register.key, str(e))
            return

        def warn() -> None:
            try:
                for name, why in copies.failures().items():
                    text = why.message if isinstance(why, StartifactError) else why
                    if thread not in self._left:
                        logger.warning("%s", not_written(register, name, text))
            except Exception as e:  # noqa: BLE001  # nobody else would hear of it
                _warn_of_unknown(register.key, BugError(e, hint="").message)
            finally:
                self._threads.pop(thread, None)
                self._left.discard(thread)

        # No daemon: an interpreter that ends waits for it, as long as for all others.
        thread = threading.Thread(target=warn, name="startifact mirrors", daemon=False)
        self._threads[thread] = register.key
        try:
            thread.start()
        except RuntimeError as e:  # the system allows no more threads
            del self._threads[thread]
            _warn_of_unknown(register.key, str(e))

    def wait(self) -> None:
        """Wait until nothing is copied any more, or the deadline has passed, which is a warning."""
        end = deadline_at()
        waiting = dict(self._threads)
        try:
            for key in waiting.values():
                logger.debug("waiting for the copies of %s in SSM", key)
            for thread in list(waiting):
                while thread.is_alive():
                    left = SIGNAL_POLL_SECONDS if end is None else end - time.monotonic()
                    if left <= 0:
                        return
                    # In short turns: a signal that comes just before one is handled after it.
                    thread.join(min(left, SIGNAL_POLL_SECONDS))
                del waiting[thread]
        finally:
            # Said here, where somebody still hears it. After a signal the process may end at once.
            for thread, key in waiting.items():
                if thread in self._threads:
                    self._left.add(thread)
                    _warn_of_unknown(key, "nobody waits for them any more")


def _warn_of_unknown(key: str, why: str) -> None:
    logger.warning("the copies of %s in SSM may not be written: %s", key, why)


def not_written(register: Register[Target], region: str, why: str) -> str:
    """Return the message that the copy in *region* could not be written."""
    return f"the copy of {register.key} in {region} could not be written: {why}"


class MirrorCopies:
    """The copies of one channel in the mirrors of regions, which are written from now on.

    A region gets what it holds itself, where that version is complete in it. What has not succeeded
    in *wait_seconds* is not waited for. The *holders* are known to have the channel's last move; no
    other region, which as a rule does not answer, is waited for longer than ``quorum_wait_seconds``
    once theirs are written.
    """

    def __init__(
        self,
        regions: Sequence[Region],
        register: Register[Target],
        channel: str,
        *,
        holders: Collection[str],
        wait_seconds: float,
        limits: Limits,
    ) -> None:
        jobs = {
            region.name: partial(
                _write, region, region.mirror, register, channel, is_holder=region.name in holders
            )
            for region in regions
            if region.mirror is not None
        }
        self._names = frozenset(jobs)
        self._holders = holders
        self._seconds = wait_seconds
        began = time.monotonic()
        self._until = began + wait_seconds
        self._until_others = began + limits.quorum_wait_seconds
        self._copying = FanOut(jobs, limits=limits, enough=0)

    def failures(self) -> Mapping[str, StartifactError | str]:
        """Wait for them, and return why some were not written, by region; called once."""
        waiting = set(self._names)
        failures: dict[str, StartifactError | str] = {}
        until, until_others = self._until, min(self._until, self._until_others)
        with self._copying as copying:
            while answer := copying.next(
                until if waiting.intersection(self._holders) else until_others
            ):
                waiting.discard(answer.name)
                if isinstance(answer, Failure):
                    failures[answer.name] = answer.error
                elif answer.value is not None:
                    failures[answer.name] = answer.value
        late = f"it took more than {self._seconds:g} s"
        return failures | {
            name: late if name in self._holders else _BEHIND for name in sorted(waiting)
        }


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
