"""What every method of a session needs: its regions, and how it begins and ends."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from startifact.concurrency.progress import ProgressCallback
from startifact.limits import DEFAULT_LIMITS, MAX_REGIONS, Limits
from startifact.model.quorum import MAJORITY, required_to_stage
from startifact.reading.open_downloaders import OpenDownloaders
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

        Regions that have not answered yet are no longer waited for. What artifacts and results say
        stays known, but nothing can be downloaded, and every other method raises an `InputError`.
        A call that another thread is in goes on to its end. What the session was given, a
        `ConfigurationLoader` or a session of boto3, stays open. Closing twice does no harm.
        """
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

    def _required_regions(self) -> int:
        return required_to_stage(self._required, len(self._regions()))

    def _regions(self) -> tuple[Region, ...]:
        return self._selection.open()
