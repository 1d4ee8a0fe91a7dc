"""Doing what a command's inputs say, in the session that they ask for."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from pathlib import Path
from typing import assert_never

from startifact.commands.inputs import (
    DownloadInputs,
    InfoInputs,
    ProjectInputs,
    RepairInputs,
    SessionInputs,
    StageInputs,
    VerifyInputs,
    VersionsInputs,
    parameter_of,
)
from startifact.commands.results import (
    DownloadResult,
    InfoResult,
    ProjectResult,
    RepairResult,
    StageResult,
    VerifyResult,
    VersionsResult,
    safe_filename,
)
from startifact.concurrency.progress import ProgressCallback
from startifact.limits import DEFAULT_LIMITS, Limits
from startifact.options import OPTIONS
from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.regions.aws.web_identity import WebIdentity
from startifact.session import Session
from startifact.settings import Settings

Writing = Callable[[Path], AbstractContextManager[object]]
"""Makes what surrounds the writing of one file."""


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
    loader = ConfigurationLoader(parameter_of(inputs, settings), identity=identity, limits=limits)
    return Session(
        **given, configuration_loader=loader, progress=progress, settings=settings, limits=limits
    )


def run(inputs: ProjectInputs, session: Session, writing: Writing = nullcontext) -> ProjectResult:
    """Do what *inputs* say; a file that is downloaded is written inside of *writing*.

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
            )
            return StageResult(staging=staging, regions=session.regions)
        case DownloadInputs():
            return _download(inputs, session, writing)
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


def _download(inputs: DownloadInputs, session: Session, writing: Writing) -> DownloadResult:
    artifact = session.get(inputs.project, inputs.version)
    target = inputs.path
    if inputs.load_filename and (name := safe_filename(artifact)):
        target = inputs.path / name
    with writing(target):
        path = artifact.downloader.download(inputs.path, load_filename=inputs.load_filename)
    return DownloadResult(artifact=artifact, path=path, regions=session.regions)
