"""The bytes that somebody expects of an artifact, whatever is recorded in regions."""

from startifact.errors import EditedEntryError, IntegrityError
from startifact.hints import Command, Hint
from startifact.lazy_dataclasses import dataclass
from startifact.model.keys import Key
from startifact.model.lock_file import LockEntry
from startifact.model.record import Record
from startifact.text import quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedBytes:
    """The SHA-256 that bytes have to have, and their size where it is known."""

    sha256: str
    size: int | None = None
    source: str = ""
    """What says so, to go on after the digest, such as ``in 'startifact.lock'``."""

    def check(self, key: Key, record: Record) -> None:
        """Return when *record* is that of these bytes.

        Raises:
            IntegrityError: It has another digest, another size, or no digest.
        """
        expected = f"expected sha256:{self.sha256}{self.source}"
        ask = Hint.of(
            "A staged version never changes: find out who has replaced it, or whether the digest "
            "is another one's; ", Command("info", key), " shows who staged it",
        )  # fmt: skip
        if record.sha256 != self.sha256:
            raise IntegrityError(f"{key}: got {record.digest}, {expected}", hint=ask)
        if self.size is not None and record.size != self.size:
            raise EditedEntryError(
                f"{key}: got {record.size:,} bytes, expected {self.size:,}{self.source}, which has "
                "the same digest",
                hint="Digest and size disagree, so somebody has edited it: take the file back from "
                "version control",
            )


def expected_by(entry: LockEntry, path: object) -> ExpectedBytes:
    """Return what *entry* of the lock file *path* expects."""
    source = f" as {entry} is locked in {quoted(str(path))}"
    return ExpectedBytes(sha256=entry.sha256, size=entry.size, source=source)
