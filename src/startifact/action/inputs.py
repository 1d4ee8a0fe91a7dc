"""What a workflow wrote under ``with:``, read once and checked.

This is the only module that reads ``INPUT_*`` variables.
"""

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self, TypeVar

from startifact.action import checks
from startifact.definitions import OptionDefinition, WayIn
from startifact.errors import InputError
from startifact.model.keys import LATEST, check_project
from startifact.model.versions import parse_selector, parse_version
from startifact.options import commands_of, listed, options_of
from startifact.problems import Problems
from startifact.staging.outcomes import IfExists
from startifact.text import quoted

T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)


class Command(StrEnum):
    """What the step does."""

    STAGE = "stage"
    DOWNLOAD = "download"
    INFO = "info"
    VERSIONS = "versions"
    VERIFY = "verify"
    REPAIR = "repair"


INPUTS: Mapping[str, OptionDefinition] = {o.name: o for o in options_of(WayIn.ACTION)}
"""Every input, as they are in action.yml."""

_SELECTING = frozenset({Command.DOWNLOAD, Command.INFO})

_OF_THE_RUNNER = frozenset({"entrypoint", "args"})
"""What every container action takes, and the runner itself uses."""

_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The inputs of one step. All that can be checked without files and network is checked."""

    command: Command
    project: str
    version: str
    """For staging an exact version without a leading ``v``, for downloading and looking up a
    selector; for the other commands an exact version, or nothing for the whole project.
    """

    path: Path | None
    """The file to stage or to download to; ``None`` for commands that have none."""

    metadata: Mapping[str, str]
    save_filename: bool
    load_filename: bool
    regions: tuple[str, ...] | None
    configuration_parameter: str | None
    required_regions: str
    if_exists: IfExists
    dry_run: bool
    read_data: bool
    keep: str | None
    role_to_assume: str | None
    aws_region: str | None
    audience: str
    role_session_name: str
    role_duration: int
    provenance: bool
    summary: bool

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Return the inputs in *environ*, by default the process's own.

        Raises:
            InputError: They are not valid; every problem is told, with the input's name.

        """
        reader = _Reader(os.environ if environ is None else environ)
        command = reader.choice("command", Command)
        regions = reader.checked("regions", checks.check_regions)
        inputs = {
            "project": reader.checked("project", check_project),
            "version": reader.checked("version", lambda text: _version(text, command)),
            "path": _path(reader, command),
            "metadata": reader.checked("metadata", checks.read_metadata, trim=False),
            "save_filename": reader.flag("save-filename"),
            "load_filename": reader.flag("load-filename"),
            "regions": regions,
            "configuration_parameter": reader.checked(
                "configuration-parameter", checks.check_parameter
            ),
            "required_regions": reader.checked(
                "required-regions", lambda text: checks.check_required(text, regions)
            ),
            "if_exists": reader.choice("if-exists", IfExists),
            "dry_run": reader.flag("dry-run"),
            "read_data": reader.flag("read-data"),
            "keep": reader.checked("keep", checks.check_keep),
            **_role(reader),
            "provenance": reader.flag("provenance"),
            "summary": reader.flag("summary"),
        }
        reader.refuse_unknown()
        if command is not None:
            reader.refuse_unused(command)
        reader.refuse_unneeded()
        reader.problems.raise_if_any()
        return cls(command=command, **inputs)  # type: ignore[arg-type]  # None was a problem


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

    def flag(self, name: str) -> bool:
        """Return the input as a boolean, spelled as YAML 1.2 spells them."""
        text = self.text(name)
        if text not in _TRUE | _FALSE:
            self.problems.add(name, text, "true, True, TRUE, false, False or FALSE")
        return text in _TRUE

    def choice(self, name: str, kind: type[Choice]) -> Choice | None:
        """Return the input as a member of *kind*, or ``None`` when it is none."""
        text = self.text(name)
        if text in list(kind):
            return kind(text)
        allowed = listed(list(kind), "or")
        if text:
            self.problems.add(name, text, allowed)
        else:
            self.problems.say(f"{name} is missing, expected {allowed}")
        return None

    def checked(self, name: str, check: Callable[[str], T], *, trim: bool = True) -> T | None:
        """Return what *check* makes of the input, or ``None`` when it refuses it."""
        text = self.text(name) if trim else _raw(self._environ, name)
        try:
            return check(text)
        except InputError as e:
            self.problems.absorb(e)
            return None

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

    def refuse_unused(self, command: Command) -> None:
        """Tell of inputs that are set and that *command* would ignore."""
        for name, option in INPUTS.items():
            if not option.used_by(command) and self.is_set(name):
                users = [c for c in commands_of(WayIn.ACTION) if option.used_by(c)]
                self.problems.say(
                    f"{name} is set, but the command {command} does not use it",
                    hint=f"Leave {name} out, or use it with {listed(users, 'or')}",
                )

    def refuse_unneeded(self) -> None:
        """Tell of inputs that are set and mean nothing without another one, which is not."""
        for name, option in INPUTS.items():
            if option.needs and self.is_set(name) and not self.is_set(option.needs):
                self.problems.say(
                    f"{name} is set, but {option.needs} is not",
                    hint=f"Leave {name} out, or set {option.needs} too",
                )


def _raw(environ: Mapping[str, str], name: str) -> str:
    # The runner replaces spaces alone, and keeps dashes.
    return environ.get(f"INPUT_{name.replace(' ', '_').upper()}", "")


def _role(reader: _Reader) -> dict[str, object]:
    """Return the inputs about the role to take on."""
    return {
        "role_to_assume": reader.checked("role-to-assume", checks.check_role),
        "aws_region": reader.checked("aws-region", checks.check_aws_region),
        "audience": reader.checked("audience", checks.check_audience),
        "role_session_name": reader.checked("role-session-name", checks.check_session_name),
        "role_duration": reader.checked("role-duration", checks.check_seconds),
    }


def _version(text: str, command: Command | None) -> str:
    if command is None:
        return text
    if command in _SELECTING:
        parse_selector(text or LATEST)
        return text or LATEST
    if text:
        return str(parse_version(text))
    if command is Command.STAGE:
        raise InputError(
            f"version is missing, the command {command} needs one",
            hint="Give an exact version, for example 1.0.9000",
        )
    return ""


def _path(reader: _Reader, command: Command | None) -> Path | None:
    text = reader.text("path")
    if text:
        return Path(text)
    if command in INPUTS["path"].required_by:
        reader.problems.say(
            f"path is missing, the command {command} needs one",
            hint="Name a file; a relative path starts at the workspace",
        )
    return None
