"""What the command lock does, and what it results in."""

from pathlib import Path

from startifact.commands.inputs import LockInputs
from startifact.errors import (
    ArchivedError,
    DifferencesError,
    EditedEntryError,
    InputError,
    StartifactError,
    as_one,
)
from startifact.hints import Command, Hint, Option, Words, join
from startifact.lazy_dataclasses import dataclass
from startifact.model.keys import artifact_key
from startifact.model.lock_file import DEFAULT_LOCK_FILE, LockEntry
from startifact.reading.locking import LockChange, LockCheck, LockFinding
from startifact.report import facts_of_error
from startifact.session import Session
from startifact.text import escape_nonprintable, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class LockResult:
    """What became of entries of a lock file."""

    lock_file: str
    changes: tuple[LockChange, ...]
    dry_run: bool

    def output(self) -> list[str]:
        """Return the artifact of each entry, for programs."""
        return [artifact_key(c.after.project, c.after.version) for c in self.changes]

    def lines(self) -> list[str]:
        """Return what was done, for people."""
        changed = [_change(change) for change in self.changes if change.changed]
        name = quoted(self.lock_file)
        if not changed:
            return [f"{name} is up to date: {_count(len(self.changes), 'entry', 'entries')}"]
        rest = len(self.changes) - len(changed)
        first = f"dry run, nothing is written: {name}" if self.dry_run else f"{name}:"
        more = [f"  {_count(rest, 'entry is', 'entries are')} as before"] if rest else []
        return [first, *(f"  {line}" for line in changed), *more]

    def facts(self, _: Words) -> dict[str, object]:
        """Return what this reports to programs."""
        return {
            "lock-file": self.lock_file,
            "dry-run": self.dry_run,
            "entries": [
                {
                    **_facts(change.after),
                    "previous": None if change.before is None else str(change.before.version),
                    "changed": change.changed,
                }
                for change in self.changes
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LockCheckResult:
    """Whether the entries of a lock file can still be had."""

    check: LockCheck

    def errors(self, *, in_full: bool = False) -> tuple[StartifactError, ...]:
        """Return what keeps it from success: what cannot be had, and what is not known.

        Entries that cannot be had are counted; *in_full* the error says which they are.
        """
        failures = [_named(finding) for finding in self.check.failures]
        unknown = (as_one(failures),) if failures else ()
        if not (differences := self.check.differences):
            return unknown
        archived = [isinstance(d.error, ArchivedError) for d in differences]
        return (
            DifferencesError(
                len(differences),
                target=self.check.lock_file,
                lines=self.output() if in_full else (),
                archived=archived,
                hint=self._hint(),
            ),
            *unknown,
        )

    def _hint(self) -> Hint | None:
        """Return what to do about entries that were edited, and about what is not there any more.

        What is in an archive has a hint of its own.
        """
        name = self.check.lock_file
        options = (Option("lock-file", name),) if name != DEFAULT_LOCK_FILE else ()
        edited, gone = [], []
        for difference in self.check.differences:
            if isinstance(difference.error, EditedEntryError):
                edited.append(difference.error.next_step)
            elif not isinstance(difference.error, ArchivedError):
                gone.append(difference.entry)
        hints = [
            Hint.of(
                "A staged version never changes: find out who has replaced or removed it; ",
                Command("lock", f"{entry}", options),
                " moves such an entry on where its selector picks another version now",
            )
            for entry in gone[:1]
        ]
        return join([*edited, *hints])

    def output(self) -> list[str]:
        """Return a line for each entry that cannot be had, for programs."""
        said = (f"{d.entry}: {d.error.message}" for d in self.check.differences)
        return [escape_nonprintable(" ".join(text.split("\n"))) for text in said]

    def lines(self) -> list[str]:
        """Return what was found, for people, in short."""
        check = self.check
        count = _count(len(check.entries), "entry", "entries")
        unknown = _count(len(check.failures), "is", "are")
        found = [f"{len(check.differences)} cannot be had"] if check.differences else []
        found += [f"{unknown} not known"] if check.failures else []
        said = ", ".join(found) or "all can be had"
        return [f"{quoted(check.lock_file)}: {count} checked, {said}"]

    def facts(self, words: Words) -> dict[str, object]:
        """Return what this reports to programs, hints in their *words*."""
        return {
            "lock-file": self.check.lock_file,
            "entries": [_facts(entry) for entry in self.check.entries],
            "differences": [_facts_of_finding(d, words) for d in self.check.differences],
            "failures": [_facts_of_finding(f, words) for f in self.check.failures],
        }


def run_lock(inputs: LockInputs, session: Session) -> LockResult | LockCheckResult:
    """Do what *inputs* say.

    Raises:
        InputError: They contradict each other, or do not say what to do.
        StartifactError: It did not succeed; nothing was written.
    """
    _check(inputs, dry_run=session.read_only)
    path, age = Path(inputs.path), inputs.min_age
    if inputs.check:
        return LockCheckResult(check=session.check_lock(*inputs.entries, lock_file=path))
    if inputs.update:
        changes = session.update_lock(*inputs.entries, lock_file=path, min_age=age)
    else:
        changes = session.lock_all(map(split_entry, inputs.entries), lock_file=path, min_age=age)
    return LockResult(lock_file=str(path), changes=tuple(changes), dry_run=session.read_only)


def _check(inputs: LockInputs, *, dry_run: bool) -> None:
    if inputs.update and inputs.check:
        raise InputError(
            "update and check are both given, and only one can be done",
            hint="Leave one of them out",
        )
    if inputs.check and dry_run:
        raise InputError(
            "a dry run is asked for to check a lock file, which writes nothing anyway",
            hint=Hint.of("Leave out ", Option("dry-run")),
        )
    if inputs.check and inputs.min_age is not None:
        raise InputError(
            "a minimum age is given to check a lock file, for which no version is chosen",
            hint=Hint.of("Leave out ", Option("min-age")),
        )
    if not inputs.entries and not inputs.update and not inputs.check:
        raise InputError("nothing is named to lock", hint=_NAME_SOMETHING)
    selective = [entry for entry in inputs.entries if "@" in entry]
    if selective and (inputs.update or inputs.check):
        option = "update" if inputs.update else "check"
        hint = Hint.of(Command("lock", selective[0]), " moves one entry on")
        raise InputError(
            f"{quoted(selective[0])} has a selector, and {option} takes the names of projects",
            hint=hint if inputs.update else "Leave out what begins with the @",
        )


_NAME_SOMETHING = Hint.of(
    "To add an entry or move it on, ", Command("lock", "PROJECT@SELECTOR"),
    "; to move all on, ", Command("lock", options=(Option("update", "true"),)),
    "; to check them, ", Command("lock", options=(Option("check", "true"),)),
)  # fmt: skip


def split_entry(text: str) -> tuple[str, str | None]:
    """Return the project that *text* names, and the selector, ``None`` where there is no ``@``."""
    project, at, selector = text.partition("@")
    return project, selector if at else None


def _named(finding: LockFinding) -> StartifactError:
    error = StartifactError(
        f"{finding.entry}: {finding.error.message}", hint=finding.error.next_step
    )
    error.exit_code = finding.error.exit_code
    return error


def _change(change: LockChange) -> str:
    after = change.after
    new = f"{after.version}, sha256:{after.sha256}, {after.size:,} bytes"
    return (
        f"{after}: {new}" if change.before is None else f"{after}: {change.before.version} -> {new}"
    )


def _facts(entry: LockEntry) -> dict[str, object]:
    return {
        "project": entry.project,
        "selector": entry.selector,
        "version": str(entry.version),
        "sha256": entry.sha256,
        "size": entry.size,
    }


def _facts_of_finding(finding: LockFinding, words: Words) -> dict[str, object]:
    return {
        **_facts(finding.entry),
        "key": artifact_key(finding.entry.project, finding.entry.version),
        "message": finding.error.message,
        "error": facts_of_error(finding.error, words)["error"],
    }


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
