"""What a workflow wrote under ``with:``, read once and checked.

This is the only module that reads ``INPUT_*`` variables.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Self, TypeVar

from startifact.configuration import DEFAULT_PARAMETER, is_parameter_name
from startifact.errors import InputError, Problems, shown
from startifact.metadata_text import parse_metadata
from startifact.names import LATEST, check_project
from startifact.outcomes import IfExists
from startifact.quorum import MAJORITY, required_to_stage
from startifact.record import check_pairs
from startifact.regions.spelling import MAX_REGIONS, parse_spellings, split_list
from startifact.versions import parse_selector, parse_version

T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)


class Command(StrEnum):
    """What the step does."""

    STAGE = "stage"
    DOWNLOAD = "download"
    INFO = "info"


DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "command": "",
        "project": "",
        "version": "",
        "path": "",
        "metadata": "",
        "save-filename": "false",
        "load-filename": "false",
        "regions": "",
        "configuration-parameter": "",
        "required-regions": MAJORITY,
        "if-exists": IfExists.FAIL.value,
        "dry-run": "false",
        "summary": "true",
    }
)
"""Every input and its default, as they are in action.yml."""

_USED_BY: Mapping[str, frozenset[Command]] = {
    "path": frozenset({Command.STAGE, Command.DOWNLOAD}),
    "metadata": frozenset({Command.STAGE}),
    "save-filename": frozenset({Command.STAGE}),
    "load-filename": frozenset({Command.DOWNLOAD}),
    "required-regions": frozenset({Command.STAGE}),
    "if-exists": frozenset({Command.STAGE}),
    "dry-run": frozenset({Command.STAGE}),
}

_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The inputs of one step. All that can be checked without files and network is checked."""

    command: Command
    project: str
    version: str
    """For staging an exact version without a leading ``v``, otherwise a selector."""

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
    summary: bool

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Return the inputs in *environ*, by default the process's own.

        Raises:
            InputError: They are not valid; every problem is told, with the input's name.

        """
        reader = _Reader(os.environ if environ is None else environ)
        command = reader.choice("command", Command)
        regions = reader.checked("regions", _regions)
        required = reader.checked("required-regions", lambda t: _required(t, regions)) or MAJORITY
        inputs = {
            "project": reader.checked("project", check_project) or "",
            "version": reader.checked("version", lambda text: _version(text, command)) or "",
            "path": _path(reader, command),
            "metadata": reader.checked("metadata", _metadata, trim=False) or {},
            "save_filename": reader.flag("save-filename"),
            "load_filename": reader.flag("load-filename"),
            "regions": regions,
            "configuration_parameter": reader.checked("configuration-parameter", _parameter),
            "required_regions": required,
            "if_exists": reader.choice("if-exists", IfExists),
            "dry_run": reader.flag("dry-run"),
            "summary": reader.flag("summary"),
        }
        if command is not None:
            reader.refuse_unused(command)
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
        return _raw(self._environ, name).strip() or DEFAULTS[name]

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
        *others, last = list(kind)
        allowed = f"{', '.join(others)} or {last}"
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

    def refuse_unused(self, command: Command) -> None:
        """Tell of inputs that are set and that *command* would ignore."""
        for name, commands in _USED_BY.items():
            text = self.text(name)
            same = text == DEFAULTS[name] or (DEFAULTS[name] in _FALSE and text in _FALSE)
            if command not in commands and not same:
                self.problems.say(
                    f"{name} is set, but the command {command} does not use it",
                    hint=f"Leave {name} out, or use it with {' or '.join(sorted(commands))}",
                )


def _raw(environ: Mapping[str, str], name: str) -> str:
    # The runner replaces spaces alone, and keeps dashes.
    return environ.get(f"INPUT_{name.replace(' ', '_').upper()}", "")


def _regions(text: str) -> tuple[str, ...] | None:
    if not text:
        return None
    texts = split_list(text)
    parse_spellings(texts, source="regions")
    return tuple(texts)


def _required(text: str, regions: tuple[str, ...] | None) -> str:
    required_to_stage(text, MAX_REGIONS if regions is None else len(regions))
    return text


def _version(text: str, command: Command | None) -> str:
    if command is None:
        return text
    if command is not Command.STAGE:
        parse_selector(text or LATEST)
        return text or LATEST
    if not text:
        raise InputError(
            f"version is missing, the command {command} needs one",
            hint="Give an exact version, for example 1.0.9000",
        )
    return str(parse_version(text))


def _path(reader: _Reader, command: Command | None) -> Path | None:
    text = reader.text("path")
    if text:
        return Path(text)
    if command in _USED_BY["path"]:
        reader.problems.say(
            f"path is missing, the command {command} needs one",
            hint="Name a file; a relative path starts at the workspace",
        )
    return None


def _metadata(text: str) -> Mapping[str, str]:
    return check_pairs(parse_metadata(text))


def _parameter(text: str) -> str | None:
    if not text or is_parameter_name(text):
        return text or None
    raise InputError(
        f"configuration-parameter {shown(text)} is not the name of an SSM parameter",
        hint=f"Leave it out for {DEFAULT_PARAMETER}",
    )
