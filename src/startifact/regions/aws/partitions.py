"""What the name of an AWS region tells: ARNs in it, and whether an account has to enable it."""

from typing import TYPE_CHECKING

from startifact.model.aws_regions import partition_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ALWAYS_ENABLED = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    }
)
"""Regions from before 20 March 2019. Each later one has to be enabled, in the partition ``aws``."""


def is_opt_in(region: str) -> bool:
    """Say whether an account has to enable *region*; other texts than names of regions are not."""
    parts = region.split("-")
    is_name = len(parts) > 2 and parts[-1].isdigit() and region.isascii() and "/" not in region
    return is_name and region not in _ALWAYS_ENABLED and partition_of(region) == "aws"


def arn(client: "S3Client", bucket: str, key: str | None = None) -> str:
    """Return the ARN of *bucket*, or of the object at *key* in it, in the partition of *client*."""
    partition = partition_of(client.meta.region_name)
    return f"arn:{partition}:s3:::{bucket}" + ("" if key is None else f"/{key}")


def store_in(partition: str, bucket: str) -> str:
    """Return what is the same for two regions whose *bucket* in *partition* is one bucket."""
    return f"s3://{bucket}" if partition == "aws" else f"{partition}:s3://{bucket}"
