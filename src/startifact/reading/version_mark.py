"""What is said of a version beside the version itself, read while it is used."""

import logging
import threading
import time
from collections.abc import Sequence

from semver import Version

from startifact.concurrency.quorum import Question
from startifact.errors import StartifactError
from startifact.limits import Limits
from startifact.model.keys import artifact_key
from startifact.regions.interface import Region
from startifact.registers.marks import (
    Mark,
    is_being_removed,
    mark_in,
    mark_register,
    not_known_message,
    yanked_message,
)
from startifact.registers.reader import Acceptor
from startifact.text import in_one_line, quoted

logger = logging.getLogger(__name__)


class KnownMark:
    """What is known to be said of one version; *unknown* is why that is not known."""

    def __init__(self, mark: Mark, *, unknown: StartifactError | None = None) -> None:
        self._mark = mark
        self._is_being_removed = mark.is_being_removed
        self._unknown = unknown

    def begin(self) -> None:
        """Begin to ask, where that is not done yet, beside what the caller does until `mark`."""

    def cancel(self) -> None:
        """Wait for nothing that was begun any more."""

    def ask(self) -> None:
        """Wait until it is known, or known that it is not known, and warn of nothing."""

    def warnings(self) -> list[str]:
        """Return what who uses the version is to be warned of; see `ask`."""
        return []

    def mark(self) -> Mark:
        """Return what is said of the version; an empty mark also where that is not known."""
        return self._mark

    def unknown(self) -> StartifactError | None:
        """Return why it is not known what is said of the version; ``None`` where it is known."""
        self.mark()
        return self._unknown


NO_MARK = KnownMark(Mark(), unknown=StartifactError("nobody was asked whether it was yanked"))
"""Of what was staged: its mark is of no interest to who stages it."""


class VersionMark(KnownMark):
    """What is said of one version, as far as regions say so when it is used.

    A version is delivered also where nobody can tell what is said of it, so nobody insists: that
    it is not known is said then. Safe to use from several threads.
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
        self._is_asked = False
        self._has_warned = False

    def begin(self) -> None:
        """See `KnownMark.begin`."""
        with self._lock:
            self._begin()

    def cancel(self) -> None:
        """See `KnownMark.cancel`: what was begun is asked anew the next time."""
        with self._lock:
            if self._question is not None and not self._is_asked:
                self._question.__exit__(None, None, None)
                self._question = None

    def _begin(self) -> Question[Acceptor[Mark]]:
        if self._question is None:
            self._question = self._register.begin()
        return self._question

    def ask(self) -> None:
        """See `KnownMark.ask`; the first call waits a moment."""
        with self._lock:
            self._ask()

    def says_removed(self) -> bool:
        """Say whether a region says that the version is being removed; for one that none has."""
        with self._lock:
            self._ask()
            return self._is_being_removed

    def _ask(self) -> None:
        if self._is_asked:
            return
        self._is_asked = True
        with self._begin() as question:
            until = time.monotonic() + self._limits.quorum_wait_seconds
            reading = self._register.finish(question, until)
        if not reading.is_known:
            self._unknown = reading.unknown(not_known_message(self._key))
        self._mark = mark_in(reading)
        self._is_being_removed = is_being_removed(reading)

    def mark(self) -> Mark:
        """See `KnownMark.mark`; the first call waits a moment, and warns of it."""
        with self._lock:
            self._ask()
            if not self._has_warned:
                self._has_warned = True
                for text in self._warnings():
                    logger.warning("%s", text)
            return self._mark

    def warnings(self) -> list[str]:
        """See `KnownMark.warnings`; each is one line."""
        with self._lock:
            self._ask()
            return self._warnings()

    def _warnings(self) -> list[str]:
        found = []
        if self._mark.yanked is not None:
            found.append(yanked_message(self._key, self._mark.yanked))
        elif self._unknown is not None:
            found.append(in_one_line(self._unknown.message))
        if self._is_being_removed:
            found.append(f"{self._key} is being removed")
        elif self._mark.pruning is not None:
            begin = quoted(self._mark.pruning.not_before)
            found.append(f"{self._key} is to be removed, not before {begin}")
        return found
