"""Writing the organisation configuration into SSM, in every region that it names."""

import dataclasses
import json
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from functools import partial
from typing import TypeVar

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import InputError, SetupFailedError, StartifactError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.configuration import (
    Configuration,
    is_parameter_name,
    is_reserved_parameter,
    parse_configuration,
    to_json,
)
from startifact.organisation.differences import differences_to
from startifact.organisation.given_options import KEPT, GivenOptions
from startifact.organisation.lost_regions import (
    check_lost_regions,
    check_removed,
    regions_in,
    text_of_removed,
)
from startifact.problems import Problems
from startifact.regions.aws.configuration_loader import (
    ConfigurationLoader,
    clients_of,
    parameters_of,
)
from startifact.regions.aws.spec import is_bucket_name
from startifact.text import quoted, with_regions

logger = logging.getLogger(__name__)

T = TypeVar("T")


class SetupState(StrEnum):
    """What setup did to the configuration of one region."""

    WRITTEN = "written"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    WOULD_WRITE = "would-write"
    WOULD_REPLACE = "would-replace"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSetup:
    """The outcome of setup in one region.

    ``changes`` says, in words, how the configuration that was there before differed.
    ``warning`` says why staging to this region would fail as it is configured.
    """

    region: str
    state: SetupState
    changes: tuple[str, ...] = ()
    warning: str | None = None
    error: StartifactError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationChange:
    """What is to be configured. Of the keys of `KEPT` a region keeps all that are not *decided*."""

    configuration: Configuration
    decided: Collection[str] = ()
    removed: Collection[str] = ()
    """Regions that it may have been of, and is not to be any more."""

    def applied_to(self, present: str | None, *, source: str) -> Configuration:
        """Return what a region is to have that has *present* now; *source* names it in messages.

        Raises:
            ConfigurationError: The two contradict each other, as where *present* has a key for each
                of fewer regions.
        """
        if present is None:
            return self.configuration
        try:
            old = parse_configuration(present, source=source, with_regions=False)
        except StartifactError:
            return self.configuration
        kept = {name: getattr(old, name) for name in KEPT if name not in self.decided}
        return parse_configuration(
            to_json(dataclasses.replace(self.configuration, **kept)),
            source=f"{source}, as it would be",
        )


def check_setup(
    *,
    regions: Iterable[str],
    bucket_name_param: str,
    bucket_key_prefix: str,
    parameter_name_prefix: str,
    parameter: str,
    options: GivenOptions | None = None,
    removed: Collection[str] = (),
) -> ConfigurationChange:
    """Return the configuration that the arguments describe and that *parameter* can hold.

    Raises:
        InputError: They describe none; the message has every problem.
    """
    problems = Problems("setup")
    names = list(regions)
    if not names:
        problems.say("no region is named", hint="Name at least one AWS region, such as eu-west-1")
    check_removed(removed, names, problems)
    _check_parameter(problems, parameter, bucket_name_param)
    given = {} if options is None else options.values(problems)
    text = json.dumps(
        {
            "bucket_name_param": bucket_name_param,
            "bucket_key_prefix": bucket_key_prefix,
            "parameter_name_prefix": parameter_name_prefix,
            "regions": names,
            **{name: value for name, value in given.items() if value is not None},
        }
    )
    try:
        configuration = parse_configuration(text, source="the options", error=InputError)
    except InputError as e:
        if not problems:
            raise
        problems.absorb(e)
    problems.raise_if_any()
    return ConfigurationChange(
        configuration=configuration, decided=frozenset(given), removed=tuple(removed)
    )


def _check_parameter(problems: Problems, parameter: str, bucket_name_param: str) -> None:
    if not is_parameter_name(parameter):
        problems.add("configuration parameter", parameter, "the name of an SSM parameter")
    elif is_reserved_parameter(parameter):
        problems.say(
            f"configuration parameter {quoted(parameter)} begins with aws or ssm: "
            "SSM keeps such names for itself"
        )
    if parameter.strip("/") == bucket_name_param.strip("/"):
        problems.say(
            f"parameter {quoted(parameter)} cannot hold both the configuration and a bucket's name",
            hint="Name the parameter that holds the name of each region's bucket",
        )


