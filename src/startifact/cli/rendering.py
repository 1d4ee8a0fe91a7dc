"""Results in words: lines for people, with everything in them escaped."""

import json
from collections.abc import Mapping, Sequence
from typing import assert_never

from startifact.cli.bootstrap import BootstrapResult, TemplateResult
from startifact.cli.channel_rendering import register_info, register_output
from startifact.cli.commands import OutputResult, PrintedResult, Result
from startifact.cli.console import filled, filled_lines, narrow_table, table
from startifact.cli.doctor_rendering import doctor_output
from startifact.cli.entry_rendering import entry_lines
from startifact.cli.policy import PolicyResult
from startifact.cli.setup import SetupResult
from startifact.commands.archives import archive_line, size_or_target
from startifact.commands.doctor import DoctorResult
from startifact.commands.link import LinkResult
from startifact.commands.lock import LockCheckResult, LockResult
from startifact.commands.results import (
    ChannelsResult,
    DownloadResult,
    InfoResult,
    ProjectListResult,
    PromotionResult,
    PruneResult,
    RepairResult,
    StageResult,
    VerifyResult,
    VersionsResult,
    YankResult,
    extracted_text,
    yank_not_known,
    yank_of_copy,
)
from startifact.organisation.setup import RegionSetup
from startifact.reading.artifact import Artifact
from startifact.reading.outcomes import RegionOutcome, State
from startifact.repair.log import Repair
from startifact.repair.verify import Finding, Verification
from startifact.report import locations_of_artifact
from startifact.staging.outcomes import Staging
from startifact.text import escape_nonprintable, in_one_line, quoted


def as_json(value: Mapping[str, object]) -> str:
    """Return *value* as JSON in ASCII, so that nothing in it can move a cursor."""
    return json.dumps(value, indent=2, ensure_ascii=True)


def output_lines(result: Result, columns: int | None = None, *, colours: bool = False) -> list[str]:
    """Return the lines for programs that did not ask for JSON, and for pipes.

    *columns* is how wide the terminal is that shows them, if one does; *colours* whether they may
    have some.
    """
    match result:
        case StageResult(staging=staging):
            return [str(staging.artifact)]
        case DownloadResult(path=path):
            return [str(path)]
        case InfoResult(artifact=artifact):
            return artifact_lines(artifact, columns)
        case ProjectListResult() | VersionsResult():
            return _listing(result, columns)
        case PromotionResult() | ChannelsResult() | YankResult() | PruneResult():
            return register_output(result, columns)
        case VerifyResult(verification=found):
            return [_difference_line(d) for d in found.differences]
        case DoctorResult(diagnosis=diagnosis):
            return doctor_output(diagnosis, columns, colours=colours)
        case (
            LinkResult()
            | LockResult()
            | LockCheckResult()
            | PolicyResult()
            | BootstrapResult()
            | TemplateResult()
        ):
            return result.output()
        case RepairResult() | SetupResult() | OutputResult() | PrintedResult():
            return []
        case _:
            assert_never(result)


def _listing(result: ProjectListResult | VersionsResult, columns: int | None) -> list[str]:
    if isinstance(result, ProjectListResult):
        return list(result.projects)
    return list(entry_lines(result.entries, long=result.long, columns=columns))


def info_lines(result: Result, columns: int | None = None) -> list[str]:
    """Return the lines for people, for a terminal with *columns* if one shows them."""
    match result:
        case StageResult(staging=staging):
            return staging_lines(staging, columns)
        case DownloadResult():
            return download_lines(result)
        case OutputResult(artifact=artifact):
            return [download_line(artifact, "on standard output")]
        case PromotionResult() | ChannelsResult() | YankResult() | PruneResult():
            return register_info(result)
        case (
            InfoResult()
            | ProjectListResult()
            | VersionsResult()
            | PrintedResult()
            | BootstrapResult()
            | TemplateResult()
        ):
            return []
        case VerifyResult(verification=found, regions=regions):
            return [verification_line(found, len(regions))]
        case RepairResult(repair=done):
            return repair_lines(done)
        case LinkResult() | LockResult() | LockCheckResult() | DoctorResult() | PolicyResult():
            return filled_lines(result.lines(), columns)
        case SetupResult(outcomes=outcomes, parameter=parameter):
            return setup_lines(outcomes, parameter, columns)
        case _:
            assert_never(result)


