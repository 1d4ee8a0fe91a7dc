"""The members of an archive that are refused, named in one error: all of them, each with why."""

from collections.abc import Iterable

from startifact.errors import RefusedMember, StartifactError
from startifact.hints import Hint
from startifact.limits import MAX_MEMBER_PATH_BYTES
from startifact.text import quoted


def quoted_path(path: str) -> str:
    """Return *path*, of a member or on the disk, for a message: quoted, printable, and whole."""
    return quoted(path, MAX_MEMBER_PATH_BYTES)


def line_of(member: RefusedMember) -> str:
    """Return what a message says of *member*."""
    return f"{quoted_path(member.path)} {member.reason}"


def refusal(
    kind: type[StartifactError],
    what: str,
    members: Iterable[RefusedMember],
    *,
    more: int = 0,
    hint: Hint | str | None = None,
) -> StartifactError:
    """Return an error of *kind* that says *what*, and below it all *members* and how many *more*.

    Programs find the members in its ``refused_members``.
    """
    refused = tuple(members)
    lines = [*map(line_of, refused), *([f"and {more:,} more"] if more else [])]
    error = kind("\n  ".join([f"{what}:", *lines]), hint=hint)
    error.refused_members = refused
    return error
