"""What is configured of buckets is in the requests that are sent, where S3 wants it."""

import hashlib
import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from startifact import Session as PlainSession
from startifact.errors import StartifactError
from startifact.limits import MIB
from startifact.regions.aws import endpoint
from tests.conftest import AWS_REGIONS, AwsAccount, percent
from tests.faults.rules import copied_to, is_copy, when
from tests.support.limits import PART, SMALL_PARTS, Session, short_limits
from tests.support.server import put_parameter
from tests.support.wire import Answer, Forward, Request, Wire, error

MakeFile = Callable[..., Path]

US, EU, AP = AWS_REGIONS
LIMITS = short_limits(
    part_bytes=PART, copy_bytes=MIB, copy_wait_seconds=10.0, idle_timeout_seconds=20.0
)
OWNER = "123456789012"
KEYS = {region: f"arn:aws:kms:{region}:{OWNER}:alias/artifacts" for region in AWS_REGIONS}
TAGS = {"team": "build", "cost centre": "R+D"}
OF_ARTIFACTS = {
    "x-amz-storage-class": "STANDARD_IA",
    "x-amz-tagging": "team=build&cost%20centre=R%2BD",
    "x-amz-object-lock-mode": "GOVERNANCE",
}
ALL = {
    "kms_key": KEYS,
    "bucket_owner": OWNER,
    "storage_class": "STANDARD_IA",
    "object_tags": TAGS,
    "object_lock_mode": "GOVERNANCE",
    "object_lock_days": 30,
}


@pytest.fixture
def configure(account: AwsAccount) -> Callable[..., None]:
    """Return a function that adds to the organisation configuration of every region."""

    def add(**more: object) -> None:
        for region in AWS_REGIONS:
            text = account.ssm(region).get_parameter(Name=account.parameter)["Parameter"]["Value"]
            account.configure(region, json.dumps(json.loads(text) | more))

    return add


@pytest.fixture
def locks(account: AwsAccount) -> None:
    """Let the buckets of all regions be ones that have Object Lock."""
    for region in AWS_REGIONS:
        name = f"locked-{account.unique}-{region}"
        where = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        account.s3(region).create_bucket(
            Bucket=name, ObjectLockEnabledForBucket=True, **({} if region == US else where)
        )
        put_parameter(region, account.bucket_parameter, name)
        account.buckets[region] = name


def stores(request: Request) -> bool:
    """Say whether *request* says what an object is to have: the others only send its bytes."""
    whole = request.method == "PUT" and "partNumber" not in request.query
    return whole or (request.method == "POST" and "uploads" in request.query)


def s3_requests(wire: Wire) -> list[Request]:
    return [request for request in wire.requests() if request.service == "s3"]


def of_artifacts(request: Request) -> dict[str, str]:
    """Return what *request* says that only artifacts are to have."""
    names = [*OF_ARTIFACTS, "x-amz-object-lock-retain-until-date"]
    return {name: request.headers[name] for name in names if name in request.headers}


@pytest.mark.usefixtures("locks")
def test_every_request(
    account: AwsAccount, wire: Wire, configure: Callable[..., None], make_file: MakeFile
) -> None:
    """The owner is in all, the key where something is stored, and the rest where an artifact is."""
    configure(**ALL)
    session = Session(regions=AWS_REGIONS, limits=SMALL_PARTS)

    session.stage("SugarWater", "1.0.0", make_file())
    session.stage("SugarWater", "1.1.0", make_file(os.urandom(PART + 1)))
    session.promote("SugarWater", "1.0.0", "prod")
    session.yank("SugarWater", "1.1.0", reason="it loses orders")
    assert session.verify("SugarWater")
    session.get("SugarWater", "prod").downloader.download(make_file(b""))

    requests = s3_requests(wire)
    assert {r.headers.get("x-amz-expected-bucket-owner") for r in requests} == {OWNER}
    assert {"GET", "HEAD", "PUT", "POST"} <= {r.method for r in requests}
    for request in filter(stores, requests):
        assert request.headers["x-amz-server-side-encryption"] == "aws:kms"
        assert (
            request.headers["x-amz-server-side-encryption-aws-kms-key-id"] == KEYS[request.region]
        )
        found = of_artifacts(request)
        until = found.pop("x-amz-object-lock-retain-until-date", "")
        assert found == (OF_ARTIFACTS if "@" in request.path else {})
        if until:
            days = datetime.fromisoformat(until) - datetime.now(UTC)
            assert timedelta(days=29, hours=23) < days < timedelta(days=30, minutes=1)
    assert not any(of_artifacts(r) or "aws:kms" in r.headers.values() for r in requests
                   if not stores(r))  # fmt: skip
    for path in ("SugarWater@1.0.0", "SugarWater@1.1.0", "SugarWater/latest", "SugarWater/prod"):
        assert [r for r in requests if r.path.endswith(path) and stores(r)]


