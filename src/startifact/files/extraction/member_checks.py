"""Whether all members of an archive may be written: by themselves, together, and where they go."""

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from startifact.errors import ArchiveError, InputError, RefusedMember, StartifactError, as_one
from startifact.files.extraction.existing import IS_THERE, ExistingDirectory
from startifact.files.extraction.extraction_bounds import Bounds
from startifact.files.extraction.stored_members import StoredMember, StoredMemberType
from startifact.files.member_tables import MemberTables
from startifact.files.refused_members import line_of, quoted_path, refusal
from startifact.hints import Hint, Option
from startifact.limits import (
    LEAST_REFUSALS_BYTES,
    MEMBER_NAME_BYTES,
    RATIO_FROM_BYTES,
    REFUSED_MEMBER_BYTES,
)
from startifact.model.member_names import folded
from startifact.model.member_paths import (
    link_trouble,
    member_path,
    name_trouble,
    way_trouble,
)
from startifact.text import quoted

_AS_IT_IS = "Download it without extracting it to have the archive as it is"
_WITHOUT = "Make it again without them, and stage that as another version"
_OVERWRITE = Hint.of(
    "Name another directory, or set ", Option("overwrite", "true"), " to replace files"
)

_FILE, _LINK, _DIRECTORY = "file", "link", "directory"


class MemberChecks:
    """Looks at one member after the other, and says in the end all that is wrong with them.

    *archive_size* is that of the file. *existing* is the directory with other things in it that
    they go to, if they do; what is there is replaced where *overwrite* says so. What has to be
    known of each member until the end is in *tables*.
    """

    def __init__(
        self,
        name: str,
        archive_size: int,
        bounds: Bounds,
        *,
        existing: Path | None,
        overwrite: bool,
        tables: MemberTables,
    ) -> None:
        self.size = 0
        """Of all contents, and of long headers, which count like them."""
        self.content_size = 0
        self.count = 0
        """Of members, and of folders that no member before what is in them names."""
        self.files = 0
        self._name = name
        self._archive_size = archive_size
        self._bounds = bounds
        self._existing = None
        if existing is not None:
            self._existing = ExistingDirectory(existing, overwrite, tables.table())
        self._directory = existing
        self._would_overwrite_help = True
        room = max(LEAST_REFUSALS_BYTES, bounds.members * REFUSED_MEMBER_BYTES)
        self._unsafe, self._others, self._there = _Refused(room), _Refused(room), _Refused(room)
        self._name_bytes = 0
        self._paths = tables.table()
        """What is known of each path, by what all that could be that path on some disk have in
        common: the path as it is, what is there, and of a file the size."""
        self._links = tables.table()
        """The path and the target of each link, one after the other."""

    def add(self, member: StoredMember) -> None:
        """Look at *member*.

        Raises:
            StartifactError: There are more of them, or more in them, than may be.
        """
        is_directory = member.type is StoredMemberType.DIRECTORY
        path = member_path(member.name)
        trouble = name_trouble(
            member.name, is_directory=is_directory or member.type is StoredMemberType.OTHER
        )
        if not trouble and not member.trouble:
            trouble = self._link_trouble(member, path) or member.refusal()
        if trouble or member.trouble:
            refused = self._unsafe if trouble or member.is_unsafe else self._others
            refused.add(RefusedMember(member.name, f"{trouble or member.trouble}"))
            self._count(1, member.size + member.header_size, len(member.name))
            return
        size = member.size
        self.content_size += size
        if member.type is StoredMemberType.HARD_LINK:
            size = self._size_of(member_path(member.target)) or 0  # it may have to be copied
        fold = folded(path)
        # A folder that is known already counts as well: there is no end to how often it may come.
        is_new = path and fold not in self._paths
        self._count(0 if is_new else 1, size + member.header_size, len(member.target))
        if path and self._take(path, fold, _kind_of(member), size):
            if member.type is StoredMemberType.SYMBOLIC_LINK:
                self._links.append((path, member.target))
            self.files += _kind_of(member) == _FILE

    @property
    def paths(self) -> int:
        """How many files, folders and links there will be."""
        return len(self._paths)

    def finish(self) -> None:
        """Return when all members that were added may be written.

        Raises:
            ArchiveError: They may not, because that would do harm.
            InputError: They may not, because they are not supported, or something is there.
        """
        for path, target in self._links.values():
            if trouble := self._way_trouble(path, target):
                self._unsafe.add(RefusedMember(path, trouble))
        if errors := self._errors():
            raise as_one(errors)

    def _errors(self) -> list[StartifactError]:
        errors: list[StartifactError] = []
        if self._unsafe:
            what = "has members that are not safe, and is not extracted"
            hint = _WITHOUT if self._others else f"{_WITHOUT}. {_AS_IT_IS}"
            errors.append(self._unsafe.error(ArchiveError, f"{self._name} {what}", hint=hint))
        if self._others:
            what = "has members that cannot be extracted"
            errors.append(self._others.error(InputError, f"{self._name} {what}", hint=_AS_IT_IS))
        if self._there:
            where = quoted(str(self._directory))
            what = f"{self._name} cannot be extracted into {where}"
            advice = _OVERWRITE if self._would_overwrite_help else "Name another directory"
            errors.append(self._there.error(InputError, what, hint=advice))
        return errors

    def _take(self, path: str, fold: str, kind: str, size: int) -> bool:
        """Note that *path* will be there, and the folders above it; say whether it can."""
        is_directory = kind == _DIRECTORY
        if trouble := self._above_trouble(path, fold) or self._same_trouble(
            path, fold, is_directory=is_directory
        ):
            self._unsafe.add(RefusedMember(path, trouble))
            self._count(1, 0, 0)
            return False
        for above, above_fold in _with_folders(path, fold):
            known = (above, kind, size) if above == path else (above, _DIRECTORY, 0)
            if not self._paths.add(above_fold, known):
                break
            self._count(1, 0, len(above))
        if self._existing and (there := self._existing.trouble(path, is_directory=is_directory)):
            self._there.add(there)
            self._would_overwrite_help &= there.reason == IS_THERE
        return True

    def _above_trouble(self, path: str, fold: str) -> str | None:
        for above, above_fold in _with_folders(path, fold):
            if above == path:
                continue
            known = self._paths.get(above_fold)
            if known is None:
                continue
            other, kind, _ = known
            if other != above:
                return f"is in a folder that {quoted_path(other)} would be on some disks"
            if kind != _DIRECTORY:
                return f"is in {quoted_path(above)}, which is a {kind}"
            return None
        return None

    def _same_trouble(self, path: str, fold: str, *, is_directory: bool) -> str | None:
        known = self._paths.get(fold)
        if known is None:
            return None
        other, kind, _ = known
        if other != path:
            return f"and {quoted_path(other)} would be one file on some disks"
        return None if is_directory and kind == _DIRECTORY else "is there twice"

    def _link_trouble(self, member: StoredMember, path: str) -> str | None:
        if member.type not in {StoredMemberType.SYMBOLIC_LINK, StoredMemberType.HARD_LINK}:
            return None
        if trouble := link_trouble(member.target):
            return trouble
        if member.type is StoredMemberType.SYMBOLIC_LINK:
            escapes = any(step is None for step in _steps(path, member.target))
            return "is a link that leads out of the directory" if escapes else None
        if ".." in member.target.split("/"):
            return "is a hard link that leads out of the directory"
        if self._size_of(member_path(member.target)) is None:
            return f"is a hard link to {quoted(member.target)}, which is no file before it"
        return None

    def _way_trouble(self, path: str, target: str) -> str | None:
        """Return why the link at *path* may not lead to *target*, now that all are known."""
        for step in _steps(path, target):
            # What a member replaces is not there any more.
            if step and not self._is_replaced(step) and self._has_link(step):
                return f"is a link that leads through {quoted(step)}, which is a link"
        return way_trouble(path, target, self._is_link)

    def _is_replaced(self, path: str) -> bool:
        known = self._paths.get(folded(path or ""))
        return known is not None and known[0] == path and known[1] != _DIRECTORY

    def _is_link(self, folder: str) -> bool:
        known = self._paths.get(folded(folder))
        return known is not None and known[1] == _LINK

    def _size_of(self, path: str) -> int | None:
        """Return the size of the file at *path*; ``None`` where there is none."""
        known = self._paths.get(folded(path))
        is_file = known is not None and known[0] == path and known[1] == _FILE
        return known[2] if is_file else None

    def _has_link(self, folder: str) -> bool:
        return self._existing is not None and self._existing.has_link(folder)

    def _count(self, members: int, size: int, name_bytes: int) -> None:
        self.count += members
        self.size += size
        self._name_bytes += name_bytes
        bounds = self._bounds
        if self.count > bounds.members:
            self._refuse(f"more than {bounds.members:,} members", Option("max-members"))
        if self._name_bytes > bounds.members * MEMBER_NAME_BYTES:
            self._refuse(
                f"names of more than {bounds.members * MEMBER_NAME_BYTES:,} bytes",
                Option("max-members"),
            )
        if self.size > bounds.size:
            self._refuse(
                f"more than {bounds.size:,} bytes in its members", Option("max-extracted-size")
            )
        if self.size > max(RATIO_FROM_BYTES, bounds.ratio * self._archive_size):
            self._refuse(
                f"members that are more than {bounds.ratio:,} times as large as its "
                f"{self._archive_size:,} bytes",
                Option("max-ratio"),
            )

    def _refuse(self, what: str, option: Option) -> NoReturn:
        """Raise that there is too *much*, with all that was wrong until there."""
        bound = InputError(
            f"{self._name} has {what}, and is not extracted",
            hint=Hint.of("Where you trust it, allow more with ", option),
        )
        raise as_one([bound, *self._errors()])


