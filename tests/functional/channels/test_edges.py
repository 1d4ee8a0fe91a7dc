"""Channels where something is odd: build metadata, tombstones, lists of regions, long histories."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.errors import (
    ExpectationError,
    IntegrityError,
    NotFoundError,
    RegionsFailedError,
    RemovedError,
    StartifactError,
)
from startifact.limits import RetryLimits
from startifact.model.record import Origin
from startifact.settings import Settings
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.support.backends import Backend
from tests.support.copies import wait_for_copies
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import Session, short_limits

MakeFile = Callable[..., Path]

pytestmark = pytest.mark.parametrize("backends", ["file"], indirect=True)


@pytest.fixture
def session(backends: list[Backend]) -> Session:
    """Return a session with all *backends*."""
    return Session(regions=[backend.spec for backend in backends])


def stage(session: Session, make_file: MakeFile, *versions: str) -> None:
    """Stage *versions*, each with content of its own."""
    for version in versions:
        session.stage("SugarWater", version, make_file(version.encode()))


class TestBuildMetadata:
    """Versions that differ only in build metadata are equal to semver, and two artifacts."""

    def test_promotion_moves(self, session: Session, make_file: MakeFile, tmp_path: Path) -> None:
        """A promotion from one to the other moves the channel, and brings the other's bytes."""
        stage(session, make_file, "1.0.0+a", "1.0.0+b")
        session.promote("SugarWater", "1.0.0+a", "prod")

        promotion = session.promote("SugarWater", "1.0.0+b", "prod")

        assert promotion.changed
        path = session.get("SugarWater", "prod").downloader.download(tmp_path / "back")
        assert path.read_bytes() == b"1.0.0+b"
        assert str(session.rollback("SugarWater", "prod").version) == "1.0.0+a"

    def test_expectation(self, session: Session, make_file: MakeFile) -> None:
        """What is expected is the one, and not the other."""
        stage(session, make_file, "1.0.0+a", "1.0.0+b")
        session.promote("SugarWater", "1.0.0+a", "prod")

        with pytest.raises(ExpectationError):
            session.promote("SugarWater", "1.0.0+b", "prod", expect="1.0.0+b")
        with pytest.raises(NotFoundError):
            session.rollback("SugarWater", "prod", to="1.0.0+b")
        assert session.yank("SugarWater", "1.0.0+b", "no").channels == ()


def test_tombstone_in_one_region(
    session: Session, backends: list[Backend], make_file: MakeFile
) -> None:
    """A version that any region says was removed is promoted nowhere, whatever others hold."""
    stage(session, make_file, "1.0.0")
    record = json.dumps({"startifact:format": "1", "startifact:removed-at": "2026-01-01T00:00:00Z"})
    backends[2].plant("SugarWater@1.0.0", b"", record)

    with pytest.raises(RemovedError) as caught:
        session.promote("SugarWater", "1.0.0", "prod")

    assert caught.value.exit_code == 3
    assert backends[2].spec in caught.value.message


def test_history_that_is_longer_than_kept(session: Session, make_file: MakeFile) -> None:
    """A rollback never goes forward, also where the history is cut."""
    stage(session, make_file, *(f"1.{n}.0" for n in range(24)))
    for n in range(24):
        session.promote("SugarWater", f"1.{n}.0", "prod")

    back, ended = [23], ""
    while not ended:
        try:
            version = session.rollback("SugarWater", "prod").version
        except NotFoundError as e:
            ended = e.message
        else:
            assert version is not None
            back.append(version.minor)

    assert "as far as its history goes" in ended
    assert back == sorted(back, reverse=True)
    assert len(back) >= 10


def test_rollback_far_back(session: Session, make_file: MakeFile) -> None:
    """After a rollback to the oldest move that is known, there is nothing further back."""
    stage(session, make_file, *(f"1.{n}.0" for n in range(20)))
    for n in range(20):
        session.promote("SugarWater", f"1.{n}.0", "prod")
    session.rollback("SugarWater", "prod", to="1.0.0")

    with pytest.raises(NotFoundError):
        session.rollback("SugarWater", "prod")


def test_rollback_to_where_it_is(session: Session, make_file: MakeFile) -> None:
    """A rollback to the version that the channel points at changes nothing."""
    stage(session, make_file, "1.0.0", "1.1.0")
    session.promote("SugarWater", "1.0.0", "prod")
    session.promote("SugarWater", "1.1.0", "prod")

    promotion = session.rollback("SugarWater", "prod", to="1.1.0")

    assert not promotion.changed
    (channel,) = [c for c in session.channels("SugarWater") if c.channel == "prod"]
    assert len(channel.history) == 2
    assert str(session.rollback("SugarWater", "prod").version) == "1.0.0"


