"""The credentials that the SDK finds; every failure is raised as unusable credentials."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import botocore.session
from botocore.client import BaseClient
from botocore.credentials import CredentialResolver, Credentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    CredentialRetrievalError,
    HTTPClientError,
    LoginError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    RefreshWithMFAUnsupportedError,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as NoConnectionError

from startifact.concurrency.heartbeat import Cancelled
from startifact.errors import StartifactError
from startifact.hints import Hint, as_hint
from startifact.regions.aws import advice
from startifact.regions.aws.trouble import code_of, may_pass, obstacle_of, said_by_aws
from startifact.settings import credential_expiration
from startifact.text import in_one_line, quoted

T = TypeVar("T")

_ROLES = frozenset({"AssumeRole", "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"})
_PROVIDERS = _ROLES | {
    "CreateOAuth2Token",
    "CreateToken",
    "GetCredentialsForIdentity",
    "GetFederationToken",
    "GetId",
    "GetRoleCredentials",
    "GetSessionToken",
    "RegisterClient",
    "StartDeviceAuthorization",
}
"""What the SDK asks other services for, to have credentials to ask S3 and SSM with."""

_SERVICES = {"GetRoleCredentials": "sso", "CreateToken": "sso-oauth"}


_GIVES_NONE = "what is configured gives none"

_PASSED_ON = (
    StartifactError,
    Cancelled,
    NoCredentialsError,
    PartialCredentialsError,
)
"""Errors that say by themselves what is wrong: they are raised as they are."""


UNREADABLE_CONFIGURATION = (ConfigNotFound, ConfigParseError, ProfileNotFound)
"""What the SDK raises wherever it looks at a profile; getting credentials is where it has to."""


class UnusableCredentialsError(CredentialRetrievalError):
    """Credentials are configured, and cannot be had for the reason *why*."""

    fmt = "{why}"
    hint = advice.NO_CREDENTIALS

    def __init__(self, *, hint: Hint | str | None = None, **facts: str) -> None:
        super().__init__(**facts)
        self.hint = as_hint(hint) or type(self).hint


class UnreadableCredentialsError(UnusableCredentialsError):
    """A file with credentials cannot be read, or a program for them cannot be run."""

    fmt = "cannot read {file}: {reason}"
    hint = advice.UNREADABLE


def gives_credentials(error: ClientError) -> bool:
    """Say whether *error* answers a request for credentials, not one made with them."""
    return error.operation_name in _PROVIDERS


def find_credentials(session: botocore.session.Session) -> None:
    """Make *session* find its credentials, once.

    Raises:
        BotoCoreError: It cannot, for example because a file cannot be read.
    """
    login = login_command(session)
    credentials = with_credential_errors(session.get_credentials, login=login)
    if credentials is None:
        # Without this each client would look for them again, which takes seconds where the
        # instance's metadata cannot be reached.
        session.register_component("credential_provider", CredentialResolver([]))
        return
    # Some are fetched when they are first needed, and again before they expire. The errors of that
    # are translated only here: an OSError of a request may be about the artifact's own file.
    fetch = credentials.get_frozen_credentials
    credentials.get_frozen_credentials = lambda: with_credential_errors(fetch, login=login)  # type: ignore[method-assign]


def guard_credentials(
    client: BaseClient, credentials: Credentials | None, *, login: str = "aws sso login"
) -> None:
    """Make *client* raise failures of *credentials* as unusable credentials.

    The object itself is left alone, since a program may use it elsewhere. It is asked just before a
    request is signed, which is when the SDK would ask it.
    """
    if credentials is None:
        return

    def fetch(**_: object) -> None:
        with_credential_errors(credentials.get_frozen_credentials, login=login)

    client.meta.events.register("before-sign", fetch)


def with_credential_errors(get: Callable[[], T], *, login: str = "aws sso login") -> T:
    """Return what *get* returns; *login* is the command that signs somebody in for it.

    Raises:
        BotoCoreError: *get* could not read, run or ask the source of credentials.
        StartifactError: The source is Startifact's own, and raised it.
    """
    try:
        return get()
    except _PASSED_ON:
        raise
    except Exception as e:
        # Whatever it is: nothing but credentials was asked for.
        raise unusable(e, login=login) from e


def unusable(error: Exception, *, login: str = "aws sso login") -> CredentialRetrievalError:
    """Return the error for *error*, which getting credentials has raised."""
    if isinstance(error, ClientError):
        return _refused(error, login)
    if isinstance(error, SSOError | LoginError | TokenRetrievalError):
        command = login.replace(" sso ", " ") if isinstance(error, LoginError) else login
        return UnusableCredentialsError(
            why=f"nobody is signed in: {said_by_aws(error)}", hint=f"Run {command}"
        )
    if isinstance(error, ProfileNotFound):
        return UnusableCredentialsError(
            why=f"there is no such AWS profile: {said_by_aws(error)}", hint=advice.NO_PROFILE
        )
    if isinstance(error, RefreshWithMFAUnsupportedError):
        return UnusableCredentialsError(
            why="the session that an MFA code was given for has ended",
            hint="Set duration_seconds in the profile to more than this takes",
        )
    if isinstance(error, NoRegionError):
        return UnusableCredentialsError(
            why="no region is configured to ask for them", hint="Set region in the profile"
        )
    if isinstance(error, HTTPClientError | NoConnectionError):
        return _unreachable(error)
    if isinstance(error, CredentialRetrievalError):
        return _not_given(error)
    if isinstance(error, OSError):
        file = quoted(str(error.filename)) if error.filename else "what holds them"
        reason = error.strerror or type(error).__name__
        return UnreadableCredentialsError(file=file, reason=reason)
    if isinstance(error, BotoCoreError):
        return UnusableCredentialsError(
            why=f"{_GIVES_NONE}: {said_by_aws(error)}", hint=advice.NO_PROFILE
        )
    return _ended(error) or UnusableCredentialsError(
        why=f"{_GIVES_NONE}: {type(error).__name__}, {said_by_aws(error)}"
    )


def _ended(error: Exception) -> UnusableCredentialsError | None:
    """Return the error for credentials whose end, as the environment has it, is why there are none.

    ``None`` where it is not.
    """
    end = credential_expiration()
    if end is None:
        return None
    if isinstance(error, RuntimeError):  # the SDK has read them again, and they are the same
        return UnusableCredentialsError(
            why=f"they ended at {in_one_line(end)}, as AWS_CREDENTIAL_EXPIRATION says",
            hint="Get new credentials, and AWS_CREDENTIAL_EXPIRATION with them",
        )
    if not isinstance(error, ValueError | OverflowError | TypeError):
        return None
    return UnusableCredentialsError(
        why=f"AWS_CREDENTIAL_EXPIRATION is {quoted(end)}, expected a time with its zone, such as "
        "2026-07-15T12:00:00Z",
        hint="Set AWS_CREDENTIAL_EXPIRATION as aws configure export-credentials --format env "
        "prints it, or unset it",
    )


def _unreachable(error: HTTPClientError | NoConnectionError) -> UnusableCredentialsError:
    """Return the error for what kept the service that gives credentials from answering."""
    why = f"the service that gives them did not answer: {said_by_aws(error)}"
    obstacle = obstacle_of(error)
    if obstacle is None:
        return UnusableCredentialsError(why=why, hint=advice.NETWORK)
    return UnusableCredentialsError(why=f"{obstacle.what}: {why}", hint=obstacle.hint)


def _not_given(error: CredentialRetrievalError) -> CredentialRetrievalError:
    """Return *error*, and where a program that the profile names gave none, what to do about it."""
    if error.kwargs.get("provider") != "custom-process":
        return error
    return UnusableCredentialsError(
        why=said_by_aws(error),
        hint="Run what the profile names as credential_process yourself, and see what it says",
    )


def _refused(error: ClientError, login: str) -> UnusableCredentialsError:
    """Return the error for the answer of a service that was asked for credentials."""
    code, operation = code_of(error), error.operation_name
    message = str(error.response.get("Error", {}).get("Message", ""))
    action = f"{_SERVICES.get(operation, 'sts')}:{operation}"
    why = f"AWS refused {action}: {said_by_aws(code)}, {said_by_aws(message)}"
    return UnusableCredentialsError(why=why, hint=_hint_for(error, message, action, login))


def _hint_for(error: ClientError, message: str, action: str, login: str) -> str:
    code, operation = code_of(error), error.operation_name
    if code == "IDPCommunicationError" or may_pass(error):
        return "Try again"
    if operation == "GetRoleCredentials":
        return (
            "Check sso_account_id and sso_role_name in the profile, and that the account and the "
            f"permission set are assigned to you; then run {login}"
        )
    if "MultiFactorAuthentication" in message:
        return "Check mfa_serial in the profile; a code is valid for 30 seconds, and only once"
    if "RegionDisabled" in code:
        return advice.for_good(code)
    if operation not in _ROLES or code not in {"AccessDenied", "AccessDeniedException"}:
        return "Get new credentials, or check the profile that they come from"
    return (
        f"{advice.for_denial(action, advice.resource_in(message) or 'the role', message)}; the "
        "role's trust policy has to allow it as well"
    )


def login_command(session: botocore.session.Session) -> str:
    """Return the command that signs a person in for the profile of *session*, or its source."""
    name = session.profile or "default"
    for profile, settings in profile_chain(session):
        if "sso_session" in settings or "sso_start_url" in settings:
            name = profile
    return f"aws sso login --profile {name}"


def profile_chain(
    session: botocore.session.Session,
) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the profile of *session*, and those that it has its credentials from."""
    try:
        profiles = session.full_config.get("profiles", {})
    except BotoCoreError:  # the file cannot be parsed, which getting credentials says
        return []
    chain: dict[str, Mapping[str, Any]] = {}
    name = session.profile or "default"
    while name in profiles and name not in chain:
        chain[name] = profiles[name]
        name = profiles[name].get("source_profile", "")
    return list(chain.items())
