"""What an account has already of what an organisation needs, in all regions at once."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import (
    ConfigurationError,
    RegionsFailedError,
    ServiceRefusedError,
    StartifactError,
)
from startifact.limits import Limits
from startifact.model.account import IamFound, RegionFound, StoreFound
from startifact.model.configuration import bucket_options_in
from startifact.model.stacks import Stack
from startifact.organisation.bootstrap.names import Target, bucket_name_for, target_of
from startifact.organisation.bootstrap.plan import Plan, make_plan
from startifact.organisation.bootstrap.request import BootstrapRequest
from startifact.organisation.bootstrap.roles import role_suffixes
from startifact.regions.aws.account_access import AccountAccess

T = TypeVar("T")


def plan_bootstrap(
    request: BootstrapRequest, access: AccountAccess, *, waits: bool, limits: Limits
) -> Plan:
    """Look at the account, and return what is to be done. Nothing is changed.

    With *waits* stacks that are being changed, as by an earlier run, are waited for.

    Raises:
        ConfigurationError: It cannot be done; the message has every reason that is seen.
        RegionsFailedError: Not everything can be seen.
    """
    access.prepare(request.regions[0])
    jobs = {r: partial(_look, r, request, access, waits) for r in request.regions}
    by_region = _in_all(jobs, limits=limits)
    found = [by_region[region] for region in request.regions]
    target = target_of(request, found)
    stores, iam = _look_further(target, found, access, limits)
    return make_plan(target, found, stores, iam)


def _look(
    region: str, request: BootstrapRequest, access: AccountAccess, waits: bool, _: Heartbeat
) -> RegionFound:
    identity = access.account.identity(region)
    return RegionFound(
        region=region,
        identity=identity,
        stack=_stack(request.name, region, access, waits=waits),
        roles_stack=_stack(request.roles_stack, region, access, waits=waits),
        configuration=access.parameters(region).get(request.configuration_parameter),
    )


def _stack(name: str, region: str, access: AccountAccess, *, waits: bool) -> Stack | None:
    stacks = access.stacks(region)
    found = stacks.find(name)
    if found is None or not found.is_busy or not waits:
        return found
    # By its name, so that one that goes meanwhile is one that is not there.
    stacks.wait(name, report=lambda _: None)
    return stacks.find(name)


def _look_further(
    target: Target, found: Sequence[RegionFound], access: AccountAccess, limits: Limits
) -> tuple[Mapping[str, StoreFound], IamFound]:
    """Return what there is of buckets, and in IAM, now that it is known what to look for."""
    stores: dict[str, StoreFound] = {}
    iam: list[IamFound] = []
    roles = [target.request.role(s) for s in role_suffixes(target.request.channels)]

    def look_at_store(one: RegionFound, _: Heartbeat) -> None:
        stores[one.region] = _store(target, one, access)

    def look_at_iam(_: Heartbeat) -> None:
        iam.append(access.account.iam(target.home, roles))

    jobs: dict[str, Callable[[Heartbeat], None]] = {
        one.region: partial(look_at_store, one) for one in found
    }
    _in_all({**jobs, "IAM": look_at_iam}, limits=limits)
    return stores, iam[0]


def _store(target: Target, found: RegionFound, access: AccountAccess) -> StoreFound:
    region = found.region
    configuration = target.configurations[region]
    bucket_name = access.parameters(region).get(configuration.bucket_name_param)
    name = bucket_name_for(target, found, bucket_name)
    bucket = access.account.bucket(name, region, found.identity.account)
    key = bucket_options_in(configuration, region).kms_key
    try:
        arn = "" if key is None else access.account.key(key, region)
    except (ConfigurationError, ServiceRefusedError) as e:
        return StoreFound(bucket_name=bucket_name, bucket=bucket, key_problem=e)
    return StoreFound(bucket_name=bucket_name, bucket=bucket, kms_key=arn)


def _in_all(jobs: Mapping[str, Callable[[Heartbeat], T]], *, limits: Limits) -> dict[str, T]:
    """Return what each of *jobs* has returned.

    Raises:
        RegionsFailedError: One of them failed; the message has every reason.
    """
    done: dict[str, T] = {}
    failed: dict[str, StartifactError] = {}
    with FanOut(jobs, limits=limits) as looking:
        for answer in looking:
            if isinstance(answer, Failure):
                failed[answer.name] = answer.error
            else:
                done[answer.name] = answer.value
    if failed:
        raise RegionsFailedError(
            "it could not be seen what there is already, and nothing was changed:",
            said=[(name, failed[name]) for name in jobs if name in failed],
            again="Running the same again is safe",
        )
    return done
