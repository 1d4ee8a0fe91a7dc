"""Refusals reach a client of the SDK with the code, the status and the text of AWS."""

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.conftest import AwsAccount
from tests.faults.conftest import Served
from tests.faults.refusals import POLICIES, REFUSALS, USER, denied, refused, requester_pays
from tests.support.wire import Wire

HERE = "eu-west-1"


@pytest.fixture
def bucket(account: AwsAccount) -> str:
    return account.buckets[HERE]


def client_of(wire: Wire, service: str) -> Any:
    """Return a client that asks once."""
    config = Config(retries={"total_max_attempts": 1, "mode": "standard"})
    return boto3.client(service, region_name=HERE, endpoint_url=wire.endpoint, config=config)  # type: ignore[call-overload]


@pytest.fixture
def s3(wire: Wire) -> Any:
    return client_of(wire, "s3")


@pytest.mark.parametrize("policy", POLICIES)
def test_explicit_denial(wire: Wire, s3: Any, bucket: str, served: Served, policy: str) -> None:
    """Who may not do what to which resource is said, and which policy says so."""
    wire.add(denied(policy))

    with pytest.raises(ClientError) as problem:
        s3.put_object(Bucket=bucket, Key="a/x", Body=b"x")

    assert problem.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert problem.value.response["Error"] == {
        "Code": "AccessDenied",
        "Message": f"User: {USER} is not authorized to perform: s3:PutObject on resource: "
        f'"arn:aws:s3:::{bucket}/a/x" with an explicit deny in {policy}',
    }
    assert served.stored("a/x", HERE) == 0


def test_denials_of_other_requests(wire: Wire, s3: Any, bucket: str) -> None:
    """Each request is denied by the name of its own action, in SSM too."""
    wire.add(denied(None))

    def message(ask: Any, **arguments: Any) -> str:
        with pytest.raises(ClientError) as problem:
            ask(**arguments)
        return str(problem.value.response["Error"]["Message"])

    listing = message(s3.list_objects_v2, Bucket=bucket)
    reading = message(s3.get_object, Bucket=bucket, Key="x")
    aborting = message(s3.abort_multipart_upload, Bucket=bucket, Key="x", UploadId="u")
    parameter = message(client_of(wire, "ssm").get_parameter, Name="/a/b")

    assert f's3:ListBucket on resource: "arn:aws:s3:::{bucket}" because no identity' in listing
    assert "allows the s3:GetObject action" in reading
    assert "s3:AbortMultipartUpload" in aborting
    assert f"arn:aws:ssm:{HERE}:123456789012:parameter/a/b because" in parameter


def test_requester_pays(wire: Wire, s3: Any, bucket: str) -> None:
    """Whoever does not say that they pay is denied, without a reason."""
    wire.add(requester_pays)

    s3.put_object(Bucket=bucket, Key="x", Body=b"x", RequestPayer="requester")
    with pytest.raises(ClientError) as problem:
        s3.get_object(Bucket=bucket, Key="x")

    assert problem.value.response["Error"] == {"Code": "AccessDenied", "Message": "Access Denied"}


@pytest.mark.parametrize("code", REFUSALS)
def test_refused(wire: Wire, s3: Any, bucket: str, served: Served, code: str) -> None:
    """A refusal has the status and the text of its code, and nothing is done."""
    wire.add(refused(code))

    with pytest.raises(ClientError) as problem:
        s3.put_object(Bucket=bucket, Key="x", Body=b"x")

    status, message = REFUSALS[code]
    assert problem.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert problem.value.response["Error"] == {"Code": code, "Message": message}
    assert served.stored("x", HERE) == 0
