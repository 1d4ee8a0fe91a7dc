"""Versions that are taken out of the choice of ranges."""

import json
import logging
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.errors import InputError, NotFoundError, YankedError
from tests.support.backends import Backend
from tests.support.limits import Session

MakeFile = Callable[..., Path]


@pytest.fixture
def staged(backends: list[Backend], make_file: MakeFile) -> Session:
    """Return a session in whose regions three versions are staged."""
    here = Session(regions=[backend.spec for backend in backends])
    for number in range(3):
        here.stage("SugarWater", f"1.{number}.0", make_file(f"content {number}".encode()))
    return here


def test_yanked_version_is_passed_over(staged: Session, backends: list[Backend]) -> None:
    """No range picks it, and the artifact says why it is not a higher one."""
    yanking = staged.yank("SugarWater", "1.2.0", "it loses data")

    artifact = staged.get("SugarWater", "^1")
    assert str(artifact.version) == "1.1.0"
    (passed,) = artifact.passed_over
    assert (str(passed.version), passed.why) == ("1.2.0", "it was yanked: 'it loses data'")
    assert (yanking.changed, yanking.channels) == (True, ("latest",))
    stored = json.loads(backends[0].text("SugarWater/_yanked/1.2.0"))
    assert stored["accepted"]["yanked"]["reason"] == "it loses data"
    assert stored["accepted"]["pruning"] is None


@pytest.mark.sweep
@pytest.mark.parametrize("selector", ["1.2.0", "latest", "prod"])
def test_yanked_version_is_delivered(
    staged: Session, tmp_path: Path, caplog: pytest.LogCaptureFixture, selector: str
) -> None:
    """What asks for it by number, and a channel that points at it, get it with a warning."""
    staged.promote("SugarWater", "1.2.0", "prod")
    staged.yank("SugarWater", "1.2.0", "it loses data")
    caplog.clear()

    with caplog.at_level(logging.WARNING):
        artifact = staged.get("SugarWater", selector)
        path = artifact.downloader.download(tmp_path / "back")

    assert path.read_bytes() == b"content 2"
    assert caplog.messages == ["SugarWater@1.2.0 was yanked: 'it loses data'"]
    assert artifact.yank is not None
    assert artifact.yank.reason == "it loses data"
    assert pickle.loads(pickle.dumps(artifact)).yank == artifact.yank  # our own


@pytest.mark.parametrize("backends", ["file"], indirect=True)
def test_whole_reason_in_every_warning(staged: Session, caplog: pytest.LogCaptureFixture) -> None:
    """A download, a promotion and a comparison of the version say the same."""
    reason = "it loses data " * 30
    staged.yank("SugarWater", "1.1.0", reason)
    caplog.clear()

    staged.get("SugarWater", "1.1.0").yank  # noqa: B018  # which is known once it is asked for
    staged.promote("SugarWater", "1.1.0", "prod", allow_yanked=True)
    staged.verify("SugarWater", "1.1.0")

    said = [m for m in caplog.messages if m.startswith("SugarWater@1.1.0 was yanked: ")]
    assert len(said) >= 3
    assert set(said) == {f"SugarWater@1.1.0 was yanked: {reason.strip()!r}"}


@pytest.mark.parametrize("backends", ["file"], indirect=True)
class TestPromotion:
    """Yanked versions and channels."""

    def test_is_refused(self, staged: Session) -> None:
        """Nothing new points at a yanked version."""
        staged.yank("SugarWater", "1.2.0", "it loses data")

        with pytest.raises(YankedError) as caught:
            staged.promote("SugarWater", "1.2.0", "prod")

        assert caught.value.exit_code == 4
        assert "it loses data" in caught.value.message
        with pytest.raises(NotFoundError):
            staged.get("SugarWater", "prod")

    def test_is_allowed(self, staged: Session) -> None:
        """Unless that is told to."""
        staged.yank("SugarWater", "1.2.0", "it loses data")

        assert staged.promote("SugarWater", "1.2.0", "prod", allow_yanked=True).changed

    def test_rollback_to_it(self, staged: Session) -> None:
        """A rollback to a yanked version is refused as well."""
        staged.promote("SugarWater", "1.1.0", "prod")
        staged.promote("SugarWater", "1.2.0", "prod")
        staged.yank("SugarWater", "1.1.0", "it loses data")

        with pytest.raises(YankedError):
            staged.rollback("SugarWater", "prod")


