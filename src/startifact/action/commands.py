"""Running the command of a step."""

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from startifact.action.credentials import identity_of, settings_of
from startifact.action.inputs import INPUTS, StepInputs
from startifact.action.ownership import given_to_owner_of
from startifact.action.paths import (
    check_sandbox_paths,
    check_written_path,
    directories_of,
    directories_to_copy_to,
)
from startifact.action.runner import Runner
from startifact.action.workflow import mask
from startifact.commands.copying import run_copy
from startifact.commands.inputs import CommandInputs, CopyInputs, LockInputs, StageInputs
from startifact.commands.link import LinkResult
from startifact.commands.results import ProjectResult
from startifact.commands.running import run, session_of
from startifact.commands.suggestions import suggesting
from startifact.concurrency.progress import ProgressCallback
from startifact.limits import DEFAULT_LIMITS, Limits
from startifact.model.keys import LATEST, artifact_key, channel_key
from startifact.model.links import secrets_of
from startifact.reading.artifact import Artifact
from startifact.settings import Settings


def execute(
    inputs: StepInputs,
    settings: Settings,
    runner: Runner,
    until_end: ExitStack,
    progress: ProgressCallback | None = None,
    *,
    on_found: Callable[[Artifact], object] = lambda _: None,
    limits: Limits = DEFAULT_LIMITS,
) -> ProjectResult:
    """Do what *inputs* say, and return what was done.

    *on_found* is called with an artifact that is known before something may fail. What has to be
    waited for once all is printed is closed with *until_end*.

    Raises:
        StartifactError: It did not succeed, and there is nothing to show.

    """
    settings = settings_of(inputs, settings)
    command = inputs.command
    directories, copied_to = directories_of(inputs, settings), directories_to_copy_to(inputs)
    check_sandbox_paths(inputs, [*directories, *copied_to], runner)
    identity = identity_of(inputs, settings, runner)
    roots = [spec.path for spec in (copied_to if isinstance(command, CopyInputs) else directories)]

    def owned(*paths: Path) -> AbstractContextManager[None]:
        return given_to_owner_of(runner.workspace, paths)

    def writing(path: Path) -> AbstractContextManager[None]:
        check_written_path(path, runner)
        # Of a link, what it leads to is written.
        return owned(path, Path(os.path.realpath(path)))

    with owned(*_written_by(command, roots)):
        if isinstance(command, CopyInputs):
            return run_copy(
                command,
                inputs.session,
                settings,
                identity=identity,
                progress=progress,
                limits=limits,
            )
        session = until_end.enter_context(
            session_of(
                inputs.session, settings, identity=identity, progress=progress, limits=limits
            )
        )
        with suggesting(command, session):
            result = run(command, session, writing=writing, on_found=on_found)
    if isinstance(result, LinkResult):  # before anything is written that may have it in it
        mask(*secrets_of(result.link.url))
    return result


def _written_by(inputs: CommandInputs, roots: Iterable[Path]) -> list[Path]:
    """Return what the command may write in the directories *roots*, as far as that is known."""
    if isinstance(inputs, StageInputs):
        artifact = artifact_key(inputs.project, inputs.version)
        channel = channel_key(inputs.project, LATEST)
        return [p for root in roots for p in (root / artifact, (root / channel).parent)]
    if isinstance(inputs, LockInputs):
        # Of a link, what it leads to is written.
        return [Path(inputs.path), Path(os.path.realpath(inputs.path))]
    # What writes can be a dry run. Which versions a repair fills is known only afterwards.
    return list(roots) if INPUTS["dry-run"].used_by(inputs.command) else []
