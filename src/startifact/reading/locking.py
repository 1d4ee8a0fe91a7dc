"""Locking: from selectors to the entries of a lock file, and from these back to artifacts."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from startifact.concurrency.deadline import check_deadline
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import (
    ArchivedError,
    InputError,
    IntegrityError,
    NotFoundError,
    StartifactError,
    as_one,
)
from startifact.files.lock_file import read_lock, write_lock
from startifact.hints import Command, Hint, Option
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.keys import Key, artifact_key
from startifact.model.lock_file import (
    DEFAULT_LOCK_FILE,
    Entries,
    EntryKey,
    LockEntry,
    entry_key,
    entry_name,
)
from startifact.model.selectors import Selector, parse_selector
from startifact.reading.artifact import Artifact
from startifact.reading.expected import expected_by
from startifact.reading.outcomes import State
from startifact.text import quoted, quoted_list

logger = logging.getLogger(__name__)

K = TypeVar("K")

Find = Callable[[str, Selector], Artifact]
"""Returns what a selector of a project picks now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockChange:
    """What became of one entry of a lock file."""

    before: LockEntry | None
    """``None`` where there was none."""

    after: LockEntry
    dry_run: bool
    """Whether nothing was written."""

    @property
    def changed(self) -> bool:
        """Whether the entry is new, or has moved on."""
        return self.before != self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFinding:
    """Why one entry of a lock file cannot be had, or could not be checked."""

    entry: LockEntry
    error: StartifactError


@dataclass(frozen=True, slots=True, kw_only=True)
class LockCheck:
    """What a check of a lock file found. It is true where every entry can be had."""

    lock_file: str
    entries: tuple[LockEntry, ...]
    """Those that were checked, by project and then by selector."""

    differences: tuple[LockFinding, ...]
    """Entries whose bytes cannot be had any more."""

    failures: tuple[LockFinding, ...]
    """Entries of which too few regions answered to know."""

    def __bool__(self) -> bool:
        return not self.differences and not self.failures


def locked_entry(
    path: Path, project: str, selector: Selector, *, min_age: object = None
) -> LockEntry:
    """Return what the lock file *path* has for *selector* of *project*.

    Raises:
        InputError: It has no such entry, is no lock file, or there is a *min_age*.
        LocalFileError: It cannot be read.
    """
    if min_age is not None:
        raise InputError(
            "a minimum age is given beside a lock file, which leaves no choice",
            hint="Leave out one of them",
        )
    entries = read_lock(path)
    if (entry := entries.get(entry_key(project, selector))) is not None:
        return entry
    name = entry_name(project, selector)
    others = [str(e) for e in entries.values() if e.project == project]
    projects = sorted({e.project for e in entries.values()})
    there = f"of {project} it has {quoted_list(sorted(others))}"
    if not others:
        there = f"it has {quoted_list(projects)}" if projects else "it is empty"
    raise InputError(
        f"lock file {quoted(str(path))} has no entry for {quoted(name)}: {there}",
        hint=Hint.of(_lock_command(name, path), " adds it; review and commit the file"),
    )


def lock(
    path: Path,
    wanted: Sequence[tuple[str, Selector]],
    find: Find,
    *,
    dry_run: bool,
    limits: Limits,
) -> list[LockChange]:
    """Lock each of *wanted* to what it picks now, in the lock file *path*, which may be absent.

    Raises:
        InputError: It is no lock file.
        LocalFileError: It cannot be read or written.
        IntegrityError: A version has other bytes than another entry has for it, or no digest.
        StartifactError: Something wanted was not found; nothing was written.
    """
    entries = read_lock(path, may_be_absent=True)
    return _lock(path, entries, wanted, find, dry_run=dry_run, limits=limits)


def update(
    path: Path, projects: Sequence[str], find: Find, *, dry_run: bool, limits: Limits
) -> list[LockChange]:
    """Lock every entry of *projects*, by default all, to what it picks now.

    Raises:
        InputError: *path* is no lock file, or has no entry of a project.
        StartifactError: As `lock`.
    """
    entries = read_lock(path)
    wanted = [
        (entry.project, parse_selector(entry.selector))
        for entry in _entries_of(path, entries, projects)
    ]
    return _lock(path, entries, wanted, find, dry_run=dry_run, limits=limits)


def check(path: Path, projects: Sequence[str], find: Find, *, limits: Limits) -> LockCheck:
    """Say whether the bytes of every entry of *projects*, by default of all, can still be had.

    What was yanked or is to be removed can; a warning says so.

    Raises:
        InputError: *path* is no lock file, or has no entry of a project.
        LocalFileError: It cannot be read.
        DeadlineError: The time that was allowed has passed.
    """
    entries = _entries_of(path, read_lock(path), projects)
    versions = {artifact_key(e.project, e.version): (e.project, e.version) for e in entries}
    found = _look_up(versions, find, limits)
    _warn(found.values(), limits)
    differences: list[LockFinding] = []
    failures: list[LockFinding] = []
    for entry in entries:
        key = artifact_key(entry.project, entry.version)
        error = _why_not(path, entry, key, found[key])
        if error is not None:
            # A version that regions disagree about, or one that is gone, can be had no more.
            is_difference = isinstance(error, ArchivedError) or error.exit_code in _CERTAIN
            finding = LockFinding(entry=entry, error=error)
            (differences if is_difference else failures).append(finding)
    return LockCheck(
        lock_file=str(path),
        entries=tuple(entries),
        differences=tuple(differences),
        failures=tuple(failures),
    )