@pytest.mark.usefixtures("locks")
def test_same_content_with_other_options(
    account: AwsAccount, configure: Callable[..., None], make_file: MakeFile
) -> None:
    """A version that was stored with other options is the same version, and stays as it is."""
    Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", make_file())
    configure(**ALL)

    staging = Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", make_file())

    assert not staging.created
    head = account.s3().head_object(Bucket=account.buckets[US], Key="team/SugarWater@1.0.0")
    assert "SSEKMSKeyId" not in head


def with_other_etags(request: Request, forward: Forward) -> Answer | None:
    """Give objects ETags that are not the MD5 of their bytes, as S3 does with a key in KMS."""
    if request.service != "s3":
        return forward()
    sent = dict(request.headers)
    if "if-match" in sent:
        sent["if-match"] = sent["if-match"][::-1]
    answer = forward(replace(request, headers=sent))
    turned = {k: v[::-1] if k.lower() == "etag" else v for k, v in answer.headers.items()}
    return replace(answer, headers=turned)


def test_etags(wire: Wire, configure: Callable[..., None], make_file: MakeFile) -> None:
    """The ETag of what a key in KMS encrypts is not the MD5 of its bytes, and is taken for none."""
    configure(kms_key="alias/x")
    wire.add(with_other_etags)
    session = Session(regions=AWS_REGIONS)
    session.stage("SugarWater", "1.0.0", make_file())
    session.stage("SugarWater", "1.1.0", make_file(b"x"))
    Session(regions=[US]).stage("SugarWater", "1.0.1", make_file(b"filled"))

    session.promote("SugarWater", "1.0.0", "prod")
    session.promote("SugarWater", "1.1.0", "prod")
    assert session.repair("SugarWater", read_data=True)
    assert session.verify("SugarWater", read_data=True)

    artifact = session.get("SugarWater", "1.0.1")
    assert artifact.downloader.download(make_file(b"old")).read_bytes() == b"filled"
    assert session.get("SugarWater", "prod").version == "1.1.0"


@pytest.mark.usefixtures("locks")
def test_removal(wire: Wire, configure: Callable[..., None], make_file: MakeFile) -> None:
    """A tombstone is encrypted, and is neither locked nor tagged as artifacts are."""
    configure(**ALL)
    session = Session(regions=AWS_REGIONS)
    for version in ("1.0.0", "1.1.0"):
        session.stage("SugarWater", version, make_file())
    before = len(wire.requests())

    for _ in range(2):
        session.prune("SugarWater", keep_versions=1, grace="0d", yes=True)

    written = [r for r in wire.requests()[before:] if stores(r) and r.service == "s3"]
    tombstones = [r for r in written if r.path.endswith("SugarWater@1.0.0")]
    assert len(tombstones) == 3
    assert not any(map(of_artifacts, written))
    assert {r.headers["x-amz-server-side-encryption"] for r in written} == {"aws:kms"}


