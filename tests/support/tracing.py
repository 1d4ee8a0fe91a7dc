"""Coverage is of Startifact: what the SDK computes is not traced, which would take twice as long.

Where the SDK calls Startifact in between, that is traced as everywhere. Where nothing is traced, as
without coverage, nothing changes.
"""

import functools
import sys
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import botocore.hooks
from botocore.client import BaseClient
from botocore.session import Session
from botocore.signers import RequestSigner

from startifact.files.source import PartReader
from startifact.regions.aws.completion import _Body
from startifact.regions.aws.sdk_models import SdkFiles, SdkModels

P = ParamSpec("P")
T = TypeVar("T")

_CALLED_BY_THE_SDK: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (PartReader, ("seekable", "tell", "seek", "readinto")),
    (_Body, ("stream",)),
    (SdkFiles, ("load_file",)),
    (SdkModels, ("load_service_model", "list_available_services")),
    # Of the SDK itself, and what they are there for is to ask Startifact's sources of credentials.
    (RequestSigner, ("get_auth_instance",)),
    (Session, ("get_credentials",)),
)
"""What is traced although the SDK calls it, beside handlers of events."""

_suspended = threading.local()
"""The ``tracer`` of a thread that is in the SDK."""


def untraced(function: Callable[P, T]) -> Callable[P, T]:
    """Return *function* that is not traced, nor anything it calls but what is `traced`."""

    @functools.wraps(function)
    def call(*args: P.args, **named: P.kwargs) -> T:
        tracer = sys.gettrace()
        if tracer is None:
            return function(*args, **named)
        outer = getattr(_suspended, "tracer", None)
        _suspended.tracer = tracer
        sys.settrace(None)
        try:
            return function(*args, **named)
        finally:
            # In the frame in which it ended: so coverage sees each call that it sees return.
            sys.settrace(tracer)
            _suspended.tracer = outer

    return call


def traced(function: Callable[P, T]) -> Callable[P, T]:
    """Return *function* that is traced, also where it is called from what is `untraced`."""

    @functools.wraps(function)
    def call(*args: P.args, **named: P.kwargs) -> T:
        tracer = getattr(_suspended, "tracer", None)
        if tracer is None or sys.gettrace() is not None:
            return function(*args, **named)
        sys.settrace(tracer)
        try:
            return function(*args, **named)
        finally:
            sys.settrace(None)

    return call


def trace_no_sdk() -> None:
    """Leave the SDK's clients and requests untraced in this process, but for what is ours there."""
    client: Any = BaseClient
    client._make_api_call = untraced(client._make_api_call)
    session: Any = Session
    session.create_client = untraced(session.create_client)
    for owner, names in _CALLED_BY_THE_SDK:
        for name in names:
            setattr(owner, name, traced(getattr(owner, name)))
    hooks: Any = botocore.hooks
    trie = hooks._PrefixTrie
    search = trie.prefix_search

    def prefix_search(self: Any, key: str) -> Any:
        found = search(self, key)
        return type(found)(traced(h) if _is_ours(h) else h for h in found)

    trie.prefix_search = prefix_search


def _is_ours(handler: Any) -> bool:
    module = getattr(getattr(handler, "func", handler), "__module__", None)
    return str(module).startswith("startifact.")
