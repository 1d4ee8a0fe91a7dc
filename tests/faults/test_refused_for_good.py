"""What no repetition helps: its own exit code, what the service says, and advice that can work."""

from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.errors import (
    NotFoundError,
    ServiceRefusedError,
    SeveralRegionsError,
    StagingFailedError,
    StartifactError,
)
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.refusals import POLICIES, REFUSALS, denied, refused, requester_pays
from tests.faults.rules import answering, when
from tests.support.limits import Session
from tests.support.wire import Answer, Rule, Wire, error

MakeFile = Callable[..., Path]
HERE, THERE = AWS_REGIONS[:2]
OBJECTS: Callable[..., bool] = lambda r: r.service == "s3" and "SugarWater" in r.path  # noqa: E731

ADVICE = {
    "AccountProblem": "AWS Support",
    "AllAccessDisabled": "AWS Support",
    "QuotaExceeded": "Raise the quota",
    "XMinioAdminBucketQuotaExceeded": "Raise the quota",
    "KMS.DisabledException": "Check the key in KMS",
    "KMS.NotFoundException": "Check the key in KMS",
    "KMS.KMSInvalidStateException": "Check the key in KMS",
    "MethodNotAllowed": "does not have what Startifact asks for",
    "NotImplemented": "does not have what Startifact asks for",
    "RequestPayerDenied": "requester pays",
    "UserProjectMissing": "requester pays",
    "SomethingNew": "Change what the service names",
}


def failing(work: Callable[[], object]) -> StartifactError:
    """Return the error that *work* ends with."""
    with pytest.raises(StartifactError) as caught:
        work()
    return caught.value


def check(found: StartifactError, code: str) -> None:
    """Assert that *found* says what the service said, and what to do, and not to try again."""
    assert found.exit_code == 10
    assert REFUSALS[code][1].partition('"')[0] in found.message.replace("\\'", "'")
    assert ADVICE[code] in str(found.hint)
    assert "try again" not in str(found).lower()


@pytest.mark.parametrize("code", REFUSALS)
def test_staging(account: AwsAccount, wire: Wire, make_file: MakeFile, code: str) -> None:
    """A staging that is refused for good is not undetermined, and is not tried for long."""
    wire.add(when(lambda r: OBJECTS(r) and r.method in {"PUT", "POST"}, refused(code)))

    found = failing(lambda: Session(regions=HERE).stage("SugarWater", "1.0.0", make_file()))

    assert isinstance(found, StagingFailedError)
    check(found, code)
    assert len([r for r in wire.requests() if r.method == "PUT"]) == 1


@pytest.mark.parametrize("code", REFUSALS)
def test_reading(
    account: AwsAccount, wire: Wire, make_file: MakeFile, tmp_path: Path, code: str
) -> None:
    """The same for looking, listing, comparing and downloading."""
    session = Session(regions=HERE)
    artifact = session.stage("SugarWater", "1.0.0", make_file()).artifact
    wire.add(when(lambda r: r.service == "s3" and r.region == HERE, refused(code)))

    for work in (
        lambda: Session(regions=HERE).get("SugarWater", "1.0.0"),
        lambda: Session(regions=HERE).get("SugarWater"),
        lambda: Session(regions=HERE).versions("SugarWater"),
        lambda: artifact.downloader.download(tmp_path / "back"),
    ):
        check(failing(work), code)
    verification = Session(regions=HERE).verify("SugarWater")
    repair = Session(regions=HERE).repair("SugarWater")
    check(verification.failures[HERE], code)
    check(repair.failures[HERE], code)


def test_several_kinds(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """Refused for good decides the exit code before silence, and access denied before that."""
    wire.add(when(lambda r: r.service == "s3" and r.region == HERE, refused("AccountProblem")))
    restore = wire.add(when(lambda r: OBJECTS(r) and r.region == THERE, lambda *_: None))

    with_silence = failing(lambda: Session(regions=[HERE, THERE]).get("SugarWater", "1.0.0"))
    restore()
    wire.add(when(lambda r: r.service == "s3" and r.region == THERE, denied()))
    with_denial = failing(lambda: Session(regions=[HERE, THERE]).get("SugarWater", "1.0.0"))
    staging = failing(
        lambda: Session(regions=[HERE, THERE]).stage("SugarWater", "1.0.0", make_file())
    )

    assert with_silence.exit_code == 10
    assert with_denial.exit_code == staging.exit_code == 6
    for found in (with_silence, with_denial, staging):
        assert isinstance(found, SeveralRegionsError)
        assert any(isinstance(cause, ServiceRefusedError) for cause in found.causes)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504])
def test_what_passes(account: AwsAccount, wire: Wire, make_file: MakeFile, status: int) -> None:
    """What may pass stays undetermined, whatever its name."""
    wire.add(
        when(lambda r: OBJECTS(r) and r.method == "HEAD", answering(error(status, "NeverHeardOf")))
    )

    assert failing(lambda: Session(regions=HERE).get("SugarWater", "1.0.0")).exit_code == 5


