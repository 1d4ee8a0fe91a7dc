"""Change sets and failures of stacks as CloudFormation has them, and moto not.

In moto a second change set for a stack that is not there yet makes a second stack of that name, a
stack made by a change set has no outputs and no events of its resources, and what fails in one is a
failure of the service. It reads no ``!Condition``, and shows lists as Python does. Importing this
module corrects that; nothing else of moto is changed.
"""

import functools
import pickle
from typing import Any

import yaml
from moto.cloudformation import models, responses, utils
from moto.cloudformation.exceptions import (
    AlreadyExistsException,
    CloudFormationError,
    ValidationError,
)
from moto.cloudformation.models import ChangeSet, CloudFormationBackend, Event, Stack
from moto.core.exceptions import ServiceException

_construct = utils.yaml_tag_constructor
_parameters = Stack.parameter_list.fget  # type: ignore[attr-defined]
_create = CloudFormationBackend.create_change_set
_execute = CloudFormationBackend.execute_change_set


class InvalidChangeSetStatus(CloudFormationError):  # noqa: N818  # the service's own name
    """What CloudFormation calls it when a change set has been executed."""

    code = "InvalidChangeSetStatus"


def _change_set(
    backend: CloudFormationBackend, name: str, stack_name: str | None
) -> ChangeSet | None:
    return next(
        (
            one
            for one in backend.change_sets.values()
            if one.change_set_id == name
            or (one.change_set_name, one.stack_name) == (name, stack_name)
        ),
        None,
    )


def _named(backend: CloudFormationBackend, name: str) -> Stack | None:
    return next((stack for stack in backend.stacks.values() if stack.name == name), None)


def _create_change_set(
    self: CloudFormationBackend, stack_name: str, change_set_name: str, *rest: Any, **more: Any
) -> tuple[str, str]:
    """Make a change set; of a stack under review there is one, however often."""
    if _change_set(self, change_set_name, stack_name) is not None:
        raise AlreadyExistsException(f"ChangeSet {change_set_name} already exists")
    present = _named(self, stack_name)
    is_creation = "CREATE" in {more.get("change_set_type"), *(r for r in rest if r == "CREATE")}
    if present is None or not is_creation:
        return _create(self, stack_name, change_set_name, *rest, **more)
    if present.status != "REVIEW_IN_PROGRESS":
        raise ValidationError(stack_name, f"Stack [{stack_name}] already exists")
    del self.stacks[present.stack_id]
    change_set_id, stack_id = _create(self, stack_name, change_set_name, *rest, **more)
    # The id of a stack under review stays, and so do the change sets that were made for it.
    made = self.stacks.pop(stack_id)
    made.stack_id = present.stack_id
    self.stacks[present.stack_id] = made
    for change_set in self.change_sets.values():
        if change_set.stack_name == stack_name:
            change_set.stack = made
            change_set.stack_id = made.stack_id
    return change_set_id, made.stack_id


def _tag(loader: Any, tag: str, node: Any) -> Any:
    """Return what a short form of a function stands for; that of a condition is no function."""
    if tag == "!Condition":
        return {"Condition": loader.construct_scalar(node)}
    return _construct(loader, tag, node)


def _parameter_list(self: Stack) -> list[dict[str, Any]]:
    """Return the parameters of a stack, lists as they were given."""
    return [
        {**one, "ParameterValue": ",".join(value)}
        if isinstance(value := one["ParameterValue"], list)
        else one
        for one in _parameters(self)
    ]


@functools.cache
def _parsed(template: str) -> bytes:
    """Return what *template* says, pickled. In pure Python, and four times, it takes a second."""
    yaml.add_multi_constructor("", _tag, yaml.CLoader)
    return pickle.dumps(yaml.load(template, yaml.CLoader))


def _parse(template: str) -> Any:
    return pickle.loads(_parsed(template))


def _parse_change_set(self: ChangeSet) -> None:
    self.template_dict = _parse(self.template)


def _event(stack: Stack, resource: str, kind: str, status: str, reason: str = "") -> None:
    event = Event(
        stack_id=stack.stack_id,
        stack_name=stack.name,
        logical_resource_id=resource,
        physical_resource_id=resource,
        resource_type=kind,
        resource_status=status,
        resource_status_reason=reason or None,
        resource_properties=None,
    )
    stack.events.append(event)


def _execute_change_set(
    self: CloudFormationBackend, change_set_name: str, stack_name: str | None = None
) -> None:
    """Do what a change set says; what fails rolls the stack back."""
    change_set = _change_set(self, change_set_name, stack_name)
    if change_set is None or change_set.execution_status != "AVAILABLE":
        raise InvalidChangeSetStatus("the change set cannot be executed")
    stack = self.stacks[change_set.stack_id]
    verb = change_set.change_set_type
    try:
        _execute(self, change_set.change_set_id, stack_name)
    except ServiceException as e:
        reason = str(getattr(e, "message", e))
        _event(stack, "Bucket", "AWS::S3::Bucket", f"{verb}_FAILED", reason)
        stack._add_stack_event("ROLLBACK_IN_PROGRESS", resource_status_reason="it has failed")
        stack.status = "ROLLBACK_COMPLETE" if verb == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
        stack._add_stack_event(stack.status)
        return
    done = stack.events.pop()
    stack._parse_template()
    for name, resource in stack.template_dict["Resources"].items():
        if name in stack.resource_map._parsed_resources:
            _event(stack, name, resource["Type"], f"{verb}_COMPLETE")
    stack.events.append(done)
    stack.output_map = stack._create_output_map()


for module in (models, responses):
    vars(module)["yaml_tag_constructor"] = _tag
Stack.parse_template = staticmethod(_parse)  # type: ignore[method-assign]
ChangeSet._parse_template = _parse_change_set  # type: ignore[method-assign]
Stack.parameter_list = property(_parameter_list)  # type: ignore[assignment]
CloudFormationBackend.create_change_set = _create_change_set  # type: ignore[method-assign]
CloudFormationBackend.execute_change_set = _execute_change_set  # type: ignore[method-assign]
