"""An account of AWS that has nothing, and the command that sets it up."""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest

from startifact.regions.aws import endpoint
from tests.support.command import Done, run_inside
from tests.support.wire import Answer, Forward, Request, Wire

US, EU, AP = REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2")
NAME = "my-artifacts"

_NUMBERS = itertools.count(100_000_000_001)


@dataclass(frozen=True)
class EmptyAccount:
    """An account of its own on the AWS that all tests share, and the wire to it."""

    number: str
    wire: Wire

    def client(self, service: str, region: str = US) -> Any:
        """Return a client of the tests' own."""
        session = boto3.Session(
            aws_access_key_id="AKIATESTTESTTESTTEST", aws_secret_access_key="test-secret"
        )
        return session.client(  # type: ignore[call-overload]
            service, region_name=region, endpoint_url=self.wire.endpoint
        )

    def bucket(self, region: str) -> str:
        """Return how the bucket of *region* is called where nobody says otherwise."""
        return f"{NAME}-{self.number}-{region}"

    def make_bucket(self, region: str, name: str) -> None:
        """Make a bucket as somebody has made it before."""
        where = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self.client("s3", region).create_bucket(Bucket=name, **({} if region == US else where))

    def put(self, region: str, name: str, value: str) -> None:
        """Make *value* that of the parameter *name*."""
        self.client("ssm", region).put_parameter(
            Name=name, Value=value, Type="String", Overwrite=True
        )

    def get(self, region: str, name: str) -> str | None:
        """Return the value of the parameter *name*."""
        ssm = self.client("ssm", region)
        try:
            return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound:
            return None

    def configuration(self, region: str, name: str = "/startifact") -> Any:
        """Return the organisation configuration of *region*."""
        return json.loads(self.get(region, name) or "null")

    def stack(self, region: str, name: str = NAME) -> Any:
        """Return what CloudFormation says of a stack; nothing where there is none."""
        stacks = self.client("cloudformation", region).describe_stacks()["Stacks"]
        return next((one for one in stacks if one["StackName"] == name), None)

    def writes(self) -> list[tuple[str, str]]:
        """Return what has been changed so far: where, and by which operation."""
        return [(r.region, r.operation or r.method) for r in self.wire.writes()]


@pytest.fixture
def empty(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmptyAccount]:
    """Return an account of this test's own, on a wire that stands for AWS itself."""
    # Only here: it takes half a second, and most workers only collect what deploys.
    import tests.support.change_sets
    import tests.support.cloudformation  # noqa: F401  # both teach moto what it lacks

    account = EmptyAccount(str(next(_NUMBERS)), Wire(moto_server))

    def in_account(request: Request, forward: Forward) -> Answer | None:
        headers = {**request.headers, "x-moto-account-id": account.number}
        return forward(replace(request, headers=headers))

    account.wire.add(in_account)
    monkeypatch.setattr(endpoint, "AWS_HOST", re.compile(""))
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.wire.endpoint)
    monkeypatch.setenv("NO_COLOR", "1")
    yield account
    account.wire.stop()


Bootstrap = Callable[..., Done]


@pytest.fixture
def bootstrap(empty: EmptyAccount, capsys: pytest.CaptureFixture[str]) -> Bootstrap:
    """Return what runs the command for two regions, and with more words."""

    def run(*words: str, regions: tuple[str, ...] = (US, EU), name: str = NAME) -> Done:
        given = ["bootstrap", "--regions", ",".join(regions), "--name", name]
        return run_inside(capsys, [*given, *words])

    return run


def planned(done: Done) -> dict[str, list[tuple[str, str, str]]]:
    """Return what the command has planned in each region, from its JSON."""
    groups = {one["region"]: one["plan"] for one in done.json["regions"]}
    groups["roles"] = done.json["roles"]["plan"]
    return {
        name: [(line["action"], line["kind"], line["name"]) for line in lines]
        for name, lines in groups.items()
    }


def failed_checks(done: Done) -> list[tuple[str, str]]:
    """Return the region and the name of each check that is not as it should be."""
    return [(c["region"], c["check"]) for c in done.json["checks"] if c["state"] == "failed"]
