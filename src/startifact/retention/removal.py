"""Removing versions for good: from the mark that it has begun to the last tombstone.

The order is what keeps it from removing what somebody promotes meanwhile. First the mark says
``removing``, for a majority; *then* every channel is listed anew and accepted again; only then are
tombstones written. A promotion looks at the mark between the promises of its channel and their
acceptance: in whatever order the two run, one of them sees the other. ``removing`` is taken back
only where a channel turns out to hold the version.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field, replace
from datetime import datetime
from functools import partial

from semver import Version

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import (
    DeadlineError,
    RegionsFailedError,
    RegionUnavailableError,
    StartifactError,
)
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.clock import time_of
from startifact.model.keys import Key, artifact_key
from startifact.model.record import encode_tombstone, has_left_bytes, is_tombstone, refuse_newer
from startifact.regions.interface import Region, StoredArtifact
from startifact.registers.attempt import Author
from startifact.registers.marks import Mark, PruningMark, PruningState, mark_register
from startifact.registers.record import Accepted
from startifact.retention.in_use import accept_again

logger = logging.getLogger(__name__)


def put_tombstone(
    region: Region, key: Key, encoded_record: str, heartbeat: Heartbeat, *, limits: Limits
) -> None:
    """Make *region* have a tombstone at *key*, whatever is there that this Startifact can read.

    Metadata that the first Startifact stored beside an artifact is deleted once it has one.

    Raises:
        NewerFormatError: A newer Startifact has stored what is there.
        RegionUnavailableError: Something else came there again and again.
        IntegrityError: What is there cannot be an artifact.
    """
    _put_tombstone(region, key, encoded_record, heartbeat, limits)
    # Not before: who reads the artifact until then is to get all of it.
    if has_separate_metadata(region, key):
        region.delete_separate_metadata(key)


def _put_tombstone(
    region: Region, key: Key, encoded_record: str, heartbeat: Heartbeat, limits: Limits
) -> None:
    for _ in range(limits.promise_attempts):
        heartbeat.beat()
        stored = region.describe(key)
        if is_removed(stored):
            return
        if stored is not None:
            refuse_newer(stored.encoded_record, where=f"{key} in {region.name}")
        error: RegionUnavailableError | None = None
        try:
            if region.replace_with_tombstone(key, encoded_record, stored):
                return
        except RegionUnavailableError as e:
            error = e  # it may be there all the same
    if error is not None:
        raise error
    raise RegionUnavailableError(f"{key} in {region.name} kept changing while it was removed")


def is_removed(stored: StoredArtifact | None) -> bool:
    """Say whether a tombstone is there, and nothing of what was there before."""
    return (
        stored is not None
        and is_tombstone(stored.encoded_record)
        and not has_left_bytes(stored.encoded_record, stored.size)
    )


def has_separate_metadata(region: Region, key: Key) -> bool:
    """Say whether metadata that the first Startifact stored beside the artifact is still there."""
    return key in region.separate_metadata(f"{key}/")


@dataclass(slots=True)
class Remover:
    """Removes versions of *project* from all *regions*."""

    regions: Sequence[Region]
    project: str
    author: Author
    limits: Limits
    begun: dict[str, Version] = field(default_factory=dict)
    """Versions whose mark says that they are being removed."""

    in_use: dict[str, str] = field(default_factory=dict)
    """Why versions, by their text, are kept after all."""

    removed: dict[str, Version] = field(default_factory=dict)
    incomplete: dict[str, StartifactError] = field(default_factory=dict)
    """Why versions, by their text, are not removed in every region yet."""

    def remove(self, versions: Iterable[Version], now: datetime) -> None:
        """Remove those of *versions* that are due; afterwards this says what came of each."""
        self._each(versions, partial(self._begin, now=now))
        if not self.begun:
            return
        try:
            self.in_use = accept_again(self.regions, self.project, self.author, limits=self.limits)
        except DeadlineError:
            raise
        except StartifactError as e:
            self.incomplete |= dict.fromkeys(self.begun, e)
            return
        kept = [version for text, version in self.begun.items() if text in self.in_use]
        free = [version for text, version in self.begun.items() if text not in self.in_use]
        self._each(kept, self._take_back)
        self._each(free, self._finish)

    def _each(self, versions: Iterable[Version], work: Callable[[Version], None]) -> None:
        """Do *work* for each of *versions*, some at a time; what fails is incomplete."""

        def run(version: Version) -> None:
            try:
                work(version)
            except DeadlineError:
                raise
            except StartifactError as e:
                self.incomplete[str(version)] = e

        jobs = (partial(run, version) for version in versions)
        run_in_pool(jobs, workers=self.limits.inventory_workers, limits=self.limits)

    def _begin(self, version: Version, *, now: datetime) -> None:
        """Let the mark say that *version* is being removed, if it is due, or being removed."""

        def propose(state: Accepted[Mark] | None) -> Mark | None:
            mark = Mark() if state is None else state.value
            if mark.pruning is None or not is_due(mark.pruning, now):
                return None  # somebody has taken it back meanwhile
            begun = replace(
                mark.pruning,
                state=PruningState.REMOVING,
                at=self.author.now(),
                decided_by=self.author.moved_by,
            )
            return None if mark.is_being_removed else replace(mark, pruning=begun)

        register = mark_register(self.regions, self.project, version, limits=self.limits)
        state = register.change(propose, self.author).accepted
        if state is not None and state.value.is_being_removed:
            self.begun[str(version)] = version

    def _take_back(self, version: Version) -> None:
        """Let the mark say nothing of a removal any more, as a channel holds *version*."""
        change_pruning(
            self.regions, self.project, version, lambda _: None, self.author, limits=self.limits
        )
        logger.warning("%s@%s is kept: %s", self.project, version, self.in_use[str(version)])

    def _finish(self, version: Version) -> None:
        """Put a tombstone into every region.

        Raises:
            RegionsFailedError: Not every region has one yet.
        """
        key = artifact_key(self.project, version)
        record = encode_tombstone(removed_at=self.author.now(), removed_by=self.author.moved_by)
        jobs = {
            r.name: partial(put_tombstone, r, key, record, limits=self.limits) for r in self.regions
        }
        failed: dict[str, StartifactError] = {}
        with FanOut(jobs, limits=self.limits) as writing:
            for answer in writing:
                if isinstance(answer, Failure):
                    failed[answer.name] = answer.error
        if failed:
            raise RegionsFailedError(
                f"{key} is removed in {len(self.regions) - len(failed)} of {len(self.regions)} "
                "regions:",
                said=[(r.name, failed.get(r.name, "removed")) for r in self.regions],
                again="Run this again: until every region has removed it, it is not removed",
            )
        self.removed[str(version)] = version


def is_due(pruning: PruningMark, now: datetime) -> bool:
    """Say whether what *pruning* is said of may be removed by now."""
    if pruning.state is PruningState.REMOVING:
        return True
    not_before = time_of(pruning.not_before)
    return not_before is not None and not_before <= now


def change_pruning(
    regions: Sequence[Region],
    project: str,
    version: Version,
    propose: Callable[[PruningMark | None], PruningMark | None],
    author: Author,
    *,
    limits: Limits,
) -> None:
    """Make the mark of *version* say of its removal what *propose* returns for what it says now.

    Raises:
        SeveralRegionsError: Too few regions answered. Nothing was changed.
        UndeterminedError: It may have been changed, or not.
    """

    def change(state: Accepted[Mark] | None) -> Mark | None:
        mark = Mark() if state is None else state.value
        pruning = propose(mark.pruning)
        return None if pruning == mark.pruning else replace(mark, pruning=pruning)

    mark_register(regions, project, version, limits=limits).change(change, author)
