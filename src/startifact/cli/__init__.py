"""The command line: `stage`, `download`, `info`, `versions`, `verify`, `repair` and `setup`."""

import contextlib
import io
import logging
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence

from startifact.cli.arguments import Arguments, parse
from startifact.cli.bar import Bar
from startifact.cli.commands import OutputResult, Result, execute
from startifact.cli.console import Console
from startifact.cli.rendering import as_json, info_lines, output_lines
from startifact.cli.setup import SetupResult
from startifact.commands import errors_of, exit_code_of, facts_of_result
from startifact.concurrency.deadline import deadline
from startifact.concurrency.signals import NUMBERS, Stopped, stop_at_signals
from startifact.errors import BugError, StartifactError, StoppedError, with_notes
from startifact.hints import Hint, Option, in_shell
from startifact.limits import DEFAULT_LIMITS, DROPPED_SIGNAL_SECONDS, Limits
from startifact.log_handler import logging_to
from startifact.report import facts_of_error
from startifact.settings import tidy_aws_environment
from startifact.text import redact

INTERRUPTED = 130
TERMINATED = 143


def main(argv: Sequence[str] | None = None, *, limits: Limits = DEFAULT_LIMITS) -> int:
    """Do what *argv*, by default the process's arguments, says, and return the exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    tidy_aws_environment()
    with _terminable(limits):
        return _Command(words, limits).run()


class _Command:
    """One command, from its words to its exit code. It reports every error, and raises none."""

    def __init__(self, words: Sequence[str], limits: Limits) -> None:
        self._words = words
        self._limits = limits
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
            return self._run(parse(self._words))
        except StartifactError as e:
            return self._fail(e)
        except (KeyboardInterrupt, Stopped) as e:
            terminated = isinstance(e, Stopped) and e.code == TERMINATED
            said, code = ("terminated", TERMINATED) if terminated else ("interrupted", INTERRUPTED)
            return self._fail(StoppedError(with_notes(said, e), exit_code=code, work="command"))
        except SystemExit:
            return 0  # help or version
        except Exception as e:  # noqa: BLE001  # whatever it is, people do not want to see where
            hint = Hint.of(
                "Run it again with ", Option("traceback", "true"), ", and report what that shows"
            )
            return self._fail(BugError(e, hint=hint))

    def _run(self, arguments: Arguments) -> int:
        self._json, self._traceback = arguments.json, arguments.traceback
        self._console.quiet = arguments.quiet
        bar = None if arguments.quiet else Bar(self._console)
        level = logging.INFO if arguments.verbose else logging.WARNING
        tell, warn = self._console.tell, self._console.warn
        with logging_to(tell=tell, warn=warn, words=in_shell, level=level):
            try:
                with deadline(arguments.deadline):
                    result = execute(arguments, bar, self._limits, write_file=self._console.file)
                    # Inside: regions that have not answered yet may be waited for.
                    info = info_lines(result)
                    output = as_json(_facts(result)) if self._json else _lines(result)
            finally:
                if bar:
                    bar.close()
        for line in info:
            self._console.tell(line)
        if output:
            self._console.data(output)
        if isinstance(result, SetupResult | OutputResult):
            return 0
        for error in errors_of(result):
            self._console.fail(error)
        return exit_code_of(result)

    def _fail(self, error: StartifactError) -> int:
        if self._traceback:
            for line in traceback.format_exc().splitlines():
                self._console.quote(redact(line))
        self._console.fail(error)
        if self._json:
            with contextlib.suppress(StartifactError):
                self._console.data(as_json(facts_of_error(error, in_shell)))
        return error.exit_code


def _facts(result: Result) -> dict[str, object]:
    match result:
        case SetupResult():
            return result.facts()
        case OutputResult():
            raise AssertionError("refused: JSON would be among the bytes")  # pragma: no cover
        case _:
            return facts_of_result(result, in_shell)


def _lines(result: Result) -> str:
    return "\n".join(output_lines(result))


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
