"""What a plan says of each thing that it is about, and of the stack that has it."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from enum import StrEnum

from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_STACK_PARAMETER_CHARACTERS
from startifact.model.stacks import Stack, cure_of
from startifact.problems import Problems
from startifact.text import quoted

_CONFIGURATION = "Configuration"
"""The parameter of a stack that holds the organisation configuration."""


class Action(StrEnum):
    """What is to be done about something, or what there is to know of it."""

    CREATE = "create"
    UPDATE = "update"
    TAKE_IN = "take in"
    """It is there, and is used as it is."""

    UNCHANGED = "unchanged"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLine:
    """One thing that a plan is about."""

    action: Action
    kind: str
    """Such as ``bucket``."""

    name: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPlan:
    """What is to become of one stack."""

    region: str
    name: str
    action: Action
    template: str = field(repr=False)
    parameters: Mapping[str, str]
    lines: tuple[PlanLine, ...]
    """What is in it, and what is used beside it."""

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to do."""
        return self.action is not Action.UNCHANGED


def stack_plan(
    region: str,
    name: str,
    stack: Stack | None,
    template: str,
    parameters: Mapping[str, str],
    lines: tuple[PlanLine, ...],
) -> StackPlan:
    """Return what is to become of the stack *name* in *region*, which is now as *stack* says."""
    details: tuple[str, ...] = ()
    if stack is None or not stack.is_begun:
        action = Action.CREATE
    else:
        details = tuple(_stack_changes(stack, template, parameters))
        action = Action.UPDATE if details else Action.UNCHANGED
    line = PlanLine(action=action, kind="stack", name=name, details=details)
    return StackPlan(
        region=region,
        name=name,
        action=action,
        template=template,
        parameters=parameters,
        lines=(line, *lines),
    )


def _stack_changes(stack: Stack, template: str, parameters: Mapping[str, str]) -> Iterator[str]:
    """Yield what of *stack* is not as planned."""
    if stack.template.strip() != template.strip():
        yield "its template"
    for name, value in parameters.items():
        before = stack.parameters.get(name, "")
        if before != value:
            # What the configuration says is a line of its own.
            changes = (
                "" if name == _CONFIGURATION else f": {quoted(before)} becomes {quoted(value)}"
            )
            yield f"{name}{changes}"


def check_stack(stack: Stack | None, region: str, problems: Problems) -> None:
    """Add to *problems* why *stack* cannot be updated."""
    if stack is None or stack.can_be_updated:
        return
    if stack.is_busy:
        problems.say(
            f"stack {stack.name} in {region} is {stack.status}",
            hint="Wait until CloudFormation has done with it",
        )
        return
    why = f": {quoted(stack.reason)}" if stack.reason else ""
    problems.say(
        f"stack {stack.name} in {region} is {stack.status}, which nothing updates{why}",
        hint=cure_of(stack, region),
    )


def check_parameters(parameters: Mapping[str, str], problems: Problems) -> None:
    """Add to *problems* which of *parameters* CloudFormation does not take."""
    for name, value in parameters.items():
        if len(value) > MAX_STACK_PARAMETER_CHARACTERS:
            problems.say(
                f"{name} would have {len(value):,} characters, and CloudFormation takes at most "
                f"{MAX_STACK_PARAMETER_CHARACTERS:,}",
                hint="Name fewer repositories, branches, tags or environments",
            )