def set_up(
    change: ConfigurationChange,
    *,
    loader: ConfigurationLoader,
    dry_run: bool = False,
    limits: Limits,
) -> tuple[RegionSetup, ...]:
    """Make *change* in the loader's parameter in every region that it names.

    All regions are set up at once, when it is known what they have. Returns each region's outcome,
    in the configured order; a region that has the same configuration already is not written to.
    With *dry_run* none is.

    Raises:
        InputError: The organisation would lose a region that is not to be removed.
        SetupFailedError: A region failed; the others were set up all the same.
    """
    regions = change.configuration.regions
    clients_of(loader).prepare(region=regions[0])
    found = _in_all({r: partial(_look, r, change, loader) for r in regions}, limits)
    present = {r: one.present for r, one in found.items() if isinstance(one, _Found)}
    _check_regions(change, present, loader.parameter)
    by_region: dict[str, RegionSetup | StartifactError] = {
        r: one for r, one in found.items() if isinstance(one, StartifactError)
    }
    jobs = {
        r: partial(_set_up_one, r, one, change, loader, dry_run)
        for r, one in found.items()
        if isinstance(one, _Found)
    }
    by_region |= _in_all(jobs, limits)
    outcomes = tuple(
        RegionSetup(region=r, state=SetupState.FAILED, error=one)
        if isinstance(one := by_region[r], StartifactError)
        else one
        for r in regions
    )
    _warn(outcomes, change, present, loader.parameter)
    if failed := sum(o.state is SetupState.FAILED for o in outcomes):
        would = "would not get" if dry_run else "did not get"
        raise SetupFailedError(
            f"{failed} of {len(outcomes)} regions {would} the configuration:", outcomes=outcomes
        )
    return outcomes


def _in_all(
    jobs: Mapping[str, Callable[[Heartbeat], T]], limits: Limits
) -> dict[str, T | StartifactError]:
    """Return what each of *jobs* has returned, or why it failed."""
    if not jobs:
        return {}
    with FanOut(jobs, limits=limits) as asking:
        return {a.name: a.error if isinstance(a, Failure) else a.value for a in asking}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What a region has: the text of its configuration, and what is wrong with its bucket."""

    present: str | None
    warning: str | None


def _look(
    region: str, change: ConfigurationChange, loader: ConfigurationLoader, heartbeat: Heartbeat
) -> _Found:
    present = parameters_of(loader, region).get(loader.parameter)
    heartbeat.beat()
    warning = _bucket_warning(region, change.configuration.bucket_name_param, loader)
    return _Found(present=present, warning=warning)


def _check_regions(
    change: ConfigurationChange, present: Mapping[str, str | None], parameter: str
) -> None:
    problems = Problems("setup")
    check_lost_regions(
        present,
        change.configuration.regions,
        may_go=change.removed,
        parameter=parameter,
        another="/NAME",
        problems=problems,
    )
    problems.raise_if_any()


def _set_up_one(
    region: str,
    found: _Found,
    change: ConfigurationChange,
    loader: ConfigurationLoader,
    dry_run: bool,
    _: Heartbeat,
) -> RegionSetup:
    present = found.present
    configuration = change.applied_to(present, source=f"{loader.parameter} in {region}")
    changes = () if present is None else differences_to(present, configuration)
    if present is not None and not changes:
        return RegionSetup(region=region, state=SetupState.UNCHANGED, warning=found.warning)
    if dry_run:
        state = SetupState.WOULD_WRITE if present is None else SetupState.WOULD_REPLACE
    else:
        state = SetupState.WRITTEN if present is None else SetupState.REPLACED
        parameters_of(loader, region).put(loader.parameter, to_json(configuration))
    return RegionSetup(region=region, state=state, changes=changes, warning=found.warning)


def _warn(
    outcomes: Iterable[RegionSetup],
    change: ConfigurationChange,
    present: Mapping[str, str | None],
    parameter: str,
) -> None:
    """Warn of what is wrong with buckets, and of what is left in regions that have gone."""
    for outcome in outcomes:
        if outcome.warning is not None:
            logger.warning("%s", outcome.warning)
    before = {name for text in present.values() for name in regions_in(text)}
    for region in change.removed:
        if region in before:
            logger.warning("%s: %s", region, text_of_removed(region, parameter))


def _bucket_warning(region: str, name: str, loader: ConfigurationLoader) -> str | None:
    """Return why *name* does not give the bucket of *region*; ``None`` when it does."""
    try:
        value = parameters_of(loader, region).get(name)
    except StartifactError as e:
        return with_regions([region], f"the bucket's name could not be checked: {e.message}")
    if value is None:
        return f"{region} has no parameter {name} with the bucket's name yet"
    if not is_bucket_name(value.strip()):
        return f"{region}: parameter {name} holds {quoted(value)}, expected the name of a bucket"
    return None
