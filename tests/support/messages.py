"""What an error says, for tests of its words."""

from startifact.errors import StartifactError
from startifact.hints import in_shell


def message_of(error: StartifactError | None) -> str:
    """Return the message of *error* without its hint; there has to be an error."""
    assert error is not None
    return error.message


def shell_hint(error: StartifactError) -> str:
    """Return what *error* says to do next, in the words of the command line."""
    return "" if error.next_step is None else error.next_step.text(in_shell)
