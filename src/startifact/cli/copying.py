"""What `startifact copy` is given, and what it does.

It has two lists of regions, and credentials for each; a step has one of each, so none has it.
"""

from dataclasses import dataclass
from typing import ClassVar

from startifact.commands.inputs import SessionInputs
from startifact.commands.results import StageResult
from startifact.commands.running import parameter_of
from startifact.concurrency.progress import ProgressCallback
from startifact.limits import Limits
from startifact.model.configuration import AWS_REGION
from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.regions.spec import split_list
from startifact.session import Session
from startifact.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyInputs:
    """What to copy, and where to. The fields are options, but for the project and its selector."""

    command: ClassVar = "copy"
    project: str
    version: str
    min_age: str | None
    to: str
    to_profile: str | None
    to_role: str | None
    to_configuration_parameter: str | None


def run_copy(
    inputs: CopyInputs,
    given: SessionInputs,
    session: Session,
    settings: Settings,
    progress: ProgressCallback | None,
    limits: Limits,
) -> StageResult:
    """Do what *inputs* say; *given* holds for the regions that are copied to as well.

    Raises:
        StartifactError: It did not succeed, and there is nothing to show.
    """
    somebody = None
    if inputs.to_profile is not None or inputs.to_role is not None:
        from startifact.regions.aws.named_credentials import session_as  # it loads the SDK

        regions = [name for name in split_list(inputs.to) if AWS_REGION.fullmatch(name)]
        region = settings.aws_region or next(iter(regions), None)
        somebody = session_as(inputs.to_profile, inputs.to_role, region=region)
    loader = ConfigurationLoader(
        parameter_of(inputs.to_configuration_parameter, settings),
        boto3_session=somebody,
        limits=limits,
    )
    to = Session(
        regions=inputs.to,
        read_only=given.dry_run,
        required_regions=given.required_regions,
        configuration_loader=loader,
        progress=progress,
        settings=settings,
        limits=limits,
    )
    staging = session.copy(inputs.project, inputs.version, to, min_age=inputs.min_age)
    return StageResult(staging=staging, regions=to.regions)
