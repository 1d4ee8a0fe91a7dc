"""Running a command about a project: from its inputs to its result, without printing anything."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from pathlib import Path
from typing import assert_never

from startifact.commands.doctor import DoctorResult
from startifact.commands.inputs import (
    ChannelsInputs,
    DoctorInputs,
    DownloadInputs,
    InfoInputs,
    LinkInputs,
    LockInputs,
    ProjectInputs,
    ProjectListInputs,
    PromoteInputs,
    PruneInputs,
    RepairInputs,
    RollbackInputs,
    SessionInputs,
    StageInputs,
    UnyankInputs,
    VerifyInputs,
    VersionsInputs,
    YankInputs,
)
from startifact.commands.link import LinkResult, run_link
from startifact.commands.lock import run_lock
from startifact.commands.results import (
    ChannelsResult,
    DownloadResult,
    InfoResult,
    ProjectListResult,
    ProjectResult,
    PromotionResult,
    PruneResult,
    RepairResult,
    StageResult,
    VerifyResult,
    VersionsResult,
    YankResult,
    safe_filename,
)
from startifact.concurrency.progress import ProgressCallback
from startifact.errors import InputError
from startifact.hints import Hint, Option
from startifact.limits import DEFAULT_LIMITS, Limits
from startifact.options import OPTIONS
from startifact.reading.artifact import Artifact
from startifact.reading.version_entries import VersionEntry
from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.regions.aws.web_identity import WebIdentity
from startifact.retention.plan import Pruning
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

    *on_found* is called with the artifact before it is downloaded, or a channel is moved to it,
    which may fail.

    Raises:
        StartifactError: It did not succeed, and there is nothing to show.
    """
    match inputs:
        case StageInputs():
            staging = session.stage(
                inputs.project,
                inputs.version,
                inputs.path,
                archive=inputs.archive,
                include_hidden=inputs.include_hidden,
                metadata=inputs.metadata,
                save_filename=inputs.save_filename,
                if_exists=inputs.if_exists,
                replicate=inputs.replicate,
            )
            return StageResult(staging=staging, regions=session.regions)
        case DownloadInputs():
            return _download(inputs, session, writing, on_found)
        case InfoInputs() | LinkInputs():
            return _show(inputs, session, on_found)
        case VersionsInputs() | ProjectListInputs():
            return _list(inputs, session)
        case PromoteInputs() | RollbackInputs():
            return _promote(inputs, session, on_found)
        case ChannelsInputs():
            return _channels(inputs, session)
        case YankInputs() | UnyankInputs() | PruneInputs():
            return _take_out_of_use(inputs, session)
        case LockInputs():
            return run_lock(inputs, session)
        case VerifyInputs() | RepairInputs() | DoctorInputs():
            return _examine(inputs, session)
        case _:
            assert_never(inputs)


def _show(
    inputs: InfoInputs | LinkInputs, session: Session, on_found: Callable[[Artifact], object]
) -> InfoResult | LinkResult:
    if isinstance(inputs, LinkInputs):
        return run_link(inputs, session, on_found)
    artifact = session._get(inputs.project, inputs.version, min_age=inputs.min_age)
    return InfoResult(artifact=artifact, regions=session.regions)


def _list(
    inputs: VersionsInputs | ProjectListInputs, session: Session
) -> VersionsResult | ProjectListResult:
    if isinstance(inputs, ProjectListInputs):
        return ProjectListResult(projects=tuple(session.projects()))
    entries = tuple(entries_of(inputs, session))
    return VersionsResult(project=inputs.project, entries=entries, long=inputs.long)


def entries_of(inputs: VersionsInputs, session: Session) -> Iterator[VersionEntry]:
    """Yield what *inputs* ask for as soon as it is known.

    Raises:
        StartifactError: It is not all.
    """
    return session.list_versions(
        inputs.project,
        version_range=inputs.range,
        channel=inputs.channel,
        since=inputs.since,
        where=inputs.where,
        limit=inputs.limit,
        long=inputs.long,
    )


def _promote(
    inputs: PromoteInputs | RollbackInputs,
    session: Session,
    on_found: Callable[[Artifact], object],
) -> PromotionResult:
    if isinstance(inputs, PromoteInputs):
        promotion = session.promote(
            inputs.project,
            inputs.version,
            inputs.channel,
            min_age=inputs.min_age,
            expect=inputs.expect,
            expect_none=inputs.expect_none,
            allow_yanked=inputs.allow_yanked,
            on_found=on_found,
        )
    else:
        promotion = session.rollback(
            inputs.project, inputs.channel, to=inputs.to, allow_yanked=inputs.allow_yanked
        )
    return PromotionResult(inputs=inputs, promotion=promotion)


