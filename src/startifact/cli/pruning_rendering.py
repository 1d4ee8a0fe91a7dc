"""Prunes in words: what is to go, what went, and what stays all the same."""

from startifact.cli.console import table
from startifact.commands.pruning import counts_of
from startifact.model.keys import artifact_key
from startifact.retention.plan import PruneOutcome, Pruning
from startifact.text import escape_nonprintable


def pruning_output(pruning: Pruning) -> list[str]:
    """Return what programs read of *pruning*: what became of each version, and which it is."""
    lines = []
    for version, outcome, planned in pruning.outcomes():
        line = f"{outcome.value}: {artifact_key(pruning.project, version)}"
        if planned is not None and outcome in {PruneOutcome.MARKED, PruneOutcome.WAITING}:
            line += f": not before {planned.not_before}"
        lines.append(escape_nonprintable(line))
    return lines


def pruning_lines(pruning: Pruning) -> list[str]:
    """Return what *pruning* did, or would do, in short, and what stays all the same."""
    first = f"{pruning.project}: {counts_of(pruning)}"
    lines = [f"dry run, nothing is written: {first}" if pruning.dry_run else first]
    if pruning.dry_run and pruning.plan:
        lines.append("  give --yes to do it")
    if pruning.kept:
        lines.append("kept")
    return [*lines, *table((str(kept.version), kept.why) for kept in pruning.kept)]
