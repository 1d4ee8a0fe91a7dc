"""What the SDK finds by itself, with trouble of every kind told as missing credentials."""

from collections.abc import Callable
from typing import TypeVar

import botocore.session
from botocore.client import BaseClient
from botocore.credentials import CredentialResolver, Credentials
from botocore.exceptions import CredentialRetrievalError

from startifact.text import quoted

T = TypeVar("T")


class UnreadableCredentialsError(CredentialRetrievalError):
    """A file that credentials come from cannot be read, or a program for them not be run."""

    fmt = "cannot read {file}: {reason}"


def find_credentials(session: botocore.session.Session) -> None:
    """Make *session* look for its credentials, once.

    Raises:
        BotoCoreError: They cannot be had; a file that cannot be read is one reason.
    """
    credentials = with_credential_errors(session.get_credentials)
    if credentials is None:
        # Looking for them again takes seconds for each client, where the instance's metadata
        # cannot be reached.
        session.register_component("credential_provider", CredentialResolver([]))
        return
    # Those that are fetched when they are first needed, and again before they expire. Only here:
    # an OSError of a request may be about the artifact's own file.
    fetch = credentials.get_frozen_credentials
    credentials.get_frozen_credentials = lambda: with_credential_errors(fetch)  # type: ignore[method-assign]


def guard_credentials(client: BaseClient, credentials: Credentials | None) -> None:
    """Make *client* tell trouble with *credentials*, which others use too, as missing credentials.

    Those that are fetched when they are first needed are fetched just before a request is signed.
    """
    if credentials is None:
        return

    def fetch(**_: object) -> None:
        with_credential_errors(credentials.get_frozen_credentials)

    client.meta.events.register("before-sign", fetch)


def with_credential_errors(get: Callable[[], T]) -> T:
    """Return what *get* returns.

    Raises:
        BotoCoreError: It could not read or run what credentials come from.
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
