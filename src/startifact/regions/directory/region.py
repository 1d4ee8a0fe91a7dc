"""A region that is a directory: for a laptop, an air-gapped runner, a first try and the tests.

An artifact is the directory ``{project}@{version}`` with the files ``artifact`` and
``metadata.json``. It is written under another name and appears by one rename, which fails where
one exists. A channel is a file, replaced by a rename under a lock that dies with its process.
"""

import contextlib
import dataclasses
import errno
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from startifact.errors import (
    AccessDeniedError,
    ExistsError,
    InputError,
    IntegrityError,
    RegionUnavailableError,
    StartifactError,
    UnexpectedFileTypeError,
)
from startifact.files.source import Source
from startifact.files.trouble import hint_of, local_error, too_many_open
from startifact.lazy_dataclasses import dataclass
from startifact.limits import (
    DEFAULT_LIMITS,
    KEYS_AT_ONCE,
    MAX_DIRECTORY_NAME_BYTES,
    READ_BACK_BYTES,
    Limits,
)
from startifact.model.examination import Check, ExaminationRequest
from startifact.model.keys import Key, is_channel_key, mark_key_of, project_of
from startifact.regions.directory.filelock import check_lockable, locked, replace
from startifact.regions.directory.no_follow import NoFollowDirectory, is_empty
from startifact.regions.directory.scratch import scratch_in, sweep
from startifact.regions.interface import (
    Beat,
    Location,
    Region,
    StoredArtifact,
    StoredChannel,
)
from startifact.regions.pages import Page, page_of
from startifact.text import quoted

ARTIFACT = "artifact"

