"""The steps of a repair, and its result."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import DeadlineError, RefusedError, StartifactError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.keys import Key
from startifact.text import quoted, quoted_list

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that a repair did, or in a dry run would do, in one region."""

    region: str
    """The region's name."""

    key: str
    """The key it changed, such as ``SugarWater@1.0.9000`` or ``SugarWater/latest``."""

    action: str
    """``set-aside``, ``fill``, ``complete``, ``move-latest``, ``move-channel`` or ``refresh-copy``;
    a yank is moved as a channel is."""

    message: str
    """A sentence that says what was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What a repair did. It is true when nothing was refused and no region failed."""

    project: str
    steps: tuple[Step, ...]
    """What was done, or in a dry run would be, in the order in which it was."""

    refusals: tuple[StartifactError, ...]
    """What must not be repaired, or not without a person's decision: errors that say why."""

    failures: dict[str, StartifactError]
    """Why regions did not answer or did not take a step, by region, in the configured order."""

    dry_run: bool
    """Whether the session is read-only, so that nothing was written."""

    def __bool__(self) -> bool:
        return not self.refusals and not self.failures

    def __repr__(self) -> str:
        regions = quoted_list(step.region for step in self.steps)
        steps = f"{len(self.steps)} {'steps to take' if self.dry_run else 'steps'}"
        facts = [f"{steps} in {regions}" if self.steps else f"no {steps.partition(' ')[2]}"]
        facts += [f"{len(self.refusals)} refused"] if self.refusals else []
        facts += [f"failed: {quoted_list(self.failures)}"] if self.failures else []
        return f"<Repair {quoted(self.project)}: {', '.join(facts)}>"


@dataclass(slots=True)
class RepairLog:
    """The steps that were taken. In a dry run they are recorded only."""

    dry_run: bool
    limits: Limits
    steps: list[Step] = field(default_factory=list)
    refusals: list[StartifactError] = field(default_factory=list)
    failures: dict[str, StartifactError] = field(default_factory=dict)
    conflicts: set[Key] = field(default_factory=set)

    def run_step(self, step: Step, job: Callable[[Heartbeat], None]) -> bool:
        """Run *job*, except in a dry run, and record *step*; say whether it is done.

        Raises:
            DeadlineError: The time that was allowed has passed.
        """
        if not self.dry_run:
            # With *undo*, so that an interrupted step leaves no upload or temporary file behind.
            with FanOut({step.region: job}, limits=self.limits, undo=True) as only:
                answer = only.next()
            if isinstance(answer, Failure):
                self.record_failure(step.region, answer.error)
                return False
        self.record_step(step)
        return True

    def record_step(self, step: Step) -> None:
        """Record that *step* is done."""
        self.steps.append(step)
        if not self.dry_run:
            logger.info("%s: %s", step.region, step.message)

    def record_failure(self, region: str, error: StartifactError) -> None:
        """Record why *region* failed; only its first reason is kept.

        Raises:
            DeadlineError: *error* is one: no region can do more then.
        """
        if isinstance(error, DeadlineError):
            raise error
        self.failures.setdefault(region, error)

    def record_failure_of_all(self, error: StartifactError) -> None:
        """Record *error*, which is about several regions at once.

        Raises:
            DeadlineError: *error* is one: no region can do more then.
        """
        if isinstance(error, DeadlineError):
            raise error
        self.refuse(error)

    def refuse(self, error: StartifactError) -> None:
        """Record *error* as a refusal."""
        self.refusals.append(error)

    def conflict(self, region: str, key: Key) -> None:
        """Record that *region* holds other content of *key* than other regions by now."""
        self.conflicts.add(key)
        error = RefusedError(
            f"{region} has other content of {key} by now", hint="Run this again to see which"
        )
        if error.message not in {refusal.message for refusal in self.refusals}:
            self.refuse(error)

    def has_done(self, region: str, key: Key, action: str) -> bool:
        """Say whether that step is done."""
        return any((s.region, s.key, s.action) == (region, key, action) for s in self.steps)

    @contextlib.contextmanager
    def noting_what_was_done(self) -> Iterator[None]:
        """Add a note of the steps that were done to any exception that ends the work."""
        try:
            yield
        except BaseException as e:  # a signal too: steps were done until then all the same
            if self.steps and not self.dry_run:
                lines = "".join(f"\n  {step.region}: {step.message}" for step in self.steps)
                e.add_note(f"until then this was done:{lines}")
            raise

    def result(self, project: str, regions: Sequence[str]) -> Repair:
        """Return everything that was done; failures are in the order of *regions*."""
        return Repair(
            project=project,
            steps=tuple(self.steps),
            refusals=tuple(self.refusals),
            failures={name: self.failures[name] for name in regions if name in self.failures},
            dry_run=self.dry_run,
        )
