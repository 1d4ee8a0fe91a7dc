"""The outputs of the step."""

import json
from collections.abc import Mapping

from startifact.action.commands import Result, safe_filename
from startifact.action.paths import for_later_steps
from startifact.report import facts_of, locations_of_artifact, locations_of_staging
from startifact.settings import Runner

OUTPUTS = (
    "project",
    "version",
    "metadata",
    "path",
    "filename",
    "sha256",
    "sha256-base64",
    "size",
    "bucket",
    "key",
    "region",
    "uri",
    "object-version",
    "locations",
    "created",
    "is-latest",
)
"""Every output, as they are in action.yml."""


def outputs_of(result: Result, runner: Runner) -> Mapping[str, str]:
    """Return every output of a step that succeeded; those that do not apply are empty."""
    staging = result.staging
    facts = {
        **facts_of(result.artifact),
        "path": None if result.path is None else for_later_steps(result.path, runner),
        # Later steps would use it in a path.
        "filename": safe_filename(result.artifact),
        "locations": (
            locations_of_artifact(result.artifact)
            if staging is None
            else locations_of_staging(staging)
        ),
        "created": None if staging is None else staging.created,
        "is-latest": None if staging is None else staging.is_latest,
    }
    return {name: _text(facts[name]) for name in OUTPUTS}


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
