"""Prunes in words: what is to go, what went, and what stays all the same."""

from collections import Counter

from startifact.cli.console import table
from startifact.model.keys import artifact_key
from startifact.retention.plan import PruneOutcome, Pruning
from startifact.text import escape_nonprintable

_WORDS = {
    PruneOutcome.MARKED: ("marked", "would be marked"),
    PruneOutcome.WAITING: ("still waiting", "still waiting"),
    PruneOutcome.REMOVED: ("removed", "would be removed"),
    PruneOutcome.LIFTED: ("taken back", "would be taken back"),
    PruneOutcome.INCOMPLETE: ("not completely done", "would not be completely done"),
}


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
    lines = [counts_of(pruning)]
    if pruning.dry_run and pruning.plan:
        lines.append("  give --yes to do it")
    if pruning.kept:
        lines.append("kept")
    return [*lines, *table((str(kept.version), kept.why) for kept in pruning.kept)]


def counts_of(pruning: Pruning) -> str:
    """Return how many versions *pruning* has done what with."""
    counts = Counter(outcome for _, outcome, _ in pruning.outcomes())
    words = [
        f"{counts[outcome]:,} {said[pruning.dry_run]}"
        for outcome, said in _WORDS.items()
        if counts[outcome]
    ]
    what = ", ".join(words) or "nothing is to be removed"
    return f"{'dry run, nothing is written: ' * pruning.dry_run}{pruning.project}: {what}"
