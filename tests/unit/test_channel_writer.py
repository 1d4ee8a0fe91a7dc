"""Where ``latest`` of one region is moved to, and where it is not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from semver import Version

from startifact.channels.latest import ChannelWriter
from startifact.files.source import Source
from startifact.limits import DEFAULT_LIMITS
from startifact.model.keys import artifact_key, channel_key
from startifact.model.record import Record, encode
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

    moves = [WRITER.advance(region, "SugarWater", Version.parse(text)) for text in versions]

    assert moves[-1] is not None
    assert str(moves[-1].version) == latest, f"latest of {versions}"


def test_region_that_is_behind() -> None:
    """Where there is no ``latest``, it begins at the highest known, and only if that is there."""
    region = MemoryRegion("memory:one")
    staged, known = Version.parse("1.0.0"), Version.parse("2.0.0")

    absent = WRITER.advance(region, "P", staged, highest_known=known, holds=lambda _: False)
    begun = WRITER.advance(region, "P", staged, highest_known=known, holds=lambda _: True)

    assert absent is None
    assert begun is not None
    assert begun.version == known


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


def test_channel_that_is_absent_is_not_mirrored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror is not written for a channel that is not there."""
    region, mirror = MemoryRegion("memory:one"), Mirror("0.9.0")
    monkeypatch.setattr(MemoryRegion, "mirror", mirror)

    WRITER.mirror(region, "SugarWater")

    assert mirror.written == []


@pytest.mark.parametrize("mirrored", [None, "0.9.0", "1.0.0", "no version"])
def test_mirror_is_written_after_a_move(
    mirrored: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written whatever it was: until the channel had moved, others could set it back."""
    region, mirror = MemoryRegion("memory:one"), Mirror(mirrored)
    monkeypatch.setattr(MemoryRegion, "mirror", mirror)
    move = WRITER.advance(region, "SugarWater", Version.parse("1.0.0"), known=(None, None))

    WRITER.mirror(region, "SugarWater", move)

    assert mirror.written == ["1.0.0"]


@pytest.mark.parametrize(("is_held", "written"), [(True, []), (False, ["1.0.0"])])
def test_mirror_that_others_have_moved_further(
    make_file: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_held: bool,
    written: list[str],
) -> None:
    """What the first Startifact writes there while the channel moves is not set back, if held."""
    region, mirror = MemoryRegion("memory:one"), Mirror(None)
    if is_held:
        source = Source.scan(make_file())
        record = Record(sha256=source.sha256, size=source.size, staged_at=WRITER.now())
        key = artifact_key("SugarWater", Version.parse("2.0.0"))
        region.create(key, source, encode(record)[0], lambda _: None)
    monkeypatch.setattr(MemoryRegion, "mirror", mirror)
    move = WRITER.advance(region, "SugarWater", Version.parse("1.0.0"), known=(None, None))
    mirror.version = "2.0.0"

    WRITER.mirror(region, "SugarWater", move)

    assert mirror.written == written


def test_known_channel_that_has_moved_since() -> None:
    """What was read before is written against, and read again where something else is there."""
    region, versions = MemoryRegion("memory:one"), [Version(1, 0, 0), Version(2, 0, 0)]
    for version in versions:
        WRITER.advance(region, "SugarWater", version, known=(None, None))

    move = WRITER.advance(region, "SugarWater", Version(1, 5, 0), known=(None, None))

    stored = region.read_channel(channel_key("SugarWater", "latest"))
    assert move is not None
    assert (move.version, move.text) == (versions[1], None)
    assert stored is not None
    assert '"previous":"1.0.0"' in stored.text
