"""Every error Startifact raises on purpose.

Each carries the exit code that the command line and the action end with, and a hint that says
what the reader can do next.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from startifact.hints import Command, Hint, as_hint, join
from startifact.limits import BUG_TEXT_CHARACTERS
from startifact.text import quoted, redact, with_regions

if TYPE_CHECKING:
    from startifact.organisation.setup import RegionSetup
    from startifact.reading.outcomes import RegionOutcome

# Several kinds at once: the first of these decides. Differences are what verify was asked for, so
# they come before whatever else there is to say.
EXIT_CODE_ORDER = (8, 2, 9, 7, 4, 6, 10, 5, 3)


class RefusedMember(NamedTuple):
    """Something that may not be a member of an archive, and why."""

    path: str
    """On the disk where an archive was to be made; in the archive where one was to be extracted."""

    reason: str


class StartifactError(Exception):
    """Base of every error Startifact raises on purpose.

    ``message`` is a plain sentence without a full stop; ``next_step`` is what to do next, for a
    way in to put in its own words; ``hint`` is the same in the words of Python. The text of the
    exception is the message and the hint. ``refused_members`` has each member of an archive that
    the message names, where it is about those.
    """

    exit_code: int = 1
    refused_members: tuple[RefusedMember, ...] = ()

    def __init__(self, message: str, *, hint: Hint | str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = as_hint(hint)

    @property
    def hint(self) -> str | None:
        """What to do next, in the words of Python; ``None`` when there is nothing to say."""
        return None if self.next_step is None else str(self.next_step)

    def __str__(self) -> str:
        return self.message if self.next_step is None else f"{self.message}\nhint: {self.next_step}"

    def __eq__(self, other: object) -> bool:
        # By all they say: a result with an error in it is equal after it was pickled.
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), self.message))

    def __reduce__(self) -> tuple[object, ...]:
        # By default an exception is made anew from its message, without its keyword arguments.
        return _restored, (type(self), self.args), self.__dict__


def _restored(cls: type[StartifactError], args: tuple[object, ...]) -> StartifactError:
    return cls.__new__(cls, *args)


class InputError(StartifactError):
    """Something the caller wrote is not valid. Nothing was written."""

    exit_code = 2


class ConfigurationError(StartifactError):
    """The organisation configuration, or what it names, is absent or not valid."""

    exit_code = 2


class ExistsError(Exception):
    """The key already existed when the write arrived; describe it to see what is there."""


class WrongRegionError(ConfigurationError):
    """A bucket is in another AWS region than the one that its region stands for."""


class NewerFormatError(StartifactError):
    """What is stored was written by a newer Startifact than this one."""

    exit_code = 2


class NotFoundError(StartifactError):
    """Every region said that there is no such artifact, project or channel."""

    exit_code = 3


class RemovedError(NotFoundError):
    """The version existed and was removed on purpose; its number stays used."""


class AlreadyStagedError(StartifactError):
    """A region holds other content under this version."""

    exit_code = 4


class RefusedError(StartifactError):
    """A repair would have to choose between contents, or to lose something: a person has to."""

    exit_code = 4


class ExpectationError(StartifactError):
    """A channel holds something else than was expected. Nothing was changed."""

    exit_code = 4


class YankedError(StartifactError):
    """The version was yanked: nothing new is to use it. Nothing was changed."""

    exit_code = 4


class UndeterminedError(StartifactError):
    """Too few regions answered to know, or to succeed. Running again is safe."""

    exit_code = 5


class RegionUnavailableError(UndeterminedError):
    """One region did not answer, or answered with trouble of its own."""


class NetworkSetupError(RegionUnavailableError):
    """A certificate, a proxy or a name keeps requests from a region: a retry does not help."""


class DeadlineError(UndeterminedError):
    """The time that was allowed has passed. Running again is safe."""


class AccessDeniedError(StartifactError):
    """Credentials are missing, expired or not allowed to do what was asked."""

    exit_code = 6


class ServiceRefusedError(StartifactError):
    """The service refuses for good: the same request is refused until something else is changed."""

    exit_code = 10


_RESTORE = (
    "Restore it (aws s3api restore-object), or copy it to a storage class that can be read at "
    "once; a lifecycle rule that archives artifacts needs an exception for them"
)


class ArchivedError(ServiceRefusedError):
    """A copy is in an archive, and cannot be read until it is restored."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            hint=_RESTORE,
        )