_CANNOT_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""What flushing a folder ends with on shares that have no such thing; files are flushed there."""

METADATA = "metadata.json"


class DirectoryRegion(Region):
    """A directory that holds artifacts. It is made when the first one is staged."""

    def __init__(self, name: str, root: Path, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self.name = name
        self._limits = limits
        self._root = root.absolute()
        self._no_follow = NoFollowDirectory(name, self._root)

    def store_identity(self) -> str:
        """See `Region.store_identity`."""
        return f"file:{os.path.realpath(self._root)}"

    def location(self, key: Key) -> Location:
        """See `Region.location`."""
        return Location(
            region=self.name,
            bucket=str(self._root),
            key=key,
            uri=(self._root / key / ARTIFACT).as_uri(),
        )

    def describe(self, key: Key) -> StoredArtifact | None:
        """See `Region.describe`: where one of the two files is missing, it counts as empty.

        Startifact never leaves half an artifact behind, but people may.
        """
        _check_length(key, self.name)
        folder = self._root / key
        with self._translated("read", folder):
            for _ in range(self._limits.describe_attempts):
                self._no_follow.check_folders(folder)
                before = self._status(folder / ARTIFACT)
                encoded_record = self._no_follow.text(folder / METADATA)
                if before is None and encoded_record is None and is_empty(folder):
                    return None
                if before is None or encoded_record is None:
                    continue
                if self._status(folder / ARTIFACT) == before:
                    return StoredArtifact(
                        size=before.size, encoded_record=encoded_record, token=before.token
                    )
            half = before or self._status(folder / METADATA)
        if half is None or (before is not None and encoded_record is not None):
            raise IntegrityError(
                f"{key} in {self.name} is neither an artifact nor half of one",
                hint=f"Look into {quoted(str(folder))}; Startifact leaves no such folder behind",
            )
        size = 0 if before is None else before.size
        return StoredArtifact(size=size, encoded_record=encoded_record or "", token=half.token)

    def _status(self, path: Path) -> "_Status | None":
        status = self._no_follow.status(path)
        return None if status is None else _Status.of(status)

    def create(self, key: Key, source: Source, encoded_record: str, beat: Beat) -> None:
        """See `Region.create`."""
        folder = self._root / key
        with self._translated("write", folder), self._scratch(folder.parent) as scratch:
            sweep(folder.parent)
            self._copy(source, scratch / ARTIFACT, beat)
            _write_durably(scratch / METADATA, encoded_record.encode())
            try:
                scratch.rename(folder)
            except OSError as e:
                if os.path.lexists(folder):
                    raise ExistsError(key) from e
                raise
            try:
                _sync_directory(folder.parent)
            except OSError as e:
                # Not as local trouble, which says that nothing was stored.
                raise RegionUnavailableError(
                    f"{self.name} failed to write {quoted(str(folder))}: {e.strerror}"
                ) from e

    def _copy(self, source: Source, destination: Path, beat: Beat) -> None:
        with destination.open("xb") as file:
            # Here already: what cannot be locked could never have a channel.
            check_lockable(file.fileno(), self._root)
            for block in source.blocks(beat):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())

    def read(self, key: Key, stored: StoredArtifact, start: int, stop: int) -> Iterator[bytes]:
        """See `Region.read`."""
        path = self._root / key / ARTIFACT
        with self._translated("read", path):
            opened = self._no_follow.open(path)
            if opened is None:
                raise IntegrityError(f"{key} in {self.name} has gone")
            with opened as file:
                if _Status.of(os.fstat(file.fileno())).token != stored.token:
                    raise IntegrityError(f"{key} in {self.name} was replaced while it was read")
                file.seek(start)
                while start < stop:
                    block = file.read(min(READ_BACK_BYTES, stop - start))
                    if not block:
                        raise IntegrityError(f"{key} in {self.name} ended early")
                    start += len(block)
                    yield block

    def keys(self, prefix: str) -> Iterator[str]:
        """See `Region.keys`."""
        with self._translated("list", self._root):
            for entry in self._entries(prefix):
                if _is_there(entry):
                    yield entry.name

    def first_page(self, prefix: str, delimiter: str = "") -> Page:
        """See `Region.first_page`: names are near, but whether each holds something is not."""
        if not delimiter:
            keys = list(itertools.islice(self.keys(prefix), KEYS_AT_ONCE + 1))
            whole = len(keys) <= KEYS_AT_ONCE
            return page_of(keys[:KEYS_AT_ONCE], prefix, delimiter, whole=whole)
        with self._translated("list", self._root):
            kept: dict[str, os.DirEntry[str]] = {}
            names = self._names(prefix, delimiter, kept)
            page = page_of(names, prefix, delimiter, whole=True)
            there = (name for name in page.keys if _is_there(kept[name]))
            return dataclasses.replace(page, keys=tuple(there))

    def _names(
        self, prefix: str, delimiter: str, kept: dict[str, "os.DirEntry[str]"]
    ) -> Iterator[str]:
        """Yield all names; *kept* are then the entries of those without *delimiter*."""
        for entry in self._entries(prefix):
            if delimiter not in entry.name[len(prefix) :]:
                kept[entry.name] = entry
            yield entry.name

    def channel_keys(self, prefix: str) -> Iterator[str]:
        """See `Region.channel_keys`."""
        folder = self._root / prefix
        with self._translated("list", folder):
            self._no_follow.check_folders(folder)
            try:
                entries = list(os.scandir(folder))
            except FileNotFoundError:
                return
            for entry in entries:
                if not entry.name.startswith(".") and not entry.is_dir(follow_symlinks=False):
                    yield f"{prefix}{entry.name}"

    def projects(self) -> Iterator[str]:
        """See `Region.projects`."""
        with self._translated("list", self._root):
            for entry in self._entries(""):
                if not entry.name.startswith(".") and _is_there(entry):
                    yield project_of(Key(entry.name))

    def _entries(self, prefix: str) -> Iterator["os.DirEntry[str]"]:
        # One by one: there may be very many, and a page needs only the first of them.
        try:
            entries = os.scandir(self._root)
        except FileNotFoundError:
            return
        with entries:
            yield from (entry for entry in entries if entry.name.startswith(prefix))

    def delete(self, key: Key, stored: StoredArtifact) -> bool:
        """See `Region.delete`."""
        folder = self._root / key
        with self._translated("delete", folder), self._scratch(folder.parent) as scratch:
            current = self.describe(key)
            if current is None:
                return True
            if current.token != stored.token:
                return False
            # One rename, so that no reader sees half of it; the scratch folder is removed later.
            folder.rename(scratch / "removed")
            return True

    def replace_with_tombstone(
        self, key: Key, encoded_record: str, stored: StoredArtifact | None
    ) -> bool:
        """See `Region.replace_with_tombstone`: the record first, which says that it was removed.

        A process that dies in between leaves bytes that nobody is given any more.
        """
        folder, data = self._root / key, encoded_record.encode()
        with self._translated("remove", folder), self._scratch(folder.parent) as scratch:
            _write_durably(scratch / ARTIFACT, data)
            _write_durably(scratch / METADATA, data)
            if stored is None:
                return self._put_in_place(scratch, folder)
            # That of the version's mark, which is there already: a lock of the project would be
            # waited for by every other removal in it.
            mark = self._root / mark_key_of(key)
            self._no_follow.check_folders(mark.parent)
            with self._locked(mark):
                current = self.describe(key)
                if current is None or current.token != stored.token:
                    return False
                for name in (METADATA, ARTIFACT):
                    replace(scratch / name, folder / name, limits=self._limits)
                _sync_directory(folder)
            return True

    def _put_in_place(self, scratch: Path, folder: Path) -> bool:
        """Let *scratch* be *folder*; ``False`` where there is one."""
        try:
            scratch.rename(folder)
        except OSError:
            if os.path.lexists(folder):
                return False
            raise
        _sync_directory(folder.parent)
        return True

    def move_aside(self, key: Key, aside: Key) -> bool:
        """See `Region.move_aside`: one rename, whatever it is that is moved."""
        path, target = self._root / key, self._root / aside
        with self._translated("move", path):
            for folder in (path.parent, target.parent):
                self._no_follow.check_folders(folder)
            if not is_channel_key(key):
                return self._move_unexpected(lambda: self.describe(key), path, target)
            with self._locked(path):
                return self._move_unexpected(lambda: self.read_channel(key), path, target)

    def _move_unexpected(self, read: Callable[[], object], path: Path, target: Path) -> bool:
        """Move *path* where *read* finds an unexpected type of file, if it is still the same."""
        before = os.lstat(path) if os.path.lexists(path) else None
        try:
            read()
        except UnexpectedFileTypeError:
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
            if before is None or not os.path.samestat(before, os.lstat(target)):
                # Another job replaced it meanwhile, perhaps by what belongs there: move that back.
                target.rename(path)
                return False
            for folder in (target.parent, path.parent):
                _sync_directory(folder)
            return True
        return False

    def _locked(self, path: Path) -> contextlib.AbstractContextManager[None]:
        path.parent.mkdir(parents=True, exist_ok=True)
        return locked(path.parent / f".{path.name}.lock", limits=self._limits)

    def examine(self, request: ExaminationRequest) -> Iterator[Check]:
        """See `Region.examine`."""
        # Only here: nothing else needs it.
        from startifact.regions.directory.examination import examine

        with self._translated("read", self._root):
            yield from examine(self._root, request)

    def read_channel(self, key: Key) -> StoredChannel | None:
        """See `Region.read_channel`."""
        path = self._root / key
        with self._translated("read", path):
            self._no_follow.check_folders(path.parent)
            text = self._no_follow.text(path)
        return None if text is None else StoredChannel(text, text)

    def write_channel(self, key: Key, text: str, expected: StoredChannel | None) -> bool:
        """See `Region.write_channel`."""
        path = self._root / key
        with self._translated("write", path):
            self._no_follow.check_folders(path.parent)
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked(path):
                if self.read_channel(key) != expected:
                    return False
                with self._scratch(path.parent) as scratch:
                    _write_durably(scratch / path.name, text.encode())
                    replace(scratch / path.name, path, limits=self._limits)
                    _sync_directory(path.parent)
        return True

    @contextlib.contextmanager
    def _scratch(self, parent: Path) -> Iterator[Path]:
        self._no_follow.check_folders(parent)
        with scratch_in(parent) as scratch:
            yield scratch

    @contextlib.contextmanager
    def _translated(self, verb: str, path: Path) -> Iterator[None]:
        try:
            yield
        except StartifactError:
            raise
        except PermissionError as e:
            raise AccessDeniedError(
                f"{self.name} refused to {verb} {quoted(str(e.filename or path))}: {e.strerror}",
                hint="Check the owner and the mode of the directory",
            ) from e
        except OSError as e:
            if too_many_open(e):
                raise local_error(verb, path, e) from e
            raise RegionUnavailableError(
                f"{self.name} failed to {verb} {quoted(str(path))}: {e.strerror}", hint=hint_of(e)
            ) from e


@dataclass(frozen=True, slots=True)
class _Status:
    """The size of a file, and a token that distinguishes it from every other one."""

    size: int
    token: str

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        token = f"{status.st_dev}-{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"
        return cls(status.st_size, token)


def _is_there(entry: "os.DirEntry[str]") -> bool:
    """Say whether anything is at the key that *entry* has the name of."""
    return not entry.is_dir(follow_symlinks=False) or not is_empty(entry.path)


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    if os.name == "nt":  # pragma: no cover  # directories cannot be opened there
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as e:
        if e.errno not in _CANNOT_SYNC:
            raise
    finally:
        os.close(descriptor)


def _check_length(key: Key, region: str) -> None:
    if len(key.rpartition("/")[2].encode()) > MAX_DIRECTORY_NAME_BYTES:
        raise InputError(
            f"{quoted(key, 300)} is too long for {region}: file systems allow "
            f"{MAX_DIRECTORY_NAME_BYTES} bytes for a name",
            hint="Shorten the project's name or the version",
        )
