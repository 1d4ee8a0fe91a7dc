"""Asking GitHub for an OpenID Connect token, which AWS takes as proof of who the job is."""

import http.client
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

from startifact.concurrency.backoff import attempts
from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import AccessDeniedError, ConfigurationError, StartifactError
from startifact.limits import (
    DEFAULT_LIMITS,
    MAX_TOKEN_ANSWER_BYTES,
    TOKEN_FAILURE_CACHE_SECONDS,
    TOKEN_REQUEST_SECONDS,
    TOKEN_RETRY,
    TOKEN_SECONDS,
    RetryLimits,
)
from startifact.regions.aws.endpoint import is_loopback

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
            AccessDeniedError: GitHub did not give one.
        """
        self.check()
        with FanOut({"GitHub": self._patiently}, limits=DEFAULT_LIMITS) as asked:
            # Names of hosts are looked up without a time-out of their own.
            answer = asked.next(time.monotonic() + TOKEN_SECONDS)
        if answer is None:
            raise _refused(f"it did not answer within {TOKEN_SECONDS:.0f} s")
        if isinstance(answer, Failure):
            raise answer.error
        return answer.value

    def _patiently(self, heartbeat: Heartbeat) -> str:
        last = ""
        for _ in attempts(self.retry):
            heartbeat.beat()
            try:
                return self._ask()
            except urllib.error.HTTPError as e:
                e.close()
                last = f"it answered {e.code}"
                if e.code < 500 and e.code not in {408, 429}:
                    break
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as e:
                # The texts of these may quote what was received.
                last = f"it did not answer as it should ({type(e).__name__})"
        raise _refused(last)

    def _ask(self) -> str:
        separator = "&" if urllib.parse.urlsplit(self.url).query else "?"
        audience = urllib.parse.quote(self.audience, safe="")
        request = urllib.request.Request(  # noqa: S310  # the scheme is checked
            f"{self.url}{separator}audience={audience}",
            headers={"Authorization": f"Bearer {self.bearer}", "Accept": "application/json"},
        )
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(request, timeout=TOKEN_REQUEST_SECONDS) as answer:
            token = json.loads(answer.read(MAX_TOKEN_ANSWER_BYTES))["value"]
        if not isinstance(token, str) or not token:
            raise ValueError
        return token


class Tokens:
    """The tokens of one step, each given out once. The first one is had before this returns.

    Safe to use from several threads.

    Raises:
        AccessDeniedError: GitHub gave no first token.
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
            AccessDeniedError: GitHub did not give one, now or a moment ago.
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


def _refused(why: str) -> AccessDeniedError:
    return AccessDeniedError(
        f"GitHub gave no OpenID Connect token: {why}",
        hint=f"Try again; if it stays so, look at GitHub's status page. {_PERMISSION}",
    )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: the request carries a secret that is meant for one host."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Say that there is nowhere to go."""
