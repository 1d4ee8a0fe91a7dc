"""What `startifact setup` is given, what it does, and what it results in. Only a shell has it."""

from collections.abc import Sequence
from dataclasses import fields
from typing import ClassVar

from startifact.commands.running import parameter_of
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.organisation.given_options import GivenOptions
from startifact.organisation.setup import RegionSetup, check_setup, set_up
from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.regions.spec import split_list
from startifact.report import facts_of_setup
from startifact.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupInputs:
    """The organisation configuration to write, and the parameter to write it to.

    The fields are all the options that the command takes, but for those of every process.
    """

    command: ClassVar = "setup"
    regions: str
    configuration_parameter: str | None
    bucket_name_param: str
    bucket_key_prefix: str | None
    parameter_name_prefix: str | None
    kms_key: Sequence[str]
    bucket_owner: Sequence[str]
    storage_class: str | None
    object_tag: Sequence[str]
    object_lock_mode: str | None
    object_lock_days: int | None
    mirrored_channel: Sequence[str]
    endpoint: Sequence[str]
    use_dualstack: str | None
    use_fips: str | None
    unset: Sequence[str]
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupResult:
    """What became of the *parameter* with the organisation configuration in every region."""

    parameter: str
    outcomes: tuple[RegionSetup, ...]
    dry_run: bool

    def facts(self) -> dict[str, object]:
        """Return what this reports to programs."""
        return {
            "configuration-parameter": self.parameter,
            "dry-run": self.dry_run,
            "regions": facts_of_setup(self.outcomes),
        }


def set_up_organisation(inputs: SetupInputs, settings: Settings, limits: Limits) -> SetupResult:
    """Write the organisation configuration.

    Raises:
        InputError: It cannot be written like that.
        SetupFailedError: Not every region has it now.
    """
    parameter = parameter_of(inputs.configuration_parameter, settings)
    change = check_setup(
        regions=split_list(inputs.regions),
        bucket_name_param=inputs.bucket_name_param,
        bucket_key_prefix=inputs.bucket_key_prefix or "",
        parameter_name_prefix=inputs.parameter_name_prefix or "",
        parameter=parameter,
        options=options_in(inputs),
    )
    loader = ConfigurationLoader(parameter, limits=limits)
    outcomes = set_up(change, loader=loader, dry_run=inputs.dry_run, limits=limits)
    return SetupResult(parameter=parameter, outcomes=tuple(outcomes), dry_run=inputs.dry_run)


def options_in(inputs: object) -> GivenOptions:
    """Return what *inputs* say of the keys of the configuration beside the first four."""
    return GivenOptions(
        **{field.name: getattr(inputs, field.name) for field in fields(GivenOptions)}
    )
