"""An AWS account on loopback, with a bucket in each of three regions and a configuration."""

import contextlib
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib import request

import boto3

from tests.support.server import Aws
from tests.support.wire import Answer, Forward, Request, Wire, error

PROJECT = Path(__file__).resolve().parents[2]
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2")
NO_LIFECYCLE, NO_PERMISSION = "eu-west-1", "ap-southeast-2"
"""Where something is wrong for doctor to find."""

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
    "AWS_SECRET_ACCESS_KEY": "test-secret",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}

_LIFECYCLE = {
    "ID": "unfinished-uploads",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
}
_ENCRYPTION = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
_PUBLIC = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_CONFIGURATION = {
    "bucket_name_param": "/artifacts/bucket",
    "bucket_key_prefix": "",
    "parameter_name_prefix": "/artifacts",
    "regions": list(REGIONS),
}


@contextlib.contextmanager
def wire_to_account() -> Iterator[Wire]:
    """Serve an account as the documents advise, and yield the wire on the way to it."""
    aws = Aws()
    # A command that is ended aborts its uploads, and moto fails for parts that come later.
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    wire = Wire(aws.endpoint)
    try:
        # What moto holds is that of the whole process.
        request.urlopen(request.Request(f"{aws.endpoint}/moto-api/reset", method="POST")).close()
        for region in REGIONS:
            _add_region(region, aws.endpoint)
        wire.add(_as_aws)
        yield wire
    finally:
        wire.stop()
        aws.stop()


def environment(wire: Wire) -> dict[str, str]:
    """Return the variables with which a process works in the account behind *wire*."""
    return {
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": wire.endpoint,
        "AWS_REGION": REGIONS[0],
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]),
    }


def _add_region(region: str, endpoint: str) -> None:
    s3, ssm = (_client(name, region, endpoint) for name in ("s3", "ssm"))
    bucket = f"artifacts-{region}"
    where = {} if region == "us-east-1" else {"LocationConstraint": region}
    s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": where} if where else {}))
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(_PUBLIC, True)
    )
    s3.put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [_ENCRYPTION]}
    )
    if region != NO_LIFECYCLE:
        s3.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": [_LIFECYCLE]}
        )
    for name, value in {
        "/startifact": json.dumps(_CONFIGURATION),
        _CONFIGURATION["bucket_name_param"]: bucket,
    }.items():
        ssm.put_parameter(Name=str(name), Value=value, Type="String")


def _client(service: str, region: str, endpoint: str) -> Any:
    session = boto3.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    return session.client(service, region_name=region, endpoint_url=endpoint)  # type: ignore[call-overload]  # a name that is no literal


def _as_aws(asked: Request, forward: Forward) -> Answer | None:
    """Answer what moto does not answer as AWS does."""
    if asked.query.get("uploadId", [""])[0].startswith("startifact-doctor-"):
        return error(404, "NoSuchUpload", "The specified upload does not exist.")
    if asked.operation == "PutParameter":
        parameter = json.loads(asked.body)
        if parameter.get("AllowedPattern"):
            body = json.dumps({"__type": "ParameterPatternMismatchException", "message": ""})
            return Answer(400, body.encode(), {"Content-Type": "application/x-amz-json-1.1"})
    return forward()
