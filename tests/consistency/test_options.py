"""The table of options is what the command line, the action, Python and the documents have."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from startifact import Session
from startifact.action.inputs import StepInputs
from startifact.cli.arguments import Arguments, parse
from startifact.definitions import OptionDefinition, ValueKind, WayIn
from startifact.errors import InputError
from startifact.hints import Command, Hint, Option, in_python, in_shell, in_workflow
from startifact.model.bucket_options import LOCK_MODES, STORAGE_CLASSES
from startifact.model.quorum import ALL, MAJORITY
from startifact.options import COMMANDS, OPTIONS, TARGETS, commands_of, options_of
from startifact.permissions import OPERATIONS
from startifact.reading.download import Downloader
from startifact.staging.outcomes import IfExists, Replicate
from tests.support.runner_step import PROJECT
from tests.support.step_inputs import value_of as value_of_input

SOURCES = sorted((PROJECT / "src" / "startifact").rglob("*.py"))
SHARED_COMMANDS = [c for c in commands_of(WayIn.SHELL) if c in commands_of(WayIn.ACTION)]
SHARED = [o for o in options_of(WayIn.SHELL) if WayIn.ACTION in o.ways_in]
# Something that each of them may say where it may not say anything, and that is not its default.
VALUES = {
    "path": "dist.tar.gz",
    "deadline": "60",
    "metadata": "a=b",
    "regions": "file:here",
    "configuration-parameter": "/team/startifact",
    "required-regions": "all",
    "if-exists": "keep",
    "replicate": "direct",
    "archive": "zip",
    "keep": f"sha256:{'0' * 64}",
    "for": "stage",
    "expect": "1.0.0",
    "reason": "broken",
    "min-age": "24h",
    "expires": "30m",
    "to": "1.0.0",
    "channel": "prod",
    "remove": "prod",
    "sha256": "0" * 64,
    "range": "^1.2",
    "keep-versions": "20",
    "keep-prereleases": "5",
    "older-than": "90d",
    "grace": "3d",
    "since": "7d",
    "where": "lang=dotnet",
    "limit": "5",
    "max-members": "5",
    "max-extracted-size": "2GiB",
    "max-ratio": "5",
    "to-role": "arn:aws:iam::123456789012:role/copier",
}
# The same, of one command.
VALUES_OF = {("to", "copy"): "file:there"}


def value_of(option: OptionDefinition, command: str = "") -> str:
    if option.kind is ValueKind.FLAG:
        return "true"
    return VALUES_OF.get((option.name, command)) or VALUES.get(option.name, "x")


def in_a_shell(command: str, *words: str) -> Arguments:
    """Return what the command line makes of *words* after a command that is complete."""
    shape = COMMANDS[command].target
    targets = {"": [], "PROJECT": ["P"], "[PROJECT]": ["P"], "SHELL": ["bash"]}
    target = targets.get(shape, ["P@1.0.0"])
    needed = [
        value_of(o) if o.is_positional_in(command) else f"--{o.name}={value_of(o, command)}"
        for o in needed_by(command)
    ]
    named = [word.removeprefix("--").split("=")[0] for word in words if word.startswith("--")]
    with_them = [f"--{name}" for name in needed_with(named)]
    return parse([command, *target, *needed, *with_them, *words])


def needed_with(names: Iterable[str]) -> list[str]:
    """Return the flags without which one of the options *names* means nothing."""
    options = [OPTIONS[name.replace("_", "-")] for name in names]
    needed = {option.needs for option in options if option.needs}
    return [name for name in needed if OPTIONS[name].kind is ValueKind.FLAG]


def needed_by(command: str) -> list[OptionDefinition]:
    """Return what *command* cannot do without, but for the project and the version."""
    return [o for o in options_of(WayIn.SHELL) if command in o.required_by]


def in_a_workflow(command: str, **inputs: str) -> StepInputs:
    """Return what the action makes of *inputs* beside those that *command* cannot do without."""
    given = {"command": command}
    given |= {"project": "P"} if OPTIONS["project"].used_by(command) else {}
    given |= {"version": "1.0.0"} if OPTIONS["version"].used_by(command) else {}
    given |= {option.name: value_of(option, command) for option in needed_by(command)}
    given |= dict.fromkeys(needed_with(inputs), "true")
    given |= {name.replace("_", "-"): text for name, text in inputs.items()}
    return StepInputs.from_environment(
        {f"INPUT_{name.upper()}": text for name, text in given.items()}
    )


@pytest.mark.parametrize("command", SHARED_COMMANDS)
@pytest.mark.parametrize("option", SHARED, ids=lambda option: option.name)
def test_same_commands(option: OptionDefinition, command: str) -> None:
    """An option that a shell and a workflow have is taken by the same commands in both."""
    words = (
        [f"--{option.name}"]
        if option.kind is ValueKind.FLAG
        else [f"--{option.name}={value_of(option, command)}"]
    )
    if option.is_positional_in(command):
        assert option.metavar in usage(command)
    elif option.used_by(command) or command in option.ignored_by:
        assert option.spellings
        in_a_shell(command, *words)
    else:
        with pytest.raises(InputError, match="unrecognized arguments"):
            in_a_shell(command, *words)
    if option.used_by(command):
        in_a_workflow(command, **{option.name: value_of(option, command)})
    else:
        with pytest.raises(InputError, match=f"{option.name} is set, but the command {command}"):
            in_a_workflow(command, **{option.name: value_of(option, command)})


def usage(command: str) -> str:
    """Return how a command is written, as it says itself."""
    with pytest.raises(InputError) as caught:
        parse([command])
    return caught.value.message


@pytest.mark.parametrize("option", SHARED, ids=lambda option: option.name)
def test_same_default(option: OptionDefinition) -> None:
    """An option that nobody sets means the same in a shell and in a workflow."""
    assert set(option.positional_in) <= set(option.required_by)
    commands = [c for c in option.commands or ["stage"] if c not in option.required_by]
    if not commands:
        return  # nobody can leave it out
    command = commands[0]

    arguments = in_a_shell(command)
    own: object = getattr(arguments, option.identifier, None)  # of the command line itself
    in_a_shell_ = arguments.values.get(option.identifier, own)
    in_an_action = value_of_input(in_a_workflow(command), option.name)

    assert (in_a_shell_ or None) == (in_an_action or None)
    assert str(in_an_action or "").lower() in {option.default, ""}


@pytest.mark.parametrize("option", SHARED, ids=lambda option: option.name)
def test_same_values(option: OptionDefinition) -> None:
    """A choice has the same values in a shell and in a workflow, and no other is taken."""
    command = option.commands[0] if option.commands else "stage"
    assert bool(option.values) == (option.kind is ValueKind.CHOICE)

    for text in option.values:
        in_a_shell(command, f"--{option.name}", text)
        in_a_workflow(command, **{option.name: text})
    if option.values:
        with pytest.raises(InputError):
            in_a_shell(command, f"--{option.name}", "other")
        with pytest.raises(InputError):
            in_a_workflow(command, **{option.name: "other"})


def test_values_of_the_code() -> None:
    """What the table repeats of the code is what the code has."""
    assert OPTIONS["if-exists"].values == tuple(IfExists)
    assert OPTIONS["if-exists"].default == IfExists.FAIL
    assert OPTIONS["replicate"].values == tuple(Replicate)
    assert OPTIONS["replicate"].default == Replicate.AUTO
    assert OPTIONS["for"].values == tuple(OPERATIONS)
    assert OPTIONS["storage-class"].values == STORAGE_CLASSES
    assert OPTIONS["object-lock-mode"].values == LOCK_MODES
    assert OPTIONS["required-regions"].default == MAJORITY
    assert OPTIONS["required-regions"].metavar == f"{{{MAJORITY},{ALL},N}}"


@pytest.mark.parametrize("command", commands_of(WayIn.PYTHON))
def test_python(command: str) -> None:
    """Each command is a method of Session, and each option an argument on the way to it."""
    functions: list[Callable[..., object]] = [Session.__init__, Downloader.download]
    functions += [Downloader.extract] if command == "download" else []
    functions += [Session.get] if command in {"download", "info"} else [getattr(Session, command)]
    functions += [Session.remove_channel] if command == "channels" else []
    functions += [Session.list_versions] if command == "versions" else []
    arguments = {name for function in functions for name in inspect.signature(function).parameters}

    for option in options_of(WayIn.PYTHON, command):
        name = "selector" if option.name == "version" and "selector" in arguments else None
        assert (name or option.argument) in arguments, option.name


def test_names() -> None:
    """What the table says of one command, option or target is there."""
    for option in OPTIONS.values():
        named = {*option.commands, *option.required_by, *option.ignored_by, *option.help_by_command}
        assert named <= set(COMMANDS), option.name
        assert not option.needs or option.needs in OPTIONS
        assert not set(option.ignored_by) & set(option.commands)
        assert option.help.endswith(".")
        if WayIn.SHELL in option.ways_in and option.kind not in {ValueKind.FLAG, ValueKind.CHOICE}:
            assert option.metavar, option.name
    for command in COMMANDS.values():
        assert not command.target or command.target in TARGETS
        assert command.help.endswith(".")
    letters = [option.letter for option in OPTIONS.values() if option.letter]
    assert len(letters) == len(set(letters))


def named_in(path: Path) -> Iterator[tuple[str, str]]:
    """Return the kind and the name of each option and command that hints in a file name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "startifact.hints"
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            kind = imported.get(node.func.id)
            if kind in {"Option", "Command"}:
                (first, *_) = node.args
                assert isinstance(first, ast.Constant), f"{path}:{node.lineno}"
                yield kind, str(first.value)


def test_names_in_hints() -> None:
    """Each option and command that a hint names is in the table, and can be put in all words."""
    named = {found for path in SOURCES for found in named_in(path)}

    assert {("Option", "if-exists"), ("Command", "repair")} <= named
    assert {name for kind, name in named if kind == "Option"} <= set(OPTIONS)
    assert {name for kind, name in named if kind == "Command"} <= set(COMMANDS)
    for kind, name in named:
        part = Option(name) if kind == "Option" else Command(name)
        assert all(Hint.of(part).text(words) for words in (in_python, in_shell, in_workflow))


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_in_hints(command: str) -> None:
    """A command that a way in does not have is put there as a shell has it."""
    ways_in = COMMANDS[command].ways_in

    assert (in_python(Command(command)) == in_shell(Command(command))) == (
        WayIn.PYTHON not in ways_in
    )
    assert (in_workflow(Command(command)) == in_shell(Command(command))) == (
        WayIn.ACTION not in ways_in
    )


def test_what_is_generated() -> None:
    """Every file that comes from the table is up to date."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.generate", "--check"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
