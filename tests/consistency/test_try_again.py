"""No message says "try again" where that cannot help: every error path is gone through.

What may pass is undetermined (exit 5). The texts in the source that say so are counted as well, so
that a new one is looked at: is it for something that passes?
"""

import ast
import contextlib
import http.client
import re
import socket
import ssl
import string
import urllib.error
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from startifact import errors
from startifact.action.oidc import token_error, token_error_of_status
from startifact.errors import (
    AccessDeniedError,
    NetworkSetupError,
    StartifactError,
    UndeterminedError,
)
from startifact.regions.aws import advice, trouble
from startifact.regions.aws import errors as aws
from startifact.regions.aws.answers import BrokenAnswerError, NoAnswerError
from startifact.regions.aws.conditions import ignored_condition
from startifact.regions.aws.credentials import unusable, with_credential_errors
from startifact.regions.aws.errors import aws_errors
from startifact.regions.aws.role import _refused
from tests.faults.refusals import REFUSALS

SOURCE = Path(errors.__file__).parent
AGAIN = re.compile(r"\b(try|tries|run) (it |this |the same )?again", re.IGNORECASE)

FOR_CREDENTIALS = ["AssumeRole", "AssumeRoleWithWebIdentity", "GetRoleCredentials"]
OPERATIONS = [
    "HeadObject",
    "GetObject",
    "PutObject",
    "UploadPart",
    "CompleteMultipartUpload",
    "ListObjectsV2",
    "HeadBucket",
    "DeleteObject",
    "GetParameter",
    "PutParameter",
    "DeleteParameter",
    *FOR_CREDENTIALS,
]


def codes() -> list[tuple[int, str]]:
    """Return statuses and codes: everything that the product knows, and what it does not."""
    named = {
        *aws.REFUSED, *aws.ARCHIVED, *aws._CREDENTIALS, *aws._ELSEWHERE,
        *advice._FOR_GOOD, *advice._TIME, *advice._UNKNOWN_TOKENS,
        *trouble._THROTTLING, *trouble.CONFLICT, *trouble._ON_THE_WAY,
        *trouble._FAILED, "NoSuchBucket", "NeverHeardOf",
    }  # fmt: skip
    known = [(status, code) for code, (status, _) in REFUSALS.items()]
    known += [(status, code) for code in sorted(named) for status in (400, 403, 503)]
    return known + [(status, str(status)) for status in range(300, 600)]


def client_error(status: int, code: str, operation: str) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "what the service says"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, operation)


def translated(error: Exception) -> StartifactError:
    """Return what *error* of the SDK becomes."""
    with (
        pytest.raises(StartifactError) as caught,
        aws_errors("s3:GetObject", region="eu-west-1", resource="arn:aws:s3:::b/k"),
    ):
        raise error
    return caught.value


def check(
    error: StartifactError, *, may_pass: bool, kind: type[StartifactError] = UndeterminedError
) -> None:
    """Assert that *error* says "try again" only where it is of that *kind* and *may_pass*."""
    if AGAIN.search(str(error)):
        assert may_pass, error
        assert isinstance(error, kind), error
        assert not isinstance(error, NetworkSetupError), error
    if isinstance(error, errors.ServiceRefusedError):
        assert error.exit_code == 10
        assert error.hint


@pytest.mark.parametrize("operation", OPERATIONS)
def test_answers_of_services(operation: str) -> None:
    """Of every code and status, only what may pass is to be tried again, and reasons are shown."""
    for status, code in codes():
        error = client_error(status, code, operation)

        found = translated(error)

        assert "what the service says" in found.message
        if operation in FOR_CREDENTIALS:
            assert found.exit_code == 6
            assert operation in found.message
            may_pass = trouble.may_pass(error) or code == "IDPCommunicationError"
            check(found, may_pass=may_pass, kind=AccessDeniedError)
        else:
            check(found, may_pass=trouble.may_pass(error))


