"""A store other than AWS is trusted with writes only once it has shown that it honours conditions.

Case 26 of the threat list: rclone's server accepts the headers and overwrites all the same.
"""

import dataclasses
import hashlib
import logging
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from startifact import errors
from startifact.limits import MIB
from startifact.model.keys import Key
from startifact.regions.aws import endpoint
from tests.conftest import AwsAccount, percent
from tests.contract.conftest import opened, stored
from tests.support.limits import Session, short_limits
from tests.support.stores import STORES, Lack, endpoint_of, find, make_bucket, serve_rclone
from tests.support.wire import Answer, Forward, Request, Wire, error

pytestmark = pytest.mark.tries_stores

MakeFile = Callable[..., Path]

# Real stores are slow on a busy machine, and a copy that is not waited for is not looked at.
WAITS_LONG = short_limits(copy_bytes=MIB, copy_wait_seconds=60.0, idle_timeout_seconds=90.0)


@pytest.fixture
def rclone(tmp_path: Path) -> Iterator[str]:
    """Return the spelling of a bucket on a store that ignores conditions."""
    if find("rclone") is None:
        pytest.skip("rclone is not installed")
    folder = tmp_path / "rclone"
    folder.mkdir()
    with serve_rclone(folder) as spec:
        yield spec


def test_case_26_a_store_that_ignores_conditions(
    rclone: str, make_file: MakeFile, tmp_path: Path
) -> None:
    """Nothing is staged to a store that overwrites what it was asked to keep."""
    session = Session(regions=[rclone])

    with pytest.raises(errors.StartifactError) as caught:
        session.stage("SugarWater", "1.0.0", make_file())

    assert caught.value.exit_code == 2
    assert "does not honour conditions" in caught.value.message
    both = (
        "overwrites an object with PutObject and If-None-Match: *, and it replaces an object "
        "whose ETag is not the one in If-Match"
    )
    assert both in caught.value.message
    stored = [p for p in (tmp_path / "rclone").rglob("*") if p.is_file()]
    assert stored == []


@pytest.mark.parametrize("name", STORES)
def test_a_store_that_honours_conditions(
    served: Callable[[str], str], make_file: MakeFile, tmp_path: Path, name: str
) -> None:
    """A real store that honours conditions is staged to and read from."""
    content = bytes(range(256)) * 40_000
    session = Session(regions=[served(name).replace("?", f"/{uuid4().hex}?")])

    staging = session.stage("SugarWater", "1.0.0", make_file(content), metadata={"a": "b"})
    again = session.stage("SugarWater", "1.0.0", make_file(content), metadata={"a": "b"})
    path = session.get("SugarWater").downloader.download(tmp_path / "back")

    assert staging.created
    assert not again.created
    assert path.read_bytes() == content
    assert session.verify("SugarWater", read_data=True)


@pytest.mark.parametrize("name", STORES)
def test_a_link_of_a_store(served: Callable[[str], str], make_file: MakeFile, name: str) -> None:
    """A real store takes the signature of a link in the place of credentials, and no other one."""
    spec = served(name).replace("?", f"/{uuid4().hex}?")
    with Session(regions=[spec]) as session:
        session.stage("SugarWater", "1.0.0", make_file(b"sugar"), save_filename=True)
        link = session.link("SugarWater", expires="5m")

    with urllib.request.urlopen(link.url, timeout=30) as answer:  # of loopback
        assert answer.read() == b"sugar"
        assert "dist.tar.gz" in answer.headers["Content-Disposition"]
    other = link.url.replace("X-Amz-Expires=300", "X-Amz-Expires=3000")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(other, timeout=30)


