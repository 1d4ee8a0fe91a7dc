"""Who a program is in AWS, said by a session of boto3 that it has already."""

from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from botocore.client import BaseClient

from startifact import WebIdentity
from startifact.errors import AccessDeniedError, InputError
from tests.conftest import AWS_REGIONS, AwsAccount, percent
from tests.support.limits import ConfigurationLoader, Session
from tests.support.wire import Wire

MakeFile = Callable[..., Path]

KEY_ID = "AKIAEXPLICITEXPLICIT"


@pytest.fixture
def boto3_session(monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    """Return a session with credentials and a region that are nowhere else."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    return boto3.Session(
        aws_access_key_id=KEY_ID, aws_secret_access_key="secret", region_name="eu-west-1"
    )


def signed_by(wire: Wire) -> set[str]:
    """Return the ids of the keys that requests were signed with."""
    return {request.key_id for request in wire.requests()}


def test_credentials(
    account: AwsAccount, wire: Wire, boto3_session: boto3.Session, make_file: MakeFile,
    tmp_path: Path,
) -> None:  # fmt: skip
    """Everything is asked and written with its credentials."""
    with Session(regions=list(AWS_REGIONS), boto3_session=boto3_session) as session:
        session.stage("SugarWater", "1.0.0", make_file())
        path = session.get("SugarWater").downloader.download(tmp_path / "back")

    assert path.read_bytes() == b"sugar and water\n"
    assert account.latest("us-east-1", "SugarWater") == "1.0.0"
    assert signed_by(wire) == {KEY_ID}


def test_without_it(account: AwsAccount, boto3_session: boto3.Session, make_file: MakeFile) -> None:
    """Without it there are no credentials: nothing else can have signed the requests above."""
    with pytest.raises(AccessDeniedError):
        ConfigurationLoader().load("us-east-1")


def test_region(
    account: AwsAccount, boto3_session: boto3.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its region has the organisation configuration where AWS_REGION is not set."""
    account.configure("eu-west-1", '{"bucket_name_param": "/x", "regions": "eu-west-1"}')

    session = Session(boto3_session=boto3_session)

    assert repr(session) == "<Session regions of the configuration in 'eu-west-1'>"
    assert session.regions == ("eu-west-1",)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert Session(boto3_session=boto3_session).regions == AWS_REGIONS


def test_region_of_a_bucket(
    account: AwsAccount, wire: Wire, boto3_session: boto3.Session, make_file: MakeFile
) -> None:
    """Its region signs requests to a bucket whose spelling names none."""
    bucket = account.buckets["eu-west-1"]
    spec = f"s3://{bucket}/p?endpoint={percent(wire.endpoint)}"

    Session(regions=[spec], boto3_session=boto3_session).stage("SugarWater", "1.0.0", make_file())

    assert {request.region for request in wire.requests()} == {"eu-west-1"}


def test_loader(account: AwsAccount, wire: Wire, boto3_session: boto3.Session) -> None:
    """A loader takes one as well, and a session that is given the loader uses it."""
    loader = ConfigurationLoader(boto3_session=boto3_session)

    assert Session(configuration_loader=loader).regions == AWS_REGIONS
    assert signed_by(wire) == {KEY_ID}


def test_it_is_not_closed(
    account: AwsAccount, boto3_session: boto3.Session, make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """What the program made of it goes on; only clients that were made here are closed."""
    mine = boto3_session.client("s3", region_name="us-east-1")
    closed = []
    monkeypatch.setattr(BaseClient, "close", lambda self: closed.append(self))

    with Session(regions=["us-east-1"], boto3_session=boto3_session) as session:
        session.stage("SugarWater", "1.0.0", make_file())

    assert len(closed) == 2
    assert mine not in closed
    assert boto3_session.client("s3").list_buckets()["Buckets"]


def test_one_way_only(boto3_session: boto3.Session) -> None:
    """Two answers to who the program is are refused."""
    identity = WebIdentity(
        role="arn:aws:iam::123456789012:role/r",
        session_name="s",
        seconds=900,
        region="us-east-1",
        token=lambda: "t",
    )

    with pytest.raises(InputError, match="identity and boto3_session are both given"):
        ConfigurationLoader(identity=identity, boto3_session=boto3_session)
    with pytest.raises(InputError, match="configuration_loader and boto3_session"):
        Session(configuration_loader=ConfigurationLoader(), boto3_session=boto3_session)


def test_no_credentials(account: AwsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session of boto3 without credentials is reported as missing credentials."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")

    with pytest.raises(AccessDeniedError, match="there are no usable AWS credentials"):
        ConfigurationLoader(boto3_session=boto3.Session()).load("us-east-1")


def test_file_that_cannot_be_read(
    account: AwsAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of credentials that cannot be read is reported as missing credentials too."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "nowhere"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r")

    with pytest.raises(AccessDeniedError, match="nowhere"):
        ConfigurationLoader(boto3_session=boto3.Session()).load("us-east-1")
