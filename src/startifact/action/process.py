"""A step in a process of its own: nothing reaches the log but through the escaping."""

import logging
import sys
import threading
import traceback
import warnings
from types import TracebackType
from typing import Any

from startifact.action.main import bug, main, stop, tell
from startifact.action.runner import Runner
from startifact.action.workflow import Annotations, say
from startifact.concurrency.signals import Stopped, stop_at_signals
from startifact.limits import DEFAULT_LIMITS, DROPPED_SIGNAL_SECONDS, Limits
from startifact.text import redact


def run(limits: Limits = DEFAULT_LIMITS) -> int:
    """Run the step in a process of its own, and return its exit code.

    Nothing reaches the log but through the escaping: what came from outside may be in any text.
    """
    stdout: Any = sys.stdout
    stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    warnings.simplefilter("ignore")
    # Without a handler at the root, Python prints other libraries' warnings as they are.
    logging.getLogger().addHandler(logging.NullHandler())
    stop_at_signals(
        lambda args: _debug(args.exc_value),
        seconds=limits.stop_seconds,
        dropped_seconds=DROPPED_SIGNAL_SECONDS,
        even_ignored=True,
    )
    annotations = Annotations()
    try:
        return main(annotations, limits)
    except Stopped as stopped:
        if annotations.failed and not stopped.reported:
            say(str(stopped))
        elif not stopped.reported:
            tell(stop(stopped), annotations)
        raise


def _uncaught(
    _kind: type[BaseException], error: BaseException, _trace: TracebackType | None
) -> None:
    tell(bug(error), Annotations())
    _debug(error)


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    _debug(args.exc_value)


def _debug(error: BaseException | None) -> None:
    if Runner.from_environment().debug:
        say(redact("".join(traceback.format_exception(error))))
