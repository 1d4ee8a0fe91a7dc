"""Long errors where there is no room for all of one: the log of the step has it whole."""

from itertools import accumulate

from startifact.limits import MAX_ERROR_CHARACTERS

_CUT = "... (the rest is in the log of the step)"


def shortened(text: str, characters: int = MAX_ERROR_CHARACTERS) -> str:
    """Return *text*, or as many of its first lines as *characters* allow and where the rest is."""
    if len(text) <= characters:
        return text
    lines = text.split("\n")
    room = characters - len(_rest(len(lines)))
    kept = sum(end - 1 <= room for end in accumulate(len(line) + 1 for line in lines))
    if not kept:
        return f"{text[: characters - len(_CUT)]}{_CUT}"
    return "\n".join(lines[:kept]) + _rest(len(lines) - kept)


def _rest(count: int) -> str:
    lines = "1 more line, which is" if count == 1 else f"{count:,} more lines, which are"
    return f"\n  and {lines} in the log of the step"
