"""The IAM policy for what a role is to do, made of the table in `startifact.permissions`.

Nothing is asked of AWS: what is not given is a placeholder, in capital letters, that matches
nothing there is.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import product
from string import Formatter

from startifact.errors import InputError
from startifact.limits import (
    MAX_MANAGED_POLICY_CHARACTERS,
    MAX_ROLE_POLICY_CHARACTERS,
    MAX_USER_POLICY_CHARACTERS,
)
from startifact.model.configuration import DEFAULT_PARAMETER
from startifact.organisation.policy_request import ANY, PolicyRequest, check_request
from startifact.permissions import Permission, permissions_of
from startifact.regions.aws.spec import BucketSpec
from startifact.regions.factory import parse_specs
from startifact.text import quoted

logger = logging.getLogger(__name__)


def policy(
    *operations: str,
    projects: Iterable[str] = (),
    channels: Iterable[str] = (),
    denied_channels: Iterable[str] = (),
    regions: Iterable[str] = (),
    buckets: Mapping[str, str] | str | None = None,
    account: str | None = None,
    partition: str | None = None,
    configuration_parameter: str = DEFAULT_PARAMETER,
    bucket_name_param: str | None = None,
    bucket_key_prefix: str = "",
    parameter_name_prefix: str = "",
    kms_keys: Iterable[str] = (),
    to_roles: Iterable[str] = (),
    object_tags: bool = False,
    object_lock: bool = False,
) -> dict[str, object]:
    """Return the IAM policy that allows *operations*, such as ``stage``, and nothing else.

    Nothing is asked of AWS. What is not given, and cannot be known, is a placeholder in capital
    letters, with which the policy allows nothing.

    Args:
        operations: Commands, of which ``channels-remove``, ``copy-from``, ``copy-to`` and
            ``repair-keep`` are a part each.
        projects: Their names; in each, a ``*`` stands for any characters.
        channels: Those that may be moved, for the commands that move one.
        denied_channels: Those that the role moves in no project, whatever else it is allowed.
        regions: AWS regions, and buckets as ``s3://...``, whose spelling says what is the bucket's
            own. Without any, all AWS regions.
        buckets: The name of each region's bucket, or of all, in which ``*`` stands for what
            differs.
        account: The number of the account.
        partition: ``aws``, ``aws-us-gov`` or ``aws-cn``. Without it, that of the regions.
        configuration_parameter: The SSM parameter with the organisation configuration.
        bucket_name_param: As in that configuration, like the two that follow.
        bucket_key_prefix: What every key begins with.
        parameter_name_prefix: What the names of the copies of channels begin with.
        kms_keys: The ARNs of the keys of the buckets, where they have keys of their own.
        to_roles: The ARNs of the roles that ``copy-from`` takes on for where it copies to.
        object_tags: Whether artifacts are stored with tags, as in that configuration.
        object_lock: Whether artifacts are retained by Object Lock, likewise.

    Returns:
        The policy, as `json.dumps` takes it.

    Raises:
        InputError: There is no such policy, or it is longer than IAM allows.
    """
    named = _named_buckets(regions := tuple(dict.fromkeys(regions)))
    options = [spec.options for spec in named]
    keys = [*kms_keys, *_keys_of(named)]
    request = PolicyRequest(
        operations=tuple(dict.fromkeys(operations)),
        projects=tuple(dict.fromkeys(projects)),
        channels=tuple(dict.fromkeys(channels)),
        denied_channels=tuple(dict.fromkeys(denied_channels)),
        regions=tuple(text for text in regions if not text.startswith(_SPELLED)),
        named_buckets=named,
        buckets={ANY: buckets} if isinstance(buckets, str) else dict(buckets or {}),
        account=account,
        partition=partition,
        configuration_parameter=configuration_parameter,
        bucket_name_param=bucket_name_param,
        bucket_key_prefix=bucket_key_prefix,
        parameter_name_prefix=parameter_name_prefix,
        kms_keys=tuple(dict.fromkeys(keys)),
        to_roles=tuple(dict.fromkeys(to_roles)),
        object_tags=object_tags or any(o.object_tags for o in options),
        object_lock=object_lock or any(o.object_lock_mode for o in options),
    )
    check_request(request)
    iam_policy = document_of(_statements(request))
    check_length(iam_policy)
    return iam_policy


def document_of(statements: Iterable[dict[str, object]]) -> dict[str, object]:
    """Return the policy that consists of *statements*."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def length_of(iam_policy: Mapping[str, object]) -> int:
    """Return how many characters of *iam_policy* IAM counts: blanks between them it does not."""
    return len(json.dumps(iam_policy, separators=(",", ":")))


