"""The tar format, as much of it as an archive of ours has: the same bytes from every Python.

Headers are those of POSIX.1-1988 (ustar), which everything reads. What these have no room for is in
a header of POSIX.1-2001 (pax) before: long names, names that are not ASCII, sizes from 8 GiB on.
"""

from startifact.files.archiving.members import Member
from startifact.model.tree import MemberType

BLOCK = 512
END = bytes(2 * BLOCK)
END_BYTES = len(END)

_TYPES = {MemberType.FILE: b"0", MemberType.LINK: b"2", MemberType.DIRECTORY: b"5"}
_EXTENDED = b"x"
_LINK_MODE = 0o777
_NAME_BYTES = 100
_SIZE_DIGITS = 11
_LARGEST = 8**_SIZE_DIGITS - 1


def header(member: Member, time: int) -> bytes:
    """Return what stands before the bytes of *member*, whose time is *time*."""
    name, target = _name(member), member.target or ""
    mode = _LINK_MODE if member.type is MemberType.LINK else member.mode
    before = b""
    if records := _records(member):
        before = _block("././@PaxHeader", 0o644, len(records), time, _EXTENDED)
        before += records + padding(len(records))
    size = member.size if member.size <= _LARGEST else 0
    return before + _block(name, mode, size, time, _TYPES[member.type], target)


def padding(size: int) -> bytes:
    """Return what follows *size* bytes up to the end of a block."""
    return bytes(-size % BLOCK)


def largest_size(member: Member) -> int:
    """Return what an archive has for *member*, before it is compressed."""
    size = BLOCK + _whole_blocks(member.size)
    if records := _records(member):
        size += BLOCK + _whole_blocks(len(records))
    return size


def _whole_blocks(size: int) -> int:
    return size + -size % BLOCK


def _name(member: Member) -> str:
    return member.path + ("/" if member.type is MemberType.DIRECTORY else "")


def _records(member: Member) -> bytes:
    """Return what the usual header of *member* has no room for."""
    name, target = _name(member), member.target or ""
    extended = {}
    if not _fits(name):
        extended["path"] = name
    if not _fits(target):
        extended["linkpath"] = target
    if member.size > _LARGEST:
        extended["size"] = str(member.size)
    return b"".join(_record(key, value) for key, value in extended.items())


def _fits(text: str) -> bool:
    return text.isascii() and len(text) <= _NAME_BYTES


def _record(key: str, value: str) -> bytes:
    """Return a line of an extended header: its own length in decimal, the key and the value."""
    rest = b" " + key.encode() + b"=" + value.encode() + b"\n"
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


def _block(name: str, mode: int, size: int, time: int, type_: bytes, target: str = "") -> bytes:
    fields = (
        _text(name),
        b"%07o\0" % mode,
        b"%07o\0" % 0,  # the owner
        b"%07o\0" % 0,  # and the group, both without a name
        b"%011o\0" % size,
        b"%011o\0" % time,
        b" " * 8,  # as which the checksum counts
        type_,
        _text(target),
        b"ustar\x0000",
        bytes(64),
        b"%07o\0" % 0,
        b"%07o\0" % 0,
    )
    block = b"".join(fields).ljust(BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _text(text: str) -> bytes:
    return text.encode("ascii", "replace")[:_NAME_BYTES].ljust(_NAME_BYTES, b"\0")
