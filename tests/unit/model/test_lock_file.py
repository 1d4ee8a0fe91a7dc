"""What a lock file looks like, and what is said of one that is not as it should be."""

import tomllib

import pytest
from semver import Version

from startifact.errors import InputError, NewerFormatError
from startifact.model.lock_file import LockEntry, parse_lock, render_lock

A, B = "a" * 64, "b" * 64

TEXT = f"""\
# Written by Startifact, to be committed and reviewed: what a download with this lock file brings.
# `startifact lock PROJECT@SELECTOR` adds an entry or moves it on, `startifact lock --update` moves
# all on. To remove an entry, delete its lines. Comments are not kept.

format = 1

[[artifact]]
project = "CLI"
selector = "^1.2"
version = "1.10.0"
sha256 = "{A}"
size = 16

[[artifact]]
project = "SugarWater"
selector = ">=1 <2 || 3.x"
version = "3.1.0+build.7"
sha256 = "{B}"
size = 0

[[artifact]]
project = "SugarWater"
selector = "prod"
version = "2.0.0-rc.1"
sha256 = "{A}"
size = 16
"""

ENTRIES = [
    LockEntry(
        project="SugarWater", selector="prod", version=Version(2, 0, 0, "rc.1"), sha256=A, size=16
    ),
    LockEntry(
        project="SugarWater",
        selector=">=1 <2 || 3.x",
        version=Version(3, 1, 0, build="build.7"),
        sha256=B,
        size=0,
    ),
    LockEntry(project="CLI", selector="^1.2", version=Version(1, 10, 0), sha256=A, size=16),
]


def entry(**values: object) -> str:
    """Return the lines of an entry that is right but for *values*; ``None`` leaves one out."""
    right = {
        "project": '"CLI"',
        "selector": '"^1.2"',
        "version": '"1.2.0"',
        "sha256": f'"{A}"',
        "size": "16",
    }
    lines = [f"{k} = {v}" for k, v in (right | values).items() if v is not None]
    return "\n".join(["", "[[artifact]]", *lines, ""])


def file_of(*entries: str) -> bytes:
    """Return a lock file whose first entry is in line 3."""
    return "".join(["format = 1\n", *entries]).encode()


def refused(content: bytes | str) -> InputError:
    """Return the error that *content* is no lock file."""
    with pytest.raises(InputError) as caught:
        parse_lock(content.encode() if isinstance(content, str) else content, "my.lock")
    assert caught.value.exit_code == 2
    assert "'my.lock'" in caught.value.message
    assert caught.value.hint
    return caught.value


def test_format() -> None:
    """What is written is TOML, sorted by project and selector, whatever order entries came in."""
    assert render_lock(ENTRIES) == render_lock(reversed(ENTRIES)) == TEXT
    assert [t["selector"] for t in tomllib.loads(TEXT)["artifact"]] == [
        "^1.2",
        ">=1 <2 || 3.x",
        "prod",
    ]


def test_round_trip() -> None:
    """What was written is read again, also with the line ends of Windows."""
    for text in (TEXT, TEXT.replace("\n", "\r\n")):
        read = parse_lock(text.encode(), "my.lock")
        assert {e: e for e in read.values()}.keys() == set(ENTRIES)
        assert read["CLI", "^1.2"] == ENTRIES[2]
    assert parse_lock(render_lock([]).encode(), "my.lock") == {}


def test_odd_white_space() -> None:
    """A selector with a tab in it comes back as it was written."""
    odd = LockEntry(
        project="CLI", selector="1.x\t||\t3.x", version=Version(3, 0, 0), sha256=A, size=1
    )

    assert parse_lock(render_lock([odd]).encode(), "my.lock") == {("CLI", "1.x\t||\t3.x"): odd}


