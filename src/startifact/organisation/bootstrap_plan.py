"""What is to be made, changed or taken in, and what keeps it from being done."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from startifact.errors import ConfigurationError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_STACK_PARAMETER_CHARACTERS, MAX_TEMPLATE_BYTES
from startifact.model.account import BucketState, IamFound, RegionFound, StoreFound
from startifact.model.configuration import Configuration, to_json
from startifact.model.stacks import Stack, cure_of
from startifact.options import OPTIONS
from startifact.organisation.bootstrap_names import Target, remembering
from startifact.organisation.setup import differences_to
from startifact.organisation.templates import regional_template, roles_template
from startifact.organisation.trust import has_ids
from startifact.problems import Problems
from startifact.text import quoted, quoted_list

IAM = "IAM"
"""Where roles are: in no region."""

_CHINA = "sts.amazonaws.com.cn"


class Action(StrEnum):
    """What is to be done about something, or what there is to know of it."""

    CREATE = "create"
    UPDATE = "update"
    TAKE_IN = "take in"
    """It is there, and is used as it is."""

    UNCHANGED = "unchanged"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLine:
    """One thing that a plan is about."""

    action: Action
    kind: str
    """Such as ``bucket``."""

    name: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPlan:
    """What is to become of one stack."""

    region: str
    name: str
    action: Action
    template: str = dataclasses.field(repr=False)
    parameters: Mapping[str, str]
    lines: tuple[PlanLine, ...]
    """What is in it, and what is used beside it."""

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to do."""
        return self.action is not Action.UNCHANGED


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
    roles = _roles(target, stores, iam, problems)
    problems.raise_if_any()
    return Plan(
        target=target,
        who=found[0].identity.who,
        account=found[0].identity.account,
        regions=tuple(regions),
        roles=roles,
        notes=tuple(_notes(target, found)),
    )


def role_suffixes(channels: Sequence[str]) -> list[str]:
    """Return what the names of all roles end with."""
    return ["read", "stage", *(f"promote-{c}" for c in channels), "prune", "repair", "configure"]


def _regional(
    target: Target, found: RegionFound, store: StoreFound, problems: Problems
) -> StackPlan:
    request, stack = target.request, found.stack
    _check_stack(stack, found.region, problems)
    configuration = target.configurations[found.region]
    parameter = configuration.bucket_name_param
    bucket = _bucket(target, found, store, problems)
    bucket_name = _bucket_name(found, store, parameter)
    written = _configuration(target, found, configuration)

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
    _check_parameters(parameters, problems)
    template = regional_template()
    return _stack_plan(
        found.region, request.name, stack, template, parameters, (bucket, bucket_name, written)
    )


def _bucket(
    target: Target, found: RegionFound, store: StoreFound, problems: Problems
) -> PlanLine:
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
        details=("it keeps its settings and its policy; doctor says what they lack",),
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


def _configuration(
    target: Target, found: RegionFound, configuration: Configuration
) -> PlanLine:
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


def _roles(
    target: Target, stores: Mapping[str, StoreFound], iam: IamFound, problems: Problems
) -> StackPlan:
    request, stack, names = target.request, target.roles_stack, target.names
    _check_stack(stack, target.home, problems)
    provider, arn = _provider(target, iam, problems)
    _check_roles(target, iam, problems)
    subjects = request.subjects()
    everywhere = ("Read", "Stage", "Prune")
    parameters = {
        "Name": request.name,
        "KeyPrefix": names.bucket_key_prefix,
        "ConfigurationParameter": request.configuration_parameter,
        "BucketNameParameter": names.bucket_name_param,
        "ParameterPrefix": names.parameter_name_prefix,
        "KmsKeys": ",".join(dict.fromkeys(s.kms_key for s in stores.values() if s.kms_key)),
        "ProviderArn": arn,
        "Audience": audience_of(target),
        **{f"{role}Subjects": ",".join(subjects) for role in everywhere},
        **{
            f"Promote{n}Subjects": ",".join(request.subjects_of_channel(channel))
            for n, channel in enumerate(request.channels, 1)
        },
    }
    _check_parameters(parameters, problems)
    template = remembering(
        target,
        roles_template(
            projects=() if request.projects == ("*",) else request.projects,
            channels=request.channels,
            regions=request.regions,
            buckets={region: store.bucket.name for region, store in stores.items()},
        ),
    )
    if len(template.encode()) > MAX_TEMPLATE_BYTES:
        problems.say(
            f"the template of the roles has {len(template.encode()):,} bytes, and CloudFormation "
            f"takes at most {MAX_TEMPLATE_BYTES:,}",
            hint="Name fewer projects, or patterns that have several, such as 'Web-*'",
        )
    roles = [_role(request.role(suffix), iam) for suffix in role_suffixes(request.channels)]
    lines = ([provider] if provider else []) + roles
    return _stack_plan(target.home, request.roles_stack, stack, template, parameters, tuple(lines))