def test_taken_back(staged: Session) -> None:
    """A version that is taken back is picked again."""
    staged.yank("SugarWater", "1.2.0", "it loses data")

    unyanking = staged.unyank("SugarWater", "1.2.0")

    assert unyanking.changed
    assert unyanking.yank is None
    assert str(staged.get("SugarWater", "^1").version) == "1.2.0"
    assert not staged.unyank("SugarWater", "1.2.0").changed


@pytest.mark.parametrize("backends", ["file"], indirect=True)
class TestMore:
    """Repetition, bad input, dry runs."""

    def test_again(self, staged: Session) -> None:
        """The same reason again changes nothing, another one does."""
        staged.yank("SugarWater", "1.2.0", "it loses data")

        assert not staged.yank("SugarWater", "1.2.0", " it loses data ").changed
        assert staged.yank("SugarWater", "1.2.0", "CVE-2026-1").changed

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
    def test_no_reason(self, staged: Session, reason: str) -> None:
        """Whoever gets the version has to know why."""
        with pytest.raises(InputError, match="is not a text of 1 to 500 characters"):
            staged.yank("SugarWater", "1.2.0", reason)

    def test_of_nothing(self, staged: Session) -> None:
        """Only what is staged can be yanked."""
        with pytest.raises(NotFoundError):
            staged.yank("SugarWater", "9.9.9", "it loses data")

    def test_dry_run(self, staged: Session, backends: list[Backend]) -> None:
        """A read-only session yanks nothing, and says what it would do."""
        before = [backend.snapshot() for backend in backends]
        here = Session(regions=[backend.spec for backend in backends], read_only=True)

        yanking = here.yank("SugarWater", "1.2.0", "it loses data")

        assert (yanking.changed, yanking.dry_run) == (True, True)
        assert [backend.snapshot() for backend in backends] == before

    def test_one_region_is_down(self, staged: Session, backends: list[Backend]) -> None:
        """A majority is enough to yank, and every reader sees it, whichever region is down then."""
        backends[2].fail_region()
        yanking = staged.yank("SugarWater", "1.2.0", "it loses data")
        backends[2].restore_region()
        backends[0].fail_region()

        here = Session(regions=[backend.spec for backend in backends])

        assert list(yanking.failures) == [backends[2].spec]
        assert str(here.get("SugarWater", "^1").version) == "1.1.0"

    def test_not_known(
        self,
        staged: Session,
        backends: list[Backend],
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Where too few marks can be read it is delivered, and it is said that it is not known."""
        for backend in backends[:2]:
            backend.write("SugarWater/_yanked/1.1.0", "not JSON")

        artifact = Session(regions=[b.spec for b in backends]).get("SugarWater", "1.1.0")
        artifact.downloader.download(tmp_path / "back")

        assert (artifact.yank, artifact.yank_is_known) == (None, False)
        again = pickle.loads(pickle.dumps(artifact))  # our own
        assert (again.yank, again.yank_is_known) == (None, False)
        (said,) = caplog.messages
        assert said.startswith(
            "it is not known whether SugarWater@1.1.0 was yanked: 1 of 3 regions know it"
        )
        assert "is damaged" in said
        assert "\n" not in said

    def test_known(self, staged: Session) -> None:
        """Where it is known that it was not yanked, that is said too."""
        assert staged.get("SugarWater", "1.1.0").yank_is_known
        assert staged.get("SugarWater", "^1").yank_is_known
