"""Which files a staging is given: one as it is, or the members of an archive."""

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import islice
from pathlib import Path

from startifact.concurrency.deadline import check_deadline
from startifact.errors import InputError, StartifactError, as_one
from startifact.files.archiving.lines import Line
from startifact.files.archiving.members import (
    Member,
    Refusals,
    is_inside,
    member_at,
    on_disk,
    refuse_names,
)
from startifact.files.archiving.nearest_names import names_like, what_is_in
from startifact.files.archiving.patterns import EXCLUDES, States, is_hidden
from startifact.files.archiving.selected_members import SelectedFile, SelectedMembers, SelectedTree
from startifact.files.member_tables import MemberTable, MemberTables
from startifact.hints import ByWayIn, Hint, Option
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_MEMBERS, NEAREST_NAMES
from startifact.model.tree import ArchiveKind, MemberType
from startifact.text import quoted, quoted_list

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def select(
    paths: Sequence[str], *, archive: ArchiveKind | None = None, include_hidden: bool = False
) -> Iterator[SelectedFile | SelectedTree]:
    """Yield what *paths* name: files, directories, patterns, and with ``!`` what is taken away.

    What exists under a path as it is written is that, whatever characters it has.

    Raises:
        InputError: They name nothing, or something that cannot be staged.
        LocalFileError: Something cannot be read.
        StartifactError: Both.
    """
    several = sum(not text.startswith(EXCLUDES) for text in paths) > 1
    lines = [Line.parse(i, text, several=several) for i, text in enumerate(paths)]
    named = [line for line in lines if not line.excludes]
    if not named:
        raise InputError(
            f"{quoted_list(paths)} only takes away" if paths else "no path is given",
            hint=f"Name what to stage, before the lines that begin with {EXCLUDES}",
        )
    absent = _absent(named)
    if len(named) == 1:
        if absent:
            raise as_one([*absent.values()])
        if named[0].is_file and archive is None:
            yield SelectedFile(path=Path(named[0].text))
            return
    with MemberTables() as tables:
        members = SelectedMembers(tables, archive or ArchiveKind.TAR_GZ)
        yield _Search(
            lines, archive, absent, tables, members, include_hidden=include_hidden
        ).result()


def _absent(lines: Sequence[Line]) -> dict[int, StartifactError]:
    """Return what is wrong with those of *lines* that name what is not there, by their position."""
    found = [(line, why) for line in lines if (why := line.absence()) is not None]
    like = names_like(line.text for line, why in found if isinstance(why, FileNotFoundError))
    errors = {line.position: line.absence_error(why, like) for line, why in found}
    for line, why in found:
        errors[line.position].__cause__ = why
    return errors


