"""A channel is what enough regions say it is: the late ones, the silent ones and the new ones."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from startifact.concurrency.deadline import deadline
from startifact.errors import (
    AccessDeniedError,
    AlreadyStagedError,
    RegionUnavailableError,
    SeveralRegionsError,
)
from startifact.limits import Limits, RetryLimits
from startifact.model.keys import Key
from tests.support.faulty_region import FaultyRegion, faulty, session_over
from tests.support.limits import Session, short_limits
from tests.support.messages import message_of

MakeFile = Callable[..., Path]

LATEST = Key("SugarWater/latest")
NO_CHANNEL = "has no latest"


def stage(directories: list[str], version: str, make_file: MakeFile) -> None:
    """Stage one version, with bytes of its own, to *directories*."""
    Session(regions=directories).stage("SugarWater", version, make_file(version.encode()))


def latest(regions: list[FaultyRegion], **options: Any) -> str:
    """Return the version that a session over *regions* gets."""
    return str(session_over(regions, **options).get("SugarWater").version)


def texts(directories: list[str]) -> list[str]:
    """Return what ``latest`` is in each of *directories*."""
    states = [region.read_channel(LATEST) for region in faulty(directories)]
    return [NO_CHANNEL if s is None else s.text.split('"')[3] for s in states]


# Reading ----------------------------------------------------------------------------------------


def test_answer_that_comes_a_little_late(directories: list[str], make_file: MakeFile) -> None:
    """The highest answer counts, also when it comes after enough others, within a second."""
    stage(directories, "1.0.0", make_file)
    stage(directories[2:], "2.0.0", make_file)
    regions = faulty(directories)
    regions[2].delay("read_channel", 0.2)

    assert latest(regions) == "2.0.0"


def test_answers_that_are_needed_are_waited_for(
    directories: list[str], make_file: MakeFile
) -> None:
    """The second in which others may answer begins with the last answer that is needed."""
    stage(directories, "1.0.0", make_file)
    regions = faulty(directories)
    for region in regions[1:]:
        region.delay("read_channel", 1.0)

    assert latest(regions, limits=short_limits(quorum_wait_seconds=0.3)) == "1.0.0"


def test_answers_that_never_come(directories: list[str], make_file: MakeFile) -> None:
    """A region that never answers costs a second, once enough others have."""
    stage(directories, "1.0.0", make_file)
    regions = faulty(directories)
    regions[2].hang("read_channel")
    started = time.monotonic()

    version = latest(regions)
    took = time.monotonic() - started
    regions[2].release()

    assert version == "1.0.0"
    assert took < 10


def test_each_late_answer_buys_no_time(
    directories: list[str], make_file: MakeFile, tmp_path: Path
) -> None:
    """An answer that comes after enough others does not prolong the time for the rest."""
    directories += [f"file:{tmp_path}/regions/d", f"file:{tmp_path}/regions/e"]
    stage(directories, "1.0.0", make_file)
    regions = faulty(directories)
    regions[3].delay("read_channel", 1.7)
    regions[4].hang("read_channel")
    started = time.monotonic()

    latest(regions, limits=short_limits(quorum_wait_seconds=2.0))
    took = time.monotonic() - started
    regions[4].release()

    assert took < 3.3


def test_why_it_is_not_known(directories: list[str], make_file: MakeFile) -> None:
    """Every region's reason is reported, one a line; the hint is that of the most telling one."""
    stage(directories, "1.0.0", make_file)
    regions = faulty(directories)
    regions[1].fail("read_channel", RegionUnavailableError("it is out of order", hint="Try again"))
    regions[2].delay("read_channel", 0.2)
    regions[2].fail("read_channel", AccessDeniedError("it refused", hint="Allow it"))

    with pytest.raises(SeveralRegionsError) as caught:
        latest(regions)

    assert set(caught.value.message.split("\n")) == {
        "cannot tell the latest version of SugarWater: 1 of 3 regions know it, 2 are needed",
        f"  {directories[0]}: latest is 1.0.0",
        f"  {directories[1]}: it is out of order",
        f"  {directories[2]}: it refused",
    }
    assert caught.value.exit_code == 6
    assert caught.value.hint == "Allow it"


# Moving -----------------------------------------------------------------------------------------


