"""What a region can do, whatever it is made of.

Everything above this interface (quorum, ``latest``, verification) is written once and knows
nothing of buckets or directories. Every implementation passes the same suite of contract tests.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from startifact.files.source import Source
from startifact.model.keys import Key

Beat = Callable[[int], None]
"""
Called with a number of bytes each time some have moved. It may raise to stop the work.
"""


class ExistsError(Exception):
    """The key was taken when the write arrived; describe it to know by whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArtifact:
    """One artifact as a region describes it."""

    size: int
    """In bytes, as the region counts them."""

    encoded_record: str | None
    """The record that was stored with it, not yet checked; ``None`` when there is none."""

    token: str
    """Identifies these bytes in this region; pins a read to them."""

    # Here, although only artifacts without a record are compared by it: S3 tells it with every
    # description, and asking again for those that have a record would be a request for each.
    md5: str | None = None
    """The MD5 of the bytes in hexadecimal, where the region knows it for certain."""

    object_version: str | None = None
    """The bucket's own version of the object, where it keeps versions."""


@dataclass(frozen=True, slots=True)
class StoredChannel:
    """The text a channel holds, and the token that a write has to name to replace it."""

    text: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where an artifact is, for tools other than Startifact."""

    region: str
    bucket: str
    key: str
    uri: str


class Mirror(Protocol):
    """Where a region's channels are copied to, for tools that cannot read the channels themselves.

    The channel is the authority, and its mirror follows it. Safe to use from several threads; both
    methods raise what a `Region` raises where it does not answer or refuses.
    """

    def read(self, project: str, channel: str) -> str | None:
        """Return the version that was written last; ``None`` when the mirror has none.

        What was written a moment ago may be missing from the answer still.
        """

    def write(self, project: str, channel: str, version: str) -> None:
        """Make *version* what the mirror of *channel* holds, whatever it held."""


class Region(ABC):
    """One place that holds artifacts and channels.

    Every method may be called from any thread, and raises ``RegionUnavailableError`` when the
    region does not answer, ``AccessDeniedError`` when it refuses, and ``ConfigurationError`` when
    what its configuration names is not there. Absence is never guessed: it is returned only when
    the region has said so.
    """

    name: str
    """How the region was spelled; unique within a session."""

    mirror: Mirror | None = None
    """Where channels are copied to for other tools; ``None`` where this kind of region has none."""

    @abstractmethod
    def store_identity(self) -> str:
        """Return what identifies the bucket or directory itself; equal for two ways to spell it."""

    @abstractmethod
    def location(self, key: Key) -> Location:
        """Return where *key* is, or would be."""

    @abstractmethod
    def describe(self, key: Key) -> StoredArtifact | None:
        """Return the artifact at *key*, or ``None`` when the region says that there is none."""

    @abstractmethod
    def create(self, key: Key, source: Source, encoded_record: str, beat: Beat) -> None:
        """Store *source* with its record at *key*, both at once, only if nothing is there.

        After any error the artifact may be there all the same: describe it to know.

        Raises:
            ExistsError: Something is there.
            LocalFileError: The file changed or cannot be read. Nothing was stored.
        """

    @abstractmethod
    def read(self, key: Key, stored: StoredArtifact, start: int, stop: int) -> Iterator[bytes]:
        """Yield bytes *start* to *stop* (exclusive) of the very artifact that *stored* describes.

        Raises:
            IntegrityError: Another artifact, or none, is there now, or fewer bytes came.
        """

    @abstractmethod
    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys of artifacts that begin with *prefix*, in any order."""

    @abstractmethod
    def delete(self, key: Key, stored: StoredArtifact) -> bool:
        """Delete the artifact that *stored* describes; ``False`` when another one is there.

        When nothing is there, it is as good as deleted.
        """

    # Not abstract: a bucket holds objects only, and none of them is misshapen.
    def move_aside(self, key: Key, aside: Key) -> bool:  # noqa: ARG002  # for those that can
        """Move what stands at *key*, and can be no artifact and no channel, to *aside* as it is.

        ``False`` when it is none such, which most kinds of region cannot hold.

        Raises:
            IntegrityError: It must not be moved, and a person has to look at it.
        """
        return False

    @abstractmethod
    def read_channel(self, key: Key) -> StoredChannel | None:
        """Return the channel at *key*, or ``None`` when the region says that there is none.

        Of a text that is too long for a channel, only a beginning that is too long as well.
        """

    @abstractmethod
    def write_channel(self, key: Key, text: str, expected: StoredChannel | None) -> bool:
        """Replace *expected* (``None``: nothing) by *text*; ``False`` when it is there no more.

        After any error *text* may be there all the same: read it to know.
        """

    def check_project(self, project: str) -> None:  # noqa: B027  # most regions admit every legal name
        """Return when the region can hold *project*.

        Raises:
            InputError: The name is legal, but not in this region.
        """

    def preflight(self, project: str) -> None:  # noqa: B027  # most need nothing
        """Return when the region can be trusted with writes of *project*."""

    def configured_regions(self) -> tuple[str, ...]:
        """Return the regions that this one's organisation configures; may be empty."""
        return ()
