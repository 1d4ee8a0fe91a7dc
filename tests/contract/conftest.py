"""A region of each kind in turn, and what is behind it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
import pytest

from startifact import ConfigurationLoader
from startifact.model.keys import Key
from startifact.regions.aws.spec import BucketSpec
from startifact.regions.factory import open_regions, parse_spec, parse_specs
from startifact.regions.interface import Region
from startifact.regions.memory import MemoryRegion
from tests.support.backends import Backend, Bucket, Directory, Memory
from tests.support.stores import find, serve_versitygw

if TYPE_CHECKING:
    from tests.conftest import AwsAccount

MIB = 1024 * 1024

MakeFile = Callable[..., Path]


def opened(spec: str) -> Region:
    """Return the region that *spec* names."""
    return open_regions(parse_specs([spec], source="test"), loader=ConfigurationLoader())[0]


@pytest.fixture(scope="session")
def versitygw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the spelling of a bucket on a real S3 server, started here."""
    if find("versitygw") is None:
        pytest.skip("STARTIFACT_TEST_S3 names no bucket, and versitygw is not installed")
    with serve_versitygw(tmp_path_factory.mktemp("versitygw")) as spec:
        yield spec


@pytest.fixture(params=["file", "memory", "s3", "aws", "elsewhere"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Return what is behind one region of each kind in turn."""
    if request.param == "file":
        yield Directory(f"file:{tmp_path}/region", tmp_path / "region")
    elif request.param == "memory":
        spec = f"memory:{uuid4().hex}"
        region = opened(spec)
        assert isinstance(region, MemoryRegion)
        yield Memory(spec, region)
    elif request.param == "elsewhere":
        yield from _elsewhere(request)
    else:
        account: AwsAccount = request.getfixturevalue("account")
        bucket = account.buckets["eu-west-1"]
        spec = f"s3://{bucket}/some/prefix/?region=eu-west-1"
        yield Bucket(
            spec if request.param == "s3" else "eu-west-1",
            client=account.s3("eu-west-1"),
            bucket=bucket,
            prefix="some/prefix/" if request.param == "s3" else "team/",
            region="eu-west-1",
            wire=None,
        )


def _elsewhere(request: pytest.FixtureRequest) -> Iterator[Backend]:
    text = os.environ.get("STARTIFACT_TEST_S3") or request.getfixturevalue("versitygw")
    for name, value in os.environ.items():  # its credentials, which are not the tests' own
        if name.startswith("STARTIFACT_TEST_AWS_"):
            os.environ[name.removeprefix("STARTIFACT_TEST_")] = value
    spec = parse_spec(text)
    assert isinstance(spec, BucketSpec)
    client = boto3.Session(profile_name=spec.profile).client(
        "s3", region_name=spec.region or "us-east-1", endpoint_url=spec.endpoint
    )
    unique = f"{spec.prefix}contract-{uuid4().hex}"
    _, mark, query = text.partition("?")
    yield Bucket(
        f"s3://{spec.bucket}/{unique}{mark}{query}",
        client=client,
        bucket=spec.bucket,
        prefix=f"{unique}/",
        region=spec.region or "us-east-1",
        wire=None,
    )
    for page in client.get_paginator("list_objects_v2").paginate(
        Bucket=spec.bucket, Prefix=f"{unique}/"
    ):
        for item in page.get("Contents", []):
            client.delete_object(Bucket=spec.bucket, Key=item["Key"])


@pytest.fixture
def region(backend: Backend) -> Region:
    """Return the region itself."""
    return opened(backend.spec)


KEY = Key("SugarWater@1.0.0")
CHANNEL = Key("SugarWater/latest")
ENCODED_RECORD = '{"hello":"world","startifact:format":"1"}'

SIZES = pytest.mark.parametrize("size", [1000, 8 * MIB + 1], ids=["single", "parts"])


def unmoved(count: int) -> None:
    """Take no notice."""


def stored(region: Region, key: Key = KEY) -> bytes:
    """Return the bytes of the artifact at *key*."""
    description = region.describe(key)
    assert description is not None
    return b"".join(region.read(key, description, 0, description.size))