@pytest.mark.parametrize("others", [False, True])
def test_rollback_from_the_first(session: Session, make_file: MakeFile, *, others: bool) -> None:
    """Where nothing was before, a version is to be named only where there is one to name."""
    stage(session, make_file, "1.0.0", "1.1.0")
    session.promote("SugarWater", "1.0.0", "prod")
    if others:
        session.remove_channel("SugarWater", "prod")
        session.promote("SugarWater", "1.1.0", "prod")

    with pytest.raises(NotFoundError) as caught:
        session.rollback("SugarWater", "prod")

    assert ("name the version" in str(caught.value.hint)) == others


def test_longest_texts(session: Session, make_file: MakeFile) -> None:
    """What is stored can be read again, however many bytes its texts take."""
    run = f"https://example.com/{chr(0x1F600) * 900}"
    settings = Settings(origin=Origin(run=run))
    here = Session(regions=session.regions, settings=settings)
    stage(here, make_file, "1.0.0", "1.1.0")

    for number in range(25):
        here.promote("SugarWater", f"1.{number % 2}.0", "prod", allow_yanked=True)
        here.yank("SugarWater", "1.0.0", f"{number:03}{chr(0x1F600) * 497}")

    assert str(session.get("SugarWater", "prod").version) == "1.0.0"
    yank = session.get("SugarWater", "1.0.0").yank
    assert yank is not None
    assert yank.reason.startswith("024")
    assert session.verify("SugarWater")


def test_one_fails_and_one_keeps_changing(
    session: Session, backends: list[Backend], make_file: MakeFile
) -> None:
    """An attempt that no majority takes says why regions did not, and no number that is wrong."""
    stage(session, make_file, "1.0.0")
    regions = faulty([backend.spec for backend in backends])
    regions[0].stale("write_channel")  # which never does it
    regions[1].fail("write_channel")
    limits = short_limits(channel_retry=RetryLimits(attempts=2))

    with pytest.raises(RegionsFailedError) as caught:
        session_over(regions, limits=limits).promote("SugarWater", "1.0.0", "prod")

    assert "fewer than 2 of 3 regions took it" in caught.value.message
    assert f"{regions[1].name} fails" in caught.value.message


def test_ballot_at_the_bound(
    session: Session, backends: list[Backend], make_file: MakeFile
) -> None:
    """A ballot that no attempt can be above is damage of its region, and spreads to no other."""
    stage(session, make_file, "1.0.0", "1.1.0")
    session.promote("SugarWater", "1.0.0", "prod")
    stored = json.loads(backends[1].text("SugarWater/prod"))
    stored["promised"] = [2**53, "zz"]
    backends[1].write("SugarWater/prod", json.dumps(stored))

    promotion = session.promote("SugarWater", "1.1.0", "prod")

    assert isinstance(promotion.failures[backends[1].spec], IntegrityError)
    assert str(session.get("SugarWater", "prod").version) == "1.1.0"
    assert session.repair("SugarWater")
    assert session.verify("SugarWater")


