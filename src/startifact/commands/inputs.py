"""What each command about a project is given, and what a session is given for all of them.

A shell and a workflow make these of what was written. Their fields are options of
`startifact.options`, by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from startifact.model.keys import artifact_key
from startifact.settings import Settings

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
    path: Path
    metadata: Mapping[str, str]
    save_filename: bool
    if_exists: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadInputs:
    """What to download, and where to; ``version`` is a selector."""

    command: ClassVar = "download"
    project: str
    version: str
    path: Path
    load_filename: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoInputs:
    """What to show; ``version`` is a selector."""

    command: ClassVar = "info"
    project: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionsInputs:
    """Whose versions to list."""

    command: ClassVar = "versions"
    project: str


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


ProjectInputs = (
    StageInputs | DownloadInputs | InfoInputs | VersionsInputs | VerifyInputs | RepairInputs
)


PROJECT_INPUTS: Mapping[str, type[ProjectInputs]] = {
    inputs.command: inputs
    for inputs in (
        StageInputs,
        DownloadInputs,
        InfoInputs,
        VersionsInputs,
        VerifyInputs,
        RepairInputs,
    )
}
"""The inputs of the commands that are about a project, by the name of the command."""


Inputs = TypeVar("Inputs", bound="DataclassInstance")


def inputs_from(kind: type[Inputs], values: Mapping[str, Any]) -> Inputs:
    """Return inputs of *kind* with those of *values* that they have, by the names of options."""
    return kind(**{field.name: values[field.name] for field in fields(kind)})


def target_of(inputs: ProjectInputs) -> str:
    """Return the project, or the artifact, that a command is about."""
    version = None if isinstance(inputs, VersionsInputs) else inputs.version
    return artifact_key(inputs.project, version) if version else inputs.project


def parameter_of(inputs: SessionInputs, settings: Settings) -> str:
    """Return the SSM parameter with the organisation configuration."""
    given = inputs.configuration_parameter
    return settings.parameter if given is None else given
