"""The errors that botocore raises, as errors of Startifact.

What a service says is always shown, after what Startifact says itself.
"""

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
    SSLError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from startifact.concurrency.heartbeat import Cancelled
from startifact.errors import (
    AccessDeniedError,
    ArchivedError,
    ConfigurationError,
    NetworkSetupError,
    RegionUnavailableError,
    ServiceRefusedError,
    StartifactError,
)
from startifact.regions.aws import advice
from startifact.regions.aws.answers import NoAnswerError
from startifact.regions.aws.credentials import (
    UNREADABLE_CONFIGURATION,
    UnusableCredentialsError,
    gives_credentials,
    unusable,
)
from startifact.regions.aws.known import doubt
from startifact.regions.aws.request_options import expected_owner_in
from startifact.regions.aws.trouble import (
    code_of,
    may_pass,
    obstacle_of,
    said_by_aws,
    status_of,
)

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
        "Forbidden",
    }
)

ARCHIVED = frozenset({"InvalidObjectState", "ObjectNotInActiveTierError"})

_CREDENTIALS = frozenset(
    {
        "401",
        "AuthFailure",
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
        "Unauthorized",
        "UnrecognizedClientException",
    }
)

_ELSEWHERE = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)

# What reading a body can raise: the SDK wraps it only where it has read the body itself.
_BROKEN_BODY = (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)


@contextlib.contextmanager
def aws_errors(
    action: str, *, region: str, resource: str, aws_region: str | None = None
) -> Iterator[None]:
    """Turn botocore's exceptions into ours, keeping the original as the cause.

    *action* is named as IAM spells it and *resource* as an ARN or name, because the reader may have
    to change a policy next. *region* is named as it was spelled; *aws_region* is the AWS region
    that was asked, where that is another name.
    """
    try:
        yield
    except ClientError as e:
        raise _from_service(e, action, region, resource, aws_region or region) from e
    except (HTTPClientError, NoConnectionError) as e:
        # botocore wraps whatever the body raised while it was sent.
        inner = e.kwargs.get("error")
        if isinstance(inner, StartifactError | Cancelled):
            raise inner from e
        raise no_answer(e, f"{region} did not answer {action} on {resource}") from e
    except (*MISSING_CREDENTIALS, *UNREADABLE_CONFIGURATION) as e:
        raise no_credentials(region, e) from e
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
            hint="Try again; if it persists, something between here and the region is at fault",
        ) from e


def no_answer(error: BotoCoreError, what: str) -> StartifactError:
    """Return the error for *error*, which kept an answer from coming; *what* says whose."""
    said = said_by_aws(error)
    if "Invalid header value" in str(error):
        # Without *said*: the HTTP client's message repeats a part of the credentials.
        return AccessDeniedError(
            f"{what}: the AWS credentials have a line break or another control character in them",
            hint="Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN anew, each in "
            "one line",
        )
    if not isinstance(error, SSLError) and (wrong := doubt(error)):
        return NetworkSetupError(
            f"{what}: {said}; {wrong}", hint="Check the spelling of the region, or the network"
        )
    if (obstacle := obstacle_of(error)) is not None:
        kind = RegionUnavailableError if obstacle.may_pass else NetworkSetupError
        return kind(f"{what}: {obstacle.what}: {said}", hint=obstacle.hint)
    return RegionUnavailableError(f"{what}: {said}", hint=advice.NETWORK)


def _no_whole_answer(
    error: Exception, action: str, region: str, resource: str
) -> RegionUnavailableError:
    if isinstance(error, NoAnswerError):
        return RegionUnavailableError(
            f"what came for {action} on {resource} is not an answer of {region}: {error}",
            hint=advice.NO_ANSWER,
        )
    return RegionUnavailableError(
        f"the answer of {region} to {action} on {resource} broke off: "
        f"{type(error).__name__}, {said_by_aws(error)}",
        hint=advice.NETWORK,
    )


def no_credentials(region: str, error: Exception) -> AccessDeniedError:
    """Return the error for *error*, for which requests cannot be signed.

    It is one of `MISSING_CREDENTIALS`, or of `UNREADABLE_CONFIGURATION`.
    """
    if isinstance(error, UNREADABLE_CONFIGURATION):
        error = unusable(error)
    said, hint = said_by_aws(error), advice.NO_CREDENTIALS
    if isinstance(error, UnusableCredentialsError):  # in words of our own
        said, hint = str(error), error.hint
    return AccessDeniedError(f"there are no usable AWS credentials for {region}: {said}", hint=hint)


def _from_service(
    error: ClientError, action: str, region: str, resource: str, aws_region: str
) -> StartifactError:
    code, status = code_of(error), status_of(error)
    message = str(error.response.get("Error", {}).get("Message", ""))
    said = f"{said_by_aws(code)}, {said_by_aws(message)}"
    if gives_credentials(error):
        return no_credentials(region, unusable(error))
    if code in ARCHIVED:
        return ArchivedError(
            f"{resource} in {region} is archived, {action} is not possible until it is restored: "
            f"{said}"
        )
    if code in REFUSED and advice.is_locked(message):
        return ServiceRefusedError(
            f"{region} refuses {action} on {resource} for good: {said}", hint=advice.LOCKED
        )
    if code in REFUSED:
        owner = expected_owner_in(error.response)
        return AccessDeniedError(
            f"{region} refused {action} on {resource}: {said_by_aws(message)}",
            hint=advice.for_denial(action, resource, message) + advice.or_other_owner(owner),
        )
    if code in _CREDENTIALS:
        return AccessDeniedError(
            f"{region} did not accept the AWS credentials for {action}: {said}",
            hint=advice.for_credentials(code, aws_region),
        )
    if code == "NoSuchBucket":
        return ConfigurationError(
            f"there is no bucket for {resource} in {region}: {said_by_aws(message)}",
            hint="Make the bucket, or correct its name where it is configured",
        )
    if code in _ELSEWHERE:
        return ConfigurationError(
            f"the bucket of {resource} is not in {region}: {said_by_aws(message)}",
            hint="Name the region the bucket is in",
        )
    return _other(error, f"{action} on {resource}", region, said, status)


def _other(error: ClientError, what: str, region: str, said: str, status: int) -> StartifactError:
    """Return the error for what is neither a matter of rights nor of configuration."""
    code = code_of(error)
    if status == 407:
        return NetworkSetupError(
            f"a proxy answered {what} in the place of {region}: {said}", hint=advice.PROXY
        )
    quota = advice.is_quota(code)
    if may_pass(error) and not quota:
        return RegionUnavailableError(f"{region} failed {what}: {said}", hint="Try again")
    if code == "404":  # without a name of the service, and about what is there otherwise
        return RegionUnavailableError(f"{region} failed {what}: {said}", hint=advice.NO_ANSWER)
    if quota or 400 <= status < 500 or status == 501 or advice.is_for_good(code):
        return ServiceRefusedError(
            f"{region} refuses {what} for good: {said}", hint=advice.for_good(code, said)
        )
    return RegionUnavailableError(
        f"{region} failed {what}: {said}",
        hint=advice.NO_ANSWER,
    )
