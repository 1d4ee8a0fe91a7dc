"""Finding out what is staged as one version."""

import logging
from collections.abc import Sequence

from semver import Version

from startifact.concurrency.progress import ProgressCallback
from startifact.limits import Limits
from startifact.model.keys import artifact_key
from startifact.model.quorum import majority, refuse_shared_store
from startifact.reading.artifact import Artifact
from startifact.reading.download import Downloader
from startifact.reading.resolution import Resolution
from startifact.regions.interface import Region

logger = logging.getLogger(__name__)


def find_artifact(
    regions: Sequence[Region],
    project: str,
    version: Version,
    *,
    progress: ProgressCallback | None,
    limits: Limits,
) -> Artifact:
    """Return *version* of *project*, of which nothing is downloaded yet.

    Raises:
        InputError: Two regions are one store.
        NotFoundError: Every region said that there is none.
        RemovedError: It existed, and was removed on purpose.
        SeveralRegionsError: Too few regions answered to know.
        IntegrityError: Regions hold different content and no majority agrees.
    """
    resolution = Resolution(regions, artifact_key(project, version), limits=limits)
    record = resolution.resolve()
    holders = {replica.region.name for replica in resolution.replicas()}
    refuse_shared_store({r.name: r.store_identity() for r in regions if r.name in holders})
    _warn_of_minority(resolution)
    return Artifact(project, version, Downloader(resolution, record, progress, limits=limits))


def _warn_of_minority(resolution: Resolution) -> None:
    """Warn where it is certain that no majority of all regions holds the version."""
    every, without = len(resolution.regions), resolution.without_it()
    if every - len(without) < majority(every):
        holders = resolution.known_holders()
        logger.warning(
            "%s is held by %d of %d regions (%s), which is no majority, so its staging may have "
            "failed: a repair, or staging the same again, brings it to %s",
            resolution.key, len(holders), every, ", ".join(holders), ", ".join(without),
        )  # fmt: skip
