"""What each command about a project is given: options of `startifact.options`, by name."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from startifact.errors import InputError
from startifact.files.destination import is_directory_text
from startifact.hints import Hint, Option
from startifact.lazy_dataclasses import dataclass
from startifact.model.keys import artifact_key, channel_key
from startifact.model.lock_file import DEFAULT_LOCK_FILE

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInputs:
    """What a session is given by a command line or a step, under the names of options."""

    regions: Sequence[str] | str | None
    required_regions: str
    configuration_parameter: str | None
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StageInputs:
    """What to stage, as which version."""

    command: ClassVar = "stage"
    project: str
    version: str
    path: Sequence[str]
    archive: str | None
    include_hidden: bool
    metadata: Mapping[str, str]
    save_filename: bool
    if_exists: str
    replicate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadInputs:
    """What to download, and where to; ``version`` is a selector."""

    command: ClassVar = "download"
    project: str
    version: str
    min_age: str | None
    path: Path
    load_filename: bool
    lock_file: str | None
    sha256: str | None
    extract: bool
    overwrite: bool
    max_members: int | None
    max_extracted_size: str | None
    max_ratio: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoInputs:
    """What to show; ``version`` is a selector."""

    command: ClassVar = "info"
    project: str
    version: str
    min_age: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkInputs:
    """What to make a link to, and for how long; ``version`` is a selector."""

    command: ClassVar = "link"
    project: str
    version: str
    min_age: str | None
    expires: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectListInputs:
    """Nothing: all projects are listed."""

    command: ClassVar = "projects"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionsInputs:
    """Whose versions to list, and which of them."""

    command: ClassVar = "versions"
    project: str
    range: str | None
    channel: str | None
    since: str | None
    where: Mapping[str, str]
    limit: int | None
    long: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteInputs:
    """Which channel to point at what; ``version`` is a selector."""

    command: ClassVar = "promote"
    project: str
    version: str
    min_age: str | None
    channel: str
    expect: str | None
    expect_none: bool
    allow_yanked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackInputs:
    """Which channel to point at what it held before, or at the version ``to``."""

    command: ClassVar = "rollback"
    project: str
    channel: str
    to: str | None
    allow_yanked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelsInputs:
    """Whose channels to list, or which one to ``remove``."""

    command: ClassVar = "channels"
    project: str
    remove: str | None
    expect: str | None
    history: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class YankInputs:
    """Which version to take out of the choice of ranges, and why."""

    command: ClassVar = "yank"
    project: str
    version: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnyankInputs:
    """Which version to take back into the choice of ranges."""

    command: ClassVar = "unyank"
    project: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneInputs:
    """Which versions are to go, and whether anything is done."""

    command: ClassVar = "prune"
    project: str
    keep_versions: int | None
    keep_prereleases: int | None
    older_than: str | None
    range: str | None
    grace: str
    yes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyInputs:
    """What to compare: without a ``version``, all of the project."""

    command: ClassVar = "verify"
    project: str
    version: str | None
    read_data: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairInputs:
    """What to repair: without a ``version``, all of the project."""

    command: ClassVar = "repair"
    project: str
    version: str | None
    read_data: bool
    keep: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockInputs:
    """What to lock, move on or check; ``entries`` are projects, each perhaps with a selector."""

    command: ClassVar = "lock"
    entries: Sequence[str]
    min_age: str | None
    lock_file: str | None
    update: bool
    check: bool

    @property
    def path(self) -> str:
        """The lock file, where none is named the usual one."""
        return DEFAULT_LOCK_FILE if self.lock_file is None else self.lock_file


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyInputs:
    """What to copy, and where to; ``version`` is a selector."""

    command: ClassVar = "copy"
    project: str
    version: str
    min_age: str | None
    to: Sequence[str] | str
    to_profile: str | None
    to_role: str | None
    to_configuration_parameter: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorInputs:
    """Whose permissions to try, for which command."""

    command: ClassVar = "doctor"
    project: str | None
    for_: str
    channel: str | None


ProjectInputs = (
    StageInputs
    | DownloadInputs
    | InfoInputs
    | LinkInputs
    | ProjectListInputs
    | VersionsInputs
    | PromoteInputs
    | RollbackInputs
    | ChannelsInputs
    | YankInputs
    | UnyankInputs
    | LockInputs
    | PruneInputs
    | VerifyInputs
    | RepairInputs
    | DoctorInputs
)
"""The inputs of a command that one session is enough for."""

CommandInputs = ProjectInputs | CopyInputs

PROJECT_INPUTS: Mapping[str, type[ProjectInputs]] = {
    inputs.command: inputs
    for inputs in (
        StageInputs,
        DownloadInputs,
        InfoInputs,
        LinkInputs,
        ProjectListInputs,
        VersionsInputs,
        PromoteInputs,
        RollbackInputs,
        ChannelsInputs,
        YankInputs,
        UnyankInputs,
        LockInputs,
        PruneInputs,
        VerifyInputs,
        RepairInputs,
        DoctorInputs,
    )
}
"""The inputs of the commands that one session is enough for, by the name of the command."""

COMMAND_INPUTS: Mapping[str, type[CommandInputs]] = {
    **PROJECT_INPUTS,
    CopyInputs.command: CopyInputs,
}
"""The inputs of all commands that are about what is staged, by the name of the command."""


Inputs = TypeVar("Inputs", bound="DataclassInstance")


def inputs_from(kind: type[Inputs], values: Mapping[str, Any]) -> Inputs:
    """Return inputs of *kind* with those of *values* that they have, by the names of options."""
    return kind(**{field.name: values[field.name] for field in fields(kind)})


STANDARD_STREAM = "-"
"""The path that is standard input or output in a shell, and no file."""


def loads_filename(text: str, *, load_filename: bool, extract: bool) -> bool:
    """Say whether a download to *text* uses the saved file name: there it is a directory.

    Raises:
        InputError: The artifact is to be extracted, and its name to be used as well.
    """
    if extract and load_filename:
        raise InputError(
            "what is extracted has no use for the saved file name",
            hint=Hint.of(
                "Leave out ", Option("load-filename"), ", or leave out ", Option("extract")
            ),
        )
    return load_filename or (not extract and is_directory_text(text))


def target_of(inputs: CommandInputs) -> str:
    """Return the project, the artifact or the lock file that a command is about.

    Empty for all projects.
    """
    match inputs:
        case ProjectListInputs():
            return ""
        case LockInputs():
            return inputs.path
        case DoctorInputs():
            return inputs.project or ""
        case RollbackInputs():
            return channel_key(inputs.project, inputs.channel)
        case VersionsInputs() | ChannelsInputs() | PruneInputs():
            return inputs.project
        case _:
            version = inputs.version
            return artifact_key(inputs.project, version) if version else inputs.project
