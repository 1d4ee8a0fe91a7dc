"""Copying an artifact into the regions of another session."""

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from startifact.errors import (
    ConflictError,
    InputError,
    IntegrityError,
    LocalFileError,
    NotFoundError,
    StagingFailedError,
    StartifactError,
)
from startifact.model.record import Origin
from startifact.regions.aws.named_credentials import session_as
from startifact.regions.directory.region import DirectoryRegion
from startifact.settings import Settings
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.support.backends import Backend
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import ConfigurationLoader, Session
from tests.support.wire import Wire

MakeFile = Callable[..., Path]

ORIGIN = Origin(repository="o/r", commit="c" * 40, ref="refs/heads/main", run="https://x/1")


@pytest.fixture
def here(backends: list[Backend], make_file: MakeFile) -> Session:
    """Return a session in which a version was staged by a workflow, with metadata."""
    settings = replace(Settings.from_environment(), origin=ORIGIN)
    session = Session(regions=[b.spec for b in backends], settings=settings)
    session.stage(
        "SugarWater",
        "1.4.2",
        make_file(b"sugar", name="sugar.bin"),
        metadata={"lang": "dotnet"},
        save_filename=True,
    )
    return session


@pytest.fixture
def there(tmp_path: Path) -> Session:
    """Return a session with two other regions."""
    return Session(regions=[f"file:{tmp_path / 'there' / name}" for name in "xy"])


def test_everything_is_kept(here: Session, there: Session, tmp_path: Path) -> None:
    """Bytes, metadata, file name, time and origin are those of the first staging."""
    staging = here.copy("SugarWater", "1.4.2", there)

    before, after = here.get("SugarWater"), there.get("SugarWater")
    assert staging.created
    assert after == before
    assert (after.staged_at_text, after.run) == (before.staged_at_text, "https://x/1")
    path = after.downloader.download(tmp_path / "back", load_filename=True)
    assert (path.name, path.read_bytes()) == ("sugar.bin", b"sugar")


def test_again(here: Session, there: Session) -> None:
    """Copying again is a success that changes nothing."""
    here.copy("SugarWater", "1.4.2", there)

    again = here.copy("SugarWater", "^1", there)

    assert not again.created
    assert {str(outcome.state) for outcome in again.outcomes} == {"present"}


