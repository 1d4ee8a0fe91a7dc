"""What every method of a session needs: its regions, and how it begins and ends."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from semver import Version

from startifact.channels.mirroring import Mirroring
from startifact.channels.reading import selected_version
from startifact.concurrency.progress import ProgressCallback
from startifact.errors import InputError
from startifact.limits import DEFAULT_LIMITS, MAX_REGIONS, Limits
from startifact.model.durations import parse_duration
from startifact.model.quorum import MAJORITY, required_to_stage
from startifact.model.ranges import Range
from startifact.model.selectors import Selector, parse_selector
from startifact.reading.artifact import Artifact
from startifact.reading.finding import find_artifact
from startifact.reading.open_downloaders import OpenDownloaders
from startifact.reading.range_choice import RangeRequest, find_in_range
from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.regions.interface import Region
from startifact.regions.selection import RegionSelection
from startifact.settings import Settings

if TYPE_CHECKING:
    from startifact.regions.aws.configuration_loader import Boto3Session


class SessionBase:
    """One list of regions, opened when they are first needed."""

    def __init__(
        self,
        *,
        regions: Iterable[str | Region] | str | None = None,
        read_only: bool = False,
        required_regions: str | int = MAJORITY,
        configuration_loader: ConfigurationLoader | None = None,
        boto3_session: "Boto3Session | None" = None,
        progress: ProgressCallback | None = None,
        settings: Settings | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._limits = limits
        self._settings = settings or Settings.from_environment()
        self._read_only = read_only
        self._required = required_regions
        self._progress = progress
        self._downloaders = OpenDownloaders()
        self._mirroring = Mirroring()
        self._selection = RegionSelection(
            regions,
            settings=self._settings,
            loader=configuration_loader,
            boto3_session=boto3_session,
            limits=limits,
        )
        required_to_stage(required_regions, self._selection.count or MAX_REGIONS)

    def __repr__(self) -> str:
        mode = ", read-only" if self._read_only else ""
        closed = ", closed" if self._selection.closed else ""
        return f"<Session {self._selection.known()}{mode}{closed}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what the session has started, and close its connections.

        Copies in SSM of channels that were moved are waited for, no more than two seconds. Regions
        that have not answered yet are no longer waited for. What artifacts and results say stays
        known, but nothing can be downloaded, and every other method raises an `InputError`. A call
        that another thread is in goes on to its end. What the session was given, a
        `ConfigurationLoader` or a session of boto3, stays open. Closing twice does no harm.
        """
        try:
            self._mirroring.wait()
        finally:
            self._selection.close()
            self._downloaders.close()

    @property
    def read_only(self) -> bool:
        """Whether this session writes nothing."""
        return self._read_only

    @property
    def regions(self) -> tuple[str, ...]:
        """The names of the regions, as they are spelled, in the configured order.

        Where only the organisation configuration names them, it is read.

        Raises:
            InputError: Nothing names regions, one is not spelled as it should be, or the session
                is closed.
            ConfigurationError: There is no organisation configuration, or it names no regions.
            AccessDeniedError: It must not be read.
            RegionUnavailableError: The region that has it did not answer.
        """
        return tuple(region.name for region in self._regions())

    def _find(
        self,
        project: str,
        selector: Selector,
        *,
        min_age: timedelta | str | None = None,
        asks_mark: bool = False,
    ) -> Artifact:
        """Return the artifact that *selector* picks; see `find_artifact` for *asks_mark*."""
        regions, limits, progress = self._regions(), self._limits, self._progress
        age = None if min_age is None else parse_duration(min_age)
        if isinstance(selector, Range):
            request = RangeRequest(
                project=project, range=selector, min_age=age, now=datetime.now(UTC)
            )
            artifact = find_in_range(regions, request, progress=progress, limits=limits)
        elif age is not None:
            raise InputError(
                f"a minimum age is given for {selector}, which leaves no choice",
                hint="Give it for a range, such as ^1.2, or leave it out",
            )
        else:
            version = selected_version(regions, project, selector, limits=limits)
            artifact = find_artifact(
                regions, project, version, progress=progress, limits=limits, asks_mark=asks_mark
            )
        self._downloaders.add(artifact.downloader)
        return artifact

    def _required_regions(self) -> int:
        return required_to_stage(self._required, len(self._regions()))

    def _regions(self) -> tuple[Region, ...]:
        return self._selection.open()


def selector_of(given: Version | Range | str) -> Selector:
    """Return the selector that *given* is, or is the text of.

    Raises:
        InputError: It is none.
    """
    return parse_selector(str(given) if isinstance(given, Version) else given)
