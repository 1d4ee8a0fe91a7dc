"""The entry point: ``python -I -u -X utf8 -m startifact.action``."""

import logging
import signal
import sys
import threading
import time
import traceback
import warnings
from types import FrameType, TracebackType
from typing import Any

from startifact.action.main import bug, main, tell
from startifact.action.workflow import Annotations, say
from startifact.errors import StartifactError, without_secrets
from startifact.settings import Runner

PATIENCE_SECONDS = 5.0
"""How long a step that was stopped may take back what it began, undisturbed by more signals.

The runner sends SIGTERM 7.5 s after SIGINT, and what then still runs has no more than 2.5 s.
"""


def run() -> int:
    """Carry out the step in a process of its own, and return its exit code.

    Nothing reaches the log but through the escaping: what came from outside may be in any text.
    """
    stdout: Any = sys.stdout
    stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable
    warnings.simplefilter("ignore")
    # Without a handler at the root, Python prints other libraries' warnings as they are.
    logging.getLogger().addHandler(logging.NullHandler())
    stop = _Stop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    annotations = Annotations()
    try:
        return main(annotations)
    except _Stopped as stopped:
        if annotations.failed:
            say(str(stopped))
        else:
            error = StartifactError(str(stopped), hint="Running the same step again is safe")
            tell(error, annotations)
        raise


class _Stopped(SystemExit):
    """A signal ends the process, after uploads are aborted and temporary files removed."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self._signal = signal.Signals(number).name

    def __str__(self) -> str:
        return f"stopped by {self._signal}"


class _Stop:
    """Ends the process at the first signal, which decides how it ends.

    More signals are not heard while there is time to take back what was begun. One that comes
    later ends what did not end by itself.
    """

    def __init__(self) -> None:
        self._first: int | None = None
        self._until = 0.0

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first, self._until = number, now + PATIENCE_SECONDS
        elif now < self._until:
            return
        raise _Stopped(self._first)


def _uncaught(
    _kind: type[BaseException], error: BaseException, _trace: TracebackType | None
) -> None:
    tell(bug(error), Annotations())
    _debug(error)


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    _debug(args.exc_value)


def _unraisable(args: "sys.UnraisableHookArgs") -> None:
    _debug(args.exc_value)


def _debug(error: BaseException | None) -> None:
    if Runner.from_environment().debug:
        say(without_secrets("".join(traceback.format_exception(error))))


if __name__ == "__main__":
    sys.exit(run())
