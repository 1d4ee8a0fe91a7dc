"""The three ways to spell a region, and lists of them."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from startifact.errors import InputError
from startifact.hints import Hint
from startifact.limits import MAX_REGIONS
from startifact.model.configuration import AWS_REGION, is_key_prefix
from startifact.problems import Problems
from startifact.text import quoted

FORMS = (
    "an AWS region (eu-west-1), s3://bucket/prefix?region=eu-west-1&endpoint=https://...&profile=..."
    " or file:./directory"
)

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_PROFILE = re.compile(r"[A-Za-z0-9_.@+/=:-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSpec:
    """An AWS region whose organisation configuration is in SSM."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSpec:
    """One bucket, on AWS or on any store that speaks S3."""

    text: str
    bucket: str
    prefix: str
    region: str | None
    endpoint: str | None
    profile: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorySpec:
    """A directory; a relative path starts where the working directory was when it was read."""

    text: str
    path: Path


RegionSpec = AwsSpec | BucketSpec | DirectorySpec


def split_list(text: str) -> list[str]:
    """Return the spellings in *text*, which commas, spaces and newlines separate."""
    return [part for part in re.split(r"[,\s]+", text) if part]


def parse_specs(texts: Iterable[str], *, source: str) -> tuple[RegionSpec, ...]:
    """Return what *texts* spell; *source* says in messages where they come from.

    Raises:
        InputError: One is not known, one is there twice, or there is none. All problems are told.
    """
    problems = Problems(source)
    specs: list[RegionSpec] = []
    seen: dict[object, str] = {}
    for text in texts:
        try:
            spec = parse_spec(text)
        except InputError as e:
            problems.absorb(e)
            continue
        place = _place(spec)
        if place in seen:
            same = "is there twice" if seen[place] == text else f"and {quoted(seen[place])} are one"
            problems.say(
                f"region {quoted(text)} {same}",
                hint="Name every region, bucket and directory once",
            )
        seen[place] = text
        specs.append(spec)
    if len(specs) > MAX_REGIONS:
        problems.say(f"it names {len(specs)} regions, expected at most {MAX_REGIONS}")
    if not specs and not problems:
        problems.say("it names no region", hint=f"Name at least one: {FORMS}")
    problems.raise_if_any()
    return tuple(specs)


def parse_spec(text: str) -> RegionSpec:
    """Return what *text* spells.

    Raises:
        InputError: It is none of the three spellings, or not valid as the one it looks like.
    """
    if not isinstance(text, str):
        raise InputError(f"region {quoted(text)} is not text", hint=f"Write {FORMS}")
    if not text.isprintable():
        raise InputError(f"region {_quoted(text)} has a character in it that cannot be shown")
    if AWS_REGION.fullmatch(text):
        return AwsSpec(text=text)
    if text.startswith("s3://"):
        return _bucket(text)
    if text.startswith("file:"):
        return _directory(text)
    raise InputError(f"region {_quoted(text)} is not a region", hint=f"Write {FORMS}")


def _may_hold_password(text: str) -> bool:
    """Say whether *text*, which was refused, may hold a user and a password."""
    return "@" in unquote(unquote(text))


def _quoted(text: str) -> str:
    """Return *text* as it can stand in a message."""
    if not _may_hold_password(text):
        return quoted(text)
    scheme, colon, _ = unquote(unquote(text)).partition(":")
    return quoted(f"{scheme}{colon}..." if colon else text)


class _SpecProblems(Problems):
    """What is wrong with one spelling; what may be a password is not repeated."""

    def __init__(self, text: str) -> None:
        super().__init__(f"region {_quoted(text)}")
        self._discreet = _may_hold_password(text)

    def add(
        self, where: str, got: object, expected: str, *, hint: Hint | str | None = None
    ) -> None:
        if self._discreet:
            self.say(f"{where}: expected {expected}", hint=hint)
        else:
            super().add(where, got, expected, hint=hint)


def _place(spec: RegionSpec) -> object:
    match spec:
        case AwsSpec():
            return spec.text
        case BucketSpec():
            endpoint = spec.endpoint
            return (None if endpoint is None else normalised_endpoint(endpoint), spec.bucket)
        case DirectorySpec():
            return os.path.realpath(spec.path)


def _bucket(text: str) -> BucketSpec:
    problems = _SpecProblems(text)
    url = _split(text, problems)
    bucket, prefix = unquote(url.netloc), unquote(url.path).removeprefix("/")
    if not is_bucket_name(bucket):
        problems.add("bucket", bucket, "a bucket name: 3 to 63 of a-z, 0-9, . and -")
    if not is_key_prefix(prefix):
        problems.add("prefix", prefix, "letters, digits and !_.*'()/- without . or .. as a part")
    pairs = parse_qsl(url.query, keep_blank_values=True)
    query = dict(pairs)
    for name in sorted(query.keys() - {"region", "endpoint", "profile"}):
        problems.add("option", name, "region, endpoint or profile")
    if len(query) != len(pairs):
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
    """An endpoint gets requests that carry session tokens: it has to be the one that was meant."""
    expected = "https://host, or http:// on this machine, without user, path or query"
    try:
        url = urlsplit(endpoint)
        host, _ = url.hostname, url.port
    except ValueError:
        problems.add("endpoint", endpoint, expected)
        return
    if url.username is not None or url.password is not None:
        # Not shown: a password may be in it.
        problems.say(f"endpoint: it has a user or password in it, expected {expected}")
        return
    plain = url.scheme == "http" and host is not None and is_loopback(host)
    legal = host is not None and re.fullmatch(r"[A-Za-z0-9.:-]+", host) is not None
    more = url.path.strip("/") or url.query or url.fragment
    legal = legal and endpoint.isprintable()  # urlsplit passes over newlines and tabs
    if not legal or more or not (url.scheme == "https" or plain):
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


def _directory(text: str) -> DirectorySpec:
    rest = text.removeprefix("file:")
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if host not in {"", "localhost"} or not slash:
            raise InputError(
                f"region {_quoted(text)} names the host {_quoted(host)}",
                hint="Write file:./directory, or file:///directory for an absolute path",
            )
        rest = slash + path
    path_text = unquote(rest)
    if os.name == "nt" and re.match(r"/[A-Za-z]:", path_text):  # pragma: no cover
        path_text = path_text[1:]  # file:///C:/artifacts
    if not path_text or "\0" in path_text:
        raise InputError(
            f"region {_quoted(text)} names no directory",
            hint="Write file:./directory, or file:///directory for an absolute path",
        )
    # Absolute from now on: the working directory may change before the region is used.
    return DirectorySpec(text=text, path=Path(path_text).absolute())
