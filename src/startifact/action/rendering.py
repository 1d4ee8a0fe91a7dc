"""Results in words: for the log, and for the job summary on the page of the run."""

from collections.abc import Iterable
from typing import assert_never

from startifact.action.channel_rendering import register_log, register_summary
from startifact.action.doctor_rendering import doctor_log, doctor_summary
from startifact.action.inputs import StepInputs
from startifact.action.links import origin_links
from startifact.action.listing_rendering import projects_summary, versions_summary
from startifact.action.lock_rendering import check_summary, lock_summary
from startifact.action.markdown import Lines, block, code, link, long_table, table, wrapped
from startifact.action.member_rendering import archive_facts, member_lines, members_summary
from startifact.action.paths import for_later_steps, region_for_later_steps, uri_for_later_steps
from startifact.action.runner import Runner
from startifact.action.snippet import as_command, as_step
from startifact.commands.archives import archive_line
from startifact.commands.doctor import DoctorResult
from startifact.commands.inputs import CopyInputs, DownloadInputs, InfoInputs, target_of
from startifact.commands.lock import LockCheckResult, LockResult
from startifact.commands.results import (
    ArtifactResult,
    ChannelsResult,
    DownloadResult,
    InfoResult,
    ProjectListResult,
    ProjectResult,
    PromotionResult,
    PruneResult,
    RepairResult,
    StageResult,
    VerifyResult,
    VersionsResult,
    YankResult,
    errors_of,
    exit_code_of,
    extracted_text,
    is_held_by_majority,
    is_named_by,
    yank_not_known,
    yank_of_copy,
)
from startifact.errors import (
    ConflictError,
    DifferencesError,
    StagingFailedError,
    StartifactError,
    with_notes,
)
from startifact.hints import in_workflow
from startifact.model.metadata import looks_like_secret
from startifact.reading.artifact import Artifact
from startifact.reading.outcomes import RegionOutcome, State
from startifact.regions.interface import Location
from startifact.report import locations_of_artifact
from startifact.settings import Settings
from startifact.staging.outcomes import Staging
from startifact.text import without_region

_REGIONS = ("Region", "Outcome", "Seconds", "Where", "Trouble")


def success(result: ProjectResult, inputs: StepInputs, settings: Settings, runner: Runner) -> Lines:
    """Return the summary of a step that has something to show."""
    match result:
        case StageResult() | DownloadResult() | InfoResult():
            return _artifact(result, inputs, settings, runner)
        case ProjectListResult(projects=projects):
            return projects_summary(projects)
        case VersionsResult():
            return versions_summary(result.project, result.entries)
        case PromotionResult() | ChannelsResult() | YankResult() | PruneResult():
            return register_summary(result)
        case LockResult():
            return lock_summary(result)
        case LockCheckResult():
            return check_summary(result, _ending(result, inputs))
        case DoctorResult(diagnosis=diagnosis):
            return doctor_summary(diagnosis, _ending(result, inputs))
        case VerifyResult():
            return _verification(result, inputs)
        case RepairResult():
            return _repair(result, inputs)
        case _:
            assert_never(result)


def log_lines(result: ProjectResult, runner: Runner) -> list[str]:
    """Return what the log says of a step that has something to show."""
    match result:
        case StageResult(staging=staging):
            verb = "would point" if staging.dry_run else "points"
            points = verb if staging.is_latest else "does not point"
            regions = [
                f"{region_for_later_steps(o.region, runner)}: {o.state} after {o.seconds:.1f} s"
                + (f", {uri_for_later_steps(o.location.uri, runner)}" if o.location else "")
                for o in staging.outcomes
            ]
            lines = [
                _bytes(result.artifact),
                *_archive_lines(staging),
                *regions,
                f"latest {points} at this version",
            ]
            return [*lines, *yank_of_copy(staging)]
        case DownloadResult(artifact=artifact):
            return [_bytes(artifact), _where(result, runner), *_origin_lines(artifact)]
        case InfoResult(artifact=artifact):
            return [_bytes(artifact), *_origin_lines(artifact)]
        case ProjectListResult(projects=names) | VersionsResult(versions=names):
            return [str(name) for name in names]
        case PromotionResult() | ChannelsResult() | YankResult() | PruneResult():
            return register_log(result)
        case LockResult() | LockCheckResult():
            return result.lines()
        case DoctorResult(diagnosis=diagnosis):
            return doctor_log(diagnosis)
        case VerifyResult(verification=found):
            count = len(found.versions)
            return [
                f"{count} {'version' if count == 1 else 'versions'} of {found.project} compared"
            ]
        case RepairResult(repair=done):
            # What was done has been said when it was.
            steps = [f"{s.region}: {s.message} (dry run)" for s in done.steps if done.dry_run]
            return steps if done.steps or not done else ["there is nothing to repair"]
        case _:
            assert_never(result)


