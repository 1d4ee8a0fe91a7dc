"""The members of an archive that is to be made: what each is, and why it may be none."""

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field

from startifact.errors import InputError, LocalFileError, RefusedMember, StartifactError
from startifact.files.member_tables import MemberTable
from startifact.files.refused_members import quoted_path, refusal
from startifact.files.trouble import hint_of
from startifact.hints import Hint, Option, join
from startifact.model.member_names import folded
from startifact.model.member_paths import link_trouble, name_trouble, way_trouble
from startifact.model.tree import EXECUTABLE_MODE, FILE_MODE, ArchiveKind, MemberType
from startifact.text import quoted

FileStamp = tuple[int, int, int, int]
"""Device, inode, size and time of modification: another one says that a file has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of an archive, as it was found on the disk."""

    path: str
    """In the archive, with slashes, and none at its end; whatever encoding the system uses."""

    type: MemberType
    size: int = 0
    """Of a file, in bytes."""

    is_executable: bool = False
    """Whether its owner may execute the file."""

    target: str | None = None
    """Of a link, the text that it has."""

    file_stamp: FileStamp = field(default=(0, 0, 0, 0), repr=False, compare=False)

    @property
    def mode(self) -> int:
        """The permissions that it has in the archive."""
        is_plain = self.type is MemberType.FILE and not self.is_executable
        return FILE_MODE if is_plain else EXECUTABLE_MODE


def stamp_of(status: os.stat_result) -> FileStamp:
    """Return what changes when the file does."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class Refusals:
    """Why things on the disk cannot be members, all of them together."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}
        self._hints: dict[str, Hint | str | None] = {}
        """What to do about them, each once by its text; ``None`` for naming something else."""
        self._is_input = False

    def __len__(self) -> int:
        return len(self._reasons)

    def refuse(self, path: str, why: str, *, hint: Hint | str | None = None) -> None:
        """Record that what is at *path* must not be a member."""
        self._is_input = True
        self._reasons.setdefault(path, why)
        self._hints.setdefault(str(hint), hint)

    def unreadable(self, path: str, error: OSError) -> None:
        """Record that what is at *path* cannot be read."""
        self._reasons.setdefault(path, f"cannot be read: {error.strerror or error}")
        self._hints.setdefault(str(hint := hint_of(error)), hint)

    def error(self, subject: str, *, only: str | None) -> StartifactError | None:
        """Return an error that names all that may be no member, and *subject*; ``None`` if nothing.

        *only* is what is at the one path that was named, where that is no directory.
        """
        if not self._reasons:
            return None
        count = len(self._reasons)
        what = "1 thing" if count == 1 else f"{count:,} things"
        kind = InputError if self._is_input else LocalFileError
        default = "Take them away with a path that begins with !"
        if only in self._reasons:
            default = "Name something else"
        return refusal(
            kind,
            f"{subject} has {what} that cannot be archived",
            (RefusedMember(*both) for both in sorted(self._reasons.items())),
            # Sorted, since each system finds them in another order.
            hint=join(sorted((hint or default for hint in self._hints.values()), key=str)),
        )


def member_at(
    location: str, path: str, root: str, kind: ArchiveKind, refusals: Refusals
) -> Member | None:
    """Return what is at *location*, as the member *path* of an archive of what is in *root*.

    ``None`` where it cannot be one, or is gone; *refusals* then has the reason.
    """
    name = _as_utf8(path)
    if name is None:
        refusals.refuse(location, "has a name that is not UTF-8", hint="Rename it")
        return None
    try:
        status = os.lstat(location)
        if stat.S_ISLNK(status.st_mode):
            return _link(location, name, root, kind, refusals)
        if stat.S_ISDIR(status.st_mode):
            return Member(path=name, type=MemberType.DIRECTORY)
        if not stat.S_ISREG(status.st_mode):
            refusals.refuse(location, f"is {_special(status.st_mode)}")
            return None
        if not _is_readable(location):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as e:
        refusals.unreadable(location, e)
        return None
    return Member(
        path=name,
        type=MemberType.FILE,
        size=status.st_size,
        is_executable=bool(status.st_mode & stat.S_IXUSR),
        file_stamp=stamp_of(status),
    )


def is_inside(path: str, folder: str) -> bool:
    """Say whether *path* is *folder* or below it, both absolute and without links."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def refuse_names(
    members: Iterable[Member],
    root: str,
    refusals: Refusals,
    *,
    links: MemberTable,
    names: MemberTable,
) -> None:
    """Record in *refusals* the members that an extraction would refuse for what they are called.

    So what was staged from a directory can be extracted, on every system but Windows. *links* has
    the folded paths of those that are links, and *names* is an empty table.
    """
    for member in members:
        trouble = name_trouble(
            member.path, is_directory=member.type is MemberType.DIRECTORY, windows=False
        )
        if trouble is None and member.target is not None:
            trouble = link_trouble(member.target) or way_trouble(
                member.path, member.target, lambda path: folded(path) in links
            )
        if trouble is not None:
            refusals.refuse(os.path.join(root, member.path), trouble)
        _refuse_same_names(member.path, names, root, refusals)


def _refuse_same_names(path: str, names: MemberTable, root: str, refusals: Refusals) -> None:
    """Do so where *path*, or a folder that it is in, would be the same file as one of *names*."""
    while path:
        key = folded(path)
        if not names.add(key, path):
            other = names.get(key)
            if other != path:
                refusals.refuse(
                    os.path.join(root, path),
                    f"would be the same file as {quoted_path(other)} on some systems",
                    hint="Rename one of them: some disks take upper and lower case, or the two "
                    "spellings of an accented letter, for the same",
                )
            return
        path = path.rpartition("/")[0]


def _link(
    location: str, path: str, root: str, kind: ArchiveKind, refusals: Refusals
) -> Member | None:
    text = link_target(location)
    target = _as_utf8(text)
    if kind is ArchiveKind.ZIP:
        hint = Hint.of("Let a link be a file, or set ", Option("archive", ArchiveKind.TAR_GZ.value))
        refusals.refuse(location, f"is a link to {quoted(text)}, and zip keeps no links", hint=hint)
        return None
    if target is None:
        refusals.refuse(location, "is a link to a name that is not UTF-8", hint="Rename it")
        return None
    # By its text, which is what whoever unpacks it goes by; and in fact, through other links.
    by_text = os.path.normpath(os.path.join(os.path.dirname(path), target))
    leads_out = os.path.isabs(target) or by_text.split(os.sep)[0] == ".."
    if leads_out or not is_inside(os.path.realpath(location), os.path.realpath(root)):
        refusals.refuse(location, f"is a link that leads out, to {quoted(target)}")
        return None
    return Member(path=path, type=MemberType.LINK, target=target)


def _special(mode: int) -> str:
    kinds = {stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket"}
    return next((name for test, name in kinds.items() if test(mode)), "a device")


def _is_readable(location: str) -> bool:
    # By the user that opens it, which is not always the one that has started the process.
    effective = os.access in os.supports_effective_ids
    return os.access(location, os.R_OK, effective_ids=effective)


def link_target(location: str) -> str:
    """Return the text of the link at *location*, with slashes."""
    return os.readlink(location).replace(os.sep, "/")


def on_disk(text: str) -> str:
    """Return *text*, of a member, as this system writes it: it may not be one that knows UTF-8."""
    return os.fsdecode(text.encode())


def _as_utf8(text: str) -> str | None:
    """Return *text*, a name of this system, by what its bytes are in UTF-8; ``None`` if nothing."""
    try:
        return os.fsencode(text).decode()
    except UnicodeError:
        return None