@pytest.mark.parametrize("name", STORES)
def test_a_store_that_is_asked_to_copy(
    served: Callable[[str], str],
    make_file: MakeFile,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """A real store copies as Amazon S3 would, or is sent the file: both end with its bytes."""
    monkeypatch.setattr(endpoint, "AWS_HOST", re.compile(""))
    content, project = os.urandom(17 * MIB), f"P{uuid4().hex}"
    spec = served(name)
    other = make_bucket(endpoint_of(spec), f"copies-{project.lower()}")
    session = Session(regions=[spec, other], limits=WAITS_LONG)

    with caplog.at_level(logging.INFO):
        session.stage(project, "1.0.0", make_file(content))

    assert "copies" in caplog.text
    assert ("as it was not copied" in caplog.text) == (name != "seaweedfs")
    for region in (spec, other):
        path = Session(regions=[region]).get(project).downloader.download(tmp_path / "back")
        assert path.read_bytes() == content
    assert session.verify(project, read_data=True)


@pytest.mark.parametrize(
    "name", [name for name in STORES if Lack.CONDITIONAL_DELETE in STORES[name].lacks]
)
def test_a_store_that_deletes_what_it_was_asked_to_keep(
    served: Callable[[str], str], make_file: MakeFile, tmp_path: Path, name: str
) -> None:
    """Nothing is deleted in a store that ignores the condition: it is refused, with the reason."""
    spec = served(name).replace("?", f"/{uuid4().hex}?")
    right, other = make_file(b"right"), f"file:{tmp_path / 'other'}"
    Session(regions=[other]).stage("SugarWater", "1.0.0", right)
    Session(regions=[spec]).stage("SugarWater", "1.0.0", make_file(b"wrong"))
    digest = hashlib.sha256(b"right").hexdigest()

    region, key = opened(spec), Key("SugarWater@1.0.0")
    description = region.describe(key)
    assert description is not None

    for token in ('"another"', description.token):  # also where the condition would hold
        with pytest.raises(errors.ConfigurationError, match="DeleteObject"):
            region.delete(key, dataclasses.replace(description, token=token))
    repair = Session(regions=[spec, other]).repair("SugarWater", "1.0.0", keep=f"sha256:{digest}")

    assert isinstance(repair.failures[spec], errors.ConfigurationError)
    assert "DeleteObject and If-Match" in repair.failures[spec].message
    assert stored(region, key) == b"wrong"


@pytest.mark.parametrize(
    "name", [name for name in STORES if Lack.CONDITIONAL_DELETE not in STORES[name].lacks]
)
def test_a_store_that_keeps_what_it_was_asked_to_keep(
    served: Callable[[str], str], name: str
) -> None:
    """All other stores pass what is tried before a deletion."""
    region = opened(served(name).replace("?", f"/{uuid4().hex}?"))

    region.preflight_deletion("SugarWater")


def probe_writes(wire: Wire) -> list[Request]:
    """Return the requests to the probe's key."""
    return [r for r in wire.requests() if "/_probe/" in r.path and r.method != "GET"]


@pytest.mark.parametrize(
    ("ignored", "said"),
    [
        ("put", "overwrites an object with PutObject"),
        ("complete", "overwrites an object with CompleteMultipartUpload"),
        ("replace", "replaces an object whose ETag is not the one"),
    ],
)
def test_each_condition_is_tried(
    account: AwsAccount, wire: Wire, make_file: MakeFile, ignored: str, said: str
) -> None:
    """A store that ignores one of the conditions is refused, and the error names the condition."""
    bucket = account.buckets["us-east-1"]
    spec = f"s3://{bucket}?region=us-east-1&endpoint={percent(wire.endpoint)}"

    def ignore(request: Request, forward: Forward) -> Answer | None:
        completes = request.method == "POST" and "uploadId" in request.query
        kind = "complete" if completes else "put" if "if-none-match" in request.headers else ""
        if "if-match" in request.headers and request.method == "PUT":
            kind = "replace"
        answer = forward()
        if kind == ignored and answer.status == 412:
            body = b"<CompleteMultipartUploadResult/>" if completes else b""
            return Answer(200, body, {"ETag": '"x"'})
        return answer

    wire.add(ignore)

    with pytest.raises(errors.StartifactError) as caught:
        Session(regions=[spec]).stage("SugarWater", "1.0.0", make_file())

    assert said in caught.value.message
    assert account.keys("us-east-1") == []


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ("if-none-match", "PutObject and If-None-Match"),
        ("if-match", "PutObject and If-Match"),
    ],
)
def test_a_store_that_does_not_know_conditions(
    account: AwsAccount, wire: Wire, make_file: MakeFile, condition: str, what: str
) -> None:
    """A store that answers that it implements no conditions is refused, with the reason."""
    bucket = account.buckets["us-east-1"]
    spec = f"s3://{bucket}?region=us-east-1&endpoint={percent(wire.endpoint)}"
    wire.add(
        lambda request, forward: (
            error(501, "NotImplemented")
            if request.method == "PUT" and condition in request.headers
            else forward()
        )
    )

    with pytest.raises(errors.StartifactError) as caught:
        Session(regions=[spec]).stage("SugarWater", "1.0.0", make_file())

    assert caught.value.exit_code == 2
    assert "does not honour conditions" in caught.value.message
    assert f"does not know {what}" in caught.value.message
    assert account.keys("us-east-1") == []


