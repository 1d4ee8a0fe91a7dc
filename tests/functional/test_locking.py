"""Lock files: what they are made of, and that a download by one brings what it says, or nothing."""

import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from startifact import Range, State
from startifact.errors import (
    AccessDeniedError,
    InputError,
    IntegrityError,
    LocalFileError,
    NotFoundError,
    StartifactError,
)
from startifact.limits import MAX_LOCK_FILE_BYTES
from tests.conftest import AwsAccount
from tests.support.backends import Backend
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import Session, short_limits

MakeFile = Callable[..., Path]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    """Return the path of a lock file that is not there yet."""
    return tmp_path / "startifact.lock"


@pytest.fixture
def session(directories: list[str], make_file: MakeFile) -> Session:
    """Return a session in whose regions a few versions of two projects are staged."""
    here = Session(regions=directories)
    for project, version in (("CLI", "1.2.0"), ("CLI", "2.0.0"), ("SugarWater", "1.0.0")):
        here.stage(project, version, make_file(f"{project} {version}".encode()))
    here.promote("SugarWater", "1.0.0", "prod")
    return here


def replace_everywhere(directories: list[str], key: str, content: bytes) -> None:
    """Replace what is staged as *key* in every region, as no stager does."""
    other = Session(regions=directories)
    project, version = key.split("@")
    for spec in directories:
        folder = Path(spec.removeprefix("file://")) / key
        for path in sorted(folder.iterdir()):
            path.unlink()
        folder.rmdir()
    source = Path(directories[0].removeprefix("file://")).parent / "other"
    source.write_bytes(content)
    other.stage(project, version, source)


