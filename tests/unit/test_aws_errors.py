"""What AWS's errors become, and what each way in is told to do about them."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
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
from startifact.regions.aws.trouble import Trouble, trouble_of_error
from tests.support.certificates import self_signed

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


@contextlib.contextmanager
def greeting(greet: Callable[[socket.socket], object]) -> Iterator[str]:
    """Yield the https address of a port whose connections *greet* is called with, then closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(4096)
                        greet(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}"
        # Wakes who accepts; where it is not allowed, as on macOS, closing does that.
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def alert(number: int) -> Callable[[socket.socket], object]:
    return lambda connection: connection.sendall(bytes([21, 3, 3, 0, 2, 2, number]))


HALF_A_GREETING = bytes([22, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3])
NETWORK, ENDPOINT, VERSIONS = "Check the network", "http://", "versions"

TLS: dict[str, tuple[Callable[[socket.socket], object], str, str, bool]] = {
    "closed": (lambda c: None, "was cut", NETWORK, True),
    "reset": (reset, "did not answer", NETWORK, True),
    "half": (lambda c: c.sendall(HALF_A_GREETING), "was cut", NETWORK, True),
    "internal error": (alert(80), "was cut", NETWORK, True),
    "http": (lambda c: c.sendall(b"HTTP/1.1 400 No\r\n\r\n"), "speak TLS", ENDPOINT, False),
    "version": (alert(70), "could not agree on TLS", VERSIONS, False),
    "name": (alert(112), "could not agree on TLS", VERSIONS, False),
}


@pytest.mark.parametrize("case", TLS)
def test_tls_that_fails(case: str) -> None:
    """Only a certificate that is not trusted is called one; the rest is named as what it is."""
    greet, what, hint, may_pass = TLS[case]
    with greeting(greet) as endpoint:
        error = kept_from(endpoint)

    asked, credentials = no_answer(error, "eu-west-1 did not answer"), unusable(error)

    assert (asked.exit_code, isinstance(asked, NetworkSetupError)) == (5, not may_pass)
    assert (trouble_of_error(error) is Trouble.CUT) == may_pass
    for text, advice in (
        (asked.message, str(asked.hint)),
        (str(credentials), str(credentials.hint)),  # type: ignore[attr-defined]
    ):
        assert what in text
        assert hint in advice
        assert "AWS_CA_BUNDLE" not in advice
        assert "certificate" not in text
        assert "validation" not in text
        assert ("try again" in advice) == may_pass


def test_certificate_that_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So are a certificate of another host, and a file of certificates that is none."""
    path, empty = self_signed(tmp_path, "localhost"), tmp_path / "empty"
    empty.touch()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    errors = []
    for bundle in (None, path, empty, tmp_path / "none"):
        if bundle is not None:
            monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
        errors.append(kept_from(f"https://127.0.0.1:{server.server_port}"))
    server.shutdown()
    server.server_close()

    for error in errors:
        asked = no_answer(error, "eu-west-1 did not answer")
        assert isinstance(asked, NetworkSetupError)
        assert "certificate" in asked.message
        assert "AWS_CA_BUNDLE" in str(asked.hint)
        assert trouble_of_error(error) is None


def test_program_that_gives_no_credentials() -> None:
    """Where a profile names a program for credentials, it is what has to be looked at."""
    error = CredentialRetrievalError(provider="custom-process", error_msg="b")

    with pytest.raises(StartifactError) as caught, aws_errors("a", region="b", resource="c"):
        with_credential_errors(Mock(side_effect=error))

    assert caught.value.exit_code == 6
    assert "retrieving credentials from custom-process: b" in caught.value.message
    assert "credential_process" in str(caught.value.hint)
