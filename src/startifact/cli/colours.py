"""The colours of words that begin what is shown to people, and whether there are any."""

import os
from collections.abc import Mapping
from typing import TextIO

_CODES: Mapping[str, str] = {
    "error:": "1;31",
    "warning:": "1;33",
    "hint:": "1;36",
    "ok": "32",
    "failed": "1;31",
    "unknown": "1;33",
}
"""Red, yellow, cyan and green, which can be read on dark and on light."""


def shows_colours(stream: TextIO) -> bool:
    """Return whether *stream* is to have colours.

    ``NO_COLOR`` (https://no-color.org) says no and ``FORCE_COLOR`` (https://force-color.org) says
    yes, where they are not empty; the first counts more. Without them a terminal has colours, but
    one that says it is dumb, and those of Windows, which do not all know them.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return os.name != "nt" and os.environ.get("TERM", "dumb") != "dumb" and stream.isatty()


def coloured(line: str) -> str:
    """Return *line* with its first word in the colour of that; without one, as it is."""
    word = line.split(maxsplit=1)[0] if line.strip() else ""
    code = _CODES.get(word) or _CODES.get(word.rstrip(":"))
    return line if code is None else line.replace(word, f"\x1b[{code}m{word}\x1b[0m", 1)
