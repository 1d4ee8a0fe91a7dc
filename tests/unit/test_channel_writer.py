"""Where ``latest`` of one region is moved to, and where it is not."""

import pytest
from semver import Version

from startifact.channels.latest import ChannelWriter
from startifact.limits import DEFAULT_LIMITS
from startifact.regions.memory import MemoryRegion

WRITER = ChannelWriter(
    now=lambda: "2026-01-01T00:00:00.000000Z", moved_by="a test", limits=DEFAULT_LIMITS
)


@pytest.mark.parametrize(
    ("versions", "latest"),
    [
        (["1.0.0"], "1.0.0"),
        (["1.0.0", "1.0.1"], "1.0.1"),
        (["1.0.1", "1.0.0"], "1.0.1"),
        (["1.9.0", "1.10.0"], "1.10.0"),
        (["1.0.0-rc.1"], "1.0.0-rc.1"),
        (["2.0.0-rc.1", "1.0.0"], "1.0.0"),
        (["1.0.0", "2.0.0-rc.1"], "1.0.0"),
        (["1.0.0+a", "1.0.0+b"], "1.0.0+a"),
    ],
)
def test_latest_moves_to(versions: list[str], latest: str) -> None:
    """Of versions staged one after the other, ``latest`` ends at the highest stable one."""
    region = MemoryRegion("memory:one")

    stored = [WRITER.advance(region, "SugarWater", Version.parse(text)) for text in versions]

    assert str(stored[-1]) == latest, f"latest of {versions}"


def test_region_that_is_behind() -> None:
    """Where there is no ``latest``, it begins at the highest known, and only if that is there."""
    region = MemoryRegion("memory:one")
    staged, known = Version.parse("1.0.0"), Version.parse("2.0.0")

    absent = WRITER.advance(region, "P", staged, highest_known=known, holds=lambda _: False)
    begun = WRITER.advance(region, "P", staged, highest_known=known, holds=lambda _: True)

    assert absent is None
    assert begun == known
