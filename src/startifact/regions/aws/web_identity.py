"""The identity of a session in AWS, where it is not what the SDK finds by itself."""

from collections.abc import Callable

from startifact.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WebIdentity:
    """A role that is taken on with an OpenID Connect token, and taken on again before it expires.

    ``token`` returns a fresh token each time it is called. Neither it nor the credentials that AWS
    gives for it leave this process.
    """

    role: str
    """The role's ARN."""

    session_name: str
    """The name of the role's session in the logs of AWS."""

    seconds: int
    """For how long the credentials are valid each time, 900 to 43,200."""

    region: str
    """The AWS region that is asked for credentials."""

    token: Callable[[], str]
