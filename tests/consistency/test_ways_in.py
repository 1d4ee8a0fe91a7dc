"""Python, a shell and a workflow have the same commands and options, but for what is said here."""

import inspect
from collections.abc import Callable, Mapping

import pytest

from startifact import Session
from startifact.cli import COMPLETION
from startifact.cli.arguments import parse
from startifact.cli.bootstrap import BootstrapInputs
from startifact.cli.policy import PolicyInputs
from startifact.cli.setup import SetupInputs
from startifact.commands.inputs import COMMAND_INPUTS
from startifact.definitions import OptionDefinition, WayIn
from startifact.errors import InputError
from startifact.options import COMMANDS, OPTIONS, commands_of
from tests.consistency.test_options import in_a_shell, in_a_workflow

METHODS: Mapping[str, tuple[Callable[..., object], ...]] = {
    "download": (Session.get,),
    "info": (Session.get,),
    "versions": (Session.versions, Session.versions_in_batches, Session.list_versions),
    "channels": (Session.channels, Session.remove_channel),
    "lock": (Session.lock, Session.lock_all, Session.update_lock, Session.check_lock),
}
"""The methods of commands that are called otherwise in Python, or that are several there."""

PYTHON, SHELL, ACTION = WayIn.PYTHON, WayIn.SHELL, WayIn.ACTION

COMMANDS_THAT_LACK: Mapping[str, tuple[set[WayIn], str]] = {
    "bootstrap": ({PYTHON, ACTION}, "a person runs it, once, as whoever may set an account up"),
    "setup": ({PYTHON, ACTION}, "a person runs it, once, as whoever may write the configuration"),
    "completion": ({PYTHON, ACTION}, "it is about the shell that a person types into"),
    "policy": (
        {PYTHON, ACTION},
        "a person makes roles of it before any workflow runs, and in Python it is two functions",
    ),
}
"""The commands that a way in does not have, and why."""

_ARGUMENT = "a shell has it as the argument behind the command"
_TARGET = "in Python the session to copy to has its own"
_OF_A_JOB = "it is about the job that the step is in"
_OF_A_PERSON = "it is about what a person at a terminal reads"
_SETUP = "commands of a person use it, and in Python it is an argument of the function policy"
_CONFIGURING = "only bootstrap and setup use it, which a person runs"
_POLICY = "commands of a person use it, and in Python it is an argument of one of two functions"
_BOOTSTRAP = "only bootstrap uses it, which a person runs"

OPTIONS_THAT_LACK: Mapping[str, tuple[set[WayIn], str]] = {
    "command": ({PYTHON, SHELL}, "it is the name of the method, or the first argument"),
    "project": ({SHELL}, _ARGUMENT),
    "version": ({SHELL}, _ARGUMENT),
    "entries": ({PYTHON, SHELL}, "they are the arguments of the methods, and behind the command"),
    "update": ({PYTHON}, "it is a method, update_lock"),
    "check": ({PYTHON}, "it is a method, check_lock"),
    "extract": ({PYTHON}, "it is a method, Downloader.extract"),
    "to-profile": ({PYTHON}, _TARGET),
    "to-role": ({PYTHON}, _TARGET),
    "to-configuration-parameter": ({PYTHON}, _TARGET),
    "history": ({PYTHON}, "each channel has its history as an attribute"),
    "configuration-parameter": ({PYTHON}, "it is an argument of ConfigurationLoader"),
    "bucket-name-param": ({PYTHON, ACTION}, _SETUP),
    "bucket-key-prefix": ({PYTHON, ACTION}, _SETUP),
    "parameter-name-prefix": ({PYTHON, ACTION}, _SETUP),
    **dict.fromkeys(
        (
            *("policy-project", "policy-channel", "deny-channel", "bucket", "account"),
            *("partition", "kms-key", "policy-to-role", "object-tags", "object-lock"),
            *("trust", "branch", "tag", "environment"),
        ),
        ({PYTHON, ACTION}, _POLICY),
    ),
    "name": ({PYTHON, ACTION}, _POLICY),
    **dict.fromkeys(("github", "show-template"), ({PYTHON, ACTION}, _BOOTSTRAP)),
    **dict.fromkeys(
        (
            *("bucket-owner", "storage-class", "object-tag", "object-lock-mode"),
            *("object-lock-days", "mirrored-channel", "endpoint", "use-dualstack", "use-fips"),
            *("unset", "remove-region"),
        ),
        ({PYTHON, ACTION}, _CONFIGURING),
    ),
    "role-to-assume": ({PYTHON, SHELL}, _OF_A_JOB),
    "aws-region": ({PYTHON, SHELL}, "outside of a step it is AWS_REGION"),
    "audience": ({PYTHON, SHELL}, _OF_A_JOB),
    "role-session-name": ({PYTHON, SHELL}, _OF_A_JOB),
    "role-duration": ({PYTHON, SHELL}, _OF_A_JOB),
    "provenance": ({PYTHON, SHELL}, _OF_A_JOB),
    "summary": ({PYTHON, SHELL}, _OF_A_JOB),
    "deadline": ({PYTHON}, "a program limits itself"),
    "json": ({PYTHON, ACTION}, "results are objects there, and outputs"),
    "verbose": ({PYTHON, ACTION}, _OF_A_PERSON),
    "quiet": ({PYTHON, ACTION}, _OF_A_PERSON),
    "traceback": ({PYTHON, ACTION}, "a program has it, and a step with debug logging"),
}
"""The options that a way in does not have, and why."""


