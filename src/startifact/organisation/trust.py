"""The trust policy for a role that runs of one GitHub repository take on, and no others."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence

from startifact.errors import InputError
from startifact.limits import DEFAULT_TRUST_POLICY_CHARACTERS, MAX_TRUST_POLICY_CHARACTERS
from startifact.model.aws_regions import PARTITIONS
from startifact.model.roles import GITHUB_ISSUER
from startifact.options import OPTIONS
from startifact.organisation.policy import document_of, length_of
from startifact.organisation.policy_request import ACCOUNT, check_account
from startifact.problems import Problems

logger = logging.getLogger(__name__)

ISSUER = GITHUB_ISSUER

# As GitHub has them: with or without the ids, in capital letters where somebody is to replace them.
_OWNER = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38})"
_NAME = r"[A-Za-z0-9_.-]{1,100}"
_ID = r"(?:[0-9]{1,20}|[A-Z_]{1,20})"
_REPOSITORY = re.compile(rf"({_OWNER})(@{_ID})?/({_NAME})(@{_ID})?")
_REF = re.compile(r"[^\s*?$:\\~^\[\x00-\x1f\x7f][^\s?$:\\~^\[\x00-\x1f\x7f]{0,254}")

_IN_CHINA = "sts.amazonaws.com.cn"

Runs = Mapping[str, Iterable[str]]
"""Names, or patterns of them, under ``branch``, ``tag`` and ``environment``."""

_FORMS = (
    ("branch", "ref:refs/heads/{}"),
    ("tag", "ref:refs/tags/{}"),
    ("environment", "environment:{}"),
)
_REF_PREFIXES = {"branch": "refs/heads/", "tag": "refs/tags/"}
"""What a run has before the name in ``github.ref``, and is put before it here."""


def trust_policy(
    repository: str,
    *,
    branches: Iterable[str] = (),
    tags: Iterable[str] = (),
    environments: Iterable[str] = (),
    account: str | None = None,
    partition: str = PARTITIONS[0],
) -> dict[str, object]:
    """Return the trust policy for a role that runs of *repository* take on.

    A run for a pull request takes it on under no name: what it runs may come from anybody. Where
    nothing says which runs, there is no policy.

    Args:
        repository: ``ORGANISATION/REPOSITORY``, and of one made since 15 July 2026
            ``ORGANISATION@ID/REPOSITORY@ID``, as in its tokens.
        branches: Names of branches whose runs take it on; behind the first character, ``*`` stands
            for any text.
        tags: The same of tags.
        environments: The same of environments, whose jobs have no branch or tag in their tokens.
        account: The number of the account. Without it there is a placeholder.
        partition: ``aws``, ``aws-us-gov`` or ``aws-cn``.

    Returns:
        The policy, as `json.dumps` takes it.

    Raises:
        InputError: There is no such policy, or it is longer than IAM allows.
    """
    given = {
        "branch": tuple(branches),
        "tag": tuple(tags),
        "environment": tuple(environments),
    }
    _check(repository, _named(given), account, partition)
    subjects = subjects_of(repository, given)
    audience: dict[str, object] = {f"{ISSUER}:aud": audience_in(partition)}
    subject: dict[str, object] = {f"{ISSUER}:sub": subjects[0] if len(subjects) == 1 else subjects}
    condition: dict[str, object] = {"StringEquals": audience | subject}
    if "*" in "".join(subjects):
        condition = {"StringEquals": audience, "StringLike": subject}
    iam_policy = _document(condition, account or ACCOUNT, partition)
    _check_length(iam_policy)
    return iam_policy


def _document(condition: Mapping[str, object], account: str, partition: str) -> dict[str, object]:
    provider = f"arn:{partition}:iam::{account}:oidc-provider/{ISSUER}"
    return document_of(
        [
            {
                "Effect": "Allow",
                "Principal": {"Federated": provider},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": condition,
            }
        ]
    )


def length_in_template(subjects: Sequence[str], account: str, partition: str) -> int:
    """Return how many characters the trust policy has of a role that the template makes."""
    condition = {
        "StringEquals": {f"{ISSUER}:aud": audience_in(partition)},
        "StringLike": {f"{ISSUER}:sub": list(subjects)},
    }
    return length_of(_document(condition, account, partition))


def audience_in(partition: str) -> str:
    """Return whom GitHub's tokens are meant for in *partition*."""
    return _IN_CHINA if partition == "aws-cn" else OPTIONS["audience"].default


def subjects_of(repository: str, runs: Runs) -> list[str]:
    """Return the subjects of the tokens of *runs* of *repository*.

    Raises:
        InputError: One of them cannot be.
    """
    named = _named(runs)
    _check(repository, named, None, PARTITIONS[0])
    forms = dict(_FORMS)
    return [f"repo:{repository}:{forms[name].format(text)}" for name, text in named]


def _named(runs: Runs) -> list[tuple[str, str]]:
    """Return the kind and the name of each run in *runs*."""
    return [(name, text) for name, _ in _FORMS for text in dict.fromkeys(runs.get(name, ()))]


def has_ids(repository: str) -> bool:
    """Say whether *repository* has its ids, as in the tokens of one made since 15 July 2026."""
    return "@" in repository


def _check(
    repository: str, runs: Iterable[tuple[str, str]], account: str | None, partition: str
) -> None:
    problems = Problems("trust policy")
    found = _REPOSITORY.fullmatch(repository)
    is_address = repository.endswith(".git")  # which the name of no repository ends with
    if found is None or is_address or (found[2] is None) != (found[4] is None):
        problems.add(
            "repository",
            repository,
            "ORGANISATION/REPOSITORY or ORGANISATION@ID/REPOSITORY@ID, without *",
            hint=_without_address(repository),
        )
    runs = list(runs)
    for name, text in runs:
        prefix = _REF_PREFIXES.get(name)
        if prefix and text.startswith(prefix):
            name_itself = text.removeprefix(prefix)
            problems.add(name, text, f"the name of a {name} alone", hint=f"Write {name_itself}")
        elif not _REF.fullmatch(text):
            problems.add(
                name, text, f"the name of a {name}, in which * may stand behind the first character"
            )
    if not runs:
        problems.say(
            "nothing says which runs take on the role, and those for pull requests never may",
            hint="Name a branch, a tag such as 'v*', or an environment",
        )
    if partition not in PARTITIONS:
        problems.add("partition", partition, f"one of {', '.join(PARTITIONS)}")
    check_account(account, problems)
    problems.raise_if_any()


def _without_address(repository: str) -> str:
    """Return the hint for a *repository* that is written as its address; empty where it is not."""
    address = repository.removesuffix("/").removesuffix(".git").split("://")[-1]
    host, *rest = re.split("[:/]", address, maxsplit=1)
    short = "".join(rest) if "." in host else address
    return f"Write {short}" if _REPOSITORY.fullmatch(short) and short != repository else ""


def _check_length(iam_policy: dict[str, object]) -> None:
    length = length_of(iam_policy)
    if length > MAX_TRUST_POLICY_CHARACTERS:
        raise InputError(
            f"the trust policy has {length:,} characters, and IAM allows at most "
            f"{MAX_TRUST_POLICY_CHARACTERS:,}",
            hint="Name fewer branches, tags and environments, or patterns such as 'v*'; or make a "
            "role for each",
        )
    if length > DEFAULT_TRUST_POLICY_CHARACTERS:
        logger.warning(
            "the trust policy has %s characters: IAM takes more than %s only where the account's "
            "quota was raised",
            f"{length:,}",
            f"{DEFAULT_TRUST_POLICY_CHARACTERS:,}",
        )
