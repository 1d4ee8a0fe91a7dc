"""Doing what the step was told to do."""

from dataclasses import dataclass
from pathlib import Path

from startifact.action.inputs import Command, Inputs
from startifact.action.ownership import given_to_owner_of
from startifact.action.paths import check_places, directories_of
from startifact.artifact import Artifact
from startifact.errors import InputError
from startifact.names import LATEST, artifact_key, channel_key, check_filename
from startifact.outcomes import Staging
from startifact.progress import ProgressCallback
from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.session import Session
from startifact.settings import Runner, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the step did."""

    command: Command
    artifact: Artifact
    staging: Staging | None = None
    path: Path | None = None
    """Where the artifact was downloaded to."""


def carry_out(
    inputs: Inputs, settings: Settings, runner: Runner, progress: ProgressCallback | None = None
) -> Result:
    """Do what *inputs* say, and return what was done.

    Raises:
        StartifactError: It did not succeed.

    """
    directories = directories_of(inputs, settings)
    check_places(inputs, directories, runner)
    session = Session(
        regions=inputs.regions,
        read_only=inputs.dry_run,
        required_regions=inputs.required_regions,
        configuration_loader=ConfigurationLoader(
            inputs.configuration_parameter or settings.parameter
        ),
        progress=progress,
        settings=settings,
    )
    if inputs.command is Command.STAGE:
        roots = [directory.path for directory in directories]
        return _stage(inputs, session, roots, runner)
    artifact = session.get(inputs.project, inputs.version)
    if inputs.command is Command.DOWNLOAD:
        return _download(inputs, artifact, runner)
    return Result(command=inputs.command, artifact=artifact)


def _stage(inputs: Inputs, session: Session, roots: list[Path], runner: Runner) -> Result:
    assert inputs.path is not None  # noqa: S101  # Inputs has checked it
    project = inputs.project
    artifact, channel = artifact_key(project, inputs.version), channel_key(project, LATEST)
    places = [p for root in roots for p in (root / artifact, (root / channel).parent)]
    with given_to_owner_of(runner.workspace, places):
        staging = session.stage(
            project,
            inputs.version,
            inputs.path,
            metadata=inputs.metadata,
            save_filename=inputs.save_filename,
            if_exists=inputs.if_exists,
        )
    return Result(command=inputs.command, artifact=staging.artifact, staging=staging)


def _download(inputs: Inputs, artifact: Artifact, runner: Runner) -> Result:
    assert inputs.path is not None  # noqa: S101  # Inputs has checked it
    place = inputs.path
    # Not the whole folder: it may be the workspace, and that may be large.
    if inputs.load_filename and (name := safe_filename(artifact)):
        place = inputs.path / name
    with given_to_owner_of(runner.workspace, [place]):
        path = artifact.downloader.download(inputs.path, load_filename=inputs.load_filename)
    return Result(command=inputs.command, artifact=artifact, path=path)


def safe_filename(artifact: Artifact) -> str:
    """Return the saved file name, or nothing when there is none or it is more than a name."""
    try:
        return check_filename(artifact.filename or "")
    except InputError:
        return ""
