"""The command line: the commands of `startifact.options`, read, run and printed."""

import contextlib
import io
import signal
import sys
import threading
from collections.abc import Iterator, Sequence

from startifact.cli.arguments import parse
from startifact.cli.console import Console
from startifact.concurrency.signals import NUMBERS, Stopped, stop_at_signals
from startifact.errors import BugError, StartifactError, StoppedError, with_notes
from startifact.hints import Hint, Option
from startifact.limits import DEFAULT_LIMITS, DROPPED_SIGNAL_SECONDS, Limits
from startifact.text import redact

COMPLETION = "completion"
"""The command that a shell runs when it starts, so nothing is loaded for it that others need."""

INTERRUPTED = 130
TERMINATED = 143


def main(argv: Sequence[str] | None = None, *, limits: Limits = DEFAULT_LIMITS) -> int:
    """Do what *argv*, by default the process's arguments, says, and return the exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    with contextlib.ExitStack() as until_end:
        return _Command(words, limits, until_end).run()


class _Command:
    """One command, from its words to its exit code. It reports every error, and raises none."""

    def __init__(
        self, words: Sequence[str], limits: Limits, until_end: contextlib.ExitStack
    ) -> None:
        self._words = words
        self._limits = limits
        self._until_end = until_end
        # Known before the words have been understood, for the error that says they were not.
        self._json = "--json" in words
        self._traceback = "--traceback" in words
        self._console = Console(
            out=sys.stdout or io.StringIO(),
            err=sys.stderr or io.StringIO(),
        )

    def run(self) -> int:
        """Run the command, and return its exit code."""
        try:
            return self._run()
        except StartifactError as e:
            return self._fail(e)
        except (KeyboardInterrupt, Stopped) as e:
            terminated = isinstance(e, Stopped) and e.code == TERMINATED
            said, code = ("terminated", TERMINATED) if terminated else ("interrupted", INTERRUPTED)
            return self._fail(
                StoppedError(
                    with_notes(said, e),
                    exit_code=code,
                    work="command",
                    is_safe=not getattr(e, "__notes__", ()),  # which say what to look at first
                )
            )
        except Exception as e:  # noqa: BLE001  # whatever it is, people do not want to see where
            hint = Hint.of(
                "Run it again with ", Option("traceback", "true"), ", and report what that shows"
            )
            return self._fail(BugError(e, hint=hint))

    def _run(self) -> int:
        try:
            arguments = parse(self._words)
        except SystemExit:  # help or version, printed; what cannot be written shows only now
            self._console.flush()
            return 0
        self._json, self._traceback = arguments.json, arguments.traceback
        if arguments.command == COMPLETION:
            from startifact.cli.completion import completion_script

            self._console.data(completion_script(*arguments.targets))
            return 0
        # Only now: words that are not understood, and help, need none of it.
        from startifact.cli.running import run

        # Until here nothing has been begun that would have to be taken back.
        self._until_end.enter_context(_terminable(self._limits))
        return run(arguments, self._console, self._limits)

    def _fail(self, error: StartifactError) -> int:
        if self._traceback:
            import traceback

            for line in traceback.format_exc().splitlines():
                self._console.quote(redact(line))
        self._console.fail(error)
        if self._json and not self._console.has_data:  # one document, however the command ends
            from startifact.cli.running import error_as_json

            with contextlib.suppress(StartifactError):
                self._console.data(error_as_json(error))
        return error.exit_code


@contextlib.contextmanager
def _terminable(limits: Limits) -> Iterator[None]:
    """Make Ctrl-C and SIGTERM end the command, once, with what it began taken back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in NUMBERS}
    unraisable = sys.unraisablehook
    stop = stop_at_signals(
        unraisable, seconds=limits.stop_seconds, dropped_seconds=DROPPED_SIGNAL_SECONDS
    )
    try:
        yield
    finally:
        sys.unraisablehook = unraisable
        # Once stopped, the process ends: more signals still must not disturb that.
        for number, handler in () if stop.heard else before.items():
            signal.signal(number, handler)
