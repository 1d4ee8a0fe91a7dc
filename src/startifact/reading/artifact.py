"""An artifact: its metadata, its facts, and the way to its bytes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from semver import Version

from startifact.errors import StartifactError
from startifact.lazy_dataclasses import dataclass
from startifact.model.clock import time_of
from startifact.model.filenames import composed
from startifact.model.keys import artifact_key
from startifact.model.record import Record
from startifact.registers.marks import Yank

if TYPE_CHECKING:
    from startifact.reading.download import Downloader


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A version that a range may be thought to pick, and did not."""

    version: Version
    why: str
    """Such as ``it was yanked: broken``; may have remote text."""


class Artifact(Mapping[str, str]):
    """One version of one project. As a mapping it holds the metadata the user gave it.

    Two artifacts are equal when project, version and everything recorded about them are. An
    artifact is true even when it has no metadata. It can be pickled: what is known of it goes
    along, and to download it elsewhere it is got again.
    """

    def __init__(
        self,
        project: str,
        version: Version,
        downloader: "Downloader",
        *,
        passed_over: Sequence[PassedOver] = (),
    ) -> None:
        self._passed_over = tuple(passed_over)
        self._project = project
        self._version = version
        self._downloader = downloader

    @property
    def _record(self) -> Record:
        # The downloader's, so that the facts are those of the bytes it delivers.
        return self._downloader._record

    @property
    def project(self) -> str:
        """The project's name."""
        return self._project

    @property
    def version(self) -> Version:
        """The semantic version."""
        return self._version

    @property
    def yank(self) -> Yank | None:
        """That it was yanked, with the reason, as far as regions said so when it was got.

        They have a second to answer when this is asked for the first time. ``None`` stands for one
        that was not yanked only where `yank_is_known`.
        """
        return self._downloader._mark.mark().yanked

    @property
    def yank_is_known(self) -> bool:
        """Whether regions said enough to know whether it was yanked; else a warning says why not.

        It is false, too, of the artifact of a staging, which asks nobody.
        """
        return self._yank_unknown is None

    @property
    def _yank_unknown(self) -> StartifactError | None:
        """Why it is not known whether it was yanked; ``None`` where that is known."""
        return self._downloader._mark.unknown()

    @property
    def passed_over(self) -> tuple[PassedOver, ...]:
        """The higher versions that satisfy the range it was got by, and why each was not picked.

        Highest first; empty where it was not got by a range.
        """
        return self._passed_over

    @property
    def downloader(self) -> "Downloader":
        """Where the bytes are, and how to get them."""
        return self._downloader

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes, in lower-case hexadecimal."""
        return self._record.sha256

    @property
    def digest(self) -> str:
        """What the bytes are known by, for messages: ``sha256:`` and the SHA-256.

        Of artifacts of the first Startifact it is their ``md5:``, or says that none was recorded.
        """
        return self._record.digest

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self._record.size

    @property
    def archive(self) -> str | None:
        """Which archive Startifact made of several files, ``tar.gz`` or ``zip``; remote text.

        ``None`` for a file that was staged as it was.
        """
        return self._record.archive

    @property
    def tree(self) -> str | None:
        """The digest of the files in that archive, whoever compressed it; remote text.

        It is the SHA-256 of the list of all members.
        """
        return self._record.tree

    @property
    def filename(self) -> str | None:
        """The saved file name in Unicode's form NFC; remote text, not to be used as a path."""
        name = self._record.filename
        return None if name is None else composed(name)

    @property
    def staged_at(self) -> datetime | None:
        """When it was staged first, in UTC.

        ``None`` for artifacts of the first Startifact, and where what is recorded is no time.
        """
        return time_of(self._record.staged_at)

    @property
    def staged_at_text(self) -> str:
        """The same as it was recorded: remote text, as a rule in RFC 3339, or empty."""
        return self._record.staged_at

    @property
    def repository(self) -> str | None:
        """The repository whose workflow staged it."""
        return self._record.origin.repository

    @property
    def commit(self) -> str | None:
        """The commit that workflow ran on."""
        return self._record.origin.commit

    @property
    def ref(self) -> str | None:
        """The Git reference that workflow ran on."""
        return self._record.origin.ref

    @property
    def run(self) -> str | None:
        """The address of the workflow run."""
        return self._record.origin.run

    @property
    def actor(self) -> str | None:
        """Who started the workflow run."""
        return self._record.origin.actor

    def __getitem__(self, key: str) -> str:
        return self._record.metadata[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._record.metadata)

    def __len__(self) -> int:
        return len(self._record.metadata)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Artifact):
            return NotImplemented
        return (self._project, str(self._version), self._record) == (
            other._project,
            str(other._version),
            other._record,
        )

    def __hash__(self) -> int:
        return hash((self._project, str(self._version), self._record.sha256))

    def __str__(self) -> str:
        return artifact_key(self._project, self._version)

    def __repr__(self) -> str:
        return f"<Artifact {self._downloader._facts()}>"
