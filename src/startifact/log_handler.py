"""What Startifact logs, shown to people by the way in that they use."""

import contextlib
import copy
import logging
from collections.abc import Callable, Iterator

from startifact.hints import Hint, Words

Tell = Callable[[str], None]

_LOGGER = "startifact"


class _LogHandler(logging.Handler):
    """Hands each message on, warnings to *warn* and all others to *tell*."""

    def __init__(self, tell: Tell, warn: Tell, words: Words) -> None:
        super().__init__()
        self._words = words
        self._tell = tell
        self._warn = warn

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the message of *record* on, a command in it in the words of this way in."""
        worded = copy.copy(record)  # other handlers have the same one
        if isinstance(record.args, tuple):
            worded.args = tuple(
                arg.text(self._words) if isinstance(arg, Hint) else arg for arg in record.args
            )
        show = self._warn if record.levelno >= logging.WARNING else self._tell
        show(worded.getMessage())


@contextlib.contextmanager
def logging_to(*, tell: Tell, warn: Tell, words: Words, level: int) -> Iterator[None]:
    """Hand on what Startifact logs from *level* on, until the block ends.

    The loggers of the SDK stay as they are: they would show requests, and what signs them.
    """
    logger, handler = logging.getLogger(_LOGGER), _LogHandler(tell, warn, words)
    before = logger.level
    logger.setLevel(level)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
