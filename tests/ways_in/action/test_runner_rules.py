"""The judge is honest: the runner's own cases come out as they do in the runner."""

from pathlib import Path

import pytest

from tests.support.runner_rules import (
    SUMMARY_LIMIT,
    Command,
    FileCommandError,
    parse_command,
    parse_environment,
    parse_outputs,
    read_outputs,
    read_summary,
    string_of_yaml,
)

BOM = b"\xef\xbb\xbf"

OUTPUTS: list[tuple[str, dict[str, str]]] = [
    ("", {}),
    ("MY_OUTPUT=MY VALUE", {"MY_OUTPUT": "MY VALUE"}),
    (
        "\nMY_OUTPUT=my value\n\nMY_OUTPUT_2=my second value\n",
        {"MY_OUTPUT": "my value", "MY_OUTPUT_2": "my second value"},
    ),
    ("MY_OUTPUT=", {"MY_OUTPUT": ""}),
    (
        "MY_OUTPUT=my value\nMY_OUTPUT_2=\nMY_OUTPUT_3=my third value",
        {"MY_OUTPUT": "my value", "MY_OUTPUT_2": "", "MY_OUTPUT_3": "my third value"},
    ),
    (
        "MY_OUTPUT==abc\nMY_OUTPUT_2=def=ghi\nMY_OUTPUT_3=jkl=",
        {"MY_OUTPUT": "=abc", "MY_OUTPUT_2": "def=ghi", "MY_OUTPUT_3": "jkl="},
    ),
    (
        "MY_OUTPUT<<EOF\nline one\nline two\nline three\nEOF",
        {"MY_OUTPUT": "line one\nline two\nline three"},
    ),
    ("MY_OUTPUT<<EOF\nEOF", {"MY_OUTPUT": ""}),
    (
        "\nMY_OUTPUT<<EOF\nhello\nworld\nEOF\n\nMY_OUTPUT_2<<EOF\nHELLO\nAGAIN\nEOF\n",
        {"MY_OUTPUT": "hello\nworld", "MY_OUTPUT_2": "HELLO\nAGAIN"},
    ),
    (
        (
            "MY_OUTPUT<<=EOF\nhello\none\n=EOF\nMY_OUTPUT_2<<<EOF\nhello\ntwo\n<EOF\n"
            "MY_OUTPUT_3<<EOF\nhello\n\nthree\n\nEOF\nMY_OUTPUT_4<<EOF\nhello=four\nEOF\n"
            "MY_OUTPUT_5<<EOF\n EOF\nEOF"
        ),
        {
            "MY_OUTPUT": "hello\none",
            "MY_OUTPUT_2": "hello\ntwo",
            "MY_OUTPUT_3": "hello\n\nthree\n",
            "MY_OUTPUT_4": "hello=four",
            "MY_OUTPUT_5": " EOF",
        },
    ),
    ("a=b\r\n", {"a": "b\r"}),
    ("a<<E\r\nx\r\nE\r\n", {"a": "x\r"}),
    ("a=1\na=2", {"a": "2"}),
    ("a=1\rb=2\n", {"a": "1\rb=2"}),
    ("a =b", {"a ": "b"}),
]

BROKEN = [
    (
        "MY_OUTPUT<<EOF line one line two line three EOF",
        "Matching delimiter not found 'EOF line one line two line three EOF'",
    ),
    (
        "MY_OUTPUT<<EOF line one\n                    line two\n                    line three EOF",
        "EOF marker missing new line",
    ),
    ("a\n", "Invalid format 'a'"),
    ("  \n", "Invalid format '  '"),
    ("a<<\n", "Name must not be empty and delimiter must not be empty"),
    ("<<EOF\nEOF", "Name must not be empty and delimiter must not be empty"),
    ("a<<E\nx", "EOF marker missing new line."),
    ("a<<E\n", "Matching delimiter not found 'E'"),
    ("=v", "null or empty"),
]

