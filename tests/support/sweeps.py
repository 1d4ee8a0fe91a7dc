"""Which parameters of a sweep stand for all of them, so that every run needs only those."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

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


def some_of(values: Iterable[str], *kept: str) -> list["ParameterSet"]:
    """Return parameters: `make test` runs those that are *kept*, and the rest is exhaustive.

    For values that differ in kind, of which those kept stand for the others.
    """
    known = list(values)
    unknown = set(kept).difference(known)
    assert not unknown, f"not among the values: {sorted(unknown)}"
    rest = pytest.mark.exhaustive
    return [pytest.param(v, marks=[] if v in kept else rest, id=v) for v in known]


def mark_exhaustive(items: Sequence[pytest.Item]) -> None:
    """Mark with ``exhaustive`` the parameters that `make test` leaves out.

    Where a test has the mark ``sweep``, these are what it does not need to represent all of them:
    the mark's argument is the strength. Where it has the mark ``represented_by``, these are all but
    those whose ids the mark has.
    """
    _mark_represented(items)
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


def _mark_represented(items: Iterable[pytest.Item]) -> None:
    for item in items:
        mark = item.get_closest_marker("represented_by")
        if mark and item.callspec.id not in mark.args:  # type: ignore[attr-defined]
            item.add_marker("exhaustive")


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
