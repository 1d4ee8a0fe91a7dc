"""An archive and its members in words, for people."""

from startifact.files.archiving.members import Member
from startifact.files.archiving.selected_members import ArchiveCounts
from startifact.model.tree import MemberType
from startifact.reading.artifact import Artifact


def archive_line(counts: ArchiveCounts, artifact: Artifact) -> str:
    """Return of how many files the archive is, how large these are, and the digest of them."""
    what = "1 file" if counts.files == 1 else f"{counts.files:,} files"
    # What is kept of an earlier staging need not be an archive.
    kind = artifact.archive or "an archive"
    return f"{kind} of {what}, {counts.size:,} bytes" + (
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