@pytest.mark.usefixtures("is_aws")
def test_copies(
    account: AwsAccount, wire: Wire, configure: Callable[..., None], make_file: MakeFile
) -> None:
    """A copy has the key of where it goes, and both buckets' owners are named."""
    owners = {US: "1" * 12, EU: "2" * 12, AP: "3" * 12}
    configure(**ALL | {"bucket_owner": owners})

    Session(regions=AWS_REGIONS, limits=LIMITS).stage(
        "SugarWater", "1.0.0", make_file(os.urandom(PART + 1))
    )

    copies = [r for r in wire.requests() if is_copy(r)]
    buckets = {bucket: region for region, bucket in account.buckets.items()}
    assert len(copied_to(wire)) == 2
    for copy in copies:
        origin = buckets[copy.headers["x-amz-copy-source"].lstrip("/").split("/")[0]]
        assert copy.headers["x-amz-source-expected-bucket-owner"] == owners[origin]
        assert copy.headers["x-amz-expected-bucket-owner"] == owners[copy.region]
    begun = [r for r in wire.requests() if r.method == "POST" and "uploads" in r.query]
    assert len(begun) == 3
    for request in begun:
        assert OF_ARTIFACTS.items() <= of_artifacts(request).items()
        key = request.headers["x-amz-server-side-encryption-aws-kms-key-id"]
        assert key == KEYS[request.region]


@pytest.fixture
def is_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server stand for Amazon S3."""
    monkeypatch.setattr(endpoint, "AWS_HOST", re.compile(""))


@pytest.mark.usefixtures("locks")
def test_spelled(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """The spelling of a bucket says the same."""
    spec = (
        f"s3://{account.buckets[US]}?region={US}&endpoint={percent(wire.endpoint)}&kms-key=alias/x"
        f"&bucket-owner={OWNER}&storage-class=STANDARD_IA&object-lock-mode=GOVERNANCE"
        f"&object-lock-days=1&object-tags={percent(OF_ARTIFACTS['x-amz-tagging'])}"
    )

    Session(regions=[spec]).stage("SugarWater", "1.0.0", make_file())

    (put,) = [r for r in s3_requests(wire) if r.method == "PUT" and "@" in r.path]
    assert OF_ARTIFACTS.items() <= put.headers.items()
    assert put.headers["x-amz-server-side-encryption-aws-kms-key-id"] == "alias/x"
    assert {r.headers.get("x-amz-expected-bucket-owner") for r in s3_requests(wire)} == {OWNER}


@pytest.mark.tries_stores
def test_trial(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """A store that is tried is asked for what artifacts get, and locks it for an hour only."""
    spec = (
        f"s3://{account.buckets[US]}?region={US}&endpoint={percent(wire.endpoint)}"
        f"&bucket-owner={OWNER}&kms-key=alias/x&storage-class=STANDARD_IA"
        f"&object-lock-mode=GOVERNANCE&object-lock-days=9&object-tags=team%3Dbuild"
    )
    wire.add(
        when(
            lambda r: "x-amz-tagging" in r.headers,
            lambda r, f: error(501, "NotImplemented", "A header you provided is not implemented"),
        )
    )

    with pytest.raises(StartifactError, match="refuses x-amz-tagging of"):
        Session(regions=[spec]).stage("SugarWater", "1.0.0", make_file())

    tried = next(r for r in s3_requests(wire) if "x-amz-tagging" in r.headers)
    assert "/_probe/" in tried.path
    assert tried.headers["x-amz-storage-class"] == "STANDARD_IA"
    assert tried.headers["x-amz-server-side-encryption"] == "aws:kms"
    until = datetime.fromisoformat(tried.headers["x-amz-object-lock-retain-until-date"])
    assert timedelta(0) < until - datetime.now(UTC) <= timedelta(hours=1)


def test_another_owner(wire: Wire, configure: Callable[..., None], make_file: MakeFile) -> None:
    """S3 denies without a reason: that the bucket may be another account's is in the hint."""
    configure(bucket_owner=OWNER)
    wire.add(
        when(lambda r: r.service == "s3", lambda r, f: error(403, "AccessDenied", "Access Denied"))
    )

    with pytest.raises(StartifactError) as caught:
        Session(regions=[US]).get("SugarWater", "1.0.0")

    assert caught.value.exit_code == 6
    assert f"not of the account {OWNER}, which bucket_owner" in str(caught.value.hint)


def test_no_object_lock(wire: Wire, configure: Callable[..., None], make_file: MakeFile) -> None:
    """A bucket that has no Object Lock refuses to retain, and the hint says what to switch on."""
    configure(object_lock_mode="COMPLIANCE", object_lock_days=1)

    with pytest.raises(StartifactError) as caught:
        Session(regions=[US]).stage("SugarWater", "1.0.0", make_file())

    assert caught.value.exit_code == 10
    assert "Switch Object Lock on in the bucket" in str(caught.value.hint)
    assert wire.requests()


