"""Channels in the log and in the job summary: what they point at, and how they were moved."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import assert_never

from startifact.action.links import author_link
from startifact.action.markdown import (
    Lines,
    Mark,
    code,
    heading,
    long_table,
    mark_of,
    point_in_time,
    table,
)
from startifact.action.pruning_rendering import pruning_log, pruning_summary
from startifact.channels.overview import ChannelOverview
from startifact.channels.promotion import Promotion
from startifact.commands.results import (
    ChannelsResult,
    PromotionResult,
    PruneResult,
    RegisterResult,
    YankResult,
)
from startifact.errors import StartifactError
from startifact.model.clock import age
from startifact.model.keys import artifact_key, channel_key
from startifact.retention.yanking import Yanking


def register_log(result: RegisterResult) -> list[str]:
    """Return what the log says of *result*."""
    match result:
        case PromotionResult(promotion=promotion):
            return promotion_log(promotion)
        case ChannelsResult(channels=channels, history=history):
            return channels_log(channels, history=history)
        case YankResult(yanking=yanking):
            return yanking_log(yanking)
        case PruneResult(pruning=pruning):
            return pruning_log(pruning)
        case _:
            assert_never(result)


def register_summary(result: RegisterResult, server: str) -> Lines:
    """Return the summary of *result*; runs at *server* are links."""
    match result:
        case PromotionResult(promotion=promotion):
            return promotion_summary(promotion, server)
        case ChannelsResult(project=project, channels=channels, history=history):
            return channels_summary(project, channels, server, history=history)
        case YankResult(yanking=yanking):
            return yanking_summary(yanking)
        case PruneResult(pruning=pruning):
            return pruning_summary(pruning)
        case _:
            assert_never(result)


def promotion_log(promotion: Promotion) -> list[str]:
    """Return what the log says of *promotion*."""
    channel = channel_key(promotion.project, promotion.channel)
    before = "nothing" if promotion.previous is None else str(promotion.previous)
    move = f"{before} -> {promotion.version or 'nothing'}"
    first = f"{channel}: {move}" if promotion.changed else f"{channel} is {before} already"
    lines = [f"dry run, nothing is written: {first}" if promotion.dry_run else first]
    lines += [f"{name} does not have it yet: {e.message}" for name, e in promotion.failures.items()]
    return lines


def promotion_summary(promotion: Promotion, server: str) -> Lines:
    """Return the summary of *promotion*."""
    channel = code(channel_key(promotion.project, promotion.channel))
    # In a dry run nobody has moved it.
    author = "" if promotion.dry_run else author_link(promotion.moved_by, server)
    facts = [
        ("Before", _version(promotion.previous) if promotion.changed else ""),
        ("Since", point_in_time(promotion.moved_at)),
        ("By", author),
        ("Known in", ", ".join(code(region) for region in promotion.regions)),
        *((code(name), _not_yet(error)) for name, error in promotion.failures.items()),
    ]
    mark = mark_of(failed=False, in_part=promotion.failures)
    lines = [heading(mark, f"{channel} {_what(promotion)}")]
    head = ("Version", _version(promotion.version))
    lines += table(head, [fact for fact in facts if fact[1]])
    if promotion.failures:
        lines.append("Readers see it all the same, as a majority of the regions has it.\n\n")
    return lines


def _not_yet(error: StartifactError) -> str:
    return f"does not have it yet: {code(error.message)}"


def _what(promotion: Promotion) -> str:
    suffix = " (dry run)" if promotion.dry_run else ""
    if not promotion.changed:
        return f"points at {_version(promotion.version)} already{suffix}"
    verb = "would be" if promotion.dry_run else "was"
    if promotion.version is None:
        return f"{verb} removed{suffix}"
    return f"{verb} moved to {_version(promotion.version)}{suffix}"


def yanking_log(yanking: Yanking) -> list[str]:
    """Return what the log says of a yank, or of taking one back."""
    key = artifact_key(yanking.project, yanking.version)
    already = "" if yanking.changed else "already "
    first = f"{key}: {already}{'in the choice of ranges' if yanking.yank is None else 'yanked'}"
    lines = [f"dry run, nothing is written: {first}" if yanking.dry_run else first]
    lines += [f"{name} does not have it yet: {e.message}" for name, e in yanking.failures.items()]
    return lines


def yanking_summary(yanking: Yanking) -> Lines:
    """Return the summary of a yank, or of taking one back."""
    suffix = " (dry run)" if yanking.dry_run else ""
    verb = "would be" if yanking.dry_run else "is"
    verb = verb if yanking.changed else "is already"
    is_ = f"{verb} yanked" if yanking.yank else f"{verb} in the choice of ranges"
    facts = [
        ("Reason", code(yanking.yank.reason) if yanking.yank else ""),
        ("Channels that point at it", ", ".join(code(name) for name in yanking.channels)),
        *((code(name), _not_yet(error)) for name, error in yanking.failures.items()),
    ]
    rows = [fact for fact in facts if fact[1]]
    key = code(artifact_key(yanking.project, yanking.version))
    mark = mark_of(failed=False, in_part=yanking.failures)
    head = ("Version", code(str(yanking.version)))
    return [heading(mark, f"{key} {is_}{suffix}"), *(table(head, rows) if rows else [])]


def channels_log(channels: Sequence[ChannelOverview], *, history: bool) -> list[str]:
    """Return what the log says of *channels*; with *history*, their moves as well."""
    lines: list[str] = []
    for c in channels:
        lines.append(f"{c.channel}: {c.version or 'nothing'}")
        moves = c.history if history else ()
        lines += [
            f"  {m.moved_at}: {m.version or 'nothing'}{' (rollback)' if m.is_rollback else ''}"
            for m in moves
        ]
    return lines


def channels_summary(
    project: str, channels: Sequence[ChannelOverview], server: str, *, history: bool
) -> Lines:
    """Return the summary of the *channels* of *project*; with *history*, their moves as well."""
    now, count = datetime.now(UTC), len(channels)
    what = f"{code(project)} has {count} {'channel' if count == 1 else 'channels'}"
    title = heading(Mark.SUCCEEDED, what)
    if history:
        rows = [row for c in channels for row in _moves(c, now, server)]
        head = ("Channel", "Version, newest first", "How", "Age", "Since", "By")
        return [title, *long_table(head, rows, "moves")]
    rows = [
        (
            code(c.channel),
            _version(c.version),
            _version(c.previous),
            *_when(c.moved_at, c.moved_by, now, server),
        )
        for c in channels
    ]
    return [
        title,
        *long_table(("Channel", "Version", "Before", "Age", "Since", "By"), rows, "channels"),
    ]


def _moves(channel: ChannelOverview, now: datetime, server: str) -> list[tuple[str, ...]]:
    return [
        (
            code(channel.channel),
            _version(move.version),
            "rollback" if move.is_rollback else "",
            *_when(move.moved_at, move.moved_by, now, server),
        )
        for move in channel.history
    ]


def _when(
    moved_at: str | None, moved_by: str | None, now: datetime, server: str
) -> tuple[str, str, str]:
    return age(moved_at or "", now), point_in_time(moved_at or ""), author_link(moved_by, server)


def _version(version: object) -> str:
    return "nothing" if version is None else code(str(version))
