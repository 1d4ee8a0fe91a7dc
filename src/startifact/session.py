"""The session: the one thing that a program needs."""

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from semver import Version

from startifact.channels.latest import ChannelWriter
from startifact.channels.reading import read_channel
from startifact.concurrency.fan_out import run_one
from startifact.concurrency.progress import ProgressCallback
from startifact.errors import ConfigurationError, InputError
from startifact.files.source import check_file
from startifact.hints import Hint, Option
from startifact.model.keys import artifact_key, check_filename, check_project
from startifact.model.quorum import MAJORITY, majority, refuse_shared_store, required_to_stage
from startifact.model.record import check_metadata
from startifact.model.versions import Channel, parse_selector, parse_version
from startifact.reading.artifact import Artifact
from startifact.reading.download import Downloader
from startifact.reading.listing import list_versions
from startifact.reading.resolution import Resolution
from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.regions.factory import open_regions
from startifact.regions.interface import Region
from startifact.regions.spec import MAX_REGIONS, RegionSpec, parse_specs, split_list
from startifact.repair.inventory import take_inventory
from startifact.repair.log import Repair
from startifact.repair.repairer import Repairer, parse_keep
from startifact.repair.verify import Verification, verify
from startifact.settings import Settings
from startifact.staging.outcomes import IfExists, StageRequest, Staging
from startifact.staging.stager import Stager, now
from startifact.text import quoted
from startifact.version import __version__

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInputs:
    """What a session is given by a command line or a step, under the names of options."""

    regions: Sequence[str] | str | None
    required_regions: str
    configuration_parameter: str | None
    dry_run: bool