@dataclass(slots=True)
class _Search:
    lines: Sequence[Line]
    archive: ArchiveKind | None
    absent: Mapping[int, StartifactError]
    tables: MemberTables
    members: SelectedMembers
    include_hidden: bool = field(kw_only=True)
    refusals: Refusals = field(default_factory=Refusals)
    hidden: MemberTable = field(init=False)
    """What is left out, by its path."""
    folders: MemberTable = field(init=False)
    """Those that have to be read, each with its states."""
    excluded: int = 0
    needless: list[str] = field(default_factory=list)
    """Lines that nothing matches, in the order in which that was found."""
    matching: set[int] = field(default_factory=set)
    """The positions of lines that take away something, or would if it were named."""

    def __post_init__(self) -> None:
        self.hidden, self.folders = self.tables.table(), self.tables.table()

    @property
    def named(self) -> list[Line]:
        return [line for line in self.lines if not line.excludes]

    @property
    def subject(self) -> str:
        return quoted_list(line.text for line in self.named)

    def result(self) -> SelectedFile | SelectedTree:
        root = os.path.commonpath([line.root for line in self.named])
        kind = self.archive or ArchiveKind.TAR_GZ
        self._find_members(root, kind)
        members = self.members
        if not members and self._is_all_of_nothing():
            raise self._nothing_matches()
        for text in self.needless:
            logger.warning("nothing matches %s", quoted(text))
        is_one = len(members) == 1 and not any(line.is_directory for line in self.named)
        if is_one and self.archive is None and not self.refusals and not self.absent:
            return self._only(root, next(iter(members)))
        names = self.tables.table()
        refuse_names(members, root, self.refusals, links=members.links, names=names)
        self._raise_if_any()
        if not members.counts.files:
            raise self._nothing(members)
        self._tell_hidden()
        only = self.named[0] if len(self.named) == 1 else None
        name = _name_of(only.text) if only is not None and only.is_directory else None
        return SelectedTree(root=root, members=members, kind=kind, name=name)

    def _raise_if_any(self) -> None:
        only = self.named[0] if len(self.named) == 1 else None
        refused = self.refusals.error(
            self.subject, only=only.folder if only is not None and only.is_file else None
        )
        if errors := [*self.absent.values(), *([refused] if refused else [])]:
            raise as_one(errors)

    def _find_members(self, root: str, kind: ArchiveKind) -> None:
        start = len(root.rstrip(os.sep)) + 1
        for line in self.named:
            if line.position in self.absent:
                continue
            count = 0
            for location in self._locations(line):
                count += 1
                path = location[start:].replace(os.sep, "/")
                member = member_at(location, path, root, kind, self.refusals)
                if member is not None:
                    self.members.add(member)
                if len(self.members) > MAX_MEMBERS:
                    raise InputError(
                        f"{self.subject} has more than {MAX_MEMBERS:,} files and directories",
                        hint="Stage it in several artifacts",
                    )
            if not count and not line.is_literal and len(self.named) > 1:
                self.needless.append(line.text)
        self._find_needless()

    def _find_needless(self) -> None:
        """Note the lines that take nothing away, which may be mistakes."""
        excluding = [line for line in self.lines if line.excludes]
        for line in excluding:
            # What others take away, or is hidden, was not looked into.
            is_known = line.position in self.matching or any(
                other is not line and other.covers(line.real_folder, is_directory=True)
                for other in excluding
            )
            is_there = line.is_literal and os.path.lexists(line.text)
            if not is_known and not (
                is_there
                and any(is_inside(line.real_folder, named.real_folder) for named in self.named)
            ):
                self.needless.append(f"{EXCLUDES}{line.text}")

    def _locations(self, line: Line) -> Iterator[str]:
        """Yield what *line* names, and lines behind it do not take away."""
        if self._is_excluded(line, line.folder, is_directory=line.is_directory):
            self.excluded += 1
            return
        if line.is_file:
            yield line.folder
            return
        self.folders.append((line.folder, line.pattern.start))
        while (following_folder := self.folders.pop()) is not None:
            folder, states = following_folder
            check_deadline()
            for entry in self._entries(folder, line):
                following = self._following(line, states, entry)
                is_directory = entry.is_dir(follow_symlinks=False)
                if self._is_excluded(line, entry.path, is_directory=is_directory):
                    self.excluded += bool(following)
                    continue
                if not following:
                    continue
                if self._is_named(line, states, following, is_directory=is_directory):
                    yield entry.path
                if is_directory:
                    self.folders.append((entry.path, following))

    @staticmethod
    def _is_named(line: Line, states: States, following: States, *, is_directory: bool) -> bool:
        pattern = line.pattern
        may_be = is_directory or pattern.is_matched(states) or not pattern.only_directories
        return may_be and pattern.is_matched(following)

    def _following(self, line: Line, states: States, entry: "os.DirEntry[str]") -> States:
        pattern, name = line.pattern, entry.name
        is_left_out = is_hidden(name) and not self.include_hidden
        # Everything in a folder that is named, or matches; hidden names only as the pattern writes.
        if pattern.is_matched(states) and not is_left_out:
            return states
        following = pattern.step(states, name, include_hidden=self.include_hidden)
        if is_left_out and not following:
            would_be = pattern.step(states, name, include_hidden=True)
            if would_be or pattern.is_matched(states):
                self.hidden.add(entry.path, value=True)
        return following

    def _entries(self, folder: str, line: Line) -> "Iterator[os.DirEntry[str]]":
        try:
            with os.scandir(folder) as entries:
                yield from entries
        except (FileNotFoundError, NotADirectoryError) as e:
            if folder != line.folder:
                self.refusals.unreadable(folder, e)
        except OSError as e:
            self.refusals.unreadable(folder, e)

    def _is_excluded(self, line: Line, location: str, *, is_directory: bool) -> bool:
        following = [o for o in self.lines[line.position + 1 :] if o.excludes]
        if not following:
            return False
        path = line.real_path(location)
        covering = {o.position for o in following if o.covers(path, is_directory=is_directory)}
        self.matching |= covering
        return bool(covering)

    def _only(self, root: str, member: Member) -> SelectedFile | SelectedTree:
        """Return the only match of a pattern: the file, or that in which a link ends."""
        path = Path(root, on_disk(member.path))
        if path.is_dir():
            raise self._nothing([member])
        return SelectedFile(path=_as_written(path, self.named))

    def _nothing(self, members: Iterable[Member]) -> InputError:
        hint = None
        if self.hidden:
            hint = Hint.of("To stage hidden files, set ", Option("include-hidden", "true"))
        if self.excluded:
            why = f"{self.subject} has no file that is not taken away by another line"
            return InputError(why, hint=hint)
        if self.hidden:
            first, _ = next(self.hidden.items())
            why = f"{self.subject} has only hidden files, such as {quoted(first, 300)}"
            return InputError(why, hint=hint)
        if any(member.type is MemberType.LINK for member in members):
            return InputError(
                f"{self.subject} has no file in it, only links", hint="Name what they lead to"
            )
        return InputError(
            f"{self.subject} has no file in it",
            hint="Check the step that should have written it",
        )

    def _is_all_of_nothing(self) -> bool:
        """Say whether there is nothing, where there are no members, that the lines could mean."""
        has_other_reason = self.absent or self.refusals or self.excluded or self.hidden
        return not has_other_reason and not any(line.is_directory for line in self.named)

    def _nothing_matches(self) -> InputError:
        return InputError(
            "\n".join(
                f"nothing matches {quoted(line.text)}: {what_is_in(line.pattern)}"
                for line in self.named
            ),
            hint=Hint.of(
                "Check the pattern: case counts, and a relative one starts at the ",
                ByWayIn(elsewhere="working directory", workflow="workspace"),
            ),
        )

    def _tell_hidden(self) -> None:
        if self.hidden:
            names = [path for path, _ in islice(self.hidden.items(), NEAREST_NAMES)]
            more = len(self.hidden) - len(names)
            logger.info(
                "hidden files are left out: %s%s",
                quoted_list(names),
                f", {more} more" if more else "",
            )


def _as_written(path: Path, lines: Sequence[Line]) -> Path:
    """Return *path* relative to the folder that the first line begins in, as it was written."""
    for line in lines:
        if line.is_file and line.folder == str(path):
            return Path(line.text)
        if is_inside(str(path), line.folder):
            return Path(line.pattern.fixed) / path.relative_to(line.folder)
    return path


def _name_of(text: str) -> str | None:
    """Return the last name in *text*; ``None`` where it has none of its own, as in ``.``."""
    name = os.path.basename(text.rstrip(f"/{os.sep}"))
    return None if name in {"", ".", ".."} else name