@pytest.mark.parametrize("status", [402, 406, 410, 414, 422, 431, 451])
def test_every_other_refusal(account: AwsAccount, wire: Wire, status: int) -> None:
    """An answer to HEAD has no reason: it is asked for, and shown."""
    reason = f"because of {status}"
    wire.add(when(OBJECTS, answering(error(status, "NeverHeardOf", reason))))

    found = failing(lambda: Session(regions=HERE).get("SugarWater", "1.0.0"))

    assert found.exit_code == 10
    assert reason in found.message


# Who denies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES)
def test_policy_that_denies(
    account: AwsAccount, wire: Wire, make_file: MakeFile, policy: str
) -> None:
    """The advice is about the policy that denies, and what the service said is shown whole."""
    wire.add(when(lambda r: OBJECTS(r) and r.method == "PUT", denied(policy)))

    found = failing(lambda: Session(regions=HERE).stage("SugarWater", "1.0.0", make_file()))

    arn = f"arn:aws:s3:::{account.buckets[HERE]}/team/SugarWater@1.0.0"
    assert found.exit_code == 6
    assert f"with an explicit deny in {policy}" in found.message
    where = policy.removeprefix("an ").removeprefix("a ")
    assert f"Allow s3:PutObject on {arn} in the {where} that denies it" in str(found.hint)


@pytest.mark.parametrize("listing", [True, False])
def test_reason_of_a_denied_look(account: AwsAccount, wire: Wire, listing: bool) -> None:
    """Looking has no reason in its answer, so that of another request is shown."""
    Session(regions=HERE)
    policy = denied("a VPC endpoint policy")
    wire.add(when(lambda r: r.service == "s3" and (OBJECTS(r) or not listing), policy))
    if listing:
        account.s3(HERE).put_object(Bucket=account.buckets[HERE], Key="team/SugarWater@1.0.0")

    found = failing(lambda: Session(regions=HERE).get("SugarWater", "1.0.0"))

    assert found.exit_code == 6
    assert "with an explicit deny in a VPC endpoint policy" in found.message
    bucket = f"arn:aws:s3:::{account.buckets[HERE]}"
    assert f"s3:GetObject on {bucket}/team/SugarWater@1.0.0" in str(found.hint)
    assert f"s3:ListBucket on {bucket}/" not in str(found)


def test_list_that_is_denied(account: AwsAccount, wire: Wire) -> None:
    """To list is allowed on the bucket: no key stands in that ARN."""
    wire.add(when(lambda r: "list-type" in r.query, denied(None)))

    found = failing(lambda: Session(regions=HERE).versions("SugarWater"))

    assert f"refused s3:ListBucket on arn:aws:s3:::{account.buckets[HERE]}:" in found.message
    assert f"Allow s3:ListBucket on arn:aws:s3:::{account.buckets[HERE]} in" in str(found.hint)


