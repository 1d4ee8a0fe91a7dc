"""The job summary of one artifact: staged, downloaded, found or copied."""

from collections.abc import Iterable
from typing import assert_never

from startifact.action.inputs import StepInputs
from startifact.action.links import origin_links
from startifact.action.markdown import Lines, block, code, link, long_table, table
from startifact.action.member_rendering import archive_facts, members_summary
from startifact.action.paths import for_later_steps, region_for_later_steps, uri_for_later_steps
from startifact.action.runner import Runner
from startifact.action.snippet import as_command, as_step
from startifact.commands.inputs import CopyInputs, DownloadInputs, InfoInputs, LinkInputs
from startifact.commands.link import LinkResult
from startifact.commands.results import (
    ArtifactResult,
    DownloadResult,
    InfoResult,
    StageResult,
    extracted_text,
    is_held_by_majority,
    is_named_by,
    yank_not_known,
)
from startifact.model.clock import seconds_text
from startifact.model.metadata import looks_like_secret
from startifact.reading.artifact import Artifact
from startifact.reading.outcomes import RegionOutcome, State
from startifact.regions.interface import Location
from startifact.report import locations_of_artifact
from startifact.settings import Settings
from startifact.staging.outcomes import Staging
from startifact.text import without_region

_REGIONS = ("Region", "Outcome", "Seconds", "Where", "Trouble")
_HIDDEN = "not shown: it looks like a secret"


def artifact_summary(
    result: ArtifactResult, inputs: StepInputs, settings: Settings, runner: Runner
) -> Lines:
    """Return what a person wants to know of one artifact, and of what was done with it."""
    artifact = result.artifact
    staging = result.staging if isinstance(result, StageResult) else None
    facts = _facts(result, settings, runner)
    selector = _selector(artifact, inputs)
    title = f"### {code(str(artifact))} {_what(result, inputs)}{selector}\n\n"
    lines = [title, *table(("", ""), facts)]
    lines += outcomes_table(staging.outcomes, runner) if staging else _locations(artifact, runner)
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


def _facts(result: ArtifactResult, settings: Settings, runner: Runner) -> list[tuple[str, str]]:
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
    if isinstance(result, LinkResult):
        facts.append(("Link works until", seconds_text(result.link.expires_at)))
    links = origin_links(artifact, settings.server)
    facts += [(label, link(text, links.get(label, ""))) for label, text in _origin(result)]
    return facts


def _prefix_of_yank(staging: Staging | None) -> str:
    if staging is not None and staging.yanked_already:
        return "already: "
    return "would be: " if staging is not None and staging.dry_run else ""


def _selector(artifact: Artifact, inputs: StepInputs) -> str:
    """Return by what *artifact* was found, where that is not its version."""
    command = inputs.command
    if not isinstance(command, DownloadInputs | InfoInputs | LinkInputs | CopyInputs):
        return ""
    return "" if is_named_by(artifact, command.version) else f" by {code(command.version)}"


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
        case LinkResult():
            return "linked to"
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


def outcomes_table(outcomes: Iterable[RegionOutcome], runner: Runner) -> Lines:
    """Return what became of each region, as a table."""
    rows = [
        (
            code(region_for_later_steps(outcome.region, runner)),
            outcome.state.value,
            f"{outcome.seconds:.1f}",
            _address(outcome.location, runner) if outcome.location else "",
            trouble_in(outcome.region, outcome.error.message) if outcome.error else "",
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
            trouble_in(str(location["region"]), str(location["error"]))
            if location.get("error")
            else "",
        )
        for location in locations
    ]
    return table(_REGIONS, rows)


def trouble_in(region: str, text: str) -> str:
    """Return *text* for a row that has *region* in a column of its own."""
    return code(without_region(region, text))
