"""Which parameters of a sweep stand for all of them, so that every run needs only those."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import pytest

Covered = tuple[tuple[str, int], ...]


def representatives(sweep: Sequence[Mapping[str, object]], strength: int = 1) -> list[int]:
    """Return which of *sweep* are needed for all combinations of *strength* values that are in it.

    With 1 each value of each parameter is there once (each choice), with 2 each two values of two
    parameters are (pairwise). The same sweep always has the same ones, and where several would do,
    the values that were taken least come first.
    """
    numbered = _number(sweep)
    covered = [{tuple(c) for c in combinations(values, strength)} or {()} for values in numbered]
    missing: set[Covered] = set().union(*covered)
    taken: list[int] = []
    uses: dict[tuple[str, int], int] = {}

    def gain(index: int) -> tuple[int, int, int]:
        used = sum(uses.get(value, 0) for value in numbered[index])
        return len(covered[index] & missing), -used, -index

    while missing:
        best = max(range(len(sweep)), key=gain)
        taken.append(best)
        missing -= covered[best]
        for value in numbered[best]:
            uses[value] = uses.get(value, 0) + 1
    return sorted(taken)


def mark_exhaustive(items: Sequence[pytest.Item]) -> None:
    """Mark with ``exhaustive`` what is in the sweep of a test and not needed to represent it.

    A test is a sweep where it has the mark ``sweep``, whose argument is the strength.
    """
    sweeps: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sweep") and hasattr(item, "callspec"):
            sweeps.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for tests in sweeps.values():
        mark = tests[0].get_closest_marker("sweep")
        parameters = [test.callspec.params for test in tests]  # type: ignore[attr-defined]
        kept = set(representatives(parameters, *mark.args if mark else ()))
        for index, test in enumerate(tests):
            if index not in kept:
                test.add_marker("exhaustive")


def mark_represented(tests: Sequence[pytest.Function]) -> None:
    """Mark with ``exhaustive`` those of *tests* for which others stand.

    They are one test with all its parameters. Which ids stand for all, its mark ``represented_by``
    says, if it has one.
    """
    mark = tests[0].get_closest_marker("represented_by")
    if mark is None:
        return
    others = {test.callspec.id: test for test in tests}
    for kept in mark.args:
        # An id that no parameter has would leave all of them out.
        assert others.pop(kept, None), f"{tests[0].nodeid}: no parameter is {kept!r}"
    for test in others.values():
        test.add_marker("exhaustive")


def _number(sweep: Sequence[Mapping[str, object]]) -> list[list[tuple[str, int]]]:
    """Return the parameters of each, with numbers for values, not all of which can be hashed."""
    values: dict[str, list[object]] = {}
    numbered: list[list[tuple[str, int]]] = []
    for parameters in sweep:
        numbered.append([])
        for name, value in sorted(parameters.items()):
            known = values.setdefault(name, [])
            number = next((n for n, v in enumerate(known) if v is value or _same(v, value)), None)
            if number is None:
                number = len(known)
                known.append(value)
            numbered[-1].append((name, number))
    return numbered


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and bool(one == other)
