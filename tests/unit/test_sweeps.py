"""Of the parameters of a sweep as many are run each time as stand for all of them."""

from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

import pytest

from tests.support.sweeps import mark_exhaustive, mark_represented, representatives

KINDS = ("aws", "file")
FAULTS = ("lost", "reset", "slow")


def sweep(**values: Sequence[object]) -> list[dict[str, object]]:
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


def test_each_value_is_there() -> None:
    """As many stand for a sweep as the parameter with most values has values."""
    parameters = sweep(kind=KINDS, fault=FAULTS)

    taken = [parameters[index] for index in representatives(parameters)]

    assert len(taken) == 3
    assert {p["fault"] for p in taken} == {*FAULTS}
    assert {p["kind"] for p in taken} == {*KINDS}


def test_values_take_turns() -> None:
    """Of several that would do, no value is taken much more often than another."""
    parameters = sweep(kind=KINDS, size=range(20))

    taken = [parameters[index]["kind"] for index in representatives(parameters)]

    assert (taken.count("aws"), taken.count("file")) == (10, 10)


def test_each_two_values_are_there() -> None:
    """With strength 2 each two values of two parameters are together in one of them."""
    parameters = sweep(kind=KINDS, fault=FAULTS, nth=(1, 2, 3))

    taken = [parameters[index] for index in representatives(parameters, 2)]

    assert len(taken) < len(parameters)
    for one, other in combinations(parameters[0], 2):
        assert {(p[one], p[other]) for p in taken} == {(p[one], p[other]) for p in parameters}


def test_values_that_are_no_keys() -> None:
    """Values are compared, also those that cannot be hashed, and True is not 1."""
    parameters: list[dict[str, object]] = [{"v": [1]}, {"v": [1]}, {"v": {}}, {"v": 1}, {"v": True}]

    assert representatives(parameters) == [0, 2, 3, 4]


class Test:
    """A test as pytest has collected it."""

    def __init__(self, nodeid: str, *marks: pytest.Mark) -> None:
        self.nodeid = nodeid
        self.callspec = self
        self.id = nodeid.partition("[")[2].rstrip("]")
        self.params = {"kind": nodeid.partition("[")[2]}
        self.marked: list[str] = []
        self._marks = {mark.name: mark for mark in marks}

    __test__ = False

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return self._marks.get(name)

    def add_marker(self, name: str) -> None:
        self.marked.append(name)


def test_marks() -> None:
    """Only what has the mark is a sweep, and each test is one of its own."""
    mark = pytest.mark.sweep.mark
    tests: list[Any] = [
        Test("a.py::test_one[aws]", mark),
        Test("a.py::test_one[aws]", mark),
        Test("a.py::test_two[aws]", mark),
        Test("a.py::test_plain[aws]"),
        Test("a.py::test_plain[aws]"),
    ]

    mark_exhaustive(tests)

    assert [test.marked for test in tests] == [[], ["exhaustive"], [], [], []]


def test_marks_of_what_others_stand_for() -> None:
    """Those that a test is represented by are run each time, and the others are not."""
    mark = pytest.mark.represented_by("aws", "s3").mark
    tests: list[Any] = [Test(f"a.py::test_one[{kind}]", mark) for kind in ("aws", "file", "s3")]
    plain: list[Any] = [Test("a.py::test_two[file]")]

    mark_represented(tests)
    mark_represented(plain)

    assert [test.marked for test in (*tests, *plain)] == [[], ["exhaustive"], [], []]


def test_parameters_that_are_not_there() -> None:
    """A test that is represented by nothing would not be run at all."""
    tests: list[Any] = [Test("a.py::test_one[aws]", pytest.mark.represented_by("AWS").mark)]

    with pytest.raises(AssertionError, match="'AWS'"):
        mark_represented(tests)
