"""Finding out what is staged as one version."""

import logging
import time
from collections.abc import Sequence

from semver import Version

from startifact.concurrency.progress import ProgressCallback
from startifact.concurrency.quorum import Question
from startifact.limits import MAX_REASON_CHARACTERS, Limits
from startifact.model.keys import artifact_key
from startifact.model.quorum import refuse_shared_store
from startifact.model.record import Record
from startifact.reading.artifact import Artifact, PassedOver
from startifact.reading.download import Downloader
from startifact.reading.resolution import Resolution, warn_of_minority
from startifact.regions.interface import Region
from startifact.registers.marks import Mark, mark_in, mark_register
from startifact.registers.reader import Acceptor
from startifact.registers.register import Register
from startifact.text import quoted

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
    marks = mark_register(regions, project, version, limits=limits)
    with marks.begin() as question:  # beside the descriptions
        resolution = Resolution(regions, artifact_key(project, version), limits=limits)
        with resolution.asking():  # so that regions go on to answer while marks are waited for
            record = resolution.resolve()
            mark = _mark_by(marks, question, limits)
    artifact = artifact_of(
        regions, project, version, resolution, record, mark, progress=progress, limits=limits
    )
    _warn_of_mark(artifact, mark)
    return artifact


def _mark_by(marks: Register[Mark], question: Question[Acceptor[Mark]], limits: Limits) -> Mark:
    """Return what is said of the version, as far as it is known now or in a moment.

    A version that is there is delivered also where nobody can tell what is said of it.
    """
    reading = marks.finish(question, time.monotonic() + limits.quorum_wait_seconds)
    if not reading.is_known:
        error = reading.unknown("it is not known whether it was yanked")
        logger.info("%s: %s", marks.key, error.message)
    return mark_in(reading)


def _warn_of_mark(artifact: Artifact, mark: Mark) -> None:
    if mark.yanked is not None:
        logger.warning(
            "%s was yanked: %s", artifact, quoted(mark.yanked.reason, MAX_REASON_CHARACTERS)
        )
    if mark.pruning is not None:
        logger.warning(
            "%s is to be removed, not before %s", artifact, quoted(mark.pruning.not_before)
        )


def artifact_of(
    regions: Sequence[Region],
    project: str,
    version: Version,
    resolution: Resolution,
    record: Record,
    mark: Mark,
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
    downloader = Downloader(resolution, record, progress, limits=limits)
    return Artifact(project, version, downloader, yank=mark.yanked, passed_over=passed_over)
