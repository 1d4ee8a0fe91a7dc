"""What GitHub's runner says to the action, read once.

This is the only module that reads ``ACTIONS_*`` and ``RUNNER_*`` variables, those ``GITHUB_*`` ones
that are about the step, and the ``STARTIFACT_*`` ones that our own image and workflows set.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Self

from startifact.lazy_dataclasses import dataclass
from startifact.settings import variable_in

_ACTION = re.compile(r"[\w.-]+/[\w.-]+@[\w./-]+", re.ASCII)


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
        workspace, temp = variable_in(env, "GITHUB_WORKSPACE"), variable_in(env, "RUNNER_TEMP")
        folder = variable_in(env, "RUNNER_WORKSPACE")
        return cls(
            workspace=Path(workspace) if workspace else None,
            temp=Path(temp) if temp else None,
            output=variable_in(env, "GITHUB_OUTPUT") or "",
            summary=variable_in(env, "GITHUB_STEP_SUMMARY") or "",
            in_container=variable_in(env, "STARTIFACT_CONTAINER") is not None,
            in_workflow=variable_in(env, "GITHUB_ACTIONS") == "true",
            debug=variable_in(env, "RUNNER_DEBUG") == "1",
            folder=Path(folder) if folder else None,
            action=_action(env),
            form="/composite" if _composite_path(env) else "",
            token_url=variable_in(env, "ACTIONS_ID_TOKEN_REQUEST_URL") or "",
            token_bearer=variable_in(env, "ACTIONS_ID_TOKEN_REQUEST_TOKEN") or "",
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
    if named := variable_in(env, "STARTIFACT_ACTION"):
        return named if _ACTION.fullmatch(named) else None
    repository, ref = (
        variable_in(env, "GITHUB_ACTION_REPOSITORY"),
        variable_in(env, "GITHUB_ACTION_REF"),
    )
    return f"{repository}@{ref}" if repository and ref else None


def _composite_path(env: Mapping[str, str]) -> str | None:
    path = (variable_in(env, "GITHUB_ACTION_PATH") or "").replace("\\", "/").rstrip("/")
    in_container = variable_in(env, "STARTIFACT_CONTAINER") is not None
    return path if path.endswith("/composite") and not in_container else None
