"""How values are written in a template of CloudFormation, so that people can read it."""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from startifact.limits import TEMPLATE_LINE_CHARACTERS

# Of other texts some reader of YAML takes one for something else.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_/.-]*(?:::?[A-Za-z][A-Za-z0-9_/.-]*)*")
_NOT_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9:]+)\}")


class Intrinsic(NamedTuple):
    """A function of CloudFormation in its short form, such as ``!GetAtt Bucket.Arn``."""

    text: str


class Choice(NamedTuple):
    """One value where a condition of the template holds, and another one where it does not."""

    condition: str
    then: object
    otherwise: object = Intrinsic("!Ref AWS::NoValue")


class Explained(NamedTuple):
    """A value with the reason for it, which is a comment above."""

    value: object
    why: str


def lines_of(value: object) -> Iterator[str]:
    """Yield the lines of *value*: a mapping or a sequence of texts, numbers and such values.

    A text in which a parameter stands, such as ``${Name}``, is one that CloudFormation fills in.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _entry(f"{_text(key)}:", item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _entry("-", item)


def indented(value: object, blanks: int) -> list[str]:
    """Return the lines of *value*, each behind so many *blanks*."""
    return [f"{' ' * blanks}{line}" for line in lines_of(value)]


def _entry(head: str, value: object) -> Iterator[str]:
    if isinstance(value, Explained):
        yield from (f"# {line}" for line in textwrap.wrap(value.why, TEMPLATE_LINE_CHARACTERS))
        yield from _entry(head, value.value)
    elif isinstance(value, Choice):
        yield f"{head} !If"
        yield from (f"  {line}" for line in lines_of(list(value)))
    elif isinstance(value, str) and " " in value and len(value) > TEMPLATE_LINE_CHARACTERS:
        yield f"{head} >-"
        yield from (f"  {line}" for line in textwrap.wrap(value, TEMPLATE_LINE_CHARACTERS))
    elif isinstance(value, Intrinsic | str | int) or not value:
        yield f"{head} {_scalar(value)}"
    elif head == "-":
        for n, line in enumerate(lines_of(value)):
            yield f"  {line}" if n else f"- {line}"
    else:
        yield head
        yield from (f"  {line}" for line in lines_of(value))


def _scalar(value: object) -> str:
    if isinstance(value, Intrinsic):
        return value.text
    if not isinstance(value, str):
        return json.dumps(value)
    if found := _REFERENCE.fullmatch(value):
        return f"!Ref {found[1]}"
    return f"!Sub {json.dumps(value)}" if "${" in value else _text(value)


def _text(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT
    return text if is_plain else json.dumps(text)
