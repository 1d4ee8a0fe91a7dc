"""One step from its inputs to its exit code."""

import contextlib
import logging
import time
import traceback
from collections.abc import Callable, Iterator

from startifact.action import summary
from startifact.action.commands import Result, carry_out
from startifact.action.inputs import Inputs, wants_summary
from startifact.action.outputs import outputs_of
from startifact.action.workflow import Annotations, check_output_file, say, write_outputs
from startifact.errors import StartifactError, shown
from startifact.names import artifact_key
from startifact.progress import Progress
from startifact.settings import Runner, Settings, tidy_aws_environment
from startifact.version import __version__

PROGRESS_SECONDS = 10.0
"""How often the log says how far bytes have got."""


def main() -> int:
    """Carry out the step that the environment describes, and return its exit code.

    Where it fails there is exactly one error annotation, and no output is written.
    """
    tidy_aws_environment()
    runner = Runner.from_environment()
    annotations = Annotations()
    with _logging_to(annotations, runner):
        return _step(runner, annotations)


def bug(error: BaseException) -> StartifactError:
    """Return what to tell about an exception that nobody expected."""
    return StartifactError(
        f"this is a bug in Startifact: {type(error).__name__}: {shown(str(error), 300)}",
        hint="Report it, with the log of a run that has debug logging switched on",
    )


def tell(error: StartifactError, annotations: Annotations, *, title: str = "Startifact") -> None:
    """Show *error* and its hint in one annotation."""
    text = f"{error}\nHint: {error.hint}" if error.hint else str(error)
    annotations.add("error", text, title=title)


def _step(runner: Runner, annotations: Annotations) -> int:
    inputs: Inputs | None = None
    title = "Startifact"
    try:
        inputs = Inputs.from_environment()
        what = f"{inputs.command} {artifact_key(inputs.project, inputs.version)}"
        title = f"Startifact: {what}"
        check_output_file(runner.output)
        say(f"Startifact {__version__}: {what}")
        result = carry_out(inputs, Settings.from_environment(), runner, Reporter())
        write_outputs(runner.output, outputs_of(result, runner))
    except StartifactError as e:
        error = e
    except Exception as e:  # noqa: BLE001  # a bug is told like any other error
        if runner.debug:
            say(traceback.format_exc())
        error = bug(e)
    else:
        _report(result)
        if inputs.summary:
            summary.write(runner.summary, summary.success(result, runner))
        return 0
    tell(error, annotations, title=title)
    if wants_summary():
        summary.write(runner.summary, summary.failure(inputs, error))
    return error.exit_code


def _report(result: Result) -> None:
    """Say in the log what was done."""
    artifact, staging = result.artifact, result.staging
    say(f"{artifact}: {artifact.downloader.record.digest}, {artifact.size:,} bytes")
    if result.path is not None:
        say(f"downloaded to {result.path}")
    if staging is None:
        return
    for outcome in staging.outcomes:
        where = f", {outcome.location.uri}" if outcome.location else ""
        say(f"{outcome.region}: {outcome.state} after {outcome.seconds:.1f} s{where}")
    verb = "would point" if staging.dry_run else "points"
    say(f"latest {verb if staging.is_latest else 'does not point'} at this version")


class Reporter:
    """Says in the log how far bytes have got, now and then."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock() + PROGRESS_SECONDS

    def __call__(self, progress: Progress) -> None:
        """Say how far *progress* is, when the last time is long enough ago."""
        now = self._clock()
        if now >= self._next:
            self._next = now + PROGRESS_SECONDS
            share = 100 * progress.done // progress.total
            say(f"{progress.region}: {share} % of {progress.total:,} bytes")


class _Handler(logging.Handler):
    """Shows what the library logs: warnings as annotations, the rest in the log."""

    def __init__(self, annotations: Annotations) -> None:
        super().__init__()
        self._annotations = annotations

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            self._annotations.add("warning", record.getMessage(), title="Startifact")
        else:
            say(record.getMessage())


@contextlib.contextmanager
def _logging_to(annotations: Annotations, runner: Runner) -> Iterator[None]:
    # The SDK's own loggers stay as they are: they would write requests and what signs them.
    logger = logging.getLogger("startifact")
    level = logger.level
    handler = _Handler(annotations)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if runner.debug else logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
