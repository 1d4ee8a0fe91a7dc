"""A link brings the bytes to whoever has no credentials, and promises no more than it does."""

import json
import logging
import pickle
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from startifact.errors import (
    AccessDeniedError,
    ArchivedError,
    InputError,
    IntegrityError,
    NotFoundError,
    RemovedError,
    SeveralRegionsError,
)
from tests.conftest import AWS_REGIONS, AwsAccount, percent
from tests.faults.refusals import denied
from tests.faults.rules import answering, when
from tests.faults.test_wrong_region import redirecting
from tests.support.limits import Session
from tests.support.wire import Answer, Forward, Request, Wire, error

MakeFile = Callable[..., Path]

US, EU, AP = AWS_REGIONS
CONTENT = b"sugar and water\n"


def stage(regions: Sequence[str], make_file: MakeFile, *, save_filename: bool = False) -> None:
    with Session(regions=regions) as session:
        session.stage("SugarWater", "1.0.0", make_file(CONTENT), save_filename=save_filename)


def got(url: str) -> tuple[bytes, dict[str, str]]:
    """Return what comes for *url* alone, and its headers in small letters."""
    with urllib.request.urlopen(url, timeout=30) as answer:  # of loopback
        return answer.read(), {name.lower(): value for name, value in answer.headers.items()}


def query(url: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


@pytest.fixture
def staged(account: AwsAccount, make_file: MakeFile) -> AwsAccount:
    stage(AWS_REGIONS, make_file, save_filename=True)
    return account


@pytest.fixture
def expiring(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], datetime]:
    """Return what gives the process temporary credentials that end after a time."""

    def give(length: timedelta) -> datetime:
        end = (datetime.now(UTC) + length).replace(microsecond=0)
        monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
        monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", end.isoformat())
        return end

    return give


@pytest.fixture
def unknown_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the process temporary credentials of which nobody says when they end."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")


@pytest.mark.parametrize("selector", ["1.0.0", "latest", "^1"])
def test_bytes(staged: AwsAccount, selector: str) -> None:
    """Whoever has the link, and nothing else, gets exactly the bytes that were staged."""
    with Session() as session:
        link = session.link("SugarWater", selector)

    data, headers = got(link.url)

    assert data == CONTENT
    assert headers["content-disposition"] == (
        "attachment; filename=\"dist.tar.gz\"; filename*=UTF-8''dist.tar.gz"
    )
    assert link.artifact.sha256
    assert link.location.region == US
    assert link.object_version is None
    assert not link.may_end_sooner


def test_signature(staged: AwsAccount) -> None:
    """It is of version 4, for the region, for one header that everybody sends, for an hour."""
    now = datetime.now(UTC)
    with Session() as session:
        link = session.link("SugarWater")

    said = query(link.url)

    assert said["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert said["X-Amz-Credential"].split("/")[2:] == ["us-east-1", "s3", "aws4_request"]
    assert said["X-Amz-SignedHeaders"] == "host"
    assert said["X-Amz-Expires"] == "3600"
    assert timedelta(0) <= link.expires_at - now.replace(microsecond=0) - timedelta(hours=1)
    assert link.expires_at - now <= timedelta(hours=1, minutes=1)


def test_versions_of_objects(account: AwsAccount, make_file: MakeFile) -> None:
    """It leads to the version that was there when it was made, whatever takes its place."""
    s3, bucket = account.s3(US), account.buckets[US]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    stage(AWS_REGIONS, make_file)
    with Session() as session:
        link = session.link("SugarWater", "1.0.0")
    s3.put_object(Bucket=bucket, Key="team/SugarWater@1.0.0", Body=b"something else")

    data, headers = got(link.url)

    assert data == CONTENT
    assert "filename" not in headers["content-disposition"]
    assert query(link.url)["versionId"] == link.object_version == headers["x-amz-version-id"]


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("zucker und wasser.zip", "zucker%20und%20wasser.zip"),
        ("süß & 100%.zip", "s%C3%BC%C3%9F%20%26%20100%25.zip"),
    ],
)
def test_names_of_files(account: AwsAccount, make_file: MakeFile, name: str, header: str) -> None:
    """A browser saves it under the stored name, in whatever alphabet."""
    with Session() as session:
        session.stage("SugarWater", "1.0.0", make_file(CONTENT, name), save_filename=True)
        link = session.link("SugarWater")

    disposition = query(link.url)["response-content-disposition"]

    assert disposition.endswith(f"; filename*=UTF-8''{header}")
    assert disposition.isascii()
    assert got(link.url)[0] == CONTENT


