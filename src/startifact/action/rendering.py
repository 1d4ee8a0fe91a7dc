"""Results in words: for the log, and for the job summary on the page of the run."""

from collections.abc import Iterable
from typing import assert_never

from startifact.action.artifact_rendering import (
    HIDDEN,
    METADATA_ROW,
    artifact_summary,
    origin_of,
    outcomes_table,
    said_of_state,
    trouble_in,
)
from startifact.action.channel_rendering import register_log, register_summary
from startifact.action.doctor_rendering import doctor_log, doctor_summary
from startifact.action.inputs import StepInputs
from startifact.action.listing_rendering import projects_summary, versions_summary
from startifact.action.lock_rendering import check_summary, lock_summary
from startifact.action.long_text import shortened
from startifact.action.markdown import (
    Lines,
    Mark,
    code,
    folded,
    heading,
    long_table,
    mark_of,
    table,
    wrapped,
)
from startifact.action.member_rendering import member_lines
from startifact.action.paths import (
    for_later_steps,
    in_host_names,
    region_for_later_steps,
    uri_for_later_steps,
)
from startifact.action.runner import Runner
from startifact.action.selection_rendering import selection_log
from startifact.commands.archives import archive_line
from startifact.commands.doctor import DoctorResult
from startifact.commands.inputs import target_of
from startifact.commands.link import LinkResult
from startifact.commands.lock import LockCheckResult, LockResult
from startifact.commands.results import (
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
from startifact.repair.verify import Verification
from startifact.settings import Settings
from startifact.staging.outcomes import Staging
from startifact.text import escape_nonprintable, without_region

_METADATA = "metadata "


def success(result: ProjectResult, inputs: StepInputs, settings: Settings, runner: Runner) -> Lines:
    """Return the summary of a step that has something to show."""
    lines = _success(result, inputs, settings, runner)
    # What somebody has stored is shown as it is.
    return [ln if ln.startswith(METADATA_ROW) else in_host_names(ln, runner) for ln in lines]


def _success(
    result: ProjectResult, inputs: StepInputs, settings: Settings, runner: Runner
) -> Lines:
    match result:
        case StageResult() | DownloadResult() | InfoResult() | LinkResult():
            return artifact_summary(result, inputs, settings, runner)
        case ProjectListResult(projects=projects):
            return projects_summary(projects)
        case VersionsResult():
            return versions_summary(result.project, result.entries)
        case PromotionResult() | ChannelsResult() | YankResult() | PruneResult():
            return register_summary(result, settings.server)
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


def log_lines(result: ProjectResult, inputs: StepInputs, runner: Runner) -> list[str]:
    """Return what the log says of a step that has something to show."""
    lines = _log_lines(result, inputs, runner)
    return [ln if ln.startswith(_METADATA) else in_host_names(ln, runner) for ln in lines]


def _log_lines(result: ProjectResult, inputs: StepInputs, runner: Runner) -> list[str]:
    command = inputs.command
    match result:
        case StageResult(staging=staging):
            verb = "would point" if staging.dry_run else "points"
            points = verb if staging.is_latest else "does not point"
            regions = [
                f"{region_for_later_steps(o.region, runner)}: {said_of_state(o.state)}"
                f" after {o.seconds:.1f} s"
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
            where = _where(result, runner)
            return [*selection_log(command, artifact), _bytes(artifact), where, *_known(artifact)]
        case InfoResult(artifact=artifact):
            return [*selection_log(command, artifact), _bytes(artifact), *_known(artifact)]
        case ProjectListResult(projects=names) | VersionsResult(versions=names):
            return [str(name) for name in names]
        case PromotionResult() | ChannelsResult() | YankResult() | PruneResult():
            return register_log(result)
        case LinkResult() | LockResult() | LockCheckResult():
            return result.lines()
        case DoctorResult(diagnosis=diagnosis):
            return doctor_log(diagnosis)
        case VerifyResult(verification=found):
            count = len(found.versions)
            line = f"{count} {'version' if count == 1 else 'versions'} of {found.project} compared"
            return [line if found.differences else f"{line}: {_nothing_differs(found)}"]
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
    said = _with_hint(with_notes(shortened(error.message), error), error)
    what = f"{subject} failed with exit code {error.exit_code}"
    lines = [heading(Mark.FAILED, what), wrapped(in_host_names(said, runner))]
    if isinstance(error, StagingFailedError | ConflictError):
        table_of_regions = outcomes_table(error.outcomes, runner, said=said)
        lines += [in_host_names(line, runner) for line in table_of_regions]
    return lines


def rest_of(warnings: Iterable[str]) -> Lines:
    """Return the warnings that are no annotations, because there are enough of those."""
    rows = [(code(text),) for text in warnings]
    return table(("More warnings",), rows) if rows else []


def _archive_lines(staging: Staging) -> list[str]:
    if staging.archive_counts is None:
        return []
    return [archive_line(staging.archive_counts, staging.artifact), *member_lines(staging)]


def _bytes(artifact: Artifact) -> str:
    return f"{artifact}: {artifact.digest}, {artifact.size:,} bytes"


def _known(artifact: Artifact) -> list[str]:
    """Return what is recorded of where *artifact* comes from, and its metadata."""
    metadata = [
        f"{_METADATA}{key}: {HIDDEN if looks_like_secret(key) else escape_nonprintable(value)}"
        for key, value in artifact.items()
    ]
    return [*(f"{label.lower()}: {text}" for label, text in origin_of(artifact)), *metadata]


def _ending(
    result: VerifyResult | RepairResult | LockCheckResult | DoctorResult, inputs: StepInputs
) -> Lines:
    """Return how a step ended whose errors stand elsewhere, each where it belongs."""
    if not (errors := errors_of(result)):
        return []
    # What differs is in a table; what can be done about it is not in there, but that of doctor.
    is_said = isinstance(result, DoctorResult)
    hints = [_hint(e) for e in errors if isinstance(e, DifferencesError) and not is_said]
    command = inputs.command.command
    ended = f"The command {command} failed with exit code {exit_code_of(result)}"
    return [f"{'. '.join([ended, *hints])}.\n\n"]


def _nothing_differs(found: Verification) -> str:
    return "nothing differs, as far as regions answered" if found.failures else "nothing differs"


def _verification(result: VerifyResult, inputs: StepInputs) -> Lines:
    found = result.verification
    what = "differs between or within regions"
    if not found.differences:
        what = f"verified: {_nothing_differs(found)}"
    elif found.failures:
        what += ", as far as regions answered"
    rows = [
        (d.kind.value, code(d.region), code(d.key), trouble_in(d.region, d.message))
        for d in found.differences
    ]
    regions = [code(region) for region in result.regions if region not in found.failures]
    versions = ", ".join(code(str(version)) for version in found.versions)
    return [
        heading(mark_of(failed=not found), f"{code(target_of(result.inputs))} {what}"),
        *_ending(result, inputs),
        *long_table(("Difference", "Region", "What", "Details"), rows, "differences"),
        *_failures(found.failures),
        *([f"Regions that were compared: {', '.join(regions)}\n\n"] if regions else []),
        *(folded(_compared(result), [f"{versions}\n\n"]) if versions else []),
    ]


def _compared(result: VerifyResult) -> str:
    count = len(result.verification.versions)
    return f"{count:,} {'version was' if count == 1 else 'versions were'} compared"


def _repair(result: RepairResult, inputs: StepInputs) -> Lines:
    done = result.repair
    what = "has nothing to repair" if done else "was not repaired"
    if done.steps:
        what = "would be repaired (dry run)" if done.dry_run else "repaired"
        what += "" if done else ", not completely"
    rows = [
        (s.action, code(s.region), code(s.key), trouble_in(s.region, s.message)) for s in done.steps
    ]
    mark = mark_of(failed=errors_of(result))
    lines = [heading(mark, f"{code(target_of(result.inputs))} {what}"), *_ending(result, inputs)]
    lines += long_table(("Step", "Region", "What", "Details"), rows, "steps")
    lines += [wrapped(_with_hint(refusal.message, refusal)) for refusal in done.refusals]
    return lines + _failures(done.failures)


def _failures(failures: dict[str, StartifactError]) -> Lines:
    return [
        wrapped(_with_hint(f"{region}: {without_region(region, error.message)}", error))
        for region, error in failures.items()
    ]


def _with_hint(text: str, error: StartifactError) -> str:
    return f"{text}\n\nHint: {hint}" if (hint := _hint(error)) else text


def _hint(error: StartifactError) -> str:
    """Return what to do next, in the words of a workflow; nothing where there is nothing to say."""
    return "" if error.next_step is None else error.next_step.text(in_workflow)
