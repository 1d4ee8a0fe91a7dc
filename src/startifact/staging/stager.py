"""Staging: making one artifact available, under one version, in every region.

The protocol, in order: inspect all regions while the file is hashed; write nothing when any holds
other content; create the artifact where it is absent; describe what a write has not proved by its
answer; move ``latest`` only once enough regions hold the artifact.
"""

import logging
from collections.abc import Sequence
from functools import partial

from startifact.channels.latest import ChannelWriter
from startifact.concurrency.fan_out import Failure, FanOut, Success
from startifact.concurrency.progress import ProgressCallback, Tally
from startifact.errors import (
    IndeterminateContentError,
    InputError,
    IntegrityError,
    NewerFormatError,
    StagingFailedError,
    WrongRegionError,
)
from startifact.files.contents import Contents
from startifact.files.source import Source
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.clock import now
from startifact.model.keys import LATEST, artifact_key
from startifact.model.quorum import majority, refuse_shared_store
from startifact.model.record import Record
from startifact.model.versions import is_later
from startifact.reading.artifact import Artifact
from startifact.reading.download import Downloader
from startifact.reading.outcomes import State
from startifact.reading.resolution import KnownAnswers, Resolution
from startifact.regions.interface import Region
from startifact.staging import region_steps
from startifact.staging.content import (
    check_enough_can_hold,
    choose_content,
    is_same,
    warn_of_others,
)
from startifact.staging.existing import read_missing_digests
from startifact.staging.filling import fill
from startifact.staging.latest import look_for_lost_latest, move_latest
from startifact.staging.outcomes import StageRequest, Staging
from startifact.staging.region_steps import RegionSnapshot
from startifact.staging.removal import check_marks, describe_again, warn_of_few_marks
from startifact.staging.state import StagingState
from startifact.text import with_regions

logger = logging.getLogger(__name__)

# What is stored under this version may be other content, or a bucket is in another AWS region, so
# that a majority would be none: nothing is written.
_ENDS_STAGING = (InputError, IntegrityError, WrongRegionError, NewerFormatError)

