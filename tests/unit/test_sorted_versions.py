"""Many versions in little memory: they come out as a list of them would be sorted."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from startifact.model.versions import newest_first
from startifact.reading.sorted_versions import SortedVersions, newest_of, without

NUMBERS = st.integers(min_value=0, max_value=12)
VERSIONS = st.builds(
    Version,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.sampled_from([None, "rc.1", "rc.10", "rc.9", "alpha", "1", "x.2"]),
    st.sampled_from([None, "a", "b", "linux.1"]),
)


def store_of(versions: list[Version]) -> SortedVersions:
    store = SortedVersions()
    for version in versions:
        store.add(version)
    return store


def texts(versions: list[Version]) -> list[str]:
    return [str(version) for version in versions]


@given(st.lists(st.lists(VERSIONS, max_size=40), max_size=4))
def test_order(lists: list[list[Version]]) -> None:
    """All that any store has come newest first, each once."""
    found = list(newest_of([store_of(versions) for versions in lists]))

    every = {str(version): version for versions in lists for version in versions}
    assert texts(found) == texts(newest_first(every.values()))


@given(st.sets(VERSIONS, max_size=40), st.sets(VERSIONS, max_size=40))
def test_without(some: set[Version], others: set[Version]) -> None:
    """What both have is left out."""
    left = without(newest_first(some), newest_first(others))

    names = set(texts(list(others)))
    assert texts(list(left)) == [str(v) for v in newest_first(some) if str(v) not in names]


@pytest.mark.parametrize("count", [999, 1000, 5000])
def test_many(count: int) -> None:
    """A version takes a few bytes, however many there are."""
    store = store_of([Version(1, n // 100, n % 100) for n in range(count)])

    found = [str(version) for version in newest_of([store])]

    assert found == [f"1.{n // 100}.{n % 100}" for n in reversed(range(count))]
    assert sum(map(sys.getsizeof, store.blocks())) < 12 * count
