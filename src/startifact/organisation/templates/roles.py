"""The template of the roles, made of the table in `startifact.permissions`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from startifact.limits import TEMPLATE_CHANNELS
from startifact.organisation.policy import statement_of
from startifact.organisation.policy_request import ANY, PolicyRequest
from startifact.organisation.templates.yaml_text import Choice, Explained, Intrinsic, indented
from startifact.organisation.trust import ISSUER
from startifact.permissions import Permission, When

LISTING = "projects"
"""The operation that is for all projects, and not for a role that is confined to some."""

CONDITIONS = {When.KMS: "HasKmsKeys", When.TAGS: "HasObjectTags", When.LOCK: "HasObjectLock"}
"""The conditions of the template under which roles are allowed what only some need."""

READING = "Reading"
"""The resource with what all roles but one are allowed."""

PROJECT = "${Project}"
"""The parameter with the project, where none is given before."""


class Role(NamedTuple):
    """A role of an organisation, and what it is for."""

    name: str
    """In the template, without *Role* behind it."""

    suffix: str
    """What the name of the role itself ends with."""

    operations: tuple[str, ...]
    purpose: str
    channel: str = ""
    condition: str = ""
    """The condition of the template under which it is made; empty for always."""

    @property
    def resource(self) -> str:
        """Its name among the resources and outputs."""
        return f"{self.name}Role"

    @property
    def subjects(self) -> str:
        """The parameter with the subjects of the tokens that take it on."""
        return f"{self.name}Subjects"

    @property
    def is_for_github(self) -> str:
        """The condition of the template that there are any."""
        return f"{self.name}IsForGitHub"


READ = Role(
    "Read",
    "read",
    ("download", "info", "link", "versions", LISTING, "channels", "lock", "copy-from", "verify"),
    "finds, downloads and compares versions",
)
STAGE = Role("Stage", "stage", ("stage",), "stages versions, which moves latest")
PRUNE = Role("Prune", "prune", ("prune", "yank", "unyank"), "yanks versions and removes them")
REPAIR = Role(
    "Repair",
    "repair",
    ("verify", "repair", "repair-keep"),
    "compares regions and repairs them, and replaces content that is not kept",
)
CONFIGURE = Role("Configure", "configure", ("setup",), "writes the organisation configuration")


def promote_role(number: int, channel: str, condition: str = "") -> Role:
    """Return the role that moves *channel*, the *number*th of the template."""
    return Role(
        f"Promote{number}",
        f"promote-{channel}",
        ("promote", "rollback", "channels-remove"),
        f"moves the channel {channel}",
        channel,
        condition,
    )


def all_roles(channels: Sequence[str]) -> tuple[Role, ...]:
    """Return every role; without *channels*, those of the channels in parameters."""
    if channels:
        promote = [promote_role(n, channel) for n, channel in enumerate(channels, 1)]
    else:
        numbers = range(1, TEMPLATE_CHANNELS + 1)
        promote = [promote_role(n, f"${{Channel{n}}}", f"HasChannel{n}") for n in numbers]
    return (READ, STAGE, *promote, PRUNE, REPAIR, CONFIGURE)


def roles_resources(roles: Sequence[Role], choices: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the lines of all *roles*, with *choices* for placeholders in the table."""
    common = _common(roles)
    resources = {READING: _reading(common, choices)}
    resources |= {role.resource: _resource(role, common, choices) for role in roles}
    lines = []
    for name, resource in resources.items():
        lines += ["", *indented({name: resource}, 2)]
    return lines


def needed_by(role: Role) -> tuple[Permission, ...]:
    """Return all that *role* may need, what only some organisations do included."""
    return PolicyRequest(
        operations=role.operations, buckets={}, kms_keys=(ANY,), object_tags=True, object_lock=True
    ).permissions


def _common(roles: Sequence[Role]) -> tuple[Permission, ...]:
    """Return what is needed by all *roles* that do anything in regions."""
    needed = [needed_by(role) for role in roles if role != CONFIGURE]
    return tuple(p for p in needed[0] if all(p in others for others in needed))


def _reading(
    common: Sequence[Permission], choices: Mapping[str, Sequence[str]]
) -> dict[str, object]:
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "ManagedPolicyName": "${Name}-reading",
            "Description": "Startifact: what every command needs.",
            "PolicyDocument": _document(_statements(common, choices)),
        },
    }


def _resource(
    role: Role, common: Sequence[Permission], choices: Mapping[str, Sequence[str]]
) -> dict[str, object]:
    needed, choices = needed_by(role), {**choices, "channel": (role.channel,)}
    own = [permission for permission in needed if permission not in common]
    return {
        "Type": "AWS::IAM::Role",
        **({"Condition": role.condition} if role.condition else {}),
        "Properties": {
            "RoleName": f"${{Name}}-{role.suffix}",
            "Description": f"Startifact: {role.purpose}.",
            "AssumeRolePolicyDocument": _document([_trust(role)]),
            **({"ManagedPolicyArns": [f"${{{READING}}}"]} if own != list(needed) else {}),
            "Policies": [
                {
                    "PolicyName": "startifact",
                    "PolicyDocument": _document(_statements(own, choices)),
                }
            ],
        },
    }


def _document(statements: Iterable[object]) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _trust(role: Role) -> Choice:
    provider = Intrinsic("!If [MakesProvider, !Ref Provider, !Ref ProviderArn]")
    by_github = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{ISSUER}:aud": "${Audience}"},
            "StringLike": {f"{ISSUER}:sub": f"${{{role.subjects}}}"},
        },
    }
    by_people = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"},
        "Action": "sts:AssumeRole",
    }
    return Choice(role.is_for_github, by_github, by_people)


def _statements(
    permissions: Iterable[Permission], choices: Mapping[str, Sequence[str]]
) -> Iterator[object]:
    for permission in permissions:
        statement: object = statement_of(permission, choices)
        if condition := CONDITIONS.get(permission.when):
            statement = Choice(condition, statement)
        elif permission.operations == (LISTING,):
            if choices["project"] not in {(ANY,), (PROJECT,)}:
                continue
            if choices["project"] == (PROJECT,):
                statement = Choice("IsForAllProjects", statement)
        reason = f"Denied: {permission.reason}" if permission.is_denial else permission.reason
        yield Explained(statement, reason)