def _where(result: DownloadResult, runner: Runner) -> str:
    path = for_later_steps(result.path, runner)
    if result.extraction is None:
        return f"downloaded to {path}"
    return f"extracted into {path}: {extracted_text(result.extraction)}"


def failure(inputs: StepInputs | None, error: StartifactError, runner: Runner) -> Lines:
    """Return the summary of a step that failed."""
    subject = "Startifact"
    if inputs is not None:
        target = target_of(inputs.command)
        subject = f"{inputs.command.command} {code(target)}" if target else inputs.command.command
    text = with_notes(error.message, error)
    if hint := _hint(error):
        text += f"\n\nHint: {hint}"
    lines = [f"### {subject} failed with exit code {error.exit_code}\n\n", wrapped(text)]
    if isinstance(error, StagingFailedError | ConflictError):
        lines += _outcomes(error.outcomes, runner)
    return lines


def rest_of(warnings: Iterable[str]) -> Lines:
    """Return the warnings that are no annotations, because there are enough of those."""
    rows = [(code(text),) for text in warnings]
    return table(("More warnings",), rows) if rows else []


_HIDDEN = "not shown: it looks like a secret"


def _artifact(
    result: ArtifactResult, inputs: StepInputs, settings: Settings, runner: Runner
) -> Lines:
    artifact = result.artifact
    staging = result.staging if isinstance(result, StageResult) else None
    facts = [
        ("Version", code(str(artifact.version))),
        ("Size", f"{artifact.size:,} bytes"),
        ("SHA-256", code(artifact.sha256) if artifact.sha256 else "not recorded"),
    ]
    yank = artifact.yank if staging is None else staging.yank
    if yank is not None:
        facts.append(("Yanked", _prefix_of_yank(staging) + code(yank.reason)))
    elif staging is None and (unknown := yank_not_known(artifact)):
        facts.append(("Yanked", code(unknown)))
    if artifact.filename is not None:
        facts.append(("File name", code(artifact.filename)))
    facts += [(label, code(text)) for label, text in archive_facts(artifact) if text]
    if staging is not None:
        would = "would be" if staging.dry_run else ""
        facts.append(("Latest", would or "yes" if staging.is_latest else "no"))
    if isinstance(result, DownloadResult):
        facts.append(("Path", code(for_later_steps(result.path, runner))))
        if result.extraction is not None:
            facts.append(("Extracted", extracted_text(result.extraction)))
    links = origin_links(artifact, settings.server)
    facts += [(label, link(text, links.get(label, ""))) for label, text in _origin(result)]
    selector = _selector(artifact, inputs)
    title = f"### {code(str(artifact))} {_what(result, inputs)}{selector}\n\n"
    lines = [title, *table(("", ""), facts)]
    lines += _outcomes(staging.outcomes, runner) if staging else _locations(artifact, runner)
    passed = [(code(str(p.version)), code(p.why)) for p in artifact.passed_over]
    lines += table(("Higher, and passed over", "Why"), passed) if passed else []
    if staging is None and not is_held_by_majority(artifact):
        lines.append(
            "No majority of the regions holds this version, so its staging may have failed. "
            "Staging the same again fills the others; so does `command: repair`.\n\n"
        )
    if staging and any(outcome.state is State.FAILED for outcome in staging.outcomes):
        again = "Copying" if isinstance(inputs.command, CopyInputs) else "Staging"
        lines.append(
            f"{again} the same again fills what is missing; so does `command: repair`.\n\n"
        )
    # Whoever can see the run can see its summary, and the runner masks only what it knows.
    rows = [
        (code(key), _HIDDEN if looks_like_secret(key) else code(value))
        for key, value in artifact.items()
    ]
    lines += long_table(("Metadata", ""), rows, "pairs of metadata")
    if staging is not None and staging.dry_run:
        lines += members_summary(staging.members)
    else:
        lines.append("To download it:\n\n")
        lines += [block(make(result, inputs, settings, runner)) for make in (as_step, as_command)]
    return lines


