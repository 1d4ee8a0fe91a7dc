"""How far bytes have got: one line that is redrawn on a terminal, a line now and then in a log."""

import threading
import time
from collections import deque
from collections.abc import Callable

from startifact.cli.console import Console
from startifact.concurrency.progress import Progress
from startifact.limits import (
    BAR_COLUMNS,
    BAR_REDRAW_SECONDS,
    LOG_PROGRESS_SECONDS,
    RATE_WINDOW_SECONDS,
)

_UNITS = ("B", "kB", "MB", "GB")


class Meter:
    """Adds up progress, and puts it into words.

    The rate is that of the last few seconds, so that a transfer that stands still is seen to.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._latest: dict[str, Progress] = {}
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, progress: Progress) -> None:
        """Count *progress*."""
        others = next(iter(self._latest.values()), progress).verb != progress.verb
        if others or (progress.verb == "download" and progress.region not in self._latest):
            # Hashed, the file is sent; or another region has taken over, and begins from the start.
            self._latest.clear()
            self._samples.clear()
        self._latest[progress.region] = progress
        if not self._samples:
            self.sample()

    def sample(self) -> None:
        """Note how much has been moved by now, for the rate."""
        now = self._clock()
        self._samples.append((now, self._done))
        while len(self._samples) > 2 and self._samples[1][0] <= now - RATE_WINDOW_SECONDS:
            self._samples.popleft()

    @property
    def finished(self) -> bool:
        """Whether every region that is known has all bytes."""
        return all(p.done >= p.total for p in self._latest.values())

    @property
    def _done(self) -> int:
        return sum(p.done for p in self._latest.values())

    def line(self, columns: int) -> str:
        """Return the most telling line that fits into *columns*; without any progress, nothing."""
        if not self._latest:
            return ""
        total = sum(p.total for p in self._latest.values())
        share = self._done / total
        title = self._title()
        bar = "[" + ("#" * int(share * BAR_COLUMNS)).ljust(BAR_COLUMNS, ".") + "]"
        # Of one length from first to last, so that the line does not change its shape.
        figures = f"{_percent(share)} {self._rate():>10}"
        hashing = "" in self._latest
        where = ("",) if hashing else (f"  {self._regions()}", f"  {self._count()}")
        candidates = (
            *(f"{title} {bar} {figures}{text}" for text in where),
            f"{title} {figures}",
            figures,
            _percent(share),
        )
        # A line is as long as it looks only when it is ASCII.
        fitting = (c for c in candidates if len(c) <= columns and c.isascii())
        return next(fitting, "")

    def plain(self) -> str:
        """Return the line for a log."""
        return f"{self._title()}: {self._regions()}, {self._rate()}"

    def _title(self) -> str:
        progress = next(iter(self._latest.values()))
        return f"{progress.verb} {progress.artifact}"

    def _regions(self) -> str:
        return ", ".join(
            f"{name} {_percent(p.done / p.total)}".lstrip() for name, p in self._latest.items()
        )

    def _count(self) -> str:
        return "1 region" if len(self._latest) == 1 else f"{len(self._latest)} regions"

    def _rate(self) -> str:
        (before, less), (now, more) = self._samples[0], self._samples[-1]
        return f"{amount((more - less) / (now - before))}/s" if now > before else ""


class Bar:
    """Shows progress on a console. Called from worker threads, one call at a time."""

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._meter = Meter(clock)
        self._redraws = console.is_terminal
        self._pause = BAR_REDRAW_SECONDS if self._redraws else LOG_PROGRESS_SECONDS
        self._due = clock() if self._redraws else clock() + LOG_PROGRESS_SECONDS
        self._closed = False
        self._lock = threading.Lock()

    def __call__(self, progress: Progress) -> None:
        """Show *progress*, if it is time to or nothing more will come."""
        with self._lock:
            self._meter.add(progress)
            due = self._clock() >= self._due or (self._redraws and self._meter.finished)
            if due and not self._closed:
                self._due = self._clock() + self._pause
                self._meter.sample()
                self._show()

    def close(self) -> None:
        """Take the line away; nothing is shown from now on, even if regions still work."""
        with self._lock:
            self._closed = True
            self._console.status("")

    def _show(self) -> None:
        if self._redraws:
            self._console.status(self._meter.line(self._console.columns()))
        else:
            self._console.tell(self._meter.plain())


def amount(count: float) -> str:
    """Return *count* bytes in the unit that fits."""
    for unit in _UNITS[:-1]:
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} {_UNITS[-1]}"


def _percent(share: float) -> str:
    return f"{int(share * 100):3d} %"
