"""What is said of a version beside the version itself, read while it is used."""

import logging
import threading
import time
from collections.abc import Sequence

from semver import Version

from startifact.concurrency.quorum import Question
from startifact.limits import Limits
from startifact.model.keys import artifact_key
from startifact.regions.interface import Region
from startifact.registers.marks import (
    Mark,
    is_being_removed,
    mark_in,
    mark_register,
    yanked_message,
)
from startifact.registers.reader import Acceptor
from startifact.text import quoted

logger = logging.getLogger(__name__)


class KnownMark:
    """What is known to be said of one version."""

    def __init__(self, mark: Mark) -> None:
        self._mark = mark
        self._is_being_removed = mark.is_being_removed

    def begin(self) -> None:
        """Begin to ask, where that is not done yet, beside what the caller does until `mark`."""

    def cancel(self) -> None:
        """Wait for nothing that was begun any more."""

    def mark(self) -> Mark:
        """Return what is said of the version."""
        return self._mark

    def is_being_removed(self) -> bool:
        """Say whether any region says that the version is being removed, whatever others say."""
        self.mark()
        return self._is_being_removed


NO_MARK = KnownMark(Mark())


class VersionMark(KnownMark):
    """What is said of one version, as far as regions say so when it is used.

    A version is delivered also where nobody can tell what is said of it, so nobody insists. Safe to
    use from several threads.
    """

    def __init__(
        self, regions: Sequence[Region], project: str, version: Version, *, limits: Limits
    ) -> None:
        super().__init__(Mark())
        self._key = artifact_key(project, version)
        self._limits = limits
        self._register = mark_register(regions, project, version, limits=limits)
        self._lock = threading.Lock()
        self._question: Question[Acceptor[Mark]] | None = None
        self._is_known = False

    def begin(self) -> None:
        """See `KnownMark.begin`."""
        with self._lock:
            self._begin()

    def cancel(self) -> None:
        """See `KnownMark.cancel`: what was begun is asked anew the next time."""
        with self._lock:
            if self._question is not None and not self._is_known:
                self._question.__exit__(None, None, None)
                self._question = None

    def _begin(self) -> Question[Acceptor[Mark]]:
        if self._question is None:
            self._question = self._register.begin()
        return self._question

    def mark(self) -> Mark:
        """Return what is said of the version; the first call waits a moment, and warns of it."""
        with self._lock:
            if not self._is_known:
                self._read()
                self._warn()
            return self._mark

    def says_removed(self) -> bool:
        """Say whether a region says that the version is being removed; for one that none has."""
        with self._lock:
            if not self._is_known:
                self._read()
            return self._is_being_removed

    def _read(self) -> None:
        self._is_known = True
        with self._begin() as question:
            until = time.monotonic() + self._limits.quorum_wait_seconds
            reading = self._register.finish(question, until)
        if not reading.is_known:
            error = reading.unknown("it is not known whether it was yanked")
            logger.info("%s: %s", self._register.key, error.message)
        self._mark = mark_in(reading)
        self._is_being_removed = is_being_removed(reading)

    def _warn(self) -> None:
        if self._mark.yanked is not None:
            logger.warning("%s", yanked_message(self._key, self._mark.yanked))
        if self._is_being_removed:
            logger.warning("%s is being removed", self._key)
        elif self._mark.pruning is not None:
            begin = quoted(self._mark.pruning.not_before)
            logger.warning("%s is to be removed, not before %s", self._key, begin)
