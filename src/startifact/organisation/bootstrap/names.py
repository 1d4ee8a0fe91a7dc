"""Which names and settings an organisation gets: those given, else those it has, else new ones."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from startifact.errors import ConfigurationError, StartifactError
from startifact.lazy_dataclasses import dataclass
from startifact.model.account import RegionFound
from startifact.model.configuration import Configuration, parse_configuration
from startifact.model.stacks import Stack
from startifact.options import listed
from startifact.organisation.bootstrap.request import (
    DEFAULT_CHANNELS,
    BootstrapRequest,
    merged,
)
from startifact.organisation.lost_regions import check_lost_regions
from startifact.organisation.setup import ConfigurationChange, check_setup
from startifact.problems import Problems
from startifact.regions.aws.spec import is_bucket_name
from startifact.text import quoted, quoted_list

_REMEMBERED = "# Made by startifact bootstrap for "
"""How the first line of the template of the roles begins; what it was made for is the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is to be configured, as it is known before anything is."""

    request: BootstrapRequest
    """With what was remembered where nothing is given."""

    configurations: Mapping[str, Configuration]
    """What each region is to have."""

    home: str
    """The region of the stack of the roles."""

    past_regions: tuple[str, ...]
    """Regions that the roles were made for, and are not named any more."""

    roles_stack: Stack | None

    @property
    def names(self) -> Configuration:
        """What all configurations have in common."""
        return next(iter(self.configurations.values()))


def target_of(request: BootstrapRequest, found: Sequence[RegionFound]) -> Target:
    """Return what *request* means where there is what was *found*.

    Raises:
        ConfigurationError: What there is contradicts itself, or what is asked for.
    """
    problems = Problems("what is there already", ConfigurationError)
    home, roles_stack = _roles_stack(request, found, problems)
    past = _remembered(roles_stack, problems)
    says_runs = request.options_of_runs()
    request = _with_memory(request, past)
    if says_runs and not request.repositories:
        names, several = listed(says_runs, "and"), len(says_runs) > 1
        problems.say(
            f"{names} {'are' if several else 'is'} given, and no repository whose runs are meant",
            hint=f"Give --github ORGANISATION/REPOSITORY too: {names} "
            f"{'need' if several else 'needs'} it",
        )
    check_lost_regions(
        {one.region: one.configuration for one in found},
        request.regions,
        may_go={*request.removed, *past.get("regions", ())},
        parameter=request.configuration_parameter,
        another=f"/{request.name}",
        problems=problems,
    )
    change = _change(request, found, problems)
    problems.raise_if_any()
    return Target(
        request=request,
        configurations=_configurations(change, request, found),
        home=home,
        past_regions=tuple(r for r in past.get("regions", ()) if r not in request.regions),
        roles_stack=roles_stack,
    )


def _roles_stack(
    request: BootstrapRequest, found: Sequence[RegionFound], problems: Problems
) -> tuple[str, Stack | None]:
    """Return the stack of the roles, if there is one, and the region that has it or is to."""
    having = [(one.region, one.roles_stack) for one in found if one.roles_stack is not None]
    begun = [(region, stack) for region, stack in having if stack.is_begun]
    if len(begun) > 1:
        problems.say(
            f"each of {quoted_list(region for region, _ in begun)} has a stack "
            f"{request.roles_stack}, and roles are there once for all regions",
            hint="Delete that which is not used, or choose another --name",
        )
    return next(iter([*begun, *having]), (request.regions[0], None))


def _remembered(stack: Stack | None, problems: Problems) -> Mapping[str, Sequence[str]]:
    """Return what the template of *stack* says that it was made for."""
    if stack is None or not stack.is_begun:
        return {}
    text = stack.template
    try:
        if text.startswith(_REMEMBERED):
            return dict(json.loads(text.partition("\n")[0].removeprefix(_REMEMBERED)))
    except (ValueError, LookupError, TypeError):
        pass
    problems.say(
        f"stack {stack.name} is there, and not by startifact bootstrap",
        hint="Choose another --name, or go on with that stack as you have made it",
    )
    return {}


def remembering(target: Target, template: str) -> str:
    """Return *template*, of the roles, with a first line that says what it was made for."""
    return f"{_REMEMBERED}{json.dumps(_memory(target))}\n{template}"


def _memory(target: Target) -> dict[str, Sequence[str]]:
    request = target.request
    return {
        "regions": request.regions,
        "repositories": request.repositories,
        "branches": request.branches,
        "tags": request.tags,
        "environments": request.environments,
        "projects": request.projects,
        "channels": request.channels,
    }


def _with_memory(request: BootstrapRequest, past: Mapping[str, Sequence[str]]) -> BootstrapRequest:
    """Return *request* with what an earlier one has said, where this one says nothing."""

    def before(name: str) -> tuple[str, ...]:
        return tuple(past.get(name, ()))

    says_runs = request.options_of_runs()
    return replace(
        request,
        branches=request.branches if says_runs else before("branches"),
        tags=request.tags if says_runs else before("tags"),
        environments=request.environments if says_runs else before("environments"),
        repositories=request.repositories or before("repositories"),
        projects=request.projects or before("projects") or ("*",),
        # A role is never taken away, and their numbers stay.
        channels=merged(before("channels"), request.channels) or DEFAULT_CHANNELS,
    )


def _change(
    request: BootstrapRequest, found: Sequence[RegionFound], problems: Problems
) -> ConfigurationChange:
    """Return what the configuration is to be, in short: what a region keeps is not in it."""
    present = []
    for one in found:
        if one.configuration is not None:
            source = f"{request.configuration_parameter} in {one.region}"
            try:
                present.append(
                    parse_configuration(one.configuration, source=source, with_regions=False)
                )
            except StartifactError as e:
                problems.absorb(e)
    names = {
        name: _name(name, getattr(request, name), present, default, problems)
        for name, default in (
            ("bucket_name_param", f"/{request.name}/bucket"),
            ("bucket_key_prefix", ""),
            ("parameter_name_prefix", f"/{request.name}"),
        )
    }
    problems.raise_if_any()
    return check_setup(
        regions=request.regions,
        parameter=request.configuration_parameter,
        options=request.options,
        **names,
    )


def _name(
    name: str,
    given: str | None,
    present: Iterable[Configuration],
    default: str,
    problems: Problems,
) -> str:
    if given is not None:
        return given
    known = list(dict.fromkeys(str(getattr(configuration, name)) for configuration in present))
    if len(known) > 1:
        problems.say(
            f"regions are configured with several {name}: {quoted_list(known)}",
            hint=f"Say which is right with --{name.replace('_', '-')}",
        )
    return known[0] if known else default


def _configurations(
    change: ConfigurationChange, request: BootstrapRequest, found: Sequence[RegionFound]
) -> dict[str, Configuration]:
    """Return what each region is to have; one that has none has what the others keep."""
    others = next((one.configuration for one in found if one.configuration is not None), None)
    return {
        one.region: change.applied_to(
            one.configuration or others,
            source=f"{request.configuration_parameter} in {one.region}",
        )
        for one in found
    }


def bucket_name_for(target: Target, found: RegionFound, in_parameter: str | None) -> str:
    """Return the name of the bucket of a region whose parameter for it has *in_parameter*.

    Raises:
        ConfigurationError: Several names are possible, and artifacts may be in each.
    """
    request, stack = target.request, found.stack
    known = {
        f"--bucket for {found.region}": request.buckets.get(found.region),
        f"parameter {target.names.bucket_name_param} in {found.region}": in_parameter,
        f"stack {request.name} in {found.region}": (
            stack.parameters.get("BucketName") if stack is not None and stack.is_begun else None
        ),
    }
    names = {source: name.strip() for source, name in known.items() if name}
    if len(set(names.values())) > 1:
        said = ", ".join(f"{source} says {quoted(name)}" for source, name in names.items())
        raise ConfigurationError(
            f"it is not clear which bucket is meant: {said}",
            hint="Leave the bucket as it is; to change it, bring what is in it over with copy, and "
            "set up the new one under another --name",
        )
    name = next(iter(names.values()), request.bucket_of(found.region, found.identity.account))
    if not is_bucket_name(name):
        raise ConfigurationError(
            f"{next(iter(names))} holds {quoted(name)}, expected the name of a bucket",
            hint="Put the bucket's name into it, or delete it",
        )
    return name
