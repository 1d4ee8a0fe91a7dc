"""The two streams of a command: people read standard error, programs read standard output.

Whatever is shown to people is escaped, because much of it comes from elsewhere: a file name or a
store's error text must not be able to move the cursor or to pass for a line of our own.
"""

import contextlib
import os
import shutil
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from startifact.cli.colours import coloured, shows_colours
from startifact.concurrency.deadline import check_deadline
from startifact.errors import LocalFileError, StartifactError, with_notes
from startifact.hints import in_shell
from startifact.limits import BLOCK_BYTES, FALLBACK_COLUMNS
from startifact.text import escape_nonprintable

if TYPE_CHECKING:
    from pathlib import Path

# The terminal writes ^C behind the status line when it is pressed.
_ECHO = "^C"


class Console:
    """Writes lines to people and data to programs. Safe to use from several threads.

    One line at the bottom, the status, is taken away before other lines are written and drawn
    again after them. With *quiet*, people see errors only.
    """

    def __init__(self, *, out: TextIO, err: TextIO, quiet: bool = False) -> None:
        self.quiet = quiet
        self._out = out
        self._err = err
        self._lock = threading.RLock()
        self._drawn = ""
        self.has_data = False
        """Whether something was written, or begun, to standard output."""
        self._colours = shows_colours(err)
        _never_fail_to_encode(out)  # standard error never does

    @property
    def is_terminal(self) -> bool:
        """Whether a person watches standard error as it is written."""
        return self._err.isatty()

    def output_columns(self) -> int | None:
        """Return how wide the terminal is that shows standard output; ``None`` where none does."""
        return _columns_of(self._out)

    def people_columns(self) -> int | None:
        """Return how wide the terminal is that shows lines to people, likewise."""
        return _columns_of(self._err)

    @property
    def output_has_colours(self) -> bool:
        """Whether standard output is to have colours."""
        return shows_colours(self._out)

    @property
    def is_output_terminal(self) -> bool:
        """Whether a person looks at standard output, and no program."""
        return self._out.isatty()

    def columns(self) -> int:
        """Return how wide a status line can be."""
        width = 0
        with contextlib.suppress(OSError, ValueError):
            width = os.get_terminal_size(self._err.fileno()).columns
        width = width or shutil.get_terminal_size((FALLBACK_COLUMNS, 24)).columns
        # In the last column, some terminals begin a new line.
        return max(0, width - len(_ECHO) - 1)

    @property
    def can_ask(self) -> bool:
        """Whether a person is there who reads questions, and types answers."""
        return self.is_terminal and sys.stdin is not None and sys.stdin.isatty()

    def ask(self, question: str) -> bool:
        """Return whether a person says yes to *question*, even if they want quiet otherwise.

        Everything else is a no.
        """
        with self._lock:
            self._erase()
            lines = filled(f"{escape_nonprintable(question)} [y/N]", "", "", self.people_columns())
            self._put("{} ".format("\n".join(lines)))
        answer = sys.stdin.readline()
        if not answer.endswith("\n"):  # the end of the input ends no line on the terminal
            self._put("\n")
        return answer.strip().lower() in {"y", "yes"}

    def data(self, text: str) -> None:
        """Write *text*, as it is, and a newline to standard output.

        A reader that has gone is no error, because it has what it wanted.

        Raises:
            LocalFileError: It cannot be written.
        """
        with self._lock, self._output_errors():
            self._erase()
            self.has_data = True  # before it is: a signal may come as soon as it was written
            self._out.write(f"{text}\n")
            self._out.flush()

    def flush(self) -> None:
        """Let standard output have what others have printed to it, as `data` does with text.

        Raises:
            LocalFileError: It cannot be written.
        """
        with self._lock, self._output_errors():
            self._out.flush()

    def file(self, path: "Path") -> None:
        """Write the bytes of the file at *path* to standard output, as `data` writes text.

        Raises:
            LocalFileError: They cannot be written.
        """
        with self._lock:
            self._erase()
        out = getattr(self._out, "buffer", None)
        if out is None:
            raise LocalFileError("cannot write standard output: it is closed")
        # Without the lock: a reader that is slow does not keep lines from people.
        with self._output_errors(), path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                out.write(block)
                check_deadline()
            out.flush()

    @contextlib.contextmanager
    def _output_errors(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            _detach(self._out)
        except OSError as e:
            _detach(self._out)
            raise LocalFileError(f"cannot write standard output: {e.strerror}") from e

    def tell(self, text: str) -> None:
        """Write *text* to people, unless they want quiet."""
        if not self.quiet:
            self._lines("", text)

    def warn(self, text: str) -> None:
        """Write a warning to people, unless they want quiet."""
        if not self.quiet:
            self._lines("warning: ", text)

    def fail(self, error: StartifactError) -> None:
        """Write what went wrong and what can be done about it."""
        self._lines("error: ", with_notes(error.message, error))
        if error.next_step is not None:
            self._lines("hint: ", error.next_step.text(in_shell))

    def quote(self, text: str) -> None:
        """Write *text* to people, escaped, even if they want quiet."""
        self._lines("", text)

    def status(self, text: str) -> None:
        """Replace the status line by as much of *text* as fits; empty text takes it away."""
        with self._lock:
            if not text:
                self._erase()
                return
            # A line that is wrapped could not be replaced.
            text_shown = escape_nonprintable(text)[: self.columns()]
            # Blanks wipe what is left of a longer line before it, on every kind of terminal.
            self._put(f"\r{text_shown.ljust(len(self._drawn))}")
            self._drawn = text_shown

    def _lines(self, prefix: str, text: str) -> None:
        """Write every line of *text*, the second and later ones indented below *prefix*."""
        # A terminal breaks a hint by itself: a command in it can be copied in one piece.
        columns = self.people_columns() if prefix in {"error: ", "warning: "} else None
        first, *others = (escape_nonprintable(line) for line in text.split("\n"))
        text_shown = filled(first, prefix, "  ", columns)
        if self._colours and prefix:
            text_shown[0] = coloured(text_shown[0])
        for line in others:
            text_shown += filled(line.removeprefix("  "), "  ", "    ", columns)
        with self._lock:
            drawn = self._drawn
            self._erase()
            self._put("".join(f"{line}\n" for line in text_shown))
            if drawn:
                self.status(drawn)

    def _erase(self) -> None:
        if self._drawn:
            self._put(f"\r{' ' * len(self._drawn + _ECHO)}\r")
            self._drawn = ""

    def _put(self, text: str) -> None:
        try:
            self._err.write(text)
            self._err.flush()
        except OSError:
            # Nobody reads any more; the work goes on, and its exit code still reports how it ended.
            _detach(self._err)


def _columns_of(stream: TextIO) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        if stream.isatty():
            width = os.get_terminal_size(stream.fileno()).columns
            return width or shutil.get_terminal_size((0, 0)).columns or None
    return None


def narrow_table(rows: Iterable[tuple[str, ...]], columns: int | None) -> list[str]:
    """Return *rows* as `table` does; where *columns* are too few, each last cell has a line of its
    own.
    """
    rows = tuple(rows)
    lines = table(rows) if rows else []
    if fits(lines, columns):
        return lines
    first_lines = table(row[:-1] for row in rows)
    last = (escape_nonprintable(row[-1]) for row in rows)
    both = zip(first_lines, last, strict=True)
    return [line for first, end in both for line in (first, f"    {end}") if line.strip()]


def table(rows: Iterable[tuple[str, ...]], *, indent: str = "  ") -> list[str]:
    """Return *rows* as lines in aligned columns, everything in them escaped."""
    cells = [[escape_nonprintable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        indent + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def filled(line: str, first: str, others: str, columns: int | None) -> list[str]:
    """Return *line* behind *first*, or in several lines, the second and later ones behind *others*.

    Words that are longer than *columns* are not broken.
    """
    if fits([first + line], columns) or columns is None:
        return [first + line]
    import textwrap

    return textwrap.wrap(
        line,
        columns,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )


def filled_lines(lines: Iterable[str], columns: int | None) -> list[str]:
    """Return each of *lines* as `filled` does, escaped, with what follows indented."""
    return [part for line in lines for part in filled(escape_nonprintable(line), "", "  ", columns)]


def fits(lines: Iterable[str], columns: int | None) -> bool:
    """Say whether each of *lines* stays one line where *columns* are shown; all do for ``None``."""
    return columns is None or all(len(line) <= columns for line in lines)


def _never_fail_to_encode(stream: TextIO) -> None:
    """Make *stream* write file names byte for byte where it can, and escapes where it cannot."""
    if reconfigure := getattr(stream, "reconfigure", None):
        utf8 = (stream.encoding or "").lower().replace("-", "") == "utf8"
        reconfigure(errors="surrogateescape" if utf8 else "backslashreplace")


def _detach(stream: TextIO) -> None:
    """Let what *stream* still holds go nowhere, so that the interpreter's exit finds no error."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
