"""Taking on a role with a service that is in trouble."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore.config import Config

from startifact.concurrency.heartbeat import CURRENT_HEARTBEAT, Cancelled, Heartbeat
from startifact.errors import ConfigurationError
from startifact.limits import DEFAULT_LIMITS
from startifact.regions.aws.role import as_role
from startifact.regions.aws.web_identity import WebIdentity

IDENTITY = WebIdentity(
    role="arn:aws:iam::123456789012:role/r",
    session_name="session",
    seconds=900,
    region="us-east-1",
    token=lambda: "token",
)


@pytest.fixture
def worker() -> Iterator[Heartbeat]:
    """Return the heartbeat of the worker that this thread is."""
    token = CURRENT_HEARTBEAT.set(Heartbeat())
    heartbeat = CURRENT_HEARTBEAT.get()
    assert heartbeat is not None
    yield heartbeat
    CURRENT_HEARTBEAT.reset(token)


def test_endpoint_that_the_token_must_not_go_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job's proof of who it is goes to no other machine in the clear."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://192.0.2.1")
    credentials = as_role(IDENTITY, Config(), limits=DEFAULT_LIMITS).get_credentials()
    assert credentials is not None

    with pytest.raises(ConfigurationError, match="the endpoint of sts is set to"):
        credentials.get_frozen_credentials()


def test_credentials_that_nobody_waits_for(
    worker: Heartbeat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request for them is not made a second time once nobody waits for the answer."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            worker.cancel()
            self.send_response(500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{server.server_port}")
        config = Config(retries={"mode": "standard", "total_max_attempts": 3})
        credentials = as_role(IDENTITY, config, limits=DEFAULT_LIMITS).get_credentials()
        assert credentials is not None
        try:
            with pytest.raises(Cancelled):
                credentials.get_frozen_credentials()
        finally:
            server.shutdown()
            thread.join()

    assert len(asked) == 1