@pytest.mark.parametrize("backends", ["file"], indirect=True)
class TestCopies:
    """Yanks, conflicts, trouble and bad input."""

    def test_yank(self, here: Session, there: Session) -> None:
        """A version that was yanked is yanked there too."""
        here.yank("SugarWater", "1.4.2", "it loses data")

        copied = here.copy("SugarWater", "1.4.2", there)

        yank = there.get("SugarWater", "1.4.2").yank
        assert yank is not None
        assert yank.reason == "it loses data"
        assert copied.yank == yank
        assert "yanked" in repr(copied)

    def test_no_yank(self, here: Session, there: Session) -> None:
        """The result says nothing of a yank where there is none, and of one that would be."""
        plain = here.copy("SugarWater", "1.4.2", there)
        here.yank("SugarWater", "1.4.2", "it loses data")
        with Session(regions=there.regions, read_only=True) as reader:
            would = here.copy("SugarWater", "1.4.2", reader)

        assert plain.yank is None
        assert would.yank is not None
        assert (would.yank.reason, would.yank.at) == ("it loses data", "")
        assert there.get("SugarWater", "1.4.2").yank is None

    def test_other_content(self, here: Session, there: Session, make_file: MakeFile) -> None:
        """Where other content is staged there, nothing is written, as by a staging."""
        there.stage("SugarWater", "1.4.2", make_file(b"other"))

        with pytest.raises(ConflictError) as caught:
            here.copy("SugarWater", "1.4.2", there)

        assert caught.value.exit_code == 4

    def test_damaged_here(self, here: Session, there: Session, backends: list[Backend]) -> None:
        """What no region delivers as it was recorded is not copied."""
        regions = faulty([backend.spec for backend in backends])
        for region in regions:
            region.corrupt(0)

        with pytest.raises(StartifactError) as caught:
            session_over(regions).copy("SugarWater", "1.4.2", there)

        assert caught.value.exit_code == IntegrityError.exit_code
        with pytest.raises(NotFoundError):
            there.get("SugarWater", "1.4.2")

    def test_one_damaged_region(
        self, here: Session, there: Session, backends: list[Backend], tmp_path: Path
    ) -> None:
        """One region that delivers is enough."""
        regions = faulty([backend.spec for backend in backends])
        for region in regions[:2]:
            region.corrupt(0)

        session_over(regions).copy("SugarWater", "1.4.2", there)

        path = there.get("SugarWater").downloader.download(tmp_path / "back")
        assert path.read_bytes() == b"sugar"

    def test_region_that_breaks_off(
        self, here: Session, there: Session, backends: list[Backend], tmp_path: Path
    ) -> None:
        """What one region breaks off is gone on with from another one."""
        regions = faulty([backend.spec for backend in backends])
        for region in regions[:2]:
            region.break_off(2)

        session_over(regions).copy("SugarWater", "1.4.2", there)

        path = there.get("SugarWater").downloader.download(tmp_path / "back")
        assert path.read_bytes() == b"sugar"

    @pytest.mark.parametrize(("failing", "exit_code"), [(1, 0), (2, 5)])
    def test_regions_that_take_nothing(
        self, here: Session, tmp_path: Path, failing: int, exit_code: int
    ) -> None:
        """A minority of the target's is no trouble; a majority is, and again it succeeds."""
        regions = faulty([f"file:{tmp_path / 'there' / name}" for name in "xyz"])
        for region in regions[:failing]:
            region.fail("create")
        target = session_over(regions)

        if exit_code:
            with pytest.raises(StagingFailedError) as caught:
                here.copy("SugarWater", "1.4.2", target)
            assert caught.value.exit_code == exit_code
        else:
            staging = here.copy("SugarWater", "1.4.2", target)
            assert [str(o.state) for o in staging.outcomes].count("failed") == failing

        for region in regions:
            region.heal()
        staging = here.copy("SugarWater", "1.4.2", target)
        assert {str(o.state) for o in staging.outcomes} <= {"created", "present"}
        assert target.get("SugarWater") == here.get("SugarWater")

    def test_no_room(self, here: Session, there: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the temporary folder is full, that is where room is needed, and why."""

        def full(*_: object) -> Iterator[bytes]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(DirectoryRegion, "read", full)

        with pytest.raises(LocalFileError) as caught:
            here.copy("SugarWater", "1.4.2", there)

        assert "An artifact is verified in the temporary folder before it is copied" in str(
            caught.value.hint
        )

    def test_dry_run(self, here: Session, there: Session, tmp_path: Path) -> None:
        """Into a read-only session nothing is written."""
        target = Session(regions=there.regions, read_only=True)

        staging = here.copy("SugarWater", "1.4.2", target)

        assert staging.dry_run
        assert not (tmp_path / "there").exists()

    def test_to_itself(self, here: Session) -> None:
        """A session is not copied to itself."""
        with pytest.raises(InputError, match="is the one to copy from"):
            here.copy("SugarWater", "1.4.2", here)


def test_to_another_organisation(
    account: AwsAccount, make_file: MakeFile, directories: list[str]
) -> None:
    """An artifact in directories is copied to an organisation's regions."""
    here = Session(regions=directories)
    here.stage("SugarWater", "1.4.2", make_file(b"sugar"))

    staging = here.copy("SugarWater", "1.4.2", Session(regions=AWS_REGIONS))

    assert staging.created
    assert account.latest(AWS_REGIONS[0], "SugarWater") == "1.4.2"


def test_with_a_role(
    account: AwsAccount, wire: Wire, make_file: MakeFile, directories: list[str]
) -> None:
    """A role is taken on for the regions that are copied to, and for them alone."""
    Session(regions=directories).stage("SugarWater", "1.4.2", make_file(b"sugar"))
    somebody = session_as(None, "arn:aws:iam::123456789012:role/copier", region=AWS_REGIONS[0])
    loader = ConfigurationLoader(boto3_session=somebody)
    target = Session(regions=AWS_REGIONS[:1], configuration_loader=loader)

    Session(regions=directories).copy("SugarWater", "1.4.2", target)

    services = [request.service for request in wire.requests()]
    assert services.count("sts") == 1
    assert account.latest(AWS_REGIONS[0], "SugarWater") == "1.4.2"
