"""What a staging is told to do, and what it says it did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from semver import Version

from startifact.errors import AlreadyStagedError, RegionsFailedError, StartifactError
from startifact.model.record import UNKNOWN_ORIGIN, Origin
from startifact.reading.artifact import Artifact
from startifact.regions.interface import Location


class IfExists(StrEnum):
    """What to do when other content is staged under the version already."""

    FAIL = "fail"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRequest:
    """What to stage, every part of it checked."""

    project: str
    version: Version
    path: Path
    metadata: Mapping[str, str]
    filename: str | None = None
    origin: Origin = UNKNOWN_ORIGIN
    if_exists: IfExists = IfExists.FAIL
    dry_run: bool = False


class State(StrEnum):
    """How one region came out of a staging, or what it holds of an artifact."""

    CREATED = "created"
    PRESENT = "present"
    WOULD_CREATE = "would-create"
    ABSENT = "absent"
    DIFFERENT = "different"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionOutcome:
    """What happened in one region.

    ``error`` says why the region failed, why its ``latest`` did not follow, or what it holds that
    is other content.
    """

    region: str
    state: State
    seconds: float = 0.0
    location: Location | None = None
    object_version: str | None = None
    latest: Version | None = None
    error: StartifactError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """What a staging did, with every region's outcome in the configured order."""

    artifact: Artifact

    created: bool
    """Whether this staging made the version; false when it existed."""

    is_latest: bool
    """Whether ``latest`` points at this version now; in a dry run, whether it would."""

    outcomes: tuple[RegionOutcome, ...]

    dry_run: bool = False

    kept: bool = False
    """Whether other content was staged under this version before, and is kept."""


class StagingFailedError(RegionsFailedError):
    """Too few regions hold the artifact, or a ``latest`` that is not below it.

    ``outcomes`` says how each region came out. Running the staging again is safe.
    """

    def __init__(self, message: str, *, outcomes: Sequence[RegionOutcome]) -> None:
        super().__init__(
            message,
            said=((o.region, o.error or o.state) for o in outcomes),
            again="Running the same staging again is safe and does only what is missing",
        )
        self.outcomes = tuple(outcomes)


class ConflictError(AlreadyStagedError):
    """A region holds other content under this version, or a tombstone.

    ``outcomes`` says what each region holds by now, ``removed`` whether one holds a tombstone.
    """

    def __init__(
        self, message: str, *, hint: str | None, outcomes: Sequence[RegionOutcome], removed: bool
    ) -> None:
        super().__init__(message, hint=hint)
        self.outcomes = tuple(outcomes)
        self.removed = removed
