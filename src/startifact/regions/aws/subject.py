"""Whom a job's token is about, which the trust policy of a role has to allow."""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import replace

from startifact.hints import Command, Hint, Option
from startifact.model.strict_json import JsonError, parse_object
from startifact.text import quoted

_SUBJECT = re.compile(r"repo:([\w.@/-]{1,200}):([ -~]{1,250})", re.ASCII)
_RUNS = (
    ("ref:refs/heads/", Option("branch")),
    ("ref:refs/tags/", Option("tag")),
    ("environment:", Option("environment")),
)


class TokenWithSubject:
    """Gives the tokens of *token*, and remembers whom the last one was about."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token
        self.subject = ""
        """Empty where the token does not say it in a form that GitHub's have."""

    def __call__(self) -> str:
        """Return a fresh token."""
        token = self._token()
        self.subject = subject_in(token)
        return token

    def hint(self) -> Hint | None:
        """Return what to allow in the role's trust policy; ``None`` where that is not known."""
        found = _SUBJECT.fullmatch(self.subject)
        if found is None:
            return None
        repository, runs = found.groups()
        said = f"The sub of this job is {quoted(self.subject)}"
        for prefix, option in _RUNS:
            if name := runs.removeprefix(prefix) if runs.startswith(prefix) else "":
                options = (Option("trust", repository), replace(option, value=name))
                command = Command("policy", options=options)
                return Hint.of(f"{said}, and ", command, " prints the trust policy for it")
        return Hint.of(said)


def subject_in(token: str) -> str:
    """Return the subject of *token*, whose signature is not looked at; empty where it has none."""
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
        subject = parse_object(text).get("sub")
    except (binascii.Error, JsonError, UnicodeError, ValueError):
        return ""
    return subject if isinstance(subject, str) and _SUBJECT.fullmatch(subject) else ""