def test_version_between_two_latest(directories: list[str], make_file: MakeFile) -> None:
    """A region that lags behind moves to what is staged, though others are further already."""
    stage(directories, "1.0.0", make_file)
    stage(directories[:2], "3.0.0", make_file)
    session = Session(regions=directories)

    staging = session.stage("SugarWater", "2.0.0", make_file(b"between"))

    assert texts(directories) == ["3.0.0", "3.0.0", "2.0.0"]
    assert [str(o.latest) for o in staging.outcomes] == ["3.0.0", "3.0.0", "2.0.0"]
    assert [o.error for o in staging.outcomes] == [None] * 3
    assert not staging.is_latest


def test_new_region_and_a_higher_version(directories: list[str], make_file: MakeFile) -> None:
    """A new region's channel begins at a version that is higher than every other's."""
    stage(directories[:2], "1.0.0", make_file)

    staging = Session(regions=directories).stage("SugarWater", "2.0.0", make_file(b"two"))

    assert texts(directories) == ["2.0.0"] * 3
    assert [o.error for o in staging.outcomes] == [None] * 3


@pytest.mark.parametrize("before", ["", "1.0.0"], ids=["new", "moved"])
def test_move_that_fails(directories: list[str], make_file: MakeFile, before: str) -> None:
    """Where ``latest`` could not be written, it has not moved, and why is reported."""
    if before:
        stage(directories, before, make_file)
    regions = faulty(directories)
    regions[1].fail("write_channel", RegionUnavailableError("it is out of order"))

    staging = session_over(regions).stage("SugarWater", "2.0.0", make_file(b"two"))

    assert [str(o.latest) for o in staging.outcomes] == ["2.0.0", "None", "2.0.0"]
    assert message_of(staging.outcomes[1].error) == "it is out of order"
    assert texts(directories) == ["2.0.0", before or NO_CHANNEL, "2.0.0"]


def test_channel_that_keeps_changing(directories: list[str], make_file: MakeFile) -> None:
    """A channel that another job moves at every attempt is given up in the end, with an error."""
    regions = faulty(directories)
    regions[1].stale("write_channel")  # which then never says that it was written
    session = session_over(regions, limits=short_limits(channel_retry=RetryLimits(attempts=3)))

    staging = session.stage("SugarWater", "1.0.0", make_file())

    assert regions[1].calls.count("write_channel") == 3
    assert message_of(staging.outcomes[1].error) == (
        f"{directories[1]}: {LATEST} kept changing while it was being moved"
    )


# Copying ----------------------------------------------------------------------------------------


class StaleMirror:
    """A mirror that keeps what was written, in turn, and always reads the same."""

    def __init__(self, on_write: Callable[[], None] = lambda: None) -> None:
        self.written: list[str] = []
        self._on_write = on_write

    def read(self, project: str, channel: str) -> str | None:
        return "9.9.9"

    def write(self, project: str, channel: str, version: str) -> None:
        self.written.append(version)
        if len(self.written) == 1:
            self._on_write()

    def delete(self, project: str, channel: str) -> None:
        raise NotImplementedError  # no test here removes a channel

    def mirrors(self, channel: str) -> bool:
        return True


def test_copy_is_not_trusted_once_it_was_written(
    directories: list[str], make_file: MakeFile
) -> None:
    """What is read right after a copy may be what was there before, so it is not asked for then."""
    region = faulty(directories[:1])[0]
    region.mirror = mirror = StaleMirror(lambda: stage(directories[:1], "9.9.9", make_file))

    session_over([region]).stage("SugarWater", "1.0.0", make_file(b"one"))

    assert mirror.written == ["1.0.0", "9.9.9"]


class LaggingMirror:
    """A mirror whose reads show what it was before the last write."""

    def __init__(self, on_write: Callable[[], object]) -> None:
        self.written: list[str] = []
        self._on_write = on_write

    def read(self, project: str, channel: str) -> str | None:
        return self.written[-2] if len(self.written) > 1 else None

    def write(self, project: str, channel: str, version: str) -> None:
        if not self.written:
            self._on_write()
        self.written.append(version)

    def delete(self, project: str, channel: str) -> None:
        raise NotImplementedError  # no test here removes a channel

    def mirrors(self, channel: str) -> bool:
        return True


