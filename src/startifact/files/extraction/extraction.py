"""Extracting an archive into a directory: all that is in it, or nothing.

All members are looked at before the first is written. They are written into a folder of our own, in
the file system of the destination, and appear by one rename; in a directory that has other things
in it, by one rename for each that it has not.
"""

import os
import shutil
from pathlib import Path

from startifact.concurrency.deadline import check_deadline
from startifact.errors import LocalFileError
from startifact.files.destination import local_errors
from startifact.files.extraction.archive_reading import Archive, open_archive
from startifact.files.extraction.extraction_bounds import Bounds
from startifact.files.extraction.extraction_folder import Destination, extraction_folder
from startifact.files.extraction.member_checks import MemberChecks
from startifact.files.extraction.merging import merge, put_whole
from startifact.files.extraction.stored_members import StoredMember, StoredMemberType
from startifact.files.member_tables import MemberTables
from startifact.files.tree_removal import remove_tree
from startifact.lazy_dataclasses import dataclass
from startifact.model.member_paths import member_path
from startifact.text import quoted

_CREATE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What was extracted."""

    path: Path
    """The directory, as it was asked for."""

    members: int
    """How many files, folders and links there are now."""

    files: int
    size: int
    """Of all files together, in bytes."""


def extract_archive(
    file: Path,
    folder: Path,
    destination: Destination,
    *,
    asked: Path,
    name: str,
    bounds: Bounds,
    overwrite: bool,
) -> Extraction:
    """Extract *file* into *destination*, by way of *folder*; nothing is there otherwise.

    *name* stands for the archive in messages, *asked* for the destination.

    Raises:
        InputError: It is no archive, or holds more than *bounds* allow or what is not supported; or
            something is in the way.
        ArchiveError: It is damaged, or has members that are not safe.
        LocalFileError: The disk is full, or something cannot be written.
    """
    tree = folder / "tree"
    with local_errors(asked):
        archive = open_archive(file, name)
        with MemberTables() as tables:
            checks = _check(archive, destination, bounds, tables, overwrite=overwrite)
        check_room(folder, checks.size, f"{name} takes {checks.size:,} bytes when it is extracted")
        _write(archive, tree)
    if not destination.is_replaced:
        merge(tree, destination.path, folder / "replaced", overwrite=overwrite)
    elif not put_whole(tree, destination.path):
        remove_tree(tree)  # there may be no room for both
        _write_within(archive, destination, asked)
    return Extraction(
        path=asked, members=checks.paths, files=checks.files, size=checks.content_size
    )


def _write_within(archive: Archive, destination: Destination, asked: Path) -> None:
    """Do it by way of a folder in *destination*, an empty directory that no rename reaches."""
    with extraction_folder(destination.kept()) as folder:
        tree = folder / "tree"
        with local_errors(asked):
            _write(archive, tree)
        merge(tree, destination.path, folder / "replaced", overwrite=False)


def _check(
    archive: Archive,
    destination: Destination,
    bounds: Bounds,
    tables: MemberTables,
    *,
    overwrite: bool,
) -> MemberChecks:
    checks = MemberChecks(
        archive.name,
        archive.path.stat().st_size,
        bounds,
        existing=destination.path if destination.has_others else None,
        overwrite=overwrite,
        tables=tables,
    )
    for member in archive.members():
        check_deadline()
        checks.add(member)
    checks.finish()
    return checks


def check_room(folder: Path, size: int, what: str) -> None:
    """Return when there is room for *size* bytes in *folder*; *what* says why they are needed.

    Raises:
        LocalFileError: There is not.
    """
    free = shutil.disk_usage(folder).free
    if size > free:
        raise LocalFileError(
            f"{what}, and {free:,} are free in {quoted(str(folder.parent))}",
            hint="Free some space there, or name another directory",
        )


def _write(archive: Archive, tree: Path) -> None:
    """Write every member below *tree*, which is made."""
    tree.mkdir()
    folder = tree
    for member in archive.members():
        check_deadline()
        path = tree / member_path(member.name)
        if path.parent != folder:
            path.parent.mkdir(parents=True, exist_ok=True)
            folder = path.parent
        _write_member(member, tree, path)


def _write_member(member: StoredMember, tree: Path, path: Path) -> None:
    match member.type:
        case StoredMemberType.DIRECTORY:
            path.mkdir(parents=True, exist_ok=True)
        case StoredMemberType.SYMBOLIC_LINK:
            path.symlink_to(member.target)
        case StoredMemberType.HARD_LINK:
            _link(tree / member_path(member.target), path)
        case StoredMemberType.FILE:
            _write_file(member, path)
        case StoredMemberType.OTHER:  # pragma: no cover  # `MemberChecks` refuses these
            raise AssertionError(f"{member.name} was not refused")


def _link(source: Path, path: Path) -> None:
    try:
        path.hardlink_to(source)
    except OSError:
        shutil.copy(source, path)  # with its mode, where there are no such links


def _write_file(member: StoredMember, path: Path) -> None:
    # Whose umask it is decides the rest; times and owners are those of whoever extracts.
    mode = 0o777 if member.is_executable else 0o666
    with os.fdopen(os.open(path, _CREATE, mode), "wb") as file:
        for block in member.read():
            file.write(block)
            check_deadline()
