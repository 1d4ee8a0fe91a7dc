"""What is to be made, changed or taken in, and what keeps it from being done."""

from collections.abc import Iterator, Mapping, Sequence

from startifact.errors import ConfigurationError
from startifact.lazy_dataclasses import dataclass
from startifact.model.account import BucketState, IamFound, RegionFound, StoreFound
from startifact.model.configuration import Configuration, bucket_options_in, to_json
from startifact.model.stacks import Stack
from startifact.organisation.bootstrap.lines import (
    Action,
    PlanLine,
    StackPlan,
    check_parameters,
    check_stack,
    stack_plan,
)
from startifact.organisation.bootstrap.names import Target
from startifact.organisation.bootstrap.roles import plan_roles
from startifact.organisation.differences import differences_to
from startifact.organisation.lost_regions import regions_in, text_of_removed
from startifact.organisation.templates import regional_template
from startifact.organisation.trust import has_ids
from startifact.problems import Problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to become of an account, before anything has."""

    target: Target
    who: str
    account: str
    regions: tuple[StackPlan, ...]
    roles: StackPlan
    notes: tuple[PlanLine, ...]

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to do at all."""
        return any(
            line.action in {Action.CREATE, Action.UPDATE}
            for stack in (*self.regions, self.roles)
            for line in stack.lines
        )


def make_plan(
    target: Target,
    found: Sequence[RegionFound],
    stores: Mapping[str, StoreFound],
    iam: IamFound,
) -> Plan:
    """Return what is to be done to get from what was *found* to *target*.

    Raises:
        ConfigurationError: It cannot be done; the message has every reason.
    """
    problems = Problems("what is to be set up", ConfigurationError)
    regions = [_regional(target, one, stores[one.region], problems) for one in found]
    names = {region: store.bucket.name for region, store in stores.items()}
    if len(set(names.values())) < len(names):
        problems.say("one bucket is that of two regions: it would count twice")
    account = found[0].identity.account
    roles = plan_roles(target, stores, iam, problems, account=account)
    problems.raise_if_any()
    return Plan(
        target=target,
        who=found[0].identity.who,
        account=account,
        regions=tuple(regions),
        roles=roles,
        notes=tuple(_notes(target, found)),
    )


def _regional(
    target: Target, found: RegionFound, store: StoreFound, problems: Problems
) -> StackPlan:
    request, stack = target.request, found.stack
    check_stack(stack, found.region, problems)
    configuration = target.configurations[found.region]
    parameter = configuration.bucket_name_param
    bucket = _bucket(target, found, store, problems)
    bucket_name = _bucket_name(found, store, parameter)
    written = _configuration(target, found, configuration)
    _check_owner(found, configuration, problems)
    if store.key_problem is not None:
        problems.absorb(store.key_problem)

    def makes(line: PlanLine, flag: str) -> str:
        return "true" if line.action is Action.CREATE or _makes(stack, flag) else "false"

    parameters = {
        "BucketName": store.bucket.name,
        "CreateBucket": makes(bucket, "CreateBucket"),
        "KeyPrefix": configuration.bucket_key_prefix,
        "KmsKey": store.kms_key,
        "ObjectLock": _has_object_lock(configuration, stack),
        "PruneRole": request.role("prune"),
        "RepairRole": request.role("repair"),
        "BucketNameParameter": parameter,
        "CreateBucketNameParameter": makes(bucket_name, "CreateBucketNameParameter"),
        "ConfigurationParameter": request.configuration_parameter,
        "Configuration": to_json(configuration),
        "CreateConfiguration": makes(written, "CreateConfiguration"),
        **_left_alone(stack, "NoncurrentDays", "UploadDays"),
    }
    check_parameters(parameters, problems)
    template = regional_template()
    return stack_plan(
        found.region, request.name, stack, template, parameters, (bucket, bucket_name, written)
    )