def test_channel_that_moves_before_it_is_copied(
    directories: list[str], make_file: MakeFile
) -> None:
    """Who copies after another one has moved the channel on looks again, and copies that.

    What the mirror is read as right after the copy may be what the other one had written.
    """
    region = faulty(directories[:1])[0]

    def move_on() -> None:
        stage(directories[:1], "2.0.0", make_file)
        mirror.written.append("2.0.0")

    region.mirror = mirror = LaggingMirror(move_on)

    session_over([region]).stage("SugarWater", "1.0.0", make_file(b"one"))

    assert mirror.written == ["2.0.0", "1.0.0", "2.0.0"]


@pytest.fixture
def hanging_mirror() -> Iterator[LaggingMirror]:
    """Return a mirror that answers no write before the test has ended."""
    end = threading.Event()
    yield LaggingMirror(end.wait)
    end.set()


def test_deadline_while_latest_is_copied(
    directories: list[str],
    make_file: MakeFile,
    hanging_mirror: LaggingMirror,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A staging whose ``latest`` has moved does not fail because its copy is late."""
    region = faulty(directories[:1])[0]
    region.mirror = hanging_mirror

    with deadline(2):
        staging = session_over([region]).stage("SugarWater", "1.0.0", make_file())

    assert staging.is_latest
    assert caplog.messages == [
        (
            f"the copy of SugarWater/latest in {region.name} could not be written: "
            "the deadline of 2 s has passed"
        )
    ]


def test_copy_of_latest_that_hangs(
    directories: list[str],
    make_file: MakeFile,
    hanging_mirror: LaggingMirror,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is waited for no longer than what is not needed any more: the staging has succeeded."""
    region = faulty(directories[:1])[0]
    region.mirror = hanging_mirror
    limits = Limits(idle_timeout_seconds=60.0, quorum_idle_timeout_seconds=0.5)
    began = time.monotonic()

    staging = session_over([region], limits=limits).stage("SugarWater", "1.0.0", make_file())

    assert time.monotonic() - began < 30
    assert staging.is_latest
    assert len(caplog.messages) == 1


def test_channel_that_moves_between_read_and_write(
    directories: list[str], make_file: MakeFile
) -> None:
    """What was read before the artifact was written is not trusted where it changed since."""
    stage(directories[:1], "1.0.0", make_file)
    region = faulty(directories[:1])[0]
    create = region.create

    def create_late(*arguments: Any) -> Any:
        stage(directories[:1], "1.5.0", make_file)
        return create(*arguments)

    vars(region)["create"] = create_late

    session_over([region]).stage("SugarWater", "2.0.0", make_file(b"two", "two"))

    channel = json.loads((Path(directories[0].removeprefix("file://")) / LATEST).read_text())
    assert (channel["version"], channel["previous"]) == ("2.0.0", "1.5.0")
    assert channel["generation"] == 3


def test_channel_that_has_gone_when_it_is_looked_at(
    directories: list[str],
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A channel that was copied, and then is not there any more, is left alone."""
    region = faulty(directories[:1])[0]
    region.mirror = mirror = LaggingMirror(lambda: None)
    region.stale("read_channel", nth=2)  # the one after the copy, which then sees none

    session_over([region]).stage("SugarWater", "1.0.0", make_file())

    assert mirror.written == ["1.0.0"]
    assert caplog.text == ""


def test_mirror_that_points_at_what_was_absent(directories: list[str], make_file: MakeFile) -> None:
    """Other content that comes up while ``latest`` and its mirror are read is seen in time."""
    stage(directories[:1], "1.0.0", make_file)
    region = faulty(directories[:1])[0]

    class PointsAtOther:
        def read(self, project: str, channel: str) -> str | None:
            with contextlib.suppress(AlreadyStagedError):
                stage(directories[:1], "2.0.0", make_file)
            return "2.0.0"

        def write(self, project: str, channel: str, version: str) -> None:
            raise AssertionError

        def delete(self, project: str, channel: str) -> None:
            raise NotImplementedError  # no test here removes a channel

        def mirrors(self, channel: str) -> bool:
            return True

    # What was read of the channel is what it was before the other one moved it.
    region.mirror = PointsAtOther()

    with pytest.raises(AlreadyStagedError):
        session_over([region]).stage("SugarWater", "2.0.0", make_file(b"other", "other"))

    assert "create" not in region.calls
