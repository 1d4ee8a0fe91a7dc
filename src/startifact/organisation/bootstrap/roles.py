"""The stack of the roles: what is in it, what it is made of, and what keeps it from being made."""

from collections.abc import Mapping, Sequence

from startifact.errors import InputError
from startifact.limits import MAX_TEMPLATE_BYTES, MAX_TRUST_POLICY_CHARACTERS
from startifact.model.account import IamFound, StoreFound
from startifact.organisation.bootstrap.lines import (
    Action,
    PlanLine,
    StackPlan,
    check_parameters,
    check_stack,
    stack_plan,
)
from startifact.organisation.bootstrap.names import Target, remembering
from startifact.organisation.policy_request import ANY
from startifact.organisation.templates import roles_template
from startifact.organisation.trust import ISSUER, audience_in, length_in_template
from startifact.problems import Problems
from startifact.text import quoted, quoted_list


def role_suffixes(channels: Sequence[str]) -> list[str]:
    """Return what the names of all roles end with."""
    return ["read", "stage", *(f"promote-{c}" for c in channels), "prune", "repair", "configure"]


def plan_roles(
    target: Target,
    stores: Mapping[str, StoreFound],
    iam: IamFound,
    problems: Problems,
    *,
    account: str,
) -> StackPlan:
    """Return what is to become of the stack of the roles. *problems* gets what is in the way."""
    request, stack, names = target.request, target.roles_stack, target.names
    check_stack(stack, target.home, problems)
    provider, arn = _provider(target, iam, problems)
    _check_roles(target, iam, problems)
    subjects = request.subjects()
    _check_trust(subjects, account, target, iam, problems)
    everywhere = ("Read", "Stage", "Prune")
    parameters = {
        "Name": request.name,
        "KeyPrefix": names.bucket_key_prefix,
        "ConfigurationParameter": request.configuration_parameter,
        "BucketNameParameter": names.bucket_name_param,
        "ParameterPrefix": names.parameter_name_prefix,
        "KmsKeys": ",".join(dict.fromkeys(s.kms_key for s in stores.values() if s.kms_key)),
        "ProviderArn": arn,
        "ObjectTags": _truth(names.object_tags),
        "ObjectLock": _truth(names.object_lock_mode),
        "Audience": audience_of(target),
        **{f"{role}Subjects": ",".join(subjects) for role in everywhere},
        **{
            f"Promote{n}Subjects": ",".join(request.subjects_of_channel(channel))
            for n, channel in enumerate(request.channels, 1)
        },
    }
    check_parameters(parameters, problems)
    template = _template(target, stores, problems)
    roles = [_role(request.role(suffix), iam) for suffix in role_suffixes(request.channels)]
    lines = ([provider] if provider else []) + roles
    return stack_plan(target.home, request.roles_stack, stack, template, parameters, tuple(lines))


def _truth(value: object) -> str:
    return "true" if value else "false"


def _template(target: Target, stores: Mapping[str, StoreFound], problems: Problems) -> str:
    """Return the template, with what it was made for."""
    request = target.request
    names = {region: store.bucket.name for region, store in stores.items()}
    # What all of our own names begin with is nobody else's, and takes less room than all of them.
    begins = {name.removesuffix(region) for region, name in names.items()}
    is_pattern = len(begins) == 1 and begins.isdisjoint(names.values())
    buckets = [f"{begins.pop()}{ANY}"] if is_pattern else [*names.values()]
    try:
        text = roles_template(
            projects=() if request.projects == (ANY,) else request.projects,
            channels=request.channels,
            regions=request.regions,
            buckets=buckets,
        )
    except InputError as e:
        problems.absorb(e)
        return ""
    text = remembering(target, text)
    if len(text.encode()) > MAX_TEMPLATE_BYTES:
        problems.say(
            f"the template of the roles has {len(text.encode()):,} bytes, and CloudFormation takes "
            f"at most {MAX_TEMPLATE_BYTES:,}",
            hint="Name fewer projects, or patterns such as 'Web-*', fewer channels or repositories",
        )
    return text


def _role(name: str, iam: IamFound) -> PlanLine:
    action = Action.UNCHANGED if name in iam.roles else Action.CREATE
    return PlanLine(action=action, kind="role", name=name)


def audience_of(target: Target) -> str:
    """Return whom GitHub's tokens are meant for in the partition of the regions."""
    return audience_in(target.request.partition)


def _provider(target: Target, iam: IamFound, problems: Problems) -> tuple[PlanLine | None, str]:
    """Return what is to become of GitHub's identity provider, and its ARN where it is taken in."""
    stack = target.roles_stack
    made_here = (
        stack is not None
        and stack.is_begun
        and stack.parameters.get("ProviderArn") == ""
        and bool(stack.outputs.get("Provider"))
    )
    if made_here and iam.provider is None:
        problems.say(
            f"stack {target.request.roles_stack} has made GitHub's identity provider, which is not "
            "there any more",
            hint=f"Make it again: aws iam create-open-id-connect-provider --url https://{ISSUER} "
            f"--client-id-list {audience_of(target)}",
        )
    if made_here or iam.provider is None:
        action = Action.UNCHANGED if made_here else Action.CREATE
        is_used = made_here or bool(target.request.repositories)
        line = PlanLine(action=action, kind="provider", name=ISSUER)
        return (line if is_used else None), ""
    if not target.request.repositories:
        return None, iam.provider
    if (audience := audience_of(target)) not in iam.audiences:
        problems.say(
            f"GitHub's identity provider is there, and takes no tokens for {audience}",
            hint="aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn "
            f"{iam.provider} --client-id {audience}",
        )
    return PlanLine(action=Action.TAKE_IN, kind="provider", name=ISSUER), iam.provider


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
    new_roles = len(role_suffixes(target.request.channels)) - len(iam.roles)
    new_policies = 0 if stack is not None and stack.is_begun else 1
    for kind, count, quota, new, name in (
        ("roles", iam.role_count, iam.role_quota, new_roles, "Roles per account"),
        (
            *("policies", iam.policy_count, iam.policy_quota, new_policies),
            "Customer managed policies per account",
        ),
    ):
        if quota is not None and count + new > quota:
            are = "is" if new == 1 else "are"
            problems.say(
                f"the account has {count:,} {kind} of at most {quota:,}, and {new} {are} to be "
                "made",
                hint=f"Have the quota {quoted(name)} of IAM raised, in Service Quotas of us-east-1",
            )


def _check_trust(
    subjects: Sequence[str], account: str, target: Target, iam: IamFound, problems: Problems
) -> None:
    """Add to *problems* that *subjects* do not fit into the trust policy of one role."""
    quota = iam.trust_quota or MAX_TRUST_POLICY_CHARACTERS
    length = length_in_template(subjects, account, target.request.partition)
    if length > quota:
        problems.say(
            f"the trust policy of a role has {length:,} characters, and IAM allows at most "
            f"{quota:,}",
            hint="Name fewer repositories, branches, tags and environments, or patterns such as "
            "'release/*'; set up the others under another --name; or have the quota 'Role trust "
            "policy length' of IAM raised, in Service Quotas of us-east-1",
        )
