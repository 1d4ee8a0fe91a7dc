"""JSON from outside, parsed strictly: a key that is there twice, say, is an error.

A text from outside that is stored in JSON is cut here to the room that it has there.
"""

import json
from typing import Any


class JsonError(ValueError):
    """The text is not the JSON that was expected; the message says why and quotes none of it."""


def parse_object(text: str) -> dict[str, Any]:
    """Return the JSON object in *text*.

    Raises:
        JsonError: It is not JSON, not an object, or has a key twice.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except JsonError:
        raise
    except json.JSONDecodeError as e:
        raise JsonError(f"it is not JSON ({e.msg} at character {e.pos})") from e
    except RecursionError as e:
        raise JsonError("it is not JSON (it is nested too deep)") from e
    except ValueError as e:
        raise JsonError("it is not JSON (it has a number that is too long)") from e
    if not isinstance(value, dict):
        raise JsonError("it is not a JSON object")
    return value


def parse_string_object(text: str) -> dict[str, str]:
    """Return the JSON object of strings in *text*.

    Raises:
        JsonError: It is something else.
    """
    value = parse_object(text)
    if not all(isinstance(v, str) for v in value.values()):
        raise JsonError("it has values that are not strings")
    return value


def parse_object_as_text(text: str) -> dict[str, str]:
    """Return the JSON object in *text*, whose values that are not strings are their own JSON.

    So a number is returned as its digits, and ``null`` as that word.

    Raises:
        JsonError: It is not JSON, not an object, or has a key twice.
    """
    values = parse_object(text)
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}


def _unique(items: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(items)
    if len(value) != len(items):
        raise JsonError("it has a key twice")
    return value


def _no_constant(name: str) -> Any:
    raise JsonError(f"it has {name} in it, which is not JSON")


def cut_for_json(text: str, limit: int) -> str:
    """Return as much of *text* as takes at most *limit* bytes in JSON that is ASCII."""
    cut = text[:limit]
    while len(json.dumps(cut)) - len('""') > limit:
        cut = cut[:-1]
    return cut
