"""Each permission of each command, taken away one by one: doctor names it, with what allows it."""

from copy import deepcopy
from typing import Any

import pytest

from startifact.organisation.policy import policy
from startifact.permissions import OPERATIONS, PERMISSIONS, When
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.refusals import USER, denied
from tests.functional.doctor.conftest import Examine, check_of, failures
from tests.support.iam import ACCOUNT, Asked, Statements, allows, asked_of, listed
from tests.support.wire import Answer, Forward, Request, Rule, Wire, error

US = AWS_REGIONS[0]
CHANNEL = "prod"
ONLY_A_DELETION_SHOWS = {("channels-remove", "ssm:DeleteParameter")}
FIRST = {p.name for p in PERMISSIONS if p.when is When.FIRST}
"""What is needed for versions of the first Startifact alone, and is not looked at."""


def printed(operation: str, account: AwsAccount) -> Statements:
    """Return the statements of the policy that is printed for *operation* in one region."""
    has_channel = any("{channel}" in str(p) for p in PERMISSIONS if operation in p.operations)
    found: Any = policy(
        operation,
        projects=[] if operation in {"projects", "setup"} else ["SugarWater"],
        channels=[CHANNEL] if has_channel else [],
        account=ACCOUNT,
        regions=[US],
        buckets={US: account.buckets[US]},
        configuration_parameter=account.parameter,
        bucket_name_param=account.bucket_parameter,
        bucket_key_prefix="team/",
        parameter_name_prefix=f"/team-{account.unique}",
    )["Statement"]
    return deepcopy(list(found))


def allowing(statements: Statements) -> Rule:
    """Return a rule that allows *statements*, and refuses all else with the reason."""

    def rule(request: Request, forward: Forward) -> Answer | None:
        if request.service not in {"s3", "ssm"}:
            return forward()
        if not all(allows(statements, asked) for asked in asked_of(request)):
            return denied(None)(request, forward)
        answer = forward()
        bucket = "arn:aws:s3:::" + request.path.lstrip("/").partition("/")[0]
        lists = Asked("s3:ListBucket", bucket)
        if answer.status == 404 and request.method == "GET" and not allows(statements, lists):
            why = "because no identity-based policy allows the s3:ListBucket action"
            perform = f"User: {USER} is not authorized to perform: s3:ListBucket on resource:"
            return error(403, "AccessDenied", f'{perform} "{bucket}" {why}')
        return answer

    return rule


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.represented_by("stage", "promote", "link", "prune", "repair-keep", "setup")
def test_one_by_one(good_account: AwsAccount, examine: Examine, line: Wire, operation: str) -> None:
    """With the policy that is printed nothing fails, and without an action of it just that does."""
    everything = printed(operation, good_account)
    undo = line.add(allowing(everything))
    assert failures(examine(operation, channel=CHANNEL, regions=[US])) == []
    undo()

    for number, statement in enumerate(everything):
        if statement["Effect"] != "Allow" or statement["Sid"] in FIRST:
            continue
        for action in listed(statement["Action"]):
            left = deepcopy(everything)
            left[number]["Action"] = [a for a in listed(statement["Action"]) if a != action]
            undo = line.add(allowing(left))
            found = examine(operation, channel=CHANNEL, regions=[US])
            undo()
            if (operation, action) in ONLY_A_DELETION_SHOWS:
                assert failures(found) == []
                continue
            ((_, name),) = failures(found)
            hint = str(check_of(found, US, name).hint)
            assert name in {action, "configuration", "bucket name"}
            assert f"Allow {action} on arn:aws:" in hint
            assert f"startifact policy {operation} " in hint
    assert not line.writes()
