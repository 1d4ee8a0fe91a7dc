"""What `startifact setup` is given, what it does, and what it results in. Only a shell has it."""

from collections.abc import Sequence
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
class ConfigurationInputs(GivenOptions):
    """What each command takes that writes the organisation configuration."""

    configuration_parameter: str | None
    bucket_key_prefix: str | None
    parameter_name_prefix: str | None
    remove_region: Sequence[str]
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupInputs(ConfigurationInputs):
    """The organisation configuration to write, and the parameter to write it to.

    The fields are all the options that the command takes, but for those of every process.
    """

    command: ClassVar = "setup"
    regions: str
    bucket_name_param: str


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
        options=inputs,
        removed=inputs.remove_region,
    )
    loader = ConfigurationLoader(parameter, limits=limits)
    outcomes = set_up(change, loader=loader, dry_run=inputs.dry_run, limits=limits)
    return SetupResult(parameter=parameter, outcomes=tuple(outcomes), dry_run=inputs.dry_run)
