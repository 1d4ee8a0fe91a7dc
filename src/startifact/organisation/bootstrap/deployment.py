"""Setting an organisation up, as planned: one stack in each region, and one of the roles."""

import secrets
import time
from collections.abc import Callable
from functools import partial

from startifact.concurrency.fan_out import Failure, FanOut, run_one
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import (
    RefusedError,
    RegionsFailedError,
    StartifactError,
    UndeterminedError,
)
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.configuration import to_json
from startifact.model.stacks import ChangeSet, Stack, StackEvent
from startifact.organisation.bootstrap.lines import Action, StackPlan
from startifact.organisation.bootstrap.plan import Plan
from startifact.organisation.differences import differences_to
from startifact.regions.aws.account_access import AccountAccess
from startifact.regions.aws.stacks import Stacks
from startifact.text import joined

_AGAIN = "Running the same bootstrap again is safe, and does only what is missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackProgress:
    """How far one stack has got."""

    region: str
    name: str
    done: int
    """How many of its resources are as they are to be."""

    event: StackEvent | None = None
    """What has happened last; ``None`` where the stack as a whole is done with."""

    status: str = ""
    """That of the stack, once it is."""


Report = Callable[[StackProgress], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOutcome:
    """What became of one stack."""

    region: str
    name: str
    action: Action
    outputs: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """What became of an account."""

    plan: Plan
    regions: tuple[StackOutcome, ...]
    roles: StackOutcome


def bootstrap(plan: Plan, access: AccountAccess, *, report: Report, limits: Limits) -> Bootstrap:
    """Do what *plan* says. Nothing is deleted, and what is as planned is left alone.

    CloudFormation does all that is its own by itself, also once this has ended for any reason.

    Raises:
        RegionsFailedError: A stack could not be made as planned, or it is not known; those of
            other regions were.
    """
    jobs = {one.region: partial(_set_region_up, plan, one, access, report) for one in plan.regions}
    done: dict[str, StackOutcome] = {}
    failed: dict[str, StartifactError] = {}
    with FanOut(jobs, limits=limits) as deploying:
        for answer in deploying:
            if isinstance(answer, Failure):
                failed[answer.name] = answer.error
            else:
                done[answer.name] = answer.value
    if failed:
        said = [(r, failed[r] if r in failed else f"{done[r].name} {done[r].action}") for r in jobs]
        raise RegionsFailedError(
            f"{len(failed)} of {len(jobs)} regions are not set up:", said=said, again=_AGAIN
        )
    stacks = access.stacks(plan.roles.region)
    try:
        roles = run_one(
            plan.roles.region, partial(_deploy, plan.roles, stacks, report), limits=limits
        )
    except StartifactError as e:
        said_of_roles = [(plan.roles.region, e)]
        message = "the regions are set up, and the roles are not:"
        raise RegionsFailedError(message, said=said_of_roles, again=_AGAIN) from e
    return Bootstrap(
        plan=plan, regions=tuple(done[one.region] for one in plan.regions), roles=roles
    )


def _set_region_up(
    plan: Plan, one: StackPlan, access: AccountAccess, report: Report, heartbeat: Heartbeat
) -> StackOutcome:
    outcome = _deploy(one, access.stacks(one.region), report, heartbeat)
    # Of what is not the stack's own, and of what somebody has changed behind its back.
    parameters = access.parameters(one.region)
    configuration = plan.target.configurations[one.region]
    if parameters.get(configuration.bucket_name_param) is None:
        parameters.put(configuration.bucket_name_param, one.parameters["BucketName"])
    name = plan.target.request.configuration_parameter
    present = parameters.get(name)
    if present is None or differences_to(present, configuration):
        parameters.put(name, to_json(configuration))
    return outcome


def _deploy(one: StackPlan, stacks: Stacks, report: Report, _: Heartbeat) -> StackOutcome:
    """Make the stack as *one* says, and return what became of it."""
    if not one.is_needed:
        stack = stacks.find(one.name)
        return _outcome(one, Action.UNCHANGED, stack)
    change_set = stacks.propose(
        one.name,
        change_set=f"startifact-{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(4)}",
        template=one.template,
        parameters=one.parameters,
        is_update=one.action is Action.UPDATE,
    )
    if change_set.is_empty:
        return _outcome(one, Action.UNCHANGED, stacks.find(one.name))
    _refuse_removals(one, change_set)
    since = stacks.newest_event(one.name)
    stacks.execute(one.name, change_set.name)
    return _wait(one, stacks, since, report)


def _wait(one: StackPlan, stacks: Stacks, since: str | None, report: Report) -> StackOutcome:
    failed: list[StackEvent] = []
    complete: set[str] = set()

    def follow(event: StackEvent) -> None:
        if event.has_failed:
            failed.append(event)
        if event.status.endswith("_COMPLETE") and event.resource != one.name:
            complete.add(event.resource)
        report(StackProgress(region=one.region, name=one.name, done=len(complete), event=event))

    stack = stacks.wait(one.name, report=follow, since=since)
    if stack is None or not stack.is_done:
        gone = Stack(id="", name=one.name, status="DELETE_COMPLETE")
        raise stacks.failure(stack or gone, failed)
    if any(stack.parameters.get(name) != value for name, value in one.parameters.items()):
        raise UndeterminedError(
            f"{one.region}: stack {one.name} was changed by somebody else at the same time"
        )
    report(StackProgress(region=one.region, name=one.name, done=len(complete), status=stack.status))
    return _outcome(one, one.action, stack)


def _outcome(one: StackPlan, action: Action, stack: Stack | None) -> StackOutcome:
    outputs = {} if stack is None else dict(stack.outputs)
    return StackOutcome(region=one.region, name=one.name, action=action, outputs=outputs)


def _refuse_removals(one: StackPlan, change_set: ChangeSet) -> None:
    """Raise where *change_set* would take away what there is.

    Raises:
        RefusedError: It would.
    """
    removed = [change for change in change_set.changes if change.removes]
    if not removed:
        return
    where = f"--stack-name {one.name} --change-set-name {change_set.name} --region {one.region}"
    what = joined(f"{change.name} ({change.kind})" for change in removed)
    raise RefusedError(
        f"{one.region}: stack {one.name} would lose or replace {what}, and bootstrap deletes "
        "nothing",
        hint=f"See what it is: aws cloudformation describe-change-set {where}; and if it is meant: "
        f"aws cloudformation execute-change-set {where}",
    )
