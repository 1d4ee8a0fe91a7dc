"""The organisation configuration: its shape, its limits, and how it is written."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from startifact.errors import ConfigurationError, StartifactError
from startifact.hints import Command, Hint
from startifact.limits import (
    MAX_CONFIGURATION_BYTES,
    MAX_KEY_PREFIX_CHARACTERS,
    MAX_PARAMETER_NAME_CHARACTERS,
    MAX_PARAMETER_PREFIX_CHARACTERS,
    MAX_REGIONS,
)
from startifact.model.keys import CHANNEL
from startifact.model.strict_json import JsonError, parse_object
from startifact.problems import Problems
from startifact.text import quoted

DEFAULT_PARAMETER = "/startifact"
AWS_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,3}-\d{1,2}", re.ASCII)

_PARAMETER = re.compile(r"/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){0,14}")
_PARAMETER_PREFIX = re.compile(r"(/[A-Za-z0-9_.-]+){0,12}")
_KEY_PREFIX = re.compile(rf"[A-Za-z0-9!_.*'()/-]{{0,{MAX_KEY_PREFIX_CHARACTERS}}}")
_RESERVED = re.compile(r"/?(aws|ssm)", re.IGNORECASE)

# The set-up dialogue of the first Startifact wrote it; it has nothing to do with what is stored.
_IGNORED = frozenset({"save_ok"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What one organisation has configured for all of its regions."""

    bucket_name_param: str
    """The SSM parameter that holds a region's bucket name."""

    bucket_key_prefix: str = ""
    """What every key in the bucket begins with."""

    parameter_name_prefix: str = ""
    """What the names of the channels' mirrors in SSM begin with."""

    regions: tuple[str, ...] = ()
    """The AWS regions to use where no others are named."""

    mirrored_channels: tuple[str, ...] | None = None
    """The channels that are copied to SSM, beside ``latest``; ``None`` for all."""

    unknown_keys: tuple[str, ...] = ()
    """Keys that this version does not know and ignores."""

    warnings: tuple[str, ...] = field(default=(), compare=False)
    """What is odd about ``regions`` and is passed over, in words."""


def parse_configuration(
    text: str,
    *,
    source: str,
    error: type[StartifactError] = ConfigurationError,
    with_regions: bool = True,
) -> Configuration:
    """Return the organisation configuration in *text*; *source* names it in messages.

    Without *with_regions* its own regions are not read, and may be anything.

    Raises:
        ConfigurationError: It is not valid; the message has every problem, with its path.
    """
    problems = Problems(f"the organisation configuration in {source}", error)
    if len(text.encode(errors="replace")) > MAX_CONFIGURATION_BYTES:
        problems.say(f"it is larger than {MAX_CONFIGURATION_BYTES:,} bytes")
        problems.raise_if_any()
    try:
        value = parse_object(text)
    except JsonError as e:
        problems.say(
            str(e), hint=Hint.of(Command("setup"), " writes a valid one into every region you name")
        )
        problems.raise_if_any()
        raise AssertionError from e  # raise_if_any has raised
    return _checked(value, problems, with_regions=with_regions)


