"""Versions of a listing, and what is known of each: described a few at a time, in their order."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from functools import partial

from semver import Version

from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.in_order import map_in_order
from startifact.concurrency.quorum import ask_until_enough
from startifact.errors import (
    IntegrityError,
    NewerFormatError,
    NotFoundError,
    RegionUnavailableError,
    RemovedError,
    SeveralRegionsError,
    StartifactError,
    no_answer,
)
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.clock import time_of
from startifact.model.keys import artifact_key, marks_prefix
from startifact.model.quorum import required_to_read
from startifact.model.record import Record
from startifact.reading.resolution import Resolution
from startifact.regions.interface import Region
from startifact.registers.marks import Yank, mark_in, mark_register
from startifact.text import in_one_line

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionEntry:
    """One version of a listing. What was not asked for, or is not known, is ``None`` or empty."""

    project: str
    version: Version
    size: int | None = None
    """In bytes."""

    staged_at_text: str = ""
    """When it was staged first, as it was recorded: remote text, as a rule in RFC 3339."""

    digest: str = ""
    """``sha256:`` and the SHA-256; of artifacts of the first Startifact as `Artifact.digest`."""

    channels: tuple[str, ...] = ()
    """Those that point at it, ``latest`` first, then by name."""

    yank: Yank | None = None
    """That it was yanked; ``None`` where it was not."""

    trouble: str = ""
    """Why nothing else is known of it, as that it was removed, or that regions disagree."""

    @property
    def staged_at(self) -> datetime | None:
        """When it was staged first, in UTC; ``None`` where that is not known."""
        return time_of(self.staged_at_text)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """Which versions are wanted, by what their records say."""

    since: datetime | None = None
    """Those that were staged first then, or later."""

    where: Mapping[str, str] = field(default_factory=dict)
    """Those with all of this in their metadata."""

    @property
    def takes_all(self) -> bool:
        """Whether it leaves nothing out."""
        return self.since is None and not self.where

    def takes(self, record: Record) -> bool:
        """Say whether the version with *record* is wanted; without a time it is not recent."""
        staged = time_of(record.staged_at)
        if self.since is not None and (staged is None or staged < self.since):
            return False
        return all(record.metadata.get(key) == value for key, value in self.where.items())


@dataclass(frozen=True, slots=True)
class _Described:
    entry: VersionEntry
    record: Record | None
    """``None`` where the entry says why."""

    is_removed: bool = False


class Describer:
    """Says what is known of versions of *project*: one request to each region for each of them.

    The entries have *channels*, by the text of the version, and with *with_yanks* what was yanked.
    A region that did not answer is not asked again once it is *unlisted*: each time would take
    seconds. With *note* all regions are waited for, and it is called for each version, in any
    thread, with why regions gave no copy of it.
    """

    def __init__(
        self,
        regions: Sequence[Region],
        project: str,
        *,
        channels: Mapping[str, tuple[str, ...]],
        with_yanks: bool,
        unlisted: Mapping[str, StartifactError],
        limits: Limits,
        note: Callable[[Version, Mapping[str, StartifactError]], None] | None = None,
    ) -> None:
        self._regions = regions
        self._project = project
        self._channels = channels
        self._marked = _marked(regions, project, limits) if with_yanks else frozenset()
        self._unlisted = unlisted
        self._limits = limits
        self._note = note

    def entries(self, versions: Iterable[Version], wanted: EntryFilter) -> Iterator[VersionEntry]:
        """Yield an entry for each of *versions* that is *wanted*, as soon as it is known.

        One that is gone by now is left out, and where not all are wanted one that was removed; so
        is, with a warning, one of which cannot be said whether it is wanted.

        Raises:
            SeveralRegionsError: Too few regions answered to know.
        """
        workers, ahead = self._limits.inventory_workers, self._limits.described_ahead
        for found in map_in_order(self._describe, versions, workers=workers, ahead=ahead):
            if found is None:
                continue
            entry, record = found.entry, found.record
            if wanted.takes_all or (record is not None and wanted.takes(record)):
                yield entry
            elif found.is_removed:
                continue
            elif record is None:
                key = artifact_key(entry.project, entry.version)
                logger.warning("%s is left out: %s", key, entry.trouble)
            elif wanted.since is not None and entry.staged_at is None:
                key = artifact_key(entry.project, entry.version)
                logger.warning("%s is left out: when it was staged is not recorded", key)

    def _describe(self, version: Version) -> _Described | None:
        """Return what is known of *version*; ``None`` where every region says it is not there."""
        down = {
            name: error
            for name, error in list(self._unlisted.items())
            if isinstance(error, RegionUnavailableError)
        }
        key = artifact_key(self._project, version)
        resolution = Resolution(self._regions, key, limits=self._limits, given_up=down)
        try:
            record = self._resolve(resolution, version)
        except (RemovedError, IntegrityError) as e:
            entry = self._entry(version, trouble=in_one_line(e.message))
            return _Described(entry, None, is_removed=isinstance(e, RemovedError))
        except NotFoundError:
            return None
        except SeveralRegionsError as e:
            if not all(_is_about_content(cause) for cause in e.causes):
                raise
            return _Described(self._entry(version, trouble=in_one_line(e.message)), None)
        finally:
            resolution.close()
        return _Described(self._entry(version, record), record)

    def _resolve(self, resolution: Resolution, version: Version) -> Record:
        if self._note is None:
            return resolution.resolve()
        with resolution.asking():
            try:
                return resolution.resolve()
            finally:
                resolution.wait_for_all()
                self._note(version, resolution.failures())

    def _entry(
        self, version: Version, record: Record | None = None, trouble: str = ""
    ) -> VersionEntry:
        yank = None
        if str(version) in self._marked:
            yank, unknown = self._yank(version)
            trouble = trouble or unknown
        return VersionEntry(
            project=self._project,
            version=version,
            size=None if record is None else record.size,
            staged_at_text="" if record is None else record.staged_at,
            digest="" if record is None else record.digest,
            channels=self._channels.get(str(version), ()),
            yank=yank,
            trouble=trouble,
        )

    def _yank(self, version: Version) -> tuple[Yank | None, str]:
        """Return whether *version* was yanked, or why that is not known: its mark is damaged.

        Raises:
            SeveralRegionsError: Too few regions answered to know.
        """
        marks = mark_register(self._regions, self._project, version, limits=self._limits).read()
        if marks.is_known:
            return mark_in(marks).yanked, ""
        key = artifact_key(self._project, version)
        error = marks.unknown(f"cannot tell whether {key} was yanked")
        if not all(_is_about_content(cause) for cause in marks.failures.values()):
            raise error
        return None, in_one_line(error.message)


def _is_about_content(error: StartifactError) -> bool:
    """Say whether *error* is about one version, and not about the region that has it."""
    return isinstance(error, IntegrityError | NewerFormatError)


def _marked(regions: Sequence[Region], project: str, limits: Limits) -> frozenset[str]:
    """Return the texts of the versions that have a mark; one listing in each region says it.

    Raises:
        SeveralRegionsError: Too few regions answered to know.
    """
    prefix = marks_prefix(project)
    needed = required_to_read(len(regions))
    jobs = {r.name: partial(_marks_in, r, prefix) for r in regions}
    answers, failures = ask_until_enough(jobs, needed=needed, limits=limits)
    if len(answers) < needed:
        raise no_answer(
            f"cannot tell which versions of {project} were yanked: {len(answers)} of "
            f"{len(regions)} regions answered, {needed} are needed:",
            failures.items(),
        )
    return frozenset(key.removeprefix(prefix) for keys in answers.values() for key in keys)


def _marks_in(region: Region, prefix: str, heartbeat: Heartbeat) -> list[str]:
    keys = []
    for key in region.channel_keys(prefix):
        heartbeat.beat()
        keys.append(key)
    return keys
