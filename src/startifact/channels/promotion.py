"""Pointing a channel at a version, back at an earlier one, or at none."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from semver import Version

from startifact.channels.checks import (
    Expectation,
    check_complete,
    check_expectation,
    check_mark,
    no_expectation,
)
from startifact.channels.mirroring import Mirroring
from startifact.channels.targets import (
    Target,
    channel_register,
    read_state,
    read_version,
    rollback_target,
    state_or_none,
)
from startifact.errors import ExpectationError, NotFoundError, StartifactError
from startifact.hints import Command, Hint, Option
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.keys import channel_key
from startifact.model.quorum import left_out
from startifact.model.versions import is_same
from startifact.reading.artifact import Artifact
from startifact.reading.finding import find_artifact
from startifact.regions.interface import Region
from startifact.registers.attempt import Author, Change
from startifact.registers.record import Accepted
from startifact.registers.register import MAY_BE_SEEN, UNDETERMINED

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What a promotion, a rollback or a removal did, or in a dry run would do."""

    project: str
    channel: str

    version: Version | None
    """What the channel points at now; ``None`` where it was removed."""

    previous: Version | None
    """What it pointed at before; ``None`` where there was no such channel."""

    changed: bool
    """Whether it pointed at something else before."""

    moved_at: str
    """When it was moved there: RFC 3339, in UTC; empty in a dry run."""

    moved_by: str
    """Who has moved it there: as a rule the address of a workflow run."""

    regions: tuple[str, ...] = ()
    """The regions that are known to have it, a majority of all."""

    failures: Mapping[str, StartifactError] = field(default_factory=dict)
    """Why other regions may not have it yet. Readers see it all the same."""

    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoter:
    """Moves channels of a project."""

    regions: Sequence[Region]
    required: int
    """In how many regions a version has to be complete."""

    moved_by: str
    now: Callable[[], str]
    limits: Limits

    mirroring: Mirroring
    """Copies what was moved to mirrors, which nothing here waits for."""

    dry_run: bool = False

    listed: Sequence[str] = ()
    """The regions that are configured for everybody, where that is known."""

    def promote(
        self,
        artifact: Artifact,
        channel: str,
        *,
        expectation: Expectation = no_expectation,
        allow_yanked: bool = False,
    ) -> Promotion:
        """Make *channel* point at the version of *artifact*.

        Raises:
            ExpectationError: It holds something else than was expected. Nothing was changed.
            YankedError: The version was yanked. Nothing was changed.
            RegionsFailedError: Too few regions hold it complete. Nothing was changed.
            SeveralRegionsError: Too few regions answered. Nothing was changed.
            UndeterminedError: It may have been moved, or not.
        """
        project, version = artifact.project, artifact.version
        check_complete(artifact, self.required)

        def propose(state: Accepted[Target] | None) -> Target | None:
            current = _version_of(state)
            check_expectation(project, channel, current, expectation, version)
            return None if state and is_same(current, version) else Target(version=version)

        return self._move(project, channel, propose, version=version, allow_yanked=allow_yanked)

    def roll_back(
        self,
        project: str,
        channel: str,
        *,
        to: Version | None = None,
        allow_yanked: bool = False,
    ) -> Promotion:
        """Make *channel* point at what it held before, or at the version *to* of its history.

        Where it points at *to* already, nothing is changed.

        Raises:
            NotFoundError: There is no such channel, it held nothing before, or never held *to*.
            ExpectationError: Somebody has moved it meanwhile. Nothing was changed.
            YankedError, RegionsFailedError, SeveralRegionsError, UndeterminedError: As `promote`.
        """
        state = read_state(self.regions, project, channel, limits=self.limits)
        version = _earlier(state, project, channel, to)
        artifact = find_artifact(self.regions, project, version, progress=None, limits=self.limits)
        check_complete(artifact, self.required)

        def propose(current: Accepted[Target] | None) -> Target | None:
            if current is None or current.history[0].id != state.history[0].id:
                raise _moved_meanwhile(project, channel, state, current)
            if is_same(current.value.version, version):
                return None
            return Target(version=version, is_rollback=True)

        return self._move(
            project,
            channel,
            propose,
            version=version,
            allow_yanked=allow_yanked,
            undetermined=Hint.of(
                f"{MAY_BE_SEEN}: look at it with ",
                Command("channels", project),
                " before you go back again, which would go back further, or name the version with ",
                Option("to"),
            ),
        )

    def remove(
        self, project: str, channel: str, *, expectation: Expectation = no_expectation
    ) -> Promotion:
        """Make *channel* point at nothing, as if there were none; its history stays.

        Raises:
            NotFoundError: There is no such channel.
            ExpectationError, SeveralRegionsError, UndeterminedError: As `promote`.
        """
        read_version(self.regions, project, channel, limits=self.limits)

        def propose(state: Accepted[Target] | None) -> Target | None:
            current = _version_of(state)
            check_expectation(project, channel, current, expectation, None)
            return None if current is None else Target(version=None)

        return self._move(project, channel, propose, version=None, allow_yanked=True)

    def _move(
        self,
        project: str,
        channel: str,
        propose: Callable[[Accepted[Target] | None], Target | None],
        *,
        version: Version | None,
        allow_yanked: bool,
        undetermined: Hint = UNDETERMINED,
    ) -> Promotion:
        register = channel_register(self.regions, project, channel, limits=self.limits)

        def before_accepting() -> None:
            if version is not None:
                check_mark(
                    self.regions,
                    project,
                    version,
                    allow_yanked=allow_yanked,
                    limits=self.limits,
                )

        if self.dry_run:
            state = state_or_none(register, project, channel)
            proposed = propose(state)
            before_accepting()
            return Promotion(
                project=project,
                channel=channel,
                version=version,
                previous=_version_of(state),
                changed=proposed is not None,
                moved_at="",
                moved_by=self.moved_by,
                dry_run=True,
            )
        author = Author(moved_by=self.moved_by, now=self.now)
        change = register.change(
            propose, author, before_accepting=before_accepting, undetermined=undetermined
        )
        self._warn_of_left_out(channel_key(project, channel))
        self.mirroring.begin(
            self.regions, register, channel, holders=change.regions, limits=self.limits
        )
        return _promotion(project, channel, change, version)

    def _warn_of_left_out(self, key: str) -> None:
        configured = [name for region in self.regions for name in region.configured_regions()]
        names = left_out([region.name for region in self.regions], [*self.listed, *configured])
        if names:
            logger.warning(
                "%s: these configured regions were left out, and readers of all of them may see "
                "another state: %s", key, ", ".join(names),
            )  # fmt: skip


