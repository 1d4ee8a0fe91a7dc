"""What each command about a project results in, and what that means for programs."""

from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from semver import Version

from startifact.channels.overview import ChannelOverview
from startifact.channels.promotion import Promotion
from startifact.commands.doctor import DoctorResult
from startifact.commands.inputs import (
    ChannelsInputs,
    CommandInputs,
    PromoteInputs,
    RepairInputs,
    RollbackInputs,
    VerifyInputs,
    target_of,
)
from startifact.commands.link import LinkResult
from startifact.commands.lock import LockCheckResult, LockResult
from startifact.errors import (
    DifferencesError,
    InputError,
    StartifactError,
    failures_by_reason,
    worst_exit_code,
)
from startifact.hints import Words
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_REASON_CHARACTERS
from startifact.model.filenames import check_filename
from startifact.reading.artifact import Artifact
from startifact.reading.outcomes import may_be_majority
from startifact.reading.version_entries import VersionEntry
from startifact.repair.log import Repair
from startifact.repair.verify import FindingKind, Verification
from startifact.report import (
    facts_of,
    facts_of_channel,
    facts_of_choice,
    facts_of_copy,
    facts_of_entry,
    facts_of_promotion,
    facts_of_pruning,
    facts_of_repair,
    facts_of_staging,
    facts_of_verification,
    facts_of_yanking,
    locations_of_artifact,
    locations_of_staging,
)
from startifact.retention.plan import Pruning, incomplete_error
from startifact.retention.yanking import Yanking
from startifact.staging.outcomes import Staging
from startifact.text import in_one_line, quoted

if TYPE_CHECKING:
    from startifact.files.extraction.extraction import Extraction


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """What a staging did in *regions*."""

    staging: Staging
    regions: tuple[str, ...]

    @property
    def artifact(self) -> Artifact:
        """What was staged, or was there already."""
        return self.staging.artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyResult(StageResult):
    """What a copy did in the *regions* that it copied to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadResult:
    """What was downloaded to *path*, a file or the directory that it was extracted into."""

    artifact: Artifact
    path: Path
    regions: tuple[str, ...]
    extraction: "Extraction | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoResult:
    """What was found in *regions*."""

    artifact: Artifact
    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectListResult:
    """All projects, by name."""

    projects: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionsResult:
    """The versions of a project that were asked for, newest first."""

    project: str
    entries: tuple[VersionEntry, ...]
    long: bool
    """Whether it is to be said what is known of each."""

    @property
    def versions(self) -> tuple[Version, ...]:
        """The versions alone."""
        return tuple(entry.version for entry in self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionResult:
    """What a promotion, a rollback or the removal of a channel did."""

    inputs: PromoteInputs | RollbackInputs | ChannelsInputs
    promotion: Promotion


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelsResult:
    """The channels of a project."""

    project: str
    channels: tuple[ChannelOverview, ...]
    history: bool
    """Whether their moves are to be shown too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YankResult:
    """What a yank, or taking one back, did."""

    yanking: Yanking


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneResult:
    """What a prune did, or would do."""

    pruning: Pruning


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult:
    """How *regions*, or those of them that answered, differ."""

    inputs: VerifyInputs
    verification: Verification
    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairResult:
    """What a repair did."""

    inputs: RepairInputs
    repair: Repair


ArtifactResult = StageResult | DownloadResult | InfoResult | LinkResult
RegisterResult = PromotionResult | ChannelsResult | YankResult | PruneResult
ProjectResult = (
    ArtifactResult
    | ProjectListResult
    | VersionsResult
    | RegisterResult
    | LockResult
    | LockCheckResult
    | VerifyResult
    | RepairResult
    | DoctorResult
)


def version_of(result: ProjectResult) -> str:
    """Return the one version that *result* is about, of a list the newest; empty for a project."""
    match result:
        case StageResult() | DownloadResult() | InfoResult() | LinkResult():
            return str(result.artifact.version)
        case VersionsResult():
            return str(result.entries[0].version)
        case PromotionResult(promotion=promotion):
            return "" if promotion.version is None else str(promotion.version)
        case YankResult(yanking=yanking):
            return str(yanking.version)
        case (
            ProjectListResult()
            | ChannelsResult()
            | PruneResult()
            | LockResult()
            | LockCheckResult()
            | DoctorResult()
        ):
            return ""
        case VerifyResult() | RepairResult():
            return result.inputs.version or ""
        case _:
            assert_never(result)


def locations_of_result(result: ArtifactResult) -> list[dict[str, object]]:
    """Return how each region came out of a staging, or what it holds of an artifact."""
    if isinstance(result, StageResult):
        return locations_of_staging(result.staging)
    return locations_of_artifact(result.artifact)


def facts_of_result(result: ProjectResult, words: Words) -> dict[str, object]:
    """Return what *result* reports to programs, hints in the *words* of one way in."""
    match result:
        case CopyResult(staging=staging):
            return facts_of_copy(staging)
        case StageResult(staging=staging):
            return facts_of_staging(staging)
        case DownloadResult(artifact=artifact, path=path):
            locations = locations_of_result(result)
            facts = {**facts_of(artifact), **facts_of_choice(artifact)}
            extracted = _facts_of_extraction(result)
            return {**facts, "path": str(path), **extracted, "locations": locations}
        case InfoResult(artifact=artifact):
            facts = {**facts_of(artifact), **facts_of_choice(artifact)}
            return {**facts, "locations": locations_of_result(result)}
        case ProjectListResult(projects=projects):
            return {"projects": list(projects)}
        case VersionsResult(project=project, entries=entries, long=long):
            details = {"details": [facts_of_entry(entry) for entry in entries]} if long else {}
            return {"project": project, "versions": [str(e.version) for e in entries], **details}
        case PromotionResult() | ChannelsResult() | YankResult() | PruneResult():
            return _facts_of_register(result, words)
        case LinkResult() | LockResult() | LockCheckResult() | DoctorResult():
            return result.facts(words)
        case VerifyResult() | RepairResult():
            return _facts_of_comparison(result, words)
        case _:
            assert_never(result)


