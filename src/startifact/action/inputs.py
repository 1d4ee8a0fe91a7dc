"""What a workflow wrote under ``with:``, read once and checked.

This is the only module that reads ``INPUT_*`` variables.
"""

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

from startifact.action import checks
from startifact.commands.inputs import (
    COMMAND_INPUTS,
    STANDARD_STREAM,
    CommandInputs,
    CopyInputs,
    DownloadInputs,
    LockInputs,
    SessionInputs,
    StageInputs,
    inputs_from,
    loads_filename,
)
from startifact.definitions import OptionDefinition, ValueKind, WayIn
from startifact.errors import InputError
from startifact.lazy_dataclasses import dataclass
from startifact.model.digest import parse_sha256
from startifact.model.durations import parse_duration
from startifact.model.keys import LATEST, check_project
from startifact.model.links import parse_expires
from startifact.model.metadata import parse_metadata
from startifact.model.points_in_time import parse_since
from startifact.model.roles import check_role
from startifact.model.selectors import check_channel, parse_selector
from startifact.model.sizes import parse_size
from startifact.model.versions import parse_version
from startifact.options import COMMANDS, commands_of, listed, options_of
from startifact.problems import Problems
from startifact.text import quoted

INPUTS: Mapping[str, OptionDefinition] = {o.name: o for o in options_of(WayIn.ACTION)}
"""Every input, as they are in action.yml."""

_REPORTED_BY_THEIR_CHECK = frozenset({"command", "project", "version", "path"})
"""Inputs whose own check says what to write where they are missing."""

_OF_THE_RUNNER = frozenset({"entrypoint", "args"})
"""What every container action takes, and the runner itself uses."""

_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInputs:
    """The inputs of one step. All that can be checked without files and network is checked."""

    command: CommandInputs
    session: SessionInputs
    role_to_assume: str | None
    aws_region: str | None
    audience: str
    role_session_name: str
    role_duration: int
    provenance: bool
    summary: bool

    @property
    def path(self) -> Path | None:
        """The file to download to; ``None`` for commands that do not download."""
        return self.command.path if isinstance(self.command, DownloadInputs) else None

    def with_path(self, path: Path) -> Self:
        """Return the same with another *path*, where there is one."""
        if isinstance(self.command, DownloadInputs):
            return replace(self, command=replace(self.command, path=path))
        return self

    @property
    def staged(self) -> tuple[str, ...]:
        """The paths and patterns to stage; none for commands that do not stage."""
        return tuple(self.command.path) if isinstance(self.command, StageInputs) else ()

    def with_staged(self, paths: tuple[str, ...]) -> Self:
        """Return the same with other *paths* to stage, where there are some."""
        if isinstance(self.command, StageInputs):
            return replace(self, command=replace(self.command, path=paths))
        return self

    @property
    def lock_file(self) -> Path | None:
        """The lock file to download by, or to write; ``None`` where there is none."""
        if isinstance(self.command, LockInputs):
            return Path(self.command.path)
        if not isinstance(self.command, DownloadInputs) or self.command.lock_file is None:
            return None
        return Path(self.command.lock_file)

    def with_lock_file(self, path: Path) -> Self:
        """Return the same with another lock file, where there is one."""
        if self.lock_file is not None and isinstance(self.command, DownloadInputs | LockInputs):
            return replace(self, command=replace(self.command, lock_file=str(path)))
        return self

    @property
    def to(self) -> tuple[str, ...]:
        """The regions to copy to; none for commands that do not copy."""
        return tuple(self.command.to) if isinstance(self.command, CopyInputs) else ()

    def with_to(self, regions: tuple[str, ...]) -> Self:
        """Return the same with other *regions* to copy to, where there are some."""
        if isinstance(self.command, CopyInputs):
            return replace(self, command=replace(self.command, to=regions))
        return self

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Return the inputs in *environ*, by default the process's own.

        Raises:
            InputError: They are not valid; every problem is reported, with the input's name.

        """
        reader = _Reader(os.environ if environ is None else environ)
        values = _read(reader)
        command = values["command"]
        reader.refuse_unknown()
        if command == DownloadInputs.command:
            values["load_filename"] = reader.loads_filename(values)
        if command is not None:
            reader.refuse_unused(command)
            reader.refuse_missing(command)
        reader.refuse_unneeded()
        reader.problems.raise_if_any()
        own: dict[str, Any] = {field.name: values.get(field.name) for field in fields(cls)}
        own["command"] = inputs_from(COMMAND_INPUTS[command], values)
        own["session"] = inputs_from(SessionInputs, values)
        return cls(**own)


def _read(reader: "_Reader") -> dict[str, Any]:
    """Return what each input says; ``None`` where that was a problem."""
    values: dict[str, Any] = {}
    of_command: Mapping[str, Callable[[str], object]] = {
        "project": lambda text: _project(text, values["command"]),
        "version": lambda text: _version(text, values["command"]),
        "path": lambda text: _path(text, values["command"]),
        "to": lambda text: checks.check_to(text, values["command"]),
        "range": lambda text: checks.check_range(text, values["command"]),
        "required-regions": lambda text: checks.check_required(text, _written(values)),
    }
    for option in INPUTS.values():
        check = of_command.get(option.name) or _CHECKS.get(option.name)
        values[option.identifier] = reader.value(option, check)
    return values


def _written(values: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the regions that the command may write to, where the step names them."""
    regions: tuple[str, ...] | None = values["regions"]
    if values["command"] == CopyInputs.command:
        regions = values["to"]
    return regions


