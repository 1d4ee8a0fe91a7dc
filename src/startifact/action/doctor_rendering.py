"""Diagnoses in the log and in the job summary: what does not work first."""

from typing import TYPE_CHECKING

from startifact.action.markdown import Lines, code, folded, heading, mark_of, table, wrapped
from startifact.hints import in_workflow
from startifact.model.examination import Check, CheckState

if TYPE_CHECKING:
    from startifact.organisation.doctor import Diagnosis

_HEAD = ("Check", "Found")
_SHOWN = {
    CheckState.FAILED: "**failed**",
    CheckState.UNKNOWN: "unknown",
    CheckState.NOT_TRIED: "not tried",
}
"""How states are shown that a person looks at first, in this order."""


def doctor_log(diagnosis: "Diagnosis") -> list[str]:
    """Return what the log says: a line for each check."""
    return [
        f"{found.region}: {check.state.value}: {check.name}: {check.found}"
        for found in diagnosis.regions
        for check in found.checks
    ]


def doctor_summary(diagnosis: "Diagnosis", ending: Lines) -> Lines:
    """Return the summary of *diagnosis*; *ending* says how the step ended."""
    checks = [(found.region, check) for found in diagnosis.regions for check in found.checks]
    failed = sum(len(found.failed) for found in diagnosis.regions)
    what = "nothing is wrong"
    if not diagnosis:
        what = f"{failed:,} of {len(checks):,} checks failed"
    ordered = [
        (region, check) for state in _SHOWN for region, check in checks if check.state is state
    ]
    rows = [
        (f"{_SHOWN[check.state]}: {_named(region, check)}", code(check.found))
        for region, check in ordered
    ]
    steps = [
        f"{region}, {check.name}: {check.next_step.text(in_workflow)}"
        for region, check in ordered
        if check.next_step is not None
    ]
    fine = [(_named(r, c), code(c.found)) for r, c in checks if c.state is CheckState.OK]
    lines = [heading(mark_of(failed=not diagnosis), f"Doctor for {diagnosis.operation}: {what}")]
    lines += ending
    lines += table(_HEAD, rows) if rows else []
    lines += ["What to do:\n\n", wrapped("\n\n".join(steps))] if steps else []
    count = "1 check is ok" if len(fine) == 1 else f"{len(fine):,} checks are ok"
    return lines + (folded(count, table(_HEAD, fine)) if fine else [])


def _named(region: str, check: Check) -> str:
    return f"{check.name} in {code(region)}"
