"""How to get what was staged: a step and a command that can be copied."""

import json
import shlex

from startifact.action.inputs import INPUTS, StepInputs
from startifact.action.paths import region_for_later_steps
from startifact.action.runner import Runner
from startifact.commands.inputs import CopyInputs
from startifact.commands.results import ArtifactResult, safe_filename
from startifact.hints import Option, in_shell, in_workflow
from startifact.model.configuration import DEFAULT_PARAMETER
from startifact.model.keys import artifact_key
from startifact.settings import Settings

_ROLE = (
    "arn:aws:iam::ACCOUNT:role/NAME # one that may download; "
    "the job needs the permission id-token: write"
)


def as_step(result: ArtifactResult, inputs: StepInputs, settings: Settings, runner: Runner) -> str:
    """Return the step that downloads this very artifact with the same action."""
    artifact, audience = result.artifact, Option("audience", json.dumps(inputs.audience))
    given = [
        Option("command", "download"),
        Option("project", json.dumps(artifact.project)),
        Option("version", json.dumps(str(artifact.version))),
        Option("path", json.dumps(_path(result))),
    ]
    if safe_filename(artifact):
        given.append(Option("load-filename", json.dumps("true")))
    regions = "".join(f"\n      {region}" for region in _regions(result, runner))
    given.append(Option("regions", f"|{regions}"))
    if parameter := _parameter(inputs, settings):
        given.append(Option("configuration-parameter", json.dumps(parameter)))
    if inputs.aws_region is not None:
        given.append(Option("aws-region", json.dumps(inputs.aws_region)))
    to_role = isinstance(inputs.command, CopyInputs) and inputs.command.to_role is not None
    if inputs.role_to_assume is not None or to_role:
        given.append(Option("role-to-assume", _ROLE))
        given += [audience] if inputs.audience != INPUTS["audience"].default else []
    lines = [f"    {in_workflow(option)}" for option in given]
    uses = runner.action or f"OWNER/startifact{runner.form}@v1"
    return "\n".join([f"- uses: {uses}", "  with:", *lines])


def as_command(
    result: ArtifactResult, inputs: StepInputs, settings: Settings, runner: Runner
) -> str:
    """Return the command that downloads it, to be run in the workspace."""
    artifact = result.artifact
    options = {Option("regions"): ",".join(_regions(result, runner))}
    if parameter := _parameter(inputs, settings):
        options[Option("configuration-parameter")] = parameter
    words = [
        *("startifact", "download", artifact_key(artifact.project, artifact.version)),
        _path(result),
        *([in_shell(Option("load-filename"))] if safe_filename(artifact) else []),
        *(word for option, value in options.items() for word in (in_shell(option), value)),
    ]
    return shlex.join(words)


def _path(result: ArtifactResult) -> str:
    artifact = result.artifact
    return "." if safe_filename(artifact) else f"{artifact.project}-{artifact.version}"


def _regions(result: ArtifactResult, runner: Runner) -> list[str]:
    return [region_for_later_steps(region, runner) for region in result.regions]


def _parameter(inputs: StepInputs, settings: Settings) -> str | None:
    """Return the parameter with the organisation configuration, where it is not the usual one."""
    of_target = getattr(inputs.command, "to_configuration_parameter", None)
    parameter = of_target or inputs.session.configuration_parameter or settings.parameter
    return None if parameter == DEFAULT_PARAMETER else parameter
