"""The members of a tar, one after the other, in bounded memory.

`tarfile` reads single headers, and judges each member by its ``data`` filter. Its own loop over the
members is not used: it takes a damaged header for the end, reads whatever size a header has into
memory, and remembers every member.
"""

import tarfile
from collections.abc import Iterator

from startifact.concurrency.deadline import check_deadline
from startifact.errors import ArchiveError
from startifact.files.extraction.damage import damaged
from startifact.files.extraction.decompressing import Stream
from startifact.files.extraction.stored_members import StoredMember, StoredMemberType
from startifact.limits import BLOCK_BYTES, MAX_TAR_HEADER_BYTES, MAX_TAR_PADDING_BYTES
from startifact.text import quoted

_TYPES = {
    tarfile.REGTYPE: StoredMemberType.FILE,
    tarfile.AREGTYPE: StoredMemberType.FILE,
    tarfile.CONTTYPE: StoredMemberType.FILE,
    tarfile.DIRTYPE: StoredMemberType.DIRECTORY,
    tarfile.SYMTYPE: StoredMemberType.SYMBOLIC_LINK,
    tarfile.LNKTYPE: StoredMemberType.HARD_LINK,
}
_OTHERS = {
    tarfile.FIFOTYPE: "is a pipe",
    tarfile.CHRTYPE: "is a device",
    tarfile.BLKTYPE: "is a device",
    b"s": "is a socket",
}
_SPARSE = "is a sparse file, which is not supported"
_PAX = frozenset({tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE})
_LONG = {tarfile.GNUTYPE_LONGNAME: "path", tarfile.GNUTYPE_LONGLINK: "linkpath"}
_NAMING = frozenset({"path", "linkpath", "size"})

_NAME, _MAGIC = slice(0, 100), slice(257, 265)
"""Of a header, where the name is, and what says which format it has."""

# Names are judged as they would be below it; nothing is there.
_ROOT = "/startifact-extract"


def is_tar(block: bytes) -> bool:
    """Say whether *block*, the first 512 bytes of something, begins a tar."""
    if block.count(0) == len(block) == tarfile.BLOCKSIZE:
        return True  # of an empty one there is only the end
    try:
        _header(block)
    except tarfile.HeaderError:
        return False
    return True


def tar_members(stream: Stream, name: str) -> Iterator[StoredMember]:
    """Yield the members of the tar that *stream* has; *name* stands for it in messages.

    Raises:
        ArchiveError: It is damaged.
    """
    return _Tar(stream, name).members()


