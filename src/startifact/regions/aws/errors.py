"""The errors that botocore raises, as errors of Startifact."""

import contextlib
import http.client
import traceback
from collections.abc import Iterator

import urllib3.exceptions
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSLError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from startifact.concurrency.heartbeat import Cancelled
from startifact.errors import (
    AccessDeniedError,
    ConfigurationError,
    RegionUnavailableError,
    StartifactError,
)
from startifact.hints import ByWayIn, Hint
from startifact.regions.aws.answers import NoAnswerError
from startifact.regions.aws.credentials import UnreadableCredentialsError
from startifact.regions.aws.known import doubt
from startifact.text import quoted, redact

MISSING_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
)

REFUSED = frozenset(
    {
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "AllAccessDisabled",
        "AuthFailure",
        "Forbidden",
    }
)

_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)

_ELSEWHERE = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)

_NO_CREDENTIALS_HINT = Hint.of(
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE",
    ByWayIn(
        workflow=", set role-to-assume, or run aws-actions/configure-aws-credentials before this "
        "step, and give the job 'permissions: id-token: write'; on an EC2 instance whose role is "
        "to be used, the metadata option http-put-response-hop-limit has to be 2, since a "
        "container is a hop more"
    ),
)

_CERTIFICATES_HINT = Hint.of(
    "Check AWS_CA_BUNDLE, which names the file of certificates to trust, or the proxy whose "
    "certificate has to be in it",
    ByWayIn(workflow="; the container of an action sees files in the workspace alone"),
)

_UNREADABLE_HINT = Hint.of(
    "Check what names that file: AWS_WEB_IDENTITY_TOKEN_FILE, "
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or the profile",
    ByWayIn(
        workflow=". The container of an action has not the runner's files: set role-to-assume, "
        "or use the composite form, which has no container"
    ),
)

_NO_ANSWER_HINT = (
    "Look at what is between here and the region: a portal that wants somebody to sign in, or a "
    "proxy, may have answered in its place"
)

# What reading a body can raise: the SDK wraps it only where it has read the body itself.
_BROKEN_BODY = (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)

NO_PROFILE_HINT = Hint.of(
    "Check AWS_PROFILE and the AWS configuration file",
    ByWayIn(
        workflow="; the container of an action has not the job's home folder: set "
        'role-to-assume, or AWS_PROFILE: ""'
    ),
)


def code_of(error: ClientError) -> str:
    """Return the service's name for what went wrong."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


@contextlib.contextmanager
def aws_errors(action: str, *, region: str, resource: str) -> Iterator[None]:
    """Turn botocore's exceptions into ours, keeping the original as the cause.

    *action* is named as IAM spells it and *resource* as an ARN or name, because the reader may have
    to change a policy next.
    """
    try:
        yield
    except ClientError as e:
        raise _from_service(e, action, region, resource) from e
    except (HTTPClientError, NoConnectionError) as e:
        # botocore wraps whatever the body raised while it was sent.
        inner = e.kwargs.get("error")
        if isinstance(inner, StartifactError | Cancelled):
            raise inner from e
        raise _no_answer(e, f"{region} did not answer {action} on {resource}") from e
    except MISSING_CREDENTIALS as e:
        raise no_credentials(region, e) from e
    except ProfileNotFound as e:
        raise ConfigurationError(
            f"there is no such AWS profile: {said_by_aws(e)}",
            hint=NO_PROFILE_HINT,
        ) from e
    except (NoAnswerError, *_BROKEN_BODY) as e:
        traceback.clear_frames(e.__traceback__)  # as below
        raise _no_whole_answer(e, action, region, resource) from e
    except BotoCoreError as e:
        raise RegionUnavailableError(
            f"{action} on {resource} failed in {region}: {said_by_aws(e)}"
        ) from e
    except (ResponseParserError, LookupError, ValueError, TypeError, AttributeError) as e:
        # A header or a part of the body is missing or garbled, which the SDK does not check. The
        # traceback's frames hold the answer, and would keep its connection open with the error.
        traceback.clear_frames(e.__traceback__)
        raise RegionUnavailableError(
            f"{region} answered {action} on {resource} with what cannot be understood: "
            f"{type(e).__name__}, {said_by_aws(e)}",
            hint="Try again; if it stays so, something between here and the region is at fault",
        ) from e


def _no_answer(error: BotoCoreError, what: str) -> StartifactError:
    said = said_by_aws(error)
    if isinstance(error, SSLError):
        return RegionUnavailableError(f"{what}: {said}", hint=_CERTIFICATES_HINT)
    if "Invalid header value" in str(error):
        # Without *said*: the HTTP client's message repeats a part of the credentials.
        return AccessDeniedError(
            f"{what}: the AWS credentials have a line break or another control character in them",
            hint="Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN anew, each in "
            "one line",
        )
    if wrong := doubt(error):
        return RegionUnavailableError(
            f"{what}: {said}; {wrong}", hint="Check the spelling of the region, or the network"
        )
    return RegionUnavailableError(f"{what}: {said}", hint="Check the network, or try again")


def _no_whole_answer(
    error: Exception, action: str, region: str, resource: str
) -> RegionUnavailableError:
    if isinstance(error, NoAnswerError):
        return RegionUnavailableError(
            f"what came for {action} on {resource} is not an answer of {region}: {error}",
            hint=_NO_ANSWER_HINT,
        )
    return RegionUnavailableError(
        f"the answer of {region} to {action} on {resource} broke off: "
        f"{type(error).__name__}, {said_by_aws(error)}",
        hint="Check the network, or try again",
    )


def no_credentials(region: str, error: Exception) -> AccessDeniedError:
    """Return the error for *error*, one of `MISSING_CREDENTIALS`, which keeps requests unsigned."""
    unreadable = isinstance(error, UnreadableCredentialsError)
    return AccessDeniedError(
        f"there are no usable AWS credentials for {region}: {said_by_aws(error)}",
        hint=_UNREADABLE_HINT if unreadable else _NO_CREDENTIALS_HINT,
    )


def said_by_aws(what: object) -> str:
    """Return a text of the SDK or a service for a message: quoted, and without credentials."""
    return quoted(redact(str(what)), 300)


def _from_service(error: ClientError, action: str, region: str, resource: str) -> StartifactError:
    code = code_of(error)
    name = said_by_aws(code)
    said = said_by_aws(error.response.get("Error", {}).get("Message", ""))
    if code in REFUSED:
        return AccessDeniedError(
            f"{region} refused {action} on {resource}: {said}",
            hint=f"Allow {action} on {resource} in the role's policy, and check the bucket's and "
            "the key's policies",
        )
    if code in _CREDENTIALS:
        return AccessDeniedError(
            f"{region} did not accept the AWS credentials for {action}: {name}, {said}",
            hint="Get new credentials, and check the clock of this machine",
        )
    if code == "NoSuchBucket":
        return ConfigurationError(
            f"there is no bucket for {resource} in {region}",
            hint="Make the bucket, or correct its name where it is configured",
        )
    if code in _ELSEWHERE:
        return ConfigurationError(
            f"the bucket of {resource} is not in {region}: {said}",
            hint="Name the region the bucket is in",
        )
    return RegionUnavailableError(
        f"{region} failed {action} on {resource}: {name}, {said}", hint="Try again"
    )