class IntegrityError(StartifactError):
    """What is stored is not what was recorded, or regions disagree about it."""

    exit_code = 7


class UnexpectedFileTypeError(IntegrityError):
    """Something else stands where a directory region should have a file or a folder."""


class DamagedArtifactError(IntegrityError):
    """A region has stored an artifact, and says itself that its bytes are others.

    Whoever describes it later cannot see that: its record is the right one.
    """


class IndeterminateContentError(IntegrityError):
    """What was found when an artifact was to be created may be other content."""


class ArchiveError(IntegrityError):
    """An archive is damaged, or has members that are not safe. Nothing of it was written."""


class EditedEntryError(IntegrityError):
    """Digest and size of an entry of a lock file disagree: somebody has edited it."""


class DifferencesError(StartifactError):
    """A comparison of all regions has found that something is not as it should be.

    *target* is the project or artifact that was compared, *lines* are the differences. *archived*
    says of each whether it is that a copy is in an archive, which no repair changes. *hint* stands
    in the place of a repair.
    """

    exit_code = 8

    def __init__(
        self,
        count: int,
        *,
        target: str,
        lines: Iterable[str] = (),
        archived: Sequence[bool] = (),
        hint: Hint | str | None = None,
    ) -> None:
        repair = hint or Hint.of(Command("repair", target), " fixes what can be fixed")
        hints = [repair] if not archived or not all(archived) else []
        text = "".join(f"\n  {line}" for line in lines)
        super().__init__(
            f"{count} {'thing is not as it' if count == 1 else 'things are not as they'} should be"
            + (f":{text}" if text else ""),
            hint=join([*hints, _RESTORE if any(archived) else None]),
        )


class LocalFileError(StartifactError):
    """A local file cannot be read or written."""

    exit_code = 9


class FileChangedError(LocalFileError):
    """The file to stage is not the one that was read first."""


class SeveralRegionsError(StartifactError):
    """The operation failed, and regions failed for reasons that are kept in ``causes``.

    The exit code is the most telling of theirs and of the class in ``kind``, and so is the hint.
    """

    def __init__(
        self,
        message: str,
        *,
        causes: Sequence[StartifactError],
        kind: type[StartifactError] = UndeterminedError,
        hint: Hint | str | None = None,
    ) -> None:
        code = worst_exit_code([kind.exit_code, *(c.exit_code for c in causes)])
        telling = sorted(causes, key=lambda cause: cause.exit_code != code)
        own = hint or next((cause.next_step for cause in telling if cause.next_step), None)
        super().__init__(message, hint=own)
        self.causes = tuple(causes)
        self.exit_code = code


class RegionsFailedError(SeveralRegionsError):
    """Too few regions did what was asked. Running the same again is safe.

    Its text is *message* and below it, by region, what each *said*; its hint has those of all
    causes, and *again* unless every cause would be the same the next time.
    """

    def __init__(self, message: str, *, said: Iterable[tuple[str, object]], again: str) -> None:
        error = no_answer(message, said)
        helps = not error.causes or any(map(may_pass, error.causes))
        hint = join([*(cause.next_step for cause in error.causes), again if helps else None])
        super().__init__(error.message, causes=error.causes, hint=hint)


class StagingFailedError(RegionsFailedError):
    """Too few regions hold the artifact, or a ``latest`` that is not below it.

    ``outcomes`` says how each region came out. Running the staging again is safe.
    """

    def __init__(self, message: str, *, outcomes: "Sequence[RegionOutcome]") -> None:
        super().__init__(
            message,
            said=((o.region, o.error or o.state) for o in outcomes),
            again="Running the same staging again is safe and does only what is missing",
        )
        self.outcomes = tuple(outcomes)


class SetupFailedError(RegionsFailedError):
    """Not every region has the configuration now. Running the same again is safe."""

    def __init__(self, message: str, *, outcomes: "Sequence[RegionSetup]") -> None:
        super().__init__(
            message,
            said=((o.region, o.error or o.state) for o in outcomes),
            again="Running the same setup again is safe and writes only what is missing",
        )
        self.outcomes = tuple(outcomes)


