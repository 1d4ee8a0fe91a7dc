"""One region's part in a staging: what it holds, creating the artifact, and moving ``latest``."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from semver import Version

from startifact.channels.latest import Mover, read_pointer
from startifact.concurrency.fan_out import Watch
from startifact.errors import IntegrityError, RegionUnavailableError
from startifact.files.source import Source
from startifact.model.keys import LATEST, Key, artifact_key
from startifact.reading.resolution import Copy, describe
from startifact.regions.interface import ExistsError, Region


class UncomparableError(IntegrityError):
    """What was found when an artifact was to be created cannot be told from other content."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one region holds before anything is written, and what it says about itself."""

    place: str
    peers: tuple[str, ...]
    copy: Copy | None
    latest: Version | None


def look(
    region: Region, project: str, version: Version, watch: Watch, *, glimpse: Callable[[Copy], None]
) -> Sight:
    """Return what *region* holds of *version*, and where its ``latest`` is.

    A channel that is damaged is left to whoever moves it. *glimpse* is called with a copy at once:
    the region may fail before it has said the rest.

    Raises:
        InputError: The region cannot hold *project*.
        IntegrityError, NewerFormatError, RemovedError: What it holds under *version* cannot be
            told from other content.
    """
    region.admit(project)
    copy = describe(region, artifact_key(project, version))
    if copy is not None:
        glimpse(copy)
    watch.moved()
    try:
        _, pointer = read_pointer(region, project, LATEST)
    except IntegrityError:
        pointer = None
    return Sight(region.place(), region.peers(), copy, None if pointer is None else pointer.version)


def create(
    region: Region, project: str, key: Key, source: Source, document: str, watch: Watch
) -> Copy:
    """Create the artifact in *region*, and return what is there then, by whomever it is.

    An answer that says "exists" may stand for our own write whose first answer was lost, and an
    error may follow a write that was done: what is there decides.
    """
    failure: Exception | None = None
    try:
        region.prepare_to_write(project)
        region.create(key, source, document, watch.moved)
    except (ExistsError, RegionUnavailableError) as e:
        failure = e
    try:
        copy = describe(region, key)
    except IntegrityError as e:
        raise UncomparableError(str(e), hint=e.hint) from e
    if copy is not None:
        return copy
    if isinstance(failure, RegionUnavailableError):
        raise failure
    said = "that it exists" if failure else "that it is stored"
    raise RegionUnavailableError(
        f"{region.name} said of {key} {said}, and then that it is not there"
    ) from failure


def digest(copy: Copy, key: Key, watch: Watch) -> str:
    """Return the SHA-256 of the bytes that *copy* stands for, read from its region."""
    sha256 = hashlib.sha256()
    for block in copy.region.read(key, copy.stored, 0, copy.stored.size):
        sha256.update(block)
        watch.moved()
    return sha256.hexdigest()


def move(
    region: Region,
    project: str,
    version: Version,
    floor: Version | None,
    mover: Mover,
    watch: Watch,
) -> Version | None:
    """Move ``latest`` in *region*, and return where it is; ``None`` if the region is behind."""
    watch.moved()
    return mover.advance(
        region,
        project,
        version,
        floor=floor,
        holds=lambda v: describe(region, artifact_key(project, v)) is not None,
    )


def publish(region: Region, project: str, mover: Mover, watch: Watch) -> None:
    """Copy ``latest`` of *region* to where others read it."""
    watch.moved()
    mover.publish(region, project)
