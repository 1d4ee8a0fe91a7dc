"""Copying an artifact into the regions of another session."""

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from startifact.concurrency.progress import Progress
from startifact.errors import (
    AccessDeniedError,
    ConflictError,
    InputError,
    IntegrityError,
    LocalFileError,
    NotFoundError,
    RemovedError,
    SeveralRegionsError,
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


class Meanwhile:
    """Does something once, as soon as the first bytes have come."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self.is_done = False

    def __call__(self, progress: Progress) -> None:
        """Do it, where these are the first bytes of a download."""
        if progress.verb == "download" and not self.is_done:
            self.is_done = True
            self._act()


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

    def test_another_yank_there(self, here: Session, there: Session) -> None:
        """A yank that is there already stays as it is, and the result says so."""
        here.copy("SugarWater", "1.4.2", there)
        there.yank("SugarWater", "1.4.2", "our own reason")
        before = there.get("SugarWater", "1.4.2").yank
        here.yank("SugarWater", "1.4.2", "it loses data")

        with Session(regions=there.regions, read_only=True) as reader:
            dry = here.copy("SugarWater", "1.4.2", reader)
        done = here.copy("SugarWater", "1.4.2", there)

        assert before is not None
        assert (dry.yank, dry.yanked_already) == (before, True)
        assert (done.yank, done.yanked_already) == (before, True)
        assert there.get("SugarWater", "1.4.2").yank == before

    def test_same_yank_there(self, here: Session, there: Session) -> None:
        """What the first copy has yanked, the second one finds yanked already."""
        here.yank("SugarWater", "1.4.2", "it loses data")

        first, second = (here.copy("SugarWater", "1.4.2", there) for _ in range(2))

        assert (first.yanked_already, second.yanked_already) == (False, True)
        assert first.yank == second.yank

    def test_regions_that_missed_the_yank(
        self, here: Session, there: Session, backends: list[Backend], tmp_path: Path
    ) -> None:
        """Where only a region answers that missed a yank, nothing is copied."""
        backends[2].fail_region()
        here.yank("SugarWater", "1.4.2", "it loses data")
        backends[2].restore_region()
        for backend in backends[:2]:
            backend.fail_region()

        with pytest.raises(SeveralRegionsError) as caught:
            Session(regions=[b.spec for b in backends]).copy("SugarWater", "1.4.2", there)

        said = caught.value.message
        assert caught.value.exit_code in {5, 7}
        assert "cannot tell whether SugarWater@1.4.2 was yanked: 1 of 3 regions know it" in said
        assert all(backend.spec in said for backend in backends)
        assert "nothing was written" in caught.value.__notes__
        assert not (tmp_path / "there").exists()

    def test_damaged_marks(
        self, here: Session, there: Session, backends: list[Backend], tmp_path: Path
    ) -> None:
        """Where too few marks can be read, nothing is copied, in a dry run either."""
        here.yank("SugarWater", "1.4.2", "it loses data")
        for backend in backends[:2]:
            backend.write("SugarWater/_yanked/1.4.2", "not JSON")

        for read_only in (False, True):
            with pytest.raises(SeveralRegionsError) as caught:
                here.copy(
                    "SugarWater", "1.4.2", Session(regions=there.regions, read_only=read_only)
                )
            assert caught.value.exit_code == IntegrityError.exit_code

        assert not (tmp_path / "there").exists()

    def test_marks_that_may_not_be_read(
        self, here: Session, there: Session, backends: list[Backend], tmp_path: Path
    ) -> None:
        """A role that may not read whether it was yanked copies nothing, and downloads nothing."""
        regions = faulty([backend.spec for backend in backends])
        for region in regions:
            region.fail("read_channel", AccessDeniedError(f"{region.name}: the role may not"))

        with pytest.raises(SeveralRegionsError) as caught:
            session_over(regions).copy("SugarWater", "1.4.2", there)

        assert caught.value.exit_code == AccessDeniedError.exit_code
        assert "the role may not" in caught.value.message
        assert not (tmp_path / "there").exists()
        assert "read" not in [call for region in regions for call in region.calls]

    def test_yank_meanwhile(self, here: Session, there: Session, backends: list[Backend]) -> None:
        """A yank that succeeds while the bytes are brought is copied too."""
        during = Meanwhile(lambda: here.yank("SugarWater", "1.4.2", "it loses data"))
        copier = Session(regions=[b.spec for b in backends], progress=during)

        copied = copier.copy("SugarWater", "1.4.2", there)

        assert during.is_done
        assert copied.yank is not None
        assert copied.yank.reason == "it loses data"
        assert there.get("SugarWater", "1.4.2").yank == copied.yank

    def test_removal_meanwhile(
        self, here: Session, there: Session, backends: list[Backend], make_file: MakeFile
    ) -> None:
        """A version that is removed while the bytes are brought is not copied."""
        here.stage("SugarWater", "2.0.0", make_file(b"newer"))

        def remove() -> None:
            for _ in range(2):
                here.prune("SugarWater", keep_versions=1, grace="0s", yes=True)

        during = Meanwhile(remove)
        copier = Session(regions=[b.spec for b in backends], progress=during)

        with pytest.raises(RemovedError):
            copier.copy("SugarWater", "1.4.2", there)

        assert during.is_done
        with pytest.raises(NotFoundError):
            there.get("SugarWater", "1.4.2")

    def test_other_content(self, here: Session, there: Session, make_file: MakeFile) -> None:
        """Where other content is staged there, nothing is written, as by a staging."""
        there.stage("SugarWater", "1.4.2", make_file(b"other"))

        with pytest.raises(ConflictError) as caught:
            here.copy("SugarWater", "1.4.2", there)

        assert caught.value.exit_code == 4
        assert str(caught.value.next_step) == (
            "A staged version never changes: copy another version, or find out why this one was "
            "staged with other content there"
        )

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