@pytest.mark.parametrize("status", range(400, 500))
def test_unknown_refusals(status: int) -> None:
    """Every unknown 4xx is refused for good, but for those that may pass and a proxy's."""
    found = translated(client_error(status, "NeverHeardOf", "PutObject"))

    passing = {408, 409, 425, 429}
    assert found.exit_code == (5 if status in passing | {407} else 10)
    assert bool(AGAIN.search(str(found))) == (status in passing)


def test_roles() -> None:
    """The same for the role of a step."""
    for status, code in codes():
        error = client_error(status, code, "AssumeRoleWithWebIdentity")
        found = _refused("arn:aws:iam::1:role/r", error)
        check(found, may_pass=trouble.may_pass(error) or code == "IDPCommunicationError")
        assert "what the service says" in found.message


def exceptions_of_the_sdk() -> Iterator[Exception]:
    """Yield every exception that botocore defines, with something in each place of its text."""
    for kind in vars(botocore.exceptions).values():
        if not (isinstance(kind, type) and issubclass(kind, BotoCoreError)):
            continue
        names = {name for _, name, _, _ in string.Formatter().parse(kind.fmt) if name}
        facts: dict[str, Any] = {name.partition(".")[0]: "something" for name in names}
        if issubclass(kind, HTTPClientError):
            facts["error"] = OSError("something")
        with contextlib.suppress(TypeError, AttributeError, KeyError):
            yield kind(**facts)


PERMANENT = tuple(
    kind
    for name, kind in vars(botocore.exceptions).items()
    if isinstance(kind, type)
    and issubclass(kind, Exception)
    and re.search(r"SSL|Proxy.*Config|Credential|Token|Profile|Config|MFA|SSO|Login", name)
)


def test_exceptions_of_the_sdk() -> None:
    """A certificate, a profile or a missing token is not tried again, whatever raises it."""
    raised = list(exceptions_of_the_sdk())
    for error in raised:
        check(translated(error), may_pass=not isinstance(error, PERMANENT))
    assert len(raised) > 60


def of_openssl(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("reason", "may_pass"),
    [
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), True),
        (of_openssl("TLSV1_ALERT_INTERNAL_ERROR"), True),
        (ssl.SSLCertVerificationError(1, "something"), False),
        (of_openssl("WRONG_VERSION_NUMBER"), False),
        (of_openssl("TLSV1_ALERT_PROTOCOL_VERSION"), False),
        (of_openssl("NEVER_HEARD_OF"), False),
        (FileNotFoundError(2, "something"), False),
    ],
)
def test_trouble_with_tls(reason: Exception, may_pass: bool) -> None:
    """A connection that was cut passes; certificates, plain HTTP and refused handshakes stay."""
    error = botocore.exceptions.SSLError(endpoint_url="https://a", error=reason)

    for found in (translated(error), translated(unusable(error))):
        assert bool(AGAIN.search(str(found))) == may_pass
        assert isinstance(found, NetworkSetupError | AccessDeniedError) or may_pass


def test_answers_that_are_none() -> None:
    """They were asked for again already: the hint says where to look."""
    for error in (NoAnswerError("a web page came instead"), BrokenAnswerError("it broke off")):
        check(translated(error), may_pass=False)


@pytest.mark.parametrize("operation", ["PutObject", "CompleteMultipartUpload"])
@pytest.mark.parametrize("etag", [None, '"1234"', 'W/"1234"'])
def test_conditions_that_are_not_honoured(operation: str, etag: str | None) -> None:
    """What something between does not honour it does not honour the next time."""
    refusal = client_error(412, "PreconditionFailed", operation)

    found = ignored_condition(refusal, region="eu-west-1", key="k", expected=etag, got=etag)

    assert operation in found.message
    check(found, may_pass=False)


