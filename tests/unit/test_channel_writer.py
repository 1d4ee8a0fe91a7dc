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


class Mirror:
    """A mirror that holds *version*, and takes down what is written to it."""

    def __init__(self, version: str | None) -> None:
        self.version = version
        self.written: list[str] = []

    def read(self, project: str, channel: str) -> str | None:
        return self.version

    def write(self, project: str, channel: str, version: str) -> None:
        self.version = version
        self.written.append(version)


@pytest.mark.parametrize(
    ("mirrored", "written"), [(None, ["1.0.0"]), ("0.9.0", ["1.0.0"]), ("1.0.0", [])]
)
def test_mirror_is_written_where_it_differs(
    mirrored: str | None, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mirror of ``latest`` is written once where it is another version, and else not."""
    region, mirror = MemoryRegion("memory:one"), Mirror(mirrored)
    monkeypatch.setattr(MemoryRegion, "mirror", mirror)
    WRITER.advance(region, "SugarWater", Version.parse("1.0.0"))

    WRITER.mirror(region, "SugarWater")

    assert mirror.written == written, f"the mirror was {mirrored}, latest is 1.0.0"
