"""Pruning a project: which versions go, what keeps them, and what one run does.

It takes two runs. The first marks what is to go, and a later one removes what is still to go then,
once the time of grace has passed.
"""

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from functools import partial

from semver import Version

from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import (
    DeadlineError,
    InputError,
    NotFoundError,
    StartifactError,
    UndeterminedError,
)
from startifact.hints import Hint, Option
from startifact.lazy_dataclasses import dataclass
from startifact.limits import LISTED_NAMES, Limits
from startifact.model.clock import time_of, time_text
from startifact.model.keys import artifact_key
from startifact.model.quorum import left_out
from startifact.model.versions import newest_first, parse_version
from startifact.reading.listing import (
    Listed,
    ask_regions,
    check_answers,
    failures_by_region,
    list_keys,
    marked_versions,
    merged,
    warn_of_others,
)
from startifact.reading.range_choice import nothing_satisfies
from startifact.reading.version_entries import Describer, EntryFilter, VersionEntry
from startifact.regions.interface import Region
from startifact.registers.attempt import Author
from startifact.registers.marks import PruningMark, PruningState, mark_in, mark_register
from startifact.retention.criteria import Criteria
from startifact.retention.finished import finished_in_all, list_finished, record_finished
from startifact.retention.in_use import InUse, read_in_use
from startifact.retention.plan import KeptVersion, PlannedRemoval, PlanState, Pruning
from startifact.retention.readable import find_unreadable
from startifact.retention.removal import (
    Remover,
    change_pruning,
    has_tombstone,
    is_due,
)
from startifact.text import quoted_list

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Pruner:
    """Prunes one project."""

    regions: Sequence[Region]
    project: str
    criteria: Criteria
    author: Author
    now: datetime
    limits: Limits
    dry_run: bool = True
    listed: Sequence[str] = ()
    """The regions that are configured for everybody, where that is known."""

    _failures: dict[str, StartifactError] = field(default_factory=dict)
    _listed: dict[str, Listed] = field(default_factory=dict)
    _finished: frozenset[str] = frozenset()
    """The versions, as texts, that are known to be removed in every region."""

    _completed: list[Version] = field(default_factory=list)
    """Those that turned out to be."""

    _marks: dict[str, PruningMark] = field(default_factory=dict)
    _marked: dict[str, Version] = field(default_factory=dict)
    _lifted: dict[str, Version] = field(default_factory=dict)
    _incomplete: dict[str, StartifactError] = field(default_factory=dict)
    _remover: Remover = field(init=False)

    def __post_init__(self) -> None:
        self._remover = Remover(self.regions, self.project, self.author, self.limits)

    def prune(self, grace: timedelta) -> Pruning:
        """Mark what meets the criteria, and remove what was marked before and is due.

        Raises:
            InputError: Every version meets them, two regions are one store, or a part of those
                that are configured was left out.
            NotFoundError: Every region said that there are no versions, or none satisfies the
                range.
            SeveralRegionsError: Too few regions answered to know what may be removed.
        """
        versions = self._list()
        self._check_left_out()
        self._check_range(versions)
        self._read_finished()
        self._read_marks()
        versions = [v for v in versions if str(v) not in self._finished]
        removing = [v for v in versions if self._is_removing(v)]
        alive = [v for v in versions if not self._is_removing(v)]
        in_use = read_in_use(self.regions, self.project, self._failures, limits=self.limits)
        wanted, kept = self._wanted(alive, in_use)
        not_before = time_text(self.now + grace)
        plan = [self._planned(entry, not_before) for entry in wanted]
        plan += self._unfinished(removing)
        self._incomplete |= find_unreadable(
            self.regions, self.project, plan, self._failures, limits=self.limits
        )
        if not self.dry_run:
            with self._noting_what_was_done():
                self._run(plan)
        return self._result(plan, kept)

    def _list(self) -> list[Version]:
        """Return all versions, newest first; those that have a tombstone are among them."""
        jobs = {r.name: partial(list_keys, r, self.project) for r in self.regions}
        self._listed, failed = ask_regions(jobs, self.limits, None)
        others = {name: others for name, (_, others) in self._listed.items()}
        warn_of_others(self.regions, self.project, others)
        versions = newest_first(merged(self._listed))
        self._failures |= failures_by_region(self.regions, failed)
        check_answers(self.regions, self.project, self._failures, all_needed=not versions)
        if not versions:
            raise NotFoundError(
                f"nothing of {self.project} is staged in "
                f"{', '.join(region.name for region in self.regions)}",
                hint="Check the project's name and the regions",
            )
        return versions

    def _check_range(self, versions: Sequence[Version]) -> None:
        """Return where the range is about something, be it removed by now.

        Raises:
            NotFoundError: No version satisfies it.
        """
        range_ = self.criteria.range
        if range_ is not None and not any(version in range_ for version in versions):
            raise nothing_satisfies(self.regions, self.project, range_, self.limits)

    def _check_left_out(self) -> None:
        """Return where this is about all configured regions, or in a dry run warn.

        Raises:
            InputError: A part was left out. What is in use there alone would not be seen, and
                numbers that were removed would be free there.
        """
        living = [region for region in self.regions if region.name not in self._failures]
        configured = [name for region in living for name in region.configured_regions()]
        names = left_out([region.name for region in self.regions], [*self.listed, *configured])
        if not names:
            return
        message = (
            f"{self.project}: these configured regions were left out, and what is in use there is "
            f"not known: {', '.join(names)}"
        )
        if not self.dry_run:
            raise InputError(message, hint="Prune in all of them at once")
        logger.warning("%s", message)

    def _read_finished(self) -> None:
        """Learn which versions are removed everywhere, by one listing: nothing else is asked."""
        living = [region for region in self.regions if region.name not in self._failures]
        jobs = {r.name: partial(list_finished, r, self.project) for r in living}
        finished, _ = ask_regions(jobs, self.limits, None)  # one that fails says so of marks too
        self._finished = finished_in_all(finished, self._listed)
        self._listed.clear()  # a version for each region and key, which is all that there is

    def _read_marks(self) -> None:
        """Learn which versions are to be removed, by one listing and their marks."""
        living = [region for region in self.regions if region.name not in self._failures]
        jobs = {r.name: partial(marked_versions, r, self.project) for r in living}
        listed, failed = ask_regions(jobs, self.limits, None)
        self._failures |= {failure.name: failure.error for failure in failed}
        check_answers(self.regions, self.project, self._failures, all_needed=False)

        def read(version: Version) -> None:
            reading = mark_register(self.regions, self.project, version, limits=self.limits).read()
            if not reading.is_known:
                key = artifact_key(self.project, version)
                raise reading.unknown(f"cannot tell whether {key} is to be removed")
            mark = mark_in(reading)
            if mark.pruning is not None:
                self._marks[str(version)] = mark.pruning

        marked = {str(version): version for found in listed.values() for version in found}
        for text in self._finished:
            marked.pop(text, None)
        self._pool(partial(read, version) for version in marked.values())

    def _is_removing(self, version: Version) -> bool:
        mark = self._marks.get(str(version))
        return mark is not None and mark.state is PruningState.REMOVING

    def _wanted(
        self, alive: Sequence[Version], in_use: InUse
    ) -> tuple[list[VersionEntry], list[KeptVersion]]:
        """Return which of *alive* are to go, and what meets the criteria and stays all the same.

        Raises:
            InputError: All of them meet the criteria.
        """
        describer = Describer(
            self.regions, self.project,
            channels={}, with_yanks=False, unlisted=self._failures, limits=self.limits,
        )  # fmt: skip
        wanted: list[VersionEntry] = []
        kept: list[KeptVersion] = []
        met = troubled = 0
        may_go = self.criteria.by_number()
        for entry in describer.entries(filter(self.criteria.is_about, alive), EntryFilter()):
            if entry.trouble:
                # It does not count: else nothing that can be delivered might stay.
                troubled += 1
                kept.append(KeptVersion(version=entry.version, why=entry.trouble))
            elif not may_go(entry.version):
                continue
            elif self.criteria.is_old_enough(entry.staged_at, self.now):
                met += 1
                why = in_use.why_kept(entry.version)
                if why is None:
                    wanted.append(entry)
                else:
                    kept.append(KeptVersion(version=entry.version, why=why))
            elif entry.staged_at is None:
                why = "it is not known when it was staged"
                kept.append(KeptVersion(version=entry.version, why=why))
        if met and met + troubled == len(alive):
            raise InputError(
                f"every version of {self.project} meets what is given: nothing of it would stay",
                hint=Hint.of(
                    "Say how many stay with ", Option("keep-versions"), ", or ask for a smaller ",
                    Option("range"),
                ),
            )  # fmt: skip
        return wanted, kept

    def _planned(self, entry: VersionEntry, not_before: str) -> PlannedRemoval:
        mark = self._marks.get(str(entry.version))
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

    def _unfinished(self, removing: Sequence[Version]) -> list[PlannedRemoval]:
        """Return those of *removing* that a region has no tombstone of yet."""
        living = [region for region in self.regions if region.name not in self._failures]
        found: dict[str, PlannedRemoval] = {}

        def inspect(version: Version) -> None:
            key = artifact_key(self.project, version)
            if all(has_tombstone(region, key, self.limits) for region in living):
                self._completed.append(version)
                return
            found[str(version)] = PlannedRemoval(
                version=version,
                state=PlanState.REMOVING,
                not_before=self._marks[str(version)].not_before,
            )

        self._pool(partial(inspect, version) for version in removing)
        return [found[str(version)] for version in removing if str(version) in found]

    def _of_plan(self, plan: Sequence[PlannedRemoval], *states: PlanState) -> list[PlannedRemoval]:
        """Return what of *plan* is in one of *states*, and may be touched."""
        return [p for p in plan if p.state in states and str(p.version) not in self._incomplete]

    def _run(self, plan: Sequence[PlannedRemoval]) -> None:
        for version in self._to_lift(plan):
            self._lifted[str(version)] = version
        self._change(self._lifted, _lift)
        by_text = {str(p.version): p for p in self._of_plan(plan, PlanState.NEW)}
        self._marked = {text: p.version for text, p in by_text.items()}
        self._change(self._marked, lambda text, mark: self._mark(by_text[text], mark))
        self._remover.remove(self._due(plan), self.now)
        self._incomplete |= self._remover.incomplete
        if not self._failures:
            done = [*self._completed, *self._remover.removed.values()]
            record_finished(self.regions, self.project, done, self.author, limits=self.limits)

    def _due(self, plan: Sequence[PlannedRemoval]) -> list[Version]:
        """Return what this run can remove; what is due is incomplete where regions failed."""
        due = [p.version for p in self._of_plan(plan, PlanState.DUE, PlanState.REMOVING)]
        if not self._failures:
            return due
        # What `latest` is there is not known, nor could the removal be finished.
        error = UndeterminedError(
            "nothing is removed, as not all regions answered",
            hint="Run this again when they do",
        )
        self._incomplete |= {str(version): error for version in due}
        return []

    def _to_lift(self, plan: Sequence[PlannedRemoval]) -> list[Version]:
        """Return what was marked, and is not to be removed any more, newest first.

        What the criteria are not about may be marked by another prune, with others.
        """
        planned = {str(p.version) for p in plan}
        return newest_first(
            parse_version(text)
            for text, mark in self._marks.items()
            if text not in planned
            and mark.state is PruningState.MARKED
            and self.criteria.is_about(parse_version(text))
        )

    def _mark(self, planned: PlannedRemoval, found: PruningMark | None) -> PruningMark:
        """Return what is said of *planned*: what was *found*, unless it has no time."""
        if found is not None and (
            found.state is PruningState.REMOVING or time_of(found.not_before) is not None
        ):
            return found
        return PruningMark(
            state=PruningState.MARKED,
            not_before=planned.not_before,
            at=self.author.now(),
            decided_by=self.author.moved_by,
        )

    def _change(
        self,
        versions: dict[str, Version],
        propose: Callable[[str, PruningMark | None], PruningMark | None],
    ) -> None:
        """Change the marks of *versions*; those that are left in it afterwards were changed."""

        def change(text: str, version: Version) -> None:
            try:
                change_pruning(
                    self.regions, self.project, version, partial(propose, text), self.author,
                    limits=self.limits,
                )  # fmt: skip
            except DeadlineError:
                raise
            except StartifactError as e:
                self._incomplete[text] = e
                del versions[text]

        self._pool(partial(change, text, version) for text, version in list(versions.items()))

    def _pool(self, jobs: Iterable[Callable[[], None]]) -> None:
        run_in_pool(jobs, workers=self.limits.inventory_workers, limits=self.limits)

    def _result(self, plan: Sequence[PlannedRemoval], kept: Sequence[KeptVersion]) -> Pruning:
        lifted, removed = list(self._lifted.values()), self._remover.removed
        marked = list(self._marked.values())
        if self.dry_run:
            lifted = self._to_lift(plan)
            marked = [p.version for p in self._of_plan(plan, PlanState.NEW)]
            removed = {str(version): version for version in self._due(plan)}
        taken_back = {
            text: KeptVersion(version=self._remover.begun[text], why=why)
            for text, why in self._remover.in_use.items()
            if text in self._remover.begun
        }
        lifted += [k.version for text, k in taken_back.items() if text not in self._incomplete]
        return Pruning(
            project=self.project,
            plan=tuple(p for p in plan if str(p.version) not in taken_back),
            kept=(*kept, *taken_back.values()),
            marked=tuple(newest_first(marked)),
            lifted=tuple(newest_first(lifted)),
            removed=tuple(newest_first(removed.values())),
            incomplete=dict(self._incomplete),
            failures={
                r.name: self._failures[r.name] for r in self.regions if r.name in self._failures
            },
            dry_run=self.dry_run,
        )

    @contextlib.contextmanager
    def _noting_what_was_done(self) -> Iterator[None]:
        """Add a note of what was removed to any exception that ends the work."""
        try:
            yield
        except BaseException as e:  # a signal too: versions were removed until then all the same
            if removed := self._remover.removed:
                count = (
                    f"{len(removed):,} {'version was' if len(removed) == 1 else 'versions were'}"
                )
                e.add_note(
                    f"until then {count} removed: {quoted_list(list(removed)[:LISTED_NAMES])}"
                )
            raise


def _lift(_: str, mark: PruningMark | None) -> PruningMark | None:
    """Return nothing in the place of *mark*, unless the removal has begun since it was read."""
    return mark if mark is not None and mark.state is PruningState.REMOVING else None
