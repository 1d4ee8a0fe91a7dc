"""Where nothing is wrong, every line says so, and nothing was changed."""

import re
from typing import Any

import pytest

from startifact import CheckState
from startifact.errors import InputError
from startifact.organisation.policy import policy
from startifact.organisation.templates.bucket_policy import DENIALS
from startifact.permissions import OPERATIONS, PERMISSIONS, When
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.rules import when
from tests.functional.doctor.conftest import Examine, check_of, failures, states
from tests.support.iam import ACCOUNT, ANYTHING, enforced, of_bucket
from tests.support.limits import Session
from tests.support.wire import Wire


def test_all_is_well(examine: Examine, line: Wire) -> None:
    """Every check of every region is as it should be, and no request has changed anything."""
    found = examine()

    assert found
    assert not failures(found)
    assert [r.region for r in found.regions] == list(AWS_REGIONS)
    assert {check.state for r in found.regions for check in r.checks} == {CheckState.OK}
    assert not line.writes()


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.represented_by("stage", "download", "projects", "promote", "prune", "repair", "setup")
def test_every_operation(examine: Examine, line: Wire, operation: str) -> None:
    """Permissions are tried for each, one by one, and nothing is written, deleted or marked."""
    found = examine(operation, channel="prod", regions=AWS_REGIONS[:1])

    assert not failures(found)
    assert not line.writes()
    of_operation = [p for p in PERMISSIONS if operation in p.operations and not p.is_denial]
    always = {When.ALWAYS, When.VERSIONED}
    needed = {action for p in of_operation if p.when in always for action in p.actions}
    names = {check.name for check in found.regions[0].checks}
    assert {name for name in names if re.match(r"(s3|ssm|kms|sts):", name)} == needed
    assert states(found, CheckState.NOT_TRIED) <= {"ssm:DeleteParameter"}


@pytest.mark.parametrize(
    ("operation", "role"),
    [("stage", "stage"), ("promote", "promote"), ("prune", "prune"), ("repair-keep", "repair")],
)
def test_policy_of_the_template(
    operation: str, role: str, good_account: AwsAccount, examine: Examine, line: Wire
) -> None:
    """A bucket's policy that demands conditions lets through what a role that may write tries."""
    add_policy_of_the_template(good_account, line, role)

    found = examine(operation, channel="prod", regions=AWS_REGIONS[:1])

    assert not failures(found)


def test_prune_by_another_role(good_account: AwsAccount, examine: Examine, line: Wire) -> None:
    """The policy lets that of the organisation alone put something in an artifact's place."""
    add_policy_of_the_template(good_account, line, "administrator")

    found = examine("prune", regions=AWS_REGIONS[:1])

    assert failures(found) == [("us-east-1", "s3:PutObject")]
    assert "denied on team/SugarWater@*" in check_of(found, "us-east-1", "s3:PutObject").found


def add_policy_of_the_template(good_account: AwsAccount, line: Wire, role: str) -> None:
    """Have the bucket of us-east-1 deny to *role*, which may do everything, what it denies."""
    bucket, arn = good_account.buckets["us-east-1"], f"arn:aws:iam::{ACCOUNT}:role"
    names = {"partition": "aws", "bucket": bucket, "key_prefix": "", "project": "*"}
    names |= {"prune_role": f"{arn}/prune", "repair_role": f"{arn}/repair"}
    denials = of_bucket(bucket, [denial.statement(names) for denial in DENIALS])
    line.add(enforced([ANYTHING, *denials], [], f"{arn}/{role}"))


@pytest.mark.parametrize("is_staged", [True, False])
def test_listing_of_the_project_alone(
    is_staged: bool, good_account: AwsAccount, examine: Examine, line: Wire
) -> None:
    """S3 refuses what is not there to the policy that is printed, which is no failure."""
    bucket, project = good_account.buckets["us-east-1"], f"Listed{is_staged}"
    if is_staged:
        key = f"team/{project}/latest"
        good_account.s3("us-east-1").put_object(Bucket=bucket, Key=key, Body=b"{}")
    printed = policy(
        "download",
        projects=[project],
        account=ACCOUNT,
        regions=["us-east-1"],
        buckets={"us-east-1": bucket},
        bucket_key_prefix="team/",
    )
    statements: Any = printed["Statement"]
    line.add(when(lambda r: r.service == "s3", enforced(statements, [])))

    found = examine("download", project=project, regions=AWS_REGIONS[:1])

    assert not failures(found)
    check = check_of(found, "us-east-1", "s3:GetObject")
    assert (check.state is CheckState.OK) == is_staged
    assert "may not list the whole bucket" in check.found


def test_what_cannot_be_tried_says_why(examine: Examine, line: Wire) -> None:
    """Without the name of the channel nothing is tried on it."""
    found = examine("promote", regions=AWS_REGIONS[:1])

    checks = {check.name: check for check in found.regions[0].checks}
    assert checks["s3:PutObject"].state is CheckState.NOT_TRIED
    assert "name the channel" in checks["s3:PutObject"].found
    assert found


def test_buckets_without_ssm(good_account: AwsAccount, line: Wire) -> None:
    """Of a bucket that is named neither parameters nor permissions for them are looked at."""
    specs = [f"s3://{bucket}/x?region={r}" for r, bucket in good_account.buckets.items()]
    with Session(regions=specs) as session:
        found = session.doctor("SugarWater", operation="stage")

    assert found
    assert not [r for r in line.requests() if r.service == "ssm"]
    assert "configuration" not in {check.name for r in found.regions for check in r.checks}


def test_unknown_operation(examine: Examine) -> None:
    """What nothing is known of is refused, with what there is."""
    with pytest.raises(InputError, match=r"'stagee'.*repair-keep"):
        examine("stagee")