class _Refused:
    """Members that may not be written: as many as *room* is for in bytes, the others counted."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._members: dict[RefusedMember, None] = {}
        self._bytes = 0
        self._more = 0

    def __bool__(self) -> bool:
        return bool(self._members)

    def add(self, member: RefusedMember) -> None:
        if member in self._members:
            return  # a folder once, not for each member in it
        # Whoever has made the archive chooses the names.
        if self._bytes < self._room:
            self._members[member] = None
            self._bytes += len(line_of(member).encode())
        else:
            self._more += 1

    def error(
        self, kind: type[StartifactError], what: str, *, hint: Hint | str | None = None
    ) -> StartifactError:
        return refusal(kind, what, self._members, more=self._more, hint=hint)


def _kind_of(member: StoredMember) -> str:
    if member.type is StoredMemberType.SYMBOLIC_LINK:
        return _LINK
    return _DIRECTORY if member.type is StoredMemberType.DIRECTORY else _FILE


def _with_folders(path: str, fold: str) -> Iterator[tuple[str, str]]:
    """Yield *path* and the folders that it is in, the innermost first, each with its fold."""
    while path:
        yield path, fold
        path, fold = path.rpartition("/")[0], fold.rpartition("/")[0]


def _steps(path: str, target: str) -> Iterator[str | None]:
    """Yield where the link at *path* leads step by step; ``None`` for out of the directory."""
    stack = path.split("/")[:-1]
    for part in target.split("/"):
        if part in {"", "."}:
            continue
        if part == "..":
            if not stack:
                yield None
                return
            stack.pop()
        else:
            stack.append(part)
        yield "/".join(stack)