_CHECKS: Mapping[str, Callable[[str], object]] = {
    "channel": checks.check_optional(check_channel),
    "since": checks.check_optional(partial(parse_since, now=datetime.now(UTC), name="since")),
    "where": partial(parse_metadata, source="where"),
    "limit": partial(checks.check_count, name="limit"),
    "keep-versions": partial(checks.check_count, name="keep-versions"),
    "keep-prereleases": partial(checks.check_number, name="keep-prereleases"),
    "older-than": checks.check_optional(partial(parse_duration, name="older-than")),
    "grace": checks.check_optional(partial(parse_duration, name="grace")),
    "max-members": partial(checks.check_count, name="max-members"),
    "max-extracted-size": checks.check_optional(partial(parse_size, name="max-extracted-size")),
    "max-ratio": partial(checks.check_count, name="max-ratio"),
    "expires": checks.check_optional(parse_expires),
    "min-age": checks.check_optional(partial(parse_duration, name="min-age")),
    "expect": checks.check_optional(parse_selector),
    "to-role": checks.check_optional(partial(check_role, name="to-role")),
    "to-configuration-parameter": partial(
        checks.check_parameter, name="to-configuration-parameter"
    ),
    "entries": checks.read_entries,
    "remove": checks.check_optional(check_channel),
    "metadata": checks.read_metadata,
    "sha256": checks.check_optional(parse_sha256),
    "regions": checks.check_regions,
    "configuration-parameter": checks.check_parameter,
    "keep": checks.check_keep,
    "role-to-assume": checks.check_optional(partial(check_role, name="role-to-assume")),
    "aws-region": checks.check_aws_region,
    "audience": checks.check_audience,
    "role-session-name": checks.check_session_name,
    "role-duration": checks.check_seconds,
}
"""What single inputs may say, where that is more than their kind."""


