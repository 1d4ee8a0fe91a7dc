"""Diagnoses in the log and in the job summary: what does not work first."""

from typing import TYPE_CHECKING

from startifact.action.markdown import Lines, code, table
from startifact.hints import in_workflow
from startifact.model.examination import CheckState

if TYPE_CHECKING:
    from startifact.organisation.doctor import Diagnosis

_SHOWN = {
    CheckState.FAILED: "**failed**",
    CheckState.UNKNOWN: "unknown",
    CheckState.NOT_TRIED: "not tried",
    CheckState.OK: "ok",
}
"""How states are shown, in this order."""


def doctor_log(diagnosis: "Diagnosis") -> list[str]:
    """Return what the log says: a line for each check."""
    return [
        f"{found.region}: {check.state.value}: {check.name}: {check.found}"
        for found in diagnosis.regions
        for check in found.checks
    ]


def doctor_summary(diagnosis: "Diagnosis", ending: Lines) -> Lines:
    """Return the summary of *diagnosis*; *ending* says how the step ended."""
    failed = sum(len(found.failed) for found in diagnosis.regions)
    what = (
        "nothing is wrong"
        if diagnosis
        else f"{failed} {'check' if failed == 1 else 'checks'} failed"
    )
    rows = [
        (
            _SHOWN[check.state],
            code(found.region),
            check.name,
            code(check.found),
            "" if check.next_step is None else code(check.next_step.text(in_workflow)),
        )
        for state in _SHOWN
        for found in diagnosis.regions
        for check in found.checks
        if check.state is state
    ]
    return [
        f"### Doctor for {diagnosis.operation}: {what}\n\n",
        *ending,
        *table(("State", "Region", "Check", "Found", "What to do"), rows),
    ]