COMMANDS = [
    ("::error::x", Command("error", "x")),
    ("   ::error k1=v1,::msg", Command("error", "msg", {"k1": "v1"})),
    ("\u00a0\u2003::error::x", Command("error", "x")),
    ("::ERROR::x", Command("error", "x")),
    ("   >>>   ::error::x", None),
    ("::unknown::x", None),
    ("::error", None),
    (">>>   ##[error k1=v1;]msg", Command("error", "msg", {"k1": "v1"})),
    ("##[error", None),
    ("##[unknown]x", None),
    ("::error k1=,k2=,::x", Command("error", "x")),
    ("::error title=a=b::x", Command("error", "x", {"title": "a=b"})),
    ("::error title==a::x", Command("error", "x", {"title": "a"})),
    ("::error title=%252C%3A%2C::%25%0D%0A%3A", Command("error", "%\r\n%3A", {"title": "%2C:,"})),
    ("##[error t=%3B%5D]%5D%25", Command("error", "]%", {"t": ";]"})),
]


@pytest.mark.parametrize("bom", [b"", BOM], ids=["plain", "bom"])
@pytest.mark.parametrize(("text", "expected"), OUTPUTS)
def test_outputs(text: str, expected: dict[str, str], bom: bytes) -> None:
    """Files that the runner accepts come out with its values."""
    assert parse_outputs(bom + text.encode()) == expected


@pytest.mark.parametrize("bom", [b"", BOM], ids=["plain", "bom"])
@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_broken_outputs(text: str, message: str, bom: bytes) -> None:
    """Files that fail a step in the runner fail here, for the same reason."""
    with pytest.raises(FileCommandError) as caught:
        parse_outputs(bom + text.encode())

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a=\xff", "\ufffd"),
        (b"\xff\xfea\x00=\x00b\x00", "b"),
        (b"\xfe\xff\x00a\x00=\x00b", "b"),
        (b"\xff\xfe\x00\x00a\x00\x00\x00=\x00\x00\x00b\x00\x00\x00", "b"),
        (b"\x00\x00\xfe\xff\x00\x00\x00a\x00\x00\x00=\x00\x00\x00b", "b"),
    ],
)
def test_encodings(data: bytes, expected: str) -> None:
    """A byte order mark decides the encoding, and what is not valid is replaced."""
    assert parse_outputs(data) == {"a": expected}


def test_files_that_are_not_there(tmp_path: Path) -> None:
    """A file or a directory that has gone means that there are no outputs."""
    assert read_outputs(tmp_path / "gone" / "output") == {}
    assert read_outputs(tmp_path / "output") == {}


@pytest.mark.parametrize("text", ["NODE_OPTIONS=asdf", "NODE_OPTIONS<<EOF\nasdf\nEOF"])
def test_blocked_variables(text: str) -> None:
    """The one variable that a step cannot set is refused in both forms."""
    assert parse_environment(text.encode()) == ({}, ["NODE_OPTIONS"])


def test_summaries(tmp_path: Path) -> None:
    """A summary is uploaded when there is one and it has no more than 1 MiB."""
    path = tmp_path / "summary"

    assert read_summary(path) is None
    path.touch()
    assert read_summary(path) is None
    path.write_bytes(b"x" * SUMMARY_LIMIT)
    assert read_summary(path) == "x" * SUMMARY_LIMIT
    path.write_bytes(b"x" * (SUMMARY_LIMIT + 1))
    with pytest.raises(FileCommandError):
        read_summary(path)


@pytest.mark.parametrize(("line", "expected"), COMMANDS)
def test_commands(line: str, expected: Command | None) -> None:
    """Lines are commands, or not, as they are to the runner."""
    assert parse_command(line) == expected


@pytest.mark.parametrize(
    ("scalar", "expected"),
    [
        ("1.10", "1.1"), ("012345678901", "12345678901"), ("1e3", "1000"), ("0x1F", "31"),
        ("0o17", "15"), ("12345e7", "123450000000"), ("1e15", "1E+15"), ("-1.50", "-1.5"),
        ("true", "true"), ("False", "false"), ("null", ""), ("~", ""), ("", ""),
        ("1.10.0", "1.10.0"), ("v1.10", "v1.10"), ("yes", "yes"), ("tRUE", "tRUE"),
    ],
)  # fmt: skip
def test_scalars(scalar: str, expected: str) -> None:
    """What YAML takes for a number, a boolean or nothing reaches an action as another text."""
    assert string_of_yaml(scalar) == expected
