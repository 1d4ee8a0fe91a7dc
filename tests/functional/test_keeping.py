"""What a staging goes on with where regions hold other content under its version.

With ``if-exists: keep`` that is what exists; without, it is the file's content where a majority of
all regions holds exactly that.
"""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from semver import Version

from startifact import Staging, State
from startifact.cli import main
from startifact.errors import (
    AlreadyStagedError,
    ArchivedError,
    ConflictError,
    SeveralRegionsError,
    StagingFailedError,
)
from startifact.model.keys import Key
from startifact.repair.verify import FindingKind
from tests.support.backends import Backend
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import Session
from tests.support.messages import message_of, shell_hint

MakeFile = Callable[..., Path]

KEY = "SugarWater@1.0.0"
ONE, TWO, THREE = b"one", b"two", b"three"

FILES = pytest.mark.parametrize("backends", ["file"], indirect=True)


class Regions:
    """The three regions of a project, and stagings to all or some of them."""

    def __init__(self, backends: list[Backend], make_file: MakeFile) -> None:
        self.all = backends
        self._make_file = make_file

    def stage(self, content: bytes, *, to: list[Backend] | None = None, **options: Any) -> Staging:
        specs = [backend.spec for backend in self.all if to is None or backend in to]
        own = {n: options.pop(n) for n in ("required_regions", "read_only") if n in options}
        session = Session(regions=specs, **own)
        return session.stage("SugarWater", "1.0.0", self._make_file(content), **options)

    def plant(self, content: bytes, at: Backend, **options: Any) -> None:
        """Leave what a staging that failed leaves: the artifact in one region, and no latest."""
        self.stage(content, to=[at], **options)
        at.erase("SugarWater/latest")

    def contents(self) -> list[bytes | None]:
        return [b.content(KEY) if self.holds(b) else None for b in self.all]

    def holds(self, backend: Backend) -> bool:
        return KEY in backend.keys()  # noqa: SIM118

    def snapshot(self) -> list[dict[str, object]]:
        return [backend.snapshot() for backend in self.all]


@pytest.fixture
def three(backends: list[Backend], make_file: MakeFile) -> Regions:
    """Return three regions of each kind in turn."""
    return Regions(backends, make_file)


@pytest.fixture
def race(directories: list[str], make_file: MakeFile) -> "Race":
    """Return a staging that meets, while it writes, what was not there when it looked."""
    return Race(directories, make_file)


class Race:
    def __init__(self, specs: list[str], make_file: MakeFile) -> None:
        self.regions = faulty(specs)
        self.specs = specs
        self._make_file = make_file

    def appears(self, content: bytes, *where: int) -> None:
        """Let other content appear in regions just before something is created there."""
        path = self._make_file(content, f"other-{len(content)}-{where[0]}")
        for index in where:
            region = self.regions[index]
            stage = partial(Session(regions=[self.specs[index]]).stage, "SugarWater", "1.0.0", path)
            region.create = _after(stage, region.create)  # type: ignore[method-assign]

    def becomes_tombstone(self, index: int) -> None:
        region = self.regions[index]
        folder = Path(self.specs[index].removeprefix("file://"), KEY)

        def plant() -> None:
            folder.mkdir(parents=True)
            (folder / "artifact").write_bytes(b"")
            record = {"startifact:format": "1", "startifact:removed-at": "2026-01-01T00:00:00Z"}
            (folder / "metadata.json").write_text(json.dumps(record))

        region.create = _after(plant, region.create)  # type: ignore[method-assign]

    def stage(
        self, content: bytes, *, required_regions: str = "majority", **options: Any
    ) -> Staging:
        return session_over(self.regions, required_regions=required_regions).stage(
            "SugarWater", "1.0.0", self._make_file(content), **options
        )

    def again(
        self, content: bytes, *, required_regions: str = "majority", **options: Any
    ) -> Staging:
        """Stage once more, when nothing appears any more and every region is there."""
        return Session(regions=self.specs, required_regions=required_regions).stage(
            "SugarWater", "1.0.0", self._make_file(content), **options
        )

    def latest(self) -> list[bool]:
        return [region.inner.read_channel(Key("SugarWater/latest")) is not None
                for region in self.regions]  # fmt: skip


