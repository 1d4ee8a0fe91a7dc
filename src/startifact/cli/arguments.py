"""What can be written on the command line. Building the parser imports nothing that is slow.

Options may stand before or after the command: those before it are read as if they stood right
behind it. Where an option is given twice the last one counts, but for those that add up.
"""

import argparse
import contextlib
import re
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NoReturn

from startifact.cli.legacy import translated
from startifact.definitions import CommandDefinition, OptionDefinition, ValueKind, WayIn
from startifact.errors import InputError
from startifact.hints import join
from startifact.lazy_dataclasses import dataclass
from startifact.options import COMMANDS, TARGETS, commands_of, listed, options_of
from startifact.text import (
    SECONDS,
    count_of,
    nearest,
    no_number,
    number_of,
    perhaps,
    quoted,
    seconds_of,
)
from startifact.version import __version__

_DESCRIPTION = (
    "Stage build artifacts as semantic versions in your own AWS account, and get exactly those "
    "bytes back. Options may stand before or after the command."
)

_EXIT_CODES = """\
exit codes:
    0  done
    1  a bug in Startifact
    2  bad input or configuration
    3  not found
    4  staged with other content
    5  too few regions, or not known now
    6  access denied, or no credentials
    7  bytes or regions disagree
    8  found by verify, lock or doctor
    9  trouble with a local file
   10  the service refuses for good
  130  interrupted
  143  terminated
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """One command line, read."""

    command: str

    targets: tuple[str, ...]
    """Projects, each with the version or selector after an ``@``: one, but where a command takes
    several or none."""

    values: Mapping[str, object]
    """What each option of the command line says, by its name with underscores."""

    deadline: float | None
    json: bool
    verbose: bool
    quiet: bool
    traceback: bool


def parse(argv: Sequence[str]) -> Arguments:
    """Return what *argv* says.

    Raises:
        InputError: It is not a command line of ours.
        SystemExit: It asks for help or the version, which have been printed; nothing at all asks
            for help.
    """
    before, command, after = _split(argv)
    if command not in commands_of(WayIn.SHELL):
        if (line := translated(argv)) is not None:
            raise InputError(
                "this is a command line of the first Startifact: the command stands first now",
                hint=f"Write: {line}",
            )
        with _suggesting(before, command):
            parser_of_all().parse_args(argv or ["--help"])
        raise AssertionError("a command that there is not has been taken")  # pragma: no cover
    values: dict[str, Any] = {
        option.identifier: _default(option) for option in options_of(WayIn.SHELL)
    }
    given = _read(COMMANDS[command], [*before, *after])
    _refuse_unneeded(given, command)
    values |= given
    own = {name: values.pop(name) for name in ("deadline", "json", "verbose", "quiet", "traceback")}
    if own["verbose"] and own["quiet"]:
        raise InputError("--verbose and --quiet contradict each other", hint="Leave one out")
    written = values.pop("targets", ())
    targets = (written,) if isinstance(written, str) else tuple(written)
    return Arguments(command=command, targets=targets, values=MappingProxyType(values), **own)


def _read(command: CommandDefinition, words: Sequence[str]) -> dict[str, Any]:
    """Return what *words* give to *command*.

    Raises:
        InputError: They are not understood.
        SystemExit: They ask for help or the version.
    """
    parser = _parser_of(command)
    try:
        given, unknown = parser.parse_known_args(words)
        if unknown:  # as are paths behind options that other paths are before
            given, unknown = parser.parse_known_intermixed_args(words)
    except InputError as e:  # such as a path that is missing, as well as an option misspelt
        meant = _meant_by_strange(words, command) or _path_meant(words, command)
        e.next_step = join([meant, e.next_step])
        raise
    if unknown:
        suggestion = _meant_by(unknown[0].partition("=")[0], words, command)
        suggestion = suggestion or _path_meant(unknown, command)
        parser.error(f"unrecognized arguments: {' '.join(unknown)}", suggestion)
    return vars(given)


def _meant_by(name: str, words: Sequence[str], command: CommandDefinition) -> str:
    """Return what may be meant by the option *name* of *words*, which *command* does not take."""
    options = {n: o for o in options_of(WayIn.SHELL) for n in o.spellings}
    if name in options:
        for_ = f"{name} is for {listed(options[name].commands, 'and')}"
        return _part_meant(name, words) or for_
    return _perhaps(name, [n for o in _taken_by(command) for n in o.spellings])


def _meant_by_strange(words: Sequence[str], command: CommandDefinition) -> str:
    """Return what may be meant by the first option of *words* that *command* does not take."""
    taken = {n for o in _taken_by(command) for n in o.spellings} | {"--help", "--version"}
    written = (word.partition("=")[0] for word in words)
    strange = (name for name in written if name.startswith("--") and name not in {*taken, "--"})
    return next((_meant_by(name, words, command) for name in strange), "")


def _path_meant(words: Sequence[str], command: CommandDefinition) -> str:
    """Return how to write the path among *words* that was taken for an option; empty for none."""
    taken = _taken_by(command)
    shorts = tuple(n for option in taken for n in option.spellings if not n.startswith("--"))
    for word in words if any(option.name == "path" for option in taken) else ():
        may_be = word.startswith("-") and not word.startswith(("--", *shorts))
        if may_be and re.search(r"[/.]", word):
            return f"A path that begins with a dash is written ./{word}"
    return ""


def _part_meant(option: str, words: Sequence[str]) -> str:
    """Return how to name what a command does with *option*, to those that take it by a name."""
    from startifact.permissions import advice_on  # only where something is wrong

    return next(filter(None, (advice_on(f"{word} {option}") for word in words)), "")


@contextlib.contextmanager
def _suggesting(before: Sequence[str], command: str) -> Iterator[None]:
    """Add to an error about the command what may have been meant by it, or by what is *before*."""
    try:
        yield
    except InputError as e:
        spellings = [name for option in options_of(WayIn.SHELL) for name in option.spellings]
        names = [word.partition("=")[0] for word in before if word.startswith("-")]
        strange = next((name for name in names if name not in spellings), "")
        # A value behind a misspelt option has been taken for the command.
        suggestion = _perhaps(strange, spellings) if strange else ""
        suggestion = suggestion or _perhaps(command, commands_of(WayIn.SHELL))
        e.next_step = join([suggestion, e.next_step])
        raise


def _perhaps(given: str, known: Iterable[str]) -> str:
    """Return what of *known* may be meant by *given*, as a hint; empty where nothing is near."""
    return perhaps(nearest(given, known))


def _refuse_unneeded(given: Mapping[str, object], command: str) -> None:
    """Raise where one of *given* means nothing without another of *command*, which is not given."""
    shell = {option.name: option for option in options_of(WayIn.SHELL)}
    for name, option in shell.items():
        needed = shell.get(option.needs)
        if needed is None or not needed.used_by(command):
            continue
        if option.identifier in given and needed.identifier not in given:
            raise InputError(
                f"--{name} is given, but --{needed.name} is not",
                hint=f"Leave out --{name}, or give --{needed.name} too",
            )


def _default(option: OptionDefinition) -> object:
    match option.kind:
        case ValueKind.FLAG:
            return option.default == "true"
        case ValueKind.METADATA | ValueKind.TEXTS:
            return ()
        case (
            ValueKind.TEXT
            | ValueKind.CHOICE
            | ValueKind.PATH
            | ValueKind.LIST
            | ValueKind.SECONDS
            | ValueKind.COUNT
            | ValueKind.NUMBER
        ):
            return option.default or None


def _split(argv: Sequence[str]) -> tuple[list[str], str, list[str]]:
    """Return what stands before the command, the command, and what stands after it."""
    takes_value = {
        text: option.kind is not ValueKind.FLAG
        for option in options_of(WayIn.SHELL)
        for text in option.spellings
    }
    words = iter(enumerate(argv))
    for index, word in words:
        if not word.startswith("-") or word == "-":
            return list(argv[:index]), word, list(argv[index + 1 :])
        # Of several letters behind one dash, only the last one may have its value in the next word.
        letters = [] if word.startswith("--") else [f"-{letter}" for letter in word[1:]]
        *others, last = letters or [word]
        if takes_value.get(last) and not any(map(takes_value.get, others)):
            next(words, None)
    return list(argv), "", []


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are Startifact's, reported like all others."""

    def error(self, message: str, suggestion: str = "") -> NoReturn:
        """Raise what is wrong with the command line, and what may have been meant."""
        help_ = f"{self.prog} --help shows what can be written"
        raise InputError(message, hint=join([suggestion, help_]))


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Help whose lines break only at blanks: never within a name that somebody may copy."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=24 if _columns() >= 60 else 8)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False)


