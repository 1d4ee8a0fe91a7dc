"""What a reader of the documents has: a shell, AWS's own programs, and an account."""

import json
import os
import re
import shlex
import socketserver
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.conftest import AWS_REGIONS
from tests.support.aws_answers import answer_as_aws
from tests.support.runner_step import PROJECT
from tests.support.wire import Wire

IAM = PROJECT / "examples" / "iam"
AS_AWS = PROJECT / "benchmarks" / "as_aws.py"
"""The command line, which takes the AWS on loopback for AWS."""

BUCKETS = ("my-artifacts-", "their-artifacts")
"""How the names of buckets begin that the documents make."""

PARAMETERS = r"/startifact$|/artifacts/|/team/"
"""What matches the names of parameters that the documents make."""

# What the reader has installed and these tests have not. It hands its arguments to the
# test: a process that imports boto3 for each of a dozen commands took most of these tests' time.
AWS_COMMAND = """#!{interpreter} -IS
import json, os, socket, sys

with socket.create_connection(("127.0.0.1", {port})) as test:
    test.sendall(json.dumps([os.getcwd(), *sys.argv[1:]]).encode() + b"\\n")
    said = test.makefile().read()
sys.exit(0 if said == "done" else said or "the test has not answered")
"""


def aws(folder: Path, service: str, verb: str, *rest: str) -> None:
    """Do what ``aws`` does with these words in *folder*, as far as the documents use it."""
    option = {name: value for name, value in pairwise(rest) if name.startswith("--")}

    def policy_text(name: str) -> str:
        return (folder / option[name].removeprefix("file://")).read_text(encoding="utf-8")

    region = "us-east-1" if service == "iam" else option["--region"]
    # The stubs know each service as a literal, and this one comes from a page.
    client: Any = boto3.client(service.removesuffix("api"), region_name=region)  # type: ignore[call-overload]
    match service, verb:
        case "s3", "mb":
            configuration = {"LocationConstraint": region}
            more = {} if region == "us-east-1" else {"CreateBucketConfiguration": configuration}
            bucket = rest[0].removeprefix("s3://")
            client.create_bucket(Bucket=bucket, **more)
            # So are new buckets on AWS.
            blocked = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy")
            client.put_public_access_block(
                Bucket=bucket,
                PublicAccessBlockConfiguration=dict.fromkeys(
                    (*blocked, "RestrictPublicBuckets"), True
                ),
            )
            client.put_bucket_encryption(
                Bucket=bucket,
                ServerSideEncryptionConfiguration={
                    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                },
            )
        case "s3api", "put-bucket-versioning":
            status = option["--versioning-configuration"].removeprefix("Status=")
            client.put_bucket_versioning(
                Bucket=option["--bucket"], VersioningConfiguration={"Status": status}
            )
        case "s3api", "put-bucket-lifecycle-configuration":
            client.put_bucket_lifecycle_configuration(
                Bucket=option["--bucket"],
                LifecycleConfiguration=json.loads(option["--lifecycle-configuration"]),
            )
        case "ssm", "put-parameter":
            client.put_parameter(
                Name=option["--name"], Value=option["--value"], Type=option["--type"]
            )
        case "iam", "create-open-id-connect-provider":
            client.create_open_id_connect_provider(
                Url=option["--url"], ClientIDList=[option["--client-id-list"]]
            )
        case "iam", "create-role":
            client.create_role(
                RoleName=option["--role-name"],
                AssumeRolePolicyDocument=policy_text("--assume-role-policy-document"),
            )
        case "iam", "put-role-policy":
            client.put_role_policy(
                RoleName=option["--role-name"],
                PolicyName=option["--policy-name"],
                PolicyDocument=policy_text("--policy-document"),
            )
        case _:
            raise ValueError(f"the tests do not know aws {service} {verb}")


class AwsHandler(socketserver.StreamRequestHandler):
    """Carries out one command of `AWS_COMMAND`, and answers ``done`` or what went wrong."""

    def handle(self) -> None:
        folder, *words = json.loads(self.rfile.readline())
        try:
            aws(Path(folder), *words)
            said = "done"
        except (BotoCoreError, ClientError, OSError, LookupError, ValueError) as e:
            said = f"aws {' '.join(words)}: {e!r}"
        self.wfile.write(said.encode())


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of the programs that a reader has installed, AWS's own among them."""
    programs = tmp_path / "bin"
    programs.mkdir()
    server = socketserver.TCPServer(("127.0.0.1", 0), AwsHandler)
    port = server.server_address[1]
    (programs / "aws").write_text(AWS_COMMAND.format(interpreter=sys.executable, port=port))
    command = f'#!/bin/sh\nexec {sys.executable} {AS_AWS} "$@"\n'
    (programs / "startifact").write_text(command)
    for program in programs.iterdir():
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield programs
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def reader_account(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the reader an AWS account, and empty it of what the documents make."""
    wire = Wire(moto_server)
    answer_as_aws(wire)
    monkeypatch.setenv("AWS_ENDPOINT_URL", wire.endpoint)
    yield
    wire.stop()
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_server)
    for region in AWS_REGIONS:
        ssm = boto3.client("ssm", region_name=region, endpoint_url=moto_server)
        pages = ssm.get_paginator("describe_parameters").paginate()
        found = [p["Name"] for page in pages for p in page["Parameters"]]
        names = [name for name in found if re.match(PARAMETERS, name)]
        if names:
            ssm.delete_parameters(Names=names)
    s3 = boto3.resource("s3", endpoint_url=moto_server)
    for bucket in s3.buckets.all():
        if bucket.name.startswith(BUCKETS):
            bucket.object_versions.delete()
            bucket.delete()
    iam = boto3.resource("iam", endpoint_url=moto_server, region_name="us-east-1")
    for role in iam.roles.all():
        if role.name.endswith("-sugarwater"):
            for policy in role.policies.all():
                policy.delete()
            role.delete()
    for provider in iam.meta.client.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        iam.meta.client.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider["Arn"])


class Ran(NamedTuple):
    """Scripts that have succeeded, one after the other in one shell."""

    outputs: list[str]
    """What each of them has written, on either stream."""

    regions: str
    """Which regions the reader has named by then."""


def run(programs: Path, folder: Path, *scripts: str) -> Ran:
    """Run the reader's commands, one script after the other in one shell. None may fail."""
    end = "\n<< a script has ended >>\n"
    done = subprocess.run(
        [
            *("bash", "-euo", "pipefail", "-c"),
            f"printf {shlex.quote(end)}\n".join([*scripts, 'echo "${STARTIFACT_REGIONS:-}"']),
        ],
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",  # both streams in the order in which they are on a terminal
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    *outputs, regions = done.stdout.split(end)
    return Ran(outputs, regions.strip())