class TestLock:
    """Adding entries, and moving them on."""

    def test_adds(self, session: Session, lock_file: Path, tmp_path: Path) -> None:
        """The entry holds what the selector picks now, and a download brings exactly that."""
        change = session.lock("CLI", "^1.2", lock_file=lock_file)
        artifact = session.get("CLI", Range.parse("^1.2"), lock_file=lock_file)

        assert change.changed
        assert change.before is None
        assert str(change.after) == "CLI@^1.2"
        assert str(change.after.version) == str(artifact.version) == "1.2.0"
        assert (change.after.sha256, change.after.size) == (sha256(b"CLI 1.2.0"), 9)
        assert artifact.downloader.download(tmp_path / "x").read_bytes() == b"CLI 1.2.0"

    def test_stays(
        self, session: Session, lock_file: Path, make_file: MakeFile, tmp_path: Path
    ) -> None:
        """A newer version does not come until the entry is moved on."""
        session.lock("CLI", "^1", lock_file=lock_file)
        session.stage("CLI", "1.3.0", make_file(b"new"))

        before = session.get("CLI", "^1", lock_file=lock_file)
        change = session.lock("CLI", "^1", lock_file=str(lock_file))
        after = session.get("CLI", "^1", lock_file=lock_file)

        assert (str(before.version), str(after.version)) == ("1.2.0", "1.3.0")
        assert change.before is not None
        assert (str(change.before.version), str(change.after.version)) == ("1.2.0", "1.3.0")

    @pytest.mark.parametrize("selector", [None, "latest", "prod", "v1.0.0", "1.0.0", "1.x || 3"])
    def test_selectors(self, session: Session, lock_file: Path, selector: str | None) -> None:
        """Every kind of selector can be locked, and finds its entry again."""
        session.lock("SugarWater", selector, lock_file=lock_file)

        assert str(session.get("SugarWater", selector, lock_file=lock_file)) == "SugarWater@1.0.0"

    def test_all_or_none(self, session: Session, lock_file: Path) -> None:
        """Where one is not found, none is written, and everything that failed is named."""
        session.lock("CLI", "latest", lock_file=lock_file)
        before = lock_file.read_bytes()

        with pytest.raises(StartifactError) as caught:
            session.lock_all(
                [("CLI", "^1"), ("CLI", "^9"), ("SugarWater", "next")], lock_file=lock_file
            )

        assert caught.value.exit_code == NotFoundError.exit_code
        assert "CLI@^9" in caught.value.message
        assert "next" in caught.value.message
        assert caught.value.__notes__ == [f"'{lock_file}' was not changed"]
        assert lock_file.read_bytes() == before

    def test_unchanged_file_is_untouched(self, session: Session, lock_file: Path) -> None:
        """A file whose entries are as they were keeps its comments and its time."""
        session.lock("CLI", "^1", lock_file=lock_file)
        lock_file.write_bytes(b"# mine\n" + lock_file.read_bytes())
        os.utime(lock_file, (1, 1))

        assert not session.lock("CLI", "^1", lock_file=lock_file).changed
        assert not any(c.changed for c in session.update_lock(lock_file=lock_file))
        assert lock_file.read_bytes().startswith(b"# mine\n")
        assert lock_file.stat().st_mtime == 1

    def test_read_only(self, session: Session, directories: list[str], lock_file: Path) -> None:
        """A read-only session says what it would write."""
        change = Session(regions=directories, read_only=True).lock("CLI", lock_file=lock_file)

        assert change.changed
        assert change.dry_run
        assert not lock_file.exists()

    def test_link(self, session: Session, lock_file: Path, tmp_path: Path) -> None:
        """A link is followed and stays, and nothing is left beside the file."""
        (tmp_path / "there").mkdir()
        lock_file.symlink_to("there/real.lock")

        session.lock("CLI", "^1", lock_file=lock_file)

        assert lock_file.is_symlink()
        assert [path.name for path in (tmp_path / "there").iterdir()] == ["real.lock"]

    def test_replaced_bytes_are_not_accepted(
        self, session: Session, directories: list[str], lock_file: Path
    ) -> None:
        """A locked version that has other bytes now is not locked again as if nothing were."""
        session.lock("CLI", "^1", lock_file=lock_file)
        before = lock_file.read_bytes()
        replace_everywhere(directories, "CLI@1.2.0", b"evil")
        fresh = Session(regions=directories)

        with pytest.raises(IntegrityError, match=sha256(b"CLI 1.2.0")) as caught:
            fresh.update_lock(lock_file=lock_file)
        with pytest.raises(IntegrityError, match=r"as CLI@\^1 is locked"):
            fresh.lock("CLI", "1.2.0", lock_file=lock_file)

        assert caught.value.exit_code == 7
        assert lock_file.read_bytes() == before

    def test_folder_that_is_not_there(self, session: Session, tmp_path: Path) -> None:
        """A lock file is not written into a folder that is a mistake."""
        with pytest.raises(LocalFileError, match="cannot write"):
            session.lock("CLI", lock_file=tmp_path / "typo" / "startifact.lock")


