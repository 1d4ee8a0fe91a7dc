"""Pruning a project: what one run does of what is planned.

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
    StartifactError,
    UndeterminedError,
)
from startifact.lazy_dataclasses import dataclass
from startifact.limits import LISTED_NAMES, Limits
from startifact.model.clock import time_of, time_text
from startifact.model.quorum import left_out
from startifact.model.versions import newest_first, parse_version
from startifact.regions.interface import Region
from startifact.registers.attempt import Author
from startifact.registers.marks import PruningMark, PruningState
from startifact.retention.criteria import Criteria
from startifact.retention.plan import KeptVersion, PlannedRemoval, PlanState, Pruning
from startifact.retention.planning import Planner
from startifact.retention.removal import Remover, change_pruning
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

    _planner: Planner = field(init=False)
    _marked: dict[str, Version] = field(default_factory=dict)
    _lifted: dict[str, Version] = field(default_factory=dict)
    _incomplete: dict[str, StartifactError] = field(default_factory=dict)
    _remover: Remover = field(init=False)

    def __post_init__(self) -> None:
        self._planner = Planner(self.regions, self.project, self.criteria, self.now, self.limits)
        self._remover = Remover(self.regions, self.project, self.author, self.limits)

    @property
    def _failures(self) -> dict[str, StartifactError]:
        return self._planner.failures

    def prune(self, grace: timedelta) -> Pruning:
        """Mark what meets the criteria, and remove what was marked before and is due.

        Raises:
            InputError: Every version meets them, two regions are one store, or a part of those
                that are configured was left out.
            NotFoundError: Every region said that there are no versions, or none satisfies the
                range.
            SeveralRegionsError: Too few regions answered to know what may be removed.
        """
        versions = self._planner.list_versions()
        self._check_left_out()
        plan = self._planner.plan(versions, time_text(self.now + grace))
        self._incomplete |= self._planner.incomplete
        if not self.dry_run:
            with self._noting_what_was_done():
                self._run(plan)
        return self._result(plan)

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
            for text, mark in self._planner.marks.items()
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

    def _result(self, plan: Sequence[PlannedRemoval]) -> Pruning:
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
            kept=(*self._planner.kept, *taken_back.values()),
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
