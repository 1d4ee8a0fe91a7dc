"""The names of AWS regions, and the partitions that they are in.

Partitions have nothing in common: no credentials, no buckets, no keys.
"""

import re

AWS_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,3}-\d{1,2}", re.ASCII)

_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc"}

PARTITIONS = ("aws", *_PARTITIONS.values())
"""All that are known."""


def partition_of(region: str) -> str:
    """Return the partition of *region*, which is the second part of each ARN in it."""
    return next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")
