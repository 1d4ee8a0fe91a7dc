"""Which regions a session uses: those that it was given, or else those that are configured."""

import logging
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from startifact.concurrency.fan_out import run_one
from startifact.errors import ConfigurationError, InputError
from startifact.hints import Hint, Option
from startifact.limits import Limits
from startifact.regions.aws.configuration_loader import (
    ConfigurationLoader,
    clients_of,
    default_region_of,
)
from startifact.regions.factory import open_regions, parse_spec, parse_specs
from startifact.regions.interface import Region
from startifact.regions.spec import RegionSpec, split_list
from startifact.settings import Settings
from startifact.text import quoted, quoted_list

if TYPE_CHECKING:
    from startifact.regions.aws.configuration_loader import Boto3Session


logger = logging.getLogger(__name__)


class RegionSelection:
    """The regions of one session, looked up and opened once, when they are first needed.

    Safe to use from several threads.

    Args:
        regions: A list of regions, or one string that commas, spaces or newlines separate;
            ``None`` for those that are configured.
        settings: What the environment says.
        loader: Reads the organisation configuration and makes clients for AWS; ``None`` for one
            of its own.
        boto3_session: What a loader of its own makes the clients with.
        limits: How long is waited.

    Raises:
        InputError: A region is not spelled as it should be or named twice, or *loader* and
            *boto3_session* are both given.
    """

    def __init__(
        self,
        regions: Iterable[str | Region] | str | None,
        *,
        settings: Settings,
        loader: ConfigurationLoader | None,
        boto3_session: "Boto3Session | None",
        limits: Limits,
    ) -> None:
        if loader is not None and boto3_session is not None:
            raise InputError(
                "configuration_loader and boto3_session are both given",
                hint="Give the session of boto3 to the ConfigurationLoader",
            )
        self._settings = settings
        self._own_loader = loader is None
        self._loader = loader or ConfigurationLoader(
            settings.parameter, boto3_session=boto3_session, limits=limits
        )
        self._limits = limits
        self._aws_region = settings.aws_region or default_region_of(self._loader)
        self._lock = threading.Lock()
        self._closed = False
        self._opened: tuple[Region, ...] | None = None
        self._specs: tuple[RegionSpec, ...] | None = None
        if regions is not None:
            self._specs = parse_specs(_items_of(regions), source="regions")

    @property
    def count(self) -> int | None:
        """How many regions were given; ``None`` where they are those that are configured."""
        return None if self._specs is None else len(self._specs)

    def known(self) -> str:
        """Return the regions as they were spelled, as far as that is known without reading them."""
        if self._opened is not None:
            return f"regions: {quoted_list(region.name for region in self._opened)}"
        if self._specs is not None:
            return f"regions: {quoted_list(spec.text for spec in self._specs)}"
        if self._settings.regions is not None:
            try:  # what is not a region may hold a password
                texts = [parse_spec(text).text for text in split_list(self._settings.regions)]
            except InputError:
                return "what STARTIFACT_REGIONS names"
            return f"regions: {quoted_list(texts)}"
        home = self._aws_region
        return f"regions of the configuration in {quoted(home)}" if home else "no regions"

    def open(self) -> tuple[Region, ...]:
        """Return the regions, in the configured order.

        Raises:
            InputError: Nothing names regions, one is not spelled as it should be, or the session
                is closed.
            ConfigurationError: There is no organisation configuration, or it names no regions.
            AccessDeniedError: It must not be read.
            RegionUnavailableError: The region that has it did not answer.
        """
        with self._lock:
            if self._closed:
                raise InputError("this session is closed", hint="Make another Session")
            if self._opened is None:
                self._opened = open_regions(
                    self._specs or self._configured(),
                    loader=self._loader,
                    default_region=self._aws_region,
                    limits=self._limits,
                )
                logger.debug("%s", self.known())
            return self._opened

    def open_home(self) -> tuple[Region, ...] | None:
        """Return the AWS region whose configuration should name the regions, to look at it alone.

        ``None`` where it need not.
        """
        home = self._aws_region
        if self._specs is not None or self._settings.regions is not None or home is None:
            return None
        specs = parse_specs([home], source="AWS_REGION")
        return open_regions(specs, loader=self._loader, limits=self._limits)

    @property
    def closed(self) -> bool:
        """Whether no regions are opened any more."""
        return self._closed

    def close(self) -> None:
        """Open no more regions, and close the connections of the loader, unless it was given."""
        with self._lock:
            self._closed = True
        if self._own_loader:
            self._loader.close()

    def _configured(self) -> tuple[RegionSpec, ...]:
        """Return the regions to use where nobody names any."""
        if self._settings.regions is not None:
            return parse_specs(split_list(self._settings.regions), source="STARTIFACT_REGIONS")
        home = self._aws_region
        if home is None:
            raise InputError(
                "no regions are named",
                hint=Hint.of(
                    "Set ",
                    Option("regions"),
                    ", STARTIFACT_REGIONS, or AWS_REGION to a region that has the organisation "
                    "configuration",
                ),
            )
        clients_of(self._loader).prepare(region=home)  # here, since a person may have to be asked
        configured = run_one(home, lambda _: self._loader.load(home), limits=self._limits).regions
        if not configured:
            raise ConfigurationError(
                f"the organisation configuration in {home} names no regions",
                hint=Hint.of(
                    "Set ",
                    Option("regions"),
                    " or STARTIFACT_REGIONS, or add regions to the configuration",
                ),
            )
        return parse_specs(
            configured, source=f"regions in the organisation configuration in {home}"
        )


def _items_of(regions: Iterable[str | Region] | str) -> Iterable[str | Region]:
    """Return what is in the list *regions*, or in the text."""
    if isinstance(regions, str):
        return split_list(regions)
    if not isinstance(regions, Iterable):
        raise InputError(
            f"regions is of type {type(regions).__name__}, expected a list of regions, or text",
            hint="Write one region as a list too: regions=[region], a directory as "
            "regions=['file:./folder']",
        )
    return regions
