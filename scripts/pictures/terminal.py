"""A command on a terminal, and the drawing of what that shows."""

import html
import os
import pty
import struct
import sys
import termios
from collections.abc import Callable, Iterator, Mapping, Sequence
from fcntl import ioctl
from pathlib import Path
from subprocess import Popen

from rich.console import Console
from rich.style import Style
from rich.text import Text

ROWS = 60
BLOCK = 1 << 16
CHARACTER_WIDTH, CHARACTER_HEIGHT, LINE_HEIGHT = 8.4, 14, 20
LEFT, TOP = 16, 56
"""Where the first character stands."""

# Each has a contrast of 4.5 or more with the background: https://www.w3.org/TR/WCAG22/
FOREGROUND = "#e6edf3"
COLOURS = {1: "#ff7b72", 2: "#3fb950", 3: "#d29922", 4: "#58a6ff", 5: "#bc8cff", 6: "#39c5cf"}

# An image has no fonts but those of whoever sees it. The frame is seen on a dark page as well.
FRAME = """\
<svg viewBox="0 0 {width:g} {height}" width="{width:g}" height="{height}"
  xmlns="http://www.w3.org/2000/svg" role="img">
<title>{title}</title>
<style>
text {{
  font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  fill: {foreground}; white-space: pre;
}}
</style>
<rect fill="#0d1117" stroke="#6e7681" x="0.5" y="0.5" width="{inner_width:g}"
  height="{inner_height}" rx="8"/>
<g fill="#6e7681"><circle cx="20" cy="20" r="6"/><circle cx="40" cy="20" r="6"/>
<circle cx="60" cy="20" r="6"/></g>
{lines}
</svg>
"""


def screen_of(
    words: Sequence[str],
    *,
    columns: int,
    environment: Mapping[str, str],
    folder: Path,
    until: Callable[[str], bool] | None = None,
) -> str:
    """Return what the command of *words* has written to a terminal when it has ended.

    With *until*, when that is true of it, if that is earlier; then the command is ended.
    """
    ours, theirs = pty.openpty()
    ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    written = b""
    with Popen(
        [sys.executable, "-m", "scripts.pictures.as_aws", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env={**environment, "TERM": "xterm-256color"},
    ) as process:
        os.close(theirs)
        try:
            while until is None or not until(visible(written.decode(errors="ignore"))):
                written += os.read(ours, BLOCK)
        except OSError:  # Linux says so when the other end is closed
            pass
        else:
            process.terminate()
        while _read(ours):
            pass
    os.close(ours)
    return visible(written.decode())


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, BLOCK)
    except OSError:
        return b""


def visible(written: str) -> str:
    """Return the lines that a terminal shows after *written*, with their colours as they came.

    A line that is redrawn is drawn over its whole length.
    """
    lines = written.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rpartition("\r")[2].rstrip() for line in lines)


def drawn(text: str, *, title: str, columns: int) -> str:
    """Return *text* as an image in SVG of a terminal that is *columns* wide."""
    rows = [
        row
        for line in Text.from_ansi(text).split("\n")
        for row in line.divide(range(columns, len(line), columns))
    ]
    width = 2 * LEFT + columns * CHARACTER_WIDTH
    height = TOP + len(rows) * LINE_HEIGHT
    return FRAME.format(
        title=html.escape(title),
        width=width,
        height=height,
        inner_width=width - 1,
        inner_height=height - 1,
        foreground=FOREGROUND,
        lines="\n".join(part for i, row in enumerate(rows) for part in _parts(row, i)),
    )


def _parts(row: Text, number: int) -> Iterator[str]:
    """Yield the parts of *row* that have one style each."""
    column = 0
    for text, style, _ in row.render(Console()):
        if text.strip():
            rules = []
            if isinstance(style, Style) and style.color is not None and style.color.number:
                rules.append(f"fill: {COLOURS[style.color.number]}")
            if isinstance(style, Style) and style.bold:
                rules.append("font-weight: bold")
            css = f' style="{"; ".join(rules)}"' if rules else ""
            x, y = LEFT + column * CHARACTER_WIDTH, TOP + number * LINE_HEIGHT
            length = len(text) * CHARACTER_WIDTH
            where = f'x="{x:g}" y="{y}" textLength="{length:g}"'
            yield f"<text {where}{css}>{html.escape(text)}</text>"
        column += len(text)
