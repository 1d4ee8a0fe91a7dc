"""What differs from a golden file, in a few lines: which file, where in it, got and expected."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SHOWN = 80
"""How many characters of a value are shown."""

WHAT_TO_DO = (
    "What is stored already has to stay readable: correct the code, never write this file anew.\n"
    "A format that changes on purpose gets a new number in startifact:format, and golden files of "
    "its own beside these."
)


def golden(name: str) -> str:
    """Return the text of a golden file, line ends as they are."""
    return (HERE / name).read_bytes().decode("ascii")


def check_written(name: str, got: str) -> None:
    """Fail where *got* is not what the golden file *name* holds, byte for byte."""
    expected = golden(name)
    if got != expected:
        _fail(name, "is written differently", differences_of_texts(got, expected))


def check_read(name: str, got: Any, expected: Any) -> None:
    """Fail where *got*, which was read from the golden file *name*, is not *expected*."""
    if got != expected:
        values = [{f.name: getattr(v, f.name) for f in fields(v)} for v in (got, expected)]
        _fail(name, "is read differently", differences_of_values(*values))


def differences_of_texts(got: str, expected: str) -> list[str]:
    """Return a line for each key that differs; where none does, one for the first character."""
    try:
        values = [json.loads(text) for text in (got, expected)]
    except ValueError:
        values = []
    if values and all(isinstance(value, dict) for value in values) and values[0] != values[1]:
        return differences_of_values(*values)
    characters = enumerate(zip(got, expected, strict=False))
    at = next((i for i, (a, b) in characters if a != b), min(len(got), len(expected)))
    line, column = expected.count("\n", 0, at) + 1, at - expected.rfind("\n", 0, at)
    start = max(at - 20, 0)
    said = f"got {_quoted(got[start:])}, expected {_quoted(expected[start:])}"
    return [f"line {line}, column {column}: {said}"]


def differences_of_values(got: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Return a line for each key whose value differs, or that only one of both has."""

    def quoted_value(values: dict[str, Any], key: str) -> str:
        return _quoted(values[key]) if key in values else "no such key"

    return [
        f"{key}: got {quoted_value(got, key)}, expected {quoted_value(expected, key)}"
        for key in dict.fromkeys([*expected, *got])
        if key not in got or key not in expected or got[key] != expected[key]
    ]


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _fail(name: str, how: str, differences: list[str]) -> None:
    lines = [f"golden/{name} {how}:", *(f"  {line}" for line in differences[:5]), WHAT_TO_DO]
    pytest.fail("\n".join(lines), pytrace=False)
