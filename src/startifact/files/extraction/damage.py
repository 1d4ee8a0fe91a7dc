"""What is said of an archive that is damaged, whichever kind it is."""

from startifact.errors import ArchiveError

_HINT = (
    "It has the bytes that were staged: make the archive again, and stage that as another version"
)


def damaged(name: str, kind: str, what: str) -> ArchiveError:
    """Return the error that *name*, which is of *kind*, is damaged, and in *what* way."""
    return ArchiveError(f"{name} is a damaged {kind}: {what}", hint=_HINT)