def _after(act: Callable[[], object], call: Callable[..., Any]) -> Callable[..., Any]:
    def create(*arguments: Any) -> Any:
        act()
        return call(*arguments)

    return create


def states(staging: Staging) -> list[State]:
    return [outcome.state for outcome in staging.outcomes]


# Keep ----------------------------------------------------------------------------------------


def test_keep_fills_the_other_regions(three: Regions, make_file: MakeFile) -> None:
    """What one region has after a staging that failed is kept, in every region and as latest."""
    first = three.all[0]
    three.stage(ONE, to=[first], metadata={"lang": "dotnet"}, save_filename=True)

    kept = three.stage(TWO, if_exists="keep", required_regions="all")

    assert (kept.kept, kept.created, kept.is_latest) == (True, False, True)
    assert states(kept) == [State.PRESENT, State.CREATED, State.CREATED]
    assert three.contents() == [ONE] * 3
    assert {backend.encoded_record(KEY) for backend in three.all} == {first.encoded_record(KEY)}
    assert [backend.latest("SugarWater") for backend in three.all] == ["1.0.0"] * 3
    with pytest.raises(AlreadyStagedError):
        three.stage(TWO, to=three.all[1:])


@FILES
def test_keep_moves_latest(three: Regions) -> None:
    """A kept version is brought to its end like one that is staged: latest moves to it."""
    for backend in three.all:
        three.plant(ONE, backend)

    kept = three.stage(TWO, if_exists="keep")

    assert kept.is_latest
    assert [outcome.latest for outcome in kept.outcomes] == [Version(1)] * 3


def test_keep_needs_its_quorum(three: Regions) -> None:
    """Keeping fails where too few regions can be filled, and running it again goes on."""
    three.stage(ONE, to=three.all[:1])
    three.all[1].fail_region()
    three.all[2].fail_region()

    with pytest.raises(StagingFailedError, match="is staged in 1 of 3 regions, 2 are needed"):
        three.stage(TWO, if_exists="keep")

    three.all[2].restore_region()
    again = three.stage(TWO, if_exists="keep")
    assert states(again) == [State.PRESENT, State.FAILED, State.CREATED]
    with pytest.raises(StagingFailedError, match="3 are needed"):
        three.stage(TWO, if_exists="keep", required_regions="all")


def test_keep_what_the_majority_has(three: Regions, caplog: pytest.LogCaptureFixture) -> None:
    """Of two contents the majority's is kept; the region with the other one is named."""
    three.stage(ONE, to=three.all[:1])
    three.stage(TWO, to=three.all[1:])

    kept = three.stage(ONE, if_exists="keep")

    assert kept.kept
    assert states(kept) == [State.DIFFERENT, State.PRESENT, State.PRESENT]
    assert kept.artifact.size == len(TWO)
    assert f"{KEY} in {three.all[0].spec} is not what most regions hold" in caplog.text
    assert three.contents() == [ONE, TWO, TWO]


@pytest.mark.parametrize("content", [ONE, THREE])
@FILES
def test_keep_of_two_contents(three: Regions, content: bytes) -> None:
    """Of two contents without a majority none is kept, the file's own neither."""
    three.stage(ONE, to=three.all[:1])
    three.stage(TWO, to=three.all[1:2])
    before = three.snapshot()

    with pytest.raises(ConflictError) as caught:
        three.stage(content, if_exists="keep")

    assert caught.value.exit_code == 4
    assert shell_hint(caught.value).count(f"startifact repair {KEY} --keep sha256:") == 2
    assert "if-exists" not in shell_hint(caught.value)
    assert three.snapshot() == before


