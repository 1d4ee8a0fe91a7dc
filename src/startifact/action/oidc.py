"""Asking GitHub for an OpenID Connect token, which AWS takes as proof of who the job is."""

import http.client
import json
import socket
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import field
from pathlib import Path

from startifact.concurrency.backoff import attempts
from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import (
    AccessDeniedError,
    ConfigurationError,
    NetworkSetupError,
    StartifactError,
    UndeterminedError,
)
from startifact.lazy_dataclasses import dataclass
from startifact.limits import (
    DEFAULT_LIMITS,
    MAX_TOKEN_ANSWER_BYTES,
    TOKEN_FAILURE_CACHE_SECONDS,
    TOKEN_REQUEST_SECONDS,
    TOKEN_RETRY,
    TOKEN_SECONDS,
    RetryLimits,
)
from startifact.model.endpoints import is_loopback
from startifact.regions.aws.advice import CERTIFICATES, PROXY
from startifact.text import quoted

_NONE = "GitHub gave no OpenID Connect token"

_NETWORK = (
    "Check the runner's network and HTTPS_PROXY, or try again; if it persists, look at GitHub's "
    "status page"
)

_PERMISSION = """Give the job the permission:
  permissions:
    id-token: write
    contents: read
Workflows that run for a pull request from a fork never get it"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSource:
    """Gets a token for *audience* each time it is called.

    ``url`` and ``bearer`` are what the runner gives a job that may ask for tokens. Neither they nor
    anything of GitHub's answer is ever part of a message.
    """

    url: str
    bearer: str = field(repr=False)
    audience: str
    ca_bundle: str | None = None
    """A file or a folder of certificates to trust, instead of the system's."""

    retry: RetryLimits = TOKEN_RETRY

    def check(self) -> None:
        """Return when a token can be asked for.

        Raises:
            AccessDeniedError: The job has no permission to ask.
            ConfigurationError: The address is not one to send a secret to.
        """
        if not self.url or not self.bearer:
            raise AccessDeniedError(
                "role-to-assume is set, but the job may not ask GitHub for an OpenID Connect token",
                hint=_PERMISSION,
            )
        parts = urllib.parse.urlsplit(self.url)
        plain = parts.scheme == "http" and is_loopback(parts.hostname or "")
        if parts.scheme != "https" and not plain:
            raise ConfigurationError(
                "ACTIONS_ID_TOKEN_REQUEST_URL is not an https address",
                hint="The runner sets this variable: do not set it in the workflow",
            )

    def __call__(self) -> str:
        """Return a fresh token.

        Raises:
            AccessDeniedError: GitHub refused to give one.
            UndeterminedError: The network, or GitHub, kept it from giving one.
            ConfigurationError: The certificates to trust cannot be read.
        """
        self.check()
        with FanOut({"GitHub": self._request_repeatedly}, limits=DEFAULT_LIMITS) as asked:
            # Names of hosts are looked up without a time-out of their own.
            answer = asked.next(time.monotonic() + TOKEN_SECONDS)
        if answer is None:
            raise UndeterminedError(
                f"{_NONE}: it did not answer within {TOKEN_SECONDS:.0f} s", hint=_NETWORK
            )
        if isinstance(answer, Failure):
            raise answer.error
        return answer.value

    def _request_repeatedly(self, heartbeat: Heartbeat) -> str:
        opener = urllib.request.build_opener(
            _NoRedirect, urllib.request.HTTPSHandler(context=_context(self.ca_bundle))
        )
        last: StartifactError | None = None
        for _ in attempts(self.retry):
            heartbeat.beat()
            try:
                return self._ask(opener)
            except urllib.error.HTTPError as e:
                e.close()
                last = token_error_of_status(e.code)
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as e:
                last = token_error(e)
            if isinstance(last, AccessDeniedError | NetworkSetupError):
                break
        raise last or AssertionError

    def _ask(self, opener: urllib.request.OpenerDirector) -> str:
        separator = "&" if urllib.parse.urlsplit(self.url).query else "?"
        audience = urllib.parse.quote(self.audience, safe="")
        request = urllib.request.Request(  # noqa: S310  # the scheme is checked
            f"{self.url}{separator}audience={audience}",
            headers={"Authorization": f"Bearer {self.bearer}", "Accept": "application/json"},
        )
        with opener.open(request, timeout=TOKEN_REQUEST_SECONDS) as answer:
            token = json.loads(answer.read(MAX_TOKEN_ANSWER_BYTES))["value"]
        if not isinstance(token, str) or not token:
            raise ValueError
        return token


