"""What each command about a project is given, what it does, and what it results in.

A shell and a workflow make inputs of what was written, run the command, and put its result into
their own words. The fields of a command's inputs are options of `startifact.options`, by name.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, assert_never

from semver import Version

from startifact.concurrency.progress import ProgressCallback
from startifact.errors import (
    DifferencesError,
    InputError,
    StartifactError,
    failures_by_reason,
    worst_exit_code,
)
from startifact.files.destination import check_names_file, is_directory_text
from startifact.files.source import directory_error
from startifact.hints import Words
from startifact.limits import DEFAULT_LIMITS, Limits
from startifact.model.filenames import check_filename
from startifact.model.keys import artifact_key
from startifact.options import OPTIONS
from startifact.reading.artifact import Artifact
from startifact.reading.outcomes import may_be_majority
from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.regions.aws.web_identity import WebIdentity
from startifact.repair.log import Repair
from startifact.repair.verify import FindingKind, Verification
from startifact.report import (
    facts_of,
    facts_of_repair,
    facts_of_staging,
    facts_of_verification,
    locations_of_artifact,
    locations_of_staging,
)
from startifact.session import Session
from startifact.settings import Settings
from startifact.staging.outcomes import Staging

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
    replicate: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """What a staging did in *regions*."""

    staging: Staging
    regions: tuple[str, ...]

    @property
    def artifact(self) -> Artifact:
        """What was staged, or was there already."""
        return self.staging.artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadResult:
    """What was downloaded to *path*."""

    artifact: Artifact
    path: Path
    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoResult:
    """What was found in *regions*."""

    artifact: Artifact
    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionsResult:
    """The versions of a project, newest first."""

    project: str
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult:
    """How *regions*, or those of them that answered, differ."""

    inputs: VerifyInputs
    verification: Verification
    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairResult:
    """What a repair did."""

    inputs: RepairInputs
    repair: Repair


ArtifactResult = StageResult | DownloadResult | InfoResult
ProjectResult = ArtifactResult | VersionsResult | VerifyResult | RepairResult

Inputs = TypeVar("Inputs", bound="DataclassInstance")

Writing = Callable[[Path], AbstractContextManager[object]]
"""Makes what surrounds the writing of one file."""


def inputs_from(kind: type[Inputs], values: Mapping[str, Any]) -> Inputs:
    """Return inputs of *kind* with those of *values* that they have, by the names of options."""
    return kind(**{field.name: values[field.name] for field in fields(kind)})


def path_of(text: str, command: str, *, load_filename: bool) -> Path:
    """Return the path that *text* spells for *command*.

    Raises:
        InputError: It ends with a slash, so it is that of a directory, where a file has to be
            named.
    """
    if command == StageInputs.command and is_directory_text(text):
        raise directory_error(text)
    if not load_filename:
        check_names_file(text)
    return Path(text)


def target_of(inputs: ProjectInputs) -> str:
    """Return the project, or the artifact, that a command is about."""
    version = None if isinstance(inputs, VersionsInputs) else inputs.version
    return artifact_key(inputs.project, version) if version else inputs.project


def session_of(
    inputs: SessionInputs,
    settings: Settings,
    *,
    identity: WebIdentity | None = None,
    progress: ProgressCallback | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Session:
    """Return the session that *inputs* ask for: each is an argument of the name in the table."""
    named = {option.identifier: option.argument for option in OPTIONS.values()}
    given = {named[field.name]: getattr(inputs, field.name) for field in fields(inputs)}
    del given["configuration_parameter"]
    loader = ConfigurationLoader(
        parameter_of(inputs.configuration_parameter, settings), identity=identity, limits=limits
    )
    return Session(
        **given, configuration_loader=loader, progress=progress, settings=settings, limits=limits
    )


def parameter_of(given: str | None, settings: Settings) -> str:
    """Return the SSM parameter with the organisation configuration: *given*, if any is."""
    return settings.parameter if given is None else given


def run(
    inputs: ProjectInputs,
    session: Session,
    writing: Writing = nullcontext,
    on_found: Callable[[Artifact], object] = lambda _: None,
) -> ProjectResult:
    """Do what *inputs* say; a file that is downloaded is written inside of *writing*.

    *on_found* is called with the artifact before it is downloaded, which may fail.

    Raises:
        StartifactError: It did not succeed, and there is nothing to show.
    """
    match inputs:
        case StageInputs():
            staging = session.stage(
                inputs.project,
                inputs.version,
                inputs.path,
                metadata=inputs.metadata,
                save_filename=inputs.save_filename,
                if_exists=inputs.if_exists,
                replicate=inputs.replicate,
            )
            return StageResult(staging=staging, regions=session.regions)
        case DownloadInputs():
            return _download(inputs, session, writing, on_found)
        case InfoInputs():
            artifact = session.get(inputs.project, inputs.version)
            return InfoResult(artifact=artifact, regions=session.regions)
        case VersionsInputs():
            return VersionsResult(
                project=inputs.project, versions=tuple(session.versions(inputs.project))
            )
        case VerifyInputs():
            found = session.verify(inputs.project, inputs.version, read_data=inputs.read_data)
            return VerifyResult(inputs=inputs, verification=found, regions=session.regions)
        case RepairInputs():
            done = session.repair(
                inputs.project, inputs.version, keep=inputs.keep, read_data=inputs.read_data
            )
            return RepairResult(inputs=inputs, repair=done)
        case _:
            assert_never(inputs)


def version_of(result: ProjectResult) -> str:
    """Return the one version that *result* is about, of a list the newest; empty for a project."""
    match result:
        case StageResult() | DownloadResult() | InfoResult():
            return str(result.artifact.version)
        case VersionsResult():
            return str(result.versions[0])
        case VerifyResult() | RepairResult():
            return result.inputs.version or ""
        case _:
            assert_never(result)


def locations_of_result(result: ArtifactResult) -> list[dict[str, object]]:
    """Return how each region came out of a staging, or what it holds of an artifact."""
    if isinstance(result, StageResult):
        return locations_of_staging(result.staging)
    return locations_of_artifact(result.artifact)


def facts_of_result(result: ProjectResult, words: Words) -> dict[str, object]:
    """Return what *result* reports to programs, hints in the *words* of one way in."""
    match result:
        case StageResult(staging=staging):
            return facts_of_staging(staging)
        case DownloadResult(artifact=artifact, path=path):
            locations = locations_of_result(result)
            facts = {**facts_of(artifact), "held-by-majority": is_held_by_majority(artifact)}
            return {**facts, "path": str(path), "locations": locations}
        case InfoResult(artifact=artifact):
            facts = {**facts_of(artifact), "held-by-majority": is_held_by_majority(artifact)}
            return {**facts, "locations": locations_of_result(result)}
        case VersionsResult(project=project, versions=versions):
            return {"project": project, "versions": [str(version) for version in versions]}
        case VerifyResult(verification=verification):
            return {**facts_of_verification(verification, words), "exit-code": exit_code_of(result)}
        case RepairResult(repair=repair):
            return {**facts_of_repair(repair, words), "exit-code": exit_code_of(result)}
        case _:
            assert_never(result)


def is_held_by_majority(artifact: Artifact) -> bool:
    """Say whether a majority of all regions holds *artifact*, as far as they have said."""
    return may_be_majority(artifact.downloader.outcomes())


def errors_of(result: ProjectResult, *, in_full: bool = False) -> tuple[StartifactError, ...]:
    """Return what keeps a command from success, although it has a result.

    Differences are counted; *in_full* the error says what they are.
    """
    match result:
        case VerifyResult(verification=found):
            failures = failures_by_reason(found.failures)
            if not found.differences:
                return tuple(failures)
            lines = [f"{d.kind}: {d.key}: {d.message}" for d in found.differences if in_full]
            error = DifferencesError(
                len(found.differences),
                target=target_of(result.inputs),
                lines=lines,
                archived=[d.kind is FindingKind.ARCHIVED for d in found.differences],
            )
            return (error, *failures)
        case RepairResult(repair=repair):
            return (*repair.refusals, *failures_by_reason(repair.failures))
        case StageResult() | DownloadResult() | InfoResult() | VersionsResult():
            return ()
        case _:
            assert_never(result)


def exit_code_of(result: ProjectResult) -> int:
    """Return the exit code of a command that has a result."""
    errors = errors_of(result)
    return worst_exit_code(error.exit_code for error in errors) if errors else 0


def safe_filename(artifact: Artifact) -> str:
    """Return the saved file name, or nothing when there is none or it is more than a name."""
    try:
        return check_filename(artifact.filename or "")
    except InputError:
        return ""


def _download(
    inputs: DownloadInputs,
    session: Session,
    writing: Writing,
    on_found: Callable[[Artifact], object],
) -> DownloadResult:
    artifact = session.get(inputs.project, inputs.version)
    on_found(artifact)
    target = inputs.path
    if inputs.load_filename and (name := safe_filename(artifact)):
        target = inputs.path / name
    with writing(target):
        path = artifact.downloader.download(inputs.path, load_filename=inputs.load_filename)
    return DownloadResult(artifact=artifact, path=path, regions=session.regions)
