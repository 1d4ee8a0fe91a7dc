"""The requests of one command, as the proxy recorded them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate


@dataclass(slots=True)
class Exchange:
    """One request and its answer; times are seconds of the same clock."""

    connection: int
    method: str
    path: str
    begin: float
    """When the client began to connect for it, or its first byte left over an older connection."""

    end: float
    """When the last byte of the answer reached the client."""

    sent_bytes: int

    region: str = ""
    """The region that its signature is for."""

    operation: str = ""
    """What SSM is asked to do; S3 says it by method and path."""

    parameter: str = ""
    """The name of the parameter that SSM is asked for."""


def read(line: str) -> list[Exchange]:
    """Return the requests in *line*, which is JSON, in the order in which they began."""
    return sorted((Exchange(**fields) for fields in json.loads(line)), key=lambda e: e.begin)


def critical_path(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """Return the longest chain of requests, each of which began after the one before had ended.

    These are the requests of one region, and the first of all, which may be another one's: it
    asks which regions there are. What regions do beside each other is no chain, though one may
    happen to begin where another ends. Of several chains, it is the one that ends last.
    """
    first = min(exchanges, key=lambda e: e.begin, default=None)
    chains = [
        _longest_chain([e for e in exchanges if e.region == region or e is first])
        for region in {e.region for e in exchanges}
    ]
    return max(chains, key=lambda chain: (len(chain), chain[-1].end), default=[])


def _longest_chain(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """Return the longest chain of *exchanges*; of several, the one whose requests began last."""
    chain: list[Exchange] = []
    rest = sorted(exchanges, key=lambda e: e.begin)
    while rest:
        last = rest.pop()
        chain.insert(0, last)
        rest = [e for e in rest if e.end <= last.begin]
    return chain


def connections(exchanges: Sequence[Exchange]) -> int:
    """Return how many connections *exchanges* took."""
    return len({exchange.connection for exchange in exchanges})


def most_at_once(exchanges: Sequence[Exchange]) -> int:
    """Return how many of *exchanges* were under way at one time, at most."""
    # Where one ends as another begins, they were not under way together.
    changes = sorted([(e.begin, 1) for e in exchanges] + [(e.end, -1) for e in exchanges])
    return max(accumulate((change for _, change in changes), initial=0))


def sent_bytes(exchanges: Sequence[Exchange]) -> int:
    """Return how many bytes the client sent."""
    return sum(exchange.sent_bytes for exchange in exchanges)
