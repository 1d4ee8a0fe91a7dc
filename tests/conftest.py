"""
What every test can use: an AWS that behaves (moto's server on loopback), regions of every kind,
and an environment that holds nothing of the machine's own.
"""

import functools
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

import boto3
import hypothesis
import pytest

from tests.support.backends import Backend, Bucket, Directory
from tests.support.caches import cache_moto, cache_sdk
from tests.support.garbage import leave_alone, look_among_new
from tests.support.machine import (
    keep_files_in_memory,
    keep_freed_memory,
    use_one_processor,
)
from tests.support.scheduling import WORKERS, Scheduling
from tests.support.server import (
    Aws,
    make_bucket,
    put_parameter,
    remove_bucket,
    remove_parameters,
)
from tests.support.sweeps import mark_exhaustive, mark_represented
from tests.support.tracing import trace_no_sdk
from tests.support.wire import Wire

if TYPE_CHECKING:
    from xdist.remote import Producer

AWS_REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2")

_OURS = ("AWS_", "STARTIFACT_", "GITHUB_", "INPUT_", "RUNNER_", "NO_COLOR", "FORCE_COLOR")

# A shell that runs tests in the background ignores SIGINT for them, and for whatever they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long one example takes says more about what else the machine does.
# A run fails by what was changed, not by what was drawn; --hypothesis-profile=draw draws anew.
hypothesis.settings.register_profile("any machine", deadline=None, derandomize=True)
hypothesis.settings.register_profile("draw", deadline=None)
hypothesis.settings.load_profile("any machine")


use_one_processor()
keep_files_in_memory()
keep_freed_memory()

# In every test, also one that goes through no fixture.
cache_sdk()
cache_moto()
trace_no_sdk()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the machine or the workflow that runs the tests has set."""
    for name in list(os.environ):
        if name.startswith(_OURS) and not name.startswith("STARTIFACT_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTTESTTESTTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture(autouse=True)
def known_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare sessions of this process the trial of a store that is not AWS, unless it is the matter.

    moto stands for AWS, which is not tried either, and the trial of every session would take a
    third of the time. Commands that are processes of their own are as they are everywhere.
    """
    if request.node.get_closest_marker("tries_stores") is None:
        for trial in ("check_conditions", "check_deletion"):
            monkeypatch.setattr(
                f"startifact.regions.aws.region.{trial}", lambda bucket, project: None
            )


@pytest.fixture(scope="session")
def moto_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the address of an AWS on loopback that lasts as long as the test run."""
    _refuse_unmarked(request)
    server = Aws()
    yield server.endpoint
    server.stop()


@functools.cache
def _client(service: str, region: str, endpoint: str) -> Any:
    """Return a client of the tests' own; kept, because making one takes longer than a request."""
    return boto3.Session(
        aws_access_key_id="AKIATESTTESTTESTTEST", aws_secret_access_key="test-secret"
    ).client(service, region_name=region, endpoint_url=endpoint)  # type: ignore[call-overload]


@dataclass(frozen=True)
class AwsAccount:
    """
    An AWS account with one bucket in each of three regions, and an organisation configuration.
    """

    endpoint: str
    buckets: dict[str, str]
    parameter: str

    @property
    def unique(self) -> str:
        """What the names of this test's own have in common."""
        return self.parameter.removeprefix("/startifact-")

    @property
    def bucket_parameter(self) -> str:
        """The parameter that holds a region's bucket name."""
        return f"/buckets/{self.unique}"

    def parameter_value(self, region: str, project: str) -> str | None:
        """Return the mirror of ``latest`` of *project* in SSM."""
        ssm = self.ssm(region)
        try:
            answer = ssm.get_parameter(Name=f"/team-{self.unique}/{project}/latest")
        except ssm.exceptions.ParameterNotFound:
            return None
        return str(answer["Parameter"]["Value"])

    def s3(self, region: str = "us-east-1") -> Any:
        return _client("s3", region, self.endpoint)

    def ssm(self, region: str = "us-east-1") -> Any:
        return _client("ssm", region, self.endpoint)

    def configure(self, region: str, text: str) -> None:
        """Make *text* the organisation configuration of *region*."""
        self.ssm(region).put_parameter(
            Name=self.parameter, Value=text, Type="String", Overwrite=True
        )

    def keys(self, region: str) -> list[str]:
        """Return every key in the bucket of *region*, Startifact's probe left out."""
        page = self.s3(region).list_objects_v2(Bucket=self.buckets[region])
        return [o["Key"] for o in page.get("Contents", []) if "/_probe/" not in o["Key"]]

    def latest(self, region: str, project: str, prefix: str = "team/") -> str:
        """Return the version that ``latest`` of *project* points at in *region*."""
        body = self.s3(region).get_object(
            Bucket=self.buckets[region], Key=f"{prefix}{project}/latest"
        )["Body"]
        return str(json.loads(body.read())["version"])


def build_account(endpoint: str) -> AwsAccount:
    """Return a new account: its buckets and its parameter have random names."""
    unique = uuid4().hex[:12]
    buckets = {region: f"artifacts-{unique}-{region}" for region in AWS_REGIONS}
    account = AwsAccount(endpoint, buckets, f"/startifact-{unique}")
    for region, bucket in buckets.items():
        make_bucket(region, bucket)
        put_parameter(region, account.bucket_parameter, bucket)
        configuration = {
            "bucket_name_param": account.bucket_parameter,
            "bucket_key_prefix": "team/",
            "parameter_name_prefix": f"/team-{unique}",
            "regions": list(AWS_REGIONS),
        }
        put_parameter(region, account.parameter, json.dumps(configuration))
    return account


