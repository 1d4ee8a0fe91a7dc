"""What is left of a downloader where there is no session, as in another process."""

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from startifact.errors import InputError, NotFoundError, StartifactError
from startifact.model.keys import Key
from startifact.model.record import Record
from startifact.reading.download import Downloader
from startifact.reading.outcomes import RegionOutcome, facts_in_short
from startifact.reading.version_mark import KnownMark
from startifact.regions.interface import Location


class DetachedDownloader(Downloader):
    """The downloader of an artifact that was pickled.

    It says what was known when that was done, and cannot get the bytes.
    """

    def __init__(
        self,
        key: Key,
        record: Record,
        outcomes: tuple[RegionOutcome, ...],
        locations: tuple[Location, ...],
        seconds: Mapping[str, float],
        failures: Mapping[str, StartifactError],
        mark: KnownMark,
    ) -> None:
        self._mark = mark
        self._key = key
        self._record = record
        self._outcomes = outcomes
        self._locations = locations
        self._seconds = dict(seconds)
        self._failures = dict(failures)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (
            self._key,
            self._record,
            self._outcomes,
            self._locations,
            self._seconds,
            self._failures,
            self._mark,
        )

    def _facts(self) -> str:
        regions = [outcome.region for outcome in self._outcomes]
        holders = [location.region for location in self._locations]
        return facts_in_short(self._key, self._record, holders, len(regions))

    def locations(self) -> tuple[Location, ...]:
        """See `Downloader.locations`."""
        return self._locations

    def outcomes(self) -> tuple[RegionOutcome, ...]:
        """See `Downloader.outcomes`."""
        return self._outcomes

    def seconds(self) -> dict[str, float]:
        """See `Downloader.seconds`."""
        return dict(self._seconds)

    def failures(self) -> dict[str, StartifactError]:
        """See `Downloader.failures`."""
        return dict(self._failures)

    @property
    def object_version(self) -> str | None:
        """See `Downloader.object_version`."""
        here = self._location()
        found = (o.object_version for o in self._outcomes if o.region == here.region)
        return next(found, None)

    def _location(self) -> Location:
        if not self._locations:
            raise NotFoundError(f"{self._key} was in no region that had answered")
        return self._locations[0]

    def download(self, path: str | Path, *, load_filename: bool = False) -> NoReturn:  # noqa: ARG002
        """Refuse: which regions to ask, and with which credentials, only a session knows.

        Raises:
            InputError: Always.
        """
        self._refuse()

    # Its arguments are those of `Downloader.extract`, and none matters.
    def extract(
        self,
        path: str | Path,  # noqa: ARG002
        *,
        overwrite: bool = False,  # noqa: ARG002
        max_members: int | None = None,  # noqa: ARG002
        max_bytes: int | str | None = None,  # noqa: ARG002
        max_ratio: int | None = None,  # noqa: ARG002
    ) -> NoReturn:
        """Refuse, as `download` does.

        Raises:
            InputError: Always.
        """
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise InputError(
            f"{self._key} cannot be downloaded by an artifact that was pickled: it has no session",
            hint="Get the artifact again with Session.get, and download that",
        )
