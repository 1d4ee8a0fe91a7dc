"""What is planned for an account, and how it gets on, in words."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from startifact.cli.doctor_rendering import doctor_output
from startifact.cli.rows import INDENT, filled, row_lines
from startifact.model.configuration import DEFAULT_PARAMETER

if TYPE_CHECKING:
    from startifact.cli.bootstrap import BootstrapResult
    from startifact.organisation.bootstrap.deployment import StackProgress
    from startifact.organisation.bootstrap.lines import PlanLine
    from startifact.organisation.bootstrap.plan import Plan


def plan_lines(plan: "Plan", columns: int | None) -> Iterator[str]:
    """Yield what is planned, as a table where *columns* are enough."""
    groups = [(one.region, one.lines) for one in plan.regions]
    groups.append((f"roles, by a stack in {plan.roles.region}", plan.roles.lines))
    if plan.notes:
        groups.append(("to be known", plan.notes))
    every = [line for _, lines in groups for line in lines]
    widths = (max(len(one.action) for one in every), max(len(one.kind) for one in every))
    yield from filled(f"account {plan.account}, as {plan.who}", "", INDENT, columns)
    for title, lines in groups:
        yield from filled(title, "", INDENT, columns)
        for line in lines:
            yield from _lines(line, widths, columns)
    if not plan.has_changes:
        yield "everything is there already"


def _lines(line: "PlanLine", widths: tuple[int, int], columns: int | None) -> Iterator[str]:
    yield from row_lines(line.action, line.kind, line.name, widths, columns)
    for detail in line.details:
        yield from filled(detail, INDENT * 3, INDENT * 4, columns)


def progress_lines(progress: "StackProgress", columns: int | None) -> list[str]:
    """Return how far one stack is, with no more than *columns* in a line."""
    event = progress.event
    if event is None:
        line = f"{progress.region}: stack {progress.name} {progress.status}"
    else:
        reason = f": {event.reason}" if event.has_failed and event.reason else ""
        line = f"{progress.region}: {event.resource} {event.status}{reason}"
    return filled(line, "", INDENT, columns)


def result_lines(result: "BootstrapResult", columns: int | None) -> Iterable[str]:
    """Yield what became of it, for people."""
    if result.dry_run:
        yield "dry run, nothing is changed"
        return
    if result.done is None or result.doctor is None:
        yield "nothing was changed"
        return
    request = result.plan.target.request
    yield from doctor_output(result.doctor.diagnosis, columns)
    for line in result.doctor.lines():
        yield from filled(line, "", INDENT, columns)
    for name, arn in result.done.roles.outputs.items():
        if arn:
            yield from filled(f"{name}: {arn}", "", INDENT, columns)
    # However long: a terminal wraps them, and they can be copied in one piece.
    yield f"export STARTIFACT_REGIONS='{', '.join(request.regions)}'"
    if request.configuration_parameter != DEFAULT_PARAMETER:
        yield f"export STARTIFACT_PARAMETER='{request.configuration_parameter}'"
    if not request.repositories:
        yield from filled(
            "the roles are for people of this account; with --github ORGANISATION/REPOSITORY they "
            "are for workflows, and one to paste is printed",
            "",
            INDENT,
            columns,
        )