def _prefix_of_yank(staging: Staging | None) -> str:
    if staging is not None and staging.yanked_already:
        return "already: "
    return "would be: " if staging is not None and staging.dry_run else ""


def _selector(artifact: Artifact, inputs: StepInputs) -> str:
    """Return by what *artifact* was found, where that is not its version."""
    command = inputs.command
    if not isinstance(command, DownloadInputs | InfoInputs | CopyInputs):
        return ""
    return "" if is_named_by(artifact, command.version) else f" by {code(command.version)}"


def _archive_lines(staging: Staging) -> list[str]:
    if not staging.members:
        return []
    return [archive_line(staging.members, staging.artifact), *member_lines(staging)]


def _bytes(artifact: Artifact) -> str:
    return f"{artifact}: {artifact.digest}, {artifact.size:,} bytes"


def _origin_lines(artifact: Artifact) -> list[str]:
    return [f"{label.lower()}: {text}" for label, text in _origin_of(artifact)]


def _origin_of(artifact: Artifact) -> list[tuple[str, str]]:
    """Return what is recorded about the workflow run that staged *artifact*, with labels."""
    origin = {
        "Staged at": artifact.staged_at_text,
        "Repository": artifact.repository,
        "Commit": artifact.commit,
        "Ref": artifact.ref,
        "Run": artifact.run,
        "Actor": artifact.actor,
    }
    return [(name, value) for name, value in origin.items() if value]


def _origin(result: ArtifactResult) -> list[tuple[str, str]]:
    origin = _origin_of(result.artifact)
    if isinstance(result, StageResult) and _would_create(result.staging):
        return [(label, text) for label, text in origin if label != "Staged at"]
    return origin


def _would_create(staging: Staging) -> bool:
    return any(outcome.state is State.WOULD_CREATE for outcome in staging.outcomes)


def _what(result: ArtifactResult, inputs: StepInputs) -> str:
    match result:
        case StageResult(staging=staging) if isinstance(inputs.command, CopyInputs):
            return _what_copy_did(staging)
        case StageResult(staging=staging):
            return _what_staging_did(staging)
        case DownloadResult(extraction=done):
            return "downloaded" if done is None else "downloaded and extracted"
        case InfoResult():
            return "found"
        case _:
            assert_never(result)


def _what_staging_did(staging: Staging) -> str:
    if staging.kept:
        would = "would be" if staging.dry_run else "was"
        return f"{would} kept as it was staged: this attempt has other content"
    if staging.dry_run:
        return f"{'would be staged' if _would_create(staging) else 'is staged already'} (dry run)"
    return "staged" if staging.created else "was staged already"


def _what_copy_did(staging: Staging) -> str:
    if staging.dry_run:
        return f"{'would be copied' if _would_create(staging) else 'was copied already'} (dry run)"
    return "copied" if staging.created else "was copied already"


def _outcomes(outcomes: Iterable[RegionOutcome], runner: Runner) -> Lines:
    rows = [
        (
            code(region_for_later_steps(outcome.region, runner)),
            outcome.state.value,
            f"{outcome.seconds:.1f}",
            _address(outcome.location, runner) if outcome.location else "",
            _trouble(outcome.region, outcome.error.message) if outcome.error else "",
        )
        for outcome in outcomes
    ]
    return table(_REGIONS, rows)


