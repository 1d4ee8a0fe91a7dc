"""Asking GitHub for a token: trouble that passes is waited for, and nothing secret is shown."""

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import pytest

from startifact.action.oidc import TokenSource
from startifact.errors import (
    AccessDeniedError,
    ConfigurationError,
    NetworkSetupError,
    StartifactError,
    UndeterminedError,
)
from startifact.limits import TOKEN_RETRY
from startifact.settings import Settings
from tests.support.certificates import self_signed
from tests.ways_in.action.identity import BEARER, TOKEN, Identities

AT_ONCE = replace(TOKEN_RETRY, shortest_seconds=0.0, first_seconds=0.0, longest_seconds=0.0)
BODY = "body-that-nobody-may-see"


@pytest.fixture
def identities() -> Iterator[Identities]:
    """Return GitHub on loopback."""
    identities = Identities()
    yield identities
    identities.stop()


def source(identities: Identities, path: str = "/token?a=b") -> TokenSource:
    return TokenSource(
        url=f"{identities.address}{path}", bearer=BEARER, audience="a&b=c/d", retry=AT_ONCE
    )


@pytest.mark.parametrize("path", ["/token", "/token?a=b"])
def test_audience(path: str, identities: Identities) -> None:
    """The audience arrives as it was given, whatever is in it and in the address."""
    assert source(identities, path)() == f"{TOKEN}-1"
    assert identities.token_requests[0]["audience"] == "a&b=c/d"


@pytest.mark.parametrize(
    "failure",
    [(500, BODY), (503, BODY), (429, BODY), (408, BODY), (200, BODY), (200, "[]"), (200, "{}"),
     (200, '{"value":""}'), (200, '{"value":5}')],
)  # fmt: skip
def test_trouble_that_passes(failure: tuple[int, str], identities: Identities) -> None:
    """An answer that may be better next time is asked for again."""
    identities.failures = [failure] * (TOKEN_RETRY.attempts - 1)

    assert source(identities)() == f"{TOKEN}-{TOKEN_RETRY.attempts}"


@pytest.mark.parametrize("status", [500, 200])
def test_trouble_that_stays(status: int, identities: Identities) -> None:
    """After a few attempts that is an error, which shows nothing of the answer."""
    identities.failures = [(status, BODY)] * 99

    with pytest.raises(UndeterminedError) as caught:
        source(identities)()

    assert caught.value.exit_code == 5
    assert len(identities.token_requests) == TOKEN_RETRY.attempts
    displayed = f"{caught.value} {caught.value.hint} {caught.value!r}"
    assert not any(secret in displayed for secret in (BODY, BEARER, identities.address))
    assert "GitHub gave no OpenID Connect token" in displayed


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_refusal(status: int, identities: Identities) -> None:
    """A refusal is not asked for again."""
    identities.failures = [(status, BODY)] * 2

    with pytest.raises(AccessDeniedError, match=f"it answered {status}") as caught:
        source(identities)()

    assert len(identities.token_requests) == 1
    assert "id-token: write" in str(caught.value.hint)


def test_redirection(identities: Identities) -> None:
    """The secret that the request carries goes to no other address."""
    identities.failures = [(302, f"{identities.address}/elsewhere")]

    with pytest.raises(AccessDeniedError, match="it answered 302"):
        source(identities)()

    assert len(identities.token_requests) == 1


def test_nobody_there() -> None:
    """A connection that is refused is named, and is trouble with the network."""
    with pytest.raises(UndeterminedError, match="was refused") as caught:
        TokenSource(url="http://127.0.0.1:1/", bearer=BEARER, audience="a", retry=AT_ONCE)()

    assert caught.value.exit_code == 5
    assert "HTTPS_PROXY" in str(caught.value.hint)
    assert "id-token" not in str(caught.value.hint)


@pytest.mark.parametrize(
    ("url", "bearer", "kind"),
    [
        ("", BEARER, AccessDeniedError),
        ("https://127.0.0.1/", "", AccessDeniedError),
        ("http://example.invalid/", BEARER, ConfigurationError),
        ("file:///etc/passwd", BEARER, ConfigurationError),
        ("//127.0.0.1/", BEARER, ConfigurationError),
    ],
)
def test_what_cannot_be_asked(url: str, bearer: str, kind: type[StartifactError]) -> None:
    """Without permission, or in the clear to another machine, nothing is asked."""
    source = TokenSource(url=url, bearer=bearer, audience="a")

    for attempt in (source.check, source):
        with pytest.raises(kind) as caught:
            attempt()
        assert BEARER not in f"{caught.value} {caught.value.hint}"


def test_it_does_not_show_itself() -> None:
    """What is printed of a source by accident holds no secret."""
    assert BEARER not in repr(TokenSource(url="https://a", bearer=BEARER, audience="a"))


# The network ------------------------------------------------------------------------------------


class Serving:
    """A server on loopback that handles requests with *handler*, behind TLS with *context*."""

    def __init__(
        self, handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None = None
    ) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class GivingTokens(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"value": TOKEN}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class WantingPassword(BaseHTTPRequestHandler):
    def do_CONNECT(self) -> None:
        self.send_error(407)

    def do_GET(self) -> None:
        self.do_CONNECT()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a file with a certificate that nobody trusts, and its key."""
    return self_signed(tmp_path, "127.0.0.1")


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_private_certificate(certificate: Path, variable: str) -> None:
    """A certificate that nobody trusts is named, and trusted where the variable names it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    settings = Settings.from_environment({variable: str(certificate)})

    with Serving(GivingTokens, context) as server:
        source = TokenSource(
            url=f"https://127.0.0.1:{server.port}/", bearer=BEARER, audience="a", retry=AT_ONCE
        )
        with pytest.raises(NetworkSetupError) as caught:
            source()
        token = replace(source, ca_bundle=settings.ca_bundle)()

    assert token == TOKEN
    assert caught.value.exit_code == 5
    assert "its certificate is not trusted (self-signed certificate)" in caught.value.message
    assert "AWS_CA_BUNDLE" in str(caught.value.hint)
    assert "try again" not in str(caught.value.hint).lower()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_read(tmp_path: Path, content: str | None) -> None:
    """A file of certificates that is none is named, with the variable."""
    path = tmp_path / "bundle"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ConfigurationError, match=r"AWS_CA_BUNDLE .* names .*bundle'"):
        TokenSource(url="https://127.0.0.1:1/", bearer=BEARER, audience="a", ca_bundle=str(path))()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_that_wants_a_password(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that answers 407 is named, and asked once."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Serving(WantingPassword) as proxy:
        monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(NetworkSetupError) as caught:
            TokenSource(
                url=f"{scheme}://127.0.0.1:9/", bearer=BEARER, audience="a", retry=AT_ONCE
            )()

    assert caught.value.exit_code == 5
    assert "a proxy answered 407 in its place" in caught.value.message
    assert "HTTPS_PROXY" in str(caught.value.hint)
    assert "try again" not in str(caught.value.hint).lower()


def test_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not resolve is the reason that is given."""
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(NetworkSetupError, match="cannot be resolved") as caught:
        TokenSource(url="https://token.invalid/", bearer=BEARER, audience="a", retry=AT_ONCE)()

    assert caught.value.exit_code == 5
    assert "DNS" in str(caught.value.hint)
