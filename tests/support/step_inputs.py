"""The inputs of a step, by the names of the action's inputs."""

from startifact.action.inputs import INPUTS, StepInputs


def value_of(inputs: StepInputs, name: str) -> object:
    """Return what one input says, whichever part of the step it is for."""
    identifier = INPUTS[name].identifier
    parts = (inputs.command, inputs.session, inputs)
    return next(getattr(part, identifier) for part in parts if hasattr(part, identifier))
