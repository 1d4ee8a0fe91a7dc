"""How a process ends at a signal, from its first moment to its last.

Nothing but the standard library's smallest modules is imported here: this comes before everything
else. Process 1 of a container does not even notice a signal that it has no handler for.
"""

import _thread
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Stopped(SystemExit):
    """A signal ends the process, after uploads are aborted and temporary files removed."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self._signal = signal.Signals(number).name
        self.reported = False
        """Whether a way in has said so already; then it is not said again."""

    def __str__(self) -> str:
        return f"stopped by {self._signal}"


class Stop:
    """A handler that ends the process at the first signal, which decides how it ends.

    More signals are ignored for *seconds*, the time to undo what was begun. One that comes later
    raises again, and ends what has not ended by itself. What Python dropped is raised again after
    *dropped_seconds*.
    """

    # Numbers, not `Limits`: this module is imported before everything else.
    def __init__(self, seconds: float, dropped_seconds: float) -> None:
        self._seconds = seconds
        self._dropped_seconds = dropped_seconds
        self._first: int | None = None
        self._until = 0.0

    @property
    def heard(self) -> bool:
        """Whether a signal has come."""
        return self._first is not None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Raise `Stopped`, unless it has been raised a moment ago."""
        now = time.monotonic()
        if self._first is None:
            self._first = number
        elif now < self._until:
            return
        self._until = now + self._seconds
        raise Stopped(self._first)

    def raise_again(self, dropped: BaseException | None) -> bool:
        """Say whether *dropped* is this handler's exception; if so, it will be raised once more.

        Python drops what is raised while an object is destroyed, and calls `sys.unraisablehook`.
        """
        if self._first is None or not isinstance(dropped, Stopped):
            return False
        import threading  # only here: this module is imported before everything else

        self._until = 0.0
        threading.Timer(self._dropped_seconds, _thread.interrupt_main, (self._first,)).start()
        return True


def stop_at_signals(
    unraisable: "Callable[[sys.UnraisableHookArgs], object]",
    *,
    seconds: float,
    dropped_seconds: float,
    even_ignored: bool = False,
) -> Stop:
    """Make the first signal raise `Stopped`, again where Python drops it, and return the handler.

    *unraisable* is called with all else that Python drops; *seconds* is the time to undo what was
    begun, in which more signals are ignored, and *dropped_seconds* how long after Python dropped it
    the first one is raised again.
    """
    stop = Stop(seconds, dropped_seconds)

    def hook(args: "sys.UnraisableHookArgs") -> None:
        if not stop.raise_again(args.exc_value):
            unraisable(args)

    sys.unraisablehook = hook
    handle_with(stop, even_ignored=even_ignored)
    return stop


def end_at_once(descriptor: int, said: Callable[[str], str], *, even_ignored: bool = False) -> None:
    """Make a signal end the process at once, writing what *said* makes of its name to *descriptor*.

    This is for the time in which nothing has been begun yet: while modules are imported.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        try:
            os.write(descriptor, said(signal.Signals(number).name).encode())
        finally:
            os._exit(128 + number)

    handle_with(end, even_ignored=even_ignored)


def handle_with(
    handler: Callable[[int, FrameType | None], None] | signal.Handlers,
    *,
    even_ignored: bool = False,
) -> None:
    """Make *handler* handle the signals that end a process, except those that are ignored.

    A shell makes what it runs in the background ignore SIGINT. With *even_ignored* such a
    signal is handled too: a step of a workflow has to end when the runner says so, however the
    runner was started.
    """
    for number in NUMBERS:
        if even_ignored or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def ignore() -> None:
    """Ignore signals from now on: the process has its exit code already."""
    handle_with(signal.SIG_IGN)