class TestMinimumAge:
    """Versions that a range passes over because they are younger than that."""

    @pytest.fixture
    def aged(self, session: Session, directories: list[str], make_file: MakeFile) -> Session:
        """Return the session, in which CLI@1.2.0 is old and CLI@1.3.0 is new."""
        for spec in directories:
            path = Path(spec.removeprefix("file://"), "CLI@1.2.0", "metadata.json")
            record = json.loads(path.read_text())
            record["startifact:staged-at"] = "2020-01-01T00:00:00.000000Z"
            path.write_text(json.dumps(record))
        session.stage("CLI", "1.3.0", make_file(b"new"))
        return Session(regions=directories)

    @pytest.mark.parametrize("min_age", ["7d", timedelta(days=7)])
    def test_lock(self, aged: Session, lock_file: Path, min_age: str | timedelta) -> None:
        """A range is locked to the highest version that is old enough, as `get` picks it."""
        change = aged.lock("CLI", "^1", lock_file=lock_file, min_age=min_age)

        assert str(change.after.version) == "1.2.0"
        assert str(aged.get("CLI", "^1", min_age=min_age).version) == "1.2.0"

    def test_update(self, aged: Session, lock_file: Path) -> None:
        """Of all entries it is for the ranges; what a channel holds has no choice."""
        aged.lock_all(
            [("CLI", "^1"), ("CLI", "1.3.0"), ("SugarWater", "prod")], lock_file=lock_file
        )

        changes = aged.update_lock(lock_file=lock_file, min_age="7d")

        assert [str(c.after.version) for c in changes] == ["1.3.0", "1.2.0", "1.0.0"]
        assert [str(c.after) for c in changes if c.changed] == ["CLI@^1"]

    def test_nothing_is_old_enough(self, aged: Session, lock_file: Path) -> None:
        """Where no version is, none is locked."""
        with pytest.raises(NotFoundError, match=r"2\.0\.0: it was staged"):
            aged.lock_all([("CLI", "^1"), ("CLI", "^2")], lock_file=lock_file, min_age="7d")

        assert not lock_file.exists()

    @pytest.mark.parametrize("selector", [None, "prod", "1.2.0"])
    def test_no_range(self, aged: Session, lock_file: Path, selector: str | None) -> None:
        """It is refused for a selector that leaves no choice, as by `get`."""
        with pytest.raises(InputError, match="which leaves no choice"):
            aged.lock("SugarWater", selector, lock_file=lock_file, min_age="7d")

    def test_no_length_of_time(self, aged: Session, lock_file: Path) -> None:
        """What is no length of time is refused, whatever the entries are."""
        aged.lock("SugarWater", "prod", lock_file=lock_file)

        with pytest.raises(InputError, match="'soon'"):
            aged.update_lock(lock_file=lock_file, min_age="soon")


def test_update(session: Session, lock_file: Path, make_file: MakeFile) -> None:
    """All entries move on, or those of a project, and what moved from where is returned."""
    wanted = [("CLI", "^1"), ("CLI", "1.2.0"), ("SugarWater", "latest")]
    session.lock_all(wanted, lock_file=lock_file)
    session.stage("CLI", "1.9.0", make_file(b"new"))
    session.stage("SugarWater", "1.1.0", make_file(b"new too"))

    some = session.update_lock("CLI", lock_file=lock_file)
    rest = session.update_lock(lock_file=lock_file)

    assert [(str(c.after), str(c.after.version), c.changed) for c in some] == [
        ("CLI@1.2.0", "1.2.0", False),
        ("CLI@^1", "1.9.0", True),
    ]
    assert [str(c.after) for c in rest if c.changed] == ["SugarWater@latest"]
    with pytest.raises(InputError, match=r"no entry of 'Tea': it has 'CLI', 'SugarWater'"):
        session.update_lock("CLI", "Tea", lock_file=lock_file)


