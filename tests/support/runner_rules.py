"""
How GitHub's runner reads what a step leaves behind, stated again from its source.

Tests judge the action by these rules and by nothing else.
``tests/ways_in/action/test_runner_rules.py`` holds them to the runner's own cases.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

COMMANDS = frozenset(
    {
        "add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group",
        "notice", "remove-matcher", "save-state", "set-env", "set-output", "stop-commands",
        "warning",
    }
)  # fmt: skip

SUMMARY_LIMIT = 1024 * 1024

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class FileCommandError(Exception):
    """
    The runner would fail the step.
    """


def string_of_yaml(scalar: str) -> str:
    """
    Return the string that an unquoted YAML scalar is as an input.

    By the core schema of YAML 1.2; a number becomes what ``Double.ToString("G15")`` writes.
    """
    if scalar in {"", "~", "null", "Null", "NULL"}:
        return ""
    if re.fullmatch("true|True|TRUE|false|False|FALSE", scalar):
        return scalar.lower()
    for prefix, base, digits in (("0x", 16, "[0-9a-fA-F]+"), ("0o", 8, "[0-7]+")):
        if re.fullmatch(prefix + digits, scalar):
            return f"{float(int(scalar[2:], base)):.15g}"
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", scalar):
        return f"{float(scalar):.15g}".upper()
    return scalar


def read_outputs(path: Path) -> dict[str, str]:
    """
    Return the outputs that a step left in the file that ``GITHUB_OUTPUT`` named.
    """
    return parse_outputs(path.read_bytes()) if path.is_file() else {}


def read_summary(path: Path) -> str | None:
    """
    Return the summary that a step left, or ``None`` when the runner would upload nothing.
    """
    data = path.read_bytes() if path.is_file() else b""
    if len(data) > SUMMARY_LIMIT:
        raise FileCommandError("upload aborted, supports content up to a size of 1024k")
    return data.decode() or None


def parse_environment(data: bytes) -> tuple[dict[str, str], list[str]]:
    """
    Return the variables in the bytes of the file that ``GITHUB_ENV`` names, and those refused.
    """
    variables = dict(_names_and_values(_decoded(data)))
    refused = [name for name in variables if name.upper() == "NODE_OPTIONS"]
    return {name: value for name, value in variables.items() if name not in refused}, refused


def parse_outputs(data: bytes) -> dict[str, str]:
    """
    Return the outputs in the bytes of that file.
    """
    outputs: dict[str, str] = {}
    for name, value in _names_and_values(_decoded(data)):
        if not name:
            raise FileCommandError("Value cannot be null or empty: name")
        outputs[name] = value
    return outputs


def _decoded(data: bytes) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, "replace")
    return data.decode("utf-8", "replace")


class _Lines:
    """
    Reads lines that end with a line feed, and says whether there was one.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.index = 0

    def read(self) -> tuple[str | None, bool]:
        if self.index >= len(self.text):
            return None, False
        start, end = self.index, self.text.find("\n", self.index)
        self.index = len(self.text) if end < 0 else end + 1
        return self.text[start : end if end >= 0 else None], end >= 0


def _names_and_values(text: str) -> Iterator[tuple[str, str]]:
    lines = _Lines(text)
    while (line := lines.read()[0]) is not None:
        if line == "":
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, _, value = line.partition("=")
            yield name, value
        elif heredoc >= 0:
            name, _, delimiter = line.partition("<<")
            if not name or not delimiter:
                raise FileCommandError(
                    f"Invalid format '{line}'. Name must not be empty and delimiter must not be "
                    "empty"
                )
            yield name, _heredoc(lines, delimiter)
        else:
            raise FileCommandError(f"Invalid format '{line}'")


def _heredoc(lines: _Lines, delimiter: str) -> str:
    start = end = lines.index
    while True:
        line, ended = lines.read()
        if line == delimiter:
            return lines.text[start:end]
        if line is None:
            raise FileCommandError(f"Matching delimiter not found '{delimiter}'")
        if not ended:
            raise FileCommandError("EOF marker missing new line.")
        end = lines.index - 1


@dataclass(frozen=True)
class Command:
    """
    What the runner takes for a workflow command.
    """

    name: str
    data: str
    properties: dict[str, str] = field(default_factory=dict)


def parse_commands(log: str) -> list[Command]:
    """
    Return the commands in what a step wrote to one of its streams.
    """
    found = []
    for line in re.split(r"\r\n|\n|\r", log):
        command = parse_command(line) or parse_command(_as_a_language_compares(line))
        if command:
            found.append(command)
    return found


def parse_command(line: str) -> Command | None:
    """
    Return the command in one line, if there is one.
    """
    return _version_2(line) or _version_1(line)


def _as_a_language_compares(line: str) -> str:
    """
    Return *line* without what a culture-sensitive comparison may pass over. The runner compares so,
    and what exactly its culture passes over is not known: this is the most that it could be.
    """
    return "".join(
        c
        for c in line
        if unicodedata.category(c) not in {"Mn", "Mc", "Me", "Cf", "Cc"}
        and c not in "\u115f\u1160\u17b4\u17b5\u3164\uffa0"
    )


def _version_2(line: str) -> Command | None:
    text = line.lstrip()
    if not text.startswith("::") or (end := text.find("::", 2)) < 0:
        return None
    return _command(text[2:end], ",", text[end + 2 :], _PROPERTY_2, _DATA_2)


def _version_1(line: str) -> Command | None:
    if (start := line.find("##[")) < 0 or (end := line.find("]", start)) < 0:
        return None
    return _command(line[start + 3 : end], ";", line[end + 1 :], _VERSION_1, _VERSION_1)


_DATA_2 = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_PROPERTY_2 = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
_VERSION_1 = (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%"))


def _command(
    head: str,
    separator: str,
    data: str,
    of_properties: tuple[tuple[str, str], ...],
    of_data: tuple[tuple[str, str], ...],
) -> Command | None:
    name, _, rest = head.partition(" ")
    if name.lower() not in COMMANDS:
        return None
    properties = {}
    for part in rest.strip().split(separator):
        key, _, value = part.lstrip("=").partition("=")
        if key and value.lstrip("="):
            properties[key] = _unescaped(value.lstrip("="), of_properties)
    return Command(name.lower(), _unescaped(data, of_data), properties)


def _unescaped(text: str, table: tuple[tuple[str, str], ...]) -> str:
    for escaped, plain in table:
        text = text.replace(escaped, plain)
    return text
