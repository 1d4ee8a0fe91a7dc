"""Everything that is wrong with one input, in one error."""

from startifact.errors import InputError, StartifactError
from startifact.hints import Hint, join
from startifact.text import quoted


class Problems:
    """Collects what is wrong with one input, so that one error says all of it."""

    def __init__(self, subject: str, error: type[StartifactError] = InputError) -> None:
        self._subject = subject
        self._error = error
        self._lines: list[str] = []
        self._hints: list[Hint | str] = []

    def __len__(self) -> int:
        return len(self._lines)

    def add(
        self, where: str, got: object, expected: str, *, hint: Hint | str | None = None
    ) -> None:
        """Record that *where* held *got* and that *expected* was expected."""
        self.say(f"{where}: got {quoted(got)}, expected {expected}", hint=hint)

    def say(self, line: str, *, hint: Hint | str | None = None) -> None:
        """Record a problem that is more than a wrong value."""
        self._lines.append(line)
        if hint and hint not in self._hints:
            self._hints.append(hint)

    def absorb(self, error: StartifactError) -> None:
        """Record the message and the hint of *error*, which a check of one value raised."""
        self.say(error.message, hint=error.next_step)

    def raise_if_any(self) -> None:
        """Raise one error with every problem, or return when there is none."""
        if not self._lines:
            return
        hint = join(self._hints)
        if len(self._lines) == 1:
            raise self._error(f"{self._subject} is not valid: {self._lines[0]}", hint=hint)
        lines = "".join(f"\n  {line}" for line in self._lines)
        raise self._error(f"{self._subject} is not valid:{lines}", hint=hint)
