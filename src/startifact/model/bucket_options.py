"""What is said of a bucket beside its name: by an organisation, or by the spelling of a bucket.

Each option has one name, which a spelling writes with dashes, and is checked here for both.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from startifact.lazy_dataclasses import dataclass
from startifact.limits import (
    MAX_LOCK_DAYS,
    MAX_TAG_KEY_CHARACTERS,
    MAX_TAG_VALUE_CHARACTERS,
    MAX_TAGS,
)
from startifact.model.aws_regions import partition_of
from startifact.problems import Problems
from startifact.text import quoted

STORAGE_CLASSES = ("STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR")
"""The classes that are read at once."""

LOCK_MODES = ("GOVERNANCE", "COMPLIANCE")

NO_OTHER_FORM = "an endpoint that is named has no other form"
"""Why the endpoints of AWS cannot be chosen beside one of another name."""

_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_KEY_ID = r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})"
_ALIAS = r"alias/[A-Za-z0-9/_-]{1,250}"
_KMS_NAME = re.compile(rf"{_KEY_ID}|{_ALIAS}", re.ASCII)
_KMS_ARN = re.compile(
    rf"arn:[a-z-]{{3,20}}:kms:([a-z0-9-]{{1,40}}):[0-9]{{12}}:(?:key/{_KEY_ID}|{_ALIAS})", re.ASCII
)
_OWNER = re.compile(r"[0-9]{12}", re.ASCII)
_TAG = re.compile(r"[\w +=.:/@-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketOptions:
    """Whose one bucket is, how it is reached, and what its objects are stored with."""

    kms_key: str | None = None
    """Encrypts every object; ``None`` leaves that to the bucket."""

    bucket_owner: str | None = None
    """The account that the bucket has to belong to."""

    storage_class: str | None = None
    """Of artifacts."""

    object_tags: tuple[tuple[str, str], ...] = ()
    """Of artifacts."""

    object_lock_mode: str | None = None
    object_lock_days: int | None = None
    """How long artifacts are retained from when they are written."""

    use_dualstack: bool | None = None
    use_fips: bool | None = None
    """Which of AWS's endpoints is used; ``None`` leaves that to the SDK's own settings."""


NO_OPTIONS = BucketOptions()

OPTIONS = tuple(field.name for field in fields(BucketOptions))
"""The name of each option."""


def checked_options(
    given: Mapping[str, object],
    problems: Problems,
    *,
    named: Callable[[str], str] = lambda name: name,
) -> BucketOptions:
    """Return the options in *given*, of which other keys and ``None`` say nothing.

    *problems* gets what is wrong with them, under the names that *named* returns.
    """
    options: dict[str, Any] = {n: v for n in OPTIONS if (v := given.get(n)) is not None}
    for name in [name for name in options if not is_option(name, options[name])]:
        value = options.pop(name)
        if name == "object_tags":
            _tell_tags(named(name), value, problems)
        else:
            tell_option(named(name), name, value, problems)
    if "object_tags" in options:
        options["object_tags"] = tuple(options["object_tags"].items())
    lock = [named(name) for name in ("object_lock_mode", "object_lock_days")]
    if (given.get("object_lock_mode") is None) != (given.get("object_lock_days") is None):
        problems.say(f"{lock[0]} and {lock[1]}: one is there and the other is not, expected both")
    return BucketOptions(**options)


def is_option(name: str, value: object) -> bool:
    """Say whether *value* can be that of the option *name*."""
    return _CHECKS[name][0](value)


def tell_option(where: str, name: str, value: object, problems: Problems) -> None:
    """Add to *problems* that *value*, found at *where*, is not one of the option *name*."""
    if isinstance(value, str) and value in _ARCHIVES:
        problems.say(
            f"{where}: got {quoted(value)}, an archive: nothing in it can be downloaded before it "
            f"is restored, expected {_CHECKS[name][1]}",
            hint="Let a lifecycle rule of the bucket move what nobody needs any more",
        )
    else:
        problems.add(where, value, _CHECKS[name][1])


def wrong_key_of(region: str, key: str) -> str | None:
    """Return how the ARN *key* has to begin in *region*; ``None`` where it does, or is no ARN."""
    begins = f"arn:{partition_of(region)}:kms:{region}:"
    return begins if key.startswith("arn:") and not key.startswith(begins) else None


def _is_key(value: object) -> bool:
    return isinstance(value, str) and bool(_KMS_NAME.fullmatch(value) or _KMS_ARN.fullmatch(value))


def _is_owner(value: object) -> bool:
    return isinstance(value, str) and _OWNER.fullmatch(value) is not None


def _is_days(value: object) -> bool:
    return type(value) is int and 0 < value <= MAX_LOCK_DAYS


def _are_tags(value: object) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= MAX_TAGS
        and all(_is_tag_key(key) and _is_tag_value(text) for key, text in value.items())
    )


def _is_tag_key(key: object) -> bool:
    return (
        isinstance(key, str)
        and 0 < len(key) <= MAX_TAG_KEY_CHARACTERS
        and _TAG.fullmatch(key) is not None
        and not key.lower().startswith("aws:")
    )


def _is_tag_value(value: object) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= MAX_TAG_VALUE_CHARACTERS
        and _TAG.fullmatch(value) is not None
    )


def _tell_tags(where: str, value: object, problems: Problems) -> None:
    if not isinstance(value, dict):
        problems.add(where, value, _CHECKS["object_tags"][1])
        return
    if len(value) > MAX_TAGS:
        problems.say(f"{where}: got {len(value)}, expected at most {MAX_TAGS}")
    characters = "letters, digits, spaces and +-=._:/@"
    for key, text in value.items():
        if not _is_tag_key(key):
            expected = f"1 to {MAX_TAG_KEY_CHARACTERS} {characters}, without aws: before them"
            problems.add(where, key, expected)
        elif not _is_tag_value(text):
            expected = f"at most {MAX_TAG_VALUE_CHARACTERS} {characters}"
            problems.add(f"{where}.{key}", text, expected)


def _one_of(names: tuple[str, ...]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]])


_CHECKS: dict[str, tuple[Callable[[object], bool], str]] = {
    "kms_key": (_is_key, "the id, the ARN or an alias (alias/...) of a key in KMS"),
    "bucket_owner": (_is_owner, "the 12 digits of an AWS account, in quotes"),
    "storage_class": (lambda value: value in STORAGE_CLASSES, _one_of(STORAGE_CLASSES)),
    "object_tags": (_are_tags, "an object of tags, such as {'team': 'build'}"),
    "object_lock_mode": (lambda value: value in LOCK_MODES, _one_of(LOCK_MODES)),
    "object_lock_days": (_is_days, f"a number of days from 1 to {MAX_LOCK_DAYS:,}"),
    "use_dualstack": (lambda value: isinstance(value, bool), "true or false"),
    "use_fips": (lambda value: isinstance(value, bool), "true or false"),
}
"""What each option may be, and how that is said."""
