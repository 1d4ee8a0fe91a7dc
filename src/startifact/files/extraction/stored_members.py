"""What an archive says of one member, whichever kind of archive it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class StoredMemberType(StrEnum):
    """What a member is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMBOLIC_LINK = "symbolic link"
    HARD_LINK = "hard link"
    OTHER = "other"
    """What is never extracted; `StoredMember.trouble` says what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMember:
    """One member, while the archive is read at it."""

    name: str
    """As the archive has it."""

    type: StoredMemberType
    size: int = 0
    mode: int = 0
    target: str = ""
    """What a link leads to."""

    header_size: int = 0
    """How many bytes beside the usual the archive says about it before its content."""

    trouble: str | None = None
    """Why it cannot be extracted, behind its name."""

    is_unsafe: bool = True
    """Whether that is because it would do harm, and not only because it is not supported."""

    refusal: Callable[[], str | None] = lambda: None
    """Returns the same as the standard library judges it; to be asked where nothing else is."""

    read: Callable[[], Iterator[bytes]] = lambda: iter(())
    """Returns the content in blocks. To be called before the next member is asked for."""

    @property
    def is_executable(self) -> bool:
        """Whether its owner may run it."""
        return self.mode & 0o100 != 0
