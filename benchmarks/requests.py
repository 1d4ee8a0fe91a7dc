"""The requests of one command, as the proxy recorded them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Exchange:
    """One request and its answer; times are seconds of the same clock."""

    connection: int
    method: str
    path: str
    begin: float
    """When the first byte of the request left the client."""

    end: float
    """When the last byte of the answer reached the client."""

    sent_bytes: int


def read(log: Path) -> list[Exchange]:
    """Return the requests in *log*, in the order in which they began."""
    if not log.exists():
        return []
    lines = log.read_text(encoding="utf-8").splitlines()
    return sorted((Exchange(**json.loads(line)) for line in lines), key=lambda e: e.begin)


def critical_path(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """Return the chain of requests, each begun after the one before had ended, that ends last."""
    path: list[Exchange] = []
    rest = sorted(exchanges, key=lambda e: e.end)
    while rest:
        last = rest.pop()
        path.insert(0, last)
        rest = [e for e in rest if e.end <= last.begin]
    return path


def connections(exchanges: Sequence[Exchange]) -> int:
    """Return how many connections *exchanges* took."""
    return len({exchange.connection for exchange in exchanges})


def sent_bytes(exchanges: Sequence[Exchange]) -> int:
    """Return how many bytes the client sent."""
    return sum(exchange.sent_bytes for exchange in exchanges)