class ConflictError(AlreadyStagedError):
    """A region holds other content under this version, or a tombstone.

    ``outcomes`` says what each region holds by now, ``removed`` whether one holds a tombstone.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: Hint | str | None,
        outcomes: "Sequence[RegionOutcome]",
        removed: bool,
    ) -> None:
        super().__init__(message, hint=hint)
        self.outcomes = tuple(outcomes)
        self.removed = removed


class StoppedError(StartifactError):
    """A signal has ended the *work*; the exit code is 128 and its number."""

    def __init__(self, message: str, *, exit_code: int, work: str, is_safe: bool = True) -> None:
        hint = f"Running the same {work} again is safe" if is_safe else None
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


class BugError(StartifactError):
    """Startifact did not expect *error*. What it says may hold anything: it is quoted here."""

    def __init__(self, error: BaseException, *, hint: Hint | str) -> None:
        said = quoted(redact(str(error)), BUG_TEXT_CHARACTERS)
        super().__init__(
            with_notes(f"this is a bug in Startifact: {type(error).__name__}: {said}", error),
            hint=hint,
        )


_MAY_PASS = (UndeterminedError, FileChangedError, IndeterminateContentError, StoppedError)


def worst_exit_code(codes: Iterable[int]) -> int:
    """Return the exit code that stands for all of *codes*; a bug (1) always wins."""
    known = set(codes)
    unexpected = known - set(EXIT_CODE_ORDER)
    if unexpected:
        return min(unexpected)
    return next(code for code in EXIT_CODE_ORDER if code in known)


def may_pass(error: StartifactError) -> bool:
    """Say whether the same may succeed later although nobody has changed anything."""
    if isinstance(error, SeveralRegionsError) and error.causes:
        return any(map(may_pass, error.causes))
    return isinstance(error, _MAY_PASS) and not isinstance(error, NetworkSetupError)


def by_region(said: Iterable[tuple[str, object]]) -> str:
    """Return what each region said, line by line; an error of several is one line.

    A region that the line names by itself is not named a second time.
    """
    lines: dict[tuple[str, str], list[str]] = {}
    for region, what in said:
        known = isinstance(what, StartifactError)
        text = what.message if isinstance(what, StartifactError) else str(what)
        lines.setdefault(("" if known else region, text), []).append(region)
    return "".join(f"\n  {with_regions(names, what)}" for (_, what), names in lines.items())


def failures_by_reason(failures: Mapping[str, StartifactError]) -> list[StartifactError]:
    """Return an error for each reason why regions failed, with the names of all those regions."""
    regions: dict[tuple[str, Hint | None, int], list[str]] = {}
    for region, error in failures.items():
        reason = (error.message, error.next_step, error.exit_code)
        regions.setdefault(reason, []).append(region)
    found = []
    for (message, next_step, exit_code), names in regions.items():
        one = StartifactError(with_regions(names, message), hint=next_step)
        one.exit_code = exit_code
        found.append(one)
    return found


def as_one(errors: Sequence[StartifactError]) -> StartifactError:
    """Return one error that says what all of *errors* say."""
    if len(errors) == 1:
        return errors[0]
    kind = InputError if all(type(error) is InputError for error in errors) else StartifactError
    one = kind(
        "\n".join(dict.fromkeys(error.message for error in errors)),
        hint=join(error.next_step for error in errors),
    )
    one.exit_code = worst_exit_code(error.exit_code for error in errors)
    one.refused_members = tuple(chain.from_iterable(error.refused_members for error in errors))
    return one


def with_notes(text: str, error: BaseException) -> str:
    """Return *text*, which describes *error*, and below it the notes that were added to it."""
    return "\n".join([text, *getattr(error, "__notes__", ())])


def no_answer(
    message: str, said: Iterable[tuple[str, object]], *, hint: Hint | str | None = None
) -> SeveralRegionsError:
    """Return an error whose text is *message* and below it what each region *said*.

    Errors among that are its causes.
    """
    lines = list(said)
    causes = [what for _, what in lines if isinstance(what, StartifactError)]
    return SeveralRegionsError(message + by_region(lines), causes=causes, hint=hint)
