"""The environment, read once.

This is the only module that reads ``STARTIFACT_*``, ``AWS_*``, ``GITHUB_*``, ``ACTIONS_*`` and
``RUNNER_*`` variables.
"""

import os
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from startifact.model.configuration import DEFAULT_PARAMETER
from startifact.model.record import UNKNOWN_ORIGIN, Origin

_ACTION = re.compile(r"[\w.-]+/[\w.-]+@[\w./-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says. A variable that is set but blank counts as not set."""

    regions: str | None = None
    """``STARTIFACT_REGIONS``: where artifacts are, when nobody names regions."""

    parameter: str = DEFAULT_PARAMETER
    """``STARTIFACT_PARAMETER``: the SSM parameter with the organisation configuration."""

    aws_region: str | None = None
    """``AWS_REGION`` or ``AWS_DEFAULT_REGION``."""

    access_key_id: str | None = field(default=None, repr=False)
    """``AWS_ACCESS_KEY_ID``, which says that there are credentials."""

    origin: Origin = UNKNOWN_ORIGIN
    """The workflow run, in a workflow."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Return the settings in *environ*, by default the process's own."""
        env = os.environ if environ is None else environ
        return cls(
            regions=_get(env, "STARTIFACT_REGIONS"),
            parameter=_get(env, "STARTIFACT_PARAMETER") or DEFAULT_PARAMETER,
            aws_region=_get(env, "AWS_REGION") or _get(env, "AWS_DEFAULT_REGION"),
            access_key_id=_get(env, "AWS_ACCESS_KEY_ID"),
            origin=_origin(env),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Where GitHub's runner wants things: the workspace and the files it reads after the step."""

    workspace: Path | None = None
    temp: Path | None = None
    output: str = ""
    summary: str = ""
    in_container: bool = False
    in_workflow: bool = False
    debug: bool = False
    folder: Path | None = None
    """The folder that the workspace is in, as the host knows it: ``RUNNER_WORKSPACE``."""

    action: str | None = None
    """How a workflow names this action and its version, where it is not a local one."""

    form: str = ""
    """What follows the action's repository where this is the form without a container."""

    token_url: str = ""
    """Where to ask for an OpenID Connect token; set only in jobs that may."""

    token_bearer: str = field(default="", repr=False)

    @property
    def is_confined(self) -> bool:
        """Whether a step keeps to the workspace and the temporary folder, in whichever form."""
        return self.in_container or self.in_workflow

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Return what the runner put into *environ*, by default the process's own."""
        env = os.environ if environ is None else environ
        workspace, temp = _get(env, "GITHUB_WORKSPACE"), _get(env, "RUNNER_TEMP")
        folder = _get(env, "RUNNER_WORKSPACE")
        return cls(
            workspace=Path(workspace) if workspace else None,
            temp=Path(temp) if temp else None,
            output=_get(env, "GITHUB_OUTPUT") or "",
            summary=_get(env, "GITHUB_STEP_SUMMARY") or "",
            in_container=_get(env, "STARTIFACT_CONTAINER") is not None,
            in_workflow=_get(env, "GITHUB_ACTIONS") == "true",
            debug=_get(env, "RUNNER_DEBUG") == "1",
            folder=Path(folder) if folder else None,
            action=_action(env),
            form="/composite" if _composite_path(env) else "",
            token_url=_get(env, "ACTIONS_ID_TOKEN_REQUEST_URL") or "",
            token_bearer=_get(env, "ACTIONS_ID_TOKEN_REQUEST_TOKEN") or "",
        )


def _action(env: Mapping[str, str]) -> str | None:
    """Return how a workflow names this action.

    Our own reusable workflows say it: they run what they have fetched, which has no name. In a
    composite action the runner's variables are about the actions it uses itself, but its path
    is ``.../_actions/OWNER/NAME/REF/composite``.
    """
    if path := _composite_path(env):
        _, found, rest = path.rpartition("/_actions/")
        parts = rest.split("/")[:-1]
        return f"{'/'.join(parts[:2])}/composite@{'/'.join(parts[2:])}" if found else None
    if named := _get(env, "STARTIFACT_ACTION"):
        return named if _ACTION.fullmatch(named) else None
    repository, ref = _get(env, "GITHUB_ACTION_REPOSITORY"), _get(env, "GITHUB_ACTION_REF")
    return f"{repository}@{ref}" if repository and ref else None


def _composite_path(env: Mapping[str, str]) -> str | None:
    path = (_get(env, "GITHUB_ACTION_PATH") or "").replace("\\", "/").rstrip("/")
    in_container = _get(env, "STARTIFACT_CONTAINER") is not None
    return path if path.endswith("/composite") and not in_container else None


def tidy_aws_environment(environ: MutableMapping[str, str] | None = None) -> None:
    """Make the AWS variables of this process mean what their author meant.

    Workflows leave variables blank where an expression gave nothing, and the SDK takes a blank
    profile for a profile. Secrets are pasted with the end of their line. And the SDK reads
    ``AWS_DEFAULT_REGION`` where people set ``AWS_REGION``.
    """
    env = os.environ if environ is None else environ
    for name in [n for n in env if n.startswith("AWS_")]:
        if text := env[name].strip():
            env[name] = text
        else:
            del env[name]
    if "AWS_REGION" in env:
        env["AWS_DEFAULT_REGION"] = env["AWS_REGION"]


def forget_aws_profile(environ: MutableMapping[str, str] | None = None) -> None:
    """Make this process take no profile for granted: the SDK fails where it does not exist."""
    env = os.environ if environ is None else environ
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        env.pop(name, None)


def _origin(env: Mapping[str, str]) -> Origin:
    if _get(env, "GITHUB_ACTIONS") != "true":
        return Origin()
    repository, run = _get(env, "GITHUB_REPOSITORY"), _get(env, "GITHUB_RUN_ID")
    server = _get(env, "GITHUB_SERVER_URL") or "https://github.com"
    return Origin(
        repository=repository,
        commit=_get(env, "GITHUB_SHA"),
        ref=_get(env, "GITHUB_REF"),
        run=f"{server}/{repository}/actions/runs/{run}" if repository and run else None,
        actor=_get(env, "GITHUB_ACTOR"),
    )


def _get(env: Mapping[str, str], name: str) -> str | None:
    return env.get(name, "").strip() or None
