"""A bucket in another AWS region than the one that its region stands for is refused.

Two regions of a list that are in one AWS region fail together, and are no majority. moto serves
every bucket in every region, so a rule answers as S3 does.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.errors import ConfigurationError, StartifactError
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.support.limits import Session
from tests.support.wire import Answer, Forward, Request, Rule, Wire, error

MakeFile = Callable[..., Path]

US, EU, AP = AWS_REGIONS


@pytest.fixture
def second(account: AwsAccount) -> str:
    """Return a second bucket of us-east-1, which the parameter of eu-west-1 names."""
    name = f"second-{account.unique}"
    account.s3().create_bucket(Bucket=name)
    account.ssm(EU).put_parameter(
        Name=account.bucket_parameter, Value=name, Type="String", Overwrite=True
    )
    return name


def redirecting(homes: dict[str, str], how: str = "redirect") -> Rule:
    """Return a rule that knows where buckets are, as S3 does: it has no body for HEAD."""

    def rule(request: Request, forward: Forward) -> Answer | None:
        home = homes.get(request.path.split("/")[1])
        if request.service != "s3" or home in {None, request.region}:
            return forward()
        at = {"x-amz-bucket-region": str(home)}
        if request.method == "HEAD":
            return Answer(301 if how == "redirect" else 400, b"", at)
        if how == "redirect":
            answer = error(301, "PermanentRedirect", "use the endpoint of the bucket")
            return dataclasses.replace(answer, headers={**answer.headers, **at})
        said = f"the region '{request.region}' is wrong; expecting '{home}'</Message><Region>{home}"
        body = error(400, "AuthorizationHeaderMalformed", said).body.replace(
            b"</Message></Error>", b"</Region></Error>"
        )
        return Answer(400, body, {"Content-Type": "application/xml"})

    return rule


def fails(act: Callable[[], object]) -> StartifactError:
    """Return the error that *act* raises."""
    with pytest.raises(StartifactError) as caught:
        act()
    return caught.value


@pytest.mark.parametrize("how", ["redirect", "malformed"])
@pytest.mark.parametrize("read_only", [False, True])
def test_case_29_bucket_in_the_wrong_region(
    account: AwsAccount, wire: Wire, second: str, make_file: MakeFile, how: str, read_only: bool
) -> None:
    """Nothing is written, and the error has the bucket, where it is and where it should be."""
    wire.add(redirecting({second: US}, how))
    session = Session(regions=AWS_REGIONS, read_only=read_only)

    found = fails(lambda: session.stage("SugarWater", "1.0.0", make_file()))

    assert isinstance(found, ConfigurationError)
    assert f"bucket {second} is in {US}, expected in {EU}" in str(found)
    assert found.hint
    assert not wire.writes()
    # Not one request has followed the redirect.
    assert {r.region for r in wire.requests() if r.path.startswith(f"/{second}")} == {EU}


def test_readers_of_a_bucket_in_the_wrong_region(
    account: AwsAccount, wire: Wire, second: str, make_file: MakeFile, tmp_path: Path
) -> None:
    """Such a region is one that does not answer: the others serve, and all say the reason."""
    path = make_file()
    Session(regions=[US, AP]).stage("SugarWater", "1.0.0", path)
    wire.add(redirecting({second: US}))
    session = Session(regions=AWS_REGIONS)

    back = session.get("SugarWater").downloader.download(tmp_path / "back")
    verification = session.verify("SugarWater")
    got = fails(lambda: Session(regions=EU).get("SugarWater", "1.0.0"))
    missing = fails(lambda: session.get("SugarWater", "2.0.0"))
    listed = fails(lambda: Session(regions=EU).versions("SugarWater"))

    assert back.read_bytes() == path.read_bytes()
    assert verification.failures.keys() == {EU}
    for found in (verification.failures[EU], got, missing, listed):
        assert found.exit_code == 2
        assert f"bucket {second} is in {US}, expected in {EU}" in str(found)
    assert f"{US}: not there" in str(missing)
    assert f"{AP}: not there" in str(missing)


@pytest.mark.parametrize("how", ["redirect", "malformed"])
def test_only_writes_are_redirected(
    account: AwsAccount, wire: Wire, second: str, make_file: MakeFile, how: str
) -> None:
    """Where no read has shown it, the write itself is not redirected to where the bucket is."""
    redirect = redirecting({second: US}, how)

    def writes(request: Request, forward: Forward) -> Answer | None:
        if request.method == "PUT":
            return redirect(request, forward)
        answer = forward()
        reported = {n: v for n, v in answer.headers.items() if n.lower() != "x-amz-bucket-region"}
        return dataclasses.replace(answer, headers=reported)

    wire.add(writes)

    staging = Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", make_file())

    assert [o.state for o in staging.outcomes] == ["created", "failed", "created"]
    assert f"bucket {second} is in {US}, expected in {EU}" in str(staging.outcomes[1].error)
    assert not [r for r in wire.writes() if r.path.startswith(f"/{second}")]
    assert "Contents" not in account.s3().list_objects_v2(Bucket=second)


def test_region_of_a_bucket_that_is_named(
    account: AwsAccount, wire: Wire, second: str, make_file: MakeFile
) -> None:
    """A region that is written beside a bucket is where the bucket has to be."""
    wire.add(redirecting({second: US}))
    named = f"s3://{second}/team?region={EU}"

    found = fails(lambda: Session(regions=[named]).stage("SugarWater", "1.0.0", make_file()))

    assert isinstance(found, ConfigurationError)
    assert f"bucket {second} is in {US}, expected in {EU}" in str(found)
    assert not wire.writes()


def test_bucket_without_a_region(
    account: AwsAccount, wire: Wire, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bucket for which no region was written is looked for, and found where it is."""
    bucket = account.buckets[AP]
    wire.add(redirecting({bucket: AP}))
    monkeypatch.setenv("AWS_REGION", EU)

    staging = Session(regions=[f"s3://{bucket}"]).stage("SugarWater", "1.0.0", make_file())

    assert staging.created
    assert {r.region for r in wire.writes()} == {AP}