class TestGet:
    """Getting an artifact by a lock file or a digest."""

    def test_no_entry(self, session: Session, lock_file: Path) -> None:
        """What is not in the file is refused, with what is there and how to add it."""
        session.lock("CLI", "^1", lock_file=lock_file)

        with pytest.raises(InputError) as other_selector:
            session.get("CLI", "^2", lock_file=lock_file)
        with pytest.raises(InputError) as other_project:
            session.get("SugarWater", lock_file=lock_file)

        assert other_selector.value.message == (
            f"lock file '{lock_file}' has no entry for 'CLI@^2': of CLI it has 'CLI@^1'"
        )
        assert "Session.lock('CLI', '^2', lock_file=" in str(other_selector.value.hint)
        assert other_project.value.message.endswith("'SugarWater@latest': it has 'CLI'")

    def test_replaced_bytes(
        self, session: Session, directories: list[str], lock_file: Path, tmp_path: Path
    ) -> None:
        """Other bytes than those that were locked are refused before any is fetched."""
        session.lock("CLI", "^1", lock_file=lock_file)
        replace_everywhere(directories, "CLI@1.2.0", b"evil")
        regions = faulty(directories)

        with pytest.raises(IntegrityError) as caught:
            session_over(regions).get("CLI", "^1", lock_file=lock_file)

        assert caught.value.exit_code == 7
        assert f"got sha256:{sha256(b'evil')}" in caught.value.message
        assert f"expected sha256:{sha256(b'CLI 1.2.0')}" in caught.value.message
        assert not any("read" in call for region in regions for call in region.calls)

    def test_edited_size(self, session: Session, lock_file: Path) -> None:
        """A size that does not belong to the digest is named."""
        session.lock("CLI", "^1", lock_file=lock_file)
        lock_file.write_text(lock_file.read_text().replace("size = 9", "size = 8"))

        with pytest.raises(IntegrityError, match="got 9 bytes, expected 8 as CLI") as caught:
            session.get("CLI", "^1", lock_file=lock_file)

        assert "version control" in str(caught.value.hint)

    @pytest.mark.parametrize("prefix", ["", "sha256:"])
    def test_digest(self, session: Session, tmp_path: Path, prefix: str) -> None:
        """A digest may be written in either case, and other bytes are refused."""
        right = prefix + sha256(b"CLI 2.0.0").upper()

        assert str(session.get("CLI", sha256=right).version) == "2.0.0"
        with pytest.raises(IntegrityError, match=r"CLI@1\.2\.0: got sha256:") as caught:
            session.get("CLI", "^1", sha256=right)
        assert caught.value.exit_code == 7

    @pytest.mark.parametrize("text", ["", "abc", "md5:" + "0" * 32, "0" * 63, "g" * 64])
    def test_no_digest(self, session: Session, text: str) -> None:
        """What is no SHA-256 is refused, so that an empty variable is not no check at all."""
        with pytest.raises(InputError, match=r"sha256 is .*, expected 64 hexadecimal digits"):
            session.get("CLI", sha256=text)

    def test_both(self, session: Session, lock_file: Path) -> None:
        """A lock file and a digest both have to be right."""
        session.lock("CLI", lock_file=lock_file)

        session.get("CLI", lock_file=lock_file, sha256=sha256(b"CLI 2.0.0"))
        with pytest.raises(IntegrityError):
            session.get("CLI", lock_file=lock_file, sha256="0" * 64)

    def test_minimum_age(self, session: Session, lock_file: Path) -> None:
        """A minimum age beside a lock file has nothing to choose from."""
        session.lock("CLI", "^1", lock_file=lock_file)

        with pytest.raises(InputError, match="beside a lock file"):
            session.get("CLI", "^1", lock_file=lock_file, min_age="7d")

    def test_absent_file(self, session: Session, lock_file: Path, tmp_path: Path) -> None:
        """A lock file that is not there, or is no file, is never taken for an empty one."""
        with pytest.raises(LocalFileError, match="there is no lock file") as caught:
            session.get("CLI", lock_file=lock_file)
        with pytest.raises(InputError, match="not a regular file"):
            session.get("CLI", lock_file=tmp_path)
        with pytest.raises(LocalFileError):
            session.update_lock(lock_file=lock_file)
        lock_file.write_bytes(b"#" * (MAX_LOCK_FILE_BYTES + 1))
        with pytest.raises(InputError, match="more than 1,048,576 bytes"):
            session.get("CLI", lock_file=lock_file)
        lock_file.unlink()
        os.mkfifo(lock_file)
        with pytest.raises(InputError, match="not a regular file"):
            session.get("CLI", lock_file=lock_file)

        assert "Session.lock('PROJECT', 'SELECTOR')" in str(caught.value.hint)

    def test_regions_that_agree_on_others_later(
        self, directories: list[str], make_file: MakeFile, tmp_path: Path
    ) -> None:
        """Where regions that answer late outvote the bytes that were expected, none come."""
        for spec, content in zip(directories, (b"right", b"other", b"other"), strict=True):
            one = Session(regions=[spec], required_regions=1)
            one.stage("CLI", "1.0.0", make_file(content))
        regions = faulty(directories)
        go, answered = threading.Event(), threading.Event()
        for region in regions[1:]:
            region.delay("describe", go)
        artifact = session_over(regions).get("CLI", "1.0.0", sha256=sha256(b"right"))
        reading = regions[0].delay("read", answered)

        with ThreadPoolExecutor(1) as pool:
            got = pool.submit(artifact.downloader.download, tmp_path / "new" / "file")
            assert reading.wait(30)
            go.set()
            give_up = time.monotonic() + 30
            while any(o.state is State.FAILED for o in artifact.downloader.outcomes()):
                assert time.monotonic() < give_up
                time.sleep(0.01)
            answered.set()
            with pytest.raises(IntegrityError, match=f"got sha256:{sha256(b'other')}"):
                got.result()

        assert list((tmp_path / "new").iterdir()) == []


