"""The outputs of the step."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from startifact.action.commands import ProjectResult, Result, safe_filename
from startifact.action.inputs import Inputs
from startifact.action.paths import for_later_steps, region_for_later_steps, uri_for_later_steps
from startifact.report import facts_of, locations_of_artifact, locations_of_staging
from startifact.settings import Runner, Settings

logger = logging.getLogger(__name__)

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


_MIN_KEY = 16
"""How long the key ids of AWS are at least. Other stores have words, which anything may hold."""


def outputs_of(result: Result, runner: Runner) -> Mapping[str, str]:
    """Return every output of a step that succeeded; those that do not apply are empty."""
    if isinstance(result, ProjectResult):
        known = {"project": result.project, "version": result.version}
        return {name: known.get(name, "") for name in OUTPUTS}
    staging = result.staging
    locations = (
        locations_of_artifact(result.artifact) if staging is None else locations_of_staging(staging)
    )
    facts = {
        **_elsewhere(facts_of(result.artifact), runner),
        "path": None if result.path is None else for_later_steps(result.path, runner),
        # Later steps would use it in a path.
        "filename": safe_filename(result.artifact),
        "locations": [_elsewhere(location, runner) for location in locations],
        "created": None if staging is None else staging.created,
        "is-latest": None if staging is None else staging.is_latest,
    }
    return {name: _text(facts[name]) for name in OUTPUTS}


def _elsewhere(facts: Mapping[str, object], runner: Runner) -> dict[str, object]:
    """Return *facts* with the directory of a ``file:`` region as later steps can use it."""
    region, bucket, uri = (str(facts[name] or "") for name in ("region", "bucket", "uri"))
    named = dict(facts)
    if region:
        named["region"] = region_for_later_steps(region, runner)
    if uri.startswith("file:"):
        named["bucket"] = for_later_steps(Path(bucket), runner)
        named["uri"] = uri_for_later_steps(uri, runner)
    return named


def warn_of_masked(outputs: Mapping[str, str], inputs: Inputs, settings: Settings) -> None:
    """Warn once of outputs that hold what is often masked: a job would drop them."""
    account = (inputs.role_to_assume or "").split(":")[4:5]
    key = settings.access_key_id or ""
    masked = {
        "the value of AWS_ACCESS_KEY_ID": key if len(key) >= _MIN_KEY else "",
        "the number of role-to-assume's AWS account": "".join(account),
    }
    found = {
        what: [name for name, value in outputs.items() if text and text in value]
        for what, text in masked.items()
    }
    held = [f"{what}: {', '.join(names)}" for what, names in found.items() if names]
    if held:
        logger.warning(
            "these outputs hold %s. Where it is masked, GitHub drops every output of a job that "
            "holds it; hand on the version and the SHA-256 instead",
            "; and ".join(held),
        )


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