def test_unsafe_name(account: AwsAccount, make_file: MakeFile) -> None:
    """What somebody else has stored as a name, and is more than one, is no part of the link."""
    stage([US], make_file, save_filename=True)
    s3, where = account.s3(US), {"Bucket": account.buckets[US], "Key": "team/SugarWater@1.0.0"}
    record = json.loads(s3.head_object(**where)["Metadata"]["startifact"])
    record["startifact:filename"] = '../x"; filename=evil.exe'
    s3.put_object(**where, Body=CONTENT, Metadata={"startifact": json.dumps(record)})

    with Session(regions=[US]) as session:
        link = session.link("SugarWater", "1.0.0")

    assert query(link.url)["response-content-disposition"] == "attachment"


@pytest.mark.parametrize("given", ["0s", "8d", "604801s", "soon", "1.5h", timedelta(days=8)])
def test_lengths_that_are_refused(staged: AwsAccount, given: str | timedelta) -> None:
    """S3 takes no signature that lasts longer than seven days, nor one that lasts no time."""
    with Session() as session, pytest.raises(InputError) as caught:
        session.link("SugarWater", expires=given)

    assert "length of time" in str(caught.value)


@pytest.mark.parametrize(("given", "seconds"), [("7d", 604800), ("1s", 1), ("90m", 5400)])
def test_lengths(staged: AwsAccount, given: str, seconds: int) -> None:
    """Credentials without an end sign for as long as S3 takes it."""
    with Session() as session:
        link = session.link("SugarWater", expires=given)

    assert query(link.url)["X-Amz-Expires"] == str(seconds)


def test_longer_than_credentials(
    staged: AwsAccount, expiring: Callable[[timedelta], datetime]
) -> None:
    """Nothing is promised that ends before: until when they live is said, and what to ask for."""
    end = expiring(timedelta(minutes=30))

    with Session() as session, pytest.raises(InputError) as caught:
        session.link("SugarWater", expires="31m")

    assert "a link for 31m is asked for" in caught.value.message
    assert f"end at {end.strftime('%Y-%m-%dT%H:%M:%SZ')}, 29m 5" in caught.value.message
    assert "Set expires='29m' or less" in str(caught.value.hint)
    assert "Sign in anew" in str(caught.value.hint)


def test_as_long_as_credentials(
    staged: AwsAccount, expiring: Callable[[timedelta], datetime]
) -> None:
    """Where nobody says how long, it ends with them."""
    end = expiring(timedelta(minutes=30))

    with Session() as session:
        link = session.link("SugarWater")
        shorter = session.link("SugarWater", expires="20m")

    assert timedelta(0) <= end - link.expires_at <= timedelta(seconds=2)
    assert not link.may_end_sooner
    assert query(shorter.url)["X-Amz-Expires"] == "1200"
    assert query(link.url)["X-Amz-Security-Token"] == "token"


@pytest.mark.usefixtures("unknown_end")
def test_credentials_of_unknown_end(staged: AwsAccount, caplog: pytest.LogCaptureFixture) -> None:
    """Temporary ones that end nobody knows when sign for an hour at most, with a warning."""
    with Session() as session:
        link = session.link("SugarWater", expires="1h")
        with pytest.raises(InputError) as caught:
            session.link("SugarWater", expires="61m")

    assert link.may_end_sooner
    assert "may end sooner than it says" in caplog.text
    assert "no more than 1h may be asked for" in caught.value.message
    assert "Set expires='60m' or less, or AWS_CREDENTIAL_EXPIRATION" in str(caught.value.hint)


def test_credentials_that_are_about_to_end(
    staged: AwsAccount, expiring: Callable[[timedelta], datetime]
) -> None:
    """A link that has ended before somebody uses it is not made without being asked for."""
    expiring(timedelta(seconds=40))

    with Session() as session:
        with pytest.raises(InputError) as caught:
            session.link("SugarWater")
        link = session.link("SugarWater", expires="10s")

    assert "a link is asked for" in caught.value.message
    assert str(caught.value.hint).startswith("Sign in anew")
    assert query(link.url)["X-Amz-Expires"] == "10"


