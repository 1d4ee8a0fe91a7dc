"""Diagnoses in words: a line for each check, and below what failed what to do."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from startifact.cli.colours import coloured
from startifact.cli.rows import INDENT, row_lines
from startifact.hints import in_shell
from startifact.model.examination import Check
from startifact.text import escape_nonprintable

if TYPE_CHECKING:
    from startifact.organisation.doctor import Diagnosis


def doctor_output(
    diagnosis: "Diagnosis", columns: int | None, *, colours: bool = False
) -> list[str]:
    """Return what was found in each region, as a table where *columns* are enough.

    With *colours* the states have some.
    """
    lines = []
    checks = [check for found in diagnosis.regions for check in found.checks]
    widths = (
        max((len(check.state) for check in checks), default=0),
        max((len(check.name) for check in checks), default=0),
    )
    for found in diagnosis.regions:
        lines.append(escape_nonprintable(found.region))
        for check in found.checks:
            first, *others = _lines(check, widths, columns)
            lines += [coloured(first) if colours else first, *others]
    return lines


def _lines(check: Check, widths: tuple[int, int], columns: int | None) -> Iterator[str]:
    """Yield the lines of *check*, whose state and name have columns of these *widths*."""
    yield from row_lines(check.state, check.name, check.found, widths, columns)
    step = "" if check.next_step is None else check.next_step.text(in_shell)
    if step:
        # However long: a terminal wraps it, and a command in it can be copied in one piece.
        yield f"{INDENT * 2}> {escape_nonprintable(step)}"
