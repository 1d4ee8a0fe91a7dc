"""How the two kinds of region on S3 are spelled. boto3 is imported when one is opened."""

import re
from collections.abc import Hashable, Iterable, Mapping
from typing import ClassVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_KEY_PREFIX_CHARACTERS
from startifact.model.aws_regions import AWS_REGION, partition_of
from startifact.model.bucket_options import (
    NO_OPTIONS,
    NO_OTHER_FORM,
    OPTIONS,
    BucketOptions,
    checked_options,
    wrong_key_of,
)
from startifact.model.endpoints import EXPECTED_ENDPOINT, has_password, is_endpoint
from startifact.problems import Problems
from startifact.regions.aws.configuration_loader import clients_of
from startifact.regions.aws.endpoint import normalised_endpoint
from startifact.regions.interface import Region
from startifact.regions.spec import OpenContext, RegionKind, RegionSpec, SpecProblems
from startifact.text import quoted

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_NAMED = {name.replace("_", "-"): name for name in OPTIONS}
_OPTIONS = ("region", "endpoint", "profile", "addressing", *_NAMED)
_ACCESS_POINT = re.compile(r"arn:[a-z-]+:s3[a-z-]*:[^:]*:[0-9]*:(?:accesspoint|outpost)", re.ASCII)
_PROFILE = re.compile(r"[A-Za-z0-9_.@+/=:-]{1,128}", re.ASCII)
_KEY_PREFIX = re.compile(rf"[A-Za-z0-9!_.*'()/-]{{0,{MAX_KEY_PREFIX_CHARACTERS}}}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSpec(RegionSpec):
    """An AWS region whose organisation configuration is in SSM."""

    uses_credentials: ClassVar[bool] = True
    uses_configuration: ClassVar[bool] = True

    @property
    def store(self) -> Hashable:
        """See `RegionSpec.store`."""
        return self.text

    def open(self, context: OpenContext) -> Region:
        """See `RegionSpec.open`."""
        # Only here: importing boto3 takes longer than all the rest of a small staging.
        from startifact.regions.aws.identity import report_identity
        from startifact.regions.aws.legacy import LegacyOrganisationRegion

        clients = clients_of(context.loader)
        clients.prepare(region=self.text)
        report_identity(clients, self.text, None, context.limits)
        return LegacyOrganisationRegion(self.text, loader=context.loader, limits=context.limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSpec(RegionSpec):
    """One bucket, on AWS or on any store that speaks S3."""

    uses_credentials: ClassVar[bool] = True

    bucket: str
    prefix: str
    region: str | None
    endpoint: str | None
    profile: str | None
    addressing: str | None = None
    """Where the bucket's name stands: ``virtual`` in the host, ``path`` behind it."""

    options: BucketOptions = NO_OPTIONS

    @property
    def store(self) -> Hashable:
        """See `RegionSpec.store`."""
        if self.endpoint is not None:
            return (normalised_endpoint(self.endpoint), self.bucket)
        return (partition_of(self.region or ""), self.bucket)

    def open(self, context: OpenContext) -> Region:
        """See `RegionSpec.open`."""
        from startifact.regions.aws.identity import report_identity
        from startifact.regions.aws.legacy import LegacyBucketRegion

        clients = clients_of(context.loader)
        clients.prepare(self.profile, region=self.region or context.default_region)
        if self.endpoint is None:  # who asks another store, STS does not know
            report_identity(
                clients, self.region or context.default_region, self.profile, context.limits
            )
        return LegacyBucketRegion(
            self,
            clients=clients,
            default_region=context.default_region,
            limits=context.limits,
        )


def first_aws_region(specs: Iterable[RegionSpec]) -> str | None:
    """Return the AWS region of the first of *specs* that is in one, if any is."""
    for spec in specs:
        if isinstance(spec, AwsSpec):
            return spec.text
        if isinstance(spec, BucketSpec) and spec.region and not spec.endpoint:
            return spec.region
    return None


def _bucket(text: str) -> BucketSpec:
    problems = SpecProblems(text)
    if text.startswith("arn:"):
        problems.say(f"it is {wrong_kind_of_bucket(text)}", hint="Name the bucket itself")
        problems.raise_if_any()
    url = _split(text, problems)
    bucket, prefix = unquote(url.netloc), unquote(url.path).removeprefix("/")
    _check_bucket(bucket, problems)
    if not _KEY_PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/")):
        problems.add("prefix", prefix, "letters, digits and !_.*'()/- without . or .. as a part")
    options = parse_qsl(url.query, keep_blank_values=True)
    query = dict(options)
    for name in sorted(query.keys() - set(_OPTIONS)):
        problems.add("option", name, f"{', '.join(_OPTIONS[:-1])} or {_OPTIONS[-1]}")
    if len(query) != len(options):
        problems.say("an option is there twice")
    region, endpoint, profile = (query.get(n) for n in ("region", "endpoint", "profile"))
    # Stores that are not AWS name their regions as they like (auto, us-east, default).
    if region is not None and not re.fullmatch(r"[a-z0-9-]{1,40}", region, re.ASCII):
        problems.add("region", region, "a region name")
    if endpoint is not None:
        _check_endpoint(endpoint, problems)
    if profile is not None and not _PROFILE.fullmatch(profile):
        problems.add("profile", profile, "the name of a profile in the AWS configuration file")
    addressing = query.get("addressing")
    if addressing not in {None, "virtual", "path"}:
        problems.add("addressing", addressing, "virtual (bucket.host) or path (host/bucket)")
    bucket_options = _bucket_options(query, problems)
    problems.raise_if_any()
    return BucketSpec(
        text=text,
        bucket=bucket,
        prefix=f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else "",
        region=region,
        endpoint=endpoint.rstrip("/") if endpoint else None,
        profile=profile,
        addressing=addressing,
        options=bucket_options,
    )


def _bucket_options(query: Mapping[str, str], problems: Problems) -> BucketOptions:
    """Return what *query* says of whose the bucket is and of what is stored with objects."""
    given: dict[str, object] = {
        name: _value_of(name, query[dashed]) for dashed, name in _NAMED.items() if dashed in query
    }
    if isinstance(given.get("object_tags"), str):
        expected = "tags such as team%3Dbuild%26site%3Dsydney, each once"
        problems.add("object-tags", given.pop("object_tags"), expected)
    options = checked_options(given, problems, named=lambda name: name.replace("_", "-"))
    region = query.get("region", "")
    if "endpoint" in query:
        for name in ("use-dualstack", "use-fips"):
            if query.get(name) == "true":
                problems.say(f"{name}: {NO_OTHER_FORM}, expected {name} or endpoint")
    elif AWS_REGION.fullmatch(region) and (begins := wrong_key_of(region, options.kms_key or "")):
        problems.add("kms-key", options.kms_key, f"an ARN that begins with {begins}")
    return options


def _value_of(name: str, text: str) -> object:
    """Return *text* as a configuration would say it; where it cannot, as it is."""
    if name == "object_lock_days" and text.isascii() and text.isdecimal() and len(text) < 9:
        return int(text)
    if name.startswith("use_"):
        return {"true": True, "false": False}.get(text, text)
    if name == "object_tags":
        given = parse_qsl(text, keep_blank_values=True) if "=" in text else []
        tags = dict(given)
        return tags if tags and len(tags) == len(given) else text
    return text


def _split(text: str, problems: Problems) -> SplitResult:
    try:
        url = urlsplit(text)
    except ValueError:
        problems.say("it is not an address")
        problems.raise_if_any()
        raise
    if url.fragment:
        problems.add("part", f"#{url.fragment}", "no # in it; write %23")
    return url


def _check_bucket(name: str, problems: Problems) -> None:
    """Record what is wrong with *name*."""
    if wrong := wrong_kind_of_bucket(name):
        problems.say(
            f"bucket {quoted(name)} is {wrong}", hint="Name a general purpose bucket itself"
        )
    elif not is_bucket_name(name):
        problems.add("bucket", name, "a bucket name: 3 to 63 of a-z, 0-9, . and -")


def _check_endpoint(endpoint: str, problems: Problems) -> None:
    """Record what is wrong with *endpoint*."""
    if has_password(endpoint):
        # Without the endpoint: a password may be in it.
        problems.say(f"endpoint: it has a user or password in it, expected {EXPECTED_ENDPOINT}")
    elif not is_endpoint(endpoint):
        problems.add("endpoint", endpoint, EXPECTED_ENDPOINT)


def wrong_kind_of_bucket(name: str) -> str | None:
    """Return why *name*, which may be that of a bucket, stands for something that is none."""
    if name.startswith("arn:"):
        return (
            "an ARN, as access points have: one bucket may have several, so that two regions could "
            "be one store"
        )
    if name.endswith(("-s3alias", "--ol-s3", ".mrap")):
        return (
            "an access point: one bucket may have several, so that two regions could be one store"
        )
    if name.endswith("--x-s3"):
        return (
            "a directory bucket: it is in one availability zone, lists its keys in no order and "
            "has other ETags, conditions and sessions than Startifact relies on"
        )
    return "a table bucket, which holds no objects" if name.endswith("--table-s3") else None


def is_bucket_name(name: str) -> bool:
    """Say whether *name* can be the name of a bucket."""
    return _BUCKET.fullmatch(name) is not None


AWS = RegionKind("an AWS region (eu-west-1)", AWS_REGION.fullmatch, lambda text: AwsSpec(text=text))
BUCKET = RegionKind(
    "s3://bucket/prefix?region=eu-west-1&endpoint=https://...&profile=...",
    lambda text: text.startswith("s3://") or _ACCESS_POINT.match(text),
    _bucket,
)
