"""What each command does: from arguments to a result, without printing anything."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from startifact.cli.arguments import Arguments
from startifact.cli.bootstrap import (
    BootstrapInputs,
    BootstrapResult,
    Dialogue,
    TemplateResult,
    set_account_up,
)
from startifact.cli.entry_rendering import entry_lines
from startifact.cli.policy import PolicyInputs, PolicyResult, make_policy
from startifact.cli.setup import SetupInputs, SetupResult, set_up_organisation
from startifact.cli.standard_input import standard_input_as_file
from startifact.commands.copying import run_copy
from startifact.commands.inputs import (
    PROJECT_INPUTS,
    STANDARD_STREAM,
    CopyInputs,
    DownloadInputs,
    ProjectInputs,
    SessionInputs,
    StageInputs,
    VersionsInputs,
    inputs_from,
    loads_filename,
)
from startifact.commands.results import DownloadResult, ProjectResult, resolved_lines
from startifact.commands.running import entries_of, find_to_download, run, session_of
from startifact.commands.suggestions import suggesting
from startifact.concurrency.progress import ProgressCallback
from startifact.errors import InputError
from startifact.files.destination import path_of
from startifact.files.temporary import needs_room, sweep, temporary_folder
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.keys import LATEST
from startifact.model.metadata import parse_metadata_lines
from startifact.options import COMMANDS
from startifact.reading.artifact import Artifact
from startifact.session import Session
from startifact.settings import Settings
from startifact.text import quoted, with_regions

logger = logging.getLogger(__name__)


_TO_VERIFY = "verified in the temporary folder before it is written to standard output"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputResult:
    """What was downloaded to standard output."""

    artifact: Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedResult:
    """Everything was printed as it came."""


Result = (
    ProjectResult
    | BootstrapResult
    | TemplateResult
    | SetupResult
    | PolicyResult
    | OutputResult
    | PrintedResult
)


def execute(
    arguments: Arguments,
    progress: ProgressCallback | None,
    limits: Limits,
    until_end: ExitStack,
    *,
    write_file: Callable[[Path], None],
    write: Callable[[str], None],
    person: Dialogue,
    columns: int | None = None,
    to_terminal: bool = False,
) -> Result:
    """Do what *arguments* say, and return what came of it.

    *write_file* writes what is in a file to standard output, and *write* writes lines there;
    *person* is who runs the command. *to_terminal* says whether a terminal shows standard output,
    and *columns* how wide it is. What is waited for once all is shown, *until_end* closes.

    Raises:
        StartifactError: It did not succeed, and there is nothing to show.
    """
    to_standard_output = _is_standard_output(arguments, to_terminal=to_terminal)
    from_standard_input = _is_standard_input(arguments)
    settings = Settings.from_environment()
    values = {**arguments.values, **_read_target(arguments)}
    if arguments.command == SetupInputs.command:
        return set_up_organisation(inputs_from(SetupInputs, values), settings, limits)
    if arguments.command == BootstrapInputs.command:
        return set_account_up(inputs_from(BootstrapInputs, values), settings, limits, person)
    if arguments.command == PolicyInputs.command:
        return make_policy(inputs_from(PolicyInputs, values), settings)
    session_inputs = inputs_from(SessionInputs, values)
    _parse_values(values)
    if arguments.command == CopyInputs.command:
        copying = inputs_from(CopyInputs, values)
        return run_copy(copying, session_inputs, settings, progress=progress, limits=limits)
    session = until_end.enter_context(
        session_of(session_inputs, settings, progress=progress, limits=limits)
    )
    if from_standard_input:
        with standard_input_as_file() as file:
            return run(inputs_from(StageInputs, {**values, "path": [str(file)]}), session)
    inputs = inputs_from(PROJECT_INPUTS[arguments.command], values)
    with suggesting(inputs, session):
        if to_standard_output and isinstance(inputs, DownloadInputs):
            return _download_to(write_file, inputs, session)
        if isinstance(inputs, VersionsInputs) and not arguments.json:
            entries = entries_of(inputs, session)
            for line in entry_lines(entries, long=inputs.long, columns=columns):
                write(line)
            return PrintedResult()
        result = run(inputs, session, on_found=partial(_tell_resolved, inputs, person.tell))
    if isinstance(result, DownloadResult):
        _warn_of_failures(result.artifact)
    return result


def _parse_values(values: dict[str, object]) -> None:
    """Replace those of *values* that a command line has as text by what they mean.

    Raises:
        InputError: They mean nothing.
    """
    if isinstance(path := values["path"], str):
        values["path"] = path_of(path)
        values["load_filename"] = loads_filename(
            path, load_filename=bool(values["load_filename"]), extract=bool(values["extract"])
        )
    for name in ("metadata", "where"):
        if isinstance(lines := values[name], Sequence):
            values[name] = parse_metadata_lines(lines, source=name)


def _tell_resolved(inputs: ProjectInputs, tell: Callable[[str], None], artifact: Artifact) -> None:
    """Tell, before a channel moves, what was resolved."""
    for index, line in enumerate(resolved_lines(inputs, artifact)):
        tell(f"  {line}" if index else line)


def _download_to(
    write_file: Callable[[Path], None], inputs: DownloadInputs, session: Session
) -> OutputResult:
    """Download to a temporary file, and once it is verified write it with *write_file*."""
    sweep()
    with temporary_folder() as folder:
        artifact = find_to_download(inputs, session)
        with needs_room(why=_TO_VERIFY):
            path = artifact.downloader.download(folder / "artifact")
        _warn_of_failures(artifact)
        write_file(path)
    return OutputResult(artifact=artifact)


def _warn_of_failures(artifact: Artifact) -> None:
    for name, error in artifact.downloader.failures().items():
        logger.warning("%s", with_regions([name], error.message))


def _is_standard_output(arguments: Arguments, *, to_terminal: bool) -> bool:
    """Say whether the path is ``-``.

    Raises:
        InputError: It is, and an option contradicts it, or it is a terminal.
    """
    if arguments.command != DownloadInputs.command or arguments.values["path"] != STANDARD_STREAM:
        return False
    if arguments.json:
        reason, advice = "--json prints there too", "Name a file, or leave out --json"
    elif arguments.values["load_filename"]:
        reason = "--load-filename needs a folder"
        advice = "Leave out --load-filename, or write ./- for a folder of that name"
    elif arguments.values["extract"]:
        reason = "--extract needs a folder"
        advice = "Leave out --extract, or write ./- for a folder of that name"
    elif to_terminal:
        reason = "that is a terminal, which bytes may make unusable"
        advice = "Name a file, or pass it on, as with | less; a file of that name is ./-"
    else:
        return True
    raise InputError(f"{STANDARD_STREAM} is standard output, and {reason}", hint=advice)


def _is_standard_input(arguments: Arguments) -> bool:
    """Say whether the path is ``-``.

    Raises:
        InputError: It is, and an option or another path contradicts it.
    """
    paths = arguments.values["path"]
    if arguments.command != StageInputs.command or not isinstance(paths, Sequence):
        return False
    if STANDARD_STREAM not in paths:
        return False
    if len(paths) > 1:
        reason, advice = (
            "other paths are named beside it",
            "Name files only, or standard input only",
        )
    elif arguments.values["save_filename"]:
        reason = "--save-filename needs the name of a file"
        advice = "Leave out --save-filename, or write ./- for a file of that name"
    elif arguments.values["archive"]:
        reason, advice = "--archive needs files", "Leave out --archive, or name what to archive"
    else:
        return True
    raise InputError(f"{STANDARD_STREAM} is standard input, and {reason}", hint=advice)


def _read_target(arguments: Arguments) -> dict[str, object]:
    """Return the project that is named, and the version or selector that belongs to it.

    Where a command takes several, return all that is named.

    Raises:
        InputError: The version is missing that the command needs.
    """
    definition = COMMANDS[arguments.command]
    shape = definition.target
    if definition.takes_several:
        return {"entries": arguments.targets}
    if not shape:
        return {}
    if definition.may_lack_target and not arguments.targets:
        return {"project": None}
    (target,) = arguments.targets
    if "@" not in shape:
        return {"project": target}
    project, at, version = target.partition("@")
    if at:
        return {"project": project, "version": version}
    if "[" not in shape:
        raise InputError(
            f"{quoted(target)} names no version",
            hint=f"Write {shape}, for example SugarWater@1.0.9000",
        )
    return {"project": project, "version": LATEST if "SELECTOR" in shape else None}