def _address(location: Location, runner: Runner) -> str:
    return link(uri_for_later_steps(location.uri, runner), location.page)


def _locations(artifact: Artifact, runner: Runner) -> Lines:
    locations = locations_of_artifact(artifact)
    pages = {o.region: o.location.page for o in artifact.downloader.outcomes() if o.location}
    seconds = {name: f"{took:.1f}" for name, took in artifact.downloader.seconds().items()}
    rows = [
        (
            code(region_for_later_steps(str(location["region"]), runner)),
            str(location["outcome"]),
            seconds.get(str(location["region"]), ""),
            link(
                uri_for_later_steps(str(location["uri"]), runner),
                pages.get(str(location["region"]), ""),
            )
            if location["uri"]
            else "",
            _trouble(str(location["region"]), str(location["error"]))
            if location.get("error")
            else "",
        )
        for location in locations
    ]
    return table(_REGIONS, rows)


def _trouble(region: str, text: str) -> str:
    """Return *text* for a row that has *region* in a column of its own."""
    return code(without_region(region, text))


def _ending(
    result: VerifyResult | RepairResult | LockCheckResult | DoctorResult, inputs: StepInputs
) -> Lines:
    """Return how a step ended whose errors stand elsewhere, each where it belongs."""
    if not (errors := errors_of(result)):
        return []
    # What differs is in a table; what can be done about it is not in there.
    hints = [_hint(e) for e in errors if isinstance(e, DifferencesError)]
    command = inputs.command.command
    ended = f"The command {command} failed with exit code {exit_code_of(result)}"
    return [f"{'. '.join([ended, *hints])}.\n\n"]


def _verification(result: VerifyResult, inputs: StepInputs) -> Lines:
    found = result.verification
    what = "differs between or within regions"
    if not found.differences:
        what = "verified: nothing differs"
    if found.failures:
        what += ", as far as regions answered"
    rows = [
        (d.kind.value, code(d.region), code(d.key), _trouble(d.region, d.message))
        for d in found.differences
    ]
    versions = [(code(str(version)),) for version in found.versions]
    regions = [(code(region),) for region in result.regions if region not in found.failures]
    return [
        f"### {code(target_of(result.inputs))} {what}\n\n",
        *_ending(result, inputs),
        *long_table(("Difference", "Region", "What", "Details"), rows, "differences"),
        *_failures(found.failures),
        *long_table(("Versions that were compared",), versions, "versions that were compared"),
        *table(("Regions that were compared",), regions),
    ]


def _repair(result: RepairResult, inputs: StepInputs) -> Lines:
    done = result.repair
    what = "has nothing to repair" if done else "was not repaired"
    if done.steps:
        what = "would be repaired (dry run)" if done.dry_run else "repaired"
        what += "" if done else ", not completely"
    rows = [
        (s.action, code(s.region), code(s.key), _trouble(s.region, s.message)) for s in done.steps
    ]
    lines = [f"### {code(target_of(result.inputs))} {what}\n\n", *_ending(result, inputs)]
    lines += long_table(("Step", "Region", "What", "Details"), rows, "steps")
    for refusal in done.refusals:
        hint = _hint(refusal)
        lines.append(wrapped(f"{refusal.message}\n\nHint: {hint}" if hint else refusal.message))
    return lines + _failures(done.failures)


def _failures(failures: dict[str, StartifactError]) -> Lines:
    rows = [
        (
            code(region),
            _trouble(region, error.message),
            code(hint) if (hint := _hint(error)) else "",
        )
        for region, error in failures.items()
    ]
    return table(("Region", "Trouble", "Hint"), rows) if rows else []


def _hint(error: StartifactError) -> str:
    """Return what to do next, in the words of a workflow; nothing where there is nothing to say."""
    return "" if error.next_step is None else error.next_step.text(in_workflow)
