"""Prunes in the log and in the job summary: what is to go, what went, and what stays."""

from startifact.action.markdown import (
    Lines,
    code,
    heading,
    long_table,
    mark_of,
    point_in_time,
    wrapped,
)
from startifact.commands.pruning import counts_of, said_of
from startifact.model.keys import artifact_key
from startifact.retention.plan import Pruning

_HEAD = ("Version", "Outcome", "Not before", "Bytes", "Staged", "Why")


def pruning_log(pruning: Pruning) -> list[str]:
    """Return what the log says of *pruning*."""
    lines = []
    for version, outcome, _ in pruning.outcomes():
        said = said_of(outcome, dry_run=pruning.dry_run)
        lines.append(f"{artifact_key(pruning.project, version)}: {said}")
    lines += [f"{artifact_key(pruning.project, k.version)} stays: {k.why}" for k in pruning.kept]
    head = [f"dry run, nothing is written: {pruning.project}"] if pruning.dry_run else []
    return [*head, *(lines or [f"{pruning.project}: nothing is to be removed"])]


def pruning_summary(pruning: Pruning) -> Lines:
    """Return the summary of *pruning*."""
    suffix = " (dry run)" if pruning.dry_run else ""
    rows = [
        (
            code(str(version)),
            said_of(outcome, dry_run=pruning.dry_run),
            point_in_time(planned.not_before) if planned is not None else "",
            "" if planned is None or planned.size is None else f"{planned.size:,}",
            point_in_time(planned.staged_at or "") if planned is not None else "",
            code(pruning.incomplete[str(version)].message)
            if str(version) in pruning.incomplete
            else "",
        )
        for version, outcome, planned in pruning.outcomes()
    ]
    rows += [(code(str(k.version)), "stays", "", "", "", code(k.why)) for k in pruning.kept]
    mark = mark_of(failed=not pruning, in_part=pruning.failures)
    return [
        heading(mark, f"{code(pruning.project)}: {counts_of(pruning)}{suffix}"),
        *long_table(_HEAD, rows, "versions"),
        *(wrapped(error.message) for error in pruning.failures.values()),
        *([] if pruning else ["The next run goes on with what is not complete.\n\n"]),
    ]