def test_directories(directories: list[str], make_file: MakeFile) -> None:
    """A directory has no links, and that is said."""
    stage(directories, make_file)

    with Session(regions=directories) as session, pytest.raises(InputError) as caught:
        session.link("SugarWater")

    assert "there is no link to SugarWater@1.0.0 in file://" in caught.value.message
    assert "only a bucket has them" in caught.value.message


def test_directory_beside_buckets(
    account: AwsAccount, directories: list[str], make_file: MakeFile
) -> None:
    """The first region that can sign one does."""
    regions = [directories[0], EU, US]
    stage(regions, make_file)

    with Session(regions=regions) as session:
        link = session.link("SugarWater")

    assert link.location.region == EU
    assert got(link.url)[0] == CONTENT


def test_region_that_is_down(staged: AwsAccount, wire: Wire) -> None:
    """Another one that holds the artifact signs."""
    wire.add(when(lambda r: r.region == US, answering(error(503, "SlowDown"))))

    with Session(regions=AWS_REGIONS) as session:
        link = session.link("SugarWater", "1.0.0")

    assert link.location.region == EU


def test_what_may_not_be_read(
    account: AwsAccount, wire: Wire, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A link that S3 would refuse is not made: another region signs, or the permission is named."""
    for region in AWS_REGIONS:
        account.s3(region).put_bucket_versioning(
            Bucket=account.buckets[region], VersioningConfiguration={"Status": "Enabled"}
        )
    stage(AWS_REGIONS, make_file)
    wire.add(when(lambda r: r.region == US and "versionId" in r.query, denied(None)))

    with Session(regions=AWS_REGIONS) as session:
        link = session.link("SugarWater", "1.0.0")
    with Session(regions=[US]) as session, pytest.raises(AccessDeniedError) as caught:
        session.link("SugarWater", "1.0.0")

    assert link.location.region == EU
    assert "us-east-1 refused s3:GetObjectVersion" in caplog.text
    assert "s3:GetObjectVersion" in str(caught.value.hint)


def test_replaced_meanwhile(staged: AwsAccount, wire: Wire) -> None:
    """Other bytes than those that were resolved get no link."""
    wire.add(when(lambda r: "if-match" in r.headers, answering(error(412, "PreconditionFailed"))))

    with Session(regions=[US]) as session, pytest.raises(IntegrityError, match="was replaced"):
        session.link("SugarWater", "1.0.0")


def test_archived(staged: AwsAccount, wire: Wire) -> None:
    """An archived copy is passed over, and where all are archived that is said."""

    def archived(request: Request, forward: Forward) -> Answer | None:
        answer = forward()
        return replace(answer, headers={**answer.headers, "x-amz-storage-class": "GLACIER"})

    wire.add(when(lambda r: r.method == "HEAD" and r.region != AP and "@" in r.path, archived))

    with Session(regions=AWS_REGIONS) as session:
        link = session.link("SugarWater", "1.0.0")
    with Session(regions=[US]) as session, pytest.raises(ArchivedError):
        session.link("SugarWater", "1.0.0")
    with Session(regions=[US, EU]) as session, pytest.raises(SeveralRegionsError) as caught:
        session.link("SugarWater", "1.0.0")

    assert link.location.region == AP
    assert caught.value.exit_code == 10
    assert "archived (GLACIER)" in caught.value.message


def test_empty(account: AwsAccount) -> None:
    """An artifact without a byte, which the first Startifact may have staged, has a link."""
    account.s3(US).put_object(Bucket=account.buckets[US], Key="team/SugarWater@1.0.0", Body=b"")

    with Session(regions=[US]) as session:
        link = session.link("SugarWater", "1.0.0")

    assert got(link.url)[0] == b""


def test_content_that_differs(staged: AwsAccount, account: AwsAccount, make_file: MakeFile) -> None:
    """It leads to what a majority holds, and where there is none there is no link."""
    with Session(regions=[EU]) as session:
        session.stage("Other", "1.0.0", make_file(b"other"))
    source = {"Bucket": account.buckets[EU], "Key": "team/Other@1.0.0"}
    head = account.s3(EU).head_object(**source)
    where = {"Bucket": account.buckets[US], "Key": "team/SugarWater@1.0.0"}
    account.s3(US).put_object(**where, Body=b"other", Metadata=head["Metadata"])

    with Session(regions=AWS_REGIONS) as session:
        link = session.link("SugarWater", "1.0.0")
    with Session(regions=[US, EU]) as session, pytest.raises(IntegrityError):
        session.link("SugarWater", "1.0.0")

    assert link.location.region == EU
    assert got(link.url)[0] == CONTENT


def test_what_there_is_not(staged: AwsAccount, make_file: MakeFile) -> None:
    """What was never staged, or was removed, has no link."""
    with Session() as session:
        session.stage("SugarWater", "2.0.0", make_file())
        for _ in range(2):
            session.prune("SugarWater", keep_versions=1, grace="0s", yes=True)

        with pytest.raises(RemovedError):
            session.link("SugarWater", "1.0.0")
        with pytest.raises(NotFoundError):
            session.link("SugarWater", "3.0.0")


def test_yanked(staged: AwsAccount, caplog: pytest.LogCaptureFixture) -> None:
    """Who asks for a yanked version by its number gets a link, and a warning."""
    with Session() as session:
        session.yank("SugarWater", "1.0.0", reason="it loses orders")
    caplog.clear()

    with Session() as session:
        link = session.link("SugarWater", "1.0.0")

    assert "it loses orders" in caplog.text
    assert link.artifact.yank is not None


def test_expected_owner(account: AwsAccount, make_file: MakeFile) -> None:
    """The owner is checked when the link is made; who follows it does not have to name one."""
    endpoint = percent(account.endpoint)
    spec = f"s3://{account.buckets[US]}/p?region=us-east-1&endpoint={endpoint}"
    spec += "&bucket-owner=123456789012"
    stage([spec], make_file)

    with Session(regions=[spec]) as session:
        link = session.link("SugarWater")

    assert query(link.url)["X-Amz-SignedHeaders"] == "host"
    assert got(link.url)[0] == CONTENT


def test_first_startifact(account: AwsAccount, caplog: pytest.LogCaptureFixture) -> None:
    """What has no digest has a link, and a warning that nothing can be verified."""
    bucket = account.buckets[US]
    account.s3(US).put_object(Bucket=bucket, Key="team/SugarWater@1.0.0", Body=CONTENT)

    with Session(regions=[US]) as session:
        link = session.link("SugarWater", "1.0.0")

    assert got(link.url)[0] == CONTENT
    assert "no digest was recorded to verify what the link delivers" in caplog.text


def test_secret(staged: AwsAccount, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing but its own attribute shows the link."""
    caplog.set_level(logging.DEBUG, "startifact")
    with Session() as session:
        link = session.link("SugarWater")

    text = f"{link!r} {link} {link.artifact!r} {caplog.text}"

    assert "Signature" not in text
    assert query(link.url)["X-Amz-Signature"] not in text
    assert pickle.loads(pickle.dumps(link)).url == link.url  # our own


def test_bucket_elsewhere(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """Where the spelling says no region, the link is signed for the one that the bucket is in."""
    bucket = account.buckets[EU]
    stage([f"s3://{bucket}/p"], make_file)
    wire.add(redirecting({bucket: EU}))

    with Session(regions=[f"s3://{bucket}/p"]) as session:
        link = session.link("SugarWater")

    assert query(link.url)["X-Amz-Credential"].split("/")[2] == EU
    assert got(link.url)[0] == CONTENT


def test_session_of_boto3(staged: AwsAccount) -> None:
    """The credentials are those of the session that a program has given, and so is their end."""
    given = boto3.Session("AKIAOTHEROTHEROTHERX", "secret", "token", region_name=US)

    with Session(boto3_session=given) as session:
        link = session.link("SugarWater")

    assert query(link.url)["X-Amz-Credential"].startswith("AKIAOTHEROTHEROTHERX/")
    assert link.may_end_sooner


def test_nothing_is_written(staged: AwsAccount, wire: Wire) -> None:
    """A read-only session makes links."""
    with Session(regions=AWS_REGIONS, read_only=True) as session:
        assert session.link("SugarWater").url

    assert not wire.writes()
