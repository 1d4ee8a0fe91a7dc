"""Names of projects, channels and files: which are legal, and the keys that are made of them.

This is the only place where a key of the storage format is put together or taken apart. A change
here is a change of the format that every later version has to read.
"""

import re
from typing import NewType

from startifact.errors import InputError
from startifact.limits import (
    MAX_CHANNEL_NAME_CHARACTERS,
    MAX_PROJECT_CHARACTERS,
    MAX_VERSION_CHARACTERS,
)
from startifact.text import quoted

Key = NewType("Key", str)
"""
The name of one stored thing below a region's prefix: an artifact or a channel.
"""

PROJECT = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{MAX_PROJECT_CHARACTERS - 1}}}")
CHANNEL = re.compile(rf"[a-z][a-z0-9-]{{0,{MAX_CHANNEL_NAME_CHARACTERS - 1}}}")

LATEST = "latest"


def check_project(project: object) -> str:
    """Return *project* when it is a legal project name.

    A project has 1 to 128 letters, digits, dots, dashes and underscores and begins with a letter
    or a digit.

    Raises:
        InputError: It is not.
    """
    if isinstance(project, str) and PROJECT.fullmatch(project):
        return project
    if project == "":
        raise InputError("project is empty", hint="Name the project, for example SugarWater")
    raise InputError(
        f"project {quoted(project)} is not a legal name",
        hint="Use 1 to 128 letters, digits, dots, dashes and underscores, "
        "beginning with a letter or a digit",
    )


def artifact_key(project: str, version: object) -> Key:
    """Return where *version* of *project* is stored, which is also how it is written for people."""
    return Key(f"{project}@{version}")


def artifact_prefix(project: str) -> str:
    """Return what the keys of the project's artifacts begin with, and no other project's keys."""
    return f"{project}{PROJECT_DELIMITER}"


def version_text(project: str, key: str) -> str | None:
    """Return the version in *key*, or ``None`` when it is no artifact's of *project*."""
    prefix = artifact_prefix(project)
    if not key.startswith(prefix) or "/" in key:
        return None
    return key[len(prefix) :]


VERSION_DELIMITER = "."
"""What stands behind the first two numbers of a version, and so in each of its keys."""

_NUMBER = re.compile(rf"(?:0|[1-9][0-9]{{0,{MAX_VERSION_CHARACTERS - 1}}})")


def versions_prefix(project: str, *numbers: int) -> str:
    """Return what the keys of all versions begin with whose first numbers are *numbers*."""
    return artifact_prefix(project) + "".join(f"{n}{VERSION_DELIMITER}" for n in numbers)


def version_prefix(project: str, *numbers: int) -> str:
    """Return the same, where *numbers* may be all three: those of other versions begin alike."""
    if len(numbers) < 3:
        return versions_prefix(project, *numbers)
    return artifact_prefix(project) + VERSION_DELIMITER.join(map(str, numbers))


def next_number(prefix: str, common_prefix: str) -> int | None:
    """Return the number of a version that *common_prefix* has behind *prefix*, if it has one."""
    text = common_prefix.removeprefix(prefix).removesuffix(VERSION_DELIMITER)
    return int(text) if _NUMBER.fullmatch(text) else None


def channel_key(project: str, channel: str) -> Key:
    """Return where *channel* of *project* is stored."""
    return Key(f"{project}/{channel}")


def is_channel_key(key: Key) -> bool:
    """Say whether *key*, of an artifact or a channel, is a channel's."""
    return "/" in key


def split_channel_key(key: Key) -> tuple[str, str]:
    """Return project and channel of a channel's *key*."""
    project, _, channel = key.partition("/")
    return project, channel


def project_of(key: Key) -> str:
    """Return the project that *key*, of an artifact or a channel, belongs to."""
    return key.partition("/")[0].partition(PROJECT_DELIMITER)[0]


PROJECT_DELIMITER = "@"
"""What stands between project and version in an artifact's key, and in no other."""


def quarantine_key(project: str, version: object, tag: str) -> Key:
    """Return the key in quarantine for what a region held as *version*.

    *tag* keeps several of them apart.
    """
    return Key(f"{project}/_quarantine/{version}-{tag}")


def probe_key(project: str, name: str) -> Key:
    """Return a key at which Startifact tries whether a store honours conditions.

    *name* keeps several of them apart.
    """
    return Key(f"{project}/_probe/{name}")


def channels_prefix(project: str) -> str:
    """Return what the keys of the project's channels begin with."""
    return f"{project}/"


def mark_key(project: str, version: object) -> Key:
    """Return where it is stored that *version* of *project* was yanked, or is to be pruned."""
    return Key(f"{marks_prefix(project)}{version}")


def mark_key_of(key: Key) -> Key:
    """Return the same of the version whose artifact is at *key*."""
    project, _, version = key.partition(PROJECT_DELIMITER)
    return mark_key(project, version)


def marks_prefix(project: str) -> str:
    """Return what the keys of the marks of the project's versions begin with."""
    return f"{project}/_yanked/"


def channel_parameter(prefix: str, project: str, channel: str) -> str:
    """Return the name of the SSM parameter that mirrors *channel*."""
    return f"{prefix}/{project}/{channel}"
