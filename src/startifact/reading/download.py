"""Getting an artifact's bytes: from any region that has them, verified before they are anywhere."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Self

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.progress import ProgressCallback, Tally
from startifact.errors import (
    InputError,
    LocalFileError,
    NotFoundError,
    StartifactError,
    no_answer,
)
from startifact.files.destination import (
    file_to_write,
    has_bytes_of,
    is_directory_text,
    local_errors,
    make_folder_of,
    path_of,
    replace_file,
    saved_destination,
    temporary_beside,
)
from startifact.limits import Limits
from startifact.model.record import Record
from startifact.reading.expected import ExpectedBytes
from startifact.reading.outcomes import RegionOutcome, facts_in_short, outcome_of
from startifact.reading.replica import Replica
from startifact.reading.resolution import Resolution
from startifact.reading.transfer import read_verified
from startifact.reading.version_mark import NO_MARK, KnownMark
from startifact.regions.interface import Location
from startifact.text import with_regions

if TYPE_CHECKING:
    from startifact.files.extraction.extraction import Extraction

logger = logging.getLogger(__name__)


class Downloader:
    """Where an artifact is, and the way to its bytes.

    ``bucket``, ``key``, ``region``, ``uri`` and ``object_version`` are those of the first region,
    in the configured order, that is known to hold it, one that can deliver it before one that
    holds it in an archive. They raise a `NotFoundError` where none
    holds it, as after a dry run, and a `SeveralRegionsError` where that is not known.

    A downloader that was pickled keeps what it knew, and cannot download.
    """

    def __init__(
        self,
        resolution: Resolution,
        record: Record,
        progress: ProgressCallback | None = None,
        *,
        limits: Limits,
        mark: KnownMark = NO_MARK,
    ) -> None:
        self._mark = mark
        self._resolution = resolution
        self._record = record
        self._progress = progress
        self._limits = limits
        self._unfit: dict[str, StartifactError] = {}
        self._closed = False
        self._expected: list[ExpectedBytes] = []

    @property
    def region(self) -> str:
        """The region's name, as it was spelled."""
        return self._location().region

    @property
    def bucket(self) -> str:
        """The bucket, or the directory of a ``file:`` region."""
        return self._location().bucket

    @property
    def key(self) -> str:
        """The key in that bucket."""
        return self._location().key

    @property
    def uri(self) -> str:
        """The address: ``s3://bucket/key`` or ``file:///path``."""
        return self._location().uri

    @property
    def object_version(self) -> str | None:
        """The bucket's own version of the object, where it keeps versions."""
        return self._first().stored.object_version

    def __repr__(self) -> str:
        return f"<Downloader {self._facts()}>"

    def _facts(self) -> str:
        """Return what a debugger shows, in one line; no region is asked or waited for."""
        resolution = self._resolution
        holders = resolution.known_holders()
        return facts_in_short(resolution.key, self._record, holders, len(resolution.regions))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        # Nothing of it can be changed, and threads and connections cannot be copied.
        return self

    def __reduce__(self) -> tuple[object, ...]:
        # Only here, because that module needs this one.
        from startifact.reading.detached import DetachedDownloader

        return DetachedDownloader, (
            self._resolution.key,
            self._record,
            self.outcomes(),
            self.locations(),
            self.seconds(),
            self.failures(),
            KnownMark(self._mark.mark(), unknown=self._mark.unknown()),
        )

    def locations(self) -> tuple[Location, ...]:
        """Return where the copies are that are known to have these bytes.

        In the configured order of their regions, which have a second to answer after the first one
        that has a copy.
        """
        return tuple(r.region.location(self._resolution.key) for r in self._replicas())

    def outcomes(self) -> tuple[RegionOutcome, ...]:
        """Return what every region says of the version, in the configured order.

        Its state is ``present``, ``archived``, ``different``, ``absent``, or ``failed``, with the
        error that says why. Regions have a second to answer after the first one that has a copy.
        One whose bytes the last download did not get, or found to be damaged, has failed.
        """
        self._resolution.wait_a_moment_for_all()
        key, seconds = self._resolution.key, self.seconds()
        answers = self._resolution.answers() | self._unfit
        return tuple(
            outcome_of(name, key, answer, record=self._record, seconds=seconds.get(name, 0.0))
            for name, answer in answers.items()
        )

    def wait_for_one(self) -> bool:
        """Wait until another region has said what it holds; ``False`` when none is left."""
        return self._resolution.wait_for_one_more()

    def seconds(self) -> dict[str, float]:
        """Return how long each region that has answered by now took to say what it holds."""
        return self._resolution.seconds()

    def failures(self) -> dict[str, StartifactError]:
        """Return why regions could not say whether they hold it, by region.

        They have a second to answer after the first one that has a copy.
        """
        self._resolution.wait_a_moment_for_all()
        return self._resolution.failures()

    def download(self, path: str | Path, *, load_filename: bool = False) -> Path:
        """Put the artifact at *path* and return where it is.

        Afterwards the file has the recorded size and SHA-256; on any error it is as it was. Missing
        parent directories are made. A file that has these bytes already is not touched. A link is
        followed: the file that it leads to is written, and it stays.

        Args:
            path: The file to write. Text that ends with a slash is a directory, and the saved file
                name is used in it.
            load_filename: *path* is a directory, and the saved file name is used in it.

        Returns:
            The path of the file.

        Raises:
            InputError: *path* is empty; it is a directory without a slash at its end, and
                *load_filename* is not set; it is a pipe, a device or a circle of links; there is no
                saved file name; or the session is closed or was left behind when the artifact was
                pickled.
            IntegrityError: The saved file name is not one safe path component; or a lock file or a
                digest was given to `Session.get`, and regions agree on other bytes by now.
            LocalFileError: *path* cannot be written.
            SeveralRegionsError: No region could deliver bytes that match the record; its
                ``causes`` say why, and its exit code is the most telling of theirs.
            DeadlineError: The time that was allowed has passed.
        """
        self._check_open()
        destination = path_of(path)
        if load_filename or (isinstance(path, str) and is_directory_text(path)):
            destination = saved_destination(destination, self._record, self._resolution.key)
        target = file_to_write(destination)
        with local_errors(destination):
            if has_bytes_of(target, self._record):
                self._mark.mark()  # it warns
                return destination
            make_folder_of(target)
        self._bring(target)
        return destination

    def extract(
        self,
        path: str | Path,
        *,
        overwrite: bool = False,
        max_members: int | None = None,
        max_bytes: int | str | None = None,
        max_ratio: int | None = None,
    ) -> Path:
        """Extract the artifact, which is an archive, into the directory *path*, and return that.

        Afterwards everything that is in the archive is there; on any error the directory is as it
        was, or is not there if it was not. The archive is verified first, and all its members are
        looked at before the first is written. It may be a tar, compressed by gzip, bzip2, xz or not
        at all, or a zip; what it is called does not matter. Missing parent directories are made.

        A file may be run by its owner where that was so in the archive; all else that its mode
        says, its time and its owner are those of a file that is written now.

        Args:
            path: The directory; a link to one is followed.
            overwrite: Replace files that are there already. A directory is never replaced by
                anything else, nor anything else by a directory, and no link in it is followed.
            max_members: How many members there may be, the folders that they are in included;
                without it 200,000.
            max_bytes: How many bytes all of them may have together, as a number or as text such as
                ``2GiB``; without it 16 GiB.
            max_ratio: How many times as large as the archive that may be, where it is 64 MiB or
                more; without it 200.

        Returns:
            *path*.

        Raises:
            InputError: The artifact is no archive, or one that holds more than is allowed or what
                is not supported; *path* is empty or no directory; or members are there already and
                *overwrite* is not set. Or the session is closed or was left behind when the
                artifact was pickled.
            ArchiveError: The archive is damaged, or has members that are not safe: names and links
                that lead elsewhere, devices, names that are one file on some disks.
            IntegrityError: As for `download`.
            LocalFileError: The disk is full, or something cannot be written.
            SeveralRegionsError: As for `download`.
            DeadlineError: The time that was allowed has passed.
        """
        return self._extract(
            path,
            overwrite=overwrite,
            max_members=max_members,
            max_bytes=max_bytes,
            max_ratio=max_ratio,
        ).path

    def _extract(
        self,
        path: str | Path,
        *,
        overwrite: bool,
        max_members: int | None,
        max_bytes: int | str | None,
        max_ratio: int | None,
    ) -> "Extraction":
        """Do what `extract` does, and say more about it."""
        # Only here: who extracts nothing needs nothing that reads archives.
        from startifact.reading.extracting import extract_downloaded

        self._check_open()
        return extract_downloaded(
            self._bring,
            path_of(path),
            name=str(self._resolution.key),
            size=self._record.size,
            overwrite=overwrite,
            max_members=max_members,
            max_bytes=max_bytes,
            max_ratio=max_ratio,
        )

    def _check_open(self) -> None:
        if self._closed:
            raise InputError(
                f"the session that {self._resolution.key} was got with is closed",
                hint="Download before the session is closed, or get it again with another one",
            )

    def _bring(self, target: Path) -> None:
        """Put the bytes at *target*, verified, and warn of what there is to know of them."""
        if not self._record.sha256:
            logger.warning(
                "%s was staged by the first Startifact: no digest was recorded to verify it by",
                self._resolution.key,
            )
        self._mark.begin()
        try:
            with self._resolution.asking():  # others may know better than who delivers the bytes
                self._fetch(target)
        except BaseException:
            self._mark.cancel()
            raise
        self._mark.mark()

    def _expect(self, expected: ExpectedBytes) -> None:
        """Deliver no other bytes than *expected*, also where regions agree on others later.

        Raises:
            IntegrityError: They agree on others already.
        """
        expected.check(self._resolution.key, self._record)
        self._expected.append(expected)

    def _close(self) -> None:
        self._closed = True
        self._resolution.close()

    def _replicas(self) -> list[Replica]:
        """Return the copies known to have these bytes, in the configured order of their regions."""
        self._resolution.wait_a_moment_for_all()
        order = [region.name for region in self._resolution.regions]
        mine = [
            c
            for c in self._resolution.replicas()
            if c.record.sha256 == self._record.sha256
            and c.record.may_have_bytes_of(self._record)
            and c.region.name not in self._unfit
        ]
        return sorted(mine, key=lambda replica: order.index(replica.region.name))

    def _location(self) -> Location:
        return self._first().region.location(self._resolution.key)

    def _first(self) -> Replica:
        replicas = self._replicas()
        if not replicas:
            raise self._not_found()
        return next((r for r in replicas if r.stored.archived is None), replicas[0])

    def _fetch(self, destination: Path) -> None:
        """Try one region after the other until one has delivered the bytes to *destination*."""
        tried: set[str] = set()
        failures: list[Failure] = []
        self._unfit = {}
        while replica := self._next_copy(tried):
            tried.add(replica.region.name)
            with temporary_beside(destination) as temporary:
                others = self._has_others(tried)
                failure = self._fetch_from(replica, temporary, retry_until_idle=not others)
                # Regions that answered while the bytes came may have outvoted this one.
                if failure is None and self._is_still_chosen():
                    replace_file(temporary, destination)
                    self._unfit = {f.name: f.error for f in failures}
                    logger.debug("%s served %s", replica.region.name, self._resolution.key)
                    return
            if failure is not None:
                failures.append(failure)
                logger.warning("%s", with_regions([failure.name], failure.error.message))
            elif replica.record.may_have_bytes_of(self._record):
                # It may be right by the other digest as well, which can change once a region.
                tried.remove(replica.region.name)
        self._unfit = {f.name: f.error for f in failures}
        raise self._not_found()

    def _next_copy(self, tried: set[str]) -> Replica | None:
        """Return the next copy to try; those that can have the bytes, as they were reported.

        One that is archived comes last: it may have been restored since.
        """
        while True:
            untried = self._untried(tried)
            for replica in untried:
                if replica.stored.archived is None:
                    return replica
            if not self._resolution.wait_for_one_more():
                return next(iter(self._untried(tried)), None)

    def _untried(self, tried: set[str]) -> list[Replica]:
        return [
            replica
            for replica in self._resolution.replicas()
            if replica.region.name not in tried and replica.record.may_have_bytes_of(self._record)
        ]

    def _is_still_chosen(self) -> bool:
        """Say whether what was verified still is the version, by all that regions say by now."""
        verified, self._record = self._record, self._resolution.resolve()
        for expected in self._expected:
            expected.check(self._resolution.key, self._record)
        return (verified.digest, verified.size) == (self._record.digest, self._record.size)

    def _has_others(self, tried: set[str]) -> bool:
        """Say whether another region could deliver, that was not tried."""
        return bool(self._untried(tried))

    def _fetch_from(
        self, replica: Replica, temporary: Path, *, retry_until_idle: bool
    ) -> Failure | None:
        name, record = replica.region.name, self._record
        tally = Tally(
            self._progress, verb="download", artifact=self._resolution.key, total=record.size
        )

        def job(heartbeat: Heartbeat) -> None:
            read_verified(replica, record, self._resolution.key, temporary, heartbeat, self._limits)

        # Where another region can deliver, it does so sooner than this one recovers.
        enough = None if retry_until_idle else 0
        with FanOut({name: job}, limits=self._limits, notify=tally.add, enough=enough) as fetching:
            if not retry_until_idle:
                fetching.shorten_idle_timeout(self._limits.quorum_idle_timeout_seconds)
            answer = fetching.next()
        if not isinstance(answer, Failure):
            return None
        if isinstance(answer.error, LocalFileError):
            raise answer.error  # from another region, the disk would be no better
        return answer

    def _not_found(self) -> StartifactError:
        known = self._resolution.failures() | self._unfit
        if not known:
            return NotFoundError(f"{self._resolution.key} is not staged in any region")
        reasons = [(r.name, known[r.name]) for r in self._resolution.regions if r.name in known]
        return no_answer(f"no region could deliver {self._resolution.key}:", reasons)