def test_denied_key(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """Where it is the key that may not be used, the advice is about the key."""
    key = "arn:aws:kms:eu-west-1:123456789012:key/0f1e2d3c"
    text = (
        "User: arn:aws:sts::123456789012:assumed-role/deploy/run is not authorized to perform: "
        f"kms:GenerateDataKey on resource: {key} because no resource-based policy allows the "
        "kms:GenerateDataKey action"
    )
    denial = answering(error(403, "AccessDenied", text))
    wire.add(when(lambda r: OBJECTS(r) and r.method == "PUT", denial))

    found = failing(lambda: Session(regions=HERE).stage("SugarWater", "1.0.0", make_file()))

    assert "kms:GenerateDataKey" in found.message
    assert f"Allow kms:GenerateDataKey on {key} in the resource-based policy" in str(found.hint)


def test_requester_pays(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """A denial without a reason may be that of a bucket whose requester pays."""
    wire.add(when(OBJECTS, requester_pays))

    found = failing(lambda: Session(regions=HERE).stage("SugarWater", "1.0.0", make_file()))

    assert found.exit_code == 6
    assert "Access Denied" in found.message
    assert "requester pays" in str(found.hint)


def test_requester_pays_for_what_is_read(
    account: AwsAccount, wire: Wire, make_file: MakeFile, tmp_path: Path
) -> None:
    """Such a bucket refuses lists as well: the hint names it also where S3 says nothing else."""
    Session(regions=HERE).stage("SugarWater", "1.0.0", make_file())
    artifact = Session(regions=HERE).get("SugarWater", "1.0.0")
    wire.add(when(lambda r: r.service == "s3", requester_pays))
    works: list[Callable[[], object]] = [
        lambda: Session(regions=HERE).get("SugarWater", "1.0.0"),
        lambda: Session(regions=HERE).get("SugarWater"),
        lambda: Session(regions=HERE).versions("SugarWater"),
        lambda: artifact.downloader.download(tmp_path / "back"),
    ]

    for work in works:
        found = failing(work)

        assert found.exit_code == 6
        assert "Access Denied" in found.message
        assert "requester pays" in str(found.hint)
        assert "another account" in str(found.hint)
    # It would agree, for whoever runs this, to pay.
    assert all("x-amz-request-payer" not in request.headers for request in wire.requests())


def test_denial_that_names_its_reason(account: AwsAccount, wire: Wire) -> None:
    """Where S3 says who is not authorized, it is not the payer that matters."""
    wire.add(when(lambda r: r.service == "s3", denied(None)))

    found = failing(lambda: Session(regions=HERE).get("SugarWater", "1.0.0"))

    assert found.exit_code == 6
    assert "requester pays" not in str(found.hint)


@pytest.mark.parametrize("code", ["InvalidToken", "InvalidClientTokenId", "InvalidAccessKeyId"])
def test_region_that_does_not_know_a_token(account: AwsAccount, wire: Wire, code: str) -> None:
    """A region that is not enabled, or wants other tokens, is not a matter of the clock."""
    bucket = account.buckets[HERE]
    wire.add(when(lambda r: r.service == "s3", answering(error(403, code, "not known here"))))

    opt_in = failing(
        lambda: Session(regions=f"s3://{bucket}?region=af-south-1").get("SugarWater", "1.0.0")
    )
    elsewhere = failing(lambda: Session(regions=HERE).get("SugarWater", "1.0.0"))

    for found in (opt_in, elsewhere):
        assert found.exit_code == 6
        assert f"{code}', 'not known here'" in found.message
        assert "clock" not in str(found.hint)
        assert "enabled for the account" in str(found.hint)
    assert "af-south-1 has to be enabled" in str(opt_in.hint)
    assert "AWS_STS_REGIONAL_ENDPOINTS=regional" in str(opt_in.hint)


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_partition(account: AwsAccount, wire: Wire, region: str, partition: str) -> None:
    """What is to be allowed is named in the partition of the region."""
    wire.add(when(lambda r: r.service == "s3", denied(None)))

    found = failing(
        lambda: Session(regions=f"s3://my-artifacts?region={region}").get("SugarWater", "1.0.0")
    )

    assert f"Allow s3:GetObject on arn:{partition}:s3:::my-artifacts/SugarWater@1.0.0" in str(
        found.hint
    )
    assert f"s3:ListBucket on arn:{partition}:s3:::my-artifacts" in str(found.hint)


# Delete markers ---------------------------------------------------------------------------------

MARKER = "a delete marker is in its place"


@pytest.fixture
def deleted(account: AwsAccount, make_file: MakeFile) -> str:
    """Stage a version where buckets keep versions, delete it in one region, and return that."""
    for region, bucket in account.buckets.items():
        account.s3(region).put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
        )
    Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", make_file())
    account.s3(HERE).delete_object(Bucket=account.buckets[HERE], Key="team/SugarWater@1.0.0")
    return HERE


def test_reading_what_was_deleted(deleted: str) -> None:
    """What was deleted is not found, and the delete marker is named, with what to do."""
    found = failing(lambda: Session(regions=deleted).get("SugarWater", "1.0.0"))
    (missing,) = (d for d in Session(regions=AWS_REGIONS).verify("SugarWater", "1.0.0").differences)

    assert isinstance(found, NotFoundError)
    assert found.exit_code == 3
    assert MARKER in found.message
    assert "Remove the delete marker" in str(found.hint)
    assert missing.kind == "missing"
    assert MARKER in missing.message


def test_delete_marker_and_silence(deleted: str, wire: Wire) -> None:
    """Beside a region that does not answer, the delete marker is named too."""
    wire.add(when(lambda r: OBJECTS(r) and r.region == THERE, lambda *_: None))

    found = failing(lambda: Session(regions=[deleted, THERE]).get("SugarWater", "1.0.0"))

    assert found.exit_code == 5
    assert MARKER in found.message


def test_staging_what_was_deleted(
    deleted: str, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Staging fills what was deleted, and says that it was."""
    staging = Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", make_file())

    assert [o.state for o in staging.outcomes] == [
        "created" if region == deleted else "present" for region in AWS_REGIONS
    ]
    assert any(MARKER in r.getMessage() and deleted in r.getMessage() for r in caplog.records)
    assert Session(regions=deleted).get("SugarWater", "1.0.0").version == "1.0.0"


def test_delete_marker_of_another_store(account: AwsAccount, wire: Wire) -> None:
    """A store that answers 405 for a delete marker says the same."""
    marker: Rule = answering(Answer(405, headers={"x-amz-delete-marker": "true"}))
    wire.add(when(lambda r: OBJECTS(r) and r.method == "HEAD", marker))

    found = failing(lambda: Session(regions=HERE).get("SugarWater", "1.0.0"))

    assert isinstance(found, NotFoundError)
    assert MARKER in found.message
