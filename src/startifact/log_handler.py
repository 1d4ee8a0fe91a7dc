"""What Startifact logs, shown to people by the way in that they use."""

import contextlib
import logging
from collections.abc import Callable, Iterator

Tell = Callable[[str], None]

_LOGGER = "startifact"


class _LogHandler(logging.Handler):
    """Hands each message on, warnings to *warn* and all others to *tell*."""

    def __init__(self, tell: Tell, warn: Tell) -> None:
        super().__init__()
        self._tell = tell
        self._warn = warn

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the message of *record* on."""
        show = self._warn if record.levelno >= logging.WARNING else self._tell
        show(record.getMessage())


@contextlib.contextmanager
def logging_to(*, tell: Tell, warn: Tell, level: int) -> Iterator[None]:
    """Hand on what Startifact logs from *level* on, until the block ends.

    The loggers of the SDK stay as they are: they would show requests, and what signs them.
    """
    logger, handler = logging.getLogger(_LOGGER), _LogHandler(tell, warn)
    before = logger.level
    logger.setLevel(level)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
