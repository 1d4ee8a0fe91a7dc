"""What the processes of the model run: a staging, a reader or a repair, each through a session."""

import hashlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, NamedTuple

from startifact import Session
from startifact.errors import (
    AlreadyStagedError,
    IntegrityError,
    NotFoundError,
    SeveralRegionsError,
    StagingFailedError,
)
from startifact.files.archiving.selection import select
from startifact.files.contents import contents_of
from startifact.limits import DEFAULT_LIMITS, MIB, Limits
from startifact.model.record import Origin
from startifact.reading.outcomes import RegionOutcome
from startifact.settings import Settings
from tests.model.engine import ModelRegion

PROJECT = "P"


class Outcome(NamedTuple):
    """What a staging said about one region."""

    region: str
    state: str
    latest: str | None


class Report(NamedTuple):
    """How a program ended."""

    end: str
    version: str | None = None
    sha256: str | None = None
    outcomes: tuple[Outcome, ...] = ()
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """A command that is run in a process of its own; *name* distinguishes it from all others."""

    name: str
    regions: str

    def run(self, folder: Path) -> Report:
        """Run the command."""
        raise NotImplementedError

    is_about_channels: ClassVar[bool] = False
    """Whether it is judged by tests/model/channel_rules.py alone."""

    @property
    def starts_late(self) -> bool:
        """Whether it matters when it starts: what had succeeded before is what it has to see."""
        return True

    def _session(
        self,
        required: str | int = "majority",
        limits: Limits = DEFAULT_LIMITS,
        time: str | None = None,
    ) -> Session:
        return Session(
            regions=[ModelRegion(region) for region in self.regions],
            required_regions=required,
            settings=Settings(origin=Origin(run=self.name), source_date_epoch=time),
            limits=limits,
        )


@dataclass(frozen=True, slots=True)
class Stage(Program):
    """Stages *data* as *version*; where it *copies*, to one region, from which others copy it."""

    version: str
    data: str
    required: str | int = "majority"
    if_exists: str = "fail"
    copies: bool = False
    packs: bool = False
    """Whether it stages an archive instead. All that are staged so are of the same file, and have
    other bytes for other *data*: that says what time is in them."""

    @property
    def starts_late(self) -> bool:
        return False

    @property
    def keeps(self) -> bool:
        """Whether it goes on with what exists where that is other content, or other bytes."""
        return self.packs or self.if_exists == "keep"

    @property
    def needed(self) -> int:
        """How many regions have to follow, from what the documents say."""
        count = len(self.regions)
        return {"majority": count // 2 + 1, "all": count}.get(str(self.required)) or int(
            self.required
        )

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def content(self) -> bytes:
        return archive_of(self.time) if self.packs else self.data.encode()

    @property
    def time(self) -> str:
        """What is in ``SOURCE_DATE_EPOCH``."""
        return str(ord(self.data[0]))

    def run(self, folder: Path) -> Report:
        limits = replace(DEFAULT_LIMITS, copy_bytes=1) if self.copies else DEFAULT_LIMITS
        path = folder / f"content-{self.data}"
        if self.packs:
            path = folder / "content"
            make_content(path)
        elif not path.exists():
            path.write_text(self.data)
        try:
            staging = self._session(self.required, limits, self.time).stage(
                PROJECT, self.version, path, if_exists=self.if_exists
            )
        except AlreadyStagedError:
            return Report("conflict", self.version)
        except StagingFailedError as e:
            return Report("short", self.version, outcomes=_outcomes(e.outcomes))
        except SeveralRegionsError:  # what is to be kept was there, and nobody delivered it
            return Report("short", self.version)
        return Report(
            "staged",
            str(staging.artifact.version),
            staging.artifact.sha256,
            outcomes=_outcomes(staging.outcomes),
        )


def make_content(folder: Path) -> None:
    """Make the folder that is packed."""
    folder.mkdir(exist_ok=True)
    (folder / "file").write_text("sugar and water")


@cache
def archive_of(time: str) -> bytes:
    """Return what a staging makes of the folder that is packed."""
    with TemporaryDirectory() as folder:
        make_content(Path(folder, "content"))
        with (
            select([f"{folder}/content"]) as selected,
            contents_of(selected, time=time) as contents,
        ):
            return contents.scan(lambda _: None, part_bytes=MIB).path.read_bytes()


@dataclass(frozen=True, slots=True)
class Get(Program):
    """Reads ``latest``; with *download*, its bytes too."""

    download: bool = False

    def run(self, folder: Path) -> Report:
        try:
            artifact = self._session().get(PROJECT)
            sha256 = artifact.sha256
            if self.download:
                with TemporaryDirectory(dir=folder) as scratch:
                    path = artifact.downloader.download(Path(scratch) / "artifact")
                    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        except NotFoundError:
            return Report("absent")
        except IntegrityError:
            return Report("disagreement")
        except SeveralRegionsError:
            return Report("undetermined")
        return Report("got", str(artifact.version), sha256)


@dataclass(frozen=True, slots=True)
class Repair(Program):
    """Repairs the project."""

    def run(self, folder: Path) -> Report:
        try:
            repair = self._session().repair(PROJECT)
        except NotFoundError:
            return Report("absent")
        except SeveralRegionsError:
            return Report("unreached")
        steps = tuple(f"{s.action} {s.key} in {s.region}" for s in repair.steps)
        if repair.failures:
            return Report("unreached", steps=steps)
        return Report("refused" if repair.refusals else "repaired", steps=steps)


@dataclass(frozen=True, slots=True)
class Verify(Program):
    """Compares all regions."""

    def run(self, folder: Path) -> Report:
        try:
            found = self._session().verify(PROJECT, read_data=True)
        except NotFoundError:
            return Report("absent")
        return Report("same" if found else "different", steps=tuple(map(str, found.differences)))


def _outcomes(outcomes: tuple[RegionOutcome, ...]) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(o.region, str(o.state), None if o.latest is None else str(o.latest))
        for o in outcomes
    )