def test_damaged_channel_beside_others(
    session: Session, backends: list[Backend], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """The channels that can be read are listed, the other one is named, and a yank succeeds."""
    stage(session, make_file, "1.0.0", "1.1.0")
    session.promote("SugarWater", "1.0.0", "prod")
    session.promote("SugarWater", "1.0.0", "test")
    for backend in backends[:2]:
        backend.write("SugarWater/test", "{")

    with caplog.at_level(logging.WARNING):
        found = session.channels("SugarWater")

    assert [c.channel for c in found] == ["latest", "prod"]
    assert any("SugarWater/test is left out" in message for message in caplog.messages)
    assert session.yank("SugarWater", "1.0.0", "no").channels == ("prod",)
    with pytest.raises(StartifactError) as caught:
        session.get("SugarWater", "test")
    assert caught.value.exit_code == 7
    assert caught.value.hint


def test_part_of_the_configured_list(
    session: Session,
    backends: list[Backend],
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A promotion in a part of the regions that are configured for everybody warns."""
    stage(session, make_file, "1.0.0")
    monkeypatch.setenv("STARTIFACT_REGIONS", ",".join(backend.spec for backend in backends))

    with caplog.at_level(logging.WARNING):
        Session(regions=[backends[0].spec]).promote("SugarWater", "1.0.0", "prod")

    assert any("these configured regions were left out" in m for m in caplog.messages)


def test_regions_that_take_their_time(
    session: Session, backends: list[Backend], make_file: MakeFile
) -> None:
    """Regions that need longer than others are waited for where they are needed."""
    stage(session, make_file, "1.0.0")
    regions = faulty([backend.spec for backend in backends])
    for region in regions[1:]:
        region.delay("describe", 0.5)
        region.delay("read_channel", 0.5)
    regions[0].fail("write_channel")

    promotion = session_over(regions, limits=short_limits(quorum_wait_seconds=0.1)).promote(
        "SugarWater", "1.0.0", "prod"
    )

    assert promotion.regions == tuple(region.name for region in regions[1:])
    assert list(promotion.failures) == [regions[0].name]


def test_region_that_hangs_is_named(
    session: Session, backends: list[Backend], make_file: MakeFile
) -> None:
    """A region that has not answered is in the result."""
    stage(session, make_file, "1.0.0")
    regions = faulty([backend.spec for backend in backends])
    regions[2].hang("write_channel")

    promotion = session_over(regions, limits=short_limits(quorum_wait_seconds=0.1)).promote(
        "SugarWater", "1.0.0", "prod"
    )
    regions[2].release()

    assert list(promotion.failures) == [regions[2].name]
    assert "has not answered in time" in promotion.failures[regions[2].name].message


def test_nothing_to_do_where_one_region_may_know_more(
    session: Session, backends: list[Backend], make_file: MakeFile
) -> None:
    """That a version is not yanked is made sure where a region did not answer."""
    stage(session, make_file, "1.0.0")
    regions = faulty([backend.spec for backend in backends])
    for region in regions[1:]:
        region.fail("write_channel", nth=2)
    with pytest.raises(StartifactError):
        session_over(regions).yank("SugarWater", "1.0.0", "bad")
    for region in regions:
        region.heal()
    regions[0].fail("write_channel")

    session_over(regions).unyank("SugarWater", "1.0.0")

    assert session.get("SugarWater", "1.0.0").yank is None


class TestErrors:
    """What errors say about whether something was changed."""

    def test_certain(self, session: Session, make_file: MakeFile) -> None:
        """An expectation that does not hold has a note that nothing was changed."""
        stage(session, make_file, "1.0.0", "1.1.0")
        session.promote("SugarWater", "1.0.0", "prod")

        with pytest.raises(ExpectationError) as caught:
            session.promote("SugarWater", "1.1.0", "prod", expect="1.1.0")

        assert caught.value.__notes__ == ["nothing was changed"]

    def test_undetermined(
        self, session: Session, backends: list[Backend], make_file: MakeFile
    ) -> None:
        """What may have been changed says that, and not that nothing was."""
        stage(session, make_file, "1.0.0")
        regions = faulty([backend.spec for backend in backends])
        for region in regions[1:]:
            for nth in range(2, 20):
                region.fail("write_channel", nth=nth)

        with pytest.raises(StartifactError) as caught:
            session_over(regions).promote("SugarWater", "1.0.0", "prod")

        text = f"{caught.value}{getattr(caught.value, '__notes__', '')}"
        assert caught.value.exit_code == 5
        assert "It may be seen from now on or not" in text
        assert "nothing was changed" not in text.lower()


class TestRanges:
    """Ranges at their edges."""

    @pytest.mark.parametrize("selector", [">=5", ">4", ">=1.4", "^1.9 || ^2"])
    def test_nearest(self, session: Session, make_file: MakeFile, selector: str) -> None:
        """What is near a range that nothing satisfies is around where it begins."""
        stage(session, make_file, "1.0.0", "1.1.0", "1.2.0", "1.3.0")

        with pytest.raises(NotFoundError) as caught:
            session.get("SugarWater", selector)

        assert caught.value.message.endswith("1.2.0, 1.3.0")


@pytest.mark.usefixtures("backends")
class TestMirrors:
    """Copies in SSM."""

    def test_removed_channel(self, account: AwsAccount, make_file: MakeFile) -> None:
        """The copy of a channel that was removed is removed as well."""
        session = Session(regions=AWS_REGIONS)
        stage(session, make_file, "1.0.0")
        session.promote("SugarWater", "1.0.0", "prod")
        wait_for_copies(session)
        name = f"/team-{account.unique}/SugarWater/prod"
        assert account.ssm("us-east-1").get_parameter(Name=name)["Parameter"]["Value"] == "1.0.0"

        session.remove_channel("SugarWater", "prod")
        wait_for_copies(session)

        for region in AWS_REGIONS:
            ssm = account.ssm(region)
            with pytest.raises(ssm.exceptions.ParameterNotFound):
                ssm.get_parameter(Name=name)

    def test_region_without_the_version(
        self, account: AwsAccount, make_file: MakeFile, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A copy is not written where the version is not complete, and a warning says so."""
        session = Session(regions=AWS_REGIONS)
        stage(session, make_file, "1.0.0", "1.1.0")
        session.promote("SugarWater", "1.0.0", "prod")
        wait_for_copies(session)
        bucket = account.buckets["eu-west-1"]
        (key,) = [k for k in account.keys("eu-west-1") if k.endswith("SugarWater@1.1.0")]
        account.s3("eu-west-1").delete_object(Bucket=bucket, Key=key)

        with caplog.at_level(logging.WARNING):
            session.promote("SugarWater", "1.1.0", "prod")
            wait_for_copies(session)

        name = f"/team-{account.unique}/SugarWater/prod"
        assert account.ssm("eu-west-1").get_parameter(Name=name)["Parameter"]["Value"] == "1.0.0"
        assert any("the version is not complete there" in m for m in caplog.messages)
        session.stage("SugarWater", "1.1.0", make_file(b"1.1.0"))
        assert session.repair("SugarWater")
        assert account.ssm("eu-west-1").get_parameter(Name=name)["Parameter"]["Value"] == "1.1.0"
