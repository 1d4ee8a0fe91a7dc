"""Every error Startifact raises on purpose.

Each carries the exit code that the command line and the action end with, and a hint that says
what the reader can do next.
"""

from collections.abc import Iterable, Sequence

from startifact.text import quoted, with_regions

# Several kinds at once: the first of these decides. Differences are what verify was asked for, so
# they come before whatever else there is to say.
EXIT_CODE_ORDER = (8, 2, 9, 7, 4, 6, 5, 3)


class StartifactError(Exception):
    """Base of every error Startifact raises on purpose.

    The message is a plain sentence without a full stop; ``hint`` is the next step, or ``None``.
    """

    exit_code: int = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

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


class UndeterminedError(StartifactError):
    """Too few regions answered to know, or to succeed. Running again is safe."""

    exit_code = 5


class RegionUnavailableError(UndeterminedError):
    """One region did not answer, or answered with trouble of its own."""


class DeadlineError(UndeterminedError):
    """The time that was allowed has passed. Running again is safe."""


class AccessDeniedError(StartifactError):
    """Credentials are missing, expired or not allowed to do what was asked."""

    exit_code = 6


class IntegrityError(StartifactError):
    """What is stored is not what was recorded, or regions disagree about it."""

    exit_code = 7


class DifferencesError(StartifactError):
    """A comparison of all regions has found that something is not as it should be."""

    exit_code = 8


class LocalFileError(StartifactError):
    """A local file cannot be read or written."""

    exit_code = 9


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
        hint: str | None = None,
    ) -> None:
        code = worst_exit_code([kind.exit_code, *(c.exit_code for c in causes)])
        telling = sorted(causes, key=lambda cause: cause.exit_code != code)
        own = hint or next((cause.hint for cause in telling if cause.hint), None)
        super().__init__(message, hint=own)
        self.causes = tuple(causes)
        self.exit_code = code


def worst_exit_code(codes: Iterable[int]) -> int:
    """Return the exit code that stands for all of *codes*; a bug (1) always wins."""
    known = set(codes)
    unexpected = known - set(EXIT_CODE_ORDER)
    if unexpected:
        return min(unexpected)
    return next(code for code in EXIT_CODE_ORDER if code in known)


def by_region(said: Iterable[tuple[str, object]]) -> str:
    """Return what each region said, line by line; an error of several is one line.

    A region that the line names by itself is not named a second time.
    """
    lines: dict[tuple[str, str], list[str]] = {}
    for region, what in said:
        one = "" if isinstance(what, StartifactError) else region
        lines.setdefault((one, str(what)), []).append(region)
    return "".join(f"\n  {with_regions(names, what)}" for (_, what), names in lines.items())


class Problems:
    """Collects what is wrong with one input, so that all of it is told at once."""

    def __init__(self, subject: str, error: type[StartifactError] = InputError) -> None:
        self._subject = subject
        self._error = error
        self._lines: list[str] = []
        self._hints: list[str] = []

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, where: str, got: object, expected: str, *, hint: str | None = None) -> None:
        """Record that *where* held *got* and that *expected* was expected."""
        self.say(f"{where}: got {quoted(got)}, expected {expected}", hint=hint)

    def say(self, line: str, *, hint: str | None = None) -> None:
        """Record a problem that is more than a wrong value."""
        self._lines.append(line)
        if hint and hint not in self._hints:
            self._hints.append(hint)

    def absorb(self, error: StartifactError) -> None:
        """Record what a failed check of one value said."""
        self.say(str(error), hint=error.hint)

    def raise_if_any(self) -> None:
        """Raise one error that tells every problem, or return when there is none."""
        if not self._lines:
            return
        hint = ". ".join(self._hints) or None
        if len(self._lines) == 1:
            raise self._error(f"{self._subject} is not valid: {self._lines[0]}", hint=hint)
        lines = "".join(f"\n  {line}" for line in self._lines)
        raise self._error(f"{self._subject} is not valid:{lines}", hint=hint)


def with_notes(text: str, error: BaseException) -> str:
    """Return *text*, which tells of *error*, and below it what was noted while that went by."""
    return "\n".join([text, *getattr(error, "__notes__", ())])
