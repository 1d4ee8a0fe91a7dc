"""The job summary: what a person wants to read on the page of the run."""

from collections.abc import Iterable

from startifact.action.commands import ArtifactResult, ProjectResult, Result
from startifact.action.inputs import Command, Inputs
from startifact.action.markdown import Lines, block, code, table
from startifact.action.paths import for_later_steps, region_for_later_steps, uri_for_later_steps
from startifact.action.snippet import as_command, as_step
from startifact.errors import (
    ConflictError,
    DifferencesError,
    StagingFailedError,
    StartifactError,
    as_one,
    with_notes,
)
from startifact.hints import in_workflow
from startifact.model.keys import artifact_key
from startifact.reading.artifact import Artifact
from startifact.reading.outcomes import RegionOutcome, State
from startifact.repair.log import Repair
from startifact.repair.verify import Verification
from startifact.report import locations_of_artifact
from startifact.settings import Runner, Settings
from startifact.staging.outcomes import Staging

_REGIONS = ("Region", "Outcome", "Seconds", "Where", "Trouble")


def success(result: Result, inputs: Inputs, settings: Settings, runner: Runner) -> Lines:
    """Return the summary of a step that has something to show."""
    if isinstance(result, ProjectResult):
        return _about_project(result)
    artifact, staging = result.artifact, result.staging
    facts = [
        ("Version", code(str(artifact.version))),
        ("Size", f"{artifact.size:,} bytes"),
        ("SHA-256", code(artifact.sha256) if artifact.sha256 else "not recorded"),
    ]
    if artifact.filename is not None:
        facts.append(("File name", code(artifact.filename)))
    if result.path is not None:
        facts.append(("Path", code(for_later_steps(result.path, runner))))
    if staging is not None:
        would = "would be" if staging.dry_run else ""
        facts.append(("Latest", would or "yes" if staging.is_latest else "no"))
    facts += [(label, code(text)) for label, text in _origin(result)]
    lines = [f"### {code(str(artifact))} {_what(result)}\n\n", *table(("", ""), facts)]
    lines += _outcomes(staging.outcomes, runner) if staging else _locations(artifact, runner)
    if staging and any(outcome.state is State.FAILED for outcome in staging.outcomes):
        lines.append("Staging the same again fills what is missing; so does `command: repair`.\n\n")
    pairs = [(code(key), code(value)) for key, value in artifact.items()]
    lines += table(("Metadata", ""), pairs) if pairs else []
    if staging is None or not staging.dry_run:
        lines.append("To download it:\n\n")
        lines += [block(make(result, inputs, settings, runner)) for make in (as_step, as_command)]
    return lines


def failure(inputs: Inputs | None, error: StartifactError, runner: Runner) -> Lines:
    """Return the summary of a step that failed."""
    subject = "Startifact"
    if inputs is not None:
        what = artifact_key(inputs.project, inputs.version) if inputs.version else inputs.project
        subject = f"{inputs.command} {code(what)}"
    text = with_notes(error.message, error)
    if hint := _hint(error):
        text += f"\n\nHint: {hint}"
    lines = [f"### {subject} failed with exit code {error.exit_code}\n\n", block(text)]
    if isinstance(error, StagingFailedError | ConflictError):
        lines += _outcomes(error.outcomes, runner)
    return lines


def rest_of(warnings: Iterable[str]) -> Lines:
    """Return the warnings that are no annotations, because there are enough of those."""
    rows = [(code(text),) for text in warnings]
    return table(("More warnings",), rows) if rows else []


def origin_of(artifact: Artifact) -> list[tuple[str, str]]:
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
    origin = origin_of(result.artifact)
    if result.staging is not None and _would_create(result.staging):
        return [(label, text) for label, text in origin if label != "Staged at"]
    return origin


def _would_create(staging: Staging) -> bool:
    return any(outcome.state is State.WOULD_CREATE for outcome in staging.outcomes)


def _what(result: ArtifactResult) -> str:
    staging = result.staging
    if staging is None:
        return "downloaded" if result.command is Command.DOWNLOAD else "found"
    if staging.kept:
        would = "would be" if staging.dry_run else "was"
        return f"{would} kept as it was staged: this attempt has other content"
    if staging.dry_run:
        return f"{'would be staged' if _would_create(staging) else 'is staged already'} (dry run)"
    return "staged" if staging.created else "was staged already"


