"""What each command does: from arguments to a result, without printing anything."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from startifact.cli import rendering
from startifact.cli.arguments import Arguments
from startifact.cli.targets import split_target, split_version
from startifact.concurrency.progress import ProgressCallback
from startifact.errors import SetupFailedError, StartifactError
from startifact.hints import in_shell
from startifact.limits import Limits
from startifact.model.keys import LATEST
from startifact.model.metadata import parse_pairs
from startifact.organisation.setup import RegionSetup, check_setup, set_up
from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.regions.spec import split_list
from startifact.report import facts_of, facts_of_error, facts_of_staging, locations_of_artifact
from startifact.session import Session
from startifact.settings import Settings
from startifact.text import with_regions

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command found out or did, for everybody who may want to know."""

    facts: Mapping[str, object]
    """For programs that asked for JSON."""

    output: tuple[str, ...] = ()
    """Lines for programs that did not, and for pipes."""

    info: tuple[str, ...] = ()
    """Lines for people."""

    errors: tuple[StartifactError, ...] = ()
    """What kept the command from success, although it has a result."""


Command = Callable[[Arguments, ProgressCallback | None, Limits], Result]


def stage(arguments: Arguments, progress: ProgressCallback | None, limits: Limits) -> Result:
    """Make a file available as a version."""
    project, version = split_version(arguments.target)
    staging = session_of(arguments, progress, limits).stage(
        project,
        version,
        arguments.path,
        metadata=parse_pairs(arguments.metadata, source="metadata"),
        save_filename=arguments.save_filename,
        if_exists=arguments.if_exists,
    )
    return Result(
        facts=facts_of_staging(staging),
        output=(str(staging.artifact),),
        info=tuple(rendering.staging_lines(staging)),
    )


def download(arguments: Arguments, progress: ProgressCallback | None, limits: Limits) -> Result:
    """Bring an artifact back."""
    project, selector = split_target(arguments.target)
    artifact = session_of(arguments, progress, limits).get(project, _or_latest(selector))
    path = artifact.downloader.download(arguments.path, load_filename=arguments.load_filename)
    for name, error in artifact.downloader.failures().items():
        logger.warning("%s", with_regions([name], error.message))
    return Result(
        facts={
            **facts_of(artifact),
            "path": str(path),
            "locations": locations_of_artifact(artifact),
        },
        output=(str(path),),
        info=(rendering.download_line(artifact, str(path)),),
    )


def info(arguments: Arguments, progress: ProgressCallback | None, limits: Limits) -> Result:
    """Show what is known about an artifact."""
    project, selector = split_target(arguments.target)
    artifact = session_of(arguments, progress, limits).get(project, _or_latest(selector))
    return Result(
        facts={**facts_of(artifact), "locations": locations_of_artifact(artifact)},
        output=tuple(rendering.artifact_lines(artifact)),
    )


def versions(arguments: Arguments, progress: ProgressCallback | None, limits: Limits) -> Result:
    """List the versions of a project."""
    found = [str(v) for v in session_of(arguments, progress, limits).versions(arguments.target)]
    return Result(facts={"project": arguments.target, "versions": found}, output=tuple(found))


def setup(arguments: Arguments, _: ProgressCallback | None, limits: Limits) -> Result:
    """Write the organisation configuration."""
    parameter = _parameter(arguments, Settings.from_environment())
    configuration = check_setup(
        regions=split_list(arguments.regions or ""),
        bucket_name_param=arguments.bucket_name_param,
        bucket_key_prefix=arguments.bucket_key_prefix,
        parameter_name_prefix=arguments.parameter_name_prefix,
        parameter=parameter,
    )
    outcomes = set_up(
        configuration,
        loader=ConfigurationLoader(parameter, limits=limits),
        dry_run=arguments.dry_run,
        limits=limits,
    )
    return Result(
        facts={
            "configuration-parameter": parameter,
            "dry-run": arguments.dry_run,
            "regions": [_facts_of_setup(o) for o in outcomes],
        },
        info=tuple(rendering.setup_lines(outcomes, parameter)),
    )


COMMANDS: Mapping[str, Command] = {
    "stage": stage,
    "download": download,
    "info": info,
    "versions": versions,
    "setup": setup,
}


def facts_of_failure(error: StartifactError) -> dict[str, object]:
    """Return what *error* says to programs, with every region's outcome where there are some."""
    facts = facts_of_error(error, in_shell)
    if isinstance(error, SetupFailedError):
        facts["regions"] = [_facts_of_setup(o) for o in error.outcomes]
    return facts


def session_of(arguments: Arguments, progress: ProgressCallback | None, limits: Limits) -> Session:
    """Return the session that *arguments* ask for."""
    settings = Settings.from_environment()
    return Session(
        regions=arguments.regions,
        read_only=arguments.dry_run,
        required_regions=arguments.required_regions,
        configuration_loader=ConfigurationLoader(_parameter(arguments, settings), limits=limits),
        progress=progress,
        settings=settings,
        limits=limits,
    )


def _parameter(arguments: Arguments, settings: Settings) -> str:
    given = arguments.configuration_parameter
    return settings.parameter if given is None else given


def _or_latest(selector: str | None) -> str:
    return LATEST if selector is None else selector


def _facts_of_setup(outcome: RegionSetup) -> dict[str, object]:
    return {
        "region": outcome.region,
        "outcome": outcome.state.value,
        "changes": list(outcome.changes),
        "warning": outcome.warning,
        "error": None if outcome.error is None else outcome.error.message,
    }