def _take_out_of_use(
    inputs: YankInputs | UnyankInputs | PruneInputs, session: Session
) -> YankResult | PruneResult:
    if isinstance(inputs, PruneInputs):
        return PruneResult(pruning=_prune(inputs, session))
    if isinstance(inputs, YankInputs):
        done = session.yank(inputs.project, inputs.version, inputs.reason)
    else:
        done = session.unyank(inputs.project, inputs.version)
    return YankResult(yanking=done)


def _prune(inputs: PruneInputs, session: Session) -> Pruning:
    return session.prune(
        inputs.project,
        keep_versions=inputs.keep_versions,
        keep_prereleases=inputs.keep_prereleases,
        older_than=inputs.older_than,
        version_range=inputs.range,
        grace=inputs.grace,
        yes=inputs.yes,
    )


def _channels(inputs: ChannelsInputs, session: Session) -> PromotionResult | ChannelsResult:
    if inputs.remove is not None:
        if inputs.history:
            raise InputError(
                "the moves of channels are asked for, and a channel is to be taken away",
                hint=Hint.of("Leave out ", Option("history"), " or ", Option("remove")),
            )
        removal = session.remove_channel(inputs.project, inputs.remove, expect=inputs.expect)
        return PromotionResult(inputs=inputs, promotion=removal)
    for option, is_given, what in (
        (Option("expect"), inputs.expect is not None, "what a channel points at is expected"),
        (Option("dry-run"), session.read_only, "a dry run is asked for"),
    ):
        if is_given:
            raise InputError(
                f"{what}, and no channel is to be taken away",
                hint=Hint.of("Name the channel with ", Option("remove"), ", or leave out ", option),
            )
    channels = tuple(session.channels(inputs.project))
    return ChannelsResult(project=inputs.project, channels=channels, history=inputs.history)


def _examine(
    inputs: VerifyInputs | RepairInputs | DoctorInputs, session: Session
) -> VerifyResult | RepairResult | DoctorResult:
    if isinstance(inputs, DoctorInputs):
        diagnosis = session.doctor(inputs.project, operation=inputs.for_, channel=inputs.channel)
        return DoctorResult(diagnosis=diagnosis)
    if isinstance(inputs, VerifyInputs):
        found = session.verify(inputs.project, inputs.version, read_data=inputs.read_data)
        return VerifyResult(inputs=inputs, verification=found, regions=session.regions)
    done = session.repair(
        inputs.project, inputs.version, keep=inputs.keep, read_data=inputs.read_data
    )
    return RepairResult(inputs=inputs, repair=done)


def find_to_download(inputs: DownloadInputs, session: Session) -> Artifact:
    """Return the artifact that *inputs* ask for.

    Raises:
        StartifactError: There is none, or it is not what a lock file or a digest says.
    """
    return session._get(
        inputs.project,
        inputs.version,
        min_age=inputs.min_age,
        lock_file=inputs.lock_file,
        sha256=inputs.sha256,
    )


def _download(
    inputs: DownloadInputs,
    session: Session,
    writing: Writing,
    on_found: Callable[[Artifact], object],
) -> DownloadResult:
    artifact = find_to_download(inputs, session)
    on_found(artifact)
    if inputs.extract:
        return _extract(inputs, artifact, session, writing)
    target = inputs.path
    if inputs.load_filename and (name := safe_filename(artifact)):
        target = inputs.path / name
    with writing(target):
        path = artifact.downloader.download(inputs.path, load_filename=inputs.load_filename)
    return DownloadResult(artifact=artifact, path=path, regions=session.regions)


def _extract(
    inputs: DownloadInputs, artifact: Artifact, session: Session, writing: Writing
) -> DownloadResult:
    with writing(inputs.path):
        done = artifact.downloader._extract(
            inputs.path,
            overwrite=inputs.overwrite,
            max_members=inputs.max_members,
            max_bytes=inputs.max_extracted_size,
            max_ratio=inputs.max_ratio,
        )
    return DownloadResult(
        artifact=artifact, path=done.path, regions=session.regions, extraction=done
    )