_CERTAIN = frozenset({NotFoundError.exit_code, IntegrityError.exit_code})


def _why_not(
    path: Path, entry: LockEntry, key: Key, found: Artifact | StartifactError
) -> StartifactError | None:
    """Return why the bytes of *entry* cannot be had, by what was *found*."""
    if isinstance(found, StartifactError):
        return found
    try:
        expected_by(entry, path).check(key, found.downloader._record)
    except IntegrityError as e:
        return e
    outcomes = found.downloader.outcomes()
    archived = [o.region for o in outcomes if o.state is State.ARCHIVED]
    if archived and not any(o.state is State.PRESENT for o in outcomes):
        return ArchivedError(f"{key} is only in an archive, in {', '.join(archived)}")
    return None


def _lock(
    path: Path,
    entries: Entries,
    wanted: Sequence[tuple[str, Selector]],
    find: Find,
    *,
    dry_run: bool,
    limits: Limits,
) -> list[LockChange]:
    unique = {entry_key(*one): one for one in wanted}
    found = _look_up(unique, find, limits)
    _warn(found.values(), limits)
    after = dict(entries)
    errors: list[StartifactError] = []
    for key, artifact in found.items():
        try:
            after[key] = _entry_of(key, artifact, after.values(), path)
        except StartifactError as e:
            errors.append(e)
    if errors:
        error = as_one(errors)
        error.add_note(f"{quoted(str(path))} was not changed")
        raise error
    if after != entries and not dry_run:
        write_lock(path, after.values())
    return [
        LockChange(before=entries.get(key), after=after[key], dry_run=dry_run)
        for key in sorted(unique)
    ]


def _warn(found: Iterable[Artifact | StartifactError], limits: Limits) -> None:
    """Warn of each version that was *found* and yanked, or is to be removed, in a line."""
    warnings = {
        str(artifact): "; ".join(texts)
        for artifact in found
        if isinstance(artifact, Artifact) and (texts := artifact.downloader._mark.warnings())
    }
    for text in list(warnings.values())[: limits.lock_warnings]:
        logger.warning("%s", text)
    if (more := len(warnings) - limits.lock_warnings) > 0:
        logger.warning(
            "%d more versions were yanked or are to be removed, or that is not known", more
        )


def _entry_of(
    key: EntryKey, found: Artifact | StartifactError, others: Iterable[LockEntry], path: Path
) -> LockEntry:
    """Return the entry for what was *found*, which no other entry contradicts."""
    if isinstance(found, StartifactError):
        raise found
    project, selector = key
    artifact = artifact_key(project, found.version)
    if not found.sha256:
        raise IntegrityError(
            f"{artifact} has no recorded digest, as the first Startifact staged it, so it cannot "
            "be locked",
            hint="Stage it again as another version",
        )
    for other in others:
        if artifact_key(other.project, other.version) == artifact:
            expected_by(other, path).check(artifact, found.downloader._record)
    return LockEntry(
        project=project,
        selector=selector,
        version=found.version,
        sha256=found.sha256,
        size=found.size,
    )


def _entries_of(path: Path, entries: Entries, projects: Sequence[str]) -> list[LockEntry]:
    """Return the entries of *projects*, by default all, in their order.

    Raises:
        InputError: There is none of a project.
    """
    there = {entry.project for entry in entries.values()}
    if absent := sorted(set(projects) - there):
        has = f"it has {quoted_list(sorted(there))}" if there else "it is empty"
        name = f"{absent[0]}@SELECTOR"
        raise InputError(
            f"lock file {quoted(str(path))} has no entry of {quoted_list(absent)}: {has}",
            hint=Hint.of(_lock_command(name, path), " adds one"),
        )
    return [entries[key] for key in sorted(entries) if not projects or key[0] in projects]


def _lock_command(target: str, path: Path) -> Command:
    named = str(path) != DEFAULT_LOCK_FILE
    return Command("lock", target, (Option("lock-file", str(path)),) if named else ())


def _look_up(
    wanted: Mapping[K, tuple[str, Selector]], find: Find, limits: Limits
) -> dict[K, Artifact | StartifactError]:
    """Return what each of *wanted* picks now, or why that is not known, several at a time."""
    found: dict[K, Artifact | StartifactError] = {}

    def look_up(key: K, project: str, selector: Selector) -> None:
        try:
            found[key] = artifact = find(project, selector)
        except StartifactError as e:
            found[key] = e
        else:
            artifact.downloader._mark.ask()  # here, where others are asked meanwhile

    jobs = (partial(look_up, key, *one) for key, one in wanted.items())
    run_in_pool(jobs, workers=limits.lock_workers, limits=limits, check=check_deadline)
    return {key: found[key] for key in wanted}