def valid_by_itself(environ: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Return project and version as far as they are valid, even where other inputs are not.

    Each is empty where it is not, and the version where it is a selector or the command has none.
    """
    values = _read(_Reader(os.environ if environ is None else environ))
    project, command = values["project"] or "", values["command"]
    if command is not None and not INPUTS["version"].used_by(command):
        return project, ""
    return project, exact(values["version"])


def exact(selector: str | None) -> str:
    """Return *selector* where it is a version: what another one picks is not known."""
    try:
        return str(parse_version(selector))
    except InputError:
        return ""


def wants_summary(environ: Mapping[str, str] | None = None) -> bool:
    """Say whether a summary is wanted, even where other inputs are not valid."""
    env = os.environ if environ is None else environ
    return _raw(env, "summary").strip() not in _FALSE


class _Reader:
    """Reads inputs one by one, and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.problems = Problems("the input of this step")
        self._environ = environ

    def text(self, name: str) -> str:
        """Return the input without white space around it, or its default when it is blank."""
        return _raw(self._environ, name).strip() or INPUTS[name].default

    def value(self, option: OptionDefinition, check: Callable[[str], object] | None) -> object:
        """Return what the input says by its kind and *check*, or ``None`` when that is nothing."""
        match option.kind:
            case ValueKind.FLAG:
                return self._flag(option.name)
            case ValueKind.CHOICE:
                return self._choice(option)
            case ValueKind.METADATA:
                # White space at the beginning of a line means something in a mapping.
                return self._checked(_raw(self._environ, option.name), check)
            case (
                ValueKind.TEXT
                | ValueKind.TEXTS  # no input is one
                | ValueKind.PATH
                | ValueKind.LIST
                | ValueKind.SECONDS
                | ValueKind.COUNT
                | ValueKind.NUMBER
            ):
                return self._checked(self.text(option.name), check)

    def _flag(self, name: str) -> bool:
        """Return the input as a boolean, spelled as YAML 1.2 spells them."""
        text = self.text(name)
        if text not in _TRUE | _FALSE:
            self.problems.add(name, text, "true, True, TRUE, false, False or FALSE")
        return text in _TRUE

    def _choice(self, option: OptionDefinition) -> str | None:
        """Return the input when it is one of the values there are."""
        text, allowed = self.text(option.name), listed(option.values, "or")
        if text in option.values:
            return text
        if not text and not option.required_by:
            return None
        if text:
            self.problems.add(option.name, text, allowed)
        else:
            self.problems.say(f"{option.name} is missing, expected {allowed}")
        return None

    def _checked(self, text: str, check: Callable[[str], object] | None) -> object:
        """Return what *check* makes of *text*, or ``None`` when it refuses it."""
        try:
            return check(text) if check else text or None
        except InputError as e:
            self.problems.absorb(e)
            return None

    def loads_filename(self, values: Mapping[str, Any]) -> bool:
        """Say whether the saved file name is used, also where that follows from the path."""
        try:
            return loads_filename(
                self.text("path"),
                load_filename=values["load_filename"],
                extract=values["extract"],
            )
        except InputError as e:
            self.problems.absorb(e)
            return False

    def is_set(self, name: str) -> bool:
        """Say whether the input says anything but its default."""
        text, default = self.text(name), INPUTS[name].default
        return text != default and not any({text, default} <= same for same in (_TRUE, _FALSE))

    def refuse_unknown(self) -> None:
        """Tell of inputs that there are not: the runner hands them over with a mere warning."""
        for variable, value in self._environ.items():
            name = variable.removeprefix("INPUT_").lower()
            if not variable.startswith("INPUT_") or not value.strip():
                continue
            if name not in INPUTS and name not in _OF_THE_RUNNER:
                like = difflib.get_close_matches(name.replace("_", "-"), INPUTS, 1)
                self.problems.say(
                    f"{quoted(name)} is not an input{f', did you mean {like[0]}?' if like else ''}",
                    hint="Correct it under with:, where names have dashes, or leave it out; a "
                    "variable of the job that begins with INPUT_ counts as one",
                )

    def refuse_unused(self, command: str) -> None:
        """Tell of inputs that are set and that *command* would ignore."""
        for name, option in INPUTS.items():
            if not option.used_by(command) and self.is_set(name):
                users = [c for c in commands_of(WayIn.ACTION) if option.used_by(c)]
                self.problems.say(
                    f"{name} is set, but the command {command} does not use it",
                    hint=f"Leave {name} out, or use it with {listed(users, 'or')}",
                )

    def refuse_missing(self, command: str) -> None:
        """Tell of inputs that *command* needs and that are not there."""
        for name, option in INPUTS.items():
            needed = command in option.required_by and name not in _REPORTED_BY_THEIR_CHECK
            if needed and not self.text(name):
                self.problems.say(f"{name} is missing, the command {command} needs one")

    def refuse_unneeded(self) -> None:
        """Tell of inputs that are set and mean nothing without another one, which is not."""
        for name, option in INPUTS.items():
            if option.needs and self.is_set(name) and not self.is_set(option.needs):
                self.problems.say(
                    f"{name} is set, but {option.needs} is not",
                    hint=f"Leave {name} out, or set {option.needs} too",
                )


def _raw(environ: Mapping[str, str], name: str) -> str:
    # The runner replaces only spaces, and keeps dashes.
    return environ.get(f"INPUT_{name.replace(' ', '_').upper()}", "")


def _project(text: str, command: str | None) -> str | None:
    if not text and command is not None and command not in INPUTS["project"].required_by:
        return None
    return check_project(text)


def _version(text: str, command: str | None) -> str | None:
    if command is None:
        return text
    if not text and command in INPUTS["version"].required_by:
        raise InputError(
            f"version is missing, the command {command} needs one",
            hint="Give an exact version, for example 1.0.9000",
        )
    if "SELECTOR" in COMMANDS[command].target:
        parse_selector(text or LATEST)
        return text or LATEST
    return str(parse_version(text)) if text else None


def _path(text: str, command: str | None) -> Path | tuple[str, ...] | None:
    if command == StageInputs.command and (paths := checks.read_paths(text)):
        return paths
    if (not text or command == StageInputs.command) and command in INPUTS["path"].required_by:
        raise InputError(
            f"path is missing, the command {command} needs one",
            hint="Name a file; a relative path starts at the workspace",
        )
    if not text:
        return None
    if text == STANDARD_STREAM and command == DownloadInputs.command:
        raise InputError(
            "path is -, which is standard output, and that of a step is its log",
            hint="Name a file, which later steps can read; one of that name is ./-",
        )
    if len(text.splitlines()) > 1 and command == DownloadInputs.command:
        raise InputError(
            f"path has several lines, and the command {command} takes one path",
            hint="Name one file or directory; several lines are what stage takes",
        )
    return Path(text)