def _outcomes(outcomes: Iterable[RegionOutcome], runner: Runner) -> Lines:
    rows = [
        (
            code(region_for_later_steps(outcome.region, runner)),
            outcome.state.value,
            f"{outcome.seconds:.1f}",
            code(uri_for_later_steps(outcome.location.uri, runner)) if outcome.location else "",
            code(outcome.error.message) if outcome.error else "",
        )
        for outcome in outcomes
    ]
    return table(_REGIONS, rows)


def _locations(artifact: Artifact, runner: Runner) -> Lines:
    locations = locations_of_artifact(artifact)
    seconds = {name: f"{took:.1f}" for name, took in artifact.downloader.seconds().items()}
    rows = [
        (
            code(region_for_later_steps(str(location["region"]), runner)),
            str(location["outcome"]),
            seconds.get(str(location["region"]), ""),
            code(uri_for_later_steps(str(location["uri"]), runner)) if location["uri"] else "",
            code(str(location["error"])) if location.get("error") else "",
        )
        for location in locations
    ]
    return table(_REGIONS, rows)


def _about_project(result: ProjectResult) -> Lines:
    subject = code(
        artifact_key(result.project, result.version) if result.version else result.project
    )
    if result.verification is not None:
        regions = [(code(region),) for region in result.regions]
        compared = table(("Regions that were compared",), regions)
        title, *lines = _verification(subject, result.verification)
        return [title, *_ending(result), *lines, *compared]
    if result.repair is not None:
        title, *lines = _repair(subject, result.repair)
        return [title, *_ending(result), *lines]
    count = len(result.versions)
    rows = [(code(str(version)),) for version in result.versions]
    title = f"### {code(result.project)} has {count} {'version' if count == 1 else 'versions'}\n\n"
    return [title, *table(("Version, newest first",), rows)]


def _ending(result: ProjectResult) -> Lines:
    """Return how a step ended whose errors stand elsewhere, each where it belongs."""
    if not result.errors:
        return []
    # Its lines are the table of differences; what can be done about them is not in there.
    hints = [_hint(e) for e in result.errors if isinstance(e, DifferencesError)]
    ended = f"The command {result.command} failed with exit code {as_one(result.errors).exit_code}"
    return [f"{'. '.join([ended, *hints])}.\n\n"]


def _verification(subject: str, found: Verification) -> Lines:
    result = "differs between or within regions" if found.differences else "verified"
    if found.failures:
        result += ", as far as regions answered"
    rows = [(d.kind.value, code(d.region), code(d.key), code(d.message)) for d in found.differences]
    lines = [f"### {subject} {result}\n\n"]
    lines += table(("Difference", "Region", "What", "Details"), rows) if rows else []
    lines += _failures(found.failures)
    versions = [(code(str(version)),) for version in found.versions]
    return lines + (table(("Versions that were compared",), versions) if versions else [])


def _repair(subject: str, done: Repair) -> Lines:
    what = "has nothing to repair" if done else "was not repaired"
    if done.steps:
        what = "would be repaired (dry run)" if done.dry_run else "repaired"
        what += "" if done else ", not completely"
    rows = [(s.action, code(s.region), code(s.key), code(s.message)) for s in done.steps]
    lines = [f"### {subject} {what}\n\n"]
    lines += table(("Step", "Region", "What", "Details"), rows) if rows else []
    for refusal in done.refusals:
        hint = _hint(refusal)
        lines.append(block(f"{refusal.message}\n\nHint: {hint}" if hint else refusal.message))
    return lines + _failures(done.failures)


def _failures(failures: dict[str, StartifactError]) -> Lines:
    rows = [
        (code(region), code(error.message), code(hint) if (hint := _hint(error)) else "")
        for region, error in failures.items()
    ]
    return table(("Region", "Trouble", "Hint"), rows) if rows else []


def _hint(error: StartifactError) -> str:
    """Return what to do next, in the words of a workflow; nothing where there is nothing to say."""
    return "" if error.next_step is None else error.next_step.text(in_workflow)
