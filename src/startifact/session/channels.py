"""What a session does with channels: point them at versions, back, or at nothing."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from semver import Version

from startifact.channels.checks import Expectation, no_expectation
from startifact.channels.overview import ChannelOverview, list_channels
from startifact.channels.promotion import Promoter, Promotion
from startifact.channels.reading import selected_version
from startifact.channels.targets import check_is_set_by_hand
from startifact.errors import InputError
from startifact.hints import Hint, Option
from startifact.model.clock import now
from startifact.model.keys import check_project
from startifact.model.ranges import Range
from startifact.model.selectors import check_channel
from startifact.model.versions import is_same, parse_version
from startifact.reading.artifact import Artifact
from startifact.regions.spec import split_list
from startifact.session.base import SessionBase, selector_of
from startifact.text import quoted


class ChannelMethods(SessionBase):
    """The methods of `Session` that are about channels."""

    def promote(
        self,
        project: str,
        selector: Version | Range | str,
        channel: str,
        *,
        min_age: timedelta | str | None = None,
        expect: Version | Range | str | None = None,
        expect_none: bool = False,
        allow_yanked: bool = False,
        on_found: Callable[[Artifact], object] | None = None,
    ) -> Promotion:
        """Make *channel* of *project* point at the version that *selector* picks now.

        The version has to be complete in as many regions as a staging requires. Afterwards a
        majority of all regions holds it, so that every later reader sees it; of two promotions that
        expect the same state at most one succeeds. A channel that points there already stays as it
        is. Copies in SSM are written meanwhile, which `close` waits for.

        Args:
            project: The project's name.
            selector: An exact version, a channel, such as ``staging`` or ``latest``, or a range.
            channel: The channel to move, such as ``prod``: 1 to 63 lower-case letters, digits and
                dashes that begin with a letter, and no version or range.
            min_age: How long ago what a range picks has to have been staged at least.
            expect: What the channel has to point at now: an exact version, what another channel
                points at, or any version of a range.
            expect_none: Whether there may be no such channel yet. It cannot be given beside
                *expect*.
            allow_yanked: Whether the version may be one that was yanked.
            on_found: Called with the artifact that *selector* picks, before anything is moved.

        Returns:
            What was moved from where. In a read-only session, what would be.

        Raises:
            InputError: An argument is not valid, or two regions are one store.
            NotFoundError: There is no such version or channel to promote from.
            RemovedError: The version was removed, or is being removed.
            ExpectationError: The channel holds something else. Nothing was changed.
            YankedError: The version was yanked. Nothing was changed.
            RegionsFailedError: Too few regions hold the version complete. Nothing was changed.
            SeveralRegionsError: Too few regions answered. Nothing was changed.
            UndeterminedError: It may have been moved, or not.
        """
        name, target = check_project(project), check_channel(channel)
        check_is_set_by_hand(target)
        if expect is not None and expect_none:
            raise InputError(
                f"{target} is expected to point at {quoted(str(expect))}, and not to be there: "
                "these contradict each other",
                hint=Hint.of(
                    "Give ", Option("expect"), " or ", Option("expect-none"), ", not both"
                ),
            )
        wanted = selector_of(selector)
        expectation = self._expectation(name, expect, expect_none=expect_none)
        artifact = self._find(name, wanted, min_age=min_age)
        if on_found is not None:
            on_found(artifact)
        return self._promoter().promote(
            artifact,
            target,
            expectation=expectation,
            allow_yanked=allow_yanked,
        )

    def rollback(
        self,
        project: str,
        channel: str,
        *,
        to: Version | str | None = None,
        allow_yanked: bool = False,
    ) -> Promotion:
        """Make *channel* point at what it held before its last move, or at *to*, which it has held.

        A second rollback goes back to what it held before that. It expects what it has seen:
        nothing is changed where somebody moves the channel meanwhile.

        Args:
            project: The project's name.
            channel: The channel to move.
            to: The version to go back to, which the channel has pointed at.
            allow_yanked: Whether the version may be one that was yanked.

        Returns:
            What was moved from where. In a read-only session, what would be.

        Raises:
            InputError: An argument is not valid.
            NotFoundError: There is no such channel, it held nothing before, or never held *to*.
            RemovedError: The earlier version was removed.
            ExpectationError: Somebody has moved the channel meanwhile.
            YankedError, RegionsFailedError, SeveralRegionsError, UndeterminedError: As `promote`.
        """
        name, target = check_project(project), check_channel(channel)
        version = None if to is None else parse_version(to)
        return self._promoter().roll_back(name, target, to=version, allow_yanked=allow_yanked)

    def remove_channel(
        self, project: str, channel: str, *, expect: Version | Range | str | None = None
    ) -> Promotion:
        """Make *channel* of *project* point at nothing, as if there were none.

        Its history stays, so that a rollback brings it back.

        Args:
            project: The project's name.
            channel: The channel to remove.
            expect: What the channel has to point at now.

        Returns:
            What was removed. In a read-only session, what would be.

        Raises:
            InputError: An argument is not valid.
            NotFoundError: There is no such channel.
            ExpectationError: It points at something else than *expect*. Nothing was changed.
            SeveralRegionsError, UndeterminedError: As `promote`.
        """
        name, target = check_project(project), check_channel(channel)
        expectation = self._expectation(name, expect, expect_none=False)
        return self._promoter().remove(name, target, expectation=expectation)

    def channels(self, project: str) -> list[ChannelOverview]:
        """Return every channel of *project*, ``latest`` first, then by name.

        Raises:
            InputError: *project* is not a legal name.
            NotFoundError: Every region said that there is none.
            SeveralRegionsError: Too few regions answered to know.
        """
        return list_channels(self._regions(), check_project(project), limits=self._limits)

    def _expectation(
        self, project: str, expect: Version | Range | str | None, *, expect_none: bool
    ) -> Expectation:
        if expect_none:
            return _expect_none
        if expect is None:
            return no_expectation
        selector = selector_of(expect)
        if isinstance(selector, Range):
            return partial(_expect_in, selector)
        version = selected_version(self._regions(), project, selector, limits=self._limits)
        return partial(_expect_version, version)

    def _promoter(self) -> Promoter:
        return Promoter(
            regions=self._regions(),
            required=self._required_regions(),
            moved_by=self._settings.moved_by,
            now=now,
            limits=self._limits,
            mirroring=self._mirroring,
            dry_run=self._read_only,
            listed=split_list(self._settings.regions or ""),
        )


def _expect_none(current: Version | None) -> str | None:
    return None if current is None else "no such channel"


def _expect_version(version: Version, current: Version | None) -> str | None:
    return None if is_same(current, version) else str(version)


def _expect_in(range_: Range, current: Version | None) -> str | None:
    return None if current is not None and current in range_ else f"one of {range_}"
