"""What a command reports to programs: the same facts, under the same names, from every way in.

The names are those of the action's outputs and of the command line's JSON. Values are strings,
numbers, booleans, lists and dictionaries; ``None`` stands for what does not apply or is not known.
Text in them may come from outside: it is not escaped here.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from semver import Version

from startifact.channels.overview import ChannelOverview
from startifact.channels.promotion import Promotion
from startifact.errors import (
    ConflictError,
    SetupFailedError,
    StagingFailedError,
    StartifactError,
    with_notes,
)
from startifact.files.archiving.members import Member
from startifact.hints import Words
from startifact.model.clock import seconds_text
from startifact.model.tree import MemberType
from startifact.organisation.setup import RegionSetup
from startifact.reading.artifact import Artifact
from startifact.reading.linking import Link
from startifact.reading.outcomes import RegionOutcome, State, may_be_majority
from startifact.reading.version_entries import VersionEntry
from startifact.regions.interface import Location
from startifact.registers.marks import Yank
from startifact.repair.log import Repair
from startifact.repair.verify import Verification
from startifact.retention.plan import Pruning
from startifact.retention.yanking import Yanking
from startifact.staging.outcomes import Staging

if TYPE_CHECKING:
    from startifact.organisation.doctor import Diagnosis


def facts_of(artifact: Artifact) -> dict[str, object]:
    """Return everything that is known about *artifact*.

    ``bucket``, ``key``, ``region``, ``uri`` and ``object-version`` are those of the first region,
    in the configured order, that holds it and can deliver it, or else holds it in an archive;
    ``None`` where none does, as in a dry run.
    """
    locations = locations_of_artifact(artifact)
    first = {x["outcome"]: x for x in reversed(locations)}
    holds = first.get(State.PRESENT) or first.get(State.ARCHIVED) or {}
    return {
        "project": artifact.project,
        "version": str(artifact.version),
        "metadata": dict(artifact),
        "filename": artifact.filename,
        "sha256": artifact.sha256 or None,
        "sha256-base64": base64.b64encode(bytes.fromhex(artifact.sha256)).decode() or None,
        "size": artifact.size,
        "archive": artifact.archive,
        "tree": artifact.tree,
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


def facts_of_choice(artifact: Artifact) -> dict[str, object]:
    """Return what is to be known of *artifact* by whoever has chosen it."""
    return {
        "held-by-majority": may_be_majority(artifact.downloader.outcomes()),
        "yanked": _facts_of_yank(artifact.yank),
        "yank-is-known": artifact.yank_is_known,
        "passed-over": [
            {"version": str(passed.version), "why": passed.why} for passed in artifact.passed_over
        ],
    }


def facts_of_link(link: Link) -> dict[str, object]:
    """Return what a link is, and where it leads to; the ``link`` itself is a secret."""
    return {
        "bucket": link.location.bucket,
        "key": link.location.key,
        "region": link.location.region,
        "uri": link.location.uri,
        "object-version": link.object_version,
        "link": link.url,
        "expires-at": seconds_text(link.expires_at),
        "may-end-sooner": link.may_end_sooner,
    }


def _facts_of_yank(yank: Yank | None) -> dict[str, object] | None:
    if yank is None:
        return None
    return {"reason": yank.reason, "at": yank.at or None, "by": yank.yanked_by or None}


def facts_of_copy(staging: Staging) -> dict[str, object]:
    """Return what a copy did: the same as of a staging, and whether the copy was yanked too."""
    return {
        **facts_of_staging(staging),
        "yanked": _facts_of_yank(staging.yank),
        "yanked-already": staging.yanked_already,
    }


def facts_of_staging(staging: Staging) -> dict[str, object]:
    """Return what *staging* did: the artifact's facts, and what happened in every region.

    Of a dry run they say what would be in the archive.
    """
    listed = [_facts_of_member(m) for m in staging.members]
    members = {"members": listed} if listed else {}
    return {
        **facts_of(staging.artifact),
        "created": staging.created,
        "is-latest": staging.is_latest,
        "dry-run": staging.dry_run,
        **members,
        "locations": locations_of_staging(staging),
    }


def _facts_of_member(member: Member) -> dict[str, object]:
    return {
        "path": member.path,
        "type": member.type.value,
        "mode": f"{member.mode:04o}",
        "size": member.size if member.type is MemberType.FILE else None,
        "target": member.target,
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


def facts_of_promotion(promotion: Promotion) -> dict[str, object]:
    """Return what a promotion, a rollback or the removal of a channel did."""
    return {
        "project": promotion.project,
        "channel": promotion.channel,
        "version": _version(promotion.version),
        "previous": _version(promotion.previous),
        "changed": promotion.changed,
        "moved-at": promotion.moved_at or None,
        "by": promotion.moved_by or None,
        "dry-run": promotion.dry_run,
        "regions": list(promotion.regions),
        "failures": _failures(promotion.failures),
    }


def _failures(failures: Mapping[str, StartifactError]) -> list[dict[str, object]]:
    return [{"region": region, "error": error.message} for region, error in failures.items()]


def facts_of_yanking(yanking: Yanking) -> dict[str, object]:
    """Return what a yank, or taking one back, did."""
    return {
        "project": yanking.project,
        "version": str(yanking.version),
        "yanked": yanking.yank is not None,
        "reason": None if yanking.yank is None else yanking.yank.reason,
        "changed": yanking.changed,
        "channels": list(yanking.channels),
        "dry-run": yanking.dry_run,
        "regions": list(yanking.regions),
        "failures": _failures(yanking.failures),
    }


def facts_of_channel(channel: ChannelOverview) -> dict[str, object]:
    """Return what is known of one channel."""
    return {
        "channel": channel.channel,
        "version": _version(channel.version),
        "previous": _version(channel.previous),
        "moved-at": channel.moved_at or None,
        "by": channel.moved_by or None,
        "history": [
            {
                "version": _version(move.version),
                "moved-at": move.moved_at or None,
                "by": move.moved_by or None,
                "rollback": move.is_rollback,
            }
            for move in channel.history
        ],
    }


def facts_of_entry(entry: VersionEntry) -> dict[str, object]:
    """Return what a listing says of one version."""
    return {
        "version": str(entry.version),
        "size": entry.size,
        "staged-at": entry.staged_at_text or None,
        "digest": entry.digest or None,
        "channels": list(entry.channels),
        "yanked": _facts_of_yank(entry.yank),
        "trouble": entry.trouble or None,
    }


def _version(version: Version | None) -> str | None:
    return None if version is None else str(version)


def facts_of_verification(found: Verification, words: Words) -> dict[str, object]:
    """Return what a comparison of all regions found."""
    return {
        "project": found.project,
        "versions": [str(version) for version in found.versions],
        "differences": [
            {"kind": d.kind.value, "region": d.region, "key": d.key, "message": d.message}
            for d in found.differences
        ],
        "failures": _facts_of_failures(found.failures, words),
    }


def facts_of_pruning(done: Pruning, words: Words) -> dict[str, object]:
    """Return what a prune did, or would do."""
    return {
        "project": done.project,
        "dry-run": done.dry_run,
        "pruned": [
            {
                "version": str(version),
                "outcome": outcome.value,
                "not-before": None if planned is None else planned.not_before,
                "size": None if planned is None else planned.size,
                "staged-at": None if planned is None else planned.staged_at or None,
                "error": None
                if (error := done.incomplete.get(str(version))) is None
                else facts_of_error(error, words)["error"],
            }
            for version, outcome, planned in done.outcomes()
        ],
        "kept": [{"version": str(kept.version), "why": kept.why} for kept in done.kept],
        "failures": _facts_of_failures(done.failures, words),
    }


def facts_of_repair(done: Repair, words: Words) -> dict[str, object]:
    """Return what a repair did."""
    return {
        "project": done.project,
        "dry-run": done.dry_run,
        "steps": [
            {"action": s.action, "region": s.region, "key": s.key, "message": s.message}
            for s in done.steps
        ],
        "refusals": [facts_of_error(error, words)["error"] for error in done.refusals],
        "failures": _facts_of_failures(done.failures, words),
    }


def facts_of_diagnosis(diagnosis: "Diagnosis", words: Words) -> dict[str, object]:
    """Return what works in each region, and what does not."""
    return {
        "project": diagnosis.project,
        "for": diagnosis.operation,
        "checks": [
            {
                "region": found.region,
                "check": check.name,
                "state": check.state.value,
                "found": check.found,
                "hint": None if check.next_step is None else check.next_step.text(words),
            }
            for found in diagnosis.regions
            for check in found.checks
        ],
    }


def facts_of_setup(outcomes: Sequence[RegionSetup]) -> list[dict[str, object]]:
    """Return how each region came out of setting up."""
    return [
        {
            "region": outcome.region,
            "outcome": outcome.state.value,
            "changes": list(outcome.changes),
            "warning": outcome.warning,
            "error": None if outcome.error is None else outcome.error.message,
        }
        for outcome in outcomes
    ]


def _facts_of_failures(
    failures: Mapping[str, StartifactError], words: Words
) -> list[dict[str, object]]:
    return [
        {"region": region, "error": facts_of_error(error, words)["error"]}
        for region, error in failures.items()
    ]


def facts_of_error(error: StartifactError, words: Words) -> dict[str, object]:
    """Return what *error* says, each member that it refuses, and the outcomes of regions.

    The hint is in the *words* of the way in that shows it.
    """
    facts: dict[str, object] = {
        "error": {
            "message": with_notes(error.message, error),
            "hint": None if error.next_step is None else error.next_step.text(words),
            "exit-code": error.exit_code,
        }
    }
    if error.refused_members:
        facts["refused-members"] = [member._asdict() for member in error.refused_members]
    if isinstance(error, StagingFailedError | ConflictError):
        facts["locations"] = locations_of_outcomes(error.outcomes)
    if isinstance(error, SetupFailedError):
        facts["regions"] = facts_of_setup(error.outcomes)
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
