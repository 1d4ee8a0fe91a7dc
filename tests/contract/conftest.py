"""A region of each kind in turn, and what is behind it."""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
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
from tests.support.stores import STORES, Lack, find

if TYPE_CHECKING:
    from tests.conftest import AwsAccount

MIB = 1024 * 1024

MakeFile = Callable[..., Path]


def opened(spec: str) -> Region:
    """Return the region that *spec* names."""
    return open_regions(parse_specs([spec], source="test"), loader=ConfigurationLoader())[0]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Return what starts a store, once, and returns the spelling of a bucket in it."""
    specs: dict[str, str] = {}
    with contextlib.ExitStack() as stack:

        def serve(name: str) -> str:
            if find(STORES[name].program) is None:
                pytest.skip(f"{STORES[name].program} is not installed")
            if name not in specs:
                folder = tmp_path_factory.mktemp(name)
                specs[name] = stack.enter_context(STORES[name].serve(folder))
            return specs[name]

        yield serve


DELETING = frozenset(
    {
        "test_created_is_listed_at_once",
        "test_delete",
        "test_delete_of_nothing",
        "test_delete_of_something_else",
        "test_delete_touches_nothing_else",
        "test_whole_or_absent",
    }
)
"""The tests that delete artifacts, for which a store has to honour If-Match on DeleteObject."""

# Any other store, where somebody names one.
ELSEWHERE = ["elsewhere"] if os.environ.get("STARTIFACT_TEST_S3") else []


@pytest.fixture(params=["file", "memory", "s3", "aws", *STORES, *ELSEWHERE])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Return what is behind one region of each kind in turn."""
    if request.param == "file":
        yield Directory(f"file:{tmp_path}/region", tmp_path / "region")
    elif request.param == "memory":
        spec = f"memory:{uuid4().hex}"
        region = opened(spec)
        assert isinstance(region, MemoryRegion)
        yield Memory(spec, region)
    elif request.param in STORES:
        lacks = STORES[request.param].lacks
        if Lack.CONDITIONAL_DELETE in lacks and request.node.originalname in DELETING:
            pytest.skip("nothing is deleted in this store, which is refused: see test_stores")
        yield _below_a_prefix(request.getfixturevalue("served")(request.param), lacks)
    elif request.param == "elsewhere":
        yield from _elsewhere()
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


def _elsewhere() -> Iterator[Backend]:
    for name, value in os.environ.items():  # its credentials, which are not the tests' own
        if name.startswith("STARTIFACT_TEST_AWS_"):
            os.environ[name.removeprefix("STARTIFACT_TEST_")] = value
    backend = _below_a_prefix(os.environ["STARTIFACT_TEST_S3"])
    yield backend
    for page in backend.client.get_paginator("list_objects_v2").paginate(
        Bucket=backend.bucket, Prefix=backend.prefix
    ):
        for item in page.get("Contents", []):
            backend.client.delete_object(Bucket=backend.bucket, Key=item["Key"])


@functools.cache
def _client(region: str, endpoint: str | None, profile: str | None) -> Any:
    """Return a client of the tests' own; kept, because making one takes longer than a request."""
    return boto3.Session(profile_name=profile).client(
        "s3", region_name=region, endpoint_url=endpoint
    )


def _below_a_prefix(text: str, lacks: frozenset[Lack] = frozenset()) -> Bucket:
    """Return what is behind a key prefix of its own in the bucket that *text* names."""
    spec = parse_spec(text)
    assert isinstance(spec, BucketSpec)
    region = spec.region or "us-east-1"
    unique = f"{spec.prefix}contract-{uuid4().hex}"
    _, mark, query = text.partition("?")
    return Bucket(
        f"s3://{spec.bucket}/{unique}{mark}{query}",
        client=_client(region, spec.endpoint, spec.profile),
        bucket=spec.bucket,
        prefix=f"{unique}/",
        region=region,
        wire=None,
        lacks=lacks,
    )


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
