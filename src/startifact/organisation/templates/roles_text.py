"""The text of the template of the roles: what it takes, what it decides, what it returns."""

from collections.abc import Mapping, Sequence

from startifact.limits import (
    MAX_KEY_PREFIX_CHARACTERS,
    MAX_PARAMETER_PREFIX_CHARACTERS,
    MAX_ROLE_CHANNEL_CHARACTERS,
    MAX_ROLES_NAME_CHARACTERS,
)
from startifact.model.configuration import DEFAULT_PARAMETER
from startifact.model.keys import LATEST
from startifact.organisation.policy_request import ANY
from startifact.organisation.templates.roles import PROJECT, Role, all_roles, roles_resources
from startifact.organisation.templates.yaml_text import Intrinsic, indented
from startifact.organisation.trust import ISSUER

_HEAD = """\
AWSTemplateFormatVersion: "2010-09-09"

Description: >-
  Roles that run Startifact's commands, for workflows of GitHub or for people of this account. One
  stack for all regions. Each role may do what its commands need, in this account, and nothing else.

# A role is allowed what "startifact policy" prints for its commands.
"""
_SUBJECT = (
    r"^(repo:[A-Za-z0-9][A-Za-z0-9_-]{0,38}(@[0-9]{1,20})?/[A-Za-z0-9_.-]{1,100}(@[0-9]{1,20})?"
    r":(ref:refs/(heads|tags)/|environment:)[^*?\s][^?\s]*)?$"
)
_CHANNEL = rf"^(?!{LATEST}$)([a-z][a-z0-9-]{{0,{MAX_ROLE_CHANNEL_CHARACTERS - 1}}})?$"
_PARAMETER_NAME = r"^/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){0,14}$"

_TARGETS: Mapping[str, object] = {
    "Bucket": {
        "Type": "String",
        "Description": "The name of the buckets of all regions, with * for what differs.",
        "AllowedPattern": r"^[a-z0-9][a-z0-9.*-]{1,62}$",
    },
    "Project": {
        "Type": "String",
        "Description": "The project that the roles are for, or a pattern of names, such as Web-*.",
        "Default": ANY,
        "AllowedPattern": r"^[A-Za-z0-9*][A-Za-z0-9_.*-]{0,127}$",
    },
}
"""What is in parameters unless it is given before."""


def roles_text(choices: Mapping[str, Sequence[str]], channels: Sequence[str]) -> str:
    """Return the template; what *choices* has for placeholders of the table is no parameter of it.

    Without *channels* there are parameters for some.
    """
    roles = all_roles(channels)
    parameters = {**_own_parameters(choices, channels), **_common_parameters(), **_subjects(roles)}
    lines = [_HEAD, "Parameters:", *indented(parameters, 2), "", "Conditions:"]
    lines += [
        *indented(_conditions(roles, is_for_any_project="project" not in choices), 2),
        "",
        "Resources:",
        *_provider(),
    ]
    lines += roles_resources(roles, {**_in_parameters(), **choices})
    lines += ["", "Outputs:", *indented(_outputs(roles), 2), ""]
    return "\n".join(lines)


def _in_parameters() -> dict[str, Sequence[str]]:
    """Return for each placeholder of the table the parameter that it is taken from."""
    return {
        "partition": ("${AWS::Partition}",),
        "account": ("${AWS::AccountId}",),
        "region": (ANY,),
        "bucket": ("${Bucket}",),
        "key_prefix": ("${KeyPrefix}",),
        "project": (PROJECT,),
        "configuration_parameter": ("${ConfigurationParameter}",),
        "bucket_name_parameter": ("${BucketNameParameter}",),
        "parameter_prefix": ("${ParameterPrefix}",),
        "kms_key": ("${KmsKeys}",),
        "kms_region": (ANY,),
    }


def _own_parameters(
    choices: Mapping[str, Sequence[str]], channels: Sequence[str]
) -> dict[str, object]:
    parameters = {n: p for n, p in _TARGETS.items() if n.lower() not in choices}
    for role in () if channels else all_roles(channels):
        if role.channel:
            number = role.name.removeprefix("Promote")
            parameters[f"Channel{number}"] = {
                "Type": "String",
                "Description": f"A channel that has a role of its own, {role.resource}.",
                "Default": "prod" if number == "1" else "",
                "AllowedPattern": _CHANNEL,
            }
    return parameters


