"""Codes that a profile wants from a person's device, asked for while nobody waits.

A person needs time for it, and a terminal. So it is asked for before the regions start, where their
time does not run, and in the thread whose end restores the terminal.
"""

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

import botocore.session

from startifact.regions.aws.credentials import UnusableCredentialsError, profile_chain
from startifact.text import escape_nonprintable

_ASKING: ContextVar[bool] = ContextVar("asking", default=False)


def wants_code(session: botocore.session.Session) -> bool:
    """Say whether the credentials of *session* need a code that a person has to type."""
    return any("mfa_serial" in settings for _, settings in profile_chain(session))


def ask_with(session: botocore.session.Session) -> None:
    """Make *session* ask for codes with `code`."""
    provider = session.get_component("credential_provider").get_provider("assume-role")
    # The SDK has no option for it: tests/unit/test_botocore.py holds that this still works.
    provider._prompter = code


@contextmanager
def asking() -> Iterator[None]:
    """Let codes be asked for inside."""
    token = _ASKING.set(True)
    try:
        yield
    finally:
        _ASKING.reset(token)


def code(prompt: str) -> str:
    """Return what a person types at the terminal after *prompt*; it is not shown.

    Raises:
        UnusableCredentialsError: There is no terminal, nothing is typed, or regions have started.
    """
    if not _ASKING.get():
        raise UnusableCredentialsError(
            why="the profile wants an MFA code (mfa_serial), which is asked for only at the start",
            hint="Set duration_seconds in the profile to more than this takes",
        )
    hint = (
        "Use a profile without mfa_serial, or put the credentials of a session that has the code "
        "(aws sts get-session-token, aws sts assume-role) into the environment"
    )
    if not _has_terminal():
        raise UnusableCredentialsError(
            why="the profile wants an MFA code (mfa_serial), and there is no terminal to ask at",
            hint=hint,
        )
    try:
        typed = getpass.getpass(escape_nonprintable(prompt)).strip()
    except EOFError:
        _end_line()
        typed = ""
    except BaseException:
        _end_line()
        raise
    if not typed:
        raise UnusableCredentialsError(why="no MFA code was given", hint=hint)
    return typed


def _end_line() -> None:
    """End the line of the question at the terminal, which only an answer does by itself."""
    with suppress(OSError), Path("/dev/tty").open("w", encoding="ascii") as terminal:
        terminal.write("\n")


def _has_terminal() -> bool:
    if sys.platform == "win32":
        return sys.stdin is not None and sys.stdin.isatty()
    else:  # noqa: RET505  # mypy takes what follows a return for unreachable, on Windows
        try:
            os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        except OSError:
            return False
        return True
