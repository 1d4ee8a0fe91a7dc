"""The members of an archive that would be staged: for the log, and for the job summary."""

from collections.abc import Sequence

from startifact.action.markdown import Lines, code, table
from startifact.commands.archives import size_or_target
from startifact.files.archiving.members import Member
from startifact.limits import SUMMARY_MEMBERS
from startifact.reading.artifact import Artifact
from startifact.staging.outcomes import Staging


def archive_facts(artifact: Artifact) -> list[tuple[str, str | None]]:
    """Return what is recorded of an archive that was made, with labels."""
    return [("Archive", artifact.archive), ("Tree", artifact.tree)]


def member_lines(staging: Staging) -> list[str]:
    """Return the members of what a dry run would stage, as many as a log should have."""
    members = staging.members
    lines = [f"{member.path}: {size_or_target(member)}" for member in members[:SUMMARY_MEMBERS]]
    return [*lines, *_more(members)]


def members_summary(members: Sequence[Member]) -> Lines:
    """Return *members* as a table, as many as a summary should have."""
    if not members:
        return []
    rows = [(code(m.path), code(size_or_target(m))) for m in members[:SUMMARY_MEMBERS]]
    return table(("In the archive", ""), rows) + [f"{line}\n\n" for line in _more(members)]


def _more(members: Sequence[Member]) -> list[str]:
    more = len(members) - SUMMARY_MEMBERS
    return [f"and {more:,} more"] if more > 0 else []
