"""What is asked of a staging, and what came of it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from semver import Version

from startifact.errors import InputError
from startifact.files.archiving.members import Member
from startifact.files.archiving.selected_members import ArchiveCounts
from startifact.files.contents import Contents
from startifact.lazy_dataclasses import dataclass
from startifact.model.record import UNKNOWN_ORIGIN, Origin
from startifact.model.tree import ArchiveKind
from startifact.reading.artifact import Artifact
from startifact.reading.outcomes import RegionOutcome, shortened
from startifact.registers.marks import Yank
from startifact.text import joined, quoted


class IfExists(StrEnum):
    """What to do when other content is staged under the version already."""

    FAIL = "fail"
    """Raise an error, and write nothing."""

    KEEP = "keep"
    """Go on with the content that is staged, in place of the file's: what a majority holds, or else
    the only one that there is."""


class Replicate(StrEnum):
    """How a large artifact reaches all regions."""

    AUTO = "auto"
    """The store copies it from the first region to have it, where it can."""

    DIRECT = "direct"
    """Every region is sent the file."""


C = TypeVar("C", IfExists, Replicate, ArchiveKind)


def parse_choice(kind: type[C], name: str, text: str) -> C:
    """Return what *text* says, the value of the argument *name*.

    Raises:
        InputError: It is none of the values there are.
    """
    try:
        return kind(text)
    except ValueError:
        raise InputError(f"{name} is {quoted(str(text))}, expected {' or '.join(kind)}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRequest:
    """What to stage, every part of it checked."""

    project: str
    version: Version
    contents: Contents
    metadata: Mapping[str, str]
    filename: str | None = None
    archive: str | None = None
    tree: str | None = None
    """Of an archive that was made for an earlier staging, and is copied now, its facts."""

    origin: Origin = UNKNOWN_ORIGIN
    staged_at: str | None = None
    """When it was staged first, where that was not now."""

    if_exists: IfExists = IfExists.FAIL
    replicate: Replicate = Replicate.AUTO
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """What a staging did, with every region's outcome in the configured order."""

    artifact: Artifact
    """What is staged now; in a dry run, what would be."""

    created: bool
    """Whether this staging created the version; false when it existed before."""

    is_latest: bool
    """Whether ``latest`` points at this version now; in a dry run, whether it would."""

    outcomes: tuple[RegionOutcome, ...]
    """Every region's outcome, in the configured order."""

    dry_run: bool = False
    """Whether the session is read-only, so that nothing was written."""

    kept: bool = False
    """Whether other content was staged under this version before, and is kept."""

    yank: Yank | None = None
    """That a copy was yanked too, as the version was where it was copied from; ``None`` where it
    was not, and of what is no copy. In a dry run the reason for which it would be."""

    yanked_already: bool = False
    """Whether a copy had been yanked there before, so that its yank is left as it is."""

    archive_counts: ArchiveCounts | None = None
    """How much the archive consists of that was made of a directory or several files; ``None``
    where none was."""

    members: tuple[Member, ...] = ()
    """In a dry run, what it consists of; else nothing, since it may be hundreds of thousands."""

    def __repr__(self) -> str:
        how = "kept" if self.kept else "created" if self.created else "existed"
        flags = ["dry run" if self.dry_run else how, *(["latest"] if self.is_latest else [])]
        flags += [f"yanked{' already' * self.yanked_already}"] if self.yank is not None else []
        regions = joined(f"{quoted(o.region, 200)} {o.state}" for o in self.outcomes)
        facts = f"{self.artifact}: {', '.join(flags)}, {shortened(self.artifact._record)}"
        return f"<Staging {facts}, regions: {regions}>"