def test_everything_that_getting_credentials_raises() -> None:
    """Whatever it is, there are no usable credentials: exit 6, with its reason."""
    raised: list[Exception] = [
        *exceptions_of_the_sdk(),
        RuntimeError("something"),
        KeyError("something"),
        OSError(13, "something", "/file"),
        ValueError("something"),
        EOFError("something"),
        client_error(403, "AccessDenied", "AssumeRole"),
        client_error(403, "ForbiddenException", "GetRoleCredentials"),
    ]
    passing = (HTTPClientError, botocore.exceptions.ConnectionError)
    for error in raised:

        def get(error: Exception = error) -> None:
            raise error

        with pytest.raises(BotoCoreError) as caught:
            with_credential_errors(get)
        found = translated(caught.value)
        assert found.exit_code == 6, error
        assert found.hint
        if AGAIN.search(str(found)):
            assert isinstance(error, passing)
            assert not isinstance(error, botocore.exceptions.SSLError)


def test_throttled_credentials() -> None:
    """A service for credentials that is throttled is the one refusal of its that passes."""
    for code in ("Throttling", "ServiceUnavailable"):
        assert AGAIN.search(str(unusable(client_error(400, code, "AssumeRole")).hint))  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", range(300, 600))
def test_statuses_of_the_token_service(status: int) -> None:
    """GitHub is asked again where it is in trouble, and not where it refuses."""
    passing = status >= 500 or status in {408, 429}
    found = token_error_of_status(status)

    check(found, may_pass=passing)
    assert found.exit_code == (5 if passing or status == 407 else 6)


@pytest.mark.parametrize(
    ("reason", "may_pass"),
    [
        (ssl.SSLCertVerificationError(1, "something"), False),
        (socket.gaierror(-2, "something"), False),
        (OSError("Tunnel connection failed: 407 Proxy Authentication Required"), False),
        (ConnectionRefusedError(111, "something"), True),
        (ConnectionResetError(104, "something"), True),
        (TimeoutError("something"), True),
        (http.client.BadStatusLine("something"), True),
        (ValueError("something"), True),
    ],
)
def test_trouble_on_the_way_to_the_token_service(reason: Exception, may_pass: bool) -> None:
    """A certificate, a name and a proxy are named as what they are, and nothing is quoted."""
    if isinstance(reason, ssl.SSLError):
        reason.verify_message = "self-signed certificate"  # type: ignore[attr-defined]
    wrapped = urllib.error.URLError(reason) if isinstance(reason, OSError) else reason

    found = token_error(wrapped)

    assert found.exit_code == 5
    assert "something" not in str(found)
    assert bool(AGAIN.search(str(found))) == may_pass


# The source -------------------------------------------------------------------------------------

COUNTED = {
    # Once it has been seen which of two contents is there, running it shows that.
    "repair/log.py": 1,
    # While a region does not answer, or has no tombstone yet, of which others may have one.
    "retention/pruning.py": 1,
    "retention/removal.py": 1,
    # The same of metadata that another one has written meanwhile.
    "repair/unrecorded.py": 1,
    # A region that sends two contents, one after the other; and what other regions decide.
    "repair/quarantine.py": 1,
    "repair/latest.py": 3,
    # Of regions that are silent alone: certificates and the like take it away.
    "channels/reading.py": 1,
    "registers/attempt.py": 1,
    # Once it has been looked whether it was done.
    "registers/register.py": 1,
    # Of regions that did not answer, and where a person has to look.
    "repair/registers.py": 1,
    # Shown with the traceback that the second run has.
    "cli/__init__.py": 1,
    # Gone through above.
    "regions/aws/errors.py": 2,
    "regions/aws/role.py": 2,
    "regions/aws/credentials.py": 1,
    # Of connections that were refused, and names that did not resolve just then.
    "regions/aws/advice.py": 2,
    "action/oidc.py": 2,
    # Once what is in the way has been taken away, made or changed, as the same text says.
    "model/stacks.py": 1,
    "organisation/bootstrap/plan.py": 1,
    # The same; and while CloudFormation goes on by itself.
    "regions/aws/stacks.py": 2,
}
"""How many texts of each module say "try again" or "run it again", and why they may."""


def test_texts_in_the_source() -> None:
    """Each text that says so is one of those that were looked at."""
    found: Counter[str] = Counter()
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if text and id(node) not in documented and AGAIN.search(node.value):  # type: ignore[attr-defined]
                found[path.relative_to(SOURCE).as_posix()] += 1
    assert found == COUNTED