def lacking(table: Mapping[str, tuple[set[WayIn], str]], name: str) -> set[WayIn]:
    """Return the ways in of which *table* says that they lack *name*, with a reason."""
    ways_in, reason = table.get(name, (set(), "nothing is missing"))
    assert reason
    return ways_in


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command: str) -> None:
    """Each way in has each command, or there is a reason why it has not."""
    assert set(WayIn) - set(COMMANDS[command].ways_in) == lacking(COMMANDS_THAT_LACK, command)


@pytest.mark.parametrize("option", OPTIONS.values(), ids=OPTIONS)
def test_options(option: OptionDefinition) -> None:
    """Each way in has each option, or there is a reason why it has not."""
    assert set(WayIn) - set(option.ways_in) == lacking(OPTIONS_THAT_LACK, option.name)


def test_reasons_are_needed() -> None:
    """No reason is left of what has gone."""
    assert set(COMMANDS_THAT_LACK) <= set(COMMANDS)
    assert set(OPTIONS_THAT_LACK) <= set(OPTIONS)
    assert set(METHODS) <= set(commands_of(PYTHON))


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_there(command: str) -> None:
    """What the table says that a way in has can be called there, and else it cannot."""
    ways_in = COMMANDS[command].ways_in
    methods = METHODS.get(command) or (getattr(Session, command, None),)

    assert all(inspect.isfunction(method) for method in methods) == (PYTHON in ways_in)
    assert SHELL in ways_in
    assert in_a_shell(command).command == command
    assert (command in COMMAND_INPUTS) == (ACTION in ways_in)
    if ACTION in ways_in:
        assert in_a_workflow(command).command.command == command
    else:
        with pytest.raises(InputError, match=f"command: got '{command}', expected stage, "):
            in_a_workflow(command)


def test_nothing_else_is_there() -> None:
    """No way in has a command that the table does not know."""
    of_no_command = {"get", "close", "read_only", "regions"}
    members = {name for name in vars_of(Session) if not name.startswith("_")} - of_no_command
    several = {method.__name__ for methods in METHODS.values() for method in methods}

    assert members == (set(commands_of(PYTHON)) - {"download", "info"}) | (several - {"get"})
    assert set(COMMAND_INPUTS) == set(commands_of(ACTION))
    shell_only = {BootstrapInputs.command, SetupInputs.command, PolicyInputs.command, COMPLETION}
    assert {*COMMAND_INPUTS, *shell_only} == set(commands_of(SHELL))
    with pytest.raises(InputError, match="invalid choice: 'remove'"):
        parse(["remove", "P"])


def vars_of(kind: type) -> set[str]:
    """Return the names of what *kind* and what it inherits from define."""
    return {name for base in kind.__mro__[:-1] for name in vars(base)}