def _columns() -> int:
    return max(20, shutil.get_terminal_size().columns)


def _filled(text: str) -> str:
    return textwrap.fill(text, _columns() - 2, break_on_hyphens=False)


def parser_of_all(*, whole: bool = False) -> argparse.ArgumentParser:
    """Return the parser of a command line without a command that there is.

    With *whole* each command has its arguments too, for what completes command lines.
    """
    parser = _Parser(
        prog="startifact",
        usage="startifact [OPTIONS] COMMAND ...",
        description=_filled(_DESCRIPTION),
        epilog=_EXIT_CODES,
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True
    )
    for name in commands_of(WayIn.SHELL):
        one = commands.add_parser(name, help=COMMANDS[name].help, add_help=False)
        if whole:
            _add_arguments(one, COMMANDS[name])
    _add_options(parser, [o for o in options_of(WayIn.SHELL) if not o.commands], "")
    return parser


def _taken_by(command: CommandDefinition) -> list[OptionDefinition]:
    """Return the options that *command* takes in a shell, with and without effect."""
    return [
        option
        for option in options_of(WayIn.SHELL)
        if option.used_by(command.name) or command.name in option.ignored_by
    ]


def _parser_of(command: CommandDefinition) -> _Parser:
    needed = [
        _needed(option, command.name)
        for option in _taken_by(command)
        if command.name in option.required_by
    ]
    parser = _Parser(
        prog=f"startifact {command.name}",
        usage=" ".join(
            filter(None, ["startifact", command.name, "[OPTIONS]", command.usage, *needed])
        ),
        description=_filled(f"{command.help} {command.details}"),
        epilog="\n  ".join(["examples:", *command.examples]),
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
        add_help=False,
        # What nobody wrote has the default of the table.
        argument_default=argparse.SUPPRESS,
    )
    _add_arguments(parser, command)
    return parser