def _bucket(target: Target, found: RegionFound, store: StoreFound, problems: Problems) -> PlanLine:
    """Return what is to become of the bucket of a region."""
    name, state, region = store.bucket.name, store.bucket.state, found.region
    made_here = _makes(found.stack, "CreateBucket")
    if state is BucketState.TAKEN:
        problems.say(
            f"bucket {name} for {region} belongs to somebody else: names of buckets are those of "
            "the whole world",
            hint=f"Choose another --name, or a bucket of your own: --bucket {region}=NAME",
        )
    elif state is BucketState.ELSEWHERE:
        problems.say(
            f"bucket {name} is in {store.bucket.region}, expected in {region}",
            hint=f"Name a bucket that is there, or a name that is free: --bucket {region}=NAME",
        )
    elif state is BucketState.ABSENT and made_here:
        problems.say(
            f"stack {target.request.name} in {region} has made bucket {name}, which is not there "
            "any more",
            hint="Make it again, so that the stack has it: aws s3api create-bucket --bucket "
            f"{name} --region {region}; and run this again",
        )
    if made_here:
        return PlanLine(action=Action.UNCHANGED, kind="bucket", name=name)
    if state is BucketState.ABSENT:
        return PlanLine(action=Action.CREATE, kind="bucket", name=name)
    return PlanLine(
        action=Action.TAKE_IN,
        kind="bucket",
        name=name,
        details=(
            "it keeps its settings, of which doctor says what they lack",
            "it keeps its policy, which may deny what the new roles do",
        ),
    )


def _bucket_name(found: RegionFound, store: StoreFound, parameter: str) -> PlanLine:
    """Return what is to become of the parameter that holds the bucket's name."""
    made_here = _makes(found.stack, "CreateBucketNameParameter")
    if store.bucket_name is None:
        action = Action.UPDATE if made_here else Action.CREATE
    elif made_here:
        action = Action.UNCHANGED
    else:
        action = Action.TAKE_IN
    return PlanLine(action=action, kind="parameter", name=parameter)


def _configuration(target: Target, found: RegionFound, configuration: Configuration) -> PlanLine:
    """Return what is to become of the parameter that holds the organisation configuration."""
    name, present = target.request.configuration_parameter, found.configuration
    made_here = _makes(found.stack, "CreateConfiguration")
    changes = () if present is None else differences_to(present, configuration)
    if present is None:
        action = Action.UPDATE if made_here else Action.CREATE
    elif changes:
        action = Action.UPDATE
    else:
        action = Action.UNCHANGED if made_here else Action.TAKE_IN
    return PlanLine(action=action, kind="configuration", name=name, details=tuple(changes))


def _check_owner(found: RegionFound, configuration: Configuration, problems: Problems) -> None:
    region, account = found.region, found.identity.account
    owner = bucket_options_in(configuration, region).bucket_owner
    if owner not in {None, account}:
        problems.say(
            f"bucket_owner of {region} is {owner}, expected {account}, whose the buckets are",
            hint=f"Set --bucket-owner {account}, or --unset bucket_owner",
        )


def _makes(stack: Stack | None, flag: str) -> bool:
    """Say whether *stack* has made what *flag* is about."""
    return stack is not None and stack.is_begun and stack.parameters.get(flag) == "true"


def _has_object_lock(configuration: Configuration, stack: Stack | None) -> str:
    """Return whether the bucket is to have Object Lock, which nobody can switch off again."""
    has = configuration.object_lock_mode is not None or _makes(stack, "ObjectLock")
    return "true" if has else "false"


def _left_alone(stack: Stack | None, *names: str) -> dict[str, str]:
    """Return those parameters *names* that somebody may have set in the stack by hand."""
    given = stack.parameters if stack is not None and stack.is_begun else {}
    return {name: given[name] for name in names if name in given}


def _notes(target: Target, found: Sequence[RegionFound]) -> Iterator[PlanLine]:
    """Yield what is to be known besides."""
    request = target.request
    before = {name for one in found for name in regions_in(one.configuration)}
    removed = [r for r in request.removed if r in before and r not in target.past_regions]
    for region in (*target.past_regions, *removed):
        roles = f"roles reach {region} no more; its stack, its bucket and what is in it stay"
        details = (roles,) if region in target.past_regions else ()
        left = text_of_removed(region, request.configuration_parameter)
        yield PlanLine(action=Action.NOTE, kind="region", name=region, details=(*details, left))
    for one in found if any(one.configuration is not None for one in found) else ():
        if one.configuration is None:
            text = (
                "it is new: fill it with startifact repair PROJECT for each project, since readers "
                "take it for a region that is behind until then"
            )
            yield PlanLine(action=Action.NOTE, kind="region", name=one.region, details=(text,))
    for name in request.repositories:
        if not has_ids(name):
            text = (
                f"made since 15 July 2026 it has ids in its tokens: gh api repos/{name} --jq "
                "'.owner.id, .id' prints both, for --github ORGANISATION@ID/REPOSITORY@ID"
            )
            yield PlanLine(action=Action.NOTE, kind="repository", name=name, details=(text,))
