"""What a command tells programs: the same facts, under the same names, from every way in.

The names are those of the action's outputs and of the command line's JSON. Values are strings,
numbers, booleans, lists and dictionaries; ``None`` stands for what does not apply or is not known.
Text in them may come from outside: it is not escaped here.
"""

import base64
from collections.abc import Sequence

from startifact.errors import ConflictError, StagingFailedError, StartifactError, with_notes
from startifact.hints import Words
from startifact.reading.artifact import Artifact
from startifact.reading.outcomes import RegionOutcome, State
from startifact.regions.interface import Location
from startifact.staging.outcomes import Staging


def facts_of(artifact: Artifact) -> dict[str, object]:
    """Return everything that is known about *artifact*.

    ``bucket``, ``key``, ``region``, ``uri`` and ``object-version`` are those of the first region,
    in the configured order, that holds it; ``None`` where none does, as in a dry run.
    """
    locations = locations_of_artifact(artifact)
    holds = next((x for x in locations if x["outcome"] == State.PRESENT), {})
    return {
        "project": artifact.project,
        "version": str(artifact.version),
        "metadata": dict(artifact),
        "filename": artifact.filename,
        "sha256": artifact.sha256 or None,
        "sha256-base64": base64.b64encode(bytes.fromhex(artifact.sha256)).decode() or None,
        "size": artifact.size,
        "bucket": holds.get("bucket"),
        "key": holds.get("key"),
        "region": holds.get("region"),
        "uri": holds.get("uri"),
        "object-version": holds.get("object-version"),
        "staged-at": artifact.staged_at_text or None,
        "repository": artifact.repository,
        "commit": artifact.commit,
        "ref": artifact.ref,
        "run": artifact.run,
        "actor": artifact.actor,
    }


def facts_of_staging(staging: Staging) -> dict[str, object]:
    """Return what *staging* did: the artifact's facts, and what happened in every region."""
    return {
        **facts_of(staging.artifact),
        "created": staging.created,
        "is-latest": staging.is_latest,
        "dry-run": staging.dry_run,
        "locations": locations_of_staging(staging),
    }


def locations_of_staging(staging: Staging) -> list[dict[str, object]]:
    """Return every region's outcome, in the configured order."""
    return locations_of_outcomes(staging.outcomes)


def locations_of_outcomes(outcomes: Sequence[RegionOutcome]) -> list[dict[str, object]]:
    """Return *outcomes* as locations.

    ``error`` is there where the region failed, where its ``latest`` did not follow, or where it
    holds other content.
    """
    return [_location(o.region, o.location, o.object_version, o.state, o.error) for o in outcomes]


def locations_of_artifact(artifact: Artifact) -> list[dict[str, object]]:
    """Return what every region holds of *artifact*, in the configured order."""
    return locations_of_outcomes(artifact.downloader.outcomes())


def facts_of_error(error: StartifactError, words: Words) -> dict[str, object]:
    """Return what *error* says, and every region's outcome where it is that of a staging.

    The hint is in the *words* of the way in that tells it.
    """
    facts: dict[str, object] = {
        "error": {
            "message": with_notes(error.message, error),
            "hint": None if error.next_step is None else error.next_step.text(words),
            "exit-code": error.exit_code,
        }
    }
    if isinstance(error, StagingFailedError | ConflictError):
        facts["locations"] = locations_of_outcomes(error.outcomes)
    return facts


def _location(
    region: str,
    location: Location | None,
    object_version: str | None,
    outcome: State,
    error: StartifactError | None,
) -> dict[str, object]:
    facts: dict[str, object] = {
        "region": region,
        "bucket": location.bucket if location else None,
        "key": location.key if location else None,
        "object-version": object_version,
        "uri": location.uri if location else None,
        "outcome": outcome.value,
    }
    if error is not None:
        facts["error"] = error.message
    return facts
