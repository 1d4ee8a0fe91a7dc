"""Staging: making one artifact available, under one version, in every region.

The protocol, in order: look in all regions while the file is hashed; write nothing when any holds
other content; create where it is absent; look again where the answer was unclear; move ``latest``
only once enough regions hold the artifact.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from semver import Version

from startifact.channels.latest import Mover, warn_of_copy
from startifact.concurrency.fan_out import Answered, Failed, Round
from startifact.concurrency.progress import ProgressCallback, Tally
from startifact.errors import (
    InputError,
    IntegrityError,
    LocalFileError,
    MisplacedError,
    NewerFormatError,
    RegionUnavailableError,
)
from startifact.files.source import Source
from startifact.model.keys import LATEST, artifact_key
from startifact.model.quorum import refuse_one_place_twice
from startifact.model.record import Record, encode
from startifact.model.versions import is_later
from startifact.reading.artifact import Artifact
from startifact.reading.download import Downloader
from startifact.reading.resolution import Survey
from startifact.regions.interface import Region
from startifact.staging import region_steps
from startifact.staging.outcomes import IfExists, Order, Staging, StagingFailedError, State
from startifact.staging.region_steps import Sight
from startifact.staging.state import Ledger, changed_file, conflict

logger = logging.getLogger(__name__)

GRACE_SECONDS = 10.0
"""How long a region may move no byte once enough others hold the artifact."""

# What is stored under this version cannot be told from other content, or a region is not where it
# seems to be, so nothing is written.
_STOPPERS = (InputError, IntegrityError, MisplacedError, NewerFormatError)

# The same, found only when it was to be written.
_UNCOMPARABLE = (NewerFormatError, region_steps.UncomparableError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stager:
    """Stages artifacts into *regions*; *required* of them have to hold each before it is staged."""

    regions: Sequence[Region]
    required: int
    by: str
    listed: frozenset[str] = frozenset()
    """Regions that are configured beside this list of regions."""

    progress: ProgressCallback | None = None

    def stage(self, order: Order) -> Staging:
        """Carry out *order*, and return what each region said.

        Raises:
            InputError: The file or the regions are not what they have to be. Nothing was written.
            MisplacedError: A bucket is not in the AWS region it should be in. Nothing was written.
            ConflictError: A region holds other content under this version, or a tombstone.
            LocalFileError: The file cannot be read, or changed meanwhile.
            StagingFailedError: Too few regions have it, or have moved ``latest``.
        """
        ledger = Ledger(self.regions, artifact_key(order.project, order.version))
        look = partial(region_steps.look, glimpse=ledger.glimpse)
        with Round(
            {r.name: partial(look, r, order.project, order.version) for r in self.regions}
        ) as looking:
            source = self._scan(ledger, order.path)
            for answer in looking:
                self._saw(ledger, answer)
        refuse_one_place_twice(ledger.places())
        record = _record(order, source)
        self._compare_unrecorded(ledger, source, record)
        existed = bool(ledger.known_copies())
        if kept := self._other_content(ledger, order, record):
            self._warn_of_kept(ledger, record, kept)
            return self._result(ledger, order, kept, kept=True)
        document = self._document(ledger, record)
        if order.dry_run:
            return self._predict(ledger, order, record)
        self._write(ledger, source, record, document, order.project)
        self._move_latest(ledger, order)
        return self._result(ledger, order, record, created=bool(ledger.created) and not existed)

    def _scan(self, ledger: Ledger, path: Path) -> Source:
        """Read the file once, and tell how far that has got."""
        try:
            size = path.stat().st_size
        except (OSError, ValueError):
            size = 0  # the scan says what is wrong
        tally = Tally(self.progress, verb="hash", artifact=ledger.key, total=max(size, 1))
        return Source.scan(path, moved=partial(tally.add, ""))

    def _saw(self, ledger: Ledger, answer: Answered[Sight] | Failed) -> None:
        """Take down what a region holds; stop where that cannot be told from other content."""
        if isinstance(answer, Answered):
            ledger.saw(answer.name, answer.seconds, answer.value)
        elif isinstance(answer.error, _STOPPERS):
            raise answer.error
        else:
            ledger.failed(answer)

    def _compare_unrecorded(self, ledger: Ledger, source: Source, record: Record) -> None:
        """Where the first Startifact recorded no digest, the bytes themselves are compared."""
        unrecorded = ledger.unrecorded()
        jobs = {n: partial(region_steps.digest, c, ledger.key) for n, c in unrecorded.items()}
        with Round(jobs) as reading:
            for answer in reading:
                if isinstance(answer, Failed):
                    raise answer.error
                copy = unrecorded[answer.name]
                same = answer.value == source.sha256
                found = record if same else replace(copy.record, sha256=answer.value)
                ledger.compared(replace(copy, record=found))

    def _document(self, ledger: Ledger, record: Record) -> str:
        """Return what to store: where the version exists, exactly what the others have."""
        recorded = (copy.stored.document for copy in ledger.known_copies())
        if existing := next((document for document in recorded if document), None):
            return existing
        document, left_out = encode(record)
        if left_out:
            logger.warning(
                "%s: the metadata leaves no room for these facts: %s",
                ledger.key, ", ".join(left_out),
            )  # fmt: skip
        return document

    def _write(
        self, ledger: Ledger, source: Source, record: Record, document: str, project: str
    ) -> None:
        """Create the artifact where it is absent, and see to it that enough regions have it."""
        tally = Tally(self.progress, verb="stage", artifact=ledger.key, total=source.size)
        jobs = {
            r.name: partial(region_steps.create, r, project, ledger.key, source, document)
            for r in ledger.to_write()
        }
        conflicts = []
        with Round(jobs, notify=tally.add, undo=True) as writing:
            while answer := writing.next():
                if isinstance(answer, Failed):
                    if isinstance(answer.error, LocalFileError):
                        raise changed_file(ledger, answer.error)
                    ledger.failed(answer)
                elif answer.value.record.same_content(record):
                    ledger.wrote(answer.name, answer.seconds, answer.value, document)
                else:
                    ledger.spent(answer.name, answer.seconds)
                    conflicts.append(answer.value)
                if len(ledger.copies) >= self.required:
                    writing.stall = GRACE_SECONDS
        removed = ledger.removed()
        if conflicts or removed:
            raise conflict(ledger, record, conflicts, removed)
        self._check_written(ledger)

    def _check_written(self, ledger: Ledger) -> None:
        """Return when enough regions have the artifact, and none may have other content."""
        if any(isinstance(e, _UNCOMPARABLE) for e in ledger.errors.values()):
            raise StagingFailedError(
                f"{ledger.key} is staged in {len(ledger.copies)} of {len(self.regions)} regions, "
                f"but {LATEST} was not moved: it cannot be told whether other content was staged "
                "under this version meanwhile:",
                outcomes=ledger.outcomes(State.ABSENT),
            )
        if len(ledger.copies) < self.required:
            raise StagingFailedError(
                f"{ledger.key} is staged in {len(ledger.copies)} of {len(self.regions)} regions, "
                f"{self.required} are needed:",
                outcomes=ledger.outcomes(State.ABSENT),
            )

    def _move_latest(self, ledger: Ledger, order: Order) -> None:
        """Move the channel in every region that has the artifact."""
        mover = Mover(now=now, by=self.by)
        jobs = {
            r.name: partial(
                region_steps.move, r, order.project, order.version, ledger.floor(), mover
            )
            for r in ledger.holders()
        }
        with Round(jobs, undo=True) as moving:
            while answer := moving.next():
                if isinstance(answer, Failed):
                    ledger.failed(answer)
                elif answer.value is None:
                    ledger.failed(_behind(answer, order.project))
                else:
                    ledger.spent(answer.name, answer.seconds)
                    ledger.latest[answer.name] = answer.value
                if len(ledger.latest) >= self.required:
                    moving.stall = GRACE_SECONDS
        self._publish(ledger, order.project, mover)
        if len(ledger.latest) < self.required:
            raise StagingFailedError(
                f"{ledger.key} is stored in {len(ledger.copies)} of {len(self.regions)} regions, "
                f"but {LATEST} has followed in {len(ledger.latest)}, {self.required} are needed:",
                outcomes=ledger.outcomes(State.ABSENT),
            )

    def _publish(self, ledger: Ledger, project: str, mover: Mover) -> None:
        """Copy the channel where it has moved; one that cannot be copied is only warned of."""
        moved = [r for r in self.regions if r.name in ledger.latest and r.publishes]
        jobs = {r.name: partial(region_steps.publish, r, project, mover) for r in moved}
        with Round(jobs) as publishing:
            for answer in publishing:
                if isinstance(answer, Failed):
                    warn_of_copy(answer.name, project, answer.error)

    def _predict(self, ledger: Ledger, order: Order, record: Record) -> Staging:
        """Say what a staging would do."""
        able = len(ledger.copies) + len(ledger.to_write())
        if able < self.required:
            raise StagingFailedError(
                f"{ledger.key} could be staged in {able} of {len(self.regions)} regions, "
                f"{self.required} are needed:",
                outcomes=ledger.outcomes(State.WOULD_CREATE),
            )
        return self._result(ledger, order, record)

    def _warn_of_kept(self, ledger: Ledger, record: Record, kept: Record) -> None:
        logger.warning(
            "%s is kept as it was staged (%s); this attempt (%s) differs in %s",
            ledger.key, kept.digest, record.digest, " and ".join(kept.differences(record)),
        )  # fmt: skip

    def _result(
        self,
        ledger: Ledger,
        order: Order,
        record: Record,
        *,
        created: bool = False,
        kept: bool = False,
    ) -> Staging:
        """Put together what happened, and tell of the regions that did not follow."""
        for name, error in ledger.errors.items():
            logger.warning("%s: %s", name, error)
        if left_out := ledger.left_out(self.listed):
            logger.warning(
                "%s: not staged to these configured regions: %s", ledger.key, ", ".join(left_out)
            )
        if existing := ledger.first_copy():
            record = existing.record
        survey = Survey.of(self.regions, ledger.key, ledger.copies.values(), ledger.errors)
        downloader = Downloader(survey, record, self.progress)
        latest = ledger.highest_latest()
        planned = order.dry_run and not kept
        would = planned and (latest is None or is_later(order.version, latest))
        return Staging(
            artifact=Artifact(order.project, order.version, downloader),
            created=created,
            is_latest=would or (latest is not None and str(latest) == str(order.version)),
            outcomes=ledger.outcomes(State.WOULD_CREATE if planned else State.ABSENT),
            dry_run=order.dry_run,
            kept=kept,
        )

    def _other_content(self, ledger: Ledger, order: Order, record: Record) -> Record | None:
        """Return the record to keep, or ``None`` when no region holds other content."""
        copies = ledger.known_copies()
        others = [c for c in copies if not c.record.same_content(record)]
        removed = ledger.removed()
        if not others and removed is None:
            return None
        ledger.copies = {copy.region.name: copy for copy in copies}
        if (
            removed is None
            and order.if_exists is IfExists.KEEP
            and all(c.record.same_content(others[0].record) for c in copies)
        ):
            return others[0].record
        raise conflict(ledger, record, others, removed)


def _record(order: Order, source: Source) -> Record:
    return Record(
        sha256=source.sha256,
        size=source.size,
        staged_at=now(),
        pairs=order.pairs,
        filename=order.filename,
        origin=order.origin,
    )


def now() -> str:
    """Return the time as it is recorded: RFC 3339, in UTC, with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _behind(answer: Answered[Version | None], project: str) -> Failed:
    return Failed(
        answer.name,
        answer.seconds,
        RegionUnavailableError(
            f"{answer.name} has no {LATEST} of {project}, and not the version that {LATEST} "
            "points at elsewhere: it was not moved there"
        ),
    )
