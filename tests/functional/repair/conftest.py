"""Fixtures of the tests that break what is stored: three regions of each kind, and a project."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import AwsAccount, build_account, percent
from tests.functional.repair.project_fixture import ProjectFixture
from tests.support.backends import Backend, Bucket, Directory
from tests.support.limits import ConfigurationLoader
from tests.support.server import remove_parameters
from tests.support.wire import Wire


@dataclass
class Street:
    """One account and one wire to it, which many tests share: each has a project of its own."""

    endpoint: str
    wire: Wire
    account: AwsAccount | None = None
    loader: ConfigurationLoader | None = None

    def opened(self, monkeypatch: pytest.MonkeyPatch) -> tuple[AwsAccount, ConfigurationLoader]:
        """Return the account and clients for it, and make the environment theirs."""
        if self.account is None:
            self.account = build_account(self.endpoint)
        monkeypatch.setenv("AWS_ENDPOINT_URL", self.wire.endpoint)
        monkeypatch.setenv("STARTIFACT_PARAMETER", self.account.parameter)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        if self.loader is None:
            self.loader = ConfigurationLoader()
        self.wire.log.clear()
        return self.account, self.loader

    def backends(self, kind: str, account: AwsAccount) -> list[Backend]:
        """Return what is behind three regions of *kind*."""
        endpoint = percent(self.wire.endpoint)
        return [
            Bucket(
                region
                if kind == "aws"
                else f"s3://{bucket}/some/prefix?region={region}&endpoint={endpoint}",
                client=account.s3(region),
                bucket=bucket,
                prefix="team/" if kind == "aws" else "some/prefix/",
                region=region,
                wire=self.wire,
            )
            for region, bucket in account.buckets.items()
        ]


@pytest.fixture(scope="session")
def street(moto_server: str) -> Iterator[Street]:
    wire = Wire(moto_server)
    yield Street(moto_server, wire)
    wire.stop()


def _on_aws(
    kind: str, street: Street, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ProjectFixture]:
    account, loader = street.opened(monkeypatch)
    fixture = ProjectFixture(street.backends(kind, account), folder, loader=loader, account=account)
    yield fixture
    street.wire.clear()
    remove_parameters(account.buckets, account.unique + "/")


@pytest.fixture
def aws_project(
    street: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ProjectFixture]:
    """Return a project in three AWS regions, whose ``latest`` is copied to SSM."""
    yield from _on_aws("aws", street, tmp_path, monkeypatch)


@pytest.fixture
def bucket_project(
    street: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ProjectFixture]:
    """Return a project in three buckets of a store with an address of its own."""
    yield from _on_aws("s3", street, tmp_path, monkeypatch)


@pytest.fixture
def file_project(directories: list[str], tmp_path: Path) -> ProjectFixture:
    """Return a project in three directories, for what does not depend on the kind of region."""
    return ProjectFixture(
        [Directory(s, Path(s.removeprefix("file://"))) for s in directories], tmp_path
    )


# A bucket of its own is an AWS region but for the mirror: what differs asks for it by name.
@pytest.fixture(params=["aws_project", "file_project"], ids=["aws", "file"])
def fixture(request: pytest.FixtureRequest) -> ProjectFixture:
    """Return a project that is staged in nothing yet, in three regions of each kind in turn."""
    fixture: ProjectFixture = request.getfixturevalue(request.param)
    return fixture
