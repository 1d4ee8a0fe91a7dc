"""The job summary of one artifact: staged, downloaded, found or copied."""

from collections.abc import Iterable
from typing import assert_never

from startifact.action.inputs import StepInputs
from startifact.action.links import origin_links
from startifact.action.markdown import (
    Lines,
    block,
    code,
    folded,
    heading,
    link,
    long_table,
    mark_of,
    point_in_time,
    table,
)
from startifact.action.member_rendering import archive_facts, members_summary
from startifact.action.paths import for_later_steps, region_for_later_steps, uri_for_later_steps
from startifact.action.runner import Runner
from startifact.action.selection_rendering import selection_facts, selector_of
from startifact.action.snippet import as_command, as_step
from startifact.commands.inputs import CopyInputs
from startifact.commands.link import LinkResult
from startifact.commands.results import (
    ArtifactResult,
    DownloadResult,
    InfoResult,
    StageResult,
    extracted_text,
    is_held_by_majority,
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
HIDDEN = "not shown: it looks like a secret"
_METADATA = "Metadata "
METADATA_ROW = f"| {_METADATA}"
_TO_DOWNLOAD = "To download it"
_NO_MAJORITY = (
    "No majority of the regions holds this version, so its staging may have failed. "
    "Staging the same again fills the others; so does `command: repair`.\n\n"
)

Fact = tuple[str, str]
"""A label and what it is about, which are a row."""


def artifact_summary(
    result: ArtifactResult, inputs: StepInputs, settings: Settings, runner: Runner
) -> Lines:
    """Return what a person wants to know of one artifact, and of what was done with it."""
    artifact = result.artifact
    staging = result.staging if isinstance(result, StageResult) else None
    advice = _advice(result, inputs)
    mark = mark_of(failed=False, in_part=advice or _is_yanked(result) or _has_failures(result))
    selector = selector_of(inputs.command, artifact)
    asked = f" for {code(selector)}" if selector else ""
    head, *facts = [
        *_facts(result, inputs, runner),
        *_regions(result, runner),
        *_origin_facts(result, settings),
    ]
    # Whoever can see the run can see its summary, and the runner masks only what it knows.
    metadata = [
        (f"{_METADATA}{code(key)}", HIDDEN if looks_like_secret(key) else code(value))
        for key, value in artifact.items()
    ]
    lines = [heading(mark, f"{code(str(artifact))} {_what(result, inputs)}{asked}")]
    lines += long_table(head, metadata, "pairs of metadata", before=facts)
    lines += advice
    if staging is not None and staging.dry_run:
        return lines + members_summary(staging.members)
    snippets = [block(make(result, inputs, settings, runner)) for make in (as_step, as_command)]
    return lines + folded(_TO_DOWNLOAD, snippets)


def _advice(result: ArtifactResult, inputs: StepInputs) -> Lines:
    """Return what is to be done about regions that do not have it."""
    if not isinstance(result, StageResult):
        if is_held_by_majority(result.artifact):
            return []
        return [_NO_MAJORITY]
    if not _has_failures(result):
        return []
    again = "Copying" if isinstance(inputs.command, CopyInputs) else "Staging"
    return [f"{again} the same again fills what is missing; so does `command: repair`.\n\n"]


def _has_failures(result: ArtifactResult) -> bool:
    if isinstance(result, StageResult):
        outcomes = result.staging.outcomes
        return result.staging.kept or any(o.state is State.FAILED for o in outcomes)
    return any(o.state is State.FAILED for o in result.artifact.downloader.outcomes())


def _is_yanked(result: ArtifactResult) -> bool:
    if isinstance(result, StageResult):
        return result.staging.yank is not None
    return result.artifact.yank is not None or bool(yank_not_known(result.artifact))


def _facts(result: ArtifactResult, inputs: StepInputs, runner: Runner) -> list[Fact]:
    """Return what *result* is, the first things first."""
    artifact = result.artifact
    staging = result.staging if isinstance(result, StageResult) else None
    facts = [("Version", code(str(artifact.version)))]
    facts += selection_facts(inputs.command, artifact)
    yank = artifact.yank if staging is None else staging.yank
    if yank is not None:
        facts.append(("Yanked", _prefix_of_yank(staging) + code(yank.reason)))
    elif staging is None and (unknown := yank_not_known(artifact)):
        facts.append(("Yanked", code(unknown)))
    if staging is not None:
        would = "would be" if staging.dry_run else ""
        facts.append(("Latest", would or "yes" if staging.is_latest else "no"))
    if isinstance(result, DownloadResult):
        facts.append(("Path", code(for_later_steps(result.path, runner))))
        if result.extraction is not None:
            facts.append(("Extracted", extracted_text(result.extraction)))
    if isinstance(result, LinkResult):
        facts.append(("Link works until", seconds_text(result.link.expires_at)))
    if artifact.filename is not None:
        facts.append(("File name", code(artifact.filename)))
    facts.append(("Size", f"{artifact.size:,} bytes"))
    facts.append(("SHA-256", code(artifact.sha256) if artifact.sha256 else "not recorded"))
    return facts + [(label, code(text)) for label, text in archive_facts(artifact) if text]


def _prefix_of_yank(staging: Staging | None) -> str:
    if staging is not None and staging.yanked_already:
        return "already: "
    return "would be: " if staging is not None and staging.dry_run else ""


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


def _origin_facts(result: ArtifactResult, settings: Settings) -> list[Fact]:
    artifact = result.artifact
    links = origin_links(artifact, settings.server)
    facts = []
    for label, text in origin_of(artifact):
        if label == "Staged at":
            if not (isinstance(result, StageResult) and _would_create(result.staging)):
                facts.append((label, point_in_time(text)))
        elif label == "Run" and label in links:
            facts.append((label, link(text.rpartition("/")[2], links[label])))
        else:
            facts.append((label, link(text, links.get(label, ""))))
    return facts


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
            return "has a link"
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


def outcomes_table(outcomes: Iterable[RegionOutcome], runner: Runner, said: str = "") -> Lines:
    """Return what became of each region, as a table; what *said* has is not said again."""
    rows = [
        (
            code(region_for_later_steps(outcome.region, runner)),
            said_of_state(outcome.state),
            f"{outcome.seconds:.1f}",
            _address(outcome.location, runner) if outcome.location else "",
            trouble_in(outcome.region, outcome.error.message)
            if outcome.error and outcome.error.message not in said
            else "",
        )
        for outcome in outcomes
    ]
    return table(_REGIONS, rows)


def _address(location: Location, runner: Runner) -> str:
    return link(uri_for_later_steps(location.uri, runner), location.page)


def _regions(result: ArtifactResult, runner: Runner) -> list[Fact]:
    """Return what each region says, with its name."""
    if isinstance(result, StageResult):
        return [
            _region(
                outcome.region,
                said_of_state(outcome.state),
                outcome.seconds,
                _address(outcome.location, runner) if outcome.location else "",
                outcome.error.message if outcome.error else "",
                runner,
            )
            for outcome in result.staging.outcomes
        ]
    downloader = result.artifact.downloader
    pages = {o.region: o.location.page for o in downloader.outcomes() if o.location}
    seconds = downloader.seconds()
    facts = []
    for location in locations_of_artifact(result.artifact):
        name, uri = str(location["region"]), str(location["uri"] or "")
        address = link(uri_for_later_steps(uri, runner), pages.get(name, "")) if uri else ""
        trouble = str(location.get("error") or "")
        outcome = str(location["outcome"])
        facts.append(_region(name, outcome, seconds.get(name), address, trouble, runner))
    return facts


def _region(
    name: str, outcome: str, seconds: float | None, address: str, trouble: str, runner: Runner
) -> Fact:
    parts = [outcome if seconds is None else f"{outcome} after {seconds:.1f} s"]
    parts += [address] if address else []
    text = ", ".join(parts)
    if trouble:
        text += f": {trouble_in(name, trouble)}"
    return code(region_for_later_steps(name, runner)), text


def said_of_state(state: State) -> str:
    """Return *state* in words."""
    return state.value.replace("would-create", "would be created")


def trouble_in(region: str, text: str) -> str:
    """Return *text* for a row that has *region* in a column of its own."""
    return code(without_region(region, text))
