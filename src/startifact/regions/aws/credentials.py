"""The credentials that the SDK finds, with every failure raised as missing credentials."""

from collections.abc import Callable
from typing import TypeVar

import botocore.session
from botocore.client import BaseClient
from botocore.credentials import CredentialResolver, Credentials
from botocore.exceptions import CredentialRetrievalError

from startifact.text import quoted

T = TypeVar("T")


class UnreadableCredentialsError(CredentialRetrievalError):
    """A file with credentials cannot be read, or a program for them cannot be run."""

    fmt = "cannot read {file}: {reason}"


def find_credentials(session: botocore.session.Session) -> None:
    """Make *session* find its credentials, once.

    Raises:
        BotoCoreError: It cannot, for example because a file cannot be read.
    """
    credentials = with_credential_errors(session.get_credentials)
    if credentials is None:
        # Without this each client would look for them again, which takes seconds where the
        # instance's metadata cannot be reached.
        session.register_component("credential_provider", CredentialResolver([]))
        return
    # Some are fetched when they are first needed, and again before they expire. The errors of that
    # are translated only here: an OSError of a request may be about the artifact's own file.
    fetch = credentials.get_frozen_credentials
    credentials.get_frozen_credentials = lambda: with_credential_errors(fetch)  # type: ignore[method-assign]


def guard_credentials(client: BaseClient, credentials: Credentials | None) -> None:
    """Make *client* raise failures of *credentials* as missing credentials.

    The object itself is left alone, since a program may use it elsewhere. It is asked just before a
    request is signed, which is when the SDK would ask it.
    """
    if credentials is None:
        return

    def fetch(**_: object) -> None:
        with_credential_errors(credentials.get_frozen_credentials)

    client.meta.events.register("before-sign", fetch)


def with_credential_errors(get: Callable[[], T]) -> T:
    """Return what *get* returns.

    Raises:
        BotoCoreError: *get* could not read or run the source of credentials.
    """
    try:
        return get()
    except OSError as e:
        raise UnreadableCredentialsError(
            file=quoted(str(e.filename)) if e.filename else "what holds them",
            reason=e.strerror or type(e).__name__,
        ) from e
    except ValueError as e:
        raise CredentialRetrievalError(provider="the environment", error_msg=str(e)) from e
