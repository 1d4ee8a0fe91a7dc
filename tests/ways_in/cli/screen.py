"""A terminal of the simplest kind: what a person sees after some text was written to it."""

import os
import pty
import subprocess
import sys
import threading
from collections.abc import Sequence


def visible(text: str) -> list[str]:
    """Return the lines on the screen, without those that are blank."""
    lines = [""]
    column = 0
    for character in text:
        if character == "\n":
            lines.append("")
            column = 0
        elif character == "\r":
            column = 0
        else:
            padded = lines[-1].ljust(column)
            lines[-1] = padded[:column] + character + padded[column + 1 :]
            column += 1
    return [line.rstrip() for line in lines if line.strip()]


def on_a_terminal(words: Sequence[str], *, columns: int, stream: str = "stderr") -> tuple[int, str]:
    """Run a command of which a *stream* is a terminal; return its exit code and what it drew."""
    ours, theirs = pty.openpty()
    drawn: list[bytes] = []

    def read() -> None:
        while True:
            try:
                drawn.append(os.read(ours, 65536))
            except OSError:  # Linux says so when the other end is closed
                return

    with subprocess.Popen(
        [sys.executable, "-m", "startifact", *words],
        stdin=subprocess.DEVNULL,
        stdout=theirs if stream == "stdout" else subprocess.DEVNULL,
        stderr=theirs if stream == "stderr" else subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": str(columns)},
    ) as process:
        os.close(theirs)
        reader = threading.Thread(target=read)
        reader.start()
        code = process.wait(60)
        reader.join(60)
    os.close(ours)
    return code, b"".join(drawn).decode()
