"""What an examination of a region is asked, and what it finds."""

from dataclasses import field
from enum import StrEnum

from startifact.errors import StartifactError
from startifact.hints import Hint
from startifact.lazy_dataclasses import dataclass

IDENTITY = "identity"
CLOCK = "clock"
CONFIGURATION = "configuration"
BUCKET_NAME = "bucket name"
BUCKET = "bucket"
OWNER = "owner"
OTHER_REGIONS = "other regions"
CONDITIONAL_WRITES = "conditional writes"
VERSIONING = "versioning"
ENCRYPTION = "encryption"
KMS_KEY = "KMS key"
PUBLIC_ACCESS = "public access"
LIFECYCLE = "lifecycle"
REPLICATION = "replication"
PARAMETERS = "parameters"
DIRECTORY = "directory"
FILE_SYSTEM = "file system"
LOCKS = "locks"
FREE_SPACE = "free space"
ANSWER = "answer"
"""The names of checks. Those of permissions are actions of IAM, such as ``s3:PutObject``."""


class CheckState(StrEnum):
    """What a check has found."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It cannot be known, mostly because a permission is missing that no command needs."""

    NOT_TRIED = "not-tried"
    """Nobody has looked, since that would change something, or could have no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at in one region."""

    name: str
    state: CheckState
    found: str
    """What there is, or why that is not known. Text from outside may be in it."""

    next_step: Hint | None = None
    """What to do, for a way in to put in its own words."""

    subjects: tuple[str, ...] = field(default=(), repr=False)
    """What is compared with that of other regions, such as the bucket."""

    @property
    def hint(self) -> str | None:
        """What to do, in the words of Python; ``None`` when there is nothing to do."""
        return None if self.next_step is None else str(self.next_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminationRequest:
    """What is to work."""

    operation: str
    """One of `startifact.permissions.OPERATIONS`."""

    project: str | None = None
    channel: str | None = None
    may_write: bool = True
    """Whether a store that is not AWS may be tried, as before a staging."""


def ok(name: str, found: str, *subjects: str) -> Check:
    """Return the check *name* of something that is as it should be."""
    return Check(name=name, state=CheckState.OK, found=found, subjects=subjects)


def failed(name: str, found: str, next_step: Hint | str | None, *subjects: str) -> Check:
    """Return the check *name* of something that is not as it should be."""
    step = Hint.of(next_step) if isinstance(next_step, str) else next_step
    return Check(name=name, state=CheckState.FAILED, found=found, next_step=step, subjects=subjects)


def failed_by(name: str, error: StartifactError) -> Check:
    """Return the check *name* of what does not work because of *error*."""
    return failed(name, error.message, error.next_step)


def unknown(name: str, why: str, next_step: Hint | str | None = None) -> Check:
    """Return the check *name* of what cannot be known."""
    step = Hint.of(next_step) if isinstance(next_step, str) else next_step
    return Check(name=name, state=CheckState.UNKNOWN, found=why, next_step=step)


def not_tried(name: str, why: str) -> Check:
    """Return the check *name* of what nobody has looked at."""
    return Check(name=name, state=CheckState.NOT_TRIED, found=why)
