"""The same files, compressed to other bytes: one content for stagings, two for regions.

Another level of compression stands for another zlib.
"""

import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from startifact import Staging, State
from startifact.errors import ConflictError, IntegrityError
from startifact.repair.verify import FindingKind
from tests.functional.archives.conftest import build
from tests.support.backends import Backend
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import Session

KEY = "SugarWater@1.0.0"
FILES: dict[str, str | bytes | None] = {"a": "sugar and water\n" * 1000, "b": "b"}
BOTH = pytest.mark.parametrize("backends", ["aws", "file"], indirect=True)
ON_DISK = pytest.mark.parametrize("backends", ["file"], indirect=True)


class Project:
    """Three regions, and stagings of one directory to all or some of them."""

    def __init__(self, backends: list[Backend], folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.all = backends
        self.folder = folder
        self._patch = patch

    def compress(self, level: int) -> None:
        self._patch.setattr("startifact.files.archiving.archive.COMPRESSION_LEVEL", level)

    def stage(
        self, level: int = 6, *, to: list[Backend] | None = None, read_only: bool = False,
        **options: Any,
    ) -> Staging:  # fmt: skip
        self.compress(level)
        specs = [backend.spec for backend in self.all if to is None or backend in to]
        session = Session(regions=specs, read_only=read_only)
        return session.stage("SugarWater", "1.0.0", self.folder, **options)

    def plant(self, level: int, *at: Backend) -> None:
        """Leave what a staging that failed leaves: the artifact there, and no latest."""
        for backend in at:
            self.stage(level, to=[backend])
            backend.erase("SugarWater/latest")

    def contents(self) -> list[bytes | None]:
        return [b.content(KEY) if KEY in b.keys() else None for b in self.all]  # noqa: SIM118


@pytest.fixture
def project(backends: list[Backend], here: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(backends, build(here / "dist", FILES), monkeypatch)


@BOTH
def test_rebuild(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    """A rebuild of the same files is a success that writes nothing, and says whose bytes stay."""
    first = project.stage(6)
    before = [backend.snapshot() for backend in project.all]

    with caplog.at_level(logging.INFO):
        again = project.stage(1)

    assert [backend.snapshot() for backend in project.all] == before
    assert (again.created, again.kept, again.is_latest) == (False, False, True)
    assert {outcome.state for outcome in again.outcomes} == {State.PRESENT}
    assert again.artifact.sha256 == first.artifact.sha256
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert f"{KEY} was made of the same files before, and compressed to other bytes" in caplog.text


@BOTH
def test_regions_are_filled_from_what_exists(project: Project) -> None:
    """Regions that lack it get the bytes and the record that exist, never those of the rebuild."""
    project.plant(6, project.all[1])
    (only,) = [content for content in project.contents() if content]

    staging = project.stage(1)

    assert project.contents() == [only] * 3
    assert len({backend.encoded_record(KEY) for backend in project.all}) == 1
    assert (staging.created, staging.kept, staging.is_latest) == (False, False, True)
    states = [outcome.state for outcome in staging.outcomes]
    assert states == [State.CREATED, State.PRESENT, State.CREATED]


@ON_DISK
def test_dry_run(project: Project) -> None:
    """A dry run has the digest of what exists, and writes nothing."""
    project.plant(6, project.all[1])
    (only,) = [content for content in project.contents() if content]

    staging = project.stage(1, read_only=True)

    assert staging.artifact.size == len(only)
    assert not staging.kept
    assert project.contents().count(None) == 2


@ON_DISK
@pytest.mark.parametrize(
    "change",
    [{"metadata": {"a": "b"}}, {"archive": "zip"}, {"save_filename": True}, {"file": "other"}],
    ids=lambda change: next(iter(change)),
)
def test_other_content(change: dict[str, Any], project: Project) -> None:
    """Other files, metadata, names and kinds are other content, whoever compresses."""
    project.stage(6)
    before = project.contents()
    if content := change.pop("file", None):
        (project.folder / "b").write_text(content)

    with pytest.raises(ConflictError, match="is already staged with other content"):
        project.stage(1, **change)
    assert project.contents() == before


@ON_DISK
def test_mode_is_content(project: Project) -> None:
    """A file that can be executed now is other content."""
    project.stage(6)
    (project.folder / "b").chmod(0o755)

    with pytest.raises(ConflictError):
        project.stage(6)


@ON_DISK
def test_majority_of_a_rebuild(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    """Where regions hold other bytes of the same files, those of the majority are the version."""
    one, two, three = project.all
    project.plant(6, one, two)
    project.plant(1, three)
    majority, *_, minority = project.contents()

    for level in (6, 1, 9):
        staging = project.stage(level)
        assert [o.state for o in staging.outcomes] == [
            State.PRESENT,
            State.PRESENT,
            State.DIFFERENT,
        ]
        assert staging.artifact.size == len(majority or b"")
    assert project.contents() == [majority, majority, minority]
    assert "is not what most regions hold" in caplog.text
    assert "differs in the bytes (of the same files)" in caplog.text


@ON_DISK
def test_no_majority(project: Project) -> None:
    """Where none has one, nothing is written: between replicas, bytes decide."""
    one, two, _ = project.all
    project.plant(6, one)
    project.plant(1, two)
    before = project.contents()

    for level in (6, 1, 9):
        with pytest.raises(ConflictError) as caught:
            project.stage(level)
        assert caught.value.hint is not None
        assert "startifact" not in caught.value.hint
        assert "Session.repair('SugarWater', '1.0.0', keep='sha256:" in caught.value.hint
    assert project.contents() == before


@ON_DISK
def test_replicas_are_compared_by_bytes(project: Project) -> None:
    """Readers, verify and repair take two archives of the same files for different contents."""
    one, two, _ = project.all
    project.plant(6, one)
    project.plant(1, two)
    session = Session(regions=[one.spec, two.spec])

    found = session.verify("SugarWater", "1.0.0")
    kept = f"sha256:{Session(regions=one.spec).get('SugarWater', '1.0.0').sha256}"

    assert FindingKind.DIFFERENT in {finding.kind for finding in found.differences}
    with pytest.raises(IntegrityError):
        session.get("SugarWater", "1.0.0").downloader.download(project.folder / "x")
    assert session.repair("SugarWater", "1.0.0", keep=kept)
    assert one.content(KEY) == two.content(KEY)
    assert one.encoded_record(KEY) == two.encoded_record(KEY)
    assert session.get("SugarWater", "1.0.0").tree is not None


@ON_DISK
def test_file_with_the_same_bytes(project: Project, tmp_path: Path) -> None:
    """A file with the bytes of an archive is the same content; its rebuild needs the record."""
    first = project.stage(6)
    file = first.artifact.downloader.download(tmp_path / "as-it-is")

    again = Session(regions=[b.spec for b in project.all]).stage("SugarWater", "1.0.0", file)

    assert (again.created, again.kept) == (False, False)
    assert again.artifact.tree == first.artifact.tree


@ON_DISK
def test_record_that_lies(project: Project, tmp_path: Path) -> None:
    """A rebuild of a plain file that claims nothing is other content."""
    first = project.stage(6)
    for backend in project.all:
        record = json.loads(backend.encoded_record(KEY) or "")
        del record["startifact:tree"]
        backend.plant(KEY, backend.content(KEY), json.dumps(record))

    assert project.stage(6).artifact.sha256 == first.artifact.sha256
    with pytest.raises(ConflictError):
        project.stage(1)


# What is found only while it is written ----------------------------------------------------------


class Race:
    """A staging that meets, while it writes, what was not there when it looked."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.regions = faulty([backend.spec for backend in project.all])

    def appears(self, level: int, *where: int) -> None:
        """Let an archive of another compressor appear just before one is created there."""
        for index in where:
            region, backend = self.regions[index], self.project.all[index]
            create = region.create

            def after(*arguments: Any, backend: Backend = backend, create: Any = create) -> Any:
                self.project.stage(level, to=[backend])
                return create(*arguments)

            region.create = after  # type: ignore[method-assign, assignment]

    def stage(self, level: int, **options: Any) -> Staging:
        self.project.compress(level)
        stage = partial(session_over(self.regions).stage, "SugarWater", "1.0.0")
        return stage(self.project.folder, **options)


@ON_DISK
@pytest.mark.parametrize("where", [(0, 1, 2), (0, 2), (1, 2)])
def test_race_that_is_lost(where: tuple[int, ...], project: Project) -> None:
    """Who loses against another compressor in most regions succeeds with what won."""
    race = Race(project)
    race.appears(1, *where)

    staging = race.stage(6)

    contents = project.contents()
    winner = contents[where[0]]
    assert [contents[index] for index in where] == [winner] * len(where)
    assert (staging.created, staging.kept) == (False, False)
    assert staging.artifact.size == len(winner or b"")
    for index, outcome in enumerate(staging.outcomes):
        assert (outcome.state is State.DIFFERENT) == (contents[index] != winner)


@ON_DISK
def test_race_that_is_won(project: Project) -> None:
    """Who wins in most regions succeeds, and the one that differs is named."""
    race = Race(project)
    race.appears(1, 2)

    staging = race.stage(6)

    first, second, third = project.contents()
    assert first == second != third
    assert staging.artifact.size == len(first or b"")
    assert staging.outcomes[2].state is State.DIFFERENT
    assert staging.is_latest


@ON_DISK
def test_race_among_copies(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is filled after such a race has the bytes of one compressor."""
    race = Race(project)
    race.appears(1, 0)
    race.regions[1].fail("create")
    race.regions[2].fail("create")

    with pytest.raises(Exception, match="is staged in 1 of 3 regions"):
        race.stage(6)
    contents = [content for content in project.contents() if content]
    staging = project.stage(9)

    assert project.contents() == contents * 3
    assert staging.is_latest


@ON_DISK
def test_copy_keeps_the_bytes(project: Project) -> None:
    """What is copied keeps kind and tree; a rebuild in its place is other content, as bytes are."""
    one, two, three = project.all
    source = project.stage(6, to=[one]).artifact
    rebuilt = project.stage(1, to=[two]).artifact
    here = Session(regions=one.spec)

    copied = here.copy("SugarWater", "1.0.0", to=Session(regions=three.spec)).artifact

    assert (copied.archive, copied.tree, copied.sha256) == ("tar.gz", source.tree, source.sha256)
    assert rebuilt.tree == source.tree
    with pytest.raises(ConflictError):
        here.copy("SugarWater", "1.0.0", to=Session(regions=two.spec))


@ON_DISK
def test_repair_keeps_the_facts(project: Project) -> None:
    """A region that a repair fills has the same record."""
    project.stage(6, to=project.all[:2])

    assert Session(regions=[b.spec for b in project.all]).repair("SugarWater", "1.0.0")

    assert len({backend.encoded_record(KEY) for backend in project.all}) == 1
