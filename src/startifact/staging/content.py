"""Which content a staging goes on with, where regions hold something under its version."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from startifact.errors import AlreadyStagedError, ConflictError, RemovedError
from startifact.hints import Hint, Option
from startifact.model.quorum import majority
from startifact.model.record import Record
from startifact.model.voting import ContentNames
from startifact.reading.disagreement import choice_of
from startifact.reading.outcomes import State
from startifact.staging.outcomes import IfExists, StageRequest
from startifact.staging.state import StagingState
from startifact.text import with_regions

logger = logging.getLogger(__name__)


def choose_content(state: StagingState, request: StageRequest, attempt: Record) -> Record:
    """Return the record of what is, or becomes, the version; *attempt* is that of the file.

    That is the attempt where no region holds anything else, or a majority of all regions holds
    exactly this. Else, with ``keep``, it is what a majority holds, or the only content there is;
    also without, where it is an archive of the same files, in other bytes.

    Raises:
        ConflictError: Other content is there, and none of it can be chosen; or a tombstone is.
    """
    known = [replica.record for replica in state.known_replicas()]
    removed = state.removed()
    if removed is not None:
        raise conflict(state, attempt, removed=removed)
    if all(record.same_content(attempt) for record in known):
        return attempt
    if _has_majority(attempt, known, len(state.regions)):
        return attempt
    kept = _kept(known, len(state.regions))
    if kept is None or not (request.if_exists is IfExists.KEEP or is_same(kept, attempt, request)):
        raise conflict(state, attempt)
    return kept


def is_same(chosen: Record, attempt: Record, request: StageRequest) -> bool:
    """Say whether *chosen* is what was to be staged: the *attempt*, or its files in other bytes.

    The bytes count where the archive was made before, and is copied.
    """
    is_new = request.archive is None
    return chosen.same_content(attempt) or (is_new and chosen.same_files(attempt))


def check_enough_can_hold(
    state: StagingState, attempt: Record, chosen: Record, needed: int
) -> None:
    """Return when *needed* regions hold *chosen* or can, because they hold nothing else.

    Raises:
        ConflictError: Until the others are repaired, too few can.
    """
    if not state.different or len(state.regions) - len(state.different) >= needed:
        return
    known = [replica.record for replica in state.known_replicas()]
    advice = f"{needed} of {len(state.regions)} regions are required, so first run "
    raise conflict(state, attempt, hint=choice_of(state.key, [chosen], advice, among=known))


def warn_of_others(
    state: StagingState, request: StageRequest, attempt: Record, chosen: Record
) -> None:
    """Warn where *chosen* is not the *attempt*, and of every region that holds neither."""
    names = ContentNames([attempt, *(replica.record for replica in state.all_replicas())])
    if not is_same(chosen, attempt, request):
        logger.warning(
            "%s is kept as it was staged (%s); this attempt (%s) differs in %s",
            state.key, names.of(chosen), names.of(attempt),
            " and ".join(chosen.differences(attempt)),
        )  # fmt: skip
    elif not chosen.same_content(attempt):
        logger.info(
            "%s was made of the same files before, and compressed to other bytes (%s), which stay; "
            "those of this attempt (%s) are not stored",
            state.key, names.of(chosen), names.of(attempt),
        )  # fmt: skip
    known = [replica.record for replica in state.known_replicas()]
    for name, replica in state.different.items():
        logger.warning(
            "%s in %s is not what most regions hold (%s): it has %s, and differs in %s. %s",
            state.key, name, names.of(chosen), names.of(replica.record),
            " and ".join(chosen.differences(replica.record)),
            choice_of(state.key, [chosen], "To replace it, run ", among=known),
        )  # fmt: skip


def _has_majority(record: Record, known: Sequence[Record], regions: int) -> bool:
    return sum(other.same_content(record) for other in known) >= majority(regions)


def _kept(known: Sequence[Record], regions: int) -> Record | None:
    """Return the majority's content of *known*, else the only one that there is."""
    contents = Counter(record.content for record in known)
    for record in known:
        if len(contents) == 1 or contents[record.content] >= majority(regions):
            return record
    return None


NEVER_CHANGES = Hint.of(
    "A staged version never changes: stage under a new version, or set ",
    Option("if-exists", "keep"),
    " to use what is there",
)


def _hint(state: StagingState) -> Hint:
    """Return what can be done where regions hold other content than an attempt, which few hold."""
    known = [replica.record for replica in state.known_replicas()]
    if _kept(known, len(state.regions)) is not None:
        return NEVER_CHANGES
    advice = "Stage under a new version, or find out which content is right, then run "
    return choice_of(state.key, known, advice) or NEVER_CHANGES


def conflict(
    state: StagingState,
    attempt: Record,
    *,
    removed: RemovedError | None = None,
    hint: Hint | None = None,
) -> ConflictError:
    """Return an error with what was to be staged, *attempt*, and what each region holds."""
    # Early ones too: whatever is reported from here on names every region known to hold something.
    replicas = {replica.region.name: replica for replica in state.all_replicas()}
    different = {n: r for n, r in replicas.items() if not r.record.same_content(attempt)}
    state.replicas, state.different = replicas, {}
    names = ContentNames([attempt, *(replica.record for replica in replicas.values())])
    lines = [f"\n  this attempt: {_description(attempt)}"]
    outcomes = []
    for outcome in state.outcomes(State.ABSENT):
        replica = replicas.get(outcome.region)
        text = outcome.error.message if outcome.error else str(outcome.state)
        if replica is not None:
            text = _description(replica.record)
            if differences := attempt.differences(replica.record):
                text += f"; differs in {' and '.join(differences)}"
            if names.of(replica.record) != replica.record.digest:
                text += f"; {replica.record.content_name}"
        other = outcome.region in different
        error = AlreadyStagedError(text) if other else outcome.error
        outcomes.append(
            replace(outcome, state=State.DIFFERENT if other else outcome.state, error=error)
        )
        lines.append(f"\n  {with_regions([outcome.region], text)}")
    summary = f"{state.key} is already staged with other content"
    if removed:
        summary = removed.message
    advice = removed.next_step if removed else hint or _hint(state)
    return ConflictError(
        f"{summary}:{''.join(lines)}", hint=advice, outcomes=outcomes, removed=removed is not None
    )


def _description(record: Record) -> str:
    return f"{record.digest}, {record.size:,} bytes"
