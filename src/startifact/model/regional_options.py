"""What the organisation configuration says of the buckets in all of its regions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from startifact.hints import Option, in_shell
from startifact.model.aws_regions import AWS_REGION, partition_of
from startifact.model.bucket_options import (
    NO_OTHER_FORM,
    OPTIONS,
    checked_options,
    is_option,
    tell_option,
    wrong_key_of,
)
from startifact.model.endpoints import EXPECTED_ENDPOINT, has_password, is_endpoint
from startifact.problems import Problems

BY_REGION: Mapping[str, Option] = {
    "kms_key": Option("kms-key"),
    "bucket_owner": Option("bucket-owner"),
}
"""The options whose value may be another one in each region, and how they are given."""

NAMES = (*OPTIONS, "endpoint")


def checked_regional_options(
    value: Mapping[str, Any], regions: Sequence[str], problems: Problems
) -> dict[str, Any]:
    """Return what *value* says under each of `NAMES`, for the regions of a configuration.

    What it does not say is not in it. *problems* gets what is wrong.
    """
    given = {name: value[name] for name in NAMES if value.get(name) is not None}
    for name in BY_REGION:
        if isinstance(given.get(name), dict):
            _check_by_region(name, given[name], regions, problems)
    _check_keys(given.get("kms_key"), regions, problems)
    by_region = [name for name in BY_REGION if isinstance(given.get(name), dict)]
    checked_options({n: v for n, v in given.items() if n not in by_region}, problems)
    if "endpoint" in given:
        _check_endpoints(given, problems)
    _check_partitions(regions, problems)
    return given


def _check_by_region(
    name: str, values: dict[str, object], regions: Sequence[str], problems: Problems
) -> None:
    for region, value in values.items():
        if not AWS_REGION.fullmatch(region):
            problems.add(name, region, "an AWS region such as eu-west-1")
        elif not is_option(name, value):
            tell_option(f"{name}.{region}", name, value, problems)
    if lacking := [region for region in regions if region not in values]:
        valid = {r: v for r, v in values.items() if AWS_REGION.fullmatch(r) and is_option(name, v)}
        every = valid | dict.fromkeys(lacking, "VALUE")
        options = (replace(BY_REGION[name], value=f"{r}={v}") for r, v in every.items())
        problems.say(
            f"{name}: it says nothing of {', '.join(lacking)}, expected each region of regions",
            hint=f"Give it for each: {' '.join(map(in_shell, options))}",
        )


def _check_keys(keys: Any, regions: Sequence[str], problems: Problems) -> None:
    """Record the ARNs among *keys* that are not of their regions: S3 refuses such a key."""
    by_region = keys if isinstance(keys, dict) else dict.fromkeys(regions, keys)
    for region, key in by_region.items():
        if not is_option("kms_key", key) or not (begins := wrong_key_of(region, key)):
            continue
        where = f"kms_key.{region}" if isinstance(keys, dict) else "kms_key"
        problems.add(
            where,
            key,
            f"an ARN that begins with {begins}, as {region} takes no key of another region",
            hint="Name a key for each region, or an alias that each region has",
        )


def _check_endpoints(given: Mapping[str, Any], problems: Problems) -> None:
    endpoints = given["endpoint"]
    if not isinstance(endpoints, dict):
        # Without what it is: a password may be in it.
        problems.say(
            "endpoint: expected an object with an endpoint for a region, such as "
            "{'eu-west-1': 'https://...'}"
        )
        return
    for region, endpoint in endpoints.items():
        where = f"endpoint.{region}"
        if not AWS_REGION.fullmatch(region):
            problems.add("endpoint", region, "an AWS region such as eu-west-1")
        elif isinstance(endpoint, str) and has_password(endpoint):
            problems.say(f"{where}: it has a user or password in it, expected {EXPECTED_ENDPOINT}")
        elif not isinstance(endpoint, str) or not is_endpoint(endpoint):
            problems.add(where, endpoint, EXPECTED_ENDPOINT)
    for name in ("use_dualstack", "use_fips"):
        if endpoints and given.get(name) is True:
            problems.say(f"{name}: {NO_OTHER_FORM}, expected {name} or endpoint")


def _check_partitions(regions: Sequence[str], problems: Problems) -> None:
    partitions = [name for name, _ in groupby(sorted(map(partition_of, regions)))]
    if len(partitions) > 1:
        problems.say(
            f"regions: they are in the partitions {' and '.join(partitions)}, which "
            "have no credentials in common, expected one partition",
            hint="Configure each partition by itself, and bring versions across with copy",
        )