def _add_arguments(parser: _Parser, command: CommandDefinition) -> None:
    taken = _taken_by(command)
    if command.target:
        positional = parser.add_argument_group("arguments")
        positional.add_argument(
            "targets",
            nargs="*" if command.takes_several else "?" if command.may_lack_target else 1,
            metavar=command.target,
            choices=command.choices or None,
            help=TARGETS[command.target],
        )
        for option in (o for o in taken if o.is_positional_in(command.name)):
            _add(positional, option, command.name)
    named = [o for o in taken if not o.is_positional_in(command.name)]
    _add_options(parser, named, command.name)


def _add_options(parser: _Parser, options: Sequence[OptionDefinition], command: str) -> None:
    """Add *options* in two groups: those of *command*, and those of all commands."""
    if own := [o for o in options if o.commands or command in o.required_by]:
        group = parser.add_argument_group("options")
        for option in own:
            _add(group, option, command)
    group = parser.add_argument_group("options of every command")
    for option in (o for o in options if o not in own):
        _add(group, option, command)
    group.add_argument("-h", "--help", action="help", help="Show this help.")
    group.add_argument(
        "--version",
        action="version",
        version=f"startifact {__version__}",
        help="Show the version of Startifact.",
    )


def _add(group: "argparse._ArgumentGroup", option: OptionDefinition, command: str) -> None:
    help_ = option.help_in_shell or option.help_of(command)
    if option.default and option.kind is not ValueKind.FLAG:
        help_ += f" Default: {option.default}."
    if command in option.ignored_by:
        help_ = argparse.SUPPRESS
    help_ = help_.replace("%", "%%")
    metavar = option.metavar_of(command)
    if option.is_positional_in(command):
        count = "+" if option.takes_several_in(command) else None
        group.add_argument(option.identifier, nargs=count, metavar=metavar, help=help_)
        return
    names, required = option.spellings, command in option.required_by
    named: dict[str, Any] = {"dest": option.identifier}
    match option.kind:
        case ValueKind.FLAG:
            group.add_argument(*names, action="store_true", help=help_, **named)
        case ValueKind.CHOICE:
            choices = metavar or f"{{{','.join(option.values)}}}"
            group.add_argument(*names, choices=option.values, metavar=choices, help=help_, **named)
        case ValueKind.METADATA | ValueKind.TEXTS:
            group.add_argument(*names, action="append", metavar=metavar, help=help_, **named)
        case ValueKind.SECONDS:
            group.add_argument(*names, type=_seconds, metavar=metavar, help=help_, **named)
        case ValueKind.COUNT | ValueKind.NUMBER:
            least = 1 if option.kind is ValueKind.COUNT else 0
            type_ = partial(_number, option.name, least)
            group.add_argument(*names, type=type_, metavar=metavar, help=help_, **named)
        case ValueKind.TEXT | ValueKind.LIST | ValueKind.PATH:
            group.add_argument(*names, metavar=metavar, required=required, help=help_, **named)


def _needed(option: OptionDefinition, command: str) -> str:
    metavar = option.metavar_of(command)
    if option.is_positional_in(command):
        return f"{metavar}..." if option.takes_several_in(command) else metavar
    return f"--{option.name} {metavar}"


def _number(name: str, least: int, text: str) -> int:
    number = count_of(text) if least else number_of(text)
    if number is None:
        # An InputError passes through argparse as it is: a workflow and Python say the same.
        raise InputError(no_number(name, text, least=least))
    return number


def _seconds(text: str) -> float:
    seconds = seconds_of(text)
    if seconds is None:
        raise argparse.ArgumentTypeError(f"got {quoted(text)}, expected {SECONDS}")
    return seconds
