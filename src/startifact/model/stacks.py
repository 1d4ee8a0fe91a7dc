"""Stacks of CloudFormation: what there is of one, what is to change in it, and how that goes on."""

from collections.abc import Mapping
from dataclasses import field

from startifact.lazy_dataclasses import dataclass

REVIEW = "REVIEW_IN_PROGRESS"
"""A change set was made for a stack that there is not yet: nothing is in it."""

_IN_PROGRESS = "_IN_PROGRESS"
_CAN_BE_UPDATED = frozenset(
    {
        "CREATE_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
    }
)
_GO_BACK = "Let CloudFormation go back to what it was before"
_DONE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One stack, as CloudFormation describes it."""

    id: str
    name: str
    status: str
    reason: str = ""
    """Why it is in that state, in CloudFormation's words."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    template: str = field(default="", repr=False)
    """The text it was made of last."""

    @property
    def is_begun(self) -> bool:
        """Whether it has ever been more than a change set."""
        return self.status != REVIEW

    @property
    def is_busy(self) -> bool:
        """Whether something is being done to it."""
        return self.is_begun and self.status.endswith(_IN_PROGRESS)

    @property
    def can_be_updated(self) -> bool:
        """Whether a change set can be made for it, to update it or to create it."""
        return self.status == REVIEW or self.status in _CAN_BE_UPDATED

    @property
    def is_done(self) -> bool:
        """Whether the last thing that was done to it has succeeded."""
        return self.status in _DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    """What a change set does to one resource of a stack."""

    action: str
    """``Add``, ``Modify`` or ``Remove``, and some that are rarer."""

    name: str
    """The logical one, as in the template."""

    kind: str
    """Such as ``AWS::S3::Bucket``."""

    replaces: bool = False
    """Whether another one certainly takes its place."""

    @property
    def removes(self) -> bool:
        """Whether what there is goes."""
        return self.action == "Remove" or self.replaces


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """What CloudFormation would do to a stack."""

    name: str
    changes: tuple[ResourceChange, ...] = ()
    is_empty: bool = False
    """Whether it would do nothing; without a change of a resource, outputs may change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackEvent:
    """Something that happened to a stack, or to a resource in it."""

    id: str
    resource: str
    """The logical name, or that of the stack."""

    status: str
    reason: str = ""

    @property
    def is_under_way(self) -> bool:
        """Whether more is to come."""
        return self.status.endswith(_IN_PROGRESS)

    @property
    def has_failed(self) -> bool:
        """Whether that is why a stack was not made, and not only a consequence."""
        return self.status.endswith("_FAILED") and "cancelled" not in self.reason.lower()


def cure_of(stack: Stack, region: str) -> str:
    """Return what to do about a *stack* in *region* that cannot be updated, and is not busy."""
    where = f"--stack-name {stack.name} --region {region}"
    if stack.status == "UPDATE_ROLLBACK_FAILED":
        return f"{_GO_BACK}: aws cloudformation continue-update-rollback {where}"
    if stack.status == "UPDATE_FAILED":
        return f"{_GO_BACK}: aws cloudformation rollback-stack {where}"
    return (
        f"Delete the stack, and run this again: aws cloudformation delete-stack {where}. What was "
        "kept of it, such as a bucket, is taken in then"
    )