@pytest.fixture
def account(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsAccount]:
    """
    Return an account of this test's own, so that tests do not see each other's.
    """
    account = build_account(moto_server)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_server)
    monkeypatch.setenv("STARTIFACT_PARAMETER", account.parameter)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    yield account
    for bucket in account.buckets.values():
        remove_bucket(bucket)
    remove_parameters(account.buckets, account.unique)


@pytest.fixture
def directories(tmp_path: Path) -> list[str]:
    """Return the spellings of three ``file:`` regions that are not there yet."""
    return [f"file://{tmp_path}/regions/{name}" for name in ("a", "b", "c")]


# A bucket of its own (s3) is an AWS region but for where its name comes from and the mirror: the
# contract holds both, and tests that are about the difference ask for ``s3`` by name.
KINDS = ["aws", "file"]


@pytest.fixture(params=KINDS)
def regions(request: pytest.FixtureRequest) -> list[str]:
    """Return three regions of each kind in turn."""
    if request.param == "file":
        return list(request.getfixturevalue("directories"))
    account: AwsAccount = request.getfixturevalue("account")
    if request.param == "aws":
        return list(AWS_REGIONS)
    endpoint = account.endpoint.replace(":", "%3A").replace("/", "%2F")
    return [
        f"s3://{bucket}/some/prefix?region={region}&endpoint={endpoint}"
        for region, bucket in account.buckets.items()
    ]


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a file and returns its path."""

    def make(content: bytes = b"sugar and water\n", name: str = "dist.tar.gz") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return make


@pytest.fixture
def wire(account: AwsAccount, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """Return a wire to the AWS on loopback that can be cut; the SDK uses it from now on."""
    wire = Wire(account.endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL", wire.endpoint)
    yield wire
    wire.stop()


def percent(text: str) -> str:
    """Return *text* as it is written inside a spelling."""
    return quote(text, safe="")


@pytest.fixture(params=KINDS)
def backends(request: pytest.FixtureRequest, tmp_path: Path) -> list[Backend]:
    """Return what is behind three regions of each kind in turn; each can be made to fail."""
    if request.param == "file":
        specs: list[str] = request.getfixturevalue("directories")
        return [Directory(s, Path(s.removeprefix("file://"))) for s in specs]
    account: AwsAccount = request.getfixturevalue("account")
    wire: Wire = request.getfixturevalue("wire")
    aws = request.param == "aws"
    return [
        Bucket(
            region
            if aws
            else f"s3://{bucket}/some/prefix?region={region}&endpoint={percent(wire.endpoint)}",
            client=account.s3(region),
            bucket=bucket,
            prefix="team/" if aws else "some/prefix/",
            region=region,
            wire=wire,
        )
        for region, bucket in account.buckets.items()
    ]


# What a test's parameter says where AWS is behind it, though no fixture in its signature does.
_AWS_PARAMETERS = {
    "aws",
    "s3",
    "versitygw",
    "minio",
    "seaweedfs",
    "elsewhere",
    "aws_project",
    "bucket_project",
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers there are where nobody gives a number."""
    return WORKERS


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> Scheduling | None:
    """Give workers tests as `Scheduling` says, which is a kind of ``worksteal``."""
    return Scheduling(config, log) if config.getoption("dist") == "worksteal" else None


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Measure no coverage in a test with ``no_cover``, which computes for long: it doubles that.

    In a worker of xdist pytest-cov measures twice, and ends only the inner measurement for such a
    test: the outer one would go on.
    """
    if item.get_closest_marker("no_cover") is None:
        return (yield)
    own, of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(own)
        threading.settrace(of_threads)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Spare the search for garbage what is collected, and all that was imported for it."""
    leave_alone()
    try:
        return (yield)
    finally:
        look_among_new()


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem() -> Generator[None, object, object]:
    """Mark what `make test` leaves out where some parameters of a test stand for the others."""
    made = yield
    if isinstance(made, list) and made:
        mark_represented(made)
    return made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what some runs leave out: ``aws`` needs the AWS on loopback, ``exhaustive`` repeats."""
    mark_exhaustive(items)
    for item in items:
        callspec = getattr(item, "callspec", None)
        parameters = callspec.params.values() if callspec else ()
        fixtures = getattr(item, "fixturenames", ())
        if "moto_server" in fixtures or any(
            isinstance(value, str) and value in _AWS_PARAMETERS for value in parameters
        ):
            item.add_marker(pytest.mark.aws)


def _refuse_unmarked(request: pytest.FixtureRequest) -> None:
    """Fail where the AWS on loopback starts in a run that leaves it out, as ``make quick`` does.

    Otherwise a parameter with a new name would make that run slower, and nobody would see it.
    """
    if "not aws" in request.config.getoption("markexpr"):
        pytest.fail(
            "this test needs AWS and is not marked so: add its parameter to _AWS_PARAMETERS"
            " in tests/conftest.py"
        )
