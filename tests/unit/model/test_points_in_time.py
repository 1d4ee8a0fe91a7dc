"""Points in time as people write them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from startifact.errors import InputError
from startifact.model.points_in_time import parse_since

NOW = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T08:00:00Z", datetime(2026, 11, 1, 8, tzinfo=UTC)),
        ("2026-11-01t08:00:00.25z", datetime(2026, 11, 1, 8, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-11-01 08:00:00+02:00", datetime(2026, 11, 1, 6, tzinfo=UTC)),
        ("7d", NOW - timedelta(days=7)),
        ("90s", NOW - timedelta(seconds=90)),
        (timedelta(hours=2), NOW - timedelta(hours=2)),
        (date(2026, 11, 1), datetime(2026, 11, 1, tzinfo=UTC)),
        (
            datetime(2026, 11, 1, 8, tzinfo=timezone(timedelta(hours=2))),
            datetime(2026, 11, 1, 6, tzinfo=UTC),
        ),
    ],
)
def test_points(given: object, expected: datetime) -> None:
    """A date is its first moment in UTC, a length of time is counted back."""
    assert parse_since(given, NOW, name="since") == expected


@pytest.mark.parametrize(
    "given",
    [
        "",
        "yesterday",
        "2026-13-01",
        "2026-02-30",
        "2026-11-01T08:00:00",
        "2026-11-01T25:00:00Z",
        "20261101",
        "-7d",
        "7",
        "1e3d",
        "0001-01-01T00:00:00+23:00",
        "\u0661d",
        7,
        None,
        datetime(2026, 11, 1),  # noqa: DTZ001
        timedelta(days=-1),
    ],
)
def test_refused(given: object) -> None:
    """All else is refused with what may be written."""
    with pytest.raises(InputError) as caught:
        parse_since(given, NOW, name="since")

    assert "since" in caught.value.message
