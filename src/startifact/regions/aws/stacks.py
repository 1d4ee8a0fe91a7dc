"""The stacks of CloudFormation in one region: found, changed by change sets, and waited for."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from startifact.concurrency.backoff import pause_for, pause_seconds
from startifact.errors import (
    AccessDeniedError,
    ServiceRefusedError,
    StartifactError,
    UndeterminedError,
)
from startifact.limits import MAX_STACK_EVENTS, Limits
from startifact.model.stacks import REVIEW, ChangeSet, ResourceChange, Stack, StackEvent
from startifact.regions.aws import advice
from startifact.regions.aws.errors import aws_errors
from startifact.regions.aws.trouble import code_of, said_by_aws

if TYPE_CHECKING:
    from startifact.regions.aws.clients import Clients

_CAPABILITIES = ["CAPABILITY_NAMED_IAM"]
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
"""How CloudFormation says, in the reason of a change set that failed, that nothing changes."""

_EXECUTED = frozenset({"ChangeSetNotFound", "InvalidChangeSetStatus"})

Report = Callable[[StackEvent], object]


class Stacks:
    """The stacks of *region*."""

    def __init__(self, clients: "Clients", region: str, *, limits: Limits) -> None:
        self._client = clients.other("cloudformation", region)
        self._region = region
        self._limits = limits

    def find(self, name: str) -> Stack | None:
        """Return the stack *name*, which may also be an id, or ``None`` where there is none.

        Raises:
            StartifactError: CloudFormation did not say.
        """
        stack = self._described(name)
        if stack is None or stack.status == REVIEW:
            return stack
        with self._errors("GetTemplate", name):
            body = self._client.get_template(StackName=name, TemplateStage="Original")
            text = body.get("TemplateBody", "")
        # The SDK reads those that are JSON.
        template = text if isinstance(text, str) else json.dumps(text, separators=(",", ":"))
        return replace(stack, template=template)

    def _described(self, name: str) -> Stack | None:
        with self._errors("DescribeStacks", name):
            try:
                (found,) = self._client.describe_stacks(StackName=name)["Stacks"]
            except ClientError as e:
                if _is_absent(e):
                    return None
                raise
            return Stack(
                id=found["StackId"],
                name=found["StackName"],
                status=found["StackStatus"],
                reason=found.get("StackStatusReason", ""),
                parameters={
                    one["ParameterKey"]: one.get("ParameterValue", "")
                    for one in found.get("Parameters", ())
                },
                outputs={
                    one["OutputKey"]: one.get("OutputValue", "") for one in found.get("Outputs", ())
                },
            )

    def propose(
        self,
        name: str,
        *,
        change_set: str,
        template: str,
        parameters: Mapping[str, str],
        is_update: bool,
    ) -> ChangeSet:
        """Make the change set *change_set*, which would make the stack *name* as it is described.

        Nothing is changed by it, but that a stack which is not there is under review.

        Raises:
            StartifactError: CloudFormation refuses it, or did not say in time.
        """
        with self._errors("CreateChangeSet", name):
            try:
                self._client.create_change_set(
                    StackName=name,
                    ChangeSetName=change_set,
                    ChangeSetType="UPDATE" if is_update else "CREATE",
                    TemplateBody=template,
                    Parameters=[
                        {"ParameterKey": key, "ParameterValue": value}
                        for key, value in parameters.items()
                    ],
                    Capabilities=_CAPABILITIES,
                )
            except ClientError as e:
                # Its name is this run's alone: the answer to the first attempt was lost.
                if code_of(e) != "AlreadyExistsException":
                    raise
        return self._proposed(name, change_set)

    def _proposed(self, name: str, change_set: str) -> ChangeSet:
        for _ in self._polls(f"the change set for {name}"):
            with self._errors("DescribeChangeSet", name):
                found = self._client.describe_change_set(StackName=name, ChangeSetName=change_set)
                status, reason = found["Status"], found.get("StatusReason", "")
                if status == "CREATE_COMPLETE":
                    changes = [*found["Changes"], *self._more_changes(name, change_set, found)]
                    return ChangeSet(name=change_set, changes=tuple(map(_change, changes)))
                if status == "FAILED" and any(text in reason for text in _NO_CHANGES):
                    return ChangeSet(name=change_set, is_empty=True)
            if status == "FAILED":
                raise self._refusal(f"refuses the change set for stack {name}", reason)
        raise AssertionError  # the polls end with an error

    def _more_changes(
        self, name: str, change_set: str, found: Mapping[str, Any]
    ) -> Iterator[Mapping[str, Any]]:
        while token := found.get("NextToken"):
            found = self._client.describe_change_set(
                StackName=name, ChangeSetName=change_set, NextToken=token
            )
            yield from found["Changes"]

    def execute(self, name: str, change_set: str) -> None:
        """Let CloudFormation do what *change_set* says to the stack *name*; it goes on by itself.

        Raises:
            StartifactError: It refuses, or did not answer.
        """
        with self._errors("ExecuteChangeSet", name):
            try:
                self._client.execute_change_set(
                    StackName=name, ChangeSetName=change_set, ClientRequestToken=change_set
                )
            except ClientError as e:
                # As above: it is being executed already, or was. What is there then will show it.
                if code_of(e) not in _EXECUTED:
                    raise

    def wait(self, name: str, *, report: Report, since: str | None = None) -> Stack | None:
        """Wait until nothing is being done to the stack *name* any more, and return it.

        ``None`` is for one that has gone. *report* is called with each event after that with the
        id *since*, the oldest first. With *since* something has to end after it: for a moment
        CloudFormation shows the stack as it was before.

        Raises:
            UndeterminedError: It takes too long; CloudFormation goes on.
            StartifactError: CloudFormation did not say.
        """
        has_ended = since is None
        for _ in self._polls(f"stack {name}"):
            for event in self.events(name, since=since):
                since = event.id
                if event.resource == name:
                    has_ended = not event.is_under_way
                report(event)
            stack = self._described(name)
            if stack is None or (has_ended and stack.is_begun and not stack.is_busy):
                return stack
        raise AssertionError  # the polls end with an error

    def events(self, name: str, *, since: str | None) -> list[StackEvent]:
        """Return what has happened to the stack *name* after the event *since*, the oldest first.

        ``None`` is for everything. Of very many it is the newest.
        """
        found: list[StackEvent] = []
        arguments = {"StackName": name}
        with self._errors("DescribeStackEvents", name):
            while len(found) < MAX_STACK_EVENTS:
                try:
                    page = self._client.describe_stack_events(**arguments)
                except ClientError as e:
                    if _is_absent(e):
                        break
                    raise
                for one in page["StackEvents"]:
                    if one["EventId"] == since:
                        return found[::-1]
                    found.append(_event(one))
                if not page.get("NextToken"):
                    break
                arguments["NextToken"] = page["NextToken"]
        return found[::-1]

    def newest_event(self, name: str) -> str | None:
        """Return the id of the last thing that has happened to the stack *name*."""
        with self._errors("DescribeStackEvents", name):
            events = self._client.describe_stack_events(StackName=name)["StackEvents"]
            return events[0]["EventId"] if events else None

    def failure(self, stack: Stack, failed: Sequence[StackEvent]) -> StartifactError:
        """Return the error for *stack*, which is as it is because of what has *failed*."""
        what = f"could not make stack {stack.name} as planned, and left it {stack.status}"
        said = [f"{event.resource}: {said_by_aws(event.reason)}" for event in failed]
        said = said or [said_by_aws(stack.reason or "no reason was given")]
        lines = "".join(f"\n  {line}" for line in said)
        reasons = " ".join(event.reason for event in failed) or stack.reason
        error = self._refusal(what, reasons)
        return type(error)(f"{self._region} {what}:{lines}", hint=error.next_step)

    def _refusal(self, what: str, reason: str) -> AccessDeniedError | ServiceRefusedError:
        """Return the error for something that CloudFormation has refused for *reason*."""
        message = f"{self._region} {what}: {said_by_aws(reason)}"
        if denied := advice.denied_in(reason):
            return AccessDeniedError(message, hint=advice.for_denial(*denied, reason))
        return ServiceRefusedError(
            message, hint="Change what CloudFormation names, and run the same again: that is safe"
        )

    def _polls(self, what: str) -> Iterator[None]:
        """Yield now, and again and again with longer and longer pauses.

        Raises:
            UndeterminedError: The time for it has passed.
        """
        end = time.monotonic() + self._limits.stack_seconds
        polls = 0
        while True:
            yield
            polls += 1
            if time.monotonic() > end:
                raise UndeterminedError(
                    f"{self._region} has not done with {what} after "
                    f"{self._limits.stack_seconds:,.0f} s",
                    hint="CloudFormation goes on: run the same again later, which waits for it",
                )
            pause_for(pause_seconds(self._limits.stack_poll, polls))

    def _errors(self, action: str, name: str) -> Any:
        return aws_errors(f"cloudformation:{action}", region=self._region, resource=f"stack {name}")


def _is_absent(error: ClientError) -> bool:
    message = str(error.response.get("Error", {}).get("Message", ""))
    return code_of(error) == "ValidationError" and "does not exist" in message


def _change(given: Mapping[str, Any]) -> ResourceChange:
    change = given.get("ResourceChange", {})
    return ResourceChange(
        action=str(change.get("Action", "")),
        name=str(change.get("LogicalResourceId", "")),
        kind=str(change.get("ResourceType", "")),
        replaces=change.get("Replacement") == "True",
    )


def _event(given: Mapping[str, Any]) -> StackEvent:
    return StackEvent(
        id=given["EventId"],
        resource=given.get("LogicalResourceId", ""),
        status=given.get("ResourceStatus", ""),
        reason=given.get("ResourceStatusReason", ""),
    )
