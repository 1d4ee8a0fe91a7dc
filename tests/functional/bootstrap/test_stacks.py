"""Stacks that cannot be made or changed, and what CloudFormation says of them."""

import json
import re

import pytest

from startifact.cli import main
from startifact.model.stacks import Stack, cure_of
from tests.faults.rules import answering, when
from tests.functional.bootstrap.conftest import (
    NAME,
    US,
    Bootstrap,
    EmptyAccount,
    failed_checks,
    planned,
)
from tests.functional.bootstrap.test_refusals import USER, XML, asks
from tests.support.limits import short_limits
from tests.support.wire import Answer, Forward, Request, Rule

STUCK = {
    "ROLLBACK_COMPLETE": "aws cloudformation delete-stack",
    "ROLLBACK_FAILED": "aws cloudformation delete-stack",
    "CREATE_FAILED": "aws cloudformation delete-stack",
    "DELETE_FAILED": "aws cloudformation delete-stack",
    "UPDATE_FAILED": "aws cloudformation rollback-stack",
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback",
}


@pytest.mark.parametrize("status", STUCK)
def test_cures_of_stacks(status: str) -> None:
    """Each state that nothing updates has a command; all others need none."""
    stack = Stack(id="x", name=NAME, status=status)

    assert not stack.can_be_updated
    assert f"{STUCK[status]} --stack-name {NAME} --region {US}" in cure_of(stack, US)


def of_stack(status: str, name: str = NAME) -> Rule:
    """Return a rule by which the stack *name* is in *status*."""

    def describe(request: Request, forward: Forward) -> Answer:
        answer = forward()
        body = answer.body.decode()
        at = body.find(f"<StackName>{name}</StackName>")
        if at < 0:
            return answer
        changed = re.sub(r"<StackStatus>\w+", f"<StackStatus>{status}", body)
        return Answer(answer.status, changed.encode(), XML)

    return when(lambda r: r.operation == "DescribeStacks", describe)


