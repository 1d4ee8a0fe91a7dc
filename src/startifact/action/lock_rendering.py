"""Lock files in the job summary: what became of their entries, and which cannot be had."""

from collections.abc import Iterable

from startifact.action.markdown import Lines, Mark, code, heading, long_table, mark_of
from startifact.commands.lock import LockCheckResult, LockResult
from startifact.reading.locking import LockFinding

_ENTRIES = ("Entry", "Before", "Version", "SHA-256", "Bytes")


def lock_summary(result: LockResult) -> Lines:
    """Return the summary of entries that were added or moved on."""
    changed = [change for change in result.changes if change.changed]
    what = "is up to date"
    if changed:
        what = "would be changed (dry run)" if result.dry_run else "was changed"
    rows = [
        (
            code(str(change.after)),
            "" if change.before is None else code(str(change.before.version)),
            code(str(change.after.version)),
            code(change.after.sha256),
            f"{change.after.size:,}",
        )
        for change in changed
    ]
    lines = [heading(Mark.SUCCEEDED, f"{code(result.lock_file)} {what}")]
    lines += long_table(_ENTRIES, rows, "entries")
    if rest := len(result.changes) - len(changed):
        lines.append(f"{rest:,} {'entry is' if rest == 1 else 'entries are'} as before.\n\n")
    return lines


def check_summary(result: LockCheckResult, ending: Lines) -> Lines:
    """Return the summary of a check of entries; *ending* says how the step ended."""
    check = result.check
    count = len(check.entries)
    what = "all entries can be had" if check else "not all entries are known to be there"
    what = "not all entries can be had" if check.differences else what
    checked = f"{count:,} {'entry was' if count == 1 else 'entries were'} checked.\n\n"
    rows = [
        *_findings("cannot be had", check.differences),
        *_findings("is not known", check.failures),
    ]
    return [
        heading(mark_of(failed=not check), f"{code(check.lock_file)}: {what}"),
        *ending,
        *long_table(("Entry", "Version", "State", "Why"), rows, "entries"),
        checked,
    ]


def _findings(state: str, findings: Iterable[LockFinding]) -> list[tuple[str, ...]]:
    return [
        (code(str(f.entry)), code(str(f.entry.version)), state, code(f.error.message))
        for f in findings
    ]
