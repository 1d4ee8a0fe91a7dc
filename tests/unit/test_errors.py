"""The error tree: exit codes, hints, and text that can be shown."""

import inspect
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startifact import errors
from startifact.errors import (
    EXIT_CODE_ORDER,
    AccessDeniedError,
    AlreadyStagedError,
    ConfigurationError,
    InputError,
    IntegrityError,
    LocalFileError,
    NotFoundError,
    RegionUnavailableError,
    SeveralRegionsError,
    StartifactError,
    UndeterminedError,
    worst_exit_code,
)
from startifact.organisation.setup import RegionSetup, SetupState
from startifact.problems import Problems
from startifact.reading.outcomes import RegionOutcome, State
from startifact.text import escape_nonprintable, quoted


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StartifactError, 1),
        (InputError, 2),
        (ConfigurationError, 2),
        (errors.NewerFormatError, 2),
        (NotFoundError, 3),
        (errors.RemovedError, 3),
        (AlreadyStagedError, 4),
        (UndeterminedError, 5),
        (RegionUnavailableError, 5),
        (AccessDeniedError, 6),
        (IntegrityError, 7),
        (LocalFileError, 9),
    ],
)
def test_exit_codes(error: type[StartifactError], code: int) -> None:
    """Every kind of error has the exit code that is documented."""
    assert error("message").exit_code == code


def test_one_tree() -> None:
    """Every error in the module has one base class."""
    found = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, Exception)]

    # What a region raises at whoever writes to it is an answer, and never reaches a user.
    assert {c for c in found if not issubclass(c, StartifactError)} == {errors.ExistsError}


@pytest.mark.parametrize("codes", list(itertools.combinations(EXIT_CODE_ORDER, 2)))
def test_several_exit_codes(codes: tuple[int, int]) -> None:
    """Of several kinds at once the first of 2, 9, 7, 4, 6, 5, 3 decides."""
    assert worst_exit_code(codes) == codes[0]
    assert worst_exit_code(reversed(codes)) == codes[0]


def test_a_bug_decides() -> None:
    """An unexpected kind is a bug, and is not hidden behind others."""
    assert worst_exit_code([5, 1, 2]) == 1


def test_several_regions() -> None:
    """An error of several regions has the most telling exit code and hint of theirs."""
    error = SeveralRegionsError(
        "nothing worked",
        causes=[
            RegionUnavailableError("a", hint="Try again"),
            AccessDeniedError("b", hint="Ask somebody"),
        ],
    )

    assert error.exit_code == 6
    assert error.hint == "Ask somebody"
    assert [cause.message for cause in error.causes] == ["a", "b"]


def test_several_regions_of_one_kind() -> None:
    """Where the regions gave no reasons, the kind of the failure decides."""
    assert SeveralRegionsError("x", causes=[]).exit_code == 5
    assert SeveralRegionsError("x", causes=[], kind=NotFoundError).exit_code == 3
    assert SeveralRegionsError("x", causes=[], hint="Do this").hint == "Do this"


def test_one_problem() -> None:
    """One problem stands in the line."""
    problems = Problems("the thing")
    problems.add("size", 5, "more", hint="Make it larger")

    with pytest.raises(
        InputError, match=r"^the thing is not valid: size: got 5, expected more\n"
    ) as e:
        problems.raise_if_any()

    assert e.value.hint == "Make it larger"


def test_many_problems() -> None:
    """Several problems have a line each, and each hint is given once."""
    problems = Problems("the thing", ConfigurationError)
    problems.add("a", 1, "x", hint="First")
    problems.say("b is odd", hint="Second")
    problems.absorb(InputError("c is too", hint="First"))

    with pytest.raises(ConfigurationError) as caught:
        problems.raise_if_any()

    assert caught.value.message == (
        "the thing is not valid:\n  a: got 1, expected x\n  b is odd\n  c is too"
    )
    assert caught.value.hint == "First. Second"
    assert len(problems) == 3


def test_no_problem() -> None:
    """Without a problem nothing is raised."""
    Problems("the thing").raise_if_any()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "'plain'"),
        ("it's", '"it\'s"'),
        ("a\nb", r"'a\nb'"),
        ("\x1b[31m", r"'\x1b[31m'"),
        ("\u202e", r"'\u202e'"),
        ("\ud800", r"'\ud800'"),
        ("größe", "'größe'"),
        (5, "5"),
        (None, "None"),
        (["a\n"], r"['a\n']"),
        ("x" * 130, f"'{'x' * 120}... (130 characters)'"),
    ],
)
def test_shown(value: object, text: str) -> None:
    """A value stands in a message quoted, printable and cut."""
    assert quoted(value) == text


@given(st.text())
def test_shown_is_printable(text: str) -> None:
    """Whatever the text, what is shown is one printable line that is not much longer."""
    assert quoted(text).isprintable()
    assert quoted([text]).isprintable()
    assert escape_nonprintable(text).isprintable()
    assert len(quoted(text, 10)) < 10 * 10 + 40


def test_equal_errors() -> None:
    """Two errors are equal when they say the same; what they are and each thing they say counts."""
    error = InputError("no", hint="try")

    assert error == InputError("no", hint="try")
    assert len({error, InputError("no", hint="try")}) == 1
    noted = InputError("no", hint="try")
    noted.add_note("a note")
    for other in (InputError("no"), InputError("yes", hint="try"), noted, "no",
                  ConfigurationError("no", hint="try")):  # fmt: skip
        assert error != other


AGAIN = "Running the same staging again is safe"


def staging_failed(*causes: StartifactError) -> str:
    """Return the hint of a staging that failed in a region for each of *causes*."""
    outcomes = [
        RegionOutcome(region=f"file:{number}", state=State.FAILED, error=cause)
        for number, cause in enumerate(causes)
    ]
    return errors.StagingFailedError("failed:", outcomes=outcomes).hint or ""


@pytest.mark.parametrize(
    "cause",
    [
        ConfigurationError("no conditions", hint="Use another store"),
        AccessDeniedError("no", hint="Allow it"),
        IntegrityError("damaged"),
        LocalFileError("full"),
        errors.NewerFormatError("newer"),
        errors.BugError(KeyError(1), hint="Report it"),
        errors.NetworkSetupError("certificate"),
    ],
    ids=lambda cause: type(cause).__name__,
)
def test_running_again_is_advised_where_it_may_help(cause: StartifactError) -> None:
    """What stays as it is until somebody changes something is not tried again in vain."""
    passing = RegionUnavailableError("throttled")
    several = SeveralRegionsError("both", causes=[cause, passing])

    assert AGAIN not in staging_failed(cause)
    assert AGAIN not in staging_failed(cause, SeveralRegionsError("one", causes=[cause]))
    assert (cause.hint or "") in staging_failed(cause)
    for other in (passing, several, errors.DeadlineError("60 s")):
        assert AGAIN in staging_failed(cause, other)


def test_setting_up_again_is_advised_where_it_may_help() -> None:
    """The same holds for a set-up."""

    def hint(error: StartifactError) -> str:
        outcome = RegionSetup(region="eu-west-1", state=SetupState.FAILED, error=error)
        return errors.SetupFailedError("failed:", outcomes=[outcome]).hint or ""

    assert "again" not in hint(AccessDeniedError("no", hint="Allow it"))
    assert "Running the same setup again is safe" in hint(RegionUnavailableError("throttled"))
