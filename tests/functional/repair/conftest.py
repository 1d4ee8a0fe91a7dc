"""Fixtures of the tests that break what is stored: three regions of each kind, and a project."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from startifact import ConfigurationLoader
from tests.conftest import Cloud, build_cloud, percent
from tests.functional.repair.shop import Shop
from tests.support.places import Bucket, Directory, Place
from tests.support.wire import Wire


@dataclass
class Street:
    """One account and one wire to it, which many tests share: each has a project of its own."""

    endpoint: str
    wire: Wire
    cloud: Cloud | None = None
    loader: ConfigurationLoader | None = None

    def opened(self, monkeypatch: pytest.MonkeyPatch) -> tuple[Cloud, ConfigurationLoader]:
        """Return the account and clients for it, and make the environment theirs."""
        if self.cloud is None:
            self.cloud = build_cloud(self.endpoint)
        monkeypatch.setenv("AWS_ENDPOINT_URL", self.wire.endpoint)
        monkeypatch.setenv("STARTIFACT_PARAMETER", self.cloud.parameter)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        if self.loader is None:
            self.loader = ConfigurationLoader()
        self.wire.log.clear()
        return self.cloud, self.loader

    def places(self, kind: str, cloud: Cloud) -> list[Place]:
        """Return what is behind three regions of *kind*."""
        endpoint = percent(self.wire.endpoint)
        return [
            Bucket(
                region
                if kind == "aws"
                else f"s3://{bucket}/some/prefix?region={region}&endpoint={endpoint}",
                client=cloud.s3(region),
                bucket=bucket,
                prefix="team/" if kind == "aws" else "some/prefix/",
                region=region,
                wire=self.wire,
            )
            for region, bucket in cloud.buckets.items()
        ]


@pytest.fixture(scope="session")
def street(moto_server: str) -> Iterator[Street]:
    wire = Wire(moto_server)
    yield Street(moto_server, wire)
    wire.stop()


def _on_aws(
    kind: str, street: Street, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    cloud, loader = street.opened(monkeypatch)
    shop = Shop(street.places(kind, cloud), folder, loader=loader, cloud=cloud)
    yield shop
    street.wire.clear()


@pytest.fixture
def market(street: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Return a project in three AWS regions, whose ``latest`` is copied to SSM."""
    yield from _on_aws("aws", street, tmp_path, monkeypatch)


@pytest.fixture
def bucket_shop(street: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Return a project in three buckets of a store with an address of its own."""
    yield from _on_aws("s3", street, tmp_path, monkeypatch)


@pytest.fixture
def corner_shop(directories: list[str], tmp_path: Path) -> Shop:
    """Return a project in three directories, for what does not depend on the kind of region."""
    return Shop([Directory(s, Path(s.removeprefix("file://"))) for s in directories], tmp_path)


@pytest.fixture(params=["market", "bucket_shop", "corner_shop"], ids=["aws", "s3", "file"])
def shop(request: pytest.FixtureRequest) -> Shop:
    """Return a project that is staged in nothing yet, in three regions of each kind in turn."""
    shop: Shop = request.getfixturevalue(request.param)
    return shop
