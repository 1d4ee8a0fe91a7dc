"""What a command line says of the keys of the configuration beside the first four."""

from collections.abc import Mapping, Sequence

from startifact import hints
from startifact.lazy_dataclasses import dataclass
from startifact.model.aws_regions import AWS_REGION
from startifact.model.keys import LATEST
from startifact.model.regional_options import NAMES
from startifact.problems import Problems
from startifact.text import nearest, perhaps, quoted

_NAME_REGIONS = hints.Hint.of(
    "Name AWS regions with ", hints.Option("regions"), ", which counts before STARTIFACT_REGIONS"
)

KEPT = ("mirrored_channels", *NAMES)
"""The keys that stay as a region has them, where nobody says what they are to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenOptions:
    """What is given for these keys, as a command line has it. Nothing given says nothing."""

    kms_key: Sequence[str] = ()
    bucket_owner: Sequence[str] = ()
    storage_class: str | None = None
    object_tag: Sequence[str] = ()
    object_lock_mode: str | None = None
    object_lock_days: int | None = None
    mirrored_channel: Sequence[str] = ()
    endpoint: Sequence[str] = ()
    use_dualstack: str | None = None
    use_fips: str | None = None
    unset: Sequence[str] = ()

    def values(self, problems: Problems) -> dict[str, object]:
        """Return the keys that are given, and with ``None`` those that a region is to lose.

        *problems* gets what is wrong with how they are written, not with what they are.
        """
        given: Mapping[str, object] = {
            "mirrored_channels": _channels(self.mirrored_channel),
            "kms_key": _for_regions("--kms-key", self.kms_key, problems),
            "bucket_owner": _for_regions("--bucket-owner", self.bucket_owner, problems),
            "storage_class": self.storage_class,
            "object_tags": _pairs("--object-tag", "NAME=VALUE", self.object_tag, problems),
            "object_lock_mode": self.object_lock_mode,
            "object_lock_days": self.object_lock_days,
            "endpoint": _pairs("--endpoint", "REGION=URL", self.endpoint, problems),
            "use_dualstack": _truth(self.use_dualstack),
            "use_fips": _truth(self.use_fips),
        }
        result = {name: value for name, value in given.items() if value is not None}
        for name in dict.fromkeys(self.unset):
            if name not in KEPT:
                suggestion = perhaps(nearest(name, KEPT))
                problems.add("--unset", name, f"one of {', '.join(KEPT)}", hint=suggestion)
            elif name in result:
                problems.say(f"{name} is given, and is to be unset: leave one of them out")
            else:
                result[name] = None
        return result


def say_no_aws_region(region: str, problems: Problems, *, of_environment: bool) -> None:
    """Add to *problems* that *region* is no region of AWS, and where it comes from."""
    where, hint = ("STARTIFACT_REGIONS", _NAME_REGIONS) if of_environment else ("region", None)
    problems.add(where, region, "an AWS region such as eu-west-1", hint=hint)


def options_for(key: str, value: object) -> list[hints.Option]:
    """Return the options that give *key* of the configuration this *value*."""
    if key == "mirrored_channels":
        names = value if isinstance(value, list) and value else [LATEST]
        return [hints.Option("mirrored-channel", str(name)) for name in names]
    name = "object-tag" if key == "object_tags" else key.replace("_", "-")
    if isinstance(value, Mapping):
        return [hints.Option(name, f"{one}={text}") for one, text in value.items()]
    return [hints.Option(name, str(value).lower() if isinstance(value, bool) else str(value))]


def _channels(given: Sequence[str]) -> list[str] | None:
    """Return the channels to mirror beside ``latest``; ``latest`` by itself is none of them."""
    return [name for name in dict.fromkeys(given) if name != LATEST] if given else None


def _truth(given: str | None) -> bool | None:
    return None if given is None else given == "true"


def _pairs(
    option: str, form: str, given: Sequence[str], problems: Problems
) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            # Without the text: an endpoint may have a password in it.
            problems.say(f"{option}: what is given has no = in it, expected {form}")
        elif name in found:
            problems.say(f"{option} is given twice for {quoted(name)}")
        else:
            found[name] = value
    return found or None


def _for_regions(
    option: str, given: Sequence[str], problems: Problems
) -> str | dict[str, str] | None:
    """Return the value for all regions, or that of each."""
    if not given:
        return None
    regional = [text for text in given if AWS_REGION.fullmatch(text.partition("=")[0])]
    if not regional and len(given) == 1:
        return given[0]
    if len(regional) < len(given):
        problems.say(
            f"{option} is given for all regions, and again: give it once, or as REGION=... for each"
        )
        return None
    return _pairs(option, "REGION=...", regional, problems)
