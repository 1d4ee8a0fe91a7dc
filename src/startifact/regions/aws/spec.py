"""How the two kinds of region on S3 are spelled. boto3 is imported when one is opened."""

import re
from collections.abc import Hashable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from startifact.limits import MAX_KEY_PREFIX_CHARACTERS
from startifact.model.configuration import AWS_REGION
from startifact.problems import Problems
from startifact.regions.aws.configuration_loader import clients_of
from startifact.regions.interface import Region
from startifact.regions.spec import OpenContext, RegionKind, RegionSpec, SpecProblems

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_PROFILE = re.compile(r"[A-Za-z0-9_.@+/=:-]{1,128}", re.ASCII)
_KEY_PREFIX = re.compile(rf"[A-Za-z0-9!_.*'()/-]{{0,{MAX_KEY_PREFIX_CHARACTERS}}}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSpec(RegionSpec):
    """An AWS region whose organisation configuration is in SSM."""

    @property
    def store(self) -> Hashable:
        """See `RegionSpec.store`."""
        return self.text

    def open(self, context: OpenContext) -> Region:
        """See `RegionSpec.open`."""
        # Only here: importing boto3 takes longer than all the rest of a small staging.
        from startifact.regions.aws.legacy import LegacyOrganisationRegion

        return LegacyOrganisationRegion(self.text, loader=context.loader, limits=context.limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSpec(RegionSpec):
    """One bucket, on AWS or on any store that speaks S3."""

    bucket: str
    prefix: str
    region: str | None
    endpoint: str | None
    profile: str | None

    @property
    def store(self) -> Hashable:
        """See `RegionSpec.store`."""
        endpoint = None if self.endpoint is None else normalised_endpoint(self.endpoint)
        return (endpoint, self.bucket)

    def open(self, context: OpenContext) -> Region:
        """See `RegionSpec.open`."""
        from startifact.regions.aws.legacy import LegacyBucketRegion

        return LegacyBucketRegion(
            self,
            clients=clients_of(context.loader),
            default_region=context.default_region,
            limits=context.limits,
        )


def _bucket(text: str) -> BucketSpec:
    problems = SpecProblems(text)
    url = _split(text, problems)
    bucket, prefix = unquote(url.netloc), unquote(url.path).removeprefix("/")
    if not is_bucket_name(bucket):
        problems.add("bucket", bucket, "a bucket name: 3 to 63 of a-z, 0-9, . and -")
    if not _KEY_PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/")):
        problems.add("prefix", prefix, "letters, digits and !_.*'()/- without . or .. as a part")
    options = parse_qsl(url.query, keep_blank_values=True)
    query = dict(options)
    for name in sorted(query.keys() - {"region", "endpoint", "profile"}):
        problems.add("option", name, "region, endpoint or profile")
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
    problems.raise_if_any()
    return BucketSpec(
        text=text,
        bucket=bucket,
        prefix=f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else "",
        region=region,
        endpoint=endpoint.rstrip("/") if endpoint else None,
        profile=profile,
    )


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


def _check_endpoint(endpoint: str, problems: Problems) -> None:
    """Record what is wrong with *endpoint*: it is sent session tokens, so it must be right."""
    expected = "https://host, or http:// on this machine, without user, path or query"
    try:
        url = urlsplit(endpoint)
        host, _ = url.hostname, url.port
    except ValueError:
        problems.add("endpoint", endpoint, expected)
        return
    if url.username is not None or url.password is not None:
        # Without the endpoint: a password may be in it.
        problems.say(f"endpoint: it has a user or password in it, expected {expected}")
        return
    local = url.scheme == "http" and host is not None and is_loopback(host)
    legal = host is not None and re.fullmatch(r"[A-Za-z0-9.:-]+", host) is not None
    extra = url.path.strip("/") or url.query or url.fragment
    legal = legal and endpoint.isprintable()  # urlsplit passes over newlines and tabs
    if not legal or extra or not (url.scheme == "https" or local):
        problems.add("endpoint", endpoint, expected)


def is_bucket_name(name: str) -> bool:
    """Say whether *name* can be the name of a bucket."""
    return _BUCKET.fullmatch(name) is not None


def normalised_endpoint(endpoint: str) -> str:
    """Return *endpoint* in one form for all the ways to write the same address."""
    url = urlsplit(endpoint)
    host = url.hostname or ""
    port = url.port or (80 if url.scheme == "http" else 443)
    return f"{url.scheme}://{'localhost' if is_loopback(host) else host.rstrip('.')}:{port}"


def is_loopback(host: str) -> bool:
    """Say whether *host* is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


AWS = RegionKind("an AWS region (eu-west-1)", AWS_REGION.fullmatch, lambda text: AwsSpec(text=text))
BUCKET = RegionKind(
    "s3://bucket/prefix?region=eu-west-1&endpoint=https://...&profile=...",
    lambda text: text.startswith("s3://"),
    _bucket,
)
