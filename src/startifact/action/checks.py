"""What single inputs may say: each function returns what a text means, or raises an InputError."""

import re
from collections.abc import Callable, Mapping
from functools import partial

from startifact.commands.inputs import STANDARD_STREAM, CopyInputs, VersionsInputs
from startifact.commands.lock import split_entry
from startifact.errors import InputError
from startifact.limits import MAX_REGIONS, MAX_ROLE_SECONDS, MIN_ROLE_SECONDS
from startifact.model.aws_regions import AWS_REGION
from startifact.model.configuration import DEFAULT_PARAMETER, is_parameter_name
from startifact.model.digest import parse_keep
from startifact.model.keys import check_project
from startifact.model.metadata import parse_metadata
from startifact.model.quorum import required_to_stage
from startifact.model.record import check_metadata
from startifact.model.selectors import parse_range, parse_selector
from startifact.model.versions import parse_version
from startifact.problems import Problems
from startifact.regions.factory import parse_specs
from startifact.regions.spec import split_list
from startifact.text import SECONDS, count_of, no_number, number_of, quoted, seconds_of

_AUDIENCE = re.compile(r"[!-~]{1,255}", re.ASCII)
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)


def check_regions(text: str, *, name: str = "regions") -> tuple[str, ...] | None:
    """Return the spellings of the regions in *text*, or ``None`` where it is empty.

    *name* is the input that has them.
    """
    if not text:
        return None
    texts = split_list(text)
    if "-" in texts:
        raise InputError(
            f"{name} is written as a list with dashes, which is not read as one here",
            hint="Separate them by commas or newlines, without dashes: us-east-1, eu-west-1",
        )
    parse_specs(texts, source=name)
    return tuple(texts)


def check_to(text: str, command: str | None) -> tuple[str, ...] | str | None:
    """Return the regions in *text* for the command copy, and for others a version.

    ``None`` where it is empty.
    """
    if command == CopyInputs.command:
        return check_regions(text, name="to")
    return check_optional(parse_version)(text)


def check_range(text: str, command: str | None) -> str | None:
    """Return *text*, a range, or ``None`` where it is empty; *command* may take a channel."""
    is_listing = command == VersionsInputs.command
    return check_optional(partial(parse_range, or_channel=is_listing))(text)


def read_entries(text: str) -> tuple[str, ...]:
    """Return the lines of *text*, each of which is a project and perhaps a selector."""
    problems = Problems("entries")
    lines = tuple(stripped for line in text.splitlines() if (stripped := line.strip()))
    for line in lines:
        project, selector = split_entry(line)
        try:
            check_project(project)
            if selector is not None:
                parse_selector(selector)
        except InputError as e:
            problems.absorb(e)
    problems.raise_if_any()
    return lines


def read_paths(text: str) -> tuple[str, ...]:
    """Return the lines of *text*, each of which is a path, a pattern or what is taken away.

    Empty lines are nothing, and one that begins with a # is a comment.
    """
    lines = (line.strip() for line in text.splitlines())
    paths = tuple(line for line in lines if line and not line.startswith("#"))
    if STANDARD_STREAM in paths:
        raise InputError(
            "path is -, which is standard input in a shell, and a step has none",
            hint="Let an earlier step write to a file; one that is called - is ./-",
        )
    return paths


def check_required(text: str, regions: tuple[str, ...] | None) -> str:
    """Return *text* when as many of *regions* can be required."""
    required_to_stage(text, MAX_REGIONS if regions is None else len(regions))
    return text


def read_metadata(text: str) -> Mapping[str, str]:
    """Return the metadata in *text*, which can be stored."""
    return check_metadata(parse_metadata(text))


def check_optional(check: Callable[[str], object]) -> Callable[[str], str | None]:
    """Return what returns a text that *check* takes, or ``None`` where it is empty."""

    def checked(text: str) -> str | None:
        if not text:
            return None
        check(text)
        return text

    return checked


def check_parameter(text: str, *, name: str = "configuration-parameter") -> str | None:
    """Return the name of the SSM parameter in *text*, or ``None`` where it is empty.

    *name* is the input that has it.
    """
    if not text or is_parameter_name(text):
        return text or None
    raise InputError(
        f"{name} {quoted(text)} is not the name of an SSM parameter",
        hint=f"Leave it out for {DEFAULT_PARAMETER}",
    )


def check_keep(text: str) -> str | None:
    """Return the digest in *text* as it was written, or ``None`` where it is empty."""
    if text:
        parse_keep(text)
    return text or None


def check_count(text: str, *, name: str) -> int | None:
    """Return the number from 1 on in *text*, or ``None`` where it is empty."""
    if not text:
        return None
    count = count_of(text)
    if count is None:
        raise InputError(no_number(name, text, least=1))
    return count


def check_deadline(text: str) -> float | None:
    """Return the seconds that are allowed for everything, or ``None`` where it is empty."""
    if not text:
        return None
    seconds = seconds_of(text)
    if seconds is None:
        raise InputError(f"deadline is {quoted(text)}, expected {SECONDS}")
    return seconds


def check_number(text: str, *, name: str) -> int | None:
    """Return the number from 0 on in *text*, or ``None`` where it is empty."""
    if not text:
        return None
    number = number_of(text)
    if number is None:
        raise InputError(no_number(name, text, least=0))
    return number


def check_aws_region(text: str) -> str | None:
    """Return the AWS region in *text*, or ``None`` where it is empty."""
    if not text or AWS_REGION.fullmatch(text):
        return text or None
    raise InputError(
        f"aws-region is {quoted(text)}, which is not an AWS region",
        hint="Name one region, for example us-east-1; a list goes into regions",
    )


def check_audience(text: str) -> str:
    """Return *text* when a token can be meant for it."""
    if _AUDIENCE.fullmatch(text):
        return text
    raise InputError(f"audience is {quoted(text)}, expected 1 to 255 characters without spaces")


def check_session_name(text: str) -> str:
    """Return *text* when the session of a role can be called so."""
    if _SESSION_NAME.fullmatch(text):
        return text
    raise InputError(
        f"role-session-name is {quoted(text)}, expected 2 to 64 letters, digits or any of _+=,.@-"
    )


def check_seconds(text: str) -> int:
    """Return for how long credentials are asked for."""
    if _SECONDS.fullmatch(text) and MIN_ROLE_SECONDS <= int(text) <= MAX_ROLE_SECONDS:
        return int(text)
    raise InputError(
        f"role-duration is {quoted(text)}, expected a number of seconds from {MIN_ROLE_SECONDS} to "
        f"{MAX_ROLE_SECONDS}"
    )
