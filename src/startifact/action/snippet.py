"""How to get what was staged: a step and a command that can be copied."""

import json
import shlex

from startifact.action.commands import ArtifactResult, safe_filename
from startifact.action.inputs import DEFAULTS, Inputs
from startifact.action.paths import region_for_later_steps
from startifact.model.configuration import DEFAULT_PARAMETER
from startifact.model.keys import artifact_key
from startifact.settings import Runner, Settings


def as_step(result: ArtifactResult, inputs: Inputs, settings: Settings, runner: Runner) -> str:
    """Return the step that downloads this very artifact with the same action."""
    saved = bool(safe_filename(result.artifact))
    lines = [
        f"- uses: {runner.action or f'OWNER/startifact{runner.form}@v1'}",
        "  with:",
        "    command: download",
        f"    project: {json.dumps(result.artifact.project)}",
        f"    version: {json.dumps(str(result.artifact.version))}",
        f"    path: {json.dumps(_path(result))}",
        *(['    load-filename: "true"'] if saved else []),
        "    regions: |",
        *(f"      {region}" for region in _regions(result, runner)),
    ]
    if parameter := _parameter(inputs, settings):
        lines.append(f"    configuration-parameter: {json.dumps(parameter)}")
    if inputs.aws_region is not None:
        lines.append(f"    aws-region: {json.dumps(inputs.aws_region)}")
    if inputs.role_to_assume is not None:
        lines.append(
            "    role-to-assume: arn:aws:iam::ACCOUNT:role/NAME # one that may download; "
            "the job needs the permission id-token: write"
        )
        if inputs.audience != DEFAULTS["audience"]:
            lines.append(f"    audience: {json.dumps(inputs.audience)}")
    return "\n".join(lines)


def as_command(result: ArtifactResult, inputs: Inputs, settings: Settings, runner: Runner) -> str:
    """Return the command that downloads it, to be run in the workspace."""
    artifact = result.artifact
    parameter = _parameter(inputs, settings)
    words = [
        *("startifact", "download", artifact_key(artifact.project, artifact.version)),
        _path(result),
        *(["--load-filename"] if safe_filename(artifact) else []),
        *("--regions", ",".join(_regions(result, runner))),
        *(["--configuration-parameter", parameter] if parameter else []),
    ]
    return shlex.join(words)


def _path(result: ArtifactResult) -> str:
    artifact = result.artifact
    return "." if safe_filename(artifact) else f"{artifact.project}-{artifact.version}"


def _regions(result: ArtifactResult, runner: Runner) -> list[str]:
    return [region_for_later_steps(region, runner) for region in result.regions]


def _parameter(inputs: Inputs, settings: Settings) -> str | None:
    """Return the parameter with the organisation configuration, where it is not the usual one."""
    parameter = inputs.configuration_parameter or settings.parameter
    return None if parameter == DEFAULT_PARAMETER else parameter
