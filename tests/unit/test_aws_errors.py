"""What AWS's errors become, and what each way in is told to do about them."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import Mock

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    CredentialRetrievalError,
    NoCredentialsError,
    ProfileNotFound,
    SSLError,
)

from startifact.errors import NetworkSetupError, StartifactError
from startifact.hints import in_python, in_shell, in_workflow
from startifact.regions.aws.credentials import (
    UnreadableCredentialsError,
    unusable,
    with_credential_errors,
)
from startifact.regions.aws.errors import aws_errors, no_answer

ERRORS = [
    NoCredentialsError(),
    CredentialRetrievalError(provider="a", error_msg="b"),
    UnreadableCredentialsError(file="/a", reason="b", provider="a", error_msg="b"),
    ProfileNotFound(profile="a"),
    SSLError(endpoint_url="https://a", error=OSError("b")),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_advice(error: Exception) -> None:
    """What a workflow alone can set, and what holds in its container alone, is said there alone."""
    with (
        pytest.raises(StartifactError) as caught,
        aws_errors("s3:GetObject", region="us-east-1", resource="arn:aws:s3:::b/k"),
    ):
        raise error

    hint = caught.value.next_step
    assert hint is not None
    assert of_a_workflow(hint.text(in_python)) == of_a_workflow(hint.text(in_shell)) == []
    assert of_a_workflow(hint.text(in_workflow)) != []


def of_a_workflow(text: str) -> list[str]:
    """Return the words in *text* that mean something in a workflow alone."""
    words = ["role-to-assume", "workflow", "container of an action", "composite", "hop", "job"]
    return [word for word in words if word in text.replace("AWS_CONTAINER", "")]


class _Proxy(BaseHTTPRequestHandler):
    def do_CONNECT(self) -> None:  # the name that the standard library calls
        self.send_error(407)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def proxy() -> Iterator[str]:
    """Return the address of a proxy that wants a password of whoever comes."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Proxy)
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    ).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def nobody() -> Iterator[str]:
    """Return the address of a port that nobody listens at, which has 407 in it where that can be.

    A number in an address is no answer of a proxy.
    """
    with socket.socket() as taken:
        for port in (*range(40700, 40799), 0):
            with contextlib.suppress(OSError):
                taken.bind(("127.0.0.1", port))
                break
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def kept_from(endpoint: str, proxy: str | None = None) -> BotoCoreError:
    """Return what the SDK raises where it asks S3 at *endpoint*."""
    config = Config(retries={"total_max_attempts": 1}, proxies={"https": proxy} if proxy else None)
    client = boto3.client(
        *("s3", "us-east-1"),
        endpoint_url=endpoint,
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=config,
    )
    with pytest.raises(BotoCoreError) as caught:
        client.list_buckets()
    return caught.value


def test_trouble_on_the_network(proxy: str, nobody: str) -> None:
    """A proxy, a name and a refused connection are named as what they are, whoever was asked."""
    cases = [
        (kept_from("https://s3.invalid", proxy), "a proxy answered 407", "USER:PASSWORD", False),
        (
            kept_from("https://s3.invalid", f"http://{nobody}"),
            "the proxy refused the connection",
            "HTTPS_PROXY",
            True,
        ),
        (
            kept_from("https://s3.invalid", "http://proxy.invalid"),
            "the name of the proxy cannot be resolved",
            "HTTPS_PROXY",
            False,
        ),
        (
            kept_from("https://s3.invalid"),
            "the name of its host cannot be resolved",
            "spelling",
            True,
        ),
        (kept_from(f"http://{nobody}"), "its host refused the connection", "network", True),
    ]
    for error, what, hint, may_pass in cases:
        asked = no_answer(error, "eu-west-1 did not answer")
        credentials = unusable(error)

        assert (asked.exit_code, isinstance(asked, NetworkSetupError)) == (5, not may_pass)
        for text, advice in (
            (asked.message, str(asked.hint)),
            (str(credentials), str(credentials.hint)),  # type: ignore[attr-defined]
        ):
            assert what in text
            assert hint in advice
            assert ("try again" in advice) == may_pass


def test_program_that_gives_no_credentials() -> None:
    """Where a profile names a program for credentials, it is what has to be looked at."""
    error = CredentialRetrievalError(provider="custom-process", error_msg="b")

    with pytest.raises(StartifactError) as caught, aws_errors("a", region="b", resource="c"):
        with_credential_errors(Mock(side_effect=error))

    assert caught.value.exit_code == 6
    assert "retrieving credentials from custom-process: b" in caught.value.message
    assert "credential_process" in str(caught.value.hint)
