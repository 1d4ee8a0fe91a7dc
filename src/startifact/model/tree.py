"""Archives that Startifact makes: their kinds, and the digest of the files in them.

The digest does not depend on who compresses: an archive that was made again of the same files is
the same content, whatever its bytes are. How it is encoded is a part of the storage format.
"""

import hashlib
import json
from enum import StrEnum


class ArchiveKind(StrEnum):
    """The archives that a staging makes of several files."""

    TAR_GZ = "tar.gz"
    """Keeps links, and the bit that says a file can be executed."""

    ZIP = "zip"
    """For AWS Lambda and for Windows; links are refused."""


class MemberType(StrEnum):
    """What a member of an archive is."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"


FILE_MODE, EXECUTABLE_MODE = 0o644, 0o755
"""The two modes that files of an archive have; directories have the second."""


_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), sort_keys=True)


class TreeDigest:
    """The digest of a list of members, which are added one by one in the order of their paths.

    It is the SHA-256 of one line for each: an ASCII JSON object without spaces, its keys sorted,
    and a newline. Paths have slashes between their parts and none at their end.
    """

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    def add_file(self, path: str, *, mode: int, size: int, sha256: str) -> None:
        """Add a file whose bytes have *sha256*, in lower-case hexadecimal."""
        self._add(MemberType.FILE, path, mode=f"{mode:04o}", sha256=sha256, size=size)

    def add_directory(self, path: str) -> None:
        """Add a directory; what is in it is added by itself."""
        self._add(MemberType.DIRECTORY, path, mode=f"{EXECUTABLE_MODE:04o}")

    def add_link(self, path: str, *, target: str) -> None:
        """Add a symbolic link with the text that it has."""
        self._add(MemberType.LINK, path, target=target)

    def _add(self, type_: MemberType, path: str, **facts: object) -> None:
        member = {"path": path, "type": type_.value, **facts}
        self._sha256.update(_ENCODER.encode(member).encode() + b"\n")

    def hexdigest(self) -> str:
        """Return the digest of all that was added, in lower-case hexadecimal."""
        return self._sha256.hexdigest()
