"""Sessions of boto3 that are somebody else: a profile, or a role that is taken on with it."""

from functools import partial
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import ProfileNotFound

from startifact.errors import ConfigurationError
from startifact.limits import DEFAULT_LIMITS, Limits
from startifact.regions.aws.clients import session_of_role
from startifact.regions.aws.web_identity import WebIdentity
from startifact.text import quoted

if TYPE_CHECKING:
    from startifact.regions.aws.configuration_loader import Boto3Session

_SESSION_NAME = "startifact"


def session_as(
    profile: str | None,
    role: str | None,
    *,
    region: str | None,
    identity: WebIdentity | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> "Boto3Session":
    """Return a session that is *profile*, or what the SDK finds, and then takes on *role*.

    Without a profile it is *identity* that takes it on, where there is one. The role is asked for
    in *region*, where the profile or ``AWS_REGION`` has none.

    Nothing is sent yet: credentials are asked for when they are needed, and again when they end.

    Raises:
        ConfigurationError: There is no such profile.
    """
    if identity is not None and profile is None:
        source = session_of_role(identity, limits)
    else:
        source = botocore.session.Session(profile=profile)
    try:
        source.get_scoped_config()
    except ProfileNotFound as e:
        raise ConfigurationError(
            f"there is no profile {quoted(profile)} in the configuration of AWS",
            hint="See which there are with aws configure list-profiles",
        ) from e
    if role is None:
        return boto3.Session(botocore_session=source)
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=partial(
            source.create_client, region_name=source.get_config_variable("region") or region
        ),
        source_credentials=source.get_credentials(),
        role_arn=role,
        extra_args={"RoleSessionName": _SESSION_NAME},
    )
    target = botocore.session.Session(profile=profile)
    credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    target._credentials = credentials  # type: ignore[attr-defined]  # its own setter takes texts
    return boto3.Session(botocore_session=target)
