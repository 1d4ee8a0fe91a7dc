"""Which versions meet what is said of those that go."""

from datetime import UTC, datetime, timedelta

import pytest

from startifact.errors import InputError
from startifact.model.versions import newest_first, parse_version
from startifact.retention.criteria import Criteria

TEXTS = ["0.9.0", "1.0.0-rc.1", "1.0.0-rc.2", "1.0.0", "1.1.0-rc.1", "1.1.0", "2.0.0", "2.1.0-a"]
VERSIONS = newest_first(map(parse_version, TEXTS))
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def criteria(
    keep_versions: int | None = None,
    keep_prereleases: int | None = None,
    older_than: timedelta | str | None = None,
    range_: str | None = None,
) -> Criteria:
    return Criteria.of(
        keep_versions=keep_versions,
        keep_prereleases=keep_prereleases,
        older_than=older_than,
        range_=range_,
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"keep_versions": 2}, ["1.0.0", "0.9.0"]),
        ({"keep_versions": 9}, []),
        ({"keep_prereleases": 2}, ["1.0.0-rc.2", "1.0.0-rc.1"]),
        (
            {"keep_prereleases": 0},
            ["2.1.0-a", "1.1.0-rc.1", "1.0.0-rc.2", "1.0.0-rc.1"],
        ),
        (
            {"keep_versions": 3, "keep_prereleases": 3},
            ["1.0.0-rc.1", "0.9.0"],
        ),
        ({"older_than": "90d"}, [str(version) for version in VERSIONS]),
        ({"range_": "<2"}, ["1.1.0", "1.0.0", "0.9.0"]),
        ({"range_": "<2", "keep_versions": 1}, ["1.0.0", "0.9.0"]),
        ({"range_": ">=1.0.0-rc.1 <1.1"}, ["1.0.0", "1.0.0-rc.2", "1.0.0-rc.1"]),
        ({"range_": "<2", "older_than": "1d"}, ["1.1.0", "1.0.0", "0.9.0"]),
    ],
    ids=str,
)
def test_by_number(given: dict[str, object], expected: list[str]) -> None:
    """The newest of each kind stay, of what the range leaves; a kind without a number stays."""
    may_go = criteria(**given).by_number()  # type: ignore[arg-type]

    assert [str(version) for version in VERSIONS if may_go(version)] == expected


@pytest.mark.parametrize(
    ("older_than", "staged_at", "expected"),
    [
        (None, None, True),
        (None, NOW, True),
        ("90d", None, False),
        ("90d", NOW - timedelta(days=90), True),
        ("90d", NOW - timedelta(days=90) + timedelta(seconds=1), False),
        (timedelta(days=1), NOW + timedelta(days=1), False),
    ],
)
def test_by_age(
    older_than: str | timedelta | None, staged_at: datetime | None, *, expected: bool
) -> None:
    """A version goes once it is old enough, and stays where nobody knows how old it is."""
    found = criteria(keep_versions=1, older_than=older_than).is_old_enough(staged_at, NOW)

    assert found is expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "nothing says which versions are to be removed"),
        ({"keep_versions": 0}, "keep_versions is 0, expected a whole number from 1 on"),
        ({"keep_versions": -1}, "keep_versions is -1, expected"),
        ({"keep_versions": True}, "keep_versions is True, expected"),
        ({"keep_prereleases": -1}, "keep_prereleases is -1, expected a whole number from 0 on"),
        ({"older_than": "old"}, "the age of what is to be removed 'old' is not a length of time"),
        ({"range_": "latest"}, "range 'latest' is a channel"),
    ],
    ids=str,
)
def test_bad_input(given: dict[str, object], message: str) -> None:
    """What cannot be meant is refused, with what can be."""
    with pytest.raises(InputError) as caught:
        criteria(**given)  # type: ignore[arg-type]

    assert message in caught.value.message
    assert caught.value.hint
