"""The beginnings that all versions of a range have, so that little has to be listed."""

import pytest
from hypothesis import HealthCheck, given, settings
from semver import Version

from startifact import Range
from startifact.errors import InputError
from tests.unit.model.range_texts import VERSIONS, ranges

PARSED = [Version.parse(version) for version in VERSIONS]


@pytest.mark.parametrize(
    ("text", "prefixes"),
    [
        ("^1.2", {(1,)}),
        ("~1.2", {(1, 2)}),
        ("~1.2.3", {(1, 2)}),
        ("1.2.x", {(1, 2)}),
        ("^0.2.3", {(0, 2)}),
        ("^0.0.3", {(0, 0, 3)}),
        ("1.2.3", {(1, 2, 3)}),
        ("=1.2.3", {(1, 2, 3)}),
        ("=1.2.3-rc.1", {(1, 2, 3)}),
        (">=1.2 <2", {(1,)}),
        ("1.2 - 1.4", {(1,)}),
        ("1.2.3 - 1.2.5", {(1, 2)}),
        ("0.x || 3.x", {(0,), (3,)}),
        ("1.x || 1.2.3", {(1,)}),
        ("1.2.3 || 1.2.4", {(1, 2, 3), (1, 2, 4)}),
        ("*", {()}),
        (">=1", {()}),
        ("1.x || >3", {()}),
        ("<1", {(0,)}),
        ("<2.0.0", {(0,), (1,)}),
        ("<=2.0.0", {(0,), (1,), (2,)}),
        ("<2.0.0-rc.1", {(0,), (1,), (2,)}),
        ("<2.0.0-0", {(0,), (1,)}),
        (">=2.0.0-alpha <2.0.0", {(2, 0, 0)}),
        ("<4", {(0,), (1,), (2,), (3,)}),
        ("<5", {()}),
        (">=3 <7", {(3,), (4,), (5,), (6,)}),
        ("1 - 9007199254740990", {()}),
        ("1.2.3 || 1.2.4 || 1.2.5 || 1.2.6 || 1.2.7", {(1, 2)}),
        ("1.1.1 || 1.2.1 || 1.3.1 || 1.4.1 || 1.5.1", {(1,)}),
        ("1 || 2 || 3 || 4 || 5", {()}),
        ("<0", set()),
        (">=2 <1", set()),
        ("<0 || 1.x", {(1,)}),
    ],
)
def test_prefixes(text: str, prefixes: set[tuple[int, ...]]) -> None:
    """They are few, as long as they can be, and cover the whole range."""
    assert Range.parse(text).prefixes == prefixes


@pytest.mark.no_cover
@settings(max_examples=1000, suppress_health_check=list(HealthCheck))
@given(text=ranges)
def test_every_version_has_one(text: str) -> None:
    """Each version that satisfies a range begins with one of at most four prefixes."""
    try:
        of = Range.parse(text)
    except InputError:
        return

    prefixes = of.prefixes

    assert len(prefixes) <= 4
    for version in PARSED:
        numbers = (version.major, version.minor, version.patch)
        assert version not in of or any(numbers[: len(p)] == p for p in prefixes), version