# Content that may be other content, found only while the artifact was written. Other regions may
# hold the artifact by then, and ``latest`` does not move.
_INDETERMINATE = (NewerFormatError, IndeterminateContentError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stager:
    """Stages artifacts in *regions*. An artifact is staged once *required* of them hold it."""

    regions: Sequence[Region]
    required: int
    moved_by: str
    limits: Limits
    listed: Sequence[str] = ()
    """The regions of ``STARTIFACT_REGIONS``; a warning names those that are not in *regions*."""

    progress: ProgressCallback | None = None

    def stage(self, request: StageRequest) -> Staging:
        """Stage what *request* names, and return how each region ended.

        Raises:
            InputError: The file or the regions are not what they have to be. Nothing was written.
            WrongRegionError: A bucket is in another AWS region than its region says. Nothing was
                written.
            ConflictError: A region holds other content under this version, or a tombstone.
            LocalFileError: The file cannot be read, or changed meanwhile.
            StagingFailedError: Too few regions have it, or have moved ``latest``.
        """
        self._warn_of_few()
        state = StagingState(self.regions, artifact_key(request.project, request.version))
        inspect = partial(region_steps.inspect_region, on_replica=state.record_early_replica)
        jobs = {r.name: partial(inspect, r, request.project, request.version) for r in self.regions}
        with FanOut(jobs, limits=self.limits) as inspecting:
            source = self._scan(state, request.contents)
            for answer in inspecting:
                self._record_snapshot(state, answer)
        # Before anything is written: one store under two names would count twice in a majority.
        refuse_shared_store(state.store_identities())
        record = _record_of(request, source)
        read_missing_digests(state, limits=self.limits)
        # Before the write: where one region had the version, this run only completes it.
        existed = bool(state.known_replicas())
        chosen = self._choose(state, request, record)
        # Of a version that no region has, no removal can be under way: then it is asked beside the
        # write. A region that has not answered may have it.
        if existed or state.errors or request.dry_run:
            check_marks(state, record, self.limits)
        if request.dry_run:
            return self._predict(state, request, record, chosen)
        chosen = self._fill(state, request, source, record, chosen)
        check_marks(state, record, self.limits)
        if state.created:
            warn_of_few_marks(state)
        if existed and state.created:
            describe_again(state, record, self.limits)
        self._check_written(state)
        warn_of_others(state, request, record, chosen)
        self._move_latest(state, request)
        existed = existed or not chosen.same_content(record)  # what is kept, others have created
        return self._result(
            state, request, record, chosen, created=bool(state.created) and not existed
        )

    def _fill(
        self,
        state: StagingState,
        request: StageRequest,
        source: Source,
        record: Record,
        chosen: Record,
    ) -> Record:
        """Write *chosen* where it is absent, and return what is the version by then.

        Where that is another one, it is written where nothing was.
        """
        while True:
            was_left = fill(
                state, request, source, record, chosen,
                required=self.required, limits=self.limits, progress=self.progress,
            )  # fmt: skip
            # Again: what others have created may be other content, and the majority's by now.
            read_missing_digests(state, limits=self.limits)
            chosen = self._choose(state, request, record)
            # Each time fewer are left: something was found in one of them.
            if not was_left or _is_indeterminate(state):
                return chosen

    def _warn_of_few(self) -> None:
        if self.required < majority(len(self.regions)):
            logger.warning(
                "%d of %d regions is less than a majority: latest may be read as it was before",
                self.required, len(self.regions),
            )  # fmt: skip

    def _scan(self, state: StagingState, contents: Contents) -> Source:
        """Read what is staged once, reporting progress."""
        total = max(contents.size(), 1)
        tally = Tally(self.progress, verb="hash", artifact=state.key, total=total)
        return contents.scan(partial(tally.add, ""), part_bytes=self.limits.part_bytes)

    def _record_snapshot(
        self, state: StagingState, answer: Success[RegionSnapshot] | Failure
    ) -> None:
        """Record what a region holds; raise where it may be other content."""
        if isinstance(answer, Success):
            state.record_snapshot(answer.name, answer.seconds, answer.value)
        elif isinstance(answer.error, _ENDS_STAGING):
            raise answer.error
        else:
            state.record_failure(answer)

    def _choose(self, state: StagingState, request: StageRequest, attempt: Record) -> Record:
        """Return the record of what is to be the version, of which enough regions can hold it.

        *state* has what other regions hold as different from then on.

        Raises:
            ConflictError: There is none.
        """
        chosen = choose_content(state, request, attempt)
        state.choose(chosen)
        check_enough_can_hold(state, attempt, chosen, self.required)
        return chosen

    def _check_written(self, state: StagingState) -> None:
        """Return when enough regions hold the artifact, and none may hold other content."""
        if _is_indeterminate(state):
            raise StagingFailedError(
                f"{state.key} is staged in {len(state.replicas)} of {len(self.regions)} regions, "
                f"but {LATEST} was not moved: it is not known whether other content was staged "
                "under this version meanwhile:",
                outcomes=state.outcomes(State.ABSENT),
            )
        if len(state.replicas) < self.required:
            raise StagingFailedError(
                f"{state.key} is staged in {len(state.replicas)} of {len(self.regions)} regions, "
                f"{self.required} are needed:",
                outcomes=state.outcomes(State.ABSENT),
            )

    def _move_latest(self, state: StagingState, request: StageRequest) -> None:
        """Move ``latest`` in every region that holds the artifact."""
        look_for_lost_latest(state, request, self.limits, self.required)
        channel_writer = ChannelWriter(now=now, moved_by=self.moved_by, limits=self.limits)
        move_latest(state, request, channel_writer, self.required)
        if len(state.latest) < self.required:
            raise StagingFailedError(
                f"{state.key} is stored in {len(state.replicas)} of {len(self.regions)} regions, "
                f"but {LATEST} has followed in {len(state.latest)}, {self.required} are needed:",
                outcomes=state.outcomes(State.ABSENT),
            )

    def _predict(
        self, state: StagingState, request: StageRequest, record: Record, chosen: Record
    ) -> Staging:
        """Return what a staging would do."""
        able = len(state.replicas) + len(state.regions_to_write())
        if able < self.required:
            raise StagingFailedError(
                f"{state.key} could be staged in {able} of {len(self.regions)} regions, "
                f"{self.required} are needed:",
                outcomes=state.outcomes(State.WOULD_CREATE),
            )
        region_steps.warn_untried(state.regions_to_write())
        if state.regions_to_write():
            warn_of_few_marks(state)
        look_for_lost_latest(state, request, self.limits, self.required)
        warn_of_others(state, request, record, chosen)
        return self._result(state, request, record, chosen)

    def _result(
        self,
        state: StagingState,
        request: StageRequest,
        attempt: Record,
        chosen: Record,
        *,
        created: bool = False,
    ) -> Staging:
        """Return what happened, and log which regions failed or were left out."""
        for region in self.regions:
            if error := state.errors.get(region.name):
                logger.warning("%s", with_regions([region.name], error.message))
        for replica in state.replicas_in_order():
            if archived := replica.archived_error(state.key):
                logger.warning("%s; it counts as staged, by its record", archived.message)
        if left_out := state.left_out(self.listed):
            logger.warning(
                "%s: not staged to these configured regions: %s", state.key, ", ".join(left_out)
            )
        existing = state.first_replica()
        record = existing.record if existing else chosen
        replicas = (*state.replicas.values(), *state.different.values())
        known = KnownAnswers(replicas=replicas, failures=state.errors)
        resolution = Resolution(self.regions, state.key, limits=self.limits, known=known)
        downloader = Downloader(resolution, record, self.progress, limits=self.limits)
        latest = state.highest_latest()
        would = request.dry_run and (latest is None or is_later(request.version, latest))
        return Staging(
            artifact=Artifact(request.project, request.version, downloader),
            created=created,
            is_latest=would or (latest is not None and str(latest) == str(request.version)),
            outcomes=state.outcomes(State.WOULD_CREATE if request.dry_run else State.ABSENT),
            dry_run=request.dry_run,
            kept=not is_same(chosen, attempt, request),
            archive_counts=request.contents.counts,
            members=tuple(request.contents.members) if request.dry_run else (),
        )


def _is_indeterminate(state: StagingState) -> bool:
    return any(isinstance(e, _INDETERMINATE) for e in state.errors.values())


def _record_of(request: StageRequest, source: Source) -> Record:
    return Record(
        sha256=source.sha256,
        size=source.size,
        staged_at=request.staged_at or now(),
        metadata=request.metadata,
        filename=request.filename,
        archive=source.archive or request.archive,
        tree=source.tree or request.tree,
        origin=request.origin,
    )