def _facts_of_extraction(result: DownloadResult) -> dict[str, object]:
    if (done := result.extraction) is None:
        return {}
    return {"extracted": {"members": done.members, "files": done.files, "size": done.size}}


def _facts_of_comparison(result: VerifyResult | RepairResult, words: Words) -> dict[str, object]:
    if isinstance(result, VerifyResult):
        facts = facts_of_verification(result.verification, words)
    else:
        facts = facts_of_repair(result.repair, words)
    return {**facts, "exit-code": exit_code_of(result)}


def _facts_of_register(result: RegisterResult, words: Words) -> dict[str, object]:
    match result:
        case PromotionResult(promotion=promotion):
            return facts_of_promotion(promotion)
        case ChannelsResult(project=project, channels=channels):
            return {"project": project, "channels": [facts_of_channel(c) for c in channels]}
        case YankResult(yanking=yanking):
            return facts_of_yanking(yanking)
        case PruneResult(pruning=pruning):
            return {**facts_of_pruning(pruning, words), "exit-code": exit_code_of(result)}
        case _:
            assert_never(result)


def resolved_lines(inputs: CommandInputs, artifact: Artifact) -> list[str]:
    """Return which *artifact* a channel is about to be moved to, where its number was not named.

    Higher versions that were passed over are in lines of their own.
    """
    if not isinstance(inputs, PromoteInputs) or is_named_by(artifact, inputs.version):
        return []
    passed = [f"{p.version} was passed over: {p.why}" for p in artifact.passed_over]
    return [f"{target_of(inputs)} is {artifact.version}", *passed]


def is_named_by(artifact: Artifact, selector: str) -> bool:
    """Say whether *selector* is the version of *artifact* itself."""
    return selector.removeprefix("v") == str(artifact.version)


def yank_of_copy(staging: Staging) -> list[str]:
    """Return the line that a copy was yanked too; none where it was not."""
    if staging.yank is None:
        return []
    reason = quoted(staging.yank.reason, MAX_REASON_CHARACTERS)
    if staging.yanked_already:
        return [f"it is yanked already, which stays as it is: {reason}"]
    verb = "would be" if staging.dry_run else "is"
    return [f"it {verb} yanked, as where it was copied from: {reason}"]


def yank_not_known(artifact: Artifact) -> str:
    """Return in one line that it is not known whether *artifact* was yanked, and why.

    Empty where it is known, or a region says that it was.
    """
    if artifact.yank is not None or artifact._yank_unknown is None:
        return ""
    return in_one_line(artifact._yank_unknown.message)


def is_held_by_majority(artifact: Artifact) -> bool:
    """Say whether a majority of all regions holds *artifact*, as far as they have said."""
    return may_be_majority(artifact.downloader.outcomes())


def errors_of(result: ProjectResult, *, in_full: bool = False) -> tuple[StartifactError, ...]:
    """Return what keeps a command from success, although it has a result.

    Differences are counted; *in_full* the error says what they are.
    """
    match result:
        case VerifyResult(verification=found):
            failures = failures_by_reason(found.failures)
            if not found.differences:
                return tuple(failures)
            lines = [f"{d.kind}: {d.key}: {d.message}" for d in found.differences if in_full]
            error = DifferencesError(
                len(found.differences),
                target=target_of(result.inputs),
                lines=lines,
                archived=[d.kind is FindingKind.ARCHIVED for d in found.differences],
            )
            return (error, *failures)
        case LockCheckResult() | DoctorResult():
            return result.errors(in_full=in_full)
        case RepairResult(repair=repair):
            return (*repair.refusals, *failures_by_reason(repair.failures))
        case PruneResult(pruning=pruning):
            incomplete = incomplete_error(pruning)
            errors = [] if incomplete is None else [incomplete]
            return (*errors, *failures_by_reason(pruning.failures))
        case (
            StageResult()
            | DownloadResult()
            | InfoResult()
            | LinkResult()
            | ProjectListResult()
            | VersionsResult()
            | PromotionResult()
            | ChannelsResult()
            | YankResult()
            | LockResult()
        ):
            return ()
        case _:
            assert_never(result)


def exit_code_of(result: ProjectResult) -> int:
    """Return the exit code of a command that has a result."""
    errors = errors_of(result)
    return worst_exit_code(error.exit_code for error in errors) if errors else 0


def safe_filename(artifact: Artifact) -> str:
    """Return the saved file name, or nothing when there is none or it is more than a name."""
    try:
        return check_filename(artifact.filename or "")
    except InputError:
        return ""


def extracted_text(done: "Extraction") -> str:
    """Return in words how much was extracted."""
    members = "1 member" if done.members == 1 else f"{done.members:,} members"
    files = "1 file" if done.files == 1 else f"{done.files:,} files"
    return f"{members}, of which {files} with {done.size:,} bytes"
