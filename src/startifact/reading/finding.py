"""Finding out what is staged as one version."""

from collections.abc import Sequence

from semver import Version

from startifact.concurrency.progress import ProgressCallback
from startifact.errors import NotFoundError, RemovedError
from startifact.limits import Limits
from startifact.model.keys import artifact_key
from startifact.model.quorum import refuse_shared_store
from startifact.model.record import Record
from startifact.reading.artifact import Artifact, PassedOver
from startifact.reading.download import Downloader
from startifact.reading.resolution import Resolution, warn_of_minority
from startifact.reading.version_mark import KnownMark, VersionMark
from startifact.regions.interface import Region


def find_artifact(
    regions: Sequence[Region],
    project: str,
    version: Version,
    *,
    progress: ProgressCallback | None,
    limits: Limits,
    asks_mark: bool = False,
) -> Artifact:
    """Return *version* of *project*, of which nothing is downloaded yet.

    With *asks_mark*, which is for who uses the version, regions are asked for its mark beside it.

    Raises:
        InputError: Two regions are one store.
        NotFoundError: Every region said that there is none.
        RemovedError: It existed, and was removed on purpose.
        SeveralRegionsError: Too few regions answered to know.
        IntegrityError: Regions hold different content and no majority agrees.
    """
    key = artifact_key(project, version)
    resolution = Resolution(regions, key, limits=limits)
    mark = VersionMark(regions, project, version, limits=limits)
    if asks_mark:
        mark.begin()
    try:
        record = resolution.resolve()
        return artifact_of(
            regions, project, version, resolution, record, mark, progress=progress, limits=limits
        )
    except NotFoundError as e:
        # Its tombstones may be lost. Nobody asks about that where there is anything.
        if not isinstance(e, RemovedError) and mark.says_removed():
            raise RemovedError(
                f"{key} was removed, or is being removed, and no region has it",
                hint="Choose another version",
            ) from e
        mark.cancel()
        raise
    except BaseException:  # an interruption too: nobody waits for the mark any more
        mark.cancel()
        raise


def artifact_of(
    regions: Sequence[Region],
    project: str,
    version: Version,
    resolution: Resolution,
    record: Record,
    mark: KnownMark,
    *,
    progress: ProgressCallback | None,
    limits: Limits,
    passed_over: Sequence[PassedOver] = (),
) -> Artifact:
    """Return the artifact that *resolution* has resolved to *record*.

    Raises:
        InputError: Two regions are one store.
    """
    holders = {replica.region.name for replica in resolution.replicas()}
    refuse_shared_store({r.name: r.store_identity() for r in regions if r.name in holders})
    warn_of_minority(resolution)
    downloader = Downloader(resolution, record, progress, mark=mark, limits=limits)
    return Artifact(project, version, downloader, passed_over=passed_over)
