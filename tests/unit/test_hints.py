"""What to do next, in the words of each way in."""

import pytest

from startifact.errors import InputError, SeveralRegionsError
from startifact.hints import ByWayIn, Command, Hint, Option, in_python, in_shell, in_workflow, join
from startifact.problems import Problems

REPAIR = Command("repair", "SugarWater@1.0.0", (Option("keep", "sha256:00"),))


@pytest.mark.parametrize(
    ("part", "python", "shell", "workflow"),
    [
        (Option("if-exists", "keep"), "if_exists='keep'", "--if-exists keep", "if-exists: keep"),
        (Option("load-filename", "true"), "load_filename=True", "--load-filename",
         "load-filename: true"),
        (Option("regions"), "regions", "--regions", "regions"),
        (Command("verify"), "Session.verify()", "startifact verify", "the command verify"),
        (Command("verify", options=(Option("read-data", "true"),)),
         "Session.verify(read_data=True)", "startifact verify --read-data",
         "the command verify with read-data: true"),
        (REPAIR, "Session.repair('SugarWater', '1.0.0', keep='sha256:00')",
         "startifact repair SugarWater@1.0.0 --keep sha256:00",
         "this action with command: repair, version: 1.0.0 and keep: sha256:00"),
        (Command("repair", "SugarWater"), "Session.repair('SugarWater')",
         "startifact repair SugarWater", "the command repair"),
        (Command("setup"), "startifact setup", "startifact setup", "startifact setup"),
    ],
)  # fmt: skip
def test_words(part: Option | Command, python: str, shell: str, workflow: str) -> None:
    """An option and a command are written as each way in takes them."""
    assert (in_python(part), in_shell(part), in_workflow(part)) == (python, shell, workflow)


def test_text_for_some_ways_in() -> None:
    """What only a workflow can do is not in the hint of a program or a shell."""
    hint = Hint.of("Wait", ByWayIn(workflow=", or ask GitHub", elsewhere=", or ask AWS"))

    assert (str(hint), hint.text(in_shell)) == ("Wait, or ask AWS", "Wait, or ask AWS")
    assert hint.text(in_workflow) == "Wait, or ask GitHub"


def test_text_of_an_error() -> None:
    """The text of an exception is its message and its hint, which can be had separately."""
    error = InputError("there is none", hint=Hint.of("Set ", Option("save-filename", "true")))

    text = str(error)
    assert text == "there is none\nhint: Set save_filename=True"
    assert (error.message, error.hint) == ("there is none", "Set save_filename=True")
    assert error.next_step is not None
    assert error.next_step.text(in_shell) == "Set --save-filename"


def test_error_without_a_hint() -> None:
    """Without a hint, the text of an exception is its message."""
    assert (str(InputError("no")), InputError("no").hint) == ("no", None)


def test_one_hint_of_several() -> None:
    """Each of several hints is given once, in their order."""
    hint = join(["Wait", None, Hint.of("Set ", Option("regions")), "Wait", ""])

    assert str(hint) == "Wait. Set regions"
    assert join([None, ""]) is None


def test_hint_of_a_cause() -> None:
    """An error of several regions has the structured hint of the most telling one."""
    cause = InputError("no", hint=Hint.of(REPAIR))

    error = SeveralRegionsError("failed", causes=[cause])

    assert error.next_step is not None
    assert error.next_step.text(in_shell) == in_shell(REPAIR)


def test_problems_keep_hints_whole() -> None:
    """Several problems at once keep what each way in has to word for itself."""
    problems = Problems("the input")
    problems.absorb(InputError("a", hint=Hint.of("Set ", Option("read-data", "true"))))
    problems.say("b", hint="Wait")

    with pytest.raises(InputError) as caught:
        problems.raise_if_any()

    assert caught.value.message == "the input is not valid:\n  a\n  b"
    assert caught.value.next_step is not None
    assert caught.value.next_step.text(in_workflow) == "Set read-data: true. Wait"


def test_command_that_begins_a_sentence() -> None:
    """A hint of a workflow that begins with a command is a sentence."""
    hint = Hint.of(Command("repair", "SugarWater"), " fixes what can be fixed")

    assert hint.text(in_workflow) == "The command repair fixes what can be fixed"
    assert hint.text(in_shell) == "startifact repair SugarWater fixes what can be fixed"
