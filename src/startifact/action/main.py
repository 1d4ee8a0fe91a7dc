"""One step from its inputs to its exit code."""

import contextlib
import logging
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial

from startifact.action import markdown, rendering
from startifact.action.commands import execute
from startifact.action.inputs import StepInputs, wants_summary
from startifact.action.outputs import outputs_of, outputs_of_failure, warn_of_masked
from startifact.action.paths import in_host_names, to_container_paths
from startifact.action.runner import Runner
from startifact.action.workflow import Annotations, check_output_file, say, write_outputs
from startifact.commands.inputs import target_of
from startifact.commands.results import ProjectResult, errors_of, resolved_lines
from startifact.concurrency.deadline import deadline
from startifact.concurrency.progress import Progress
from startifact.concurrency.signals import Stopped
from startifact.errors import BugError, StartifactError, StoppedError, as_one, with_notes
from startifact.hints import in_workflow
from startifact.limits import DEFAULT_LIMITS, STEP_PROGRESS_SECONDS, Limits
from startifact.log_handler import logging_to
from startifact.reading.artifact import Artifact
from startifact.settings import Settings, tidy_aws_environment
from startifact.text import redact
from startifact.version import __version__


def main(annotations: Annotations, limits: Limits = DEFAULT_LIMITS) -> int:
    """Run the step that the environment describes, and return its exit code.

    Where it fails there is exactly one error annotation, and outputs say why and what was known.
    """
    tidy_aws_environment()
    runner = Runner.from_environment()
    level = logging.DEBUG if runner.debug else logging.INFO

    def log(text: str) -> None:
        say(in_host_names(text, runner))

    def warn(text: str) -> None:
        annotations.add("warning", in_host_names(text, runner), title="Startifact")

    with (
        logging_to(tell=log, warn=warn, words=in_workflow, level=level),
        contextlib.ExitStack() as until_end,
    ):
        return _step(runner, annotations, limits, until_end)


def bug(error: BaseException) -> BugError:
    """Return what to tell about an exception that nobody expected."""
    hint = "Report it, with the log of a run that has debug logging switched on"
    return BugError(error, hint=hint)


def stop(stopped: Stopped) -> StoppedError:
    """Return what to tell about a signal that ends the step."""
    return StoppedError(
        with_notes(str(stopped), stopped),
        exit_code=int(str(stopped.code)),
        work="step",
        is_safe=not getattr(stopped, "__notes__", ()),  # which say what to look at first
    )


def tell(
    error: StartifactError,
    annotations: Annotations,
    *,
    title: str = "Startifact",
    renamed: Callable[[str], str] = str,
) -> None:
    """Show *error* and its hint in one annotation, as *renamed* has their text."""
    text = with_notes(error.message, error)
    hint = "" if error.next_step is None else error.next_step.text(in_workflow)
    annotations.add("error", renamed(text), title=title, hint=renamed(hint))


def _step(
    runner: Runner, annotations: Annotations, limits: Limits, until_end: contextlib.ExitStack
) -> int:
    inputs: StepInputs | None = None
    known: list[Artifact] = []
    title = "Startifact"
    try:
        inputs = StepInputs.from_environment()
        until_end.enter_context(deadline(inputs.deadline))
        what = f"{inputs.command.command} {target_of(inputs.command)}".strip()
        title = f"Startifact: {what}"
        check_output_file(runner.output)
        say(f"Startifact {__version__}: {what}")
        inputs, settings = to_container_paths(inputs, Settings.from_environment(), runner)

        def found(artifact: Artifact) -> None:
            known.append(artifact)
            if isinstance(inputs, StepInputs):
                for line in resolved_lines(inputs.command, artifact):
                    say(line)

        result = execute(
            inputs, settings, runner, until_end, Reporter(), on_found=found, limits=limits
        )
        errors = errors_of(result, in_full=True)
        outputs = outputs_of(result, runner, as_one(errors) if errors else None)
        write_outputs(runner.output, outputs)
        if not errors:
            warn_of_masked(outputs, inputs, settings)
    except StartifactError as e:
        error = e
    except Stopped as e:
        e.reported = True
        _fail(inputs, stop(e), runner, annotations, title)
        raise
    except Exception as e:  # noqa: BLE001  # a bug is reported like any other error
        if runner.debug:
            say(redact(traceback.format_exc()))
        known.clear()  # looking at it may be what failed
        error = bug(e)
    else:
        return _finish(result, inputs, settings, runner, annotations, title, until_end)
    return _fail(inputs, error, runner, annotations, title, known)


def _fail(
    inputs: StepInputs | None,
    error: StartifactError,
    runner: Runner,
    annotations: Annotations,
    title: str,
    known: Sequence[Artifact] = (),
) -> int:
    """Tell why the step failed, and return the exit code."""
    tell(error, annotations, title=title, renamed=partial(in_host_names, runner=runner))
    with contextlib.suppress(StartifactError):  # which may be the error that was just reported
        write_outputs(runner.output, outputs_of_failure(inputs, error, runner, known))
    if wants_summary():
        lines = rendering.failure(inputs, error, runner) + rendering.rest_of(annotations.others)
        markdown.write(runner.summary, lines)
    return error.exit_code


def _finish(
    result: ProjectResult,
    inputs: StepInputs,
    settings: Settings,
    runner: Runner,
    annotations: Annotations,
    title: str,
    until_end: contextlib.ExitStack,
) -> int:
    """Tell what was done, and return the exit code."""
    for line in rendering.log_lines(result, inputs, runner):
        say(line)
    lines = rendering.success(result, inputs, settings, runner)
    errors = errors_of(result, in_full=True)
    error = as_one(errors) if errors else None
    if error is not None:
        tell(error, annotations, title=title, renamed=partial(in_host_names, runner=runner))
    try:
        until_end.close()  # all is printed but the warnings of it, which the summary has too
    finally:
        if inputs.summary:
            markdown.write(runner.summary, lines + rendering.rest_of(annotations.others))
    return 0 if error is None else error.exit_code


class Reporter:
    """Says in the log how far bytes have got, now and then."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock() + STEP_PROGRESS_SECONDS

    def __call__(self, progress: Progress) -> None:
        """Say how far *progress* is, when the last time is long enough ago."""
        now = self._clock()
        if now >= self._next:
            self._next = now + STEP_PROGRESS_SECONDS
            share = 100 * progress.done // progress.total
            where = progress.region or "reading the file"
            say(f"{where}: {share} % of {progress.total:,} bytes")
