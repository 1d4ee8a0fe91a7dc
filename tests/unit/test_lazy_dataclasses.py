"""Data classes that are completed later are the same to everybody who uses them."""

import copy
import dataclasses
import inspect
import pickle
import sys
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from startifact.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A spot on the map."""

    unit: ClassVar = "m"
    x: int
    y: int = 0
    tags: dict[str, str] = dataclasses.field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class City(Point):
    """A city with a name."""

    name: str


@dataclass(slots=True)
class Count:
    """A number that changes, and what it was before."""

    number: int
    before: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.before = self.number - 1


def test_values() -> None:
    """They are compared, hashed, shown and matched by their fields, and cannot be changed."""
    one, same, other = Point(x=1), Point(x=1, y=0, tags={"a": "b"}), Point(x=2)

    assert one == same
    assert one != other
    assert len({one, same, other}) == 2
    assert repr(one) == "Point(x=1, y=0, tags={})"
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.x = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[call-arg]
    match other:
        case Point(x=1):
            raise AssertionError
        case Point(x=x):
            assert x == 2


def test_copies() -> None:
    """They are pickled, copied and replaced."""
    city = City(x=1, name="here", tags={"a": "b"})

    assert pickle.loads(pickle.dumps(city)) == city  # our own
    assert copy.deepcopy(city).tags == {"a": "b"}
    assert dataclasses.replace(city, name="there") == City(x=1, name="there")
    assert city != Point(x=1)


def test_changing() -> None:
    """One that is not frozen is changed, and its own code runs when it is made."""
    count = Count(3)
    count.number = 5

    assert (count.number, count.before, Count.__match_args__) == (5, 2, ("number",))


@pytest.mark.parametrize("ask", [dataclasses.fields, inspect.signature, dataclasses.is_dataclass])
def test_questions_about_the_class(ask: Any) -> None:
    """Nothing has to be made before somebody asks for fields, or the signature."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Line:
        begin: int
        end: int = 0

    assert ask(Line)
    assert [field.name for field in dataclasses.fields(Line)] == ["begin", "end"]
    assert list(inspect.signature(Line).parameters) == ["begin", "end"]


def test_nothing_is_made_before() -> None:
    """Until then the class has no methods of its own: that is what takes time."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Line:
        begin: int

    assert "__init__" not in vars(Line)
    assert Line(begin=1).begin == 1
    assert "__init__" in vars(Line)


@pytest.fixture
def _impatient_threads() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_impatient_threads")
def test_first_objects_in_several_threads() -> None:
    """All of them are whole, whichever thread is first."""
    for _ in range(20):

        @dataclass(frozen=True, slots=True, kw_only=True)
        class Line:
            begin: int
            end: int = 0

        made: list[Any] = []
        start = threading.Barrier(8)

        def make(made: list[Any] = made, start: threading.Barrier = start, of: Any = Line) -> None:
            start.wait()
            made.append(of(begin=1))

        threads = [threading.Thread(target=make) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert made == [Line(begin=1)] * 8