@FILES
def test_keep_that_nobody_can_deliver(three: Regions) -> None:
    """What is kept is verified before any region is filled from it."""
    three.plant(ONE, three.all[0])
    record = three.all[0].encoded_record(KEY)
    three.all[0].plant(KEY, b"0ne", record)
    before = three.snapshot()

    with pytest.raises(SeveralRegionsError) as caught:
        three.stage(TWO, if_exists="keep")

    assert caught.value.exit_code == 7
    assert three.snapshot() == before


def test_dry_run_of_keep(three: Regions) -> None:
    """A dry run says which regions would be filled, and writes nothing."""
    three.stage(ONE, to=three.all[:1])
    before = three.snapshot()

    kept = three.stage(TWO, if_exists="keep", read_only=True)

    assert kept.kept
    assert states(kept) == [State.PRESENT, State.WOULD_CREATE, State.WOULD_CREATE]
    assert kept.is_latest
    assert three.snapshot() == before


@FILES
def test_keep_that_only_a_further_region_lacks(
    three: Regions, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Where enough regions hold what is kept, one that cannot be filled fails alone."""
    three.stage(ONE, to=three.all[:2])
    regions = faulty([backend.spec for backend in three.all])
    for region in regions[:2]:
        region.fail("read", ArchivedError("it is in an archive"))

    kept = session_over(regions).stage("SugarWater", "1.0.0", make_file(TWO), if_exists="keep")

    assert (kept.kept, kept.is_latest) == (True, True)
    assert states(kept) == [State.PRESENT, State.PRESENT, State.FAILED]
    assert "it is in an archive" in message_of(kept.outcomes[2].error)
    assert "it is in an archive" in caplog.text
    with pytest.raises(SeveralRegionsError) as caught:
        session_over(regions, required_regions="all").stage(
            "SugarWater", "1.0.0", make_file(TWO), if_exists="keep"
        )
    assert caught.value.exit_code == 10
    assert three.contents() == [ONE, ONE, None]


@FILES
def test_keep_leaves_no_temporary_files(
    three: Regions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was brought here to fill other regions from is gone afterwards."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    three.stage(ONE, to=three.all[:1])

    three.stage(TWO, if_exists="keep")

    assert list(scratch.iterdir()) == []


def test_keep_what_appears_everywhere(race: Race) -> None:
    """What another staging creates first, in every region, is kept although nobody saw it come."""
    race.appears(TWO, 0, 1, 2)

    kept = race.stage(ONE, if_exists="keep")

    assert (kept.kept, kept.created, kept.is_latest) == (True, False, True)
    assert kept.artifact.size == len(TWO)
    assert states(kept) == [State.PRESENT] * 3


def test_keep_what_appears_in_most_regions(race: Race) -> None:
    """What appears in most regions is kept; latest stays where this attempt was first."""
    race.appears(b"other", 0, 1)

    kept = race.stage(ONE, if_exists="keep")

    assert (kept.kept, kept.created) == (True, False)
    assert states(kept) == [State.PRESENT, State.PRESENT, State.DIFFERENT]
    assert race.latest() == [True, True, False]


def test_keep_where_this_attempt_has_most_regions(race: Race) -> None:
    """Where this attempt was first in most regions, its content is the majority's."""
    race.appears(b"other", 0)

    staging = race.stage(ONE, if_exists="keep")

    assert (staging.kept, staging.created, staging.is_latest) == (False, True, True)
    assert states(staging) == [State.DIFFERENT, State.CREATED, State.CREATED]


def test_keep_of_what_appears_without_a_majority(race: Race) -> None:
    """Two contents of which none has a majority are a conflict, also when found this late."""
    race.appears(b"other", 0)
    race.regions[2].fail("create")

    with pytest.raises(ConflictError):
        race.stage(ONE, if_exists="keep")

    assert race.latest()[1:] == [False, False]


def test_keep_of_what_is_removed_meanwhile(race: Race) -> None:
    """A tombstone that appears while this attempt writes is no content to keep."""
    race.becomes_tombstone(0)

    with pytest.raises(ConflictError, match="was removed at") as caught:
        race.stage(ONE, if_exists="keep")

    assert (caught.value.exit_code, caught.value.removed) == (4, True)
    assert race.latest() == [False] * 3


# The same content again, where a majority has it ---------------------------------------------


def test_same_again_where_a_majority_has_it(
    three: Regions, caplog: pytest.LogCaptureFixture
) -> None:
    """Other bytes that an earlier attempt left in one region do not fail what a majority holds."""
    away = three.all[0]
    three.stage(ONE, to=[away])
    three.stage(TWO, to=three.all[1:])

    again = three.stage(TWO)

    assert (again.created, again.kept, again.is_latest) == (False, False, True)
    assert states(again) == [State.DIFFERENT, State.PRESENT, State.PRESENT]
    assert "3 bytes" in message_of(again.outcomes[0].error)
    [warning] = [r.getMessage() for r in caplog.records if "most regions" in r.getMessage()]
    assert f"{KEY} in {away.spec} is not what most regions hold" in warning
    assert (
        f"Session.repair('SugarWater', '1.0.0', keep='sha256:{again.artifact.sha256}')" in warning
    )
    assert three.contents() == [ONE, TWO, TWO]


def test_command_of_the_warning_repairs_it(
    three: Regions, make_file: MakeFile, capsys: pytest.CaptureFixture[str]
) -> None:
    """The warning has a command in the words of a shell, after which nothing differs."""
    three.stage(ONE, to=three.all[:1], metadata={"lang": "dotnet"})
    three.stage(ONE, to=three.all[1:], metadata={"lang": "rust"})
    regions = f"--regions={','.join(backend.spec for backend in three.all)}"
    path = str(make_file(ONE))

    code = main(["stage", KEY, path, "-m", "lang=rust", regions])

    said = re.sub(r"\s+", " ", capsys.readouterr().err)
    [command] = re.findall(rf"startifact (repair {KEY} --keep content:[0-9a-f]{{64}})", said)
    assert code == 0
    assert main([*command.split(), regions]) == 0
    assert main(["verify", "SugarWater", regions]) == 0


@FILES
def test_other_content_where_a_majority_has_it(three: Regions) -> None:
    """The content of the minority stays refused."""
    three.stage(ONE, to=three.all[:1])
    three.stage(TWO, to=three.all[1:])
    before = three.snapshot()

    with pytest.raises(AlreadyStagedError):
        three.stage(ONE)

    assert three.snapshot() == before


@FILES
def test_same_again_fills_absent_regions(
    backends: list[Backend], make_file: MakeFile, tmp_path: Path
) -> None:
    """Of five regions three have it, one differs, and the last is filled; latest moves in four."""
    specs = [f"file://{tmp_path}/five/{i}" for i in range(5)]
    Session(regions=specs[:1]).stage("SugarWater", "1.0.0", make_file(ONE))
    Path(tmp_path, "five", "0", "SugarWater", "latest").unlink()
    Session(regions=specs[1:4]).stage("SugarWater", "1.0.0", make_file(TWO))

    again = Session(regions=specs).stage("SugarWater", "1.0.0", make_file(TWO))

    present = [State.PRESENT] * 3
    assert states(again) == [State.DIFFERENT, *present, State.CREATED]
    assert [outcome.latest for outcome in again.outcomes] == [None, *[Version(1)] * 4]
    assert not Path(tmp_path, "five", "0", "SugarWater", "latest").exists()


def test_same_again_where_all_are_required(three: Regions) -> None:
    """Where all regions are required, the one that differs has to be repaired first."""
    three.stage(ONE, to=three.all[:1])
    three.stage(TWO, to=three.all[1:])
    before = three.snapshot()

    with pytest.raises(ConflictError) as caught:
        three.stage(TWO, required_regions="all")

    assert "3 of 3 regions are required, so first run startifact repair" in shell_hint(caught.value)
    assert three.snapshot() == before


@FILES
def test_same_again_with_one_region_down(three: Regions) -> None:
    """Without a majority that is seen to hold it, other content stays a conflict."""
    three.stage(ONE, to=three.all[:1])
    three.stage(TWO, to=three.all[1:])
    three.all[2].fail_region()

    with pytest.raises(ConflictError):
        three.stage(TWO)


@FILES
def test_dry_run_where_a_majority_has_it(three: Regions, caplog: pytest.LogCaptureFixture) -> None:
    """A dry run foretells the success and the warning."""
    three.stage(ONE, to=three.all[:1])
    three.stage(TWO, to=three.all[1:])

    staging = three.stage(TWO, read_only=True)

    assert states(staging) == [State.DIFFERENT, State.PRESENT, State.PRESENT]
    assert "is not what most regions hold" in caplog.text


def test_what_appears_in_a_minority(race: Race, caplog: pytest.LogCaptureFixture) -> None:
    """Other content found only while writing fails nothing where a majority has the file's."""
    race.appears(b"other", 0)

    staging = race.stage(ONE)

    assert (staging.created, staging.kept, staging.is_latest) == (True, False, True)
    assert states(staging) == [State.DIFFERENT, State.CREATED, State.CREATED]
    assert race.latest()[1:] == [True, True]
    [warning] = [r.getMessage() for r in caplog.records if "most regions" in r.getMessage()]
    assert f"{KEY} in {race.specs[0]} is not what most regions hold" in warning
    assert f"keep='sha256:{staging.artifact.sha256}')" in warning
    differing = Session(regions=race.specs).verify("SugarWater", "1.0.0").differences
    assert [d.kind for d in differing] == [FindingKind.DIFFERENT]
    with pytest.raises(AlreadyStagedError):
        race.again(b"other")
    assert states(race.again(ONE)) == [State.DIFFERENT, State.PRESENT, State.PRESENT]


def test_what_appears_in_a_majority(race: Race) -> None:
    """Where others have a majority by then, the file is refused, and keeping theirs helps."""
    race.appears(b"other", 0, 1)

    with pytest.raises(ConflictError) as caught:
        race.stage(ONE)

    assert "--if-exists keep" in shell_hint(caught.value)
    assert not race.latest()[2]
    assert race.again(ONE, if_exists="keep").kept


def test_what_appears_without_a_majority(race: Race) -> None:
    """Where nobody has a majority, none is the version until somebody has chosen one."""
    race.appears(b"other", 0)
    race.regions[2].fail("create")

    with pytest.raises(ConflictError) as caught:
        race.stage(ONE)

    names = re.findall(r"--keep (sha256:[0-9a-f]{64})", shell_hint(caught.value))
    assert len(names) == 2
    assert race.latest()[1:] == [False, False]
    Session(regions=race.specs).repair("SugarWater", "1.0.0", keep=names[1])
    assert states(race.again(ONE)) == [State.PRESENT] * 3


def test_what_appears_where_all_are_required(race: Race) -> None:
    """Where every region has to hold it, the one that differs has to be repaired first."""
    race.appears(b"other", 0)

    with pytest.raises(ConflictError) as caught:
        race.stage(ONE, required_regions="all")

    hint = shell_hint(caught.value)
    assert "3 of 3 regions are required, so first run startifact repair" in hint
    assert race.latest()[1:] == [False, False]
    [name] = re.findall(r"--keep (sha256:[0-9a-f]{64})", hint)
    Session(regions=race.specs).repair("SugarWater", "1.0.0", keep=name)
    assert states(race.again(ONE, required_regions="all")) == [State.PRESENT] * 3


def test_downloads_after_it(race: Race, tmp_path: Path) -> None:
    """Who downloads gets what the majority holds."""
    race.appears(b"other", 0)
    staging = race.stage(ONE, if_exists="keep")

    path = staging.artifact.downloader.download(tmp_path / "back")

    assert path.read_bytes() == ONE
