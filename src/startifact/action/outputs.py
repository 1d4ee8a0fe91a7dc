"""The outputs of the step."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from startifact.action.inputs import StepInputs, exact, valid_by_itself
from startifact.action.long_text import shortened
from startifact.action.paths import (
    for_later_steps,
    in_host_names,
    region_for_later_steps,
    uri_for_later_steps,
)
from startifact.action.runner import Runner
from startifact.commands.inputs import CopyInputs
from startifact.commands.results import (
    ArtifactResult,
    DownloadResult,
    ProjectResult,
    facts_of_result,
    locations_of_result,
    safe_filename,
    version_of,
)
from startifact.definitions import OutputDefinition
from startifact.errors import (
    ConflictError,
    InputError,
    StagingFailedError,
    StartifactError,
    with_notes,
)
from startifact.hints import in_workflow
from startifact.limits import MAX_LIST_OUTPUT_BYTES, MIN_KEY_ID_CHARACTERS, SIGNAL_EXIT_CODE
from startifact.options import listed
from startifact.reading.artifact import Artifact
from startifact.report import facts_of, locations_of_artifact, locations_of_outcomes
from startifact.settings import Settings

logger = logging.getLogger(__name__)

FAILURES: Mapping[int, str] = {
    1: "bug",
    2: "invalid-input",
    3: "not-found",
    4: "conflict",
    5: "undetermined",
    6: "access-denied",
    7: "integrity",
    8: "differences",
    9: "local-file",
    10: "refused",
}
"""What the output ``outcome`` is where a step failed, by its exit code."""

STOPPED = "stopped"
SUCCEEDED = "succeeded"

_LISTS = ("versions", "projects", "channels", "entries", "pruned", "differences", "checks")
"""Outputs that have an item for each of what there is, however much that is."""

_MASKED = frozenset({"link"})
"""Outputs that are masked in any case, and say so."""

_OF_ARTIFACT = ("stage", "download", "info", "link", "copy")

OUTPUTS: Mapping[str, OutputDefinition] = {
    output.name: output
    for output in (
        OutputDefinition(
            "outcome",
            "How the step ended, also where it failed: succeeded, or "
            f"{listed((*FAILURES.values(), STOPPED), 'or')}.",
        ),
        OutputDefinition("exit-code", "The exit code of the step, 0 where it succeeded."),
        OutputDefinition(
            "error",
            "Why the step failed, in words; empty where it succeeded. Text from outside may be in "
            "it: hand it to a script in env.",
        ),
        OutputDefinition("project", "The name of the project."),
        OutputDefinition(
            "version",
            "The version that was staged, downloaded, copied, linked to or found, without a "
            "leading v; of the command versions the newest one.",
        ),
        OutputDefinition("metadata", "The metadata, as a JSON object of strings.", _OF_ARTIFACT),
        OutputDefinition(
            "path",
            "The downloaded file, or the directory that it was extracted into, "
            "relative to the workspace when it is inside it, and else as the "
            "runner's host names it.",
            ("download",),
        ),
        OutputDefinition(
            "filename",
            "The stored file name, if there is one and it is safe to use as a file name.",
            _OF_ARTIFACT,
        ),
        OutputDefinition("sha256", "The SHA-256 of the artifact in hexadecimal.", _OF_ARTIFACT),
        OutputDefinition(
            "sha256-base64",
            "The same digest in Base64, as Lambda's CodeSha256 wants it.",
            _OF_ARTIFACT,
        ),
        OutputDefinition("size", "The size of the artifact in bytes.", _OF_ARTIFACT),
        OutputDefinition(
            "bucket",
            "The bucket, or the directory, of the first region that holds the artifact, for copy "
            "of those that it was copied to; a directory as in path.",
            _OF_ARTIFACT,
        ),
        OutputDefinition("key", "The key of the artifact in that bucket.", _OF_ARTIFACT),
        OutputDefinition("region", "The name of that region, as it was spelled.", _OF_ARTIFACT),
        OutputDefinition(
            "uri",
            "The address of the artifact there, s3://bucket/key or file:///path on the runner's "
            "host.",
            _OF_ARTIFACT,
        ),
        OutputDefinition(
            "object-version",
            "The version that the bucket has given to the object, if it keeps versions.",
            _OF_ARTIFACT,
        ),
        OutputDefinition(
            "locations",
            "A JSON array with an object for each region: region, bucket, key, object-version, "
            "uri, outcome, and error if there was one.",
            _OF_ARTIFACT,
        ),
        OutputDefinition(
            "created", "Whether this step made the version, true or false.", ("stage", "copy")
        ),
        OutputDefinition(
            "is-latest",
            "Whether latest points at the staged or copied version, true or false; after a dry "
            "run, whether it would.",
            ("stage", "copy"),
        ),
        OutputDefinition(
            "yanked",
            "Whether the version is yanked, true or false, or empty where too few regions said so "
            "to know; of copy, whether it is where it was copied from and so where it was copied "
            "to. After a dry run, whether it would be.",
            ("download", "info", "link", "yank", "unyank", "copy"),
        ),
        OutputDefinition(
            "link",
            "The link, for later steps of the same job alone: it is masked in the log, so that "
            "GitHub drops it from the outputs of the job. Whoever has it can download.",
            ("link",),
        ),
        OutputDefinition(
            "expires-at", "When the link stops working, such as 2026-11-01T08:00:00Z.", ("link",)
        ),
        OutputDefinition(
            "versions",
            "The versions that there are, or that were asked for, newest first, or that were "
            "compared, as a JSON array of at most 256 KiB: a warning says where it was cut.",
            ("versions", "verify"),
        ),
        OutputDefinition(
            "projects",
            "The projects that there are, by name, as a JSON array of at most 256 KiB: a warning "
            "says where it was cut.",
            ("projects",),
        ),
        OutputDefinition("channel", "The channel that was moved.", ("promote", "rollback")),
        OutputDefinition(
            "previous",
            "The version that the channel pointed at before; empty where there was none.",
            ("promote", "rollback"),
        ),
        OutputDefinition(
            "channels",
            "The channels of the project, as a JSON array of at most 256 KiB, which a warning says "
            "where it was cut: objects with channel, version, previous, moved-at, by, and history "
            "with the last moves. Of yank and unyank the names of those that point at the version.",
            ("channels", "yank", "unyank"),
        ),
        OutputDefinition(
            "entries",
            "The entries of the lock file that were locked, moved on or checked, as a JSON array "
            "of at most 256 KiB: project, selector, version, sha256 and size, and but for a check "
            "previous, which is the version before, and changed. A warning says where it was cut.",
            ("lock",),
        ),
        OutputDefinition(
            "pruned",
            "What became of each version that is to be removed, or was, as a JSON array of at most "
            "256 KiB: a warning says where it was cut. Its objects have version, outcome (marked, "
            "waiting, removed, lifted or incomplete), not-before, size, staged-at and error.",
            ("prune",),
        ),
        OutputDefinition(
            "differences",
            "What is not as it should be, as a JSON array of at most 256 KiB, which a warning says "
            "where it was cut: objects that verify gives kind, region, key and message, and lock "
            "project, selector, version, sha256, size, key, message and error.",
            ("verify", "lock"),
        ),
        OutputDefinition(
            "checks",
            "What works in each region and what does not, as a JSON array of at most 256 KiB: a "
            "warning says where it was cut. Its objects have region, check, state (ok, failed, "
            "unknown or not-tried), found and hint.",
            ("doctor",),
        ),
    )
}
"""Every output, from which action.yml has them."""


def outputs_of(
    result: ProjectResult, runner: Runner, error: StartifactError | None = None
) -> Mapping[str, str]:
    """Return every output of a step that has a result; those that do not apply are empty.

    *error* is why it failed all the same.
    """
    facts = {"version": version_of(result), **facts_of_result(result, in_workflow)}
    if isinstance(result, ArtifactResult):
        facts = _facts_of_artifact(facts, locations_of_result(result), runner)
        # Later steps would use it in a path.
        facts["filename"] = safe_filename(result.artifact)
        if "yanked" in facts:
            is_known = facts["yanked"] is not None or facts.get("yank-is-known", True)
            facts["yanked"] = facts["yanked"] is not None if is_known else None
    if isinstance(result, DownloadResult):
        facts["path"] = for_later_steps(result.path, runner)
    for name in _LISTS:
        if isinstance(values := facts.get(name), list):
            facts[name] = _fitting(name, values)
    return _texts({**facts, **_ending(error, runner)})


def _fitting(name: str, values: list[object]) -> list[object]:
    """Return the first of *values*, as many as an output may have; a warning says how many."""
    left = MAX_LIST_OUTPUT_BYTES - len("[]")
    for kept, value in enumerate(values):
        left -= len(_text([value]).encode()) - len("[]") + len(",")
        if left < 0:
            logger.warning(
                "the output %s has the first %s of %s: more than %d KiB would leave too little "
                "for the job's other outputs; ask for less, as with limit, range or entries",
                name, f"{kept:,}", f"{len(values):,}", MAX_LIST_OUTPUT_BYTES // 1024,
            )  # fmt: skip
            return values[:kept]
    return values


def outputs_of_failure(
    inputs: StepInputs | None,
    error: StartifactError,
    runner: Runner,
    known: Sequence[Artifact] = (),
) -> Mapping[str, str]:
    """Return every output of a step that ended with *error*: why, and what was known by then.

    *inputs* are ``None`` where they are not valid: what is valid by itself is known all the same.
    *known* is the artifact that was found.
    """
    facts: dict[str, object] = {}
    if inputs is not None:
        command = inputs.command
        facts["project"] = getattr(command, "project", None)
        facts["version"] = exact(getattr(command, "version", None))
        facts["channel"] = getattr(command, "channel", None)
    elif isinstance(error, InputError):
        facts["project"], facts["version"] = valid_by_itself()
    if isinstance(error, StagingFailedError | ConflictError):
        locations = locations_of_outcomes(error.outcomes)
        facts["locations"] = [_elsewhere(location, runner) for location in locations]
    for artifact in known:
        facts |= _facts_of_artifact(facts_of(artifact), locations_of_artifact(artifact), runner)
        facts["filename"] = safe_filename(artifact)
    return _texts({**facts, **_ending(error, runner)})


def _facts_of_artifact(
    facts: Mapping[str, object], locations: Sequence[Mapping[str, object]], runner: Runner
) -> dict[str, object]:
    """Return both, with directories as later steps can use them."""
    found = [_elsewhere(location, runner) for location in locations]
    return {**_elsewhere(facts, runner), "locations": found}


def _ending(error: StartifactError | None, runner: Runner) -> dict[str, object]:
    if error is None:
        return {"outcome": SUCCEEDED, "exit-code": 0, "error": None}
    code = error.exit_code
    return {
        "outcome": STOPPED if code > SIGNAL_EXIT_CODE else FAILURES.get(code, FAILURES[1]),
        "exit-code": code,
        "error": in_host_names(with_notes(shortened(error.message), error), runner),
    }


def _texts(facts: Mapping[str, object]) -> dict[str, str]:
    return {name: _text(facts.get(name)) for name in OUTPUTS}


def _elsewhere(facts: Mapping[str, object], runner: Runner) -> dict[str, object]:
    """Return *facts* with the directory of a ``file:`` region as later steps can use it."""
    region, bucket, uri = (str(facts[name] or "") for name in ("region", "bucket", "uri"))
    named = dict(facts)
    if region:
        named["region"] = region_for_later_steps(region, runner)
    if uri.startswith("file:"):
        named["bucket"] = for_later_steps(Path(bucket), runner)
        named["uri"] = uri_for_later_steps(uri, runner)
    if facts.get("error"):
        named["error"] = in_host_names(str(facts["error"]), runner)
    return named


def warn_of_masked(outputs: Mapping[str, str], inputs: StepInputs, settings: Settings) -> None:
    """Warn once of outputs that hold what is often masked: a job would drop them."""
    to_role = inputs.command.to_role if isinstance(inputs.command, CopyInputs) else None
    key = settings.access_key_id or ""
    masked = {
        "the value of AWS_ACCESS_KEY_ID": key if len(key) >= MIN_KEY_ID_CHARACTERS else "",
        "the number of role-to-assume's AWS account": _account_of(inputs.role_to_assume),
        "the number of to-role's AWS account": _account_of(to_role),
    }
    found = {
        what: [
            name
            for name, value in outputs.items()
            if text and text in value and name not in _MASKED
        ]
        for what, text in masked.items()
    }
    clauses = [f"{what}: {', '.join(names)}" for what, names in found.items() if names]
    if clauses:
        logger.warning(
            "these outputs hold %s. Where it is masked, GitHub drops every output of a job that "
            "holds it; hand on the version and the SHA-256 instead",
            "; and ".join(clauses),
        )


def _account_of(role: str | None) -> str:
    return "".join((role or "").split(":")[4:5])


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