def _common_parameters() -> dict[str, object]:
    # One literal, however long: it is read beside the template, in the template's own order.
    return {
        "Name": {
            "Type": "String",
            "Description": "What the name of each role begins with.",
            "Default": "artifacts",
            "AllowedPattern": rf"^[A-Za-z0-9_+=,.@-]{{1,{MAX_ROLES_NAME_CHARACTERS}}}$",
        },
        "KeyPrefix": {
            "Type": "String",
            "Description": "bucket_key_prefix of the configuration, such as team/.",
            "Default": "",
            "MaxLength": MAX_KEY_PREFIX_CHARACTERS,
            "AllowedPattern": r"^[A-Za-z0-9!_.'()/-]*$",
        },
        "ParameterPrefix": {
            "Type": "String",
            "Description": "parameter_name_prefix of the configuration, such as /team.",
            "Default": "",
            "MaxLength": MAX_PARAMETER_PREFIX_CHARACTERS,
            "AllowedPattern": r"^(/[A-Za-z0-9_.-]+){0,12}$",
        },
        "ConfigurationParameter": {
            "Type": "String",
            "Description": "The SSM parameter that holds the organisation configuration.",
            "Default": DEFAULT_PARAMETER,
            "AllowedPattern": _PARAMETER_NAME,
        },
        "BucketNameParameter": {
            "Type": "String",
            "Description": "The SSM parameter that holds the bucket's name, in every region.",
            "Default": "/artifacts/bucket",
            "AllowedPattern": _PARAMETER_NAME,
        },
        "KmsKeys": {
            "Type": "CommaDelimitedList",
            "Description": "The ARNs of the keys in KMS that encrypt objects, if there are any.",
            "Default": "",
            "AllowedPattern": r"^(arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$",
        },
        "ObjectTags": _switch(
            "Whether artifacts are stored with object_tags of the configuration."
        ),
        "ObjectLock": _switch("Whether they are retained with object_lock_mode."),
        "ProviderArn": {
            "Type": "String",
            "Description": "The ARN of GitHub's OIDC provider, if the account has one.",
            "Default": "",
            "AllowedPattern": rf"^(arn:[a-z-]+:iam::[0-9]{{12}}:oidc-provider/{ISSUER})?$",
        },
        "Audience": {
            "Type": "String",
            "Description": "For whom tokens of GitHub are. In China it is sts.amazonaws.com.cn.",
            "Default": "sts.amazonaws.com",
        },
    }


def _switch(description: str) -> dict[str, object]:
    return {
        "Type": "String",
        "Description": description,
        "Default": "false",
        "AllowedValues": ["true", "false"],
    }


def _subjects(roles: Sequence[Role]) -> dict[str, object]:
    first, *others = roles
    how = (
        "The subjects of the tokens of GitHub's runs that take on {0}, in either of their forms: "
        "repo:ORG/REPO:ref:refs/heads/main, repo:ORG@1/REPO@2:environment:prod. In the name of a "
        "branch, tag or environment * is any text, but at its beginning. Without subjects, "
        "whoever in this account is allowed to takes it on."
    )
    described = {first: how.format(first.resource)} | {
        role: f"The same for {role.resource}." for role in others
    }
    return {
        role.subjects: {
            "Type": "CommaDelimitedList",
            "Description": described[role],
            "Default": "",
            "AllowedPattern": _SUBJECT,
        }
        for role in roles
    }


def _conditions(roles: Sequence[Role], *, is_for_any_project: bool) -> dict[str, object]:
    joined = ", ".join(f'!Join ["", !Ref {role.subjects}]' for role in roles)
    makes_provider = '!And [{Condition: IsForGitHub}, !Equals [!Ref ProviderArn, ""]]'
    conditions: dict[str, object] = {
        "IsForGitHub": Intrinsic(f'!Not [!Equals [!Join ["", [{joined}]], ""]]'),
        "MakesProvider": Intrinsic(makes_provider),
        "HasKmsKeys": Intrinsic('!Not [!Equals [!Join ["", !Ref KmsKeys], ""]]'),
        "HasObjectTags": Intrinsic('!Equals [!Ref ObjectTags, "true"]'),
        "HasObjectLock": Intrinsic('!Equals [!Ref ObjectLock, "true"]'),
    }
    if is_for_any_project:
        conditions["IsForAllProjects"] = Intrinsic('!Equals [!Ref Project, "*"]')
    for role in roles:
        if role.condition:
            channel = role.condition.removeprefix("Has")
            conditions[role.condition] = Intrinsic(f'!Not [!Equals [!Ref {channel}, ""]]')
    for role in roles:
        text = f'!Not [!Equals [!Join ["", !Ref {role.subjects}], ""]]'
        conditions[role.is_for_github] = Intrinsic(text)
    return conditions


def _provider() -> list[str]:
    return [
        "  # Who signs the tokens of workflows. An account has one, which other roles may rely on.",
        *indented(
            {
                "Provider": {
                    "Type": "AWS::IAM::OIDCProvider",
                    "Condition": "MakesProvider",
                    "DeletionPolicy": "RetainExceptOnCreate",
                    "UpdateReplacePolicy": "Retain",
                    "Properties": {"Url": f"https://{ISSUER}", "ClientIdList": ["${Audience}"]},
                }
            },
            2,
        ),
    ]


def _purpose_in_text(role: Role) -> str:
    """Return what *role* is for, where a parameter is named and not its value."""
    parameter = role.channel.removeprefix("${").removesuffix("}")
    if parameter == role.channel:
        return role.purpose
    return f"moves the channel in the parameter {parameter}"


def _outputs(roles: Sequence[Role]) -> dict[str, object]:
    outputs: dict[str, object] = {
        role.resource: {
            **({"Condition": role.condition} if role.condition else {}),
            "Description": f"The role that {_purpose_in_text(role)}.",
            "Value": Intrinsic(f"!GetAtt {role.resource}.Arn"),
        }
        for role in roles
    }
    outputs["Provider"] = {
        "Condition": "IsForGitHub",
        "Description": "GitHub's OIDC provider.",
        "Value": Intrinsic("!If [MakesProvider, !Ref Provider, !Ref ProviderArn]"),
    }
    return outputs
