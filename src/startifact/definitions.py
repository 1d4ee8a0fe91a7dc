"""What the table of `startifact.options` says of each command, option and output."""

from collections.abc import Mapping
from enum import StrEnum
from keyword import iskeyword
from typing import NamedTuple


class WayIn(StrEnum):
    """How a user reaches Startifact."""

    PYTHON = "python"
    SHELL = "shell"
    ACTION = "action"


class ValueKind(StrEnum):
    """What the value of an option is."""

    TEXT = "text"
    FLAG = "flag"
    CHOICE = "choice"
    PATH = "path"
    LIST = "list"
    """Several texts, separated by commas, spaces or newlines."""

    TEXTS = "texts"
    """Several texts, each given by itself."""

    METADATA = "metadata"
    """``KEY=VALUE``: in a shell one, given several times; in a workflow lines or a mapping."""

    SECONDS = "seconds"

    COUNT = "count"
    """A whole number from 1 on."""

    NUMBER = "number"
    """A whole number from 0 on."""


class CommandDefinition(NamedTuple):
    """One command."""

    name: str
    help: str
    """One sentence."""

    target: str = ""
    """What stands behind the command in a shell: one of `TARGETS`, or nothing."""

    details: str = ""
    """More sentences, for ``--help``."""

    ways_in: tuple[WayIn, ...] = tuple(WayIn)
    takes_several: bool = False
    """Whether any number of targets may stand there, also none."""

    choices: tuple[str, ...] = ()
    """All that may stand there, where that is known."""

    examples: tuple[str, ...] = ()
    """Command lines, as somebody may write them, for ``--help``."""

    @property
    def may_lack_target(self) -> bool:
        """Whether it may be about nothing in particular."""
        return self.takes_several or self.target.startswith("[")

    @property
    def usage(self) -> str:
        """How its target is written."""
        if not self.takes_several:
            return self.target
        optional = self.target if self.target.startswith("[") else f"[{self.target}]"
        return f"{optional}..."


class OptionDefinition(NamedTuple):
    """One option: of a command line, an input of the action, an argument in Python."""

    name: str
    help: str
    kind: ValueKind = ValueKind.TEXT
    default: str = ""
    """As a workflow writes it; empty where there is none."""

    values: tuple[str, ...] = ()
    """Of a choice, all there are."""

    commands: tuple[str, ...] = ()
    """The commands that use it; empty for all."""

    ways_in: tuple[WayIn, ...] = tuple(WayIn)
    required_by: tuple[str, ...] = ()
    """The commands that cannot do without it."""

    needs: str = ""
    """Another option, without which this one means nothing."""

    letter: str = ""
    """What a shell may write for it, behind one dash."""

    metavar: str = ""
    """What stands for its value in ``--help``."""

    metavar_by_command: Mapping[str, str] = {}
    """For commands for which something else stands there."""

    positional_in: tuple[str, ...] = ()
    """The commands that a shell gives it to without its name."""

    several_in: tuple[str, ...] = ()
    """The commands that may be given several: a shell as arguments, a workflow as lines."""

    ignored_by: tuple[str, ...] = ()
    """Commands that take it in a shell, and do the same with and without it."""

    help_in_shell: str = ""
    help_in_reusable: str = ""
    """For the reusable workflows, to which the caller's variables and directories do not come."""

    help_by_command: Mapping[str, str] = {}
    """For a shell, and for the reusable workflow that runs that one command."""

    name_in_python: str = ""
    """Where it is not that of the option, with underscores."""

    name_in_shell: str = ""
    """Where it is not that of the option: another command has one of that name."""

    @property
    def identifier(self) -> str:
        """The name as programs write it."""
        name = self.name.replace("-", "_")
        return f"{name}_" if iskeyword(name) else name

    @property
    def argument(self) -> str:
        """The name of the argument in Python."""
        return self.name_in_python or self.identifier

    @property
    def spellings(self) -> tuple[str, ...]:
        """How a shell may write it; of one that is positional everywhere, that is nothing."""
        if self.positional_in and set(self.positional_in) == set(self.commands):
            return ()
        return (
            *([f"-{self.letter}"] if self.letter else []),
            f"--{self.name_in_shell or self.name}",
        )

    def used_by(self, command: str) -> bool:
        """Say whether *command* does something with it."""
        return not self.commands or command in self.commands

    def is_positional_in(self, command: str) -> bool:
        """Say whether a shell gives it to *command* without its name."""
        return command in self.positional_in

    def metavar_of(self, command: str) -> str:
        """Return what stands for its value in the help of *command*."""
        return self.metavar_by_command.get(command) or self.metavar

    def takes_several_in(self, command: str) -> bool:
        """Say whether *command* may be given several."""
        return command in self.several_in

    def help_of(self, command: str) -> str:
        """Return the help where it is known that *command* is run."""
        return self.help_by_command.get(command) or self.help


class OutputDefinition(NamedTuple):
    """One output of the action."""

    name: str
    help: str
    commands: tuple[str, ...] = ()
    """The commands that have it; empty for all."""

    def given_by(self, command: str) -> bool:
        """Say whether *command* has it."""
        return not self.commands or command in self.commands
