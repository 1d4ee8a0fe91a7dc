"""Taking a version out of the choice of ranges, and back into it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace

from semver import Version

from startifact.channels.overview import list_channels
from startifact.errors import DeadlineError, InputError, NotFoundError, StartifactError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_REASON_CHARACTERS, Limits
from startifact.model.keys import artifact_key
from startifact.model.versions import is_same
from startifact.reading.finding import find_artifact
from startifact.regions.interface import Region
from startifact.registers.attempt import Author
from startifact.registers.marks import Mark, Yank, mark_in, mark_register
from startifact.registers.reader import Reading
from startifact.registers.record import Accepted
from startifact.registers.register import Register
from startifact.text import quoted

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Yanking:
    """What a yank, or taking one back, did, or in a dry run would do."""

    project: str
    version: Version

    yank: Yank | None
    """What is said of the version now; ``None`` where it is in the choice of ranges."""

    changed: bool
    """Whether that was otherwise before."""

    channels: tuple[str, ...] = ()
    """The channels that point at the version. They keep working."""

    regions: tuple[str, ...] = ()
    """The regions that are known to have it, a majority of all."""

    failures: Mapping[str, StartifactError] = field(default_factory=dict)
    """Why other regions may not have it yet. Readers see it all the same."""

    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Yanker:
    """Yanks versions of a project."""

    regions: Sequence[Region]
    moved_by: str
    now: Callable[[], str]
    limits: Limits
    dry_run: bool = False

    def yank(
        self, project: str, version: Version, reason: str, *, replaces: bool = True
    ) -> Yanking:
        """Take *version* out of the choice of ranges, for *reason*.

        Where it was yanked for another reason, that one stays unless this *replaces* it.

        Raises:
            InputError: *reason* is not valid.
            NotFoundError: There is no such version.
            SeveralRegionsError: Too few regions answered. Nothing was changed.
            UndeterminedError: It may have been yanked, or not.
        """
        find_artifact(self.regions, project, version, progress=None, limits=self.limits)
        yank = Yank(
            reason=check_reason(reason),
            at=self.now(),
            yanked_by=self.moved_by,
        )

        def propose(state: Accepted[Mark] | None) -> Mark | None:
            mark = Mark() if state is None else state.value
            if mark.yanked is not None and (not replaces or mark.yanked.reason == yank.reason):
                return None
            return replace(mark, yanked=yank)

        return self._change(project, version, propose)

    def found(self, project: str, version: Version) -> Yank | None:
        """Return that *version*, which may not be there, was yanked; ``None`` where it was not.

        Raises:
            SeveralRegionsError: Too few regions answered.
        """
        return mark_in(self._read(project, version)).yanked

    def _read(self, project: str, version: Version) -> Reading[Mark]:
        reading = self._register(project, version).read()
        if not reading.is_known:
            key = artifact_key(project, version)
            raise reading.unknown(f"cannot tell whether {key} was yanked")
        return reading

    def _register(self, project: str, version: Version) -> Register[Mark]:
        return mark_register(self.regions, project, version, limits=self.limits)

    def unyank(self, project: str, version: Version) -> Yanking:
        """Take *version* back into the choice of ranges.

        Raises:
            NotFoundError: There is no such version.
            SeveralRegionsError: Too few regions answered. Nothing was changed.
            UndeterminedError: It may have been changed, or not.
        """
        find_artifact(self.regions, project, version, progress=None, limits=self.limits)

        def propose(state: Accepted[Mark] | None) -> Mark | None:
            if state is None or state.value.yanked is None:
                return None
            return replace(state.value, yanked=None)

        return self._change(project, version, propose)

    def _change(
        self,
        project: str,
        version: Version,
        propose: Callable[[Accepted[Mark] | None], Mark | None],
    ) -> Yanking:
        channels = self._channels(project, version)
        if self.dry_run:
            reading = self._read(project, version)
            proposed = propose(reading.accepted)
            mark = mark_in(reading) if proposed is None else proposed
            return Yanking(
                project=project,
                version=version,
                yank=mark.yanked,
                changed=proposed is not None,
                channels=channels,
                dry_run=True,
            )
        author = Author(moved_by=self.moved_by, now=self.now)
        change = self._register(project, version).change(propose, author)
        state = change.accepted
        return Yanking(
            project=project,
            version=version,
            yank=None if state is None else state.value.yanked,
            changed=state is not None and state.has(change.move_id),
            channels=channels,
            regions=change.regions,
            failures=change.failures,
        )

    def _channels(self, project: str, version: Version) -> tuple[str, ...]:
        try:
            found = list_channels(self.regions, project, limits=self.limits)
        except NotFoundError:
            return ()
        except DeadlineError:
            raise
        except StartifactError as e:  # which is no reason not to yank
            logger.warning("it is not known which channels point at it: %s", e.message)
            return ()
        return tuple(c.channel for c in found if is_same(c.version, version))


def check_reason(reason: object) -> str:
    """Return *reason* without white space around it.

    Raises:
        InputError: It is empty or too long.
    """
    text = reason.strip() if isinstance(reason, str) else ""
    if 0 < len(text) <= MAX_REASON_CHARACTERS:
        return text
    raise InputError(
        f"the reason {quoted(reason)} is not a text of 1 to {MAX_REASON_CHARACTERS} characters",
        hint="Say in a sentence what is wrong with the version, and what to use in its place",
    )
