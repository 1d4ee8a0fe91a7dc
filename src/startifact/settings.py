"""The environment, read once.

This is the only module that reads what people set, ``STARTIFACT_*``, ``AWS_*`` and
``SOURCE_DATE_EPOCH``, and what GitHub says of the workflow run. What its runner says to the action
is read in `startifact.action.runner`.
"""

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import field
from typing import Self

from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_MOVED_BY_BYTES
from startifact.model.configuration import DEFAULT_PARAMETER
from startifact.model.record import UNKNOWN_ORIGIN, Origin
from startifact.model.strict_json import cut_for_json
from startifact.version import __version__

DEFAULT_SERVER = "https://github.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says. A variable that is set but blank counts as not set."""

    regions: str | None = None
    """``STARTIFACT_REGIONS``: where artifacts are, when nobody names regions."""

    parameter: str = DEFAULT_PARAMETER
    """``STARTIFACT_PARAMETER``: the SSM parameter with the organisation configuration."""

    aws_region: str | None = None
    """``AWS_REGION`` or ``AWS_DEFAULT_REGION``."""

    ca_bundle: str | None = None
    """``AWS_CA_BUNDLE`` or ``REQUESTS_CA_BUNDLE``: the certificates to trust, as for the SDK."""

    access_key_id: str | None = field(default=None, repr=False)
    """``AWS_ACCESS_KEY_ID``, which says that there are credentials."""

    source_date_epoch: str | None = None
    """``SOURCE_DATE_EPOCH``: the time of everything in archives, in seconds since 1970."""

    origin: Origin = UNKNOWN_ORIGIN
    """The workflow run, in a workflow."""

    server: str = DEFAULT_SERVER
    """``GITHUB_SERVER_URL``: where repositories, commits and runs can be seen."""

    @property
    def moved_by(self) -> str:
        """Who moves channels: the workflow run, or else this version of Startifact.

        It takes at most `limits.MAX_MOVED_BY_BYTES` in what is stored.
        """
        return cut_for_json(
            self.origin.run or f"startifact/{__version__}", limit=MAX_MOVED_BY_BYTES
        )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Return the settings in *environ*, by default the process's own."""
        env = os.environ if environ is None else environ
        return cls(
            regions=variable_in(env, "STARTIFACT_REGIONS"),
            parameter=variable_in(env, "STARTIFACT_PARAMETER") or DEFAULT_PARAMETER,
            aws_region=variable_in(env, "AWS_REGION") or variable_in(env, "AWS_DEFAULT_REGION"),
            ca_bundle=variable_in(env, "AWS_CA_BUNDLE") or variable_in(env, "REQUESTS_CA_BUNDLE"),
            access_key_id=variable_in(env, "AWS_ACCESS_KEY_ID"),
            source_date_epoch=variable_in(env, "SOURCE_DATE_EPOCH"),
            origin=_origin(env),
            server=variable_in(env, "GITHUB_SERVER_URL") or DEFAULT_SERVER,
        )


def tidy_aws_environment(environ: MutableMapping[str, str] | None = None) -> None:
    """Make the AWS variables of this process mean what their author meant.

    Workflows leave variables blank where an expression gave nothing, and the SDK takes a blank
    profile for a profile. Secrets are pasted with the end of their line. And the SDK reads
    ``AWS_DEFAULT_REGION`` where people set ``AWS_REGION``.
    """
    env = os.environ if environ is None else environ
    for name in [n for n in env if n.startswith("AWS_")]:
        if text := env[name].strip():
            env[name] = text
        else:
            del env[name]
    if "AWS_REGION" in env:
        env["AWS_DEFAULT_REGION"] = env["AWS_REGION"]


def credential_expiration(environ: Mapping[str, str] | None = None) -> str | None:
    """Return when the credentials in the environment end, as it says, if there are any in it."""
    env = os.environ if environ is None else environ
    has_credentials = variable_in(env, "AWS_ACCESS_KEY_ID") is not None
    return variable_in(env, "AWS_CREDENTIAL_EXPIRATION") if has_credentials else None


def forget_aws_profile(environ: MutableMapping[str, str] | None = None) -> None:
    """Make this process take no profile for granted: the SDK fails where it does not exist."""
    env = os.environ if environ is None else environ
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        env.pop(name, None)


def _origin(env: Mapping[str, str]) -> Origin:
    if variable_in(env, "GITHUB_ACTIONS") != "true":
        return Origin()
    repository, run = variable_in(env, "GITHUB_REPOSITORY"), variable_in(env, "GITHUB_RUN_ID")
    server = variable_in(env, "GITHUB_SERVER_URL") or DEFAULT_SERVER
    return Origin(
        repository=repository,
        commit=variable_in(env, "GITHUB_SHA"),
        ref=variable_in(env, "GITHUB_REF"),
        run=f"{server}/{repository}/actions/runs/{run}" if repository and run else None,
        actor=variable_in(env, "GITHUB_ACTOR"),
    )


def variable_in(env: Mapping[str, str], name: str) -> str | None:
    """Return the variable *name* without the blanks around it, or ``None`` where it is not set."""
    return env.get(name, "").strip() or None
