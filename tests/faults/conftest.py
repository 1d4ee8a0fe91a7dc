"""What the tests of faults share."""

import re
import threading
from collections.abc import Iterator

import pytest

from startifact.regions.aws import endpoint
from tests.faults.rules import Hole
from tests.support.wire import Answer, Forward, Request, Wire


class Served:
    """What the server behind the wire was asked, and what it said, whoever heard that."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._log: list[tuple[Request, int]] = []

    def rule(self, request: Request, forward: Forward) -> Answer | None:
        """Record what the server says."""
        answer = forward()
        with self._lock:
            self._log.append((request, answer.status))
        return answer

    def stored(self, key: str, region: str) -> int:
        """Return how many times an object was stored at *key*.

        One upload counts once: moto says of a completed one, when it is completed again, that it is
        done.
        """
        done = [r for r in self._done("s3", region) if r.path.endswith(f"/{key}") and _stores(r)]
        return len({upload_of(request) or number for number, request in enumerate(done)})

    def copied(self, region: str) -> int:
        """Return how many times a channel was copied to SSM."""
        return sum(request.operation == "PutParameter" for request in self._done("ssm", region))

    def _done(self, service: str, region: str) -> list[Request]:
        with self._lock:
            log = list(self._log)
        return [r for r, status in log if (r.service, r.region, status) == (service, region, 200)]


def upload_of(request: Request) -> str:
    """Return the upload that *request* belongs to; nothing when it belongs to none."""
    return "".join(request.query.get("uploadId", []))


def _stores(request: Request) -> bool:
    """Say whether *request* makes an object visible."""
    if request.method == "PUT":
        return "partNumber" not in request.query
    return request.method == "POST" and "uploadId" in request.query


@pytest.fixture
def served(wire: Wire) -> Served:
    """Return what the server is asked from now on; other rules stand before it."""
    served = Served()
    wire.add(served.rule)
    return served


@pytest.fixture
def silent() -> Iterator[Hole]:
    """Return a port that accepts connections and never answers."""
    hole = Hole(accepts=True)
    yield hole
    hole.close()


@pytest.fixture
def unreachable() -> Iterator[Hole]:
    """Return a port to which no connection comes about."""
    hole = Hole(accepts=False, host="0.0.0.0")
    yield hole
    hole.close()


@pytest.fixture
def is_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server stand for Amazon S3."""
    monkeypatch.setattr(endpoint, "AWS_HOST", re.compile(""))