def staging_lines(staging: Staging, columns: int | None = None) -> list[str]:
    """Return what *staging* did, for a terminal with *columns* if one shows it."""
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
        *filled(f"{artifact.size:,} bytes, {_digest(artifact)}", "  ", "  ", columns),
        *archive_lines(staging),
        f"  {_latest(staging)}",
        *(f"  {line}" for line in yank_of_copy(staging)),
        *narrow_table((_outcome(o) for o in staging.outcomes), columns),
    ]


def archive_lines(staging: Staging) -> list[str]:
    """Return what is said of the archive that was made, in a dry run with its members."""
    if staging.archive_counts is None:
        return []
    lines = [f"  {archive_line(staging.archive_counts, staging.artifact)}"]
    return lines + table((size_or_target(m), m.path) for m in staging.members)


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


def artifact_lines(artifact: Artifact, columns: int | None = None) -> list[str]:
    """Return everything that is known about *artifact*, likewise."""
    facts = {
        "size": f"{artifact.size:,} bytes",
        "sha256": artifact.sha256,
        "archive": artifact.archive,
        "tree": artifact.tree,
        "file name": artifact.filename,
        "staged at": artifact.staged_at_text,
        "repository": artifact.repository,
        "commit": artifact.commit,
        "ref": artifact.ref,
        "run": artifact.run,
        "actor": artifact.actor,
        "yanked": artifact.yank.reason if artifact.yank else yank_not_known(artifact),
    }
    known = ((name, value) for name, value in facts.items() if value)
    lines = [str(artifact), *narrow_table(known, columns)]
    if len(artifact):
        lines += ["metadata", *narrow_table(artifact.items(), columns)]
    rows = [
        (
            str(x["region"]),
            str(x["outcome"]),
            "; ".join(str(text) for text in (x["uri"], x.get("error")) if text),
        )
        for x in locations_of_artifact(artifact)
    ]
    passed = [(str(p.version), p.why) for p in artifact.passed_over]
    if passed:
        lines += ["passed over", *narrow_table(passed, columns)]
    return [*lines, "regions", *narrow_table(rows, columns)]


def download_lines(result: DownloadResult) -> list[str]:
    """Return where what was downloaded is, and what is there where it was extracted."""
    path, done = quoted(str(result.path), 1000), result.extraction
    if done is None:
        return [download_line(result.artifact, f"at {path}")]
    return [
        download_line(result.artifact, f"extracted into {path}"),
        f"  {extracted_text(done)}",
    ]


def download_line(artifact: Artifact, where: str) -> str:
    """Return what is *where* now."""
    return f"{artifact} is {where}: {artifact.size:,} bytes, {_digest(artifact)}"


def setup_lines(
    outcomes: Sequence[RegionSetup], parameter: str, columns: int | None = None
) -> list[str]:
    """Return what became of *parameter* in every region."""
    lines = []
    for outcome, line in zip(
        outcomes, table((o.region, f"{parameter} {o.state}") for o in outcomes), strict=True
    ):
        lines.append(line)
        for change in outcome.changes:
            lines += filled(escape_nonprintable(change), "    ", "      ", columns)
    return lines


def verification_line(found: Verification, regions: int) -> str:
    """Return what a comparison of *regions* regions found, in short."""
    count, answers = len(found.versions), regions - len(found.failures)
    versions = "1 version" if count == 1 else f"{count} versions"
    result = "they differ" if found.differences else "nothing differs"
    return f"{found.project}: {versions} in {answers} of {regions} regions compared, {result}"


def repair_lines(done: Repair) -> list[str]:
    """Return what a repair did."""
    lines = [f"{step.region}: {step.message}" for step in done.steps]
    if not lines:
        return ["there is nothing to do" if done else "nothing was done"]
    return [f"dry run, nothing is written: {done.project}" if done.dry_run else "done:", *lines]


def _difference_line(found: Finding) -> str:
    """Return *found* for programs: kind, key, region and reason, always all four."""
    reason = found.message.removeprefix(f"{found.region}: ")
    return escape_nonprintable(in_one_line(f"{found.kind}: {found.key}: {found.region}: {reason}"))
