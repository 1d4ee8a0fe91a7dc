"""How roles of IAM are named."""

import re

from startifact.errors import InputError
from startifact.text import quoted

GITHUB_ISSUER = "token.actions.githubusercontent.com"
"""Who signs the tokens of GitHub's workflows, and the name of its identity provider in IAM."""

_ROLE = re.compile(r"arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/([!-~]+/)?[\w+=,.@-]{1,64}", re.ASCII)


def is_role(text: str) -> bool:
    """Say whether *text* is the ARN of a role."""
    return _ROLE.fullmatch(text) is not None


def check_role(text: str, *, name: str) -> str:
    """Return *text* when it is a role's ARN; *name* is the option that has it.

    Raises:
        InputError: It is none.
    """
    if is_role(text):
        return text
    raise InputError(
        f"{name} is {quoted(text)}, which is not the ARN of a role",
        hint="Write it in full, for example arn:aws:iam::123456789012:role/stage-sugarwater",
    )
