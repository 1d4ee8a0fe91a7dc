"""Taking on a role with a web identity, in the SDK's own way: renewed before it expires."""

from typing import Any

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleWithWebIdentityCredentialFetcher,
    CredentialProvider,
    DeferredRefreshableCredentials,
)

from startifact.identity import WebIdentity

METHOD = "startifact-web-identity"


class _Provider(CredentialProvider):
    """Offers the role's credentials before anything else that the SDK might find."""

    METHOD = METHOD
    CANONICAL_NAME = None

    def __init__(self, fetcher: AssumeRoleWithWebIdentityCredentialFetcher) -> None:
        super().__init__()
        self._fetcher = fetcher

    def load(self) -> DeferredRefreshableCredentials:
        """Return credentials that are fetched when they are first needed."""
        return DeferredRefreshableCredentials(
            method=METHOD, refresh_using=self._fetcher.fetch_credentials
        )


def as_role(identity: WebIdentity, config: Config) -> botocore.session.Session:
    """Return a session of the SDK whose requests are all made as *identity*'s role."""

    def sts(*_: Any, **__: Any) -> Any:
        # The token is the proof: nothing is signed with credentials that may happen to be there.
        return boto3.client(
            "sts",
            region_name=identity.region,
            aws_access_key_id="",
            aws_secret_access_key="",
            config=config.merge(Config(signature_version=UNSIGNED)),
        )

    session = botocore.session.Session()
    fetcher = AssumeRoleWithWebIdentityCredentialFetcher(
        client_creator=sts,
        web_identity_token_loader=identity.token,
        role_arn=identity.role,
        extra_args={"RoleSessionName": identity.session_name, "DurationSeconds": identity.seconds},
    )
    session.get_component("credential_provider").providers.insert(0, _Provider(fetcher))
    return session
