"""What the SDK computes is not traced, and what it calls of Startifact is."""

import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from tests.support.tracing import traced, untraced


def ours() -> None:
    """Stands for what the SDK calls."""


def sdk(call: Callable[[], None]) -> None:
    """Stands for what calls it."""
    call()


def fails() -> None:
    raise KeyError


def caller(call: Callable[[], None]) -> None:
    """Stands for what calls the SDK."""
    call()
    ours()


@pytest.fixture
def calls() -> Iterator[list[str]]:
    """Return the names of functions that are called, as a tracer sees them."""
    names: list[str] = []

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        names.append(frame.f_code.co_name)

    before = sys.gettrace()
    sys.settrace(trace)
    yield names
    sys.settrace(before)


def test_what_is_called_in_between(calls: list[str]) -> None:
    """Of an untraced function only what is traced is seen, and all that comes after it."""
    caller(lambda: untraced(sdk)(traced(ours)))

    assert calls.count("sdk") == 0
    assert calls.count("ours") == 2


def test_back_in_the_sdk(calls: list[str]) -> None:
    """What is traced may use the SDK in turn, of which nothing is seen either."""
    caller(lambda: untraced(sdk)(traced(lambda: untraced(sdk)(traced(ours)))))

    assert calls.count("sdk") == 0
    assert calls.count("ours") == 2


def test_failure(calls: list[str]) -> None:
    """What comes after a failure is seen."""
    with pytest.raises(KeyError):
        untraced(sdk)(fails)
    with pytest.raises(KeyError):
        untraced(sdk)(traced(fails))
    ours()

    assert calls.count("sdk") == 0
    assert calls.count("ours") == 1


def test_nothing_is_traced() -> None:
    """Without a tracer there is none in between, nor afterwards."""
    before = sys.gettrace()
    tracers: list[object] = []
    sys.settrace(None)
    try:
        untraced(sdk)(traced(lambda: tracers.append(sys.gettrace())))
        tracers.append(sys.gettrace())
    finally:
        sys.settrace(before)

    assert tracers == [None, None]
