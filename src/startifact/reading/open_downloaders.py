"""The downloaders of one session, which end with it."""

import threading
from weakref import WeakSet

from startifact.reading.download import Downloader


class OpenDownloaders:
    """Closes downloaders together. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        # Those that nothing refers to any more need no closing.
        self._downloaders: WeakSet[Downloader] = WeakSet()

    def add(self, downloader: Downloader) -> None:
        """Let *downloader* be closed with the others: at once where they are closed already."""
        with self._lock:
            self._downloaders.add(downloader)
            closed = self._closed
        if closed:
            downloader._close()

    def close(self) -> None:
        """Close all that were added, and those that will be."""
        with self._lock:
            self._closed = True
            downloaders = list(self._downloaders)
        for downloader in downloaders:
            downloader._close()
