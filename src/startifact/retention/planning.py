"""What a prune is going to do: which versions go, and what keeps others."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from functools import partial

from semver import Version

from startifact.errors import (
    InputError,
    IntegrityError,
    NewerFormatError,
    NotFoundError,
    RegionUnavailableError,
    RemovedError,
    StartifactError,
    no_answer,
)
from startifact.hints import Hint, Option
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.clock import time_of
from startifact.model.keys import artifact_key
from startifact.model.versions import newest_first
from startifact.reading.listing import check_answers, versions_of
from startifact.reading.nearest import nothing_satisfies
from startifact.reading.version_entries import Describer, EntryFilter, VersionEntry
from startifact.regions.interface import Region
from startifact.registers.marks import PruningMark
from startifact.retention.criteria import Criteria
from startifact.retention.in_use import InUse, read_in_use
from startifact.retention.marked import MarkedVersions
from startifact.retention.plan import KeptVersion, PlannedRemoval, PlanState
from startifact.retention.removal import is_due


@dataclass(slots=True)
class Planner:
    """Plans what is removed of one project. It reads, and writes nothing."""

    regions: Sequence[Region]
    project: str
    criteria: Criteria
    now: datetime
    limits: Limits
    failures: dict[str, StartifactError] = field(default_factory=dict)
    """Why regions could not be asked, by region."""

    incomplete: dict[str, StartifactError] = field(default_factory=dict)
    """Why versions, by their texts, are left as they are."""

    kept: list[KeptVersion] = field(default_factory=list)
    marks: Mapping[str, PruningMark] = field(default_factory=dict)
    """What is said of the removal of versions, by their texts."""

    _newer: dict[str, NewerFormatError] = field(default_factory=dict)
    _unanswered: dict[str, Mapping[str, StartifactError]] = field(default_factory=dict)

    def list_versions(self) -> list[Version]:
        """Return all versions, newest first; those that have a tombstone are among them.

        Raises:
            InputError: Two regions are one store.
            NotFoundError: Every region said that there are none.
            SeveralRegionsError: Too few regions answered.
        """
        versions, failures = versions_of(self.regions, self.project, limits=self.limits, every=True)
        self.failures |= failures
        check_answers(self.regions, self.project, failures, all_needed=not versions)
        if not versions:
            raise NotFoundError(
                f"nothing of {self.project} is staged in "
                f"{', '.join(region.name for region in self.regions)}",
                hint="Check the project's name and the regions",
            )
        return versions

    def plan(self, versions: Sequence[Version], not_before: str) -> list[PlannedRemoval]:
        """Return which of *versions* are to go, and what is being removed, which may be no more.

        What is not marked yet goes from *not_before* on.

        Raises:
            InputError: Every version meets the criteria, or two regions are one store.
            NotFoundError: None satisfies the range.
            SeveralRegionsError: Too few regions answered to know what may be removed.
        """
        self._check_range(versions)
        marked = MarkedVersions(self.regions, self.project, self.failures, self.limits)
        marked.read()
        self.marks = marked.marks
        self.incomplete |= marked.unknown
        settled = marked.removed | marked.removing.keys() | marked.unknown.keys()
        alive = [version for version in versions if str(version) not in settled]
        in_use = read_in_use(self.regions, self.project, self.failures, limits=self.limits)
        wanted = self._wanted(alive, in_use, staying=len(marked.unknown))
        plan = [self._planned(entry, not_before) for entry in wanted]
        for planned in plan:
            self._check_readable(planned)
        return plan + [
            PlannedRemoval(
                version=version,
                state=PlanState.REMOVING,
                not_before=self.marks[str(version)].not_before,
            )
            for version in newest_first(marked.removing.values())
        ]

    def _check_range(self, versions: Sequence[Version]) -> None:
        """Return where the range is about something, be it removed by now.

        Raises:
            NotFoundError: No version satisfies it.
        """
        range_ = self.criteria.range
        if range_ is not None and not any(version in range_ for version in versions):
            raise nothing_satisfies(self.regions, self.project, range_, self.limits)

    def _wanted(
        self, alive: Sequence[Version], in_use: InUse, *, staying: int
    ) -> list[VersionEntry]:
        """Return which of *alive* are to go; note what meets the criteria and stays all the same.

        Besides these, *staying* versions stay whatever they meet.

        Raises:
            InputError: All of them meet the criteria.
        """
        unlisted = dict(self.failures)
        describer = Describer(
            self.regions, self.project,
            channels={}, with_yanks=False, unlisted=unlisted, limits=self.limits,
            note=partial(self._note, unlisted),
        )  # fmt: skip
        wanted: list[VersionEntry] = []
        met = troubled = 0
        may_go = self.criteria.by_number()
        for entry in describer.entries(filter(self.criteria.is_about, alive), EntryFilter()):
            if entry.trouble:
                # It does not count: else nothing that can be delivered might stay.
                troubled += 1
                self.kept.append(KeptVersion(version=entry.version, why=entry.trouble))
            elif not may_go(entry.version):
                continue
            elif self.criteria.is_old_enough(entry.staged_at, self.now):
                met += 1
                why = in_use.why_kept(entry.version)
                if why is None:
                    wanted.append(entry)
                else:
                    self.kept.append(KeptVersion(version=entry.version, why=why))
            elif entry.staged_at is None:
                why = "it is not known when it was staged"
                self.kept.append(KeptVersion(version=entry.version, why=why))
        if met and met + troubled == len(alive) + staying:
            raise InputError(
                f"every version of {self.project} meets what is given: nothing of it would stay",
                hint=Hint.of(
                    "Say how many stay with ", Option("keep-versions"), ", or ask for a smaller ",
                    Option("range"),
                ),
            )  # fmt: skip
        return wanted

    def _planned(self, entry: VersionEntry, not_before: str) -> PlannedRemoval:
        mark = self.marks.get(str(entry.version))
        if mark is not None and time_of(mark.not_before) is None:
            mark = None  # else it would stay marked, and never be due
        state = PlanState.NEW
        if mark is not None:
            state = PlanState.DUE if is_due(mark, self.now) else PlanState.MARKED
        return PlannedRemoval(
            version=entry.version,
            state=state,
            not_before=not_before if mark is None else mark.not_before,
            size=entry.size,
            staged_at=entry.staged_at_text,
        )

    def _note(
        self,
        unlisted: dict[str, StartifactError],
        version: Version,
        said: Mapping[str, StartifactError],
    ) -> None:
        """Note why regions gave no copy of *version*; one that does not answer is *unlisted*."""
        text, silent = str(version), dict[str, StartifactError]()
        for name, error in said.items():
            if isinstance(error, NewerFormatError):
                self._newer[text] = error
            elif not isinstance(error, IntegrityError | RemovedError):
                silent[name] = error
            if isinstance(error, RegionUnavailableError):
                unlisted[name] = error  # asked again, it would take seconds for each version
        if silent:
            self._unanswered[text] = silent

    def _check_readable(self, planned: PlannedRemoval) -> None:
        """Note it where what is *planned* has to be left, as not all of it can be judged.

        A majority without it would outvote what a newer Startifact has stored where a version is
        only read. Here every region counts: what is removed is gone.
        """
        key, text = artifact_key(self.project, planned.version), str(planned.version)
        if (newer := self._newer.get(text)) is not None:
            self.incomplete[text] = newer
            return
        silent = self._unanswered.get(text)
        # With failures before, nothing that is due is removed in any case.
        if silent and planned.state is PlanState.DUE and not self.failures:
            self.incomplete[text] = no_answer(
                f"{key} is not removed, as not all regions say what they have of it:",
                silent.items(),
            )