class TestCheck:
    """Saying whether every entry can still be had."""

    @pytest.fixture
    def locked(self, session: Session, lock_file: Path) -> Session:
        wanted = [("CLI", "^1"), ("CLI", "^2"), ("SugarWater", "prod")]
        session.lock_all(wanted, lock_file=lock_file)
        return session

    def test_all_there(self, locked: Session, lock_file: Path, make_file: MakeFile) -> None:
        """Where every entry can be had the check is true, also where newer versions came."""
        locked.stage("CLI", "1.9.0", make_file(b"new"))

        check = locked.check_lock(lock_file=lock_file)

        assert check
        assert [str(entry) for entry in check.entries] == ["CLI@^1", "CLI@^2", "SugarWater@prod"]
        assert [str(e) for e in locked.check_lock("CLI", lock_file=lock_file).entries] == [
            "CLI@^1",
            "CLI@^2",
        ]

    def test_all_problems(
        self, locked: Session, lock_file: Path, directories: list[str], tmp_path: Path
    ) -> None:
        """What was replaced and what is gone are both named."""
        replace_everywhere(directories, "CLI@1.2.0", b"evil")
        for spec in directories:
            Path(spec.removeprefix("file://"), "SugarWater@1.0.0").rename(
                tmp_path / Path(spec).name
            )

        check = Session(regions=directories).check_lock(lock_file=lock_file)

        assert not check
        assert [str(d.entry) for d in check.differences] == ["CLI@^1", "SugarWater@prod"]
        assert [type(d.error) for d in check.differences] == [IntegrityError, NotFoundError]
        assert check.failures == ()

    def test_regions_that_do_not_answer(
        self, locked: Session, lock_file: Path, directories: list[str]
    ) -> None:
        """What is not known is no difference; one region that has it is enough."""
        regions = faulty(directories)
        for region in regions:
            region.fail("describe")
        none = session_over(regions).check_lock(lock_file=lock_file)
        regions = faulty(directories)
        for region in regions[1:]:
            region.fail("describe")
        one = session_over(regions).check_lock(lock_file=lock_file)
        for region in regions:
            region.fail("describe", AccessDeniedError("no"))
        denied = session_over(regions).check_lock(lock_file=lock_file)

        assert not none
        assert none.differences == denied.differences == ()
        assert [f.error.exit_code for f in none.failures] == [5, 5, 5]
        assert [f.error.exit_code for f in denied.failures] == [6, 6, 6]
        assert one


def test_every_kind_of_region(
    backends: list[Backend], make_file: MakeFile, lock_file: Path, tmp_path: Path
) -> None:
    """Locking, downloading and checking are the same wherever artifacts are."""
    session = Session(regions=[backend.spec for backend in backends])
    session.stage("CLI", "1.2.0", make_file(b"one"))

    session.lock("CLI", "^1", lock_file=lock_file)
    session.stage("CLI", "1.3.0", make_file(b"two"))
    path = session.get("CLI", "^1", lock_file=lock_file).downloader.download(tmp_path / "x")

    assert path.read_bytes() == b"one"
    assert session.check_lock(lock_file=lock_file)


