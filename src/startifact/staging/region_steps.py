"""One region's part in a staging: what it holds, creating the artifact, and moving ``latest``."""

import hashlib
import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from semver import Version

from startifact.channels.latest import ChannelWriter, Move
from startifact.channels.record import ReadChannel, read_channel_record
from startifact.concurrency.fan_out import Failure, Success
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import (
    DamagedArtifactError,
    DeadlineError,
    ExistsError,
    IndeterminateContentError,
    IntegrityError,
    LocalFileError,
    RegionUnavailableError,
    StartifactError,
)
from startifact.files.source import Source
from startifact.lazy_dataclasses import dataclass
from startifact.model.keys import LATEST, Key, artifact_key
from startifact.reading.listing import Listed, begin_listing
from startifact.reading.replica import Replica, describe, interpret
from startifact.regions.interface import Region
from startifact.registers.marks import Mark, mark_in_region
from startifact.text import with_regions

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Withheld(Exception):  # noqa: N818  # not an error: whoever raises it catches it
    """Nothing was written, as other content is known to be elsewhere by now."""


@dataclass(frozen=True, slots=True)
class RegionSnapshot:
    """What one region holds before anything is written, and what its configuration says."""

    store_identity: str
    configured_regions: tuple[str, ...]
    replica: Replica | None
    latest: Version | None
    channel: ReadChannel | None = None
    """``latest`` as it was read, where it can be written against: not where it has to follow its
    mirror, which others write without a condition."""

    listing: Callable[[], Listed] | None = None
    """The versions of the project, which have begun to be listed where there is no ``latest``: it
    may have been lost."""

    mark: Callable[[], Mark] | None = None
    """What the region says of the version beside the version itself, which has begun to be read."""


def inspect_region(
    region: Region,
    project: str,
    version: Version,
    heartbeat: Heartbeat,
    *,
    on_replica: Callable[[Replica], None],
) -> RegionSnapshot:
    """Return what *region* holds of *version*, and where its ``latest`` is.

    A damaged channel counts as absent here; moving it will raise. *on_replica* is called with a
    replica at once, since the region may fail before it has answered the rest.

    Raises:
        InputError: The region cannot hold *project*.
        IntegrityError, NewerFormatError, RemovedError: What it holds under *version* cannot be
            distinguished from other content.
    """
    region.check_project(project)
    read_latest = region.ask_in_background(partial(read_channel_record, region, project, LATEST))
    replica = describe(region, artifact_key(project, version))
    if replica is not None:
        on_replica(replica)
    elif why := region.why_absent(artifact_key(project, version)):
        logger.warning(
            "%s", with_regions([region.name], f"{artifact_key(project, version)}: {why}")
        )
    # Beside what comes next, which takes as long; it is known before ``latest`` moves.
    mark = region.ask_in_background(partial(mark_in_region, region, project, version))
    heartbeat.beat()
    try:
        stored, channel_record = read_latest()
    except IntegrityError:
        channel, channel_record = None, None
    else:
        follows = channel_record is not None and channel_record.follows_mirror
        channel = None if follows else (stored, channel_record)
        if replica is None and channel_record is not None and channel_record.is_mirrored:
            # The mirror may point at this very version, staged since it was described as absent.
            replica = describe(region, artifact_key(project, version))
            if replica is not None:
                on_replica(replica)
    return RegionSnapshot(
        region.store_identity(),
        region.configured_regions(),
        replica,
        None if channel_record is None else channel_record.version,
        channel,
        begin_listing(region, project) if channel_record is None else None,
        mark,
    )


def create(
    region: Region,
    project: str,
    key: Key,
    source: Source,
    encoded_record: str,
    heartbeat: Heartbeat,
    *,
    origin: Replica | None = None,
    before_sending: Callable[[], None] = lambda: None,
) -> Replica:
    """Create the artifact in *region*, and return what is there afterwards, whoever created it.

    Its bytes are copied from *origin*, or sent where there is none or the copy fails, which
    *before_sending* may prevent. Where the region's answer proves what it has stored, it is not
    asked again.

    Raises:
        DamagedArtifactError: The region says that what it has stored are other bytes.
        IndeterminateContentError: What is there cannot be distinguished from other content.
        RegionUnavailableError: Nothing is there.
    """

    def write() -> Replica | None:
        region.preflight(project)
        stored = None
        if origin is None or not _copy(region, key, source, encoded_record, heartbeat, origin):
            before_sending()
            stored = region.create(key, source, encoded_record, heartbeat.beat)
        return None if stored is None else interpret(region, key, stored)

    def read_back() -> Replica | None:
        try:
            return describe(region, key)
        except IntegrityError as e:
            # A class of its own: this late, "nothing was written" would not be true.
            raise IndeterminateContentError(e.message, hint=e.next_step) from e

    return write_and_read_back(region, key, write, read_back)


