"""Text from outside, wherever it comes from: no command but our own, no output but the declared."""

import json
from pathlib import Path

import pytest

from startifact.action.outputs import OUTPUTS
from tests.support.runner_step import Done, Step
from tests.ways_in.action.conftest import Call, to_stage
from tests.ways_in.action.test_workflow import UNSAFE

CORPUS = UNSAFE[:-1]


def check(done: Done, expected: list[str]) -> None:
    """Fail when the runner would do more than show *expected* annotations and read outputs."""
    assert [command.name for command in done.commands] == expected
    assert set(done.outputs) in (set(OUTPUTS), set())
    asked = {"", "1.0.0"} if expected == ["error"] else {"1.0.0"}
    assert done.outputs.get("version", "1.0.0") in asked


@pytest.fixture
def staged(step: Step, call: Call) -> Path:
    """Stage an artifact, and return its record, which somebody may rewrite."""
    done = call(**to_stage(step, save_filename="true", regions="file:artifacts"))
    assert done.exit_code == 0
    step.output.write_bytes(b"")
    step.summary.write_bytes(b"")
    return step.workspace / "artifacts" / "SugarWater@1.0.0" / "metadata.json"


def rewrite(record: Path, **changes: str) -> None:
    stored = json.loads(record.read_text())
    record.write_text(
        json.dumps(stored | {key.replace("__", ":"): value for key, value in changes.items()})
    )


@pytest.mark.parametrize("text", CORPUS)
def test_case_28_metadata(text: str, staged: Path, call: Call) -> None:
    """Metadata reaches the next step as it is stored, and does nothing on the way."""
    stored = json.loads(staged.read_text())
    staged.write_text(json.dumps(stored | {text: text, "startifact:actor": text}))

    done = call(command="info", project="SugarWater", regions="file:artifacts")

    check(done, [])
    assert json.loads(done.outputs["metadata"]) == {text: text}


@pytest.mark.parametrize("text", CORPUS)
def test_inputs_of_lock_and_copy(text: str, staged: Path, step: Step, call: Call) -> None:
    """What stands in an input, or in a lock file of the checkout, is reported harmlessly."""
    (step.workspace / "bad.lock").write_text(f"format = 1\n= {text}\n", encoding="utf-8")
    (step.workspace / "odd.lock").write_text(
        f"format = 1\n[[artifact]]\nproject = {json.dumps(text)}\n", encoding="utf-8"
    )
    given = {"regions": "file:artifacts"}

    for inputs in (
        {"command": "lock", "entries": f"SugarWater@{text}"},
        {"command": "lock", "check": "true", "lock_file": "bad.lock"},
        {"command": "lock", "check": "true", "lock_file": "odd.lock"},
        {"command": "copy", "project": "SugarWater", "to": f"there{text}"},
        {"command": "copy", "project": "SugarWater", "to": "us-east-1", "to-role": text},
    ):
        step.output.write_bytes(b"")
        check(call(**given, **inputs), ["error"])
        step.summary.write_bytes(b"")


@pytest.mark.parametrize("text", CORPUS)
def test_case_28_saved_filename(text: str, staged: Path, step: Step, call: Call) -> None:
    """A saved file name is no path and no command; one that is more than a name is not used."""
    rewrite(staged, startifact__filename=f"../{text}")

    info = call(command="info", project="SugarWater", regions="file:artifacts")
    step.output.write_bytes(b"")
    loaded = call(
        command="download",
        project="SugarWater",
        path="in",
        load_filename="true",
        regions="file:artifacts",
    )

    check(info, [])
    assert info.outputs["filename"] == ""
    check(loaded, ["error"])
    assert loaded.exit_code == 7
    assert not (step.workspace / "in").exists()


def test_filename_with_a_command_in_it(staged: Path, step: Step, call: Call) -> None:
    """A file may have a name that looks like a command; it is only a name."""
    name = "a##[add-mask]b"
    rewrite(staged, startifact__filename=name)

    done = call(
        command="download",
        project="SugarWater",
        path="in",
        load_filename="true",
        regions="file:artifacts",
    )

    check(done, [])
    assert done.outputs["filename"] == name
    assert done.outputs["path"] == f"in/{name}"
    assert (step.workspace / "in" / name).is_file()


@pytest.mark.parametrize("text", CORPUS)
def test_damaged_record(text: str, staged: Path, call: Call) -> None:
    """A record that was tampered with is reported in one error, whatever stands in it."""
    rewrite(staged, startifact__sha256=text, startifact__size=text, startifact__format=text)

    done = call(command="info", project="SugarWater", version="1.0.0", regions="file:artifacts")

    check(done, ["error"])
    assert done.exit_code == 7


@pytest.mark.parametrize("text", CORPUS)
def test_channel(text: str, staged: Path, call: Call) -> None:
    """A channel that was tampered with is reported in one error."""
    channel = staged.parents[1] / "SugarWater" / "latest"
    channel_record = json.loads(channel.read_text())
    channel.write_text(json.dumps(channel_record | {"version": text, text: text}))

    done = call(command="info", project="SugarWater", regions="file:artifacts")

    check(done, ["error"])


@pytest.mark.parametrize("text", CORPUS)
@pytest.mark.parametrize(
    "name",
    [
        "command", "project", "version", "metadata", "regions", "required-regions", "if-exists",
        "dry-run", "configuration-parameter",
    ],
)  # fmt: skip
def test_inputs(name: str, text: str, step: Step, call: Call) -> None:
    """An input that is no good is reported in one error, whatever stands in it."""
    inputs = {
        "command": "stage",
        "project": "SugarWater",
        "version": "1.0.0",
        "path": step.file(),
        "regions": "file:artifacts",
    }

    done = call(**(inputs | {name: f"x{text}"}))

    check(done, ["error"])
    assert done.exit_code == 2


@pytest.mark.parametrize("text", CORPUS)
def test_paths(text: str, step: Step, call: Call) -> None:
    """The name of a file that is not there is reported in one error."""
    done = call(
        command="stage",
        project="SugarWater",
        version="1.0.0",
        path=f"x{text}",
        regions="file:artifacts",
    )

    check(done, ["error"])
    assert done.exit_code == 2


def test_regions(step: Step, call: Call) -> None:
    """The name of a region may look like a command, in the log, a warning and the summary."""
    step.file(b"", "blocked")
    regions = "file:a file:##[add-mask]b file:./blocked/##[error]x"

    done = call(**to_stage(step, regions=regions))

    check(done, ["warning"])
    assert done.exit_code == 0