def _checked(value: dict[str, Any], problems: Problems, *, with_regions: bool) -> Configuration:
    known = {
        "bucket_name_param",
        "bucket_key_prefix",
        "parameter_name_prefix",
        "regions",
        "mirrored_channels",
    }
    bucket = value.get("bucket_name_param")
    if not isinstance(bucket, str) or not is_parameter_name(bucket):
        problems.add("bucket_name_param", bucket, "the name of an SSM parameter")
    key_prefix = value.get("bucket_key_prefix", "")
    if not isinstance(key_prefix, str) or not is_key_prefix(key_prefix):
        problems.add(
            "bucket_key_prefix",
            key_prefix,
            f"at most {MAX_KEY_PREFIX_CHARACTERS} letters, digits and !_.*'()/- "
            "without . or .. as a part",
        )
    parameters = value.get("parameter_name_prefix", "")
    if not isinstance(parameters, str) or not is_parameter_prefix(parameters):
        problems.add(
            "parameter_name_prefix",
            parameters,
            "empty, or a path like /team that does not begin with /aws or /ssm",
        )
    warnings: list[str] = []
    regions = _regions(value.get("regions", []), problems, warnings) if with_regions else ()
    channels = value.get("mirrored_channels")
    if channels is not None and not _is_list_of_channels(channels):
        problems.add("mirrored_channels", channels, 'a list of channels, such as ["prod"]')
    problems.raise_if_any()
    return Configuration(
        bucket_name_param=str(bucket),
        bucket_key_prefix=str(key_prefix),
        parameter_name_prefix=str(parameters),
        regions=regions,
        mirrored_channels=None if channels is None else tuple(channels),
        unknown_keys=tuple(sorted(value.keys() - known - _IGNORED)),
        warnings=tuple(warnings),
    )


def _is_list_of_channels(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(name, str) and CHANNEL.fullmatch(name) for name in value
    )


def _regions(value: object, problems: Problems, warnings: list[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        names: list[object] = list(_split(value, warnings))
    elif isinstance(value, list):
        names = list(value)
    else:
        problems.add("regions", value, "a list, or a string separated by commas")
        return ()
    if len(names) > MAX_REGIONS:
        problems.say(f"regions: got {len(names)}, expected at most {MAX_REGIONS}")
        return ()
    regions: list[str] = []
    for i, name in enumerate(names):
        if not isinstance(name, str) or not AWS_REGION.fullmatch(name):
            problems.add(f"regions[{i}]", name, "an AWS region such as eu-west-1")
        elif name in regions:
            problems.add(f"regions[{i}]", name, "each region once")
        else:
            regions.append(name)
    return tuple(regions)


def _split(text: str, warnings: list[str]) -> list[str]:
    """Return the regions in *text* as the first Startifact wrote it, each once.

    Nobody checked what was typed: an empty item, or one that is there twice, is a warning.
    """
    names = [part.strip() for part in text.split(",")] if text.strip() else []
    given = [name for name in names if name]
    if len(given) < len(names):
        warnings.append("regions has a comma with no region beside it")
    counts = Counter(given)
    warnings += [f"regions has {quoted(name)} {n} times" for name, n in counts.items() if n > 1]
    return list(counts)


def is_parameter_name(name: str) -> bool:
    """Say whether *name* can be the name of an SSM parameter."""
    return len(name) <= MAX_PARAMETER_NAME_CHARACTERS and _PARAMETER.fullmatch(name) is not None


def is_parameter_prefix(prefix: str) -> bool:
    """Say whether the names of copies of channels can begin with *prefix*."""
    return (
        len(prefix) <= MAX_PARAMETER_PREFIX_CHARACTERS
        and _PARAMETER_PREFIX.fullmatch(prefix) is not None
        and (prefix == "" or not is_reserved_parameter(prefix))
    )


def is_reserved_parameter(name: str) -> bool:
    """Say whether SSM keeps *name* for itself: its first part begins with ``aws`` or ``ssm``."""
    return _RESERVED.match(name) is not None


def is_key_prefix(prefix: str) -> bool:
    """Say whether every key in a bucket can begin with *prefix*."""
    return _KEY_PREFIX.fullmatch(prefix) is not None and not ({".", ".."} & set(prefix.split("/")))


def to_json(configuration: Configuration) -> str:
    """Return *configuration* as it is stored."""
    return json.dumps(
        {
            "bucket_name_param": configuration.bucket_name_param,
            "bucket_key_prefix": configuration.bucket_key_prefix,
            "parameter_name_prefix": configuration.parameter_name_prefix,
            "regions": list(configuration.regions),
            **(
                {}
                if configuration.mirrored_channels is None
                else {"mirrored_channels": list(configuration.mirrored_channels)}
            ),
        }
    )