def _role(name: str, iam: IamFound) -> PlanLine:
    action = Action.UNCHANGED if name in iam.roles else Action.CREATE
    return PlanLine(action=action, kind="role", name=name)


def audience_of(target: Target) -> str:
    """Return whom GitHub's tokens are meant for in the partition of the regions."""
    return _CHINA if target.request.partition == "aws-cn" else OPTIONS["audience"].default


def _provider(
    target: Target, iam: IamFound, problems: Problems
) -> tuple[PlanLine | None, str]:
    """Return what is to become of GitHub's identity provider, and its ARN where it is taken in."""
    stack, kind = target.roles_stack, "provider"
    if stack is not None and stack.is_begun and stack.parameters.get("ProviderArn") == "":
        line = PlanLine(action=Action.UNCHANGED, kind=kind, name="token.actions.githubusercontent.com")
        return line, ""
    if iam.provider is None:
        line = PlanLine(action=Action.CREATE, kind=kind, name="token.actions.githubusercontent.com")
        return line, ""
    audience = audience_of(target)
    if target.request.repositories and audience not in iam.audiences:
        problems.say(
            f"GitHub's identity provider is there, and takes no tokens for {audience}",
            hint="aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn "
            f"{iam.provider} --client-id {audience}",
        )
    line = PlanLine(action=Action.TAKE_IN, kind=kind, name="token.actions.githubusercontent.com")
    return line, iam.provider


def _check_roles(target: Target, iam: IamFound, problems: Problems) -> None:
    stack = target.roles_stack
    outputs = stack.outputs.values() if stack is not None else ()
    own = {arn.rpartition("/")[2] for arn in outputs}
    if foreign := sorted(iam.roles - own):
        roles = "role" if len(foreign) == 1 else "roles"
        problems.say(
            f"{roles} {quoted_list(foreign)} of that name are there, and not of stack "
            f"{target.request.roles_stack}",
            hint="Choose another --name",
        )
    new = len(role_suffixes(target.request.channels)) - len(iam.roles)
    if iam.role_quota is not None and iam.role_count + new > iam.role_quota:
        problems.say(
            f"the account has {iam.role_count:,} roles of at most {iam.role_quota:,}, and {new} "
            "are to be made",
            hint="Have the quota 'Roles per account' of IAM raised, in Service Quotas",
        )


def _check_stack(stack: Stack | None, region: str, problems: Problems) -> None:
    """Add to *problems* why *stack* cannot be updated."""
    if stack is None or stack.can_be_updated:
        return
    if stack.is_busy:
        problems.say(
            f"stack {stack.name} in {region} is {stack.status}",
            hint="Wait until CloudFormation has done with it",
        )
        return
    why = f": {quoted(stack.reason)}" if stack.reason else ""
    problems.say(
        f"stack {stack.name} in {region} is {stack.status}, which nothing updates{why}",
        hint=cure_of(stack, region),
    )


def _check_parameters(parameters: Mapping[str, str], problems: Problems) -> None:
    for name, value in parameters.items():
        if len(value) > MAX_STACK_PARAMETER_CHARACTERS:
            problems.say(
                f"{name} would have {len(value):,} characters, and CloudFormation takes at most "
                f"{MAX_STACK_PARAMETER_CHARACTERS:,}",
                hint="Name fewer repositories, branches, tags or environments",
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


def _stack_plan(
    region: str,
    name: str,
    stack: Stack | None,
    template: str,
    parameters: Mapping[str, str],
    lines: tuple[PlanLine, ...],
) -> StackPlan:
    details: tuple[str, ...] = ()
    if stack is None or not stack.is_begun:
        action = Action.CREATE
    else:
        details = tuple(_stack_changes(stack, template, parameters))
        action = Action.UPDATE if details else Action.UNCHANGED
    line = PlanLine(action=action, kind="stack", name=name, details=details)
    return StackPlan(
        region=region,
        name=name,
        action=action,
        template=template,
        parameters=parameters,
        lines=(line, *lines),
    )


def _stack_changes(
    stack: Stack, template: str, parameters: Mapping[str, str]
) -> Iterator[str]:
    """Yield what of *stack* is not as planned."""
    if stack.template.strip() != template.strip():
        yield "its template is another one"
    for name, value in parameters.items():
        before = stack.parameters.get(name)
        if before != value:
            yield f"{name}: {quoted(before)} becomes {quoted(value)}"


def _notes(target: Target, found: Sequence[RegionFound]) -> Iterator[PlanLine]:
    """Yield what is to be known besides."""
    request = target.request
    for region in target.past_regions:
        text = f"roles reach {region} no more; its stack, its bucket and what is in it stay"
        yield PlanLine(action=Action.NOTE, kind="region", name=region, details=(text,))
    before = [one for one in found if one.configuration is not None]
    for one in found if before else ():
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