def _copy(
    region: Region,
    key: Key,
    source: Source,
    encoded_record: str,
    heartbeat: Heartbeat,
    origin: Replica,
) -> bool:
    """Copy the artifact from *origin* to *region*; ``False`` where it has to be sent instead.

    Nothing that goes wrong with a copy says that sending would fail: the role may not be allowed to
    read the other bucket, or a key that it was encrypted with.
    """
    logger.info("%s copies %s from %s", region.name, key, origin.region.name)
    try:
        region.create_copy(
            key,
            source,
            encoded_record,
            heartbeat.beat,
            origin=origin.region,
            stored=origin.stored,
        )
    except (ExistsError, LocalFileError, DeadlineError):
        raise
    except DamagedArtifactError:
        raise  # it is there: to send the file would find it, and its record, and call it stored
    except StartifactError as e:
        logger.info(
            "%s", with_regions([region.name], f"{key} is sent, as it was not copied: {e.message}")
        )
        return False
    return True


def warn_untried(regions: Iterable[Region]) -> None:
    """Log which *regions* would be written to, and have not shown that they honour conditions."""
    if names := [region.name for region in regions if region.is_untried()]:
        text = (
            "before its first write Startifact tries whether the store honours conditions: a dry "
            "run does not try it"
        )
        logger.warning("%s", with_regions(names, text))


def write_and_read_back(
    region: Region, key: Key, write: Callable[[], T | None], read_back: Callable[[], T | None]
) -> T:
    """Call *write*, which creates the artifact at *key*, and return what *read_back* finds there.

    *write* returns what is stored by then, where that is proved, and nothing is read back.
    An answer that says "exists" may stand for our own write whose first answer was lost, and an
    error may follow a write that was done: what is there decides, whoever created it.

    Raises:
        RegionUnavailableError: Nothing is there; the message has the region's reason, if any.
    """
    failure: Exception | None = None
    try:
        if (proved := write()) is not None:
            return proved
    except (ExistsError, RegionUnavailableError) as e:
        failure = e
    found = read_back()
    if found is not None:
        return found
    if isinstance(failure, RegionUnavailableError):
        raise failure
    claim = "that it exists" if failure else "that it is stored"
    why = region.why_absent(key)
    raise RegionUnavailableError(
        f"{region.name} said of {key} {claim}, and then that it is not there"
        + (f": {why}" if why else "")
    ) from failure


def read_digest(replica: Replica, key: Key, heartbeat: Heartbeat) -> str:
    """Return the SHA-256 of the bytes that *replica* stands for, read from its region."""
    sha256 = hashlib.sha256()
    for block in replica.region.read(key, replica.stored, 0, replica.stored.size):
        sha256.update(block)
        heartbeat.beat()
    return sha256.hexdigest()


def move_latest(
    region: Region,
    project: str,
    version: Version,
    highest_known: Version | None,
    channel_writer: ChannelWriter,
    heartbeat: Heartbeat,
    *,
    has_other_content: bool,
    known: ReadChannel | None,
) -> Move | None:
    """Move ``latest`` in *region*, and return where it is; ``None`` if *region* is behind.

    *known* is what was read of it when the region was inspected. It is behind too where it
    *has_other_content* of *highest_known* than most regions: whoever reads this region alone would
    get it.
    """
    heartbeat.beat()
    return channel_writer.advance(
        region,
        project,
        version,
        highest_known=highest_known,
        holds=lambda v: (
            not has_other_content and describe(region, artifact_key(project, v)) is not None
        ),
        known=known,
    )


def mirror_latest(
    region: Region, project: str, move: Move, channel_writer: ChannelWriter, heartbeat: Heartbeat
) -> None:
    """Mirror ``latest`` of *region* for other tools after *move*; an error is only logged."""
    heartbeat.beat()
    channel_writer.mirror_or_warn(region, project, move)


def behind(answer: Success[Move | None], project: str, *, has_other_content: bool) -> Failure:
    """Return the failure of a region where ``latest`` of *project* could not be moved."""
    lacks = "other content of" if has_other_content else "not"
    return Failure(
        answer.name,
        answer.seconds,
        RegionUnavailableError(
            f"{answer.name} has no {LATEST} of {project}, and {lacks} the version that {LATEST} "
            "points at elsewhere: it was not moved there"
        ),
    )


def not_begun(region: Region, project: str) -> Failure:
    """Return the failure of a region where ``latest`` of *project* must not begin yet."""
    return Failure(
        region.name,
        0.0,
        RegionUnavailableError(
            f"{region.name} has no {LATEST} of {project}, and the regions that hold the version it "
            "begins at have not created theirs: it was not created there"
        ),
    )
