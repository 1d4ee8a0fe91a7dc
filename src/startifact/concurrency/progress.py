"""How many bytes of a transfer have moved, for progress displays."""

import threading
from collections.abc import Callable

from startifact.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How much of one artifact has been moved to or from one region, in bytes.

    ``done`` never falls and never exceeds ``total``.
    """

    verb: str
    """``hash`` while the file to stage is read, or an archive is made; then ``stage``. Or
    ``download``."""

    artifact: str
    region: str
    """The region's name; empty for ``hash``, which only reads local files."""

    done: int
    total: int


ProgressCallback = Callable[[Progress], None]
"""Called from worker threads, one call at a time. It should return quickly."""


class Tally:
    """Adds up what the workers of several regions report, and passes it on."""

    def __init__(
        self, callback: ProgressCallback | None, *, verb: str, artifact: str, total: int
    ) -> None:
        self._callback = callback
        self._verb = verb
        self._artifact = artifact
        self._total = total
        self._done: dict[str, int] = {}
        self._lock = threading.Lock()

    def add(self, region: str, count: int) -> None:
        """Record that *count* more bytes have moved to or from *region*."""
        if self._callback is None or count == 0:
            return
        with self._lock:
            # Bytes that were sent again after an error are not progress.
            done = min(self._done.get(region, 0) + count, self._total)
            self._done[region] = done
            self._callback(
                Progress(
                    verb=self._verb,
                    artifact=self._artifact,
                    region=region,
                    done=done,
                    total=self._total,
                )
            )
