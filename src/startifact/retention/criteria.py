"""Which versions a prune may take, by their numbers and their age alone."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Self

from semver import Version

from startifact.errors import InputError
from startifact.hints import Hint, Option
from startifact.lazy_dataclasses import dataclass
from startifact.model.durations import parse_duration
from startifact.model.ranges import Range
from startifact.model.selectors import parse_range
from startifact.text import no_number


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What is said of the versions to remove: one that meets all of it may go.

    Where only one of the two numbers is given, versions of the other kind stay.
    """

    keep_versions: int | None = None
    """How many stable versions stay, the newest."""

    keep_prereleases: int | None = None
    """How many prereleases stay, the newest."""

    older_than: timedelta | None = None
    """How long ago a version was staged first at least."""

    range: Range | None = None
    """The only versions that are looked at, and counted."""

    @classmethod
    def of(
        cls,
        *,
        keep_versions: int | None,
        keep_prereleases: int | None,
        older_than: timedelta | str | None,
        range_: Range | str | None,
    ) -> Self:
        """Return the criteria that are given.

        Raises:
            InputError: One is not valid, or there are none.
        """
        if (keep_versions, keep_prereleases, older_than, range_) == (None, None, None, None):
            raise InputError(
                "nothing says which versions are to be removed",
                hint=Hint.of(
                    "Give ", Option("keep-versions"), ", ", Option("keep-prereleases"), ", ",
                    Option("older-than"), " or ", Option("range"),
                ),
            )  # fmt: skip
        return cls(
            keep_versions=_number(keep_versions, "keep_versions", least=1),
            keep_prereleases=_number(keep_prereleases, "keep_prereleases", least=0),
            older_than=None
            if older_than is None
            else parse_duration(older_than, name="the age of what is to be removed"),
            range=None if range_ is None else parse_range(range_),
        )

    def is_about(self, version: Version) -> bool:
        """Say whether they are about *version* at all, by its kind and the range."""
        if self.range is not None and version not in self.range:
            return False
        if self.keep_versions is None and self.keep_prereleases is None:
            return True
        of_kind = self.keep_prereleases if version.prerelease else self.keep_versions
        return of_kind is not None

    def by_number(self) -> Callable[[Version], bool]:
        """Return what says of each version that counts, newest first, whether it may go."""
        left = {False: self.keep_versions or 0, True: self.keep_prereleases or 0}

        def may_go(version: Version) -> bool:
            if not self.is_about(version):
                return False
            is_prerelease = bool(version.prerelease)
            left[is_prerelease] -= 1
            return left[is_prerelease] < 0

        return may_go

    def is_old_enough(self, staged_at: datetime | None, now: datetime) -> bool:
        """Say whether what was staged first at *staged_at* may go; not where that is not known."""
        if self.older_than is None:
            return True
        return staged_at is not None and now - staged_at >= self.older_than


def _number(given: object, name: str, *, least: int) -> int | None:
    if given is None:
        return None
    if isinstance(given, int) and not isinstance(given, bool) and given >= least:
        return given
    raise InputError(
        no_number(name, given, least=least),
        hint="A project keeps its newest version" if least else "With 0 none is kept",
    )
