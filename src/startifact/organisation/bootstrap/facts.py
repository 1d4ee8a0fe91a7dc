"""What a plan and its outcome report to programs."""

from startifact.organisation.bootstrap.deployment import StackOutcome
from startifact.organisation.bootstrap.lines import Action, StackPlan

_DONE = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.UNCHANGED: "unchanged",
}
_TO_BE_DONE = {
    Action.CREATE: "would-create",
    Action.UPDATE: "would-update",
    Action.UNCHANGED: "unchanged",
}


def facts_of_plan(one: StackPlan) -> dict[str, object]:
    """Return what is planned for one stack, and for what it is about."""
    return {
        "region": one.region,
        "stack": one.name,
        "parameters": dict(one.parameters),
        "plan": [
            {
                "action": line.action.value,
                "kind": line.kind,
                "name": line.name,
                "details": list(line.details),
            }
            for line in one.lines
        ],
    }


def outcome_of(one: StackPlan, done: StackOutcome | None) -> str:
    """Return what became of one stack, or would become of it."""
    return _TO_BE_DONE[one.action] if done is None else _DONE[done.action]