def _version_of(state: Accepted[Target] | None) -> Version | None:
    return None if state is None else state.value.version


def _promotion(
    project: str, channel: str, change: Change[Target], version: Version | None
) -> Promotion:
    history = () if change.accepted is None else change.accepted.history
    own = [i for i, move in enumerate(history) if move.id == change.move_id]
    # What others have done since then is theirs to tell.
    move = history[own[0] if own else 0] if history else None
    before = history[own[0] + 1 : own[0] + 2] if own else ()
    previous = before[0].value.version if before else None
    return Promotion(
        project=project,
        channel=channel,
        version=version,
        previous=previous if own else version,
        changed=bool(own),
        moved_at="" if move is None else move.at,
        moved_by="" if move is None else move.moved_by,
        regions=change.regions,
        failures=change.failures,
    )


def _earlier(state: Accepted[Target], project: str, channel: str, to: Version | None) -> Version:
    """Return the version to go back to."""
    key = channel_key(project, channel)
    if to is None:
        version = rollback_target(state)
        if version is None:
            current = state.value.version
            others = {move.value.version for move in state.history} - {current, None}
            raise NotFoundError(
                f"{key} has held nothing earlier, as far as its history goes",
                hint=Hint.of(
                    "See its history with ",
                    Command("channels", project),
                    ", and name the version to go back to with ",
                    Option("to"),
                )
                if others
                else "Promote the version that it shall point at",
            )
        return version
    if not any(is_same(move.value.version, to) for move in state.history):
        raise NotFoundError(
            f"{key} has never held {to}, as far as its history goes",
            hint=Hint.of(
                "See its history with ",
                Command("channels", project),
                ", or promote the version as any other",
            ),
        )
    return to


def _moved_meanwhile(
    project: str, channel: str, expected: Accepted[Target], current: Accepted[Target] | None
) -> ExpectationError:
    return ExpectationError(
        f"{channel_key(project, channel)} was moved meanwhile, from {expected.value.version} to "
        f"{_version_of(current) or 'nothing'}",
        hint=Hint.of("Look at it with ", Command("channels", project), " before you go back"),
    )
