"""What the command copy does: it has two lists of regions, and perhaps two identities."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from startifact.commands.inputs import CopyInputs, SessionInputs
from startifact.commands.results import CopyResult
from startifact.commands.running import parameter_of, session_of
from startifact.commands.suggestions import suggesting
from startifact.concurrency.progress import ProgressCallback
from startifact.errors import InputError
from startifact.hints import Hint, Option
from startifact.limits import DEFAULT_LIMITS, Limits
from startifact.model.quorum import MAJORITY
from startifact.model.roles import check_role
from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.regions.aws.spec import first_aws_region
from startifact.regions.aws.web_identity import WebIdentity
from startifact.regions.factory import parse_specs
from startifact.regions.spec import RegionSpec, split_list
from startifact.session import Session
from startifact.settings import Settings
from startifact.text import quoted_list


def run_copy(
    inputs: CopyInputs,
    given: SessionInputs,
    settings: Settings,
    *,
    identity: WebIdentity | None = None,
    progress: ProgressCallback | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> CopyResult:
    """Do what *inputs* say; *given* holds for the regions that are copied to as well.

    *identity* takes on the role that *inputs* name, and is who to be there where they name none.

    Raises:
        StartifactError: It did not succeed, and there is nothing to show.
    """
    names = split_list(inputs.to) if isinstance(inputs.to, str) else inputs.to
    specs = parse_specs(names, source="to")
    _refuse_ignored(inputs, specs)
    # How many regions are required is said of those that something is staged in.
    reading = replace(given, required_regions=MAJORITY)
    session = session_of(reading, settings, identity=identity, progress=progress, limits=limits)
    to = Session(
        regions=[spec.text for spec in specs],
        read_only=given.dry_run,
        required_regions=given.required_regions,
        configuration_loader=_loader(inputs, specs, given, settings, identity, limits),
        progress=progress,
        # Those of the environment are the ones to copy from: nothing is missing where they are.
        settings=replace(settings, regions=None),
        limits=limits,
    )
    with suggesting(inputs, session):
        staging = session.copy(inputs.project, inputs.version, to, min_age=inputs.min_age)
    return CopyResult(staging=staging, regions=to.regions)


def _refuse_ignored(inputs: CopyInputs, specs: Sequence[RegionSpec]) -> None:
    """Refuse what says how to reach regions, where none of *specs* is reached that way.

    Raises:
        InputError: There is such an option.
    """
    credentials = any(spec.uses_credentials for spec in specs)
    configuration = any(spec.uses_configuration for spec in specs)
    for option, given, is_used, what in (
        (Option("to-profile"), inputs.to_profile, credentials, "needs credentials of AWS"),
        (Option("to-role"), inputs.to_role, credentials, "needs credentials of AWS"),
        (
            Option("to-configuration-parameter"),
            inputs.to_configuration_parameter,
            configuration,
            "has an organisation configuration",
        ),
    ):
        if given is not None and not is_used:
            raise InputError(
                f"{option.name} is given, and none of the regions to copy to {what}: "
                f"{quoted_list(spec.text for spec in specs)}",
                hint=Hint.of("Leave out ", option),
            )


def _loader(
    inputs: CopyInputs,
    specs: Iterable[RegionSpec],
    given: SessionInputs,
    settings: Settings,
    identity: WebIdentity | None,
    limits: Limits,
) -> ConfigurationLoader:
    """Return what reaches the regions *specs*, which are copied to."""
    parameter = inputs.to_configuration_parameter or given.configuration_parameter
    somebody = None
    if inputs.to_role is not None:
        check_role(inputs.to_role, name="to-role")
    if inputs.to_profile is not None or inputs.to_role is not None:
        from startifact.regions.aws.named_credentials import session_as  # it loads the SDK

        region = settings.aws_region or first_aws_region(specs)
        somebody = session_as(
            inputs.to_profile, inputs.to_role, region=region, identity=identity, limits=limits
        )
    return ConfigurationLoader(
        parameter_of(parameter, settings),
        identity=identity if somebody is None else None,
        boto3_session=somebody,
        limits=limits,
    )
