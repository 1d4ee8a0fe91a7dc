"""Prunes in words that a shell and a workflow share: what became of versions, or would."""

from collections import Counter

from startifact.retention.plan import PruneOutcome, Pruning

_WORDS = {
    PruneOutcome.MARKED: ("marked", "would be marked"),
    PruneOutcome.WAITING: ("still waiting", "still waiting"),
    PruneOutcome.REMOVED: ("removed", "would be removed"),
    PruneOutcome.LIFTED: ("taken back", "would be taken back"),
    PruneOutcome.INCOMPLETE: ("not completely done", "would not be completely done"),
}


def said_of(outcome: PruneOutcome, *, dry_run: bool) -> str:
    """Return *outcome* in words."""
    return _WORDS[outcome][dry_run]


def counts_of(pruning: Pruning) -> str:
    """Return how many versions *pruning* has done what with, or would."""
    counts = Counter(outcome for _, outcome, _ in pruning.outcomes())
    words = [
        f"{counts[outcome]:,} {said_of(outcome, dry_run=pruning.dry_run)}"
        for outcome in PruneOutcome
        if counts[outcome]
    ]
    return ", ".join(words) or "nothing is to be removed"