class Tokens:
    """The tokens of one step, each given out once. The first one is had before this returns.

    Safe to use from several threads.

    Raises:
        AccessDeniedError: GitHub refused to give a first token.
        UndeterminedError: The network, or GitHub, kept it from giving one.
        ConfigurationError: The address is not one to send a secret to.
    """

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._first: str | None = source()
        self._failure: StartifactError | None = None
        self._until = 0.0

    def __call__(self) -> str:
        """Return a token that was not given out before.

        Raises:
            AccessDeniedError: GitHub refused to give one, now or a moment ago.
            UndeterminedError: The network, or GitHub, kept it from giving one.
        """
        with self._lock:
            if self._first is not None:
                token, self._first = self._first, None
                return token
            if self._failure is not None and time.monotonic() < self._until:
                raise self._failure
            try:
                return self._source()
            except StartifactError as e:
                self._failure, self._until = e, time.monotonic() + TOKEN_FAILURE_CACHE_SECONDS
                raise


def token_error_of_status(status: int) -> StartifactError:
    """Return the error for an answer with *status* in the place of a token."""
    if status == 407:
        return _proxy_wants_password()
    if status >= 500 or status in {408, 429}:
        return UndeterminedError(
            f"{_NONE}: it answered {status}",
            hint="Try again; if it persists, look at GitHub's status page",
        )
    return AccessDeniedError(f"{_NONE}: it answered {status}", hint=_PERMISSION)


def token_error(error: Exception) -> StartifactError:
    """Return the error for *error*, which kept GitHub's answer from coming or being read.

    Its text is not shown: it may quote what was received, or sent.
    """
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return NetworkSetupError(
            f"{_NONE}: its certificate is not trusted ({reason.verify_message})",
            hint=CERTIFICATES,
        )
    if isinstance(reason, OSError) and "Tunnel connection failed: 407" in str(reason):
        return _proxy_wants_password()
    if isinstance(reason, socket.gaierror):
        return NetworkSetupError(
            f"{_NONE}: the name of its host, or of the proxy, cannot be resolved",
            hint="Check the runner's DNS, and HTTPS_PROXY and NO_PROXY",
        )
    if isinstance(reason, ConnectionRefusedError):
        what = "the connection to it, or to the proxy, was refused"
    elif isinstance(reason, TimeoutError):
        what = f"it was silent for {TOKEN_REQUEST_SECONDS:.0f} s"
    else:
        what = f"it did not answer as it should ({type(reason).__name__})"
    return UndeterminedError(f"{_NONE}: {what}", hint=_NETWORK)


def _proxy_wants_password() -> NetworkSetupError:
    return NetworkSetupError(f"{_NONE}: a proxy answered 407 in its place", hint=PROXY)


def _context(ca_bundle: str | None) -> ssl.SSLContext:
    if ca_bundle is None:
        return ssl.create_default_context()
    try:
        if Path(ca_bundle).is_dir():
            return ssl.create_default_context(capath=ca_bundle)
        return ssl.create_default_context(cafile=ca_bundle)
    except OSError as e:  # an SSLError is one
        raise ConfigurationError(
            f"AWS_CA_BUNDLE or REQUESTS_CA_BUNDLE names {quoted(ca_bundle)}, which cannot be read "
            f"as certificates: {e.strerror or type(e).__name__}",
            hint=CERTIFICATES,
        ) from e


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: the request carries a secret that is meant for one host."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Say that there is nowhere to go."""