class Session:
    """Stages and gets artifacts in one list of regions.

    Configuration, bucket names and clients are looked up once, when they are first needed. A
    session may be used from several threads.

    *regions* is a list of regions, or one string that commas, spaces or newlines separate; by
    default ``STARTIFACT_REGIONS``, else the regions that the organisation configuration in
    ``AWS_REGION`` names. With *read_only* nothing is written, and `stage` reports what it would
    do. *required_regions* is ``majority``, ``all`` or a number. *configuration_loader* reads the
    organisation configuration, and *progress* is told how far bytes have got.

    Raises:
        InputError: A region is not spelled as it should be, or named twice.
    """

    def __init__(
        self,
        *,
        regions: Iterable[str] | str | None = None,
        read_only: bool = False,
        required_regions: str | int = MAJORITY,
        configuration_loader: ConfigurationLoader | None = None,
        progress: ProgressCallback | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._settings = settings or Settings.from_environment()
        self._read_only = read_only
        self._required = required_regions
        self._loader = configuration_loader or ConfigurationLoader(self._settings.parameter)
        self._progress = progress
        self._lock = threading.Lock()
        self._opened: tuple[Region, ...] | None = None
        self._specs: tuple[RegionSpec, ...] | None = None
        if regions is not None:
            texts = split_list(regions) if isinstance(regions, str) else list(regions)
            self._specs = parse_specs(texts, source="regions")
        required_to_stage(required_regions, len(self._specs or range(MAX_REGIONS)))

    @property
    def read_only(self) -> bool:
        """Whether this session writes nothing."""
        return self._read_only

    @property
    def regions(self) -> tuple[str, ...]:
        """The names of the regions, in the configured order; may read the configuration."""
        return tuple(region.name for region in self._regions())

    def stage(
        self,
        project: str,
        version: Version | str,
        path: str | Path,
        *,
        metadata: Mapping[str, str] | None = None,
        save_filename: bool = False,
        if_exists: IfExists | str = IfExists.FAIL,
    ) -> Staging:
        """Make the file at *path* available as *version* of *project* in every region.

        Afterwards enough regions hold exactly these bytes with *metadata*, and a ``latest`` that
        is not below *version*. Staging the same content again changes nothing that is stored and
        fills the regions that lack it. With *if_exists* ``keep``, other content that is staged
        already is reported and not an error.

        Raises:
            InputError: An argument is not valid; nothing was sent.
            AlreadyStagedError: A region holds other content under *version*.
            StagingFailedError: Too few regions succeeded; running again is safe.
            LocalFileError: The file cannot be read, or changed meanwhile.
        """
        file = Path(path)
        request = StageRequest(
            project=check_project(project),
            version=parse_version(version),
            path=file,
            metadata=check_metadata({} if metadata is None else metadata),
            filename=check_filename(file.name) if save_filename else None,
            origin=self._settings.origin,
            if_exists=_if_exists(if_exists),
            dry_run=self._read_only,
        )
        check_file(file)
        regions = self._regions()
        stager = Stager(
            regions=regions,
            required=required_to_stage(self._required, len(regions)),
            moved_by=self._mover_name(),
            listed=frozenset(split_list(self._settings.regions or "")),
            progress=self._progress,
        )
        self._warn_of_few(regions, stager.required)
        return stager.stage(request)

    def get(self, project: str, selector: Version | str = "latest") -> Artifact:
        """Return the artifact that *selector* picks: an exact version, or ``latest``.

        Raises:
            InputError: *project* or *selector* is not valid, or two regions are one place.
            NotFoundError: Every region said that there is none.
            SeveralRegionsError: Too few regions answered to know.
            IntegrityError: Regions hold different content and no majority agrees.
        """
        checked = check_project(project)
        wanted = parse_selector(str(selector) if isinstance(selector, Version) else selector)
        regions = self._regions()
        version = (
            read_channel(regions, checked, wanted.name) if isinstance(wanted, Channel) else wanted
        )
        resolution = Resolution(regions, artifact_key(checked, version))
        record = resolution.resolve()
        holders = {replica.region.name for replica in resolution.replicas()}
        refuse_shared_store({r.name: r.store_identity() for r in regions if r.name in holders})
        return Artifact(checked, version, Downloader(resolution, record, self._progress))

    def versions(self, project: str) -> list[Version]:
        """Return every version of *project* that is staged, newest first.

        Raises:
            InputError: *project* is not a legal name; nothing was sent.
            NotFoundError: Every region said that there is none.
            SeveralRegionsError: Too few regions answered to know.
        """
        checked = check_project(project)
        return list_versions(self._regions(), checked)

    def verify(
        self, project: str, version: Version | str | None = None, *, read_data: bool = False
    ) -> Verification:
        """Compare what all regions hold of *project*, or of one *version* of it.

        With *read_data* every byte is read and compared with its record. Nothing is changed.

        Raises:
            InputError: An argument is not valid; nothing was sent.
            NotFoundError: Every region said that there is nothing.
        """
        checked = check_project(project)
        exact = None if version is None else parse_version(version)
        return verify(take_inventory(self._regions(), checked, exact, read_data=read_data))

    def repair(
        self,
        project: str,
        version: Version | str | None = None,
        *,
        keep: str | None = None,
        read_data: bool = False,
    ) -> Repair:
        """Mend what `verify` finds in *project*, or in one *version* of it.

        Afterwards missing regions are filled from a verified one, ``latest`` is forward
        everywhere and its copies follow, where all regions that answer agree. Where they do not,
        nothing is changed, and the result says what to do. *keep*, ``sha256:`` and the digest of
        the content that is right, settles that for one version: other content is copied aside
        below ``{project}/_quarantine/`` and deleted. In a read-only session nothing is written.

        Raises:
            InputError: An argument is not valid; nothing was sent.
            NotFoundError: There is nothing to mend, or no region has the content to keep.
        """
        checked = check_project(project)
        exact = None if version is None else parse_version(version)
        digest = None if keep is None else parse_keep(keep)
        regions = self._regions()
        repairer = Repairer(
            regions,
            ChannelWriter(now=now, moved_by=self._mover_name()),
            required=required_to_stage(self._required, len(regions)),
            dry_run=self._read_only,
            read_data=read_data,
        )
        return repairer.repair(checked, exact, digest)

    def _mover_name(self) -> str:
        return self._settings.origin.run or f"startifact/{__version__}"

    def _regions(self) -> tuple[Region, ...]:
        with self._lock:
            if self._opened is None:
                specs = self._specs or self._configured()
                self._opened = open_regions(
                    specs,
                    loader=self._loader,
                    default_region=self._settings.aws_region,
                )
            return self._opened

    def _configured(self) -> tuple[RegionSpec, ...]:
        """Return the regions to use where nobody names any."""
        if self._settings.regions is not None:
            return parse_specs(split_list(self._settings.regions), source="STARTIFACT_REGIONS")
        home = self._settings.aws_region
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
        configured = run_one(home, lambda _: self._loader.load(home)).regions
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

    def _warn_of_few(self, regions: tuple[Region, ...], required: int) -> None:
        if required < majority(len(regions)):
            logger.warning(
                "%d of %d regions is less than a majority: latest may be read as it was before",
                required, len(regions),
            )  # fmt: skip


def _if_exists(value: IfExists | str) -> IfExists:
    try:
        return IfExists(value)
    except ValueError:
        raise InputError(
            f"if-exists is {quoted(str(value))}, expected {' or '.join(IfExists)}"
        ) from None
