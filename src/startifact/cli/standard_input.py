"""What is piped into a staging: all of it is in a file before anything is sent."""

import contextlib
import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path

from startifact.concurrency.deadline import check_deadline
from startifact.errors import InputError
from startifact.files.destination import local_errors
from startifact.files.temporary import needs_room, sweep, temporary_folder
from startifact.files.trouble import local_error
from startifact.limits import BLOCK_BYTES, SIGNAL_POLL_SECONDS

_NAME_A_FILE = (
    "Pipe into the command what it is to stage, or name a file; one that is called - is ./-"
)


@contextlib.contextmanager
def standard_input_as_file() -> Iterator[Path]:
    """Read standard input to its end, and yield a file with it, which is gone afterwards.

    Raises:
        InputError: It is a terminal, closed or empty.
        LocalFileError: It cannot be read, or there is no room for it.
    """
    descriptor = _descriptor()
    sweep()
    with temporary_folder(to_stage=True) as folder:
        path = folder / "artifact"
        why = "read from standard input into the temporary folder before it is staged"
        with needs_room(why=why), local_errors(path), path.open("xb") as file:
            for block in _blocks(descriptor):
                file.write(block)
        if not path.stat().st_size:
            raise InputError(
                "standard input is empty", hint="Check the command that should have written to it"
            )
        yield path


def _descriptor() -> int:
    try:
        descriptor = sys.stdin.fileno()
        is_terminal = os.isatty(descriptor)
    except (AttributeError, OSError, ValueError):
        raise InputError("standard input is closed", hint=_NAME_A_FILE) from None
    if is_terminal:
        raise InputError("standard input is a terminal", hint=_NAME_A_FILE)
    return descriptor


def _blocks(descriptor: int) -> Iterator[bytes]:
    while True:
        _wait_for(descriptor)
        try:
            block = os.read(descriptor, BLOCK_BYTES)
        except OSError as e:
            raise local_error("read", "standard input", e) from e
        if not block:
            return
        yield block


def _wait_for(descriptor: int) -> None:
    """Return when something can be read, as far as that can be known.

    Raises:
        DeadlineError: The time that was allowed has passed.
    """
    check_deadline()
    # There only sockets can be waited for.
    while (
        sys.platform != "win32" and not select.select([descriptor], [], [], SIGNAL_POLL_SECONDS)[0]
    ):
        check_deadline()
