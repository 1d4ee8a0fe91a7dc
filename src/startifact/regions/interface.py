"""The interface of regions, whatever they are made of.

Everything above this interface (quorum, ``latest``, verification) is written once and knows
nothing of buckets or directories. ``tests/contract`` holds every sentence here that an
implementation has to keep, and every implementation passes it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import field
from functools import partial
from typing import Protocol, TypeVar

from startifact.files.source import Source
from startifact.lazy_dataclasses import dataclass
from startifact.model.examination import Check, ExaminationRequest, ok
from startifact.model.keys import Key, split_channel_key
from startifact.model.links import LinkRequest, SignedLink
from startifact.regions.pages import Page, page_of

T = TypeVar("T")

Beat = Callable[[int], None]
"""Called with a number of bytes each time some have moved, and with 0 as a sign of life.

It may raise, to stop the work. It may be called from several threads at once, also from threads
that the work has started.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArtifact:
    """One artifact as a region describes it.

    Descriptions of one artifact are equal until it is replaced.
    """

    size: int
    """In bytes, as the region counts them."""

    encoded_record: str | None
    """The record that was stored with it, not yet checked; ``None`` when there is none."""

    token: str
    """Identifies these bytes at this key of this region: other bytes have another token.

    The same bytes, stored again, may have the same one. It is compared, and never parsed.
    """

    # Here, although only artifacts without a record are compared by it: S3 returns it with every
    # description, and to ask for it separately would be one more request for each artifact.
    md5: str | None = None
    """The MD5 of the bytes in hexadecimal, where the region knows it for certain."""

    object_version: str | None = None
    """The bucket's own version of the object, where it keeps versions."""

    archived: str | None = field(default=None, compare=False)
    """Why its bytes cannot be read now, such as ``it is archived (GLACIER)``; ``None`` where they
    can. It changes when the artifact is archived or restored, and is no part of what is compared.
    """


