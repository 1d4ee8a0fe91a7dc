"""Prunes in the log and in the job summary: what is to go, what went, and what stays."""

from startifact.action.markdown import Lines, code, table
from startifact.commands.pruning import counts_of, said_of
from startifact.model.keys import artifact_key
from startifact.retention.plan import Pruning


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
    outcomes = list(pruning.outcomes())
    suffix = " (dry run)" if pruning.dry_run else ""
    rows = [
        (
            code(str(version)),
            said_of(outcome, dry_run=pruning.dry_run),
            code(planned.not_before) if planned is not None else "",
            "" if planned is None or planned.size is None else f"{planned.size:,}",
            code(planned.staged_at) if planned is not None and planned.staged_at else "",
            code(pruning.incomplete[str(version)].message)
            if str(version) in pruning.incomplete
            else "",
        )
        for version, outcome, planned in outcomes
    ]
    title = f"{code(pruning.project)}: {counts_of(pruning)}{suffix}"
    head = ("Version", "Outcome", "Not before", "Bytes", "Staged", "Trouble")
    kept = [(code(str(k.version)), code(k.why)) for k in pruning.kept]
    failures = [(code(name), code(error.message)) for name, error in pruning.failures.items()]
    return [
        f"### {title}\n\n",
        *(table(head, rows) if rows else []),
        *(table(("Version that stays", "Why"), kept) if kept else []),
        *(table(("Region", "Trouble"), failures) if failures else []),
        *([] if pruning else ["The next run goes on with what is not complete.\n\n"]),
    ]
