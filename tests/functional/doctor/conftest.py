"""An account in which nothing is wrong, and a wire on which each test breaks one thing."""

import re
from collections.abc import Callable, Iterator, Sequence

import pytest

from startifact import Check, CheckState, Diagnosis
from startifact.regions.aws import endpoint
from tests.conftest import AWS_REGIONS, AwsAccount, build_account
from tests.support.aws_answers import answer_as_aws
from tests.support.limits import Session
from tests.support.wire import Wire

LIFECYCLE = {
    "Rules": [
        {
            "ID": "unfinished-uploads",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
    ]
}


@pytest.fixture(scope="session")
def good_account(moto_server: str) -> AwsAccount:
    """Return an account that is as the documents advise; tests leave it as it is."""
    account = build_account(moto_server)
    for region, bucket in account.buckets.items():
        s3 = account.s3(region)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        s3.put_public_access_block(
            Bucket=bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )
        s3.put_bucket_encryption(
            Bucket=bucket,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        )
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=LIFECYCLE)
    return account


@pytest.fixture
def line(good_account: AwsAccount, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """Return the wire to the good account, which stands for AWS itself."""
    wire = Wire(good_account.endpoint)
    answer_as_aws(wire)
    monkeypatch.setattr(endpoint, "AWS_HOST", re.compile(""))
    monkeypatch.setenv("AWS_ENDPOINT_URL", wire.endpoint)
    monkeypatch.setenv("STARTIFACT_PARAMETER", good_account.parameter)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    yield wire
    wire.stop()


Examine = Callable[..., Diagnosis]


@pytest.fixture
def examine(line: Wire) -> Examine:
    """Return what examines the good account's regions for a staging of SugarWater."""

    def run(
        operation: str = "stage",
        project: str | None = "SugarWater",
        regions: Sequence[str] = AWS_REGIONS,
        **more: str,
    ) -> Diagnosis:
        with Session(regions=regions) as session:
            return session.doctor(project, operation=operation, **more)

    return run


def check_of(found: Diagnosis, region: str, name: str) -> Check:
    """Return the one check *name* of *region*."""
    (one,) = (r for r in found.regions if r.region == region)
    checks = [check for check in one.checks if check.name == name]
    assert len(checks) == 1, [check.name for check in one.checks]
    return checks[0]


def failures(found: Diagnosis) -> list[tuple[str, str]]:
    """Return the region and the name of each check that failed."""
    return [(r.region, check.name) for r in found.regions for check in r.failed]


def states(found: Diagnosis, state: CheckState) -> set[str]:
    """Return the names of all checks that are in *state* somewhere."""
    return {check.name for r in found.regions for check in r.checks if check.state is state}