@dataclass(frozen=True, slots=True)
class StoredChannel:
    """The text a channel holds, and the token that a write has to name to replace it.

    Another text has another token. No two texts that Startifact writes to one channel are equal, so
    that a token may be made of the text.
    """

    text: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where an artifact is, for tools other than Startifact."""

    region: str
    bucket: str
    key: str
    uri: str
    page: str = ""
    """Where a person can see it with a browser; empty where that is not known."""


class Mirror(Protocol):
    """Where a region's channels are copied to, for tools that cannot read the channels themselves.

    The channel is the authority, and its mirror follows it. Safe to use from several threads; all
    methods raise what every method of a `Region` may raise, and may be called again after that.
    """

    def mirrors(self, channel: str) -> bool:
        """Say whether *channel* is mirrored at all. ``latest`` always is."""

    def read(self, project: str, channel: str) -> str | None:
        """Return the version that was written last; ``None`` when the mirror has none.

        It may still be the version before, shortly after a write.
        """

    def write(self, project: str, channel: str, version: str) -> None:
        """Make the mirror of *channel* hold *version*, whatever it held before.

        It does nothing where this channel is not mirrored.
        """

    def delete(self, project: str, channel: str) -> None:
        """Make the mirror of *channel* hold nothing.

        It does nothing where this channel is not mirrored.
        """


class Region(ABC):
    """One place that holds artifacts and channels.

    A key is an artifact's (``project@version``), a channel's (``project/channel``), or below
    ``project/_``, which is Startifact's own and may hold either. Only `create`, `delete`,
    `replace_with_tombstone`, `delete_separate_metadata`, `move_aside`, `write_channel`,
    `preflight`, `preflight_deletion`, `examine` where it calls the former, and a mirror's ``write``
    and ``delete`` change anything.

    **Threads.** Every method may be called from any thread, and by several at once; what `read` and
    `keys` return is used by one thread.

    **Absence** is never guessed. ``None``, an empty listing, ``False`` from `delete` and
    `ExistsError` are returned or raised only when the region itself has said so, of the store that
    its configuration names. Where it did not answer, refused, or has no such store, an error says
    so. What was created is described and listed for every caller from then on.

    **Errors.** Beside those that a method names itself, each may raise

    - ``RegionUnavailableError``: the region did not answer, or not in a way that can be understood;
    - ``AccessDeniedError``: it refuses, or there are no credentials;
    - ``ServiceRefusedError``: it refuses for good, as (``ArchivedError``) to read what is archived;
    - ``ConfigurationError``: what its configuration names is not there, or (``WrongRegionError``)
      somewhere else, or it lacks something that every region needs, such as locks, or it does not
      keep what this interface promises;
    - ``LocalFileError``: this process may not open more files, which is not the region's fault;

    and no other ``StartifactError``. Nothing but what is named here is raised on purpose: any other
    exception is a bug, and ends the command.

    **Repetition.** Every method may be called again after an error. An implementation repeats
    single requests by itself, within seconds, where that changes nothing or a condition keeps the
    second from having an effect. A caller asks what is there before it repeats a write: the answer
    may be lost although the write was done.
    """

    name: str
    """How the region was spelled; unique within a session, and printable."""

    mirror: Mirror | None = None
    """Where channels are copied to for other tools; ``None`` where this kind of region has none."""

    @abstractmethod
    def store_identity(self) -> str:
        """Return what identifies the bucket or directory; equal for two spellings of the same one.

        It may have to be looked up once.
        """

    @abstractmethod
    def location(self, key: Key) -> Location:
        """Return where the artifact at *key* is, or would be.

        Nothing is sent by a region that has described something before.
        """

    @abstractmethod
    def describe(self, key: Key) -> StoredArtifact | None:
        """Return the artifact at *key*, or ``None`` when the region says that there is none.

        The record is returned as it was stored. Half an artifact, which Startifact
        never leaves, is described with what there is, or is an integrity error; it is never absent.

        Raises:
            IntegrityError: What is at *key* cannot be an artifact. Others can still be described.
            InputError: This kind of region can hold nothing at *key*, as is known before anything
                is sent; `create` would fail.
        """

    def why_absent(self, key: Key) -> str | None:  # noqa: ARG002  # most know no more
        """Return what else is known of *key*, which `describe` has found absent, as that it was
        deleted; ``None`` where nothing is.

        Nothing is sent.
        """
        return None

    @abstractmethod
    def create(
        self, key: Key, source: Source, encoded_record: str, beat: Beat
    ) -> StoredArtifact | None:
        """Store *source* with its record at *key*, both at once, only if nothing is there.

        Readers see nothing at *key*, and then all of it. Of several that create
        the same key at once exactly one returns; the others raise ExistsError, and what they sent
        is gone. *encoded_record* is ASCII text of at most 2,027 bytes.

        *beat* is called with the number of bytes each time some were sent or written, at most those
        of one part of *source* at a time, and in between with 0. So it is called at least once for
        each part that has bytes before the artifact is there, and after success all numbers add up
        to the size, or to more where a request was repeated. What it raises ends the work within
        one request, of which nothing is left but the artifact where that was complete already; a
        ``StartifactError`` or ``Cancelled`` comes out of here as it is.

        This is where two kinds of store differ. One whose answer proves what it has stored, as
        Amazon S3 and memory do, returns the artifact, and a caller need not look again. Of every
        other one, and where an answer lacks something, only `describe` tells what is there.

        Returns:
            The artifact as `describe` returns it, where the answer proves it; else ``None``.

        After any error but LocalFileError the artifact may be there all the same: describe it to
        know. Nothing else is left of an attempt that failed, as far as the region can be reached.

        Raises:
            ExistsError: Something is there; perhaps from an earlier attempt of this caller.
            LocalFileError: The file changed or cannot be read. Nothing was stored.
            DamagedArtifactError: The region says that what it has stored are other bytes. They are
                there.
            IntegrityError: What *key* is below cannot hold an artifact. Nothing was stored.
        """

    def can_copy_from(self, origin: "Region") -> bool:  # noqa: ARG002  # most cannot
        """Say whether `create_copy` may be called for what *origin* holds.

        Nothing is sent. It may fail all the same: its caller can always `create` instead.
        """
        return False

    def create_copy(
        self,
        key: Key,
        source: Source,
        encoded_record: str,
        beat: Beat,
        *,
        origin: "Region",
        stored: StoredArtifact,
    ) -> StoredArtifact | None:
        """Do what `create` does, with bytes that the store copies from *origin* by itself.

        There they are *stored* at *key*, and are those of *source*: the store compares the two. It
        is called only where `can_copy_from` says so.

        Raises:
            ExistsError: As `create` does.
            LocalFileError: As `create` does.
            DamagedArtifactError: As `create` does.
            IntegrityError: What *origin* holds is not *stored* any more, or not *source*. Nothing
                was stored.
        """
        raise NotImplementedError  # of a region that has said it can

    @abstractmethod
    def read(self, key: Key, stored: StoredArtifact, start: int, stop: int) -> Iterator[bytes]:
        """Yield bytes *start* to *stop* (exclusive) of the one artifact that *stored* describes.

        The blocks are ``stop - start`` bytes together, none empty, and none longer than
        `limits.BLOCK_BYTES`: a reader takes each as a sign that bytes move, and needs memory for
        one of them. An empty range yields none. Reading may end at any block, and several ranges of
        one artifact may be read at once.

        An error comes at the latest with the block that cannot be read.

        Raises:
            IntegrityError: Another artifact, or none, is there now, or it has fewer bytes. Blocks
                that were yielded before are those of the artifact all the same.
        """

    # Not abstract: only a service that knows who signs can be shown a signature.
    def sign_link(
        self,
        key: Key,  # noqa: ARG002  # for those that can
        stored: StoredArtifact,  # noqa: ARG002
        request: LinkRequest,  # noqa: ARG002
    ) -> SignedLink | None:
        """Return a link with which anybody can download *stored* at *key* for a while.

        ``None`` where this kind of region has none. It leads to just these bytes where the store
        keeps versions of objects, and else to what is at *key*. The credentials that sign it have
        read the artifact before, and live for as long as the link works, where that can be known.

        Raises:
            InputError: It is to work for longer than that.
            IntegrityError: Another artifact, or none, is there now.
        """
        return None

    @abstractmethod
    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys of artifacts that begin with *prefix*, each once, in any order.

        *prefix* is a project's name and ``@``, or more. Channels, and what is stored below an
        artifact's key, are passed over; what is at an artifact's key and cannot be an artifact is
        not. Errors may come at any step.
        """

    # Not abstract: it is right for a region that lists as fast as it is asked.
    def first_page(self, prefix: str, delimiter: str = "") -> Page:
        """Return keys that `keys` would yield, all of them or as many as come at once.

        With *delimiter*, those that have it behind *prefix* are not among the keys, and what they
        begin with is among the common prefixes. These may have some of keys that `keys` passes
        over.
        """
        return page_of(self.keys(prefix), prefix, delimiter, whole=True)

    @abstractmethod
    def channel_keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys of channels directly below *prefix*, each once, in any order.

        *prefix* ends with a slash: it is a project's name, or of what Startifact keeps below it,
        such as ``project/_yanked/``. What lies deeper is passed over, and so is what begins with a
        dot. Errors may come at any step.
        """

    @abstractmethod
    def projects(self) -> Iterator[str]:
        """Yield what artifacts and channels have before their first ``@`` or ``/``.

        Each comes once or more often, in any order, and may be no legal name of a project. Errors
        may come at any step.
        """

    @abstractmethod
    def delete(self, key: Key, stored: StoredArtifact) -> bool:
        """Delete the artifact that *stored* describes; ``False`` when another one is there.

        ``True`` also when nothing is there. Readers see all of it, and then nothing. Other keys are
        not touched.

        Raises:
            IntegrityError: What is at *key* cannot be an artifact. Nothing was deleted.
        """

    @abstractmethod
    def replace_with_tombstone(
        self, key: Key, encoded_record: str, stored: StoredArtifact | None
    ) -> bool:
        """Put a tombstone in the place of what *stored* describes, or of nothing where it is none.

        A tombstone is an artifact with *encoded_record*, which says that it was removed, and with
        no bytes but that text. ``False`` when something else than *stored* is there: nothing was
        changed. Readers see what was there, and then the tombstone, and at no moment nothing. The
        bytes that were there cannot be read any more, unless the store keeps versions of objects.

        After any error the tombstone may be there all the same: describe it to know. ``False`` may
        also be the answer to a second attempt, where only the answer to the first was lost.

        Raises:
            IntegrityError: What is at *key* cannot be an artifact. Nothing was changed.
            ConfigurationError: The store does not keep this promise. Nothing was changed.
        """

    # Not abstract: the first Startifact stored only in S3.
    def separate_metadata(self, prefix: str) -> Iterator[Key]:  # noqa: ARG002  # for those that can
        """Yield the keys of artifacts whose metadata the first Startifact stored beside them.

        Their keys and a slash begin with *prefix*, which is that of an artifact, or of a project as
        in `keys`. What is at such a key now may be a tombstone, or nothing. Errors may come at any
        step.
        """
        yield from ()

    def delete_separate_metadata(self, key: Key) -> None:  # noqa: B027  # most have none
        """Delete the metadata that the first Startifact stored beside the artifact at *key*.

        Nobody may need it any more: it is called where a tombstone is at *key*.
        """

    # Not abstract: most stores hold nothing but artifacts and channels.
    def move_aside(self, key: Key, aside: Key) -> bool:  # noqa: ARG002  # for those that can
        """Move what is at *key*, and cannot be an artifact or a channel, to *aside* as it is.

        ``False`` when there is no such thing at *key*, which most kinds of region cannot hold:
        nothing was moved then.

        Raises:
            IntegrityError: It must not be moved, and a person has to look at it.
        """
        return False

    @abstractmethod
    def read_channel(self, key: Key) -> StoredChannel | None:
        """Return the channel at *key*, or ``None`` when the region says that there is none.

        Bytes that are not UTF-8 are replaced. Of a text of more than
        `limits.MAX_CHANNEL_BYTES` it may be only a beginning that is longer than that as well.

        Raises:
            IntegrityError: What is at *key* cannot be a channel.
        """

    @abstractmethod
    def write_channel(self, key: Key, text: str, expected: StoredChannel | None) -> bool:
        """Replace *expected* by *text*; ``False`` when it is not what is there.

        *expected* is what `read_channel` returned, identified by its token; ``None`` stands for
        nothing. Of several that replace the same text at once exactly one returns ``True``. Readers
        see the whole text before, or the one after.

        After any error *text* may be there all the same: read it to know. ``False`` may also be
        the answer to a second attempt, where only the answer to the first was lost.

        Raises:
            IntegrityError: What is at *key* cannot be a channel. Nothing was written.
        """

    def ask_in_background(self, ask: Callable[[], T]) -> Callable[[], T]:
        """Return what returns or raises what *ask* does, which reads from this region.

        A region whose answers take their time begins it now, beside what the caller does until it
        calls what is returned. Where answers are near, as here, it is asked only then. A caller
        must be right in either case, and calls what is returned once, or not at all.
        """
        return ask

    def read_channel_and_mirror(
        self, key: Key
    ) -> tuple[StoredChannel | None, Callable[[], str | None]]:
        """Return what `read_channel` does, and what returns or raises what the mirror is read as.

        The two are read beside each other, and the second is called once, or not at all. Without a
        mirror it returns ``None``.
        """
        if self.mirror is None:
            return self.read_channel(key), _nothing
        read_mirror = self.ask_in_background(partial(self.mirror.read, *split_channel_key(key)))
        return self.read_channel(key), read_mirror

    def check_project(self, project: str) -> None:  # noqa: B027  # most regions accept every legal name
        """Return when the region can hold *project*, a legal name.

        Raises:
            InputError: The name is legal, but not in this region.
        """

    def preflight(self, project: str) -> None:  # noqa: B027  # most need nothing
        """Return when the region can be trusted with writes of *project*.

        It may write below ``{project}/_``, and asks each store once.

        Raises:
            ConfigurationError: The store does not keep what this interface promises.
        """

    def preflight_deletion(self, project: str) -> None:  # noqa: B027  # most need nothing
        """Return when the region can be trusted with `delete` in *project*.

        It may write below ``{project}/_``, and asks each store once. `delete` calls it as well.

        Raises:
            ConfigurationError: The store does not keep what `delete` promises.
        """

    def is_untried(self) -> bool:
        """Say whether `preflight` would have to try the region's store, and has not yet."""
        return False

    def configured_regions(self) -> tuple[str, ...]:
        """Return the regions that this one's organisation configures; may be empty."""
        return ()

    def examine(self, request: ExaminationRequest) -> Iterator[Check]:  # noqa: ARG002  # most ask less
        """Yield what works in this region and what does not, each as soon as it is known.

        What does not work is a check, and no error: that there is one ends an examination which
        cannot go on. Nothing is changed, but that a store which `preflight` would try is tried
        where *request* allows that.
        """
        next(self.projects(), None)
        yield ok("listing", "it can be listed")


def _nothing() -> None:
    """Say what is mirrored where there is no mirror."""
