"""Running a command whose words have been understood, and printing what came of it.

Imported only then: nearly everything that a command needs is behind this.
"""

import contextlib
import logging
from collections.abc import Mapping, Sequence

from startifact.cli.arguments import Arguments
from startifact.cli.bar import Bar
from startifact.cli.bootstrap import BootstrapResult, TemplateResult
from startifact.cli.commands import OutputResult, PrintedResult, Result, execute
from startifact.cli.console import Console
from startifact.cli.policy import PolicyResult
from startifact.cli.rendering import as_json, info_lines, output_lines
from startifact.cli.setup import SetupResult
from startifact.commands.results import errors_of, facts_of_result
from startifact.concurrency.deadline import deadline
from startifact.errors import StartifactError, worst_exit_code
from startifact.hints import in_shell
from startifact.limits import Limits
from startifact.log_handler import logging_to
from startifact.report import facts_of_error
from startifact.settings import tidy_aws_environment


def run(arguments: Arguments, console: Console, limits: Limits) -> int:
    """Do what *arguments* say, show on *console* what came of it, and return the exit code.

    Raises:
        StartifactError: It did not succeed, and there is nothing to show.
    """
    tidy_aws_environment()
    console.quiet = arguments.quiet
    bar = None if arguments.quiet else Bar(console)
    level = logging.DEBUG if arguments.verbose else logging.WARNING
    with (
        logging_to(tell=console.tell, warn=console.warn, words=in_shell, level=level),
        deadline(arguments.deadline),
        contextlib.ExitStack() as until_end,
    ):
        try:
            result = execute(
                arguments,
                bar,
                limits,
                until_end,
                write_file=console.file,
                write=console.data,
                person=console,
                columns=console.output_columns(),
                to_terminal=console.is_output_terminal,
            )
            # Here, where the bar is still shown: regions that have not answered may be waited for.
            info = info_lines(result, console.people_columns())
            lines = (
                [as_json(_facts(result))]
                if arguments.json
                else output_lines(
                    result, console.output_columns(), colours=console.output_has_colours
                )
            )
            output = "\n".join(lines)
        finally:
            if bar:
                bar.close()
        for line in info:
            console.tell(line)
        if output:
            console.data(output)
        errors = _errors(result)
        for error in errors:
            console.fail(error)
    return worst_exit_code(error.exit_code for error in errors) if errors else 0


def error_as_json(error: StartifactError) -> str:
    """Return what *error* reports to programs, as JSON."""
    return as_json(facts_of_error(error, in_shell))


def _errors(result: Result) -> Sequence[StartifactError]:
    match result:
        case BootstrapResult():
            return result.errors()
        case TemplateResult() | SetupResult() | PolicyResult() | OutputResult() | PrintedResult():
            return ()
        case _:
            return errors_of(result)


def _facts(result: Result) -> Mapping[str, object]:
    match result:
        case SetupResult() | TemplateResult():
            return result.facts()
        case BootstrapResult():
            return result.facts(in_shell)
        case PolicyResult(iam_policy=iam_policy):
            return iam_policy
        case OutputResult():
            raise AssertionError("refused: JSON would be among the bytes")  # pragma: no cover
        case PrintedResult():
            raise AssertionError("with --json it is not printed as it comes")  # pragma: no cover
        case _:
            return facts_of_result(result, in_shell)
