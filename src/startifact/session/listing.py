"""What a session lists: projects, versions, and what is known of versions."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import chain, islice

from semver import Version

from startifact.channels.overview import ChannelOverview, list_channels, overview_of_channel
from startifact.errors import InputError, NotFoundError, StartifactError
from startifact.lazy_dataclasses import dataclass
from startifact.model.keys import channel_key, check_project
from startifact.model.points_in_time import parse_since
from startifact.model.ranges import Range
from startifact.model.selectors import check_channel, parse_range
from startifact.model.versions import newest_first
from startifact.reading.listing import list_versions
from startifact.reading.newest_versions import list_in_batches
from startifact.reading.projects import list_projects
from startifact.reading.version_entries import Describer, EntryFilter, VersionEntry
from startifact.session.base import SessionBase
from startifact.text import joined, no_number, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Selection:
    """Which versions of *project* are listed, by what needs no description."""

    project: str
    range: Range | None
    channel: str | None


class ListingMethods(SessionBase):
    """The methods of `Session` that list."""

    def projects(self) -> list[str]:
        """Return every project that any region has something of, by name.

        Raises:
            InputError: Two regions are one store.
            NotFoundError: Every region said that there is none.
            SeveralRegionsError: Too few regions answered to know.
        """
        return list_projects(self._regions(), limits=self._limits)

    def versions(self, project: str) -> list[Version]:
        """Return every version of *project* that is staged, newest first.

        Raises:
            InputError: *project* is not a legal name, or two regions are one store.
            NotFoundError: Every region said that there is none.
            SeveralRegionsError: Too few regions answered to know.
        """
        checked = check_project(project)
        return list_versions(self._regions(), checked, limits=self._limits)

    def versions_in_batches(self, project: str) -> Iterator[list[Version]]:
        """Yield what `versions` returns, in batches: the newest ones before the others are known.

        Memory hardly grows with their number.

        Raises:
            InputError: *project* is not a legal name, or two regions are one store.
            NotFoundError: Every region said that there is none.
            SeveralRegionsError: Too few regions answered, or not to the end: what was yielded
                before is right, and not all.
        """
        checked = check_project(project)
        return list_in_batches(self._regions(), checked, limits=self._limits)

    def list_versions(
        self,
        project: str,
        *,
        version_range: Range | str | None = None,
        channel: str | None = None,
        since: datetime | date | timedelta | str | None = None,
        where: Mapping[str, str] | None = None,
        limit: int | None = None,
        long: bool = True,
    ) -> Iterator[VersionEntry]:
        """List *project*: an entry for each version, newest first, as soon as it is known.

        With *long*, *since*, *where* or *channel* each version is described: that is one request to
        each region for each of them, sixteen versions at a time. With none of these only keys are
        listed, and entries have nothing but the version. What is yielded is not kept.

        Args:
            project: The project's name.
            version_range: Only versions that satisfy it, such as ``^1.2``.
            channel: Only versions that this channel points at, or has according to its history.
            since: Only versions that were staged first then or later: a date or a time, as text
                such as ``2026-11-01`` or ``2026-11-01T08:00:00Z``; or a length of time back, such
                as ``7d``. One whose time is not recorded is left out, with a warning.
            where: Only versions with all of this in their metadata.
            limit: At most so many.
            long: Whether entries say size, time, digest, channels and yank.

        Returns:
            An iterator over the entries, which is not used by two threads at once.

        Raises:
            InputError: An argument is not valid, or two regions are one store.
            NotFoundError: Every region said that there is none, or none of what there is is wanted;
                for a range with the nearest that there are.
            SeveralRegionsError: Too few regions answered, or not to the end: what was yielded
                before is right, and not all.
        """
        selection = _Selection(
            project=check_project(project),
            range=None if version_range is None else parse_range(version_range, or_channel=True),
            channel=None if channel is None else check_channel(channel),
        )
        wanted = EntryFilter(
            since=None if since is None else parse_since(since, datetime.now(UTC), name="since"),
            where={} if where is None else _checked(where),
        )
        if limit is not None and (type(limit) is not int or limit < 1):
            raise InputError(no_number("limit", limit, least=1))
        entries = self._entries(selection, wanted, limit, long=long)
        return islice(_not_none(entries, selection, wanted), limit)

    def _entries(
        self, selection: _Selection, wanted: EntryFilter, limit: int | None, *, long: bool
    ) -> Iterator[VersionEntry]:
        regions, project, limits = self._regions(), selection.project, self._limits
        unlisted: dict[str, StartifactError] = {}
        if selection.channel is None:
            batches: Iterable[list[Version]] = list_in_batches(
                regions, project, limits=limits, range_=selection.range, unlisted=unlisted
            )
        else:
            batches = [self._held_by(selection.channel, selection)]
        if not long and wanted.takes_all and selection.channel is None:
            for version in chain.from_iterable(batches):
                yield VersionEntry(project=project, version=version)
            return
        describer = Describer(
            regions,
            project,
            channels=_by_version(self._channels_of(project)) if long else {},
            with_yanks=long,
            unlisted=unlisted,
            limits=limits,
        )
        left = limit if wanted.takes_all and selection.channel is None else None
        for batch in batches:
            # Each by itself: the newest are shown before the others are listed.
            yield from describer.entries(batch[:left], wanted)
            if left is not None:
                left -= len(batch)
                if left <= 0:
                    return

    def _held_by(self, channel: str, selection: _Selection) -> list[Version]:
        """Return the versions that *channel* points at, or has pointed at, newest first."""
        overview = overview_of_channel(
            self._regions(), selection.project, channel, limits=self._limits
        )
        targets = [overview.previous, *(move.version for move in overview.history)]
        by_text = {str(version): version for version in targets if version is not None}
        versions = [v for v in by_text.values() if selection.range is None or v in selection.range]
        if by_text and not versions:
            key = channel_key(selection.project, channel)
            raise NotFoundError(
                f"nothing that {key} points at, or has pointed at, satisfies "
                f"{quoted(str(selection.range))}: that is {joined(by_text)}",
                hint="Widen the range",
            )
        return newest_first(versions)

    def _channels_of(self, project: str) -> list[ChannelOverview]:
        try:
            return list_channels(self._regions(), project, limits=self._limits)
        except NotFoundError:
            return []


def _checked(where: Mapping[str, str]) -> dict[str, str]:
    """Return *where*.

    Raises:
        InputError: It is not a mapping of texts.
    """
    items = where.items() if isinstance(where, Mapping) else [(where, None)]
    if not all(isinstance(key, str) and isinstance(value, str) for key, value in items):
        raise InputError(
            f"where is not valid: got {quoted(where)}, expected a mapping of texts",
            hint='Write it as {"lang": "dotnet"}',
        )
    return dict(where)


def _by_version(channels: Iterable[ChannelOverview]) -> dict[str, tuple[str, ...]]:
    """Return which of *channels* point at each version, by its text."""
    found: dict[str, tuple[str, ...]] = {}
    for channel in channels:
        name = str(channel.version)
        found[name] = (*found.get(name, ()), channel.channel)
    return found


def _not_none(
    entries: Iterator[VersionEntry], selection: _Selection, wanted: EntryFilter
) -> Iterator[VersionEntry]:
    """Yield *entries*.

    Raises:
        NotFoundError: There are none.
    """
    first = next(entries, None)
    if first is None:
        asked = [
            f"range {quoted(str(selection.range))}" if selection.range else "",
            f"channel {selection.channel}" if selection.channel else "",
            f"staged since {wanted.since.isoformat()}" if wanted.since else "",
            *(quoted(f"{key}={value}") for key, value in wanted.where.items()),
        ]
        raise NotFoundError(
            f"no version of {selection.project} is as asked for: "
            f"{', '.join(filter(None, asked)) or 'all are gone by now'}",
            hint="Ask for less: a wider range, an earlier time, or fewer conditions",
        )
    yield first
    yield from entries
