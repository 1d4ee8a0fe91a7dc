"""What a session does with lock files: write their entries, move them on, and check them."""

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path

from semver import Version

from startifact.model.durations import parse_duration
from startifact.model.keys import LATEST, check_project
from startifact.model.lock_file import DEFAULT_LOCK_FILE
from startifact.model.ranges import Range
from startifact.model.selectors import Selector
from startifact.reading.artifact import Artifact
from startifact.reading.locking import LockChange, LockCheck, check, lock, update
from startifact.session.base import SessionBase, selector_of


class LockMethods(SessionBase):
    """The methods of `Session` that are about lock files."""

    def lock(
        self,
        project: str,
        selector: Version | Range | str | None = None,
        *,
        lock_file: str | Path = DEFAULT_LOCK_FILE,
        min_age: timedelta | str | None = None,
    ) -> LockChange:
        """Record in *lock_file* which bytes *selector* of *project* picks now.

        Afterwards `get` with that file brings exactly these bytes for the same selector. An entry
        that there is already is moved on; the file is made where there is none. A version that was
        yanked or is to be removed is locked all the same, with a warning.

        Args:
            project: The project's name.
            selector: An exact version, a channel or a range, as in `get`; without it ``latest``.
                The entry is found by it again, as it is written.
            lock_file: The file, which is made to be committed and reviewed.
            min_age: How long ago what a range picks has to have been staged at least, as in `get`.

        Returns:
            The entry before and after. In a read-only session, what would be.

        Raises:
            InputError: An argument is not valid, or *lock_file* is no lock file.
            LocalFileError: It cannot be read or written.
            IntegrityError: The version has no recorded digest, or other bytes than when it was
                locked.
            NotFoundError, SeveralRegionsError: As `get`. Nothing was written.
        """
        return self.lock_all([(project, selector)], lock_file=lock_file, min_age=min_age)[0]

    def lock_all(
        self,
        wanted: Iterable[tuple[str, Version | Range | str | None]],
        *,
        lock_file: str | Path = DEFAULT_LOCK_FILE,
        min_age: timedelta | str | None = None,
    ) -> list[LockChange]:
        """Do what `lock` does for each project and selector of *wanted*, or for none of them.

        Args:
            wanted: Projects, each with a selector or ``None`` for ``latest``.
            lock_file: The file.
            min_age: As in `lock`.

        Returns:
            Each entry before and after, by project and then by selector.

        Raises:
            StartifactError: As `lock`; of several it says what all of them say.
        """
        checked = [
            (check_project(project), selector_of(LATEST if selector is None else selector))
            for project, selector in wanted
        ]
        find = partial(self._find, min_age=min_age, asks_mark=True)
        return lock(Path(lock_file), checked, find, dry_run=self._read_only, limits=self._limits)

    def update_lock(
        self,
        *projects: str,
        lock_file: str | Path = DEFAULT_LOCK_FILE,
        min_age: timedelta | str | None = None,
    ) -> list[LockChange]:
        """Move every entry of *projects*, or of all, to what its selector picks now, or none.

        Args:
            projects: The projects; without any, all that *lock_file* has.
            lock_file: The file.
            min_age: As in `lock`, for those entries whose selector is a range.

        Returns:
            Each entry before and after, by project and then by selector. In a read-only session,
            what would be.

        Raises:
            InputError: *lock_file* is no lock file, or has no entry of a project.
            StartifactError: As `lock`; of several it says what all of them say.
        """
        names = [check_project(project) for project in projects]
        age = None if min_age is None else parse_duration(min_age)

        def find(project: str, selector: Selector) -> Artifact:
            # Nobody has named the others here, so they are no mistake.
            of_range = age if isinstance(selector, Range) else None
            return self._find(project, selector, min_age=of_range, asks_mark=True)

        return update(Path(lock_file), names, find, dry_run=self._read_only, limits=self._limits)

    def check_lock(self, *projects: str, lock_file: str | Path = DEFAULT_LOCK_FILE) -> LockCheck:
        """Say whether the bytes of every entry of *projects*, or of all, can still be had.

        Selectors are not looked at: it is the exact version of each entry whose recorded digest and
        size are compared. Nothing is downloaded, and nothing written. A version that was yanked or
        is to be removed can still be had, and is warned of.

        Args:
            projects: The projects; without any, all that *lock_file* has.
            lock_file: The file.

        Returns:
            What was checked, and why an entry cannot be had. It is true where all can.

        Raises:
            InputError: *lock_file* is no lock file, or has no entry of a project.
            LocalFileError: It cannot be read.
        """
        names = [check_project(project) for project in projects]
        find = partial(self._find, asks_mark=True)
        return check(Path(lock_file), names, find, limits=self._limits)
