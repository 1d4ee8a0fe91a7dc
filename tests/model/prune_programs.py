"""Programs of the model that remove a version for good, and the marks that they begin with."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ClassVar

from startifact.errors import SeveralRegionsError, UndeterminedError
from startifact.model.versions import parse_version
from startifact.registers.attempt import Author
from startifact.registers.marks import PruningMark, PruningState
from startifact.retention import pruning
from startifact.retention.criteria import Criteria
from startifact.retention.pruning import Pruner
from startifact.retention.removal import Remover, change_pruning
from tests.model.channel_programs import LIMITS, ChannelProgram
from tests.model.engine import NOW, ModelRegion, running
from tests.model.programs import PROJECT, Repair, Report, Stage

NEWEST = Criteria.of(keep_versions=1, keep_prereleases=None, older_than=None, range_=None)
LATER = datetime(2027, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MarkDue(ChannelProgram):
    """Marks *version* as what may be removed by now, or as what is being removed."""

    version: str
    state: PruningState = PruningState.MARKED

    def run(self, folder: Path) -> Report:
        running().label = self.name
        mark = PruningMark(state=self.state, not_before=NOW, at=NOW, decided_by=self.name)
        regions = [ModelRegion(region) for region in self.regions]
        change_pruning(
            regions, PROJECT, parse_version(self.version), lambda _: mark,
            Author(moved_by=self.name, now=lambda: NOW), limits=LIMITS,
        )  # fmt: skip
        return Report("marked")


@dataclass(frozen=True, slots=True)
class Prune(ChannelProgram):
    """Removes *version*, which is due."""

    version: str

    def run(self, folder: Path) -> Report:
        running().label = self.name
        author = Author(moved_by=self.name, now=lambda: NOW)
        regions = [ModelRegion(region) for region in self.regions]
        remover = Remover(regions, PROJECT, author, LIMITS)
        remover.remove([parse_version(self.version)], LATER)
        if remover.removed:
            return Report("removed", self.version)
        if remover.incomplete:
            return Report("incomplete", self.version)
        return Report("kept" if remover.in_use else "nothing", self.version)


@dataclass(frozen=True, slots=True)
class Lift(ChannelProgram):
    """Takes the mark of *version* back, as a prune does whose plan does not have it any more."""

    version: str

    def run(self, folder: Path) -> Report:
        running().label = self.name
        regions = [ModelRegion(region) for region in self.regions]
        try:
            change_pruning(
                regions, PROJECT, parse_version(self.version),
                partial(pruning._lift, self.version),
                Author(moved_by=self.name, now=lambda: NOW), limits=LIMITS,
            )  # fmt: skip
        except (SeveralRegionsError, UndeterminedError):
            return Report("undetermined")
        return Report("lifted")


@dataclass(frozen=True, slots=True)
class PruneAll(ChannelProgram):
    """Prunes the project but for its newest version, and marks what is new as due at once."""

    def run(self, folder: Path) -> Report:
        running().label = self.name
        pruner = Pruner(
            regions=[ModelRegion(region) for region in self.regions],
            project=PROJECT,
            criteria=NEWEST,
            author=Author(moved_by=self.name, now=lambda: NOW),
            now=LATER,
            limits=LIMITS,
            dry_run=False,
        )
        try:
            done = pruner.prune(timedelta(0))
        except SeveralRegionsError:
            return Report("unreached")
        steps = tuple(map(str, done.removed))
        return Report("pruned" if done else "incomplete", steps=steps)


@dataclass(frozen=True, slots=True)
class StageMarked(Stage):
    """Stages *data* as *version*, which may have been removed by then."""

    is_about_channels: ClassVar[bool] = True

    @property
    def starts_late(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class RepairMarked(Repair):
    """Repairs the project, of which a version may be removed meanwhile."""

    is_about_channels: ClassVar[bool] = True

    def run(self, folder: Path) -> Report:
        running().label = self.name
        return Repair.run(self, folder)