def test_conflict_in_the_probe(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """That another operation was under way says nothing about the store: it is asked again."""
    bucket = account.buckets["us-east-1"]
    spec = f"s3://{bucket}?region=us-east-1&endpoint={percent(wire.endpoint)}"
    conflicts = [("PUT", "if-none-match"), ("POST", "if-none-match"), ("PUT", "if-match")]

    def conflict(request: Request, forward: Forward) -> Answer | None:
        for method, condition in conflicts:
            if request.method == method and condition in request.headers:
                conflicts.remove((method, condition))
                return error(409, "ConditionalRequestConflict")
        return forward()

    wire.add(conflict)

    staging = Session(regions=[spec]).stage("SugarWater", "1.0.0", make_file())

    assert staging.created
    assert conflicts == []
    assert not account.s3().list_multipart_uploads(Bucket=bucket).get("Uploads")


def test_the_probe_is_made_once_a_session(
    account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """A session asks a store once, and never asks when it only reads."""
    bucket = account.buckets["us-east-1"]
    spec = f"s3://{bucket}?region=us-east-1&endpoint={percent(wire.endpoint)}"
    session = Session(regions=[spec])
    session.stage("SugarWater", "1.0.0", make_file())
    first = len(probe_writes(wire))

    session.stage("SugarWater", "1.0.1", make_file())
    Session(regions=[spec]).get("SugarWater")

    assert first > 0
    assert len(probe_writes(wire)) == first


def test_a_store_that_refuses_the_probe(
    account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """A store that does not let the probe be written is not trusted, and says why."""
    bucket = account.buckets["us-east-1"]
    spec = f"s3://{bucket}?region=us-east-1&endpoint={percent(wire.endpoint)}"

    def refuse(request: Request, forward: Forward) -> Answer | None:
        if "/_probe/" in request.path:
            return dataclasses.replace(error(403, "AccessDenied"))
        return forward()

    wire.add(refuse)

    with pytest.raises(errors.StartifactError) as caught:
        Session(regions=[spec]).stage("SugarWater", "1.0.0", make_file())

    assert caught.value.exit_code == 6
    assert "s3:PutObject" in caught.value.message


def uploads(account: AwsAccount) -> list[str]:
    """Return the uploads that were neither completed nor aborted."""
    answer = account.s3().list_multipart_uploads(Bucket=account.buckets["us-east-1"])
    return [upload["Key"] for upload in answer.get("Uploads", [])]


@pytest.mark.parametrize("asked", ["PUT", "POST"])
def test_a_probe_that_fails_is_taken_back(
    account: AwsAccount, wire: Wire, make_file: MakeFile, asked: str
) -> None:
    """Where an answer to the probe lacks what it needs, or does not come, its upload is aborted."""
    bucket = account.buckets["us-east-1"]
    spec = f"s3://{bucket}?region=us-east-1&endpoint={percent(wire.endpoint)}"

    def fail(request: Request, forward: Forward) -> Answer | None:
        if request.method == asked and "uploadId" in request.query:
            return Answer(200) if asked == "PUT" else None
        return forward()

    wire.add(fail)

    with pytest.raises(errors.StartifactError) as caught:
        Session(regions=[spec]).stage("SugarWater", "1.0.0", make_file())

    assert caught.value.exit_code == 5
    assert uploads(account) == []