def check_length(iam_policy: Mapping[str, object]) -> None:
    """Warn where *iam_policy* is longer than one kind of policy may be.

    Raises:
        InputError: It is longer than any may be.
    """
    length = length_of(iam_policy)
    shorter = (
        "Name fewer projects, regions or commands, or patterns that have several, such as 'Web-*'"
    )
    if length > MAX_ROLE_POLICY_CHARACTERS:
        raise InputError(
            f"the policy has {length:,} characters, and IAM allows at most "
            f"{MAX_ROLE_POLICY_CHARACTERS:,} for all policies in a role, and "
            f"{MAX_MANAGED_POLICY_CHARACTERS:,} for a managed policy",
            hint=f"{shorter}; or make a role for each",
        )
    if length > MAX_MANAGED_POLICY_CHARACTERS:
        logger.warning(
            "the policy has %s characters: it fits into a role (put-role-policy, %s), and into no "
            "managed policy (%s)",
            f"{length:,}",
            f"{MAX_ROLE_POLICY_CHARACTERS:,}",
            f"{MAX_MANAGED_POLICY_CHARACTERS:,}",
        )
    elif length > MAX_USER_POLICY_CHARACTERS:
        logger.info(
            "the policy has %s characters: too many for a policy in a user (%s); a role or a "
            "managed policy takes it",
            f"{length:,}",
            f"{MAX_USER_POLICY_CHARACTERS:,}",
        )


_SPELLED = "s3://"


def _named_buckets(regions: Iterable[str]) -> tuple[BucketSpec, ...]:
    """Return the buckets that are spelled among *regions*.

    Raises:
        InputError: A spelling is not valid, or a bucket is there twice.
    """
    texts = [text for text in regions if text.startswith(_SPELLED)]
    specs = parse_specs(texts, source="regions") if texts else ()
    return tuple(spec for spec in specs if isinstance(spec, BucketSpec))


def _keys_of(buckets: Iterable[BucketSpec]) -> Iterator[str]:
    """Yield the keys of *buckets* in KMS that a policy can name."""
    for spec in buckets:
        key = spec.options.kms_key
        if key is not None and ":key/" in key:
            yield key
        elif key is not None:
            logger.warning(
                "%s: a policy names a key by its ARN: give --kms-key for it", quoted(spec.text)
            )


def _statements(request: PolicyRequest) -> Iterator[dict[str, object]]:
    choices = request.all_choices()
    needed = request.permissions
    if request.is_for_other_store:
        needed = tuple(permission.without_accounts() for permission in needed)
    for permission in needed:
        if usable := [c for c in choices if _names_in(permission.resources) <= c.keys()]:
            yield statement_of(permission, *usable)
    if request.denied_channels:
        yield _denial(choices, request.denied_channels)


def statement_of(
    permission: Permission, *choices: Mapping[str, Sequence[str]]
) -> dict[str, object]:
    """Return *permission* as a policy has it, with all of the *choices* for its placeholders."""
    statement: dict[str, object] = {
        "Sid": permission.name,
        "Effect": "Deny" if permission.is_denial else "Allow",
        "Action": _one_or_all(permission.actions),
        "Resource": _one_or_all(filled(permission.resources, *choices)),
    }
    if permission.conditions:
        statement["Condition"] = {
            operator: {key: _one_or_all(filled(values, *choices)) for key, values in keys.items()}
            for operator, keys in permission.conditions.items()
        }
    return statement


def _denial(
    all_choices: Iterable[Mapping[str, Sequence[str]]], channels: Sequence[str]
) -> dict[str, object]:
    """Return what keeps a role from moving *channels*, of whichever project."""
    moving = [p for name in ("promote", "channels-remove") for p in permissions_of(name)]
    promoting = [p for p in moving if "{channel}" in p.resources[0]]
    actions = dict.fromkeys(action for p in promoting for action in p.actions)
    templates = [resource for p in promoting for resource in p.resources]
    resources: list[str] = []
    for choices in all_choices:
        anywhere = {**choices, "project": (ANY,), "channel": channels}
        resources += filled([t for t in templates if _names_in([t]) <= anywhere.keys()], anywhere)
    return {
        "Sid": "NeverTheseChannels",
        "Effect": "Deny",
        "Action": [*actions, "s3:DeleteObject"],
        "Resource": _one_or_all(list(dict.fromkeys(resources))),
    }


def _names_in(templates: Iterable[str]) -> set[str]:
    """Return the placeholders of *templates*."""
    return {name for template in templates for _, name, _, _ in Formatter().parse(template) if name}


def filled(templates: Iterable[str], *all_choices: Mapping[str, Sequence[str]]) -> list[str]:
    """Return *templates* with every choice, but for what another one of them has already."""
    found: dict[str, None] = {}
    for template in templates:
        names = sorted(_names_in([template]), key=template.index)
        for choices in all_choices:
            for values in product(*(choices[name] for name in names)):
                found[template.format(**dict(zip(names, values, strict=True)))] = None
    return [text for text in found if not any(_has(other, text) for other in found)]


def _has(pattern: str, text: str) -> bool:
    """Say whether *pattern*, which is not *text*, has all that *text* has."""
    plain = "[" not in pattern + text and "$" not in pattern + text
    return plain and pattern != text and fnmatchcase(text, pattern)


def _one_or_all(texts: Sequence[str]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else list(texts)