def test_locked(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """What Object Lock refuses is refused for good, in the service's words: no policy helps."""
    session = Session(regions=AWS_REGIONS)
    session.stage("SugarWater", "1.0.0", make_file())
    for region, bucket in account.buckets.items():
        if region != US:
            account.s3(region).delete_object(Bucket=bucket, Key="team/SugarWater@1.0.0")
    said = "Access Denied because object protected by object lock."
    wire.add(
        when(
            lambda r: r.method == "DELETE" and r.path.endswith("SugarWater@1.0.0"),
            lambda r, f: error(403, "AccessDenied", said),
        )
    )
    Session(regions=[EU, AP]).stage("SugarWater", "1.0.0", make_file(b"other"))

    digest = hashlib.sha256(b"other").hexdigest()
    refusal = session.repair("SugarWater", "1.0.0", keep=f"sha256:{digest}").failures[US]

    assert refusal.exit_code == 10
    assert said in refusal.message
    assert "Wait until the retention ends" in str(refusal.hint)


def test_endpoint_of_a_region(
    account: AwsAccount,
    wire: Wire,
    monkeypatch: pytest.MonkeyPatch,
    configure: Callable[..., None],
    make_file: MakeFile,
) -> None:
    """A region's endpoint gets the requests to its bucket, and those of no other region."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.endpoint)
    configure(endpoint={EU: wire.endpoint})

    Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", make_file())

    assert {(r.service, r.region) for r in wire.requests()} == {("s3", EU)}


@pytest.mark.parametrize("name", ["use_fips", "use_dualstack"])
def test_form_that_an_endpoint_lacks(wire: Wire, configure: Callable[..., None], name: str) -> None:
    """Where the environment names an endpoint, what is configured of AWS's is not passed over."""
    configure(**{name: True})

    with pytest.raises(StartifactError, match=f"{name} is configured for S3, and") as caught:
        Session(regions=[US]).get("SugarWater", "1.0.0")

    assert caught.value.exit_code == 2
    assert s3_requests(wire) == []


class _Proxy(BaseHTTPRequestHandler):
    asked: set[str]

    def do_CONNECT(self) -> None:  # the name that the standard library calls
        self.asked.add(self.path)
        self.send_error(407)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Return the hosts that a proxy, which refuses them, was asked for."""
    hosts: set[str] = set()
    handler = type("Handler", (_Proxy,), {"asked": hosts})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    ).start()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.server_port}")
    yield hosts
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("environment", "spec", "host"),
    [
        ({}, "s3://b-u?region=us-gov-west-1", "s3.us-gov-west-1.amazonaws.com"),
        ({}, "s3://b-u?region=cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
        (
            {},
            "s3://b-u?region=us-gov-west-1&use-fips=true&use-dualstack=true",
            "s3-fips.dualstack.us-gov-west-1.amazonaws.com",
        ),
        ({}, "s3://b-u?region=cn-north-1&use-dualstack=true", "s3.dualstack.cn-north-1"),
        (
            {"AWS_USE_FIPS_ENDPOINT": "true"},
            "s3://b-u?region=us-east-1",
            "s3-fips.us-east-1.amazonaws.com",
        ),
        (
            {"AWS_USE_FIPS_ENDPOINT": "true"},
            "s3://b-u?region=us-east-2&use-fips=false",
            "s3.us-east-2.amazonaws.com",
        ),
        (
            {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
            "s3://b-u?region=eu-west-1",
            "s3.dualstack.eu-west-1.amazonaws.com",
        ),
    ],
)
def test_hosts(
    asked: set[str],
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    spec: str,
    host: str,
) -> None:
    """Requests go to the host of the partition, and to that of FIPS or of IPv6 where it is said."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(StartifactError, match="407"):
        PlainSession(regions=[spec]).get("SugarWater", "1.0.0")

    (found,) = asked
    assert found.startswith(f"b-u.{host}")