def test_stuck_stack(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """What cannot be updated is named, with what to do, and is left alone."""
    bootstrap(regions=(US,))
    before = empty.writes()
    empty.wire.add(of_stack("ROLLBACK_COMPLETE"))

    done = bootstrap(regions=(US,))

    assert done.code == 2
    assert f"stack {NAME} in {US} is ROLLBACK_COMPLETE, which nothing updates" in done.err
    assert f"aws cloudformation delete-stack --stack-name {NAME} --region {US}" in done.err
    assert empty.writes() == before


def test_failed_stack(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """What CloudFormation could not make is said in its words, and what was left of the stack."""
    taken: list[str] = []

    def take(request: Request, forward: Forward) -> Answer | None:
        if not taken:  # by somebody who was quicker
            taken.append(empty.bucket(US))
            empty.make_bucket(US, empty.bucket(US))
            empty.client("s3").put_object(Bucket=empty.bucket(US), Key="x")
        return forward()

    empty.wire.add(when(asks("ExecuteChangeSet"), take))

    done = bootstrap(regions=(US,))
    again = bootstrap(regions=(US,))

    assert done.code == 10
    assert f"could not make stack {NAME} as planned, and left it ROLLBACK_COMPLETE" in done.err
    assert f"{US}: Bucket CREATE_FAILED" in done.err
    assert "aws cloudformation delete-stack" in again.err


def test_denied_to_cloudformation(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """A denial that CloudFormation has met is one too, with the action and what to allow."""
    said = (
        f"API: iam:CreateRole User: {USER} is not authorized to perform: iam:CreateRole on "
        "resource: arn:aws:iam::123456789012:role/x because no identity-based policy allows it"
    )

    def events(request: Request, forward: Forward) -> Answer:
        answer = forward()
        event = (
            "<StackEvents><member><EventId>e1</EventId><StackId>x</StackId><StackName>x</StackName>"
            "<LogicalResourceId>StageRole</LogicalResourceId><Timestamp>2026-11-27T00:00:00Z"
            "</Timestamp><ResourceStatus>CREATE_FAILED</ResourceStatus><ResourceStatusReason>"
            f"{said}</ResourceStatusReason></member>"
        )
        body = answer.body.decode().replace("<StackEvents>", event, 1)
        return Answer(answer.status, body.encode(), XML)

    executed: list[str] = []

    def execute(request: Request, forward: Forward) -> Answer | None:
        executed.append(request.region)
        return forward()

    empty.wire.add(when(asks("ExecuteChangeSet"), execute))
    roles = of_stack("ROLLBACK_COMPLETE", f"{NAME}-roles")
    empty.wire.add(when(lambda r: len(executed) == 2, roles))
    empty.wire.add(
        when(lambda r: len(executed) == 2 and r.operation == "DescribeStackEvents", events)
    )

    done = bootstrap(regions=(US,))

    assert done.code == 6
    assert "StageRole: 'API: iam:CreateRole User" in done.err
    assert "hint: Allow iam:CreateRole on arn:aws:iam::123456789012:role/x" in done.err


def test_refused_change_set(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """A change set that CloudFormation does not make is an error in its words."""
    body = (
        "<DescribeChangeSetResponse><DescribeChangeSetResult><Status>FAILED</Status><StatusReason>"
        "Transform failed</StatusReason><ChangeSetId>x</ChangeSetId></DescribeChangeSetResult>"
        "</DescribeChangeSetResponse>"
    )
    empty.wire.add(when(asks("DescribeChangeSet"), answering(Answer(200, body.encode(), XML))))

    done = bootstrap(regions=(US,))

    assert done.code == 10
    assert f"refuses the change set for stack {NAME}: 'Transform failed'" in done.err


def test_removals(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """A change set that would take something away is not executed."""
    change = (
        "<member><Type>Resource</Type><ResourceChange><Action>Modify</Action><Replacement>True"
        "</Replacement><LogicalResourceId>Bucket</LogicalResourceId><ResourceType>AWS::S3::Bucket"
        "</ResourceType></ResourceChange></member>"
    )
    body = (
        "<DescribeChangeSetResponse><DescribeChangeSetResult><Status>CREATE_COMPLETE</Status>"
        f"<Changes>{change}</Changes><ChangeSetId>x</ChangeSetId></DescribeChangeSetResult>"
        "</DescribeChangeSetResponse>"
    )
    empty.wire.add(when(asks("DescribeChangeSet"), answering(Answer(200, body.encode(), XML))))

    done = bootstrap(regions=(US,))

    assert done.code == 4
    assert (
        "would lose or replace Bucket (AWS::S3::Bucket), and bootstrap deletes nothing" in done.err
    )
    assert "aws cloudformation execute-change-set" in done.err
    assert (US, "ExecuteChangeSet") not in empty.writes()


def test_busy_stack(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """A stack that an earlier run is about is waited for; a dry run says so, and does not wait."""
    bootstrap(regions=(US,))
    asked: list[str] = []

    def busy_at_first(request: Request, forward: Forward) -> Answer | None:
        asked.append(request.region)
        rule = of_stack("UPDATE_IN_PROGRESS" if len(asked) < 4 else "UPDATE_COMPLETE")
        return rule(request, forward)

    undo = empty.wire.add(when(asks("DescribeStacks"), busy_at_first))
    done = bootstrap("--json", regions=(US,))
    undo()
    empty.wire.add(of_stack("UPDATE_IN_PROGRESS"))
    dry = bootstrap("--dry-run", regions=(US,))

    assert (done.code, failed_checks(done)) == (0, [])
    assert len(asked) >= 4
    assert dry.code == 2
    assert f"stack {NAME} in {US} is UPDATE_IN_PROGRESS" in dry.err


def test_answers_from_before(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """For a moment CloudFormation shows a stack as it was before: that is no end of the wait."""
    bootstrap(regions=(US,))
    late: list[Answer] = []

    def events(request: Request, forward: Forward) -> Answer:
        answer = forward()
        late.append(answer)
        return late[0] if len(late) < 3 else answer

    empty.wire.add(when(asks("DescribeStackEvents"), events))
    before = of_stack("CREATE_COMPLETE")
    empty.wire.add(when(lambda r: len(late) < 3 and r.operation == "DescribeStacks", before))

    done = bootstrap("--storage-class", "STANDARD_IA", "--json", regions=(US,))

    assert (done.code, failed_checks(done)) == (0, [])
    assert len(late) >= 3


def test_no_changes(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """A change set without changes is a success: only CloudFormation saw that nothing differs."""
    bootstrap(regions=(US,))

    def other_template(request: Request, forward: Forward) -> Answer:
        answer = forward()
        return Answer(answer.status, answer.body.replace(b"2010-09-09", b"2010-09-08"), XML)

    empty.wire.add(when(asks("GetTemplate"), other_template))
    done = bootstrap("--json", regions=(US,))

    assert done.code == 0
    assert ("update", "stack", f"{NAME}-roles") in planned(done)["roles"]
    assert done.json["roles"]["outcome"] == "unchanged"


def test_stack_of_somebody_else(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """A stack of the roles that bootstrap has not made is not changed by it."""
    cloudformation = empty.client("cloudformation")
    template = {"Resources": {"X": {"Type": "AWS::SNS::Topic"}}}
    cloudformation.create_stack(StackName=f"{NAME}-roles", TemplateBody=json.dumps(template))

    done = bootstrap(regions=(US,))

    assert done.code == 2
    assert f"stack {NAME}-roles is there, and not by startifact bootstrap" in done.err


def test_takes_too_long(
    empty: EmptyAccount, bootstrap: Bootstrap, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stack is not waited for without end; CloudFormation goes on, and so does the next run."""
    bootstrap(regions=(US,))
    empty.wire.add(of_stack("UPDATE_IN_PROGRESS"))
    words = ["bootstrap", "--regions", US, "--name", NAME]

    code = main(words, limits=short_limits(stack_seconds=0.2))

    assert code == 5
    err = capsys.readouterr().err
    assert f"{US} has not done with stack {NAME} after 0 s" in err
    assert "run the same again later, which waits for it" in err


def test_pages(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """Events and changes that come in several pages are all read."""
    pages: list[str] = []

    def in_pages(request: Request, forward: Forward) -> Answer:
        answer, body = forward(), request.body.decode()
        pages.append(request.operation)
        if "NextToken" in body or answer.status != 200:
            return answer
        token = b"<NextToken>more</NextToken></DescribeStackEventsResult>"
        return Answer(200, answer.body.replace(b"</DescribeStackEventsResult>", token), XML)

    empty.wire.add(when(lambda r: r.operation == "DescribeStackEvents", in_pages))

    done = bootstrap("--json", regions=(US,))

    assert (done.code, failed_checks(done)) == (0, [])
    assert f"{US}: stack {NAME} CREATE_COMPLETE" in done.err
