"""The same work for many items, a few at a time, with results in their order."""

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from startifact.concurrency.deadline import deadline
from startifact.concurrency.in_order import map_in_order
from startifact.errors import DeadlineError


def test_order() -> None:
    """Results come in the order of the items, whichever is done first."""

    def square(number: int) -> int:
        time.sleep(0.01 if number % 3 == 0 else 0)
        return number * number

    found = list(map_in_order(square, range(50), workers=4, ahead=8))

    assert found == [number * number for number in range(50)]
    assert list(map_in_order(square, [], workers=4, ahead=8)) == []


def test_bounds() -> None:
    """No more run at a time, and no more are begun before their turn, than may be."""
    running, most, lock = 0, 0, threading.Lock()
    taken = 0

    def numbers() -> Iterator[int]:
        nonlocal taken
        for number in itertools.count():
            taken = number + 1
            yield number

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.001)
        with lock:
            running -= 1
        return number

    results = map_in_order(work, numbers(), workers=3, ahead=6)

    for number in range(30):
        assert next(results) == number
        assert taken <= number + 6
    results.close()  # type: ignore[attr-defined]  # a generator's
    assert most <= 3


def test_error_in_its_turn() -> None:
    """What comes before an error comes, and nothing begins after it was raised."""
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 5:
            raise ValueError("five")
        return number

    results = map_in_order(work, itertools.count(), workers=2, ahead=4)

    assert list(itertools.islice(results, 5)) == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="five"):
        next(results)
    assert max(begun) <= 9
    assert list(results) == []


def test_deadline() -> None:
    """A result that does not come is waited for no longer than is allowed."""
    never = threading.Event()

    with pytest.raises(DeadlineError), deadline(0.1):
        next(map_in_order(lambda _: never.wait(30), [1], workers=1, ahead=1))

    never.set()
