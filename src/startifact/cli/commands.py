"""What each command does: from arguments to a result, without printing anything."""

import logging
from collections.abc import Sequence

from startifact.cli.arguments import Arguments
from startifact.cli.setup import SetupInputs, SetupResult, set_up_organisation
from startifact.commands import (
    PROJECT_INPUTS,
    DownloadResult,
    ProjectResult,
    SessionInputs,
    inputs_from,
    path_of,
    run,
    session_of,
)
from startifact.concurrency.progress import ProgressCallback
from startifact.errors import InputError
from startifact.limits import Limits
from startifact.model.keys import LATEST
from startifact.model.metadata import parse_metadata_lines
from startifact.options import COMMANDS
from startifact.settings import Settings
from startifact.text import quoted, with_regions

logger = logging.getLogger(__name__)


def execute(
    arguments: Arguments, progress: ProgressCallback | None, limits: Limits
) -> ProjectResult | SetupResult:
    """Do what *arguments* say, and return what came of it.

    Raises:
        StartifactError: It did not succeed, and there is nothing to show.
    """
    settings = Settings.from_environment()
    values = {**arguments.values, **_read_target(arguments)}
    if arguments.command == SetupInputs.command:
        return set_up_organisation(inputs_from(SetupInputs, values), settings, limits)
    session_inputs = inputs_from(SessionInputs, values)
    if isinstance(path := values["path"], str):
        values["path"] = path_of(
            path, arguments.command, load_filename=bool(values["load_filename"])
        )
    session = session_of(session_inputs, settings, progress=progress, limits=limits)
    lines = values["metadata"]
    if isinstance(lines, Sequence):
        values["metadata"] = parse_metadata_lines(lines, source="metadata")
    result = run(inputs_from(PROJECT_INPUTS[arguments.command], values), session)
    if isinstance(result, DownloadResult):
        for name, error in result.artifact.downloader.failures().items():
            logger.warning("%s", with_regions([name], error.message))
    return result


def _read_target(arguments: Arguments) -> dict[str, str | None]:
    """Return the project that is named, and the version or selector that belongs to it.

    Raises:
        InputError: The version is missing that the command needs.
    """
    shape, target = COMMANDS[arguments.command].target, arguments.target
    if "@" not in shape:
        return {"project": target} if shape else {}
    project, at, version = target.partition("@")
    if at:
        return {"project": project, "version": version}
    if "[" not in shape:
        raise InputError(
            f"{quoted(target)} names no version",
            hint=f"Write {shape}, for example SugarWater@1.0.9000",
        )
    return {"project": project, "version": LATEST if "SELECTOR" in shape else None}
