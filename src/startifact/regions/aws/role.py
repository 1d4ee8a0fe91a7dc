"""Taking on a role with a web identity, in the SDK's own way: renewed before it expires."""

import time
from typing import Any

import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleWithWebIdentityCredentialFetcher,
    CredentialProvider,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, ClientError, ProxyConnectionError, SSLError

from startifact.errors import AccessDeniedError, RegionUnavailableError, StartifactError
from startifact.hints import Hint, join
from startifact.limits import (
    CREDENTIALS_EXPIRY_SECONDS,
    CREDENTIALS_RENEWAL_SECONDS,
    Limits,
)
from startifact.regions.aws import advice
from startifact.regions.aws.endpoint import check_endpoint
from startifact.regions.aws.errors import no_answer
from startifact.regions.aws.retries import stop_retries_with_worker
from startifact.regions.aws.subject import TokenWithSubject
from startifact.regions.aws.trouble import code_of, may_pass, obstacle_of, said_by_aws
from startifact.regions.aws.web_identity import WebIdentity

METHOD = "startifact-web-identity"

_TRUST = """In the role's trust policy, allow sts:AssumeRoleWithWebIdentity for the identity \
provider token.actions.githubusercontent.com, where its aud is the audience of this step and its \
sub begins with one of
  repo:ORGANISATION@ID/REPOSITORY@ID: (repositories made since 15 July 2026)
  repo:ORGANISATION/REPOSITORY: (older ones)
and goes on with ref:refs/heads/main, ref:refs/tags/*, environment:NAME or pull_request"""

_HINTS = {
    "RegionDisabledException": advice.for_good("RegionDisabledException"),
    "InvalidIdentityToken": "In IAM, add the identity provider "
    "https://token.actions.githubusercontent.com with the audience of this step",
    "ValidationError": "Ask for a shorter role-duration, or raise the role's maximum session "
    "duration",
}


class _Credentials(DeferredRefreshableCredentials):
    # The SDK has no option for either: tests/unit/test_botocore.py holds that these still work.
    _advisory_refresh_timeout = CREDENTIALS_RENEWAL_SECONDS
    _mandatory_refresh_timeout = CREDENTIALS_EXPIRY_SECONDS


class _Provider(CredentialProvider):
    """Provides the role's credentials."""

    METHOD = METHOD
    CANONICAL_NAME = None

    def __init__(
        self,
        role: str,
        fetcher: AssumeRoleWithWebIdentityCredentialFetcher,
        token: TokenWithSubject,
        limits: Limits,
    ) -> None:
        super().__init__()
        self._limits = limits
        self._role = role
        self._fetcher = fetcher
        self._token = token
        self._refusal: AccessDeniedError | None = None
        self._until = 0.0

    def load(self) -> DeferredRefreshableCredentials:
        """Return credentials that are fetched when they are first needed."""
        return _Credentials(method=METHOD, refresh_using=self._fetch)

    def _fetch(self) -> dict[str, Any]:
        # No lock: all clients share the credentials, which call this under a lock of their own.
        if self._refusal is not None and time.monotonic() < self._until:
            raise self._refusal
        try:
            return dict(self._fetcher.fetch_credentials())
        except ClientError as e:
            error = _refused(self._role, e, self._token.hint())
            # Only a refusal is remembered: it is the same for all regions. Trouble may pass.
            if isinstance(error, AccessDeniedError):
                self._refusal = error
                self._until = time.monotonic() + self._limits.refusal_cache_seconds
            raise error from e
        except BotoCoreError as e:
            what = "AWS did not answer sts:AssumeRoleWithWebIdentity"
            if isinstance(e, SSLError | ProxyConnectionError):
                raise no_answer(e, what) from e
            if obstacle := obstacle_of(e):
                what = f"{what}: {obstacle.what}"
            raise RegionUnavailableError(
                f"{what}: {said_by_aws(e)}", hint="Check the network and aws-region, or try again"
            ) from e


def _refused(role: str, error: ClientError, subject: Hint | None = None) -> StartifactError:
    answer = error.response.get("Error", {})
    code = code_of(error)
    text = f"{said_by_aws(code)}, {said_by_aws(answer.get('Message', ''))}"
    if code == "IDPCommunicationError" or may_pass(error):
        return RegionUnavailableError(
            f"AWS gave no credentials for the role {role}: {text}", hint="Try again"
        )
    return AccessDeniedError(
        f"AWS did not let this job take on the role {role}: {text}",
        hint=_HINTS.get(code) or join([subject, _TRUST]),
    )


def as_role(identity: WebIdentity, config: Config, *, limits: Limits) -> botocore.session.Session:
    """Return a session of the SDK whose requests are all made as *identity*'s role."""

    def sts(*_: Any, **__: Any) -> Any:
        # The token is the proof of identity: credentials in the environment must not sign this.
        # A session of its own, since those are not safe to share between threads.
        asking = botocore.session.Session()
        asking.register_component("data_loader", session.get_component("data_loader"))
        client = asking.create_client(
            "sts",
            region_name=identity.region,
            aws_access_key_id="",
            aws_secret_access_key="",
            config=config.merge(Config(signature_version=UNSIGNED)),
        )
        check_endpoint(client.meta.endpoint_url, "sts")
        stop_retries_with_worker(client)
        return client

    session = botocore.session.Session()
    token = TokenWithSubject(identity.token)
    fetcher = AssumeRoleWithWebIdentityCredentialFetcher(
        client_creator=sts,
        web_identity_token_loader=token,
        role_arn=identity.role,
        extra_args={"RoleSessionName": identity.session_name, "DurationSeconds": identity.seconds},
        expiry_window_seconds=CREDENTIALS_RENEWAL_SECONDS,
    )
    # First, so that it comes before anything else that the SDK might find.
    session.get_component("credential_provider").providers.insert(
        0, _Provider(identity.role, fetcher, token, limits)
    )
    return session