@pytest.mark.parametrize("status", [301, 302, 307])
@pytest.mark.parametrize("named", [False, True])
def test_redirect_that_does_not_say_where(
    account: AwsAccount, wire: Wire, named: bool, status: int
) -> None:
    """A bucket that is elsewhere, nobody says where, is reported as that; the SDK asks for ever."""
    bucket = account.buckets[EU]
    wire.add(lambda request, forward: Answer(status) if bucket in request.path else forward())
    session = Session(regions=f"s3://{bucket}" if named else EU)

    found = fails(lambda: session.get("SugarWater", "1.0.0"))

    assert found.exit_code == 2
    assert f"bucket {bucket} is not in {US if named else EU}, and nobody says where" in str(found)
    assert len([r for r in wire.requests() if bucket in r.path]) < 10


def test_buckets_with_and_without_a_region(
    account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """In one session the one is looked for, and the other has to be where it is said to be."""
    homes = {bucket: region for region, bucket in account.buckets.items()}
    wire.add(redirecting(homes))
    loose, right = f"s3://{account.buckets[AP]}", f"s3://{account.buckets[US]}?region={US}"
    wrong = f"s3://{account.buckets[EU]}?region={US}"

    staging = Session(regions=[right, loose]).stage("SugarWater", "1.0.0", make_file())
    found = fails(lambda: Session(regions=[loose, wrong]).stage("Water", "1.0.0", make_file()))

    assert [o.state for o in staging.outcomes] == ["created", "created"]
    assert f"bucket {account.buckets[EU]} is in {EU}, expected in {US}" in str(found)


def test_store_with_a_name_of_its_own_for_where_it_is(
    account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """A store other than AWS may call its only region what it likes."""
    bucket = account.buckets[US]

    def named(request: Request, forward: Forward) -> Answer | None:
        answer = forward()
        return dataclasses.replace(
            answer, headers={**answer.headers, "x-amz-bucket-region": "eu-west-9"}
        )

    wire.add(named)
    endpoint = wire.endpoint.replace(":", "%3A").replace("/", "%2F")
    session = Session(regions=[f"s3://{bucket}?region={US}&endpoint={endpoint}"])

    assert session.stage("SugarWater", "1.0.0", make_file()).created
