"""Doing what the step was told to do."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from semver import Version

from startifact.action.credentials import identity_of, settings_of
from startifact.action.inputs import Command, Inputs
from startifact.action.ownership import given_to_owner_of
from startifact.action.paths import check_sandbox_paths, directories_of
from startifact.concurrency.progress import ProgressCallback
from startifact.errors import DifferencesError, InputError, StartifactError, worst_exit_code
from startifact.model.keys import LATEST, artifact_key, channel_key, check_filename
from startifact.reading.artifact import Artifact
from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.repair.log import Repair
from startifact.repair.verify import Verification
from startifact.session import Session
from startifact.settings import Runner, Settings
from startifact.staging.outcomes import ConflictError, Staging
from startifact.text import with_regions

_REPAIR = re.compile(r"startifact repair [^@\s]+@(\S+) --keep (sha256:[0-9a-f]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactResult:
    """What the step did with one artifact."""

    command: Command
    artifact: Artifact
    regions: tuple[str, ...]
    staging: Staging | None = None
    path: Path | None = None
    """Where the artifact was downloaded to."""

    errors: tuple[StartifactError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectResult:
    """What the step found out about a project, or mended in it."""

    command: Command
    project: str
    version: str
    """The one version that was looked at, of a list the newest; empty for the whole project."""

    versions: tuple[Version, ...] = ()
    verification: Verification | None = None
    repair: Repair | None = None
    regions: tuple[str, ...] = ()
    """The regions that were compared."""

    errors: tuple[StartifactError, ...] = field(default=())
    """What keeps the step from success, although there is something to show."""


Result = ArtifactResult | ProjectResult


def execute(
    inputs: Inputs, settings: Settings, runner: Runner, progress: ProgressCallback | None = None
) -> Result:
    """Do what *inputs* say, and return what was done.

    Raises:
        StartifactError: It did not succeed, and there is nothing to show.

    """
    settings = settings_of(inputs, settings)
    directories = directories_of(inputs, settings)
    check_sandbox_paths(inputs, directories, runner)
    session = Session(
        regions=inputs.regions,
        read_only=inputs.dry_run,
        required_regions=inputs.required_regions,
        configuration_loader=ConfigurationLoader(
            inputs.configuration_parameter or settings.parameter,
            identity=identity_of(inputs, settings, runner),
        ),
        progress=progress,
        settings=settings,
    )
    roots = [directory.path for directory in directories]
    match inputs.command:
        case Command.STAGE:
            return _stage(inputs, session, roots, runner)
        case Command.DOWNLOAD:
            return _download(inputs, session, runner)
        case Command.INFO:
            artifact = session.get(inputs.project, inputs.version)
            return ArtifactResult(
                command=inputs.command, artifact=artifact, regions=session.regions
            )
        case Command.VERSIONS:
            return _versions(inputs, session)
        case Command.VERIFY:
            return _verify(inputs, session)
        case Command.REPAIR:
            return _repair(inputs, session, roots, runner)


def _stage(inputs: Inputs, session: Session, roots: list[Path], runner: Runner) -> Result:
    assert inputs.path is not None  # noqa: S101  # Inputs has checked it
    project = inputs.project
    artifact, channel = artifact_key(project, inputs.version), channel_key(project, LATEST)
    paths = [p for root in roots for p in (root / artifact, (root / channel).parent)]
    with given_to_owner_of(runner.workspace, paths):
        staging = session.stage(
            project,
            inputs.version,
            inputs.path,
            metadata=inputs.metadata,
            save_filename=inputs.save_filename,
            if_exists=inputs.if_exists,
        )
    return ArtifactResult(
        command=inputs.command,
        artifact=staging.artifact,
        regions=session.regions,
        staging=staging,
    )


def _download(inputs: Inputs, session: Session, runner: Runner) -> Result:
    assert inputs.path is not None  # noqa: S101  # Inputs has checked it
    artifact = session.get(inputs.project, inputs.version)
    target = inputs.path
    # Not the whole folder: it may be the workspace, and that may be large.
    if inputs.load_filename and (name := safe_filename(artifact)):
        target = inputs.path / name
    with given_to_owner_of(runner.workspace, [target]):
        path = artifact.downloader.download(inputs.path, load_filename=inputs.load_filename)
    return ArtifactResult(
        command=inputs.command, artifact=artifact, regions=session.regions, path=path
    )


def _versions(inputs: Inputs, session: Session) -> Result:
    found = session.versions(inputs.project)
    return ProjectResult(
        command=inputs.command,
        project=inputs.project,
        version=str(found[0]),
        versions=tuple(found),
    )


def _verify(inputs: Inputs, session: Session) -> Result:
    found = session.verify(inputs.project, inputs.version or None, read_data=inputs.read_data)
    errors = _failures(found.failures)
    if found.differences:
        count = len(found.differences)
        lines = "".join(f"\n  {d.kind}: {d.key}: {d.message}" for d in found.differences)
        errors.insert(
            0,
            DifferencesError(
                f"{count} {'thing is' if count == 1 else 'things are'} not as they should be:"
                f"{lines}",
                hint="The command repair mends what can be mended",
            ),
        )
    return ProjectResult(
        command=inputs.command,
        project=inputs.project,
        version=inputs.version,
        versions=found.versions,
        verification=found,
        regions=tuple(name for name in session.regions if name not in found.failures),
        errors=tuple(errors),
    )


def _repair(inputs: Inputs, session: Session, roots: list[Path], runner: Runner) -> Result:
    # Which versions it mends is known only afterwards.
    with given_to_owner_of(runner.workspace, roots):
        done = session.repair(
            inputs.project,
            inputs.version or None,
            keep=inputs.keep,
            read_data=inputs.read_data,
        )
    return ProjectResult(
        command=inputs.command,
        project=inputs.project,
        version=inputs.version,
        repair=done,
        errors=(*map(in_yaml, done.refusals), *_failures(done.failures)),
    )


def _failures(failures: Mapping[str, StartifactError]) -> list[StartifactError]:
    """Return why regions failed, in the words of a workflow, with the regions it is about."""
    regions: dict[StartifactError, list[str]] = {}
    for region, error in failures.items():
        regions.setdefault(error, []).append(region)
    named = []
    for error, names in regions.items():
        in_yaml(error)
        one = StartifactError(with_regions(names, str(error)), hint=error.hint)
        one.exit_code = error.exit_code
        named.append(one)
    return named


def as_one(errors: Sequence[StartifactError]) -> StartifactError:
    """Return one error that says what all of *errors* say."""
    if len(errors) == 1:
        return errors[0]
    hints = dict.fromkeys(error.hint for error in errors if error.hint)
    one = StartifactError("\n".join(map(str, errors)), hint=". ".join(hints) or None)
    one.exit_code = worst_exit_code(error.exit_code for error in errors)
    return one


def in_yaml(error: StartifactError) -> StartifactError:
    """Return *error* with its hint in the words of a workflow instead of the command line's."""
    hint = error.hint or ""
    hint = _REPAIR.sub(r"this action with command: repair, version: \1 and keep: \2", hint)
    hint = hint.replace("startifact verify --read-data", "command: verify with read-data: true")
    hint = hint.replace("startifact verify", "command: verify")
    if isinstance(error, ConflictError) and not error.removed and hint:
        hint += ", or set if-exists: keep to use what is there"
    error.hint = hint or None
    return error


def safe_filename(artifact: Artifact) -> str:
    """Return the saved file name, or nothing when there is none or it is more than a name."""
    try:
        return check_filename(artifact.filename or "")
    except InputError:
        return ""
