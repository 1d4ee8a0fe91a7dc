"""What is known of the members of an archive, on disk: memory does not grow with their number."""

import marshal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from startifact.errors import LocalFileError
from startifact.limits import MEMBER_TABLES_RECENT

if TYPE_CHECKING:
    import sqlite3


class MemberTables:
    """Tables in a database of their own, to be closed once they are not needed any more.

    SQLite keeps it in its temporary folder (``TMPDIR``, or else /var/tmp) as soon as its cache of
    about 2 MB is full, in a file without a name: nothing of it is left, also not by a process that
    is killed. See "Temporary Files Used By SQLite" in its documentation.

    Raises:
        LocalFileError: This Python has no SQLite.
    """

    def __init__(self) -> None:
        try:
            import sqlite3  # only here: one file, which most artifacts are, needs none
        except ImportError as e:
            raise LocalFileError(
                f"this Python has no SQLite, which archives need: {e}",
                hint="Use another Python, or build this one again where the headers of SQLite are",
            ) from e
        self._database = sqlite3.connect("", isolation_level=None)
        # Whoever would have to put right what was half written has ended with it.
        for setting in ("journal_mode = OFF", "synchronous = OFF"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute("BEGIN")
        self._errors = sqlite3.Error
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def table(self) -> "MemberTable":
        """Return a new table, which is empty."""
        self._count += 1
        return MemberTable(self._database, f"table_{self._count}", self._errors)


class MemberTable:
    """Plain values by texts, such as facts of members by their paths.

    Raises:
        LocalFileError: There is no room for them; from every method.
    """

    def __init__(self, database: "sqlite3.Connection", name: str, errors: type[Exception]) -> None:
        self._database = database
        self._errors = errors
        self._length = 0
        self._recent: dict[str, Any] = {}
        """A few that were asked for, or added, last: folders are, for each member in them."""
        self._insert = f"INSERT OR IGNORE INTO {name} VALUES (?, ?)"
        self._select = f"SELECT value FROM {name} WHERE key = ?"
        self._all = f"SELECT key, value FROM {name} ORDER BY key"
        self._first = f"SELECT key, value FROM {name} ORDER BY key LIMIT 1"
        self._last = f"SELECT key, value FROM {name} ORDER BY key DESC LIMIT 1"
        self._delete = f"DELETE FROM {name} WHERE key = ?"
        self._execute(
            f"CREATE TABLE {name} (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
        )

    def __len__(self) -> int:
        return self._length

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def add(self, key: str, value: Any) -> bool:
        """Add *value*, which is not ``None``, under *key*; return whether there was none before."""
        if self._recent.get(key) is not None:
            return False
        done = self._execute(self._insert, _encoded(key), marshal.dumps(value))
        if done.rowcount < 1:
            return False
        self._length += 1
        self._keep(key, value)
        return True

    def append(self, value: Any) -> None:
        """Add *value* behind all others, to a table with nothing else in it."""
        self.add(f"{self._length:020}", value)

    def get(self, key: str) -> Any:
        """Return what is under *key*; ``None`` for nothing."""
        if key in self._recent:
            return self._recent[key]
        row = self._execute(self._select, _encoded(key)).fetchone()
        value = None if row is None else _value_of(row[0])
        self._keep(key, value)
        return value

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield every key and what is under it, sorted by the bytes of the keys in UTF-8."""
        for key, value in self._rows():
            yield _decoded(key), _value_of(value)

    def values(self) -> Iterator[Any]:
        """Yield what is under the keys, sorted by these."""
        yield from (_value_of(value) for _, value in self._rows())

    def pop(self) -> Any:
        """Remove what is under the last key, and return it; ``None`` where there is nothing."""
        item = self._take(self._last)
        return None if item is None else item[1]

    def pop_first(self) -> tuple[str, Any] | None:
        """Remove the first key, and return it and what was under it; ``None`` where none is."""
        return self._take(self._first)

    def _take(self, statement: str) -> tuple[str, Any] | None:
        row = self._execute(statement).fetchone()
        if row is None:
            return None
        self._execute(self._delete, row[0])
        self._length -= 1
        key = _decoded(row[0])
        self._recent.pop(key, None)
        return key, _value_of(row[1])

    def _execute(self, statement: str, *values: bytes) -> "sqlite3.Cursor":
        try:
            return self._database.execute(statement, values)
        except self._errors as e:
            raise _no_room(e) from e

    def _rows(self) -> Iterator[tuple[bytes, bytes]]:
        try:
            yield from self._database.execute(self._all)
        except self._errors as e:  # what is in the cache has to go to the disk for what is read
            raise _no_room(e) from e

    def _keep(self, key: str, value: Any) -> None:
        if len(self._recent) >= MEMBER_TABLES_RECENT:
            self._recent.clear()
        self._recent[key] = value


def _no_room(error: Exception) -> LocalFileError:
    return LocalFileError(
        f"cannot keep on disk what is known of the members: {error}",
        hint="Let TMPDIR name a folder that has room, and may be written to",
    )


def _encoded(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")  # names need not be UTF-8


def _decoded(key: bytes) -> str:
    return key.decode("utf-8", "surrogatepass")


def _value_of(data: bytes) -> Any:
    return marshal.loads(data)  # noqa: S302  # this process alone has written it
