"""Addresses of pages of the AWS console."""

import pytest

from startifact.regions.aws.pages import page_of


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("ap-southeast-2", "ap-southeast-2.console.aws.amazon.com"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
    ],
)
def test_page(region: str, host: str) -> None:
    """The page of an object is that of its region and partition, its key encoded."""
    expected = f"https://{host}/s3/object/artifacts?region={region}&prefix=p%2FX%401.0.0%29%2B1"

    assert page_of(region, "artifacts", "p/X@1.0.0)+1") == expected


@pytest.mark.parametrize("region", ["us-iso-east-1", "eusc-de-east-1", "here", "evil.example/-1"])
def test_no_page(region: str) -> None:
    """Where no console is known there is no address."""
    assert page_of(region, "artifacts", "X@1.0.0") == ""
