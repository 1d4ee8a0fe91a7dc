"""Tables on disk of what is known of the members of an archive."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from startifact.files.member_tables import MemberTables


@pytest.fixture
def tables() -> Iterator[MemberTables]:
    with MemberTables() as opened:
        yield opened


def test_sorted(tables: MemberTables) -> None:
    """Entries come by the bytes of their keys in UTF-8, whatever characters these have."""
    table = tables.table()
    keys = ["b", "a/b", "a-b", "a", "\U0001f4e6", "ä", "\uffff", "\udce4", ""]

    added = [table.add(key, (key, number)) for number, key in enumerate(keys)]

    assert added == [True] * len(keys)
    assert [key for key, _ in table.items()] == sorted(keys)
    assert list(table.values()) == [value for _, value in table.items()]
    assert table.get("ä") == ("ä", 5)
    assert "\udce4" in table


def test_the_first_value_counts(tables: MemberTables) -> None:
    """What is under a key stays, and another table does not have it."""
    table = tables.table()
    table.add("a", 1)

    assert not table.add("a", 2)

    assert (table.get("a"), table.get("b"), len(table)) == (1, None, 1)
    assert (tables.table().get("a"), len(tables.table())) == (None, 0)


def test_last_first(tables: MemberTables) -> None:
    """What was appended last comes back first, also where more is appended meanwhile."""
    table = tables.table()
    for number in range(12):
        table.append(number)
    taken = [table.pop(), table.pop()]
    table.append(100)

    while (value := table.pop()) is not None:
        taken.append(value)

    assert taken == [11, 10, 100, *range(9, -1, -1)]
    assert len(table) == 0


def test_first_first(tables: MemberTables) -> None:
    """What has the lowest key comes first, also of what is added meanwhile."""
    table = tables.table()
    for key in ("c", "a", "b"):
        table.add(key, value=key == "b")
    taken = [table.pop_first()]
    table.add("a/a", value=True)

    while (item := table.pop_first()) is not None:
        taken.append(item)

    assert taken == [("a", False), ("a/a", True), ("b", True), ("c", False)]
    assert "a" not in table


def test_more_than_the_cache(tables: MemberTables) -> None:
    """Megabytes are as a few are."""
    table, other = tables.table(), tables.table()
    value = "x" * 1000

    for number in range(5000):
        assert table.add(f"{number * 7919 % 5000:04}", (number, value))
        other.append(number)

    assert [key for key, _ in table.items()] == [f"{number:04}" for number in range(5000)]
    assert table.get("0000") == (0, value)
    assert sum(other.values()) == sum(range(5000))


FILES = """
import os, sys
from startifact.files.member_tables import MemberTables
with MemberTables() as tables:
    table = tables.table()
    for number in range(5000):
        table.append("x" * 1000)
    files = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in range(3, 20)]
    print(any(file.startswith(sys.argv[1]) for file in files), os.listdir(sys.argv[1]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_file_has_no_name(tmp_path: Path) -> None:
    """It is in the temporary folder, where nothing can be left of it."""
    done = subprocess.run(
        [sys.executable, "-c", FILES, str(tmp_path)],
        env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout == "True []\n"


FULL = """
import resource
from startifact.errors import LocalFileError
from startifact.files.member_tables import MemberTables
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
with MemberTables() as tables:
    table = tables.table()
    try:
        for number in range(10_000):
            table.append("x" * 1000)
    except LocalFileError as e:
        print(e.message, e.hint, sep=chr(10))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of a file")
def test_no_room() -> None:
    """Where the file cannot grow, that is an error of ours, and says what to do."""
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, check=False)

    message, hint = done.stdout.splitlines()
    assert message.startswith("cannot keep on disk what is known of the members: ")
    assert hint == "Let TMPDIR name a folder that has room, and may be written to"


WITHOUT = """
import sys
sys.modules["_sqlite3"] = None
from startifact.cli import main
sys.exit(main(["stage", "SugarWater@1.0.0", ".", "--regions", "file:region"]))
"""


def test_python_without_sqlite(tmp_path: Path) -> None:
    """A Python that was built without it says so, and what to do, where an archive is made."""
    (tmp_path / "a").write_text("a")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 9
    assert done.stderr.startswith("error: this Python has no SQLite, which archives need: ")
    assert "hint: Use another Python, or build this one again" in done.stderr
