"""Results in words: lines for people, with everything in them escaped."""

import json
from collections.abc import Mapping, Sequence

from startifact.cli.console import table
from startifact.organisation.setup import RegionSetup
from startifact.reading.artifact import Artifact
from startifact.reading.outcomes import RegionOutcome, State
from startifact.report import locations_of_artifact
from startifact.staging.outcomes import Staging
from startifact.text import escape_nonprintable, quoted


def as_json(value: Mapping[str, object]) -> str:
    """Return *value* as JSON in ASCII, so that nothing in it can move a cursor."""
    return json.dumps(value, indent=2, ensure_ascii=True)


def staging_lines(staging: Staging) -> list[str]:
    """Return what *staging* did."""
    artifact = staging.artifact
    if staging.dry_run and _would_write(staging):
        first = f"dry run, nothing is written: {artifact} would be staged"
    elif staging.dry_run:
        first = f"dry run: {artifact} is staged already, nothing would be written"
    elif staging.created:
        first = f"staged {artifact}"
    elif any(o.state is State.CREATED for o in staging.outcomes):
        first = f"{artifact} was staged already; regions that lacked it have it now"
    else:
        first = f"{artifact} is staged already"
    return [
        first,
        f"  {artifact.size:,} bytes, {_digest(artifact)}",
        f"  {_latest(staging)}",
        *table(_outcome(o) for o in staging.outcomes),
    ]


def _digest(artifact: Artifact) -> str:
    return f"sha256:{artifact.sha256}" if artifact.sha256 else "no recorded digest"


def _would_write(staging: Staging) -> bool:
    return any(outcome.state is State.WOULD_CREATE for outcome in staging.outcomes)


def _latest(staging: Staging) -> str:
    if staging.dry_run and _would_write(staging):
        return "latest would move to it" if staging.is_latest else "latest would stay where it is"
    return "latest points at it" if staging.is_latest else "latest points at another version"


def _outcome(outcome: RegionOutcome) -> tuple[str, str, str, str]:
    return (
        outcome.region,
        outcome.state,
        f"{outcome.seconds:.1f} s",
        outcome.location.uri if outcome.location else "",
    )


def artifact_lines(artifact: Artifact) -> list[str]:
    """Return everything that is known about *artifact*."""
    facts = {
        "size": f"{artifact.size:,} bytes",
        "sha256": artifact.sha256,
        "file name": artifact.filename,
        "staged at": artifact.staged_at_text,
        "repository": artifact.repository,
        "commit": artifact.commit,
        "ref": artifact.ref,
        "run": artifact.run,
        "actor": artifact.actor,
    }
    lines = [str(artifact), *table((name, value) for name, value in facts.items() if value)]
    if len(artifact):
        lines += ["metadata", *table(artifact.items())]
    rows = [
        (str(x["region"]), str(x["outcome"]), str(x["uri"] or x.get("error") or ""))
        for x in locations_of_artifact(artifact)
    ]
    return [*lines, "regions", *table(rows)]


def download_line(artifact: Artifact, path: str) -> str:
    """Return what is at *path* now."""
    return f"{artifact} is at {quoted(path, 1000)}: {artifact.size:,} bytes, {_digest(artifact)}"


def setup_lines(outcomes: Sequence[RegionSetup], parameter: str) -> list[str]:
    """Return what became of *parameter* in every region."""
    lines = []
    for outcome, line in zip(
        outcomes, table((o.region, f"{parameter} {o.state}") for o in outcomes), strict=True
    ):
        lines += [line, *(f"    {escape_nonprintable(change)}" for change in outcome.changes)]
    return lines