def test_written_by_hand() -> None:
    """Another spelling of the same is taken: a leading v, digits in upper case, the algorithm."""
    text = entry(selector='"v1.2.0"', version='"v1.2.0"', sha256=f"'sha256:{A.upper()}'")

    (read,) = parse_lock(file_of(text), "my.lock").values()

    assert (read.selector, str(read.version), read.sha256) == ("1.2.0", "1.2.0", A)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("format = 1\n[[artifact]]\nproject CLI\n", "is not TOML: Expected '=' .*line 3"),
        (b"format = 1\n# th\xe9\n", "line 2 is not UTF-8"),
        ("format = 1\nx = " + "[" * 50_000, "nested too deeply|is not TOML"),
        ("format = " + "9" * 5000, "is not TOML"),
        ("format = 1\n<<<<<<< HEAD\n=======\n>>>>>>> x\n", "has a conflict of a merge in line 2"),
        ("", "format is missing, expected 1"),
        ("format = '1'\n", "format is '1', expected 1"),
        ("format = true\n", "format is True, expected 1"),
        ("format = 0\n", "format is 0, expected 1"),
        ("format = 1\nartifact = 7\n", r"artifact: got 7, expected tables that begin with \[\["),
        ("format = 1\nartifact = [7]\n", "entry 1: got 7, expected a table"),
        ("format = 1\n[package]\n", "'package': unknown, expected format and artifact"),
    ],
)
def test_no_lock_file(content: bytes | str, what: str) -> None:
    """What is no lock file at all is refused with the line, and with how to get one."""
    error = refused(content)

    with pytest.raises(InputError, match=what):
        raise error


def test_newer_format() -> None:
    """A newer format is refused before anything else in it is looked at."""
    with pytest.raises(NewerFormatError) as caught:
        parse_lock(b"format = 2\nnews = 1\n", "my.lock")

    assert caught.value.exit_code == 2
    assert caught.value.message == (
        "lock file 'my.lock' has the format 2, expected 1: a newer Startifact is needed"
    )


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"size": None}, "line 3, 'CLI@^1.2': size is missing"),
        ({"project": None}, "line 3, '^1.2': project is missing"),
        ({"sha265": f'"{A}"'}, "line 3, 'CLI@^1.2': 'sha265' is unknown"),
        ({"size": '"16"'}, "size: got '16', expected a number of bytes"),
        ({"size": "true"}, "size: got True, expected a number of bytes"),
        ({"size": "-1"}, "size: got -1, expected the number of bytes of an artifact"),
        ({"size": f"0x{'f' * 9000}"}, "size: got a very large number, expected the number"),
        ({"version": "1.2"}, "version: got 1.2, expected a text in quotes"),
        ({"version": "{a = 1}"}, "version: got a table, expected a text in quotes"),
        ({"version": '"1.2"'}, "version '1.2' is not a semantic version"),
        ({"version": '"2.0.0"'}, "version: got '2.0.0', expected one that satisfies ^1.2"),
        ({"selector": '"1.3.0"'}, "version: got '1.2.0', expected 1.3.0"),
        ({"selector": '"1.2.0+a"'}, "version: got '1.2.0', expected 1.2.0+a"),
        ({"selector": '"~>1"'}, "range '~>1' is not valid"),
        ({"project": '"../x"'}, "project '../x' is not a legal name"),
        ({"sha256": '"abc"'}, "sha256 is 'abc', expected 64 hexadecimal digits"),
    ],
)
def test_edited_entry(values: dict[str, object], what: str) -> None:
    """An entry that is wrong is named, with what is there and what was expected."""
    assert what in refused(file_of(entry(**values))).message


def test_entries_that_contradict_each_other() -> None:
    """Digest and size, or two entries, that cannot both be right are named with both lines."""
    other_size = entry(project='"SugarWater"', size="17")
    other_digest = entry(selector='"~1.2"', sha256=f'"{B}"')

    sizes = refused(file_of(entry(), other_size)).message
    digests = refused(file_of(entry(), other_digest)).message
    twice = refused(file_of(entry(), entry())).message

    assert (
        "line 10, SugarWater@^1.2: size: got 17, expected 16, which the same digest has in line 3, "
        "CLI@^1.2" in sizes
    )
    assert f"sha256: got '{B}', expected that of CLI@1.2.0 in line 3, CLI@^1.2, {A}" in digests
    assert "line 10, CLI@^1.2: it is there already, in line 3, CLI@^1.2" in twice


def test_all_problems_at_once() -> None:
    """Everything that is wrong is reported together."""
    message = refused(file_of(entry(size="-1"), entry(version='"x"'))).message

    assert message.startswith("lock file 'my.lock' is not valid:\n  line 3, ")
    assert "\n  line 10, " in message
