"""What `startifact policy` is given, what it does, and what it results in. Only a shell has it.

What makes policies is imported when one is made: every command imports this.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from startifact.commands.running import parameter_of
from startifact.errors import InputError
from startifact.lazy_dataclasses import dataclass
from startifact.permissions import BOOTSTRAP
from startifact.regions.spec import split_list
from startifact.settings import Settings
from startifact.text import quoted

_BY_ITSELF = "Print its policy by itself: startifact policy bootstrap --name my-artifacts"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInputs:
    """What a policy is to allow, or who is to take on a role.

    The fields are all the options that the command takes, but for those of every process, and the
    commands.
    """

    command: ClassVar = "policy"
    entries: Sequence[str]
    name: str | None
    policy_project: Sequence[str]
    policy_channel: Sequence[str]
    deny_channel: Sequence[str]
    regions: str | None
    bucket: Sequence[str]
    account: str | None
    partition: str | None
    configuration_parameter: str | None
    bucket_name_param: str | None
    bucket_key_prefix: str | None
    parameter_name_prefix: str | None
    kms_key: Sequence[str]
    policy_to_role: Sequence[str]
    object_tags: bool
    object_lock: bool
    trust: str | None
    branch: Sequence[str]
    tag: Sequence[str]
    environment: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResult:
    """A policy, and what is left to do with it."""

    iam_policy: Mapping[str, object]
    notes: tuple[str, ...]

    def output(self) -> list[str]:
        """Return the policy, in JSON of ASCII."""
        return [json.dumps(self.iam_policy, indent=2)]

    def lines(self) -> list[str]:
        """Return what is left to do, for people."""
        return list(self.notes)


def make_policy(inputs: PolicyInputs, settings: Settings) -> PolicyResult:
    """Return the policy that *inputs* describe.

    Raises:
        InputError: There is no such policy.
    """
    from startifact.organisation.policy import policy

    if inputs.trust is not None:
        return _make_trust_policy(inputs, inputs.trust)
    if BOOTSTRAP in inputs.entries:
        return _make_bootstrap_policy(inputs, settings)
    if inputs.name is not None:
        raise InputError(
            "--name is given, which only bootstrap makes roles and buckets by", hint=_BY_ITSELF
        )
    iam_policy = policy(
        *inputs.entries,
        projects=inputs.policy_project,
        channels=inputs.policy_channel,
        denied_channels=inputs.deny_channel,
        regions=_regions(inputs, settings),
        buckets=_buckets(inputs.bucket),
        account=inputs.account,
        partition=inputs.partition,
        configuration_parameter=parameter_of(inputs.configuration_parameter, settings),
        bucket_name_param=inputs.bucket_name_param,
        bucket_key_prefix=inputs.bucket_key_prefix or "",
        parameter_name_prefix=inputs.parameter_name_prefix or "",
        kms_keys=inputs.kms_key,
        to_roles=inputs.policy_to_role,
        object_tags=inputs.object_tags,
        object_lock=inputs.object_lock,
    )
    return PolicyResult(iam_policy=iam_policy, notes=tuple(_placeholders(iam_policy)))


def _make_bootstrap_policy(inputs: PolicyInputs, settings: Settings) -> PolicyResult:
    from startifact.organisation.bootstrap.policy import bootstrap_policy

    others = (inputs.policy_project, inputs.policy_channel, inputs.deny_channel)
    if len(set(inputs.entries)) > 1 or any(others):
        raise InputError(
            "bootstrap is named with other commands, projects or channels, which are none of its "
            "matters",
            hint=_BY_ITSELF,
        )
    iam_policy = bootstrap_policy(
        inputs.name,
        regions=_regions(inputs, settings),
        buckets=_buckets(inputs.bucket),
        account=inputs.account,
        partition=inputs.partition,
        configuration_parameter=parameter_of(inputs.configuration_parameter, settings),
        bucket_name_param=inputs.bucket_name_param,
        kms_keys=inputs.kms_key,
    )
    return PolicyResult(iam_policy=iam_policy, notes=tuple(_placeholders(iam_policy)))


def _make_trust_policy(inputs: PolicyInputs, repository: str) -> PolicyResult:
    from startifact.organisation.policy_request import partition_of_all
    from startifact.organisation.trust import has_ids, trust_policy

    for name, given in (
        ("a command", inputs.entries),
        ("--project", inputs.policy_project),
        ("--channel", inputs.policy_channel),
        ("--deny-channel", inputs.deny_channel),
        ("--bucket", inputs.bucket),
        ("--kms-key", inputs.kms_key),
        ("--to-role", inputs.policy_to_role),
        ("--object-tags", inputs.object_tags),
        ("--object-lock", inputs.object_lock),
        ("--name", inputs.name),
        ("--configuration-parameter", inputs.configuration_parameter),
        ("--bucket-name-param", inputs.bucket_name_param),
        ("--bucket-key-prefix", inputs.bucket_key_prefix),
        ("--parameter-name-prefix", inputs.parameter_name_prefix),
    ):
        if given:
            raise InputError(
                f"{name} and --trust are given: what a role may do, and who takes it on, are two "
                "policies",
                hint="Print one after the other",
            )
    iam_policy = trust_policy(
        repository,
        branches=inputs.branch,
        tags=inputs.tag,
        environments=inputs.environment,
        account=inputs.account,
        partition=partition_of_all(split_list(inputs.regions or ""), inputs.partition),
    )
    notes = list(_placeholders(iam_policy))
    if not has_ids(repository):
        notes.append(
            "a repository made since 15 July 2026 has its ids in its tokens: write "
            f"--trust ORGANISATION@ID/REPOSITORY@ID; gh api repos/{repository} "
            "--jq '.owner.id, .id' prints both"
        )
    return PolicyResult(iam_policy=iam_policy, notes=tuple(notes))


def _regions(inputs: PolicyInputs, settings: Settings) -> list[str]:
    """Return the regions that are named, or else those of the environment.

    Raises:
        InputError: No policy is for one of those of the environment.
    """
    from startifact.organisation.policy_request import check_regions_of_environment

    if inputs.regions:
        return split_list(inputs.regions)
    regions = split_list(settings.regions or "")
    check_regions_of_environment(regions)
    return regions


def _buckets(given: Sequence[str]) -> dict[str, str]:
    from startifact.organisation.policy_request import ANY

    found: dict[str, str] = {}
    for text in given:
        region, equals, name = text.rpartition("=")
        where = region if equals else ANY
        if where in found:
            raise InputError(
                f"--bucket names two buckets for {quoted(where)}",
                hint="Write --bucket REGION=NAME once for each region",
            )
        found[where] = name
    return found


def _placeholders(iam_policy: Mapping[str, object]) -> Iterator[str]:
    from startifact.organisation.policy_request import (
        ACCOUNT,
        BUCKET,
        BUCKET_NAME_PARAMETER,
        NAME,
    )

    text = str(iam_policy)
    for placeholder, option in (
        (ACCOUNT, "--account"),
        (BUCKET, "--bucket"),
        (NAME, "--name"),
        (BUCKET_NAME_PARAMETER, "--bucket-name-param"),
    ):
        if placeholder in text:
            yield f"{placeholder} is a placeholder: give {option}, or replace it"
