"""What a session does so that versions are not used any more."""

import contextlib
from datetime import UTC, datetime, timedelta

from semver import Version

from startifact.errors import InputError
from startifact.limits import DEFAULT_GRACE
from startifact.model.clock import now
from startifact.model.durations import parse_duration
from startifact.model.keys import check_project
from startifact.model.ranges import Range
from startifact.model.versions import parse_version
from startifact.regions.factory import parse_spec
from startifact.regions.spec import split_list
from startifact.registers.attempt import Author
from startifact.retention.criteria import Criteria
from startifact.retention.plan import Pruning
from startifact.retention.pruning import Pruner
from startifact.retention.yanking import Yanker, Yanking
from startifact.session.base import SessionBase
from startifact.text import quoted


class RetentionMethods(SessionBase):
    """The methods of `Session` that take versions out of use."""

    def yank(self, project: str, version: Version | str, reason: str) -> Yanking:
        """Take *version* of *project* out of the choice of ranges.

        Afterwards no range picks it, and no channel is promoted to it unless that is told to. What
        asks for it by its number, and a channel that points at it, keep working, with a warning.
        Yanking again for the same reason changes nothing.

        Args:
            project: The project's name.
            version: The version, which has to be staged.
            reason: What is wrong with it, in at most 500 characters; everybody who gets it reads
                that.

        Returns:
            What was done, and which channels point at it. In a read-only session, what would be.

        Raises:
            InputError: An argument is not valid, or two regions are one store.
            NotFoundError: There is no such version.
            RemovedError: It was removed.
            SeveralRegionsError: Too few regions answered. Nothing was changed.
            UndeterminedError: It may have been yanked, or not.
        """
        return self._yanker().yank(check_project(project), parse_version(version), reason)

    def unyank(self, project: str, version: Version | str) -> Yanking:
        """Take *version* of *project* back into the choice of ranges.

        Args:
            project: The project's name.
            version: The version, which has to be staged.

        Returns:
            What was done. In a read-only session, what would be.

        Raises:
            InputError, NotFoundError, RemovedError, SeveralRegionsError, UndeterminedError: As
                `yank`.
        """
        return self._yanker().unyank(check_project(project), parse_version(version))

    def prune(
        self,
        project: str,
        *,
        keep_versions: int | None = None,
        keep_prereleases: int | None = None,
        older_than: timedelta | str | None = None,
        version_range: Range | str | None = None,
        grace: timedelta | str = DEFAULT_GRACE,
        yes: bool = False,
    ) -> Pruning:
        """Remove old versions of *project* for good, in two runs.

        A first run marks what is to be removed: ranges pass it over from then on, and whoever asks
        for it by its number is warned. A later run removes what was marked, is still to be removed,
        and is due; and takes back the marks of what is not to be removed any more. In every region
        a tombstone stands in the place of a removed version afterwards, so that its number is never
        used again. A run that was interrupted is taken up by the next one.

        Never removed is what a channel points at or has in its history, and what is not below
        ``latest`` in every region.

        Args:
            project: The project's name.
            keep_versions: How many stable versions stay, the newest. Where neither this nor
                *keep_prereleases* is given, versions of both kinds go by the other conditions;
                where one of them is, versions of the other kind stay.
            keep_prereleases: How many prereleases stay, the newest.
            older_than: How long ago a version was staged first at least, such as ``90d``.
            version_range: The only versions that are looked at, and counted, such as ``<2``.
            grace: How long what this run marks stays at least, such as ``7d``.
            yes: Whether anything is done. Else, and in a read-only session, the result says what
                would be.

        Returns:
            The plan, what was marked, taken back and removed, and what is not complete. It is true
            where nothing is incomplete; else run it again.

        Raises:
            InputError: An argument is not valid, none says what goes, every version would go, two
                regions are one store, or a part of those that are configured was left out.
            NotFoundError: Every region said that there are no versions, or none satisfies
                *version_range*.
            SeveralRegionsError: Too few regions answered to know what may be removed.
            DeadlineError: The time that was allowed has passed; its notes say what was removed.
        """
        if type(yes) is not bool:
            raise InputError(f"yes is {quoted(yes)}, expected True or False")
        criteria = Criteria.of(
            keep_versions=keep_versions,
            keep_prereleases=keep_prereleases,
            older_than=older_than,
            range_=version_range,
        )
        pruner = Pruner(
            regions=self._regions(),
            project=check_project(project),
            criteria=criteria,
            author=Author(moved_by=self._settings.moved_by, now=now),
            now=datetime.now(UTC),
            limits=self._limits,
            dry_run=self._read_only or not yes,
            listed=self._configured_names(),
        )
        return pruner.prune(parse_duration(grace, name="the time of grace"))

    def _configured_names(self) -> list[str]:
        """Return what STARTIFACT_REGIONS names, by this session's spellings where it has them.

        What is no region is left out: it may hold a password.
        """
        own: dict[object, str] = {}
        for region in self._regions():
            with contextlib.suppress(InputError):
                own[parse_spec(region.name).store] = region.name
        names: list[str] = []
        for text in split_list(self._settings.regions or ""):
            with contextlib.suppress(InputError):
                names.append(own.get(parse_spec(text).store, text))
        return names

    def _yanker(self) -> Yanker:
        return Yanker(
            regions=self._regions(),
            moved_by=self._settings.moved_by,
            now=now,
            limits=self._limits,
            dry_run=self._read_only,
        )
