"""How ``latest`` moves in one region: it only ever goes forward."""

import logging
from collections.abc import Callable
from functools import partial

from semver import Version

from startifact.channels.record import ChannelRecord, ReadChannel, read_channel_record
from startifact.concurrency.backoff import attempts
from startifact.errors import InputError, RegionUnavailableError, StartifactError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.keys import LATEST, Key, channel_key
from startifact.model.versions import is_later, parse_version
from startifact.regions.interface import Mirror, Region, StoredChannel

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Move:
    """Where ``latest`` of one region is once it was moved, or did not have to be."""

    version: Version
    text: str | None = None
    """What was written; ``None`` where it was there already."""

    read_mirror: Callable[[], str | None] | None = None
    """Returns what the mirror was when ``text`` was written, or later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelWriter:
    """Moves ``latest`` in one region; it only ever goes forward."""

    now: Callable[[], str]
    moved_by: str
    limits: Limits

    def advance(
        self,
        region: Region,
        project: str,
        version: Version,
        *,
        highest_known: Version | None = None,
        holds: Callable[[Version], bool] = lambda _: False,
        known: ReadChannel | None = None,
    ) -> Move | None:
        """Make ``latest`` in *region* at least *version*, and return where it is by now.

        *known* is what was read of it before, if anything was: it is written against, and read
        again only where something else is there by now.

        *highest_known* is the highest ``latest`` of any region. Where *region* has no channel yet,
        it is never created below that: if *version* is lower, it is created at *highest_known*
        where *holds* says that this region has it complete; else it stays absent, and ``None`` is
        returned: the region is behind.

        Raises:
            RegionUnavailableError: It kept changing, or the region did not answer.
        """
        key = channel_key(project, LATEST)
        # Another writer may replace the channel between the read and the write: read it again then.
        for _ in attempts(self.limits.channel_retry):
            state, channel_record = known or read_channel_record(region, project, LATEST)
            known, target = None, version
            if channel_record is not None and not is_later(version, channel_record.version):
                if not channel_record.is_mirrored:
                    return Move(channel_record.version)
                target = channel_record.version  # the channel follows its mirror, for once
            if (
                channel_record is None
                and highest_known is not None
                and is_later(highest_known, version)
            ):
                # If it were created lower, it would go back for readers of another region; and it
                # never points at what its own region cannot deliver.
                if not holds(highest_known):
                    return None
                target = highest_known
            text = self._next(channel_record, target).to_json()
            read_mirror = self._mirror_reader(region, project)
            if self._write(region, key, text, state):
                return Move(target, text, read_mirror)
        raise RegionUnavailableError(
            f"{region.name}: {project}/{LATEST} kept changing while it was being moved"
        )

    def replace_damaged(
        self, region: Region, project: str, version: Version, damaged: StoredChannel
    ) -> None:
        """Replace *damaged* by a channel at *version*, whose generation starts at 1 again.

        Raises:
            RegionUnavailableError: Something else is there by now.
        """
        text = self._next(None, version).to_json()
        if not self._write(region, channel_key(project, LATEST), text, damaged):
            raise RegionUnavailableError(f"{region.name}: {project}/{LATEST} changed meanwhile")

    def _next(self, channel_record: ChannelRecord | None, target: Version) -> ChannelRecord:
        return ChannelRecord(
            version=target,
            generation=1 if channel_record is None else channel_record.generation + 1,
            previous=None if channel_record is None else _before(channel_record, target),
            moved_at=self.now(),
            moved_by=self.moved_by,
        )

    def _write(self, region: Region, key: Key, text: str, state: StoredChannel | None) -> bool:
        try:
            return region.write_channel(key, text, state)
        except RegionUnavailableError:
            # The answer may be lost although the write was done.
            current = region.read_channel(key)
            if current is not None and current.text == text:
                return True
            raise

    def _mirror_reader(self, region: Region, project: str) -> Callable[[], str | None] | None:
        mirror = region.mirror
        if mirror is None:
            return None
        return region.ask_in_background(partial(mirror.read, project, LATEST))

    def mirror_or_warn(self, region: Region, project: str, move: Move | None = None) -> None:
        """Mirror ``latest`` of *region* for other tools; *move* is how it got there, if known.

        An error is logged as a warning: the channel itself has moved.
        """
        try:
            self.mirror(region, project, move)
        except StartifactError as e:
            warn_mirror_failed(region.name, project, e)

    def mirror(self, region: Region, project: str, move: Move | None = None) -> None:
        """Mirror ``latest`` of *region* for other tools, and read it again until both agree.

        Where it is known by which *move* it got there, the mirror is written at once.

        The channel may move while it is mirrored, here or by another job.

        Raises:
            StartifactError: The mirror was not brought up to date.
        """
        mirror = region.mirror
        if mirror is None:
            return
        mirrored: str | None = None
        if move is not None and self._mirror_at_once(mirror, project, move):
            stored = region.read_channel(channel_key(project, LATEST))
            if stored is not None and stored.text == move.text:
                return
            mirrored = str(move.version)
        for _ in range(self.limits.mirror_attempts):
            _, channel_record = read_channel_record(region, project, LATEST, must_know_mirror=True)
            if channel_record is None or str(channel_record.version) == mirrored:
                return
            first, mirrored = mirrored is None, str(channel_record.version)
            # A mirror may still be read as it was before it was written: only in the first round
            # can it be trusted to be right already.
            if not first or mirror.read(project, LATEST) != mirrored:
                mirror.write(project, LATEST, mirrored)

    def _mirror_at_once(self, mirror: Mirror, project: str, move: Move) -> bool:
        """Write the mirror after *move*; say whether that was done.

        It was not where the mirror is later than the move: others have written it, and it is looked
        who is right.
        """
        if move.read_mirror is None or _is_later_text(move.read_mirror(), move.version):
            return False
        # Also where it was the same: until the channel had moved, others could set it back.
        mirror.write(project, LATEST, str(move.version))
        return True


def _is_later_text(text: str | None, version: Version) -> bool:
    """Say whether *text* is a version later than *version*."""
    if text is None:
        return False
    try:
        return is_later(parse_version(text.strip()), version)
    except InputError:
        return False


def _before(channel_record: ChannelRecord, target: Version) -> Version | None:
    """Return what the channel was before it moves to *target*."""
    follows = channel_record.is_mirrored and channel_record.version == target
    return channel_record.previous if follows else channel_record.version


def warn_mirror_failed(region: str, project: str, error: StartifactError) -> None:
    """Log that the mirror of ``latest`` was not brought up to date."""
    channel = f"{project}/{LATEST}"
    logger.warning("the copy of %s in %s could not be written: %s", channel, region, error.message)