def _header(block: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    if block[_MAGIC] == tarfile.GNU_MAGIC:
        # Where others have the beginning of a long name GNU has times, which tarfile takes for it.
        name = block[_NAME].split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
        info.name = name.rstrip("/") if info.isdir() else name
    return info


class _Tar:
    def __init__(self, stream: Stream, name: str) -> None:
        self._stream = stream
        self._name = name
        self._unread = 0
        """Of the content of the member that was yielded last."""

    def members(self) -> Iterator[StoredMember]:
        said: dict[str, str] = {}
        used = 0  # by the headers of one member
        while (info := self._next()) is not None:
            check_deadline()
            if info.type in _PAX or info.type in _LONG or info.type == tarfile.XGLTYPE:
                used += self._size_of_header(info, used)
                if info.type in _LONG:
                    records = {_LONG[info.type]: self._long_name(info.size)}
                else:
                    records = self._records(self._read(info.size))
                    records = records if info.type in _PAX else self._of_all(records)
                self._check_same(said, records)
                said |= records
                continue
            yield from self._member(info, said, used)
            said, used = {}, 0
        if said:
            raise self._damaged("it ends where a member should follow")
        self._check_end()

    def _member(
        self, info: tarfile.TarInfo, said: dict[str, str], used: int
    ) -> Iterator[StoredMember]:
        info.name = said.get("path", info.name)
        info.linkname = said.get("linkpath", info.linkname)
        if "size" in said:
            info.size = self._number(said["size"])
        type_ = _TYPES.get(info.type, StoredMemberType.OTHER)
        if info.type == tarfile.AREGTYPE and info.name.endswith("/"):
            type_, info.type = StoredMemberType.DIRECTORY, tarfile.DIRTYPE
        if type_ not in {StoredMemberType.FILE, StoredMemberType.OTHER} and info.size:
            raise self._damaged(f"{quoted(info.name)} has a size, and is a {type_}")
        trouble = _OTHERS.get(info.type)
        is_sparse = info.type == tarfile.GNUTYPE_SPARSE
        if is_sparse or any(key.startswith("GNU.sparse.") for key in said):
            type_, trouble, is_sparse = StoredMemberType.OTHER, _SPARSE, True
        if type_ is StoredMemberType.OTHER and trouble is None:
            trouble = f"is of the type {quoted(info.type.decode('latin-1'))}, which is not known"
        if type_ is StoredMemberType.FILE and info.mode & 0o6000:
            trouble = "has a set-user-id or set-group-id bit"
        self._unread = info.size
        yield StoredMember(
            name=info.name,
            type=type_,
            size=info.size,  # of any type: it has to be passed over
            mode=info.mode,
            target=info.linkname,
            header_size=used,
            trouble=trouble,
            is_unsafe=not is_sparse,
            refusal=lambda: _refused(info),
            read=self._content,
        )
        self._stream.skip(self._unread + -info.size % tarfile.BLOCKSIZE)
        self._unread = 0

    def _content(self) -> Iterator[bytes]:
        while self._unread:
            block = self._read(min(self._unread, BLOCK_BYTES))
            self._unread -= len(block)
            yield block

    def _next(self) -> tarfile.TarInfo | None:
        """Return the next header; ``None`` at the end."""
        block = self._read(tarfile.BLOCKSIZE)
        if block.count(0) == tarfile.BLOCKSIZE:
            return None
        try:
            info = _header(block)
        except tarfile.HeaderError as e:
            raise self._damaged("a header is not valid") from e
        if info.size < 0:
            raise self._damaged(f"{quoted(info.name)} has a negative size")
        return info

    def _size_of_header(self, info: tarfile.TarInfo, used: int) -> int:
        if used + info.size > MAX_TAR_HEADER_BYTES:
            raise self._damaged(
                f"more than {MAX_TAR_HEADER_BYTES:,} bytes say something about one member"
            )
        return info.size + tarfile.BLOCKSIZE

    def _read(self, size: int) -> bytes:
        """Return the next *size* bytes, and pass over what fills up the block behind a header."""
        data = self._stream.read(size)
        if len(data) < size:
            raise self._damaged("it ends too early")
        if size % tarfile.BLOCKSIZE and not self._unread:
            self._stream.skip(-size % tarfile.BLOCKSIZE)
        return data

    def _long_name(self, size: int) -> str:
        data = self._read(size + -size % tarfile.BLOCKSIZE)
        if any(data[size:]):  # some tools read on as far as there is no end
            raise self._damaged("a long name goes on where it should end")
        return data[:size].split(b"\0", 1)[0].decode("utf-8", "surrogateescape")

    def _records(self, data: bytes) -> dict[str, str]:
        """Return what an extended header says; each record has its length in front of it."""
        records: dict[str, str] = {}
        start = 0
        while start < len(data):
            digits, _, _ = data[start : start + 20].partition(b" ")
            end = start + (int(digits) if digits.isdigit() else 0)
            key, equals, value = data[start + len(digits) + 1 : end - 1].partition(b"=")
            is_whole = start < end <= len(data) and data[end - 1] == ord("\n")
            if not equals or not is_whole:
                raise self._damaged("an extended header is not valid")
            name = key.decode("utf-8", "surrogateescape")
            records[name] = value.decode("utf-8", "surrogateescape")
            start = end
        return records

    def _of_all(self, records: dict[str, str]) -> dict[str, str]:
        """Return what is to be known of *records*, which are about all members: nothing."""
        if not _NAMING.isdisjoint(records):
            raise self._damaged("a header for all members gives them one name or size")
        return {}

    def _check_same(self, said: dict[str, str], records: dict[str, str]) -> None:
        """Raise where *records* call a member otherwise than *said* before, or size it so."""
        for key in sorted(_NAMING & said.keys() & records.keys()):
            if said[key] != records[key]:  # which one counts, tools do not agree on
                both = f"{quoted(said[key])} and {quoted(records[key])}"
                raise self._damaged(f"two headers of one member do not agree: {key} is {both}")

    def _number(self, text: str) -> int:
        if text.isascii() and text.isdecimal() and len(text) < 20:
            return int(text)
        raise self._damaged(f"{quoted(text)} is not a size")

    def _check_end(self) -> None:
        left = MAX_TAR_PADDING_BYTES
        while block := self._stream.read(BLOCK_BYTES):
            left -= len(block)
            if block.count(0) != len(block) or left < 0:
                raise self._damaged("something else follows its end")

    def _damaged(self, what: str) -> ArchiveError:
        return damaged(self._name, "tar", what)


def _refused(info: tarfile.TarInfo) -> str | None:
    """Return why the standard library would not extract *info*; ``None`` where it would.

    The first releases of Python 3.11 have no such filter. Nothing rests on it alone.
    """
    if not hasattr(tarfile, "data_filter"):  # pragma: no cover
        return None
    try:
        tarfile.data_filter(info, _ROOT)
    except (tarfile.FilterError, ValueError) as e:  # the second of a NUL in a name
        return f"is refused by the filter of tarfile: {type(e).__name__}"
    return None
