"""An archive and its members in words, for people."""

from collections.abc import Sequence

from startifact.files.archiving.members import Member
from startifact.model.tree import MemberType
from startifact.reading.artifact import Artifact


def archive_line(members: Sequence[Member], artifact: Artifact) -> str:
    """Return of how many files the archive is, how large these are, and the digest of them."""
    files = [member for member in members if member.type is MemberType.FILE]
    what = "1 file" if len(files) == 1 else f"{len(files):,} files"
    size = sum(member.size for member in files)
    # What is kept of an earlier staging need not be an archive.
    kind = artifact.archive or "an archive"
    return f"{kind} of {what}, {size:,} bytes" + (
        f", tree {artifact.tree}" if artifact.tree else ""
    )


def size_or_target(member: Member) -> str:
    """Return how large a file is, or what else a member is."""
    match member.type:
        case MemberType.FILE:
            return f"{member.size:,} bytes" + (", executable" if member.is_executable else "")
        case MemberType.DIRECTORY:
            return "directory"
        case MemberType.LINK:
            return f"link to {member.target}"
