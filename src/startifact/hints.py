"""What to do next after an error, in parts that each way in puts in its own words.

An error knows which option to set or which command to run. A shell writes ``--if-exists keep`` for
what is ``if_exists="keep"`` in Python and ``if-exists: keep`` in a workflow.
"""

import shlex
from collections.abc import Callable, Iterable
from typing import Self

from startifact.definitions import ValueKind, WayIn
from startifact.lazy_dataclasses import dataclass
from startifact.options import COMMANDS, OPTIONS


@dataclass(frozen=True, slots=True)
class Option:
    """An option to set, by its name in `startifact.options`."""

    name: str
    value: str | None = None
    """What to set it to: ``true`` for a flag; ``None`` to name only the option."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command to run, by its name in `startifact.options`."""

    name: str
    target: str = ""
    """``PROJECT`` or ``PROJECT@VERSION``; empty to name only the command."""

    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class ByWayIn:
    """Text that a workflow has in other words than a program and a shell; either may be empty."""

    workflow: str
    elsewhere: str = ""


Worded = Option | Command | ByWayIn
Part = str | Worded
Words = Callable[[Worded], str]
"""How one way in writes an option or a command, or what it has in words of its own."""


@dataclass(frozen=True, slots=True)
class Hint:
    """A sentence without a full stop; ``str`` gives it in the words of Python."""

    parts: tuple[Part, ...]

    @classmethod
    def of(cls, *parts: Part) -> Self:
        """Return the hint that consists of *parts*, one after the other."""
        return cls(parts)

    def text(self, words: Words) -> str:
        """Return the hint, its options and commands written as *words* has them."""
        text = "".join(part if isinstance(part, str) else words(part) for part in self.parts)
        # A command may begin the sentence, and is written in words only in a workflow.
        return f"T{text[1:]}" if text.startswith("the ") else text

    def __str__(self) -> str:
        return self.text(in_python)


def join(hints: Iterable[Hint | str | None], separator: str = ". ") -> Hint | None:
    """Return one hint with each of *hints* once, in their order; ``None`` when there is none."""
    parts: list[Part] = []
    for unique in dict.fromkeys(as_hint(hint) for hint in hints if hint):
        if unique is not None:
            parts += [separator, *unique.parts] if parts else unique.parts
    return Hint(tuple(parts)) if parts else None


def as_hint(hint: Hint | str | None) -> Hint | None:
    """Return *hint* as a `Hint`; ``None`` for empty text."""
    if isinstance(hint, str):
        return Hint((hint,)) if hint else None
    return hint


def in_python(part: Worded) -> str:
    """Return *part* as a program writes it."""
    if isinstance(part, ByWayIn):
        return part.elsewhere
    if isinstance(part, Option):
        name = OPTIONS[part.name].argument
        if part.value is None:
            return name
        return f"{name}={part.value.title() if part.value in _FLAGS else repr(part.value)}"
    if WayIn.PYTHON not in COMMANDS[part.name].ways_in:
        return in_shell(part)
    project, _, version = part.target.partition("@")
    arguments = [repr(text) for text in (project, version) if text]
    arguments += [in_python(option) for option in part.options]
    return f"Session.{part.name}({', '.join(arguments)})"


def in_shell(part: Worded) -> str:
    """Return *part* as the command line writes it."""
    if isinstance(part, ByWayIn):
        return part.elsewhere
    if isinstance(part, Option):
        bare = part.value is None or OPTIONS[part.name].kind is ValueKind.FLAG
        # A value may have what a shell would read as something else, and so may a range.
        return f"--{part.name}" if bare else f"--{part.name} {shlex.quote(part.value or '')}"
    target = shlex.quote(part.target) if part.target else ""
    words = ["startifact", part.name, target, *map(in_shell, part.options)]
    return " ".join(word for word in words if word)


def in_workflow(part: Worded) -> str:
    """Return *part* as a step of a workflow writes it under ``with:``."""
    if isinstance(part, ByWayIn):
        return part.workflow
    if isinstance(part, Option):
        return part.name if part.value is None else f"{part.name}: {part.value}"
    if WayIn.ACTION not in COMMANDS[part.name].ways_in:
        return in_shell(part)
    inputs = _inputs_for(part)
    *others, last = ["", *map(in_workflow, (*inputs, *part.options))]
    if not last:
        return f"the command {part.name}"
    if not any(others):
        return f"the command {part.name} with {last}"
    return f"this action with command: {part.name}{', '.join(others)} and {last}"


def _inputs_for(command: Command) -> list[Option]:
    """Return the inputs that say what *command* is about, but for the project of a step."""
    if COMMANDS[command.name].takes_several:
        return [Option("entries", command.target)] if command.target else []
    version = command.target.partition("@")[2]
    return [Option("version", version)] if version else []


_FLAGS = frozenset({"true", "false"})