def test_first_startifact(account: AwsAccount, lock_file: Path) -> None:
    """An artifact without a recorded digest cannot be locked, nor be had by a digest."""
    account.s3().put_object(Bucket=account.buckets["us-east-1"], Key="team/CLI@1.0.0", Body=b"old")
    session = Session(regions=["us-east-1"])

    with pytest.raises(IntegrityError, match="no recorded digest"):
        session.lock("CLI", "1.0.0", lock_file=lock_file)
    with pytest.raises(IntegrityError, match=r"CLI@1\.0\.0: got .*expected sha256:"):
        session.get("CLI", "1.0.0", sha256=sha256(b"old"))
    assert not lock_file.exists()


class TestWarnings:
    """What is said of versions that were yanked, or are to be removed."""

    @pytest.fixture(autouse=True)
    def marked(self, session: Session, make_file: MakeFile) -> None:
        session.stage("CLI", "3.0.0", make_file(b"newest"))
        session.yank("CLI", "2.0.0", "it loses data")
        session.yank("SugarWater", "1.0.0", "it loses sugar")
        session.prune("CLI", version_range="<2", older_than="1s", keep_versions=1, yes=True)

    def warned(self, caplog: pytest.LogCaptureFixture) -> list[str]:
        said = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
        caplog.clear()
        return said

    def test_each_entry(
        self, session: Session, lock_file: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Adding, moving on and checking warn of each version once, and it can be had."""
        caplog.clear()
        session.lock_all(
            [("CLI", "2.0.0"), ("CLI", "v2.0.0"), ("CLI", "^3"), ("SugarWater", "prod")],
            lock_file=lock_file,
        )
        locked = self.warned(caplog)
        session.update_lock("SugarWater", lock_file=lock_file)
        updated = self.warned(caplog)
        check = session.check_lock(lock_file=lock_file)
        checked = self.warned(caplog)

        sugar = "SugarWater@1.0.0 was yanked: 'it loses sugar'"
        assert locked == ["CLI@2.0.0 was yanked: 'it loses data'", sugar]
        assert (updated, checked) == ([sugar], locked)
        assert check

    def test_removal(
        self,
        session: Session,
        make_file: MakeFile,
        lock_file: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """What is to be removed says when."""
        session.stage("CLI", "1.3.0", make_file(b"newer"))
        session.prune("CLI", version_range="<2", keep_versions=1, yes=True)
        caplog.clear()

        session.lock("CLI", "1.2.0", lock_file=lock_file)

        (said,) = self.warned(caplog)
        assert said.startswith("CLI@1.2.0 is to be removed, not before '2")

    def test_not_known(
        self,
        session: Session,
        directories: list[str],
        lock_file: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """What is not known is said in one line as well, and locked."""
        for spec in directories[:2]:
            path = Path(spec.removeprefix("file://"), "CLI", "_yanked", "3.0.0")
            path.parent.mkdir(exist_ok=True)
            path.write_text("not JSON")
        caplog.clear()

        session.lock("CLI", "3.0.0", lock_file=lock_file)

        (said,) = self.warned(caplog)
        assert said.startswith("it is not known whether CLI@3.0.0 was yanked: 1 of 3 regions")
        assert "\n" not in said

    def test_many(
        self,
        directories: list[str],
        lock_file: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Of very many, some are named and the others are counted."""
        few = Session(regions=directories, limits=short_limits(lock_warnings=1))
        caplog.clear()

        few.lock_all([("CLI", "2.0.0"), ("SugarWater", None)], lock_file=lock_file)

        first, more = self.warned(caplog)
        assert first.startswith("CLI@2.0.0 was yanked")
        assert more == "1 more versions were yanked or are to be removed, or that is not known"
