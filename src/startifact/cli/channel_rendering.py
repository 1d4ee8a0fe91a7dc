"""Channels and marks in words: what they point at and say, and how they were changed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import assert_never

from startifact.channels.overview import ChannelMove, ChannelOverview
from startifact.channels.promotion import Promotion
from startifact.cli.console import fits, table
from startifact.cli.pruning_rendering import pruning_lines, pruning_output
from startifact.commands.results import (
    ChannelsResult,
    PromotionResult,
    PruneResult,
    RegisterResult,
    YankResult,
)
from startifact.model.clock import age
from startifact.model.keys import artifact_key, channel_key
from startifact.retention.yanking import Yanking
from startifact.text import escape_nonprintable

NOTHING = "-"
"""Stands for the version of a channel that was removed, or was nothing before."""


def register_output(result: RegisterResult, columns: int | None = None) -> list[str]:
    """Return what programs read of *result*, or what a terminal with *columns* shows."""
    match result:
        case PromotionResult(promotion=promotion):
            return promotion_output(promotion)
        case ChannelsResult(channels=channels, history=history):
            return channels_lines(channels, history=history, columns=columns)
        case YankResult(yanking=yanking):
            return [artifact_key(yanking.project, yanking.version)]
        case PruneResult(pruning=pruning):
            return pruning_output(pruning)
        case _:
            assert_never(result)


def register_info(result: RegisterResult) -> list[str]:
    """Return what people read of *result*."""
    match result:
        case PromotionResult(promotion=promotion):
            return promotion_lines(promotion)
        case ChannelsResult():
            return []
        case YankResult(yanking=yanking):
            return yanking_lines(yanking)
        case PruneResult(pruning=pruning):
            return pruning_lines(pruning)
        case _:
            assert_never(result)


def promotion_lines(promotion: Promotion) -> list[str]:
    """Return what *promotion* did."""
    channel = channel_key(promotion.project, promotion.channel)
    if not promotion.changed:
        first = f"{channel} points at {promotion.version} already"
    elif promotion.version is None:
        first = f"{channel} {'would be' if promotion.dry_run else 'was'} removed"
    else:
        verb = "would point" if promotion.dry_run else "points"
        first = f"{channel} {verb} at {promotion.version}"
    if promotion.dry_run:
        first = f"dry run, nothing is written: {first}"
    lines = [first]
    if promotion.changed:
        lines.append(
            "  it pointed at nothing before"
            if promotion.previous is None
            else f"  it pointed at {promotion.previous} before"
        )
    if promotion.failures:
        lines.append("  these regions do not have it yet, and readers see it all the same")
    return [*lines, *table((name, e.message) for name, e in promotion.failures.items())]


def promotion_output(promotion: Promotion) -> list[str]:
    """Return what programs read of *promotion*."""
    if promotion.version is None:
        return []
    return [artifact_key(promotion.project, promotion.version)]


def yanking_lines(yanking: Yanking) -> list[str]:
    """Return what a yank, or taking one back, did."""
    key = artifact_key(yanking.project, yanking.version)
    what = "in the choice of ranges" if yanking.yank is None else "yanked: no range picks it"
    already = "" if yanking.changed else " already"
    first = f"{key} {'would be' if yanking.dry_run and yanking.changed else 'is'}{already} {what}"
    lines = [f"dry run, nothing is written: {first}" if yanking.dry_run else first]
    if yanking.channels and yanking.yank is not None:
        lines.append(
            f"  these channels point at it, and keep working: {', '.join(yanking.channels)}"
        )
    if yanking.failures:
        lines.append("  these regions do not have it yet, and readers see it all the same")
    return [*lines, *table((name, e.message) for name, e in yanking.failures.items())]


def channels_lines(
    channels: Sequence[ChannelOverview], *, history: bool, columns: int | None = None
) -> list[str]:
    """Return a line for each of *channels*, and with *history* one for each of their moves.

    On a terminal whose *columns* are too few for such lines, facts have lines of their own.
    """
    now = datetime.now(UTC)
    if history:
        return [line for c in channels for line in (c.channel, *_history_lines(c, now, columns))]
    head = ("CHANNEL", "VERSION", "PREVIOUS", "AGE", "SINCE", "BY")
    rows = [
        (
            c.channel,
            str(c.version or NOTHING),
            str(c.previous or NOTHING),
            age(c.moved_at, now) or NOTHING,
            c.moved_at or NOTHING,
            c.moved_by or NOTHING,
        )
        for c in channels
    ]
    lines = table([head, *rows], indent="")
    return lines if fits(lines, columns) else [line for row in rows for line in _block(head, row)]


def _block(head: tuple[str, ...], row: tuple[str, ...]) -> list[str]:
    """Return *row* with each cell in a line of its own, behind what its column is called."""
    _, *names = head
    first, *cells = row
    facts = zip(names, cells, strict=True)
    return [first, *table((name.lower(), cell) for name, cell in facts if cell != NOTHING)]


def _history_lines(channel: ChannelOverview, now: datetime, columns: int | None) -> list[str]:
    rows = [_history_row(move, now) for move in channel.history]
    lines = table(rows)
    if fits(lines, columns):
        return lines
    authors = (f"    {escape_nonprintable(moved_by)}" for *_, moved_by in rows)
    short = table(tuple(cells) for *cells, _ in rows)
    return [line for both in zip(short, authors, strict=True) for line in both]


def _history_row(move: ChannelMove, now: datetime) -> tuple[str, ...]:
    what = "removed" if move.version is None else str(move.version)
    return (
        what,
        "rollback" if move.is_rollback else "",
        age(move.moved_at, now) or NOTHING,
        move.moved_at or NOTHING,
        move.moved_by or NOTHING,
    )
