"""
The cases that an action has to stand, numbers 1 to 16: inputs, outputs, paths, text from outside.

Where a case says so it is pure parsing, which happens in this process; all others are steps in the
container. ``test_conformance_jobs.py`` has the others.
"""

import contextlib
import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from startifact.action.inputs import INPUTS, StepInputs
from startifact.errors import InputError
from tests.conftest import AwsAccount
from tests.security.answers import answering, as_xml
from tests.security.texts import STORABLE
from tests.support.runner_rules import (
    SUMMARY_LIMIT,
    FileCommandError,
    parse_outputs,
    string_of_yaml,
)
from tests.support.runner_step import ACTION
from tests.support.step_inputs import value_of
from tests.support.wire import Wire, error
from tests.ways_in.action.test_runner_rules import BROKEN, OUTPUTS
from tests.ways_in.action.test_workflow import UNSAFE
from tests.ways_in.container.conftest import RunnerStep

CONTENT = b"sugar and water\n"
CORPUS = [text for text in UNSAFE if text.isprintable() or "\udc80" not in text]
WHERE = {"project": "SugarWater", "regions": "file:artifacts"}
VALUES = [
    *("", "a", "a\n", "\na", "a\r\nb", "x=y", "a<<EOF", "EOF", "é☃𝄞", "x" * 65536),
    *("a\nghadelimiter_1\nb", "ghadelimiter_00000000-0000-0000-0000-000000000000\nx=1\n"),
]
DRIVER = f"""
import os
from startifact.action.workflow import write_outputs
values = {VALUES!r}
for call in (1, 2):
    named = {{f"v{{call}}-{{i}}": value for i, value in enumerate(values)}}
    write_outputs(os.environ["GITHUB_OUTPUT"], named)
"""


def stage(step: RunnerStep, **more: str) -> dict[str, str]:
    name = step.file(CONTENT)
    return {**WHERE, "command": "stage", "version": "1.0.0", "path": name, **more}


def given(inputs: dict[str, str]) -> StepInputs:
    """Return what the runner's variables for *inputs* are read as, in this process."""
    return StepInputs.from_environment({f"INPUT_{n.upper()}": v for n, v in inputs.items()})


def test_case_01_judge() -> None:
    """Our rules read the runner's own cases as the runner does. Pure parsing."""
    assert [parse_outputs(b"\xef\xbb\xbf" + text.encode()) for text, _ in OUTPUTS] == [
        expected for _, expected in OUTPUTS
    ]
    for text, message in BROKEN:
        with pytest.raises(FileCommandError, match=message.split("'")[0]):
            parse_outputs(text.encode())


def test_case_01_files_of_others(step: RunnerStep) -> None:
    """What an earlier line of the step left there in any of those forms is read beside ours."""
    texts = [(text, expected) for text, expected in OUTPUTS if text.endswith("\n")]
    step.output.write_bytes("".join(text for text, _ in texts).encode())

    done = step.run(**stage(step))

    assert texts
    assert done.exit_code == 0, done.stdout
    for _, expected in texts:
        assert set(expected) <= set(done.outputs)
    assert set(ACTION["outputs"]) <= set(done.outputs)


def test_case_02_values_of_outputs(step: RunnerStep) -> None:
    """Any value of an output is read back as it was, and delimiters differ each time."""
    done = step.drive(DRIVER)

    lines = step.output.read_text(encoding="utf-8").split("\n")
    delimiters = [x.partition("<<")[2] for x in lines if x.startswith("v") and "<<gha" in x]
    assert done.exit_code == 0, done.stderr
    assert done.outputs == {
        f"v{call}-{i}": value for call in (1, 2) for i, value in enumerate(VALUES)
    }
    assert len(set(delimiters)) == len(delimiters) == 2 * len(VALUES)


def test_case_03_delimiters_in_metadata(step: RunnerStep) -> None:
    """Metadata that looks like the file of outputs is one output, unchanged."""
    step.run(**stage(step))
    record = step.workspace / "artifacts" / "SugarWater@1.0.0" / "metadata.json"
    value = "a\nghadelimiter_1\nversion=evil\nversion<<ghadelimiter_1\nevil\nghadelimiter_1"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"k": value}))
    step.output.write_bytes(b"")

    done = step.run(**WHERE, command="info")

    assert done.exit_code == 0, done.stdout
    assert set(done.outputs) == set(ACTION["outputs"])
    assert json.loads(done.outputs["metadata"]) == {"k": value}
    assert done.outputs["version"] == "1.0.0"


@pytest.mark.parametrize("name", ["", "a=b", "a<<b", "a\nb"])
def test_case_04_names_of_outputs(name: str, step: RunnerStep) -> None:
    """A name that the runner would not read back is refused before a byte is written."""
    done = step.drive(
        "import os; from startifact.action.workflow import write_outputs\n"
        f"write_outputs(os.environ['GITHUB_OUTPUT'], {{'ok': '1', {name!r}: '2'}})"
    )

    assert done.exit_code != 0
    assert "cannot be the name of an output" in done.stderr
    assert step.output.read_bytes() == b""


def test_case_05_unfinished_line(step: RunnerStep) -> None:
    """What stands in the file without a line end stays, and so do ours."""
    step.output.write_bytes(b"x=1")

    done = step.run(**stage(step))

    assert done.outputs["x"] == "1"
    assert set(done.outputs) == {"x", *ACTION["outputs"]}


@pytest.mark.parametrize("kind", ["unset", "empty", "missing", "directory", "read-only"])
def test_case_06_no_file_for_outputs(kind: str, step: RunnerStep) -> None:
    """Without a file for the outputs the step fails with one error that names the variable."""
    extra = {"empty": "", "missing": f"{step.files}/gone", "directory": str(step.temp)}
    if kind == "unset":
        step.unset = {"GITHUB_OUTPUT"}
    if kind == "read-only":
        step.options = ["--user", "1001"]
        step.output.chmod(0o444)

    done = step.run({"GITHUB_OUTPUT": extra[kind]} if kind in extra else {}, **stage(step))

    assert done.exit_code != 0
    assert [command.name for command in done.commands] == ["error"]
    assert "GITHUB_OUTPUT" in done.errors[0]
    assert not (step.workspace / "artifacts").exists()


def test_case_07_white_space(step: RunnerStep) -> None:
    """White space around a value does not count, and nothing but white space is nothing."""
    done = step.run(**stage(step, version="  1.2.3\n"))
    step.output.write_bytes(b"")
    blank = step.run(**stage(step, path=" \n", project="   "))

    assert done.outputs["version"] == "1.2.3"
    assert blank.exit_code == 2
    assert "path is missing" in blank.errors[0]
    assert "project" in blank.errors[0]


def test_case_08_defaults_and_booleans() -> None:
    """A blank input is its documented default, and booleans are YAML's. Pure parsing."""
    needed = {"command": "stage", "project": "SugarWater", "version": "1.0.0", "path": "x"}
    optional = set(INPUTS) - set(needed)
    flags = {name for name, option in INPUTS.items() if option.default in {"true", "false"}}

    for name in optional:
        documented = needed | {name: str(ACTION["inputs"][name]["default"])}
        assert given(needed | {name: ""}) == given(documented) == given(needed)
    for name in (n for n in flags if INPUTS[n].used_by("stage")):
        for text in ("true", "True", "TRUE", "false", "False", "FALSE"):
            value = value_of(given(needed | {name: text}), name)
            assert value == (text.lower() == "true")
    for name in flags:
        for text in ("yes", "1", "tRuE"):
            with pytest.raises(InputError, match="true, True, TRUE, false, False or FALSE"):
                given(needed | {name: text})


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "false", "False", "FALSE", ""])
def test_case_08_booleans(text: str, step: RunnerStep) -> None:
    """The container takes a boolean in each of YAML's spellings, and a blank for its default."""
    done = step.run(**stage(step, dry_run=text))

    assert done.exit_code == 0, done.stdout
    assert (step.workspace / "artifacts").exists() == (text.lower() != "true")


@pytest.mark.parametrize("text", ["yes", "1", "tRuE"])
def test_case_08_no_booleans(text: str, step: RunnerStep) -> None:
    """What is no boolean is an error that lists those that are."""
    done = step.run(**stage(step, dry_run=text))

    assert done.exit_code == 2
    assert "dry-run" in done.errors[0]
    assert "true, True, TRUE, false, False or FALSE" in done.errors[0]
    assert not (step.workspace / "artifacts").exists()


def test_case_08_blanks(step: RunnerStep) -> None:
    """The container takes blank inputs for their defaults, too, and booleans for YAML's."""
    blank = {n.replace("-", "_"): " " for n in INPUTS if n not in {"command", *WHERE}}
    needed = stage(step)

    done = step.run(**{**blank, **needed, "save_filename": "TRUE"})
    step.output.write_bytes(b"")
    refused = step.run(**{**needed, "save_filename": "yes", "dry_run": "1"})

    assert done.exit_code == 0, done.stdout
    assert (done.outputs["created"], done.outputs["filename"]) == ("true", "dist.tar.gz")
    assert refused.exit_code == 2
    assert refused.errors[0].count("true, True, TRUE, false, False or FALSE") >= 1


def test_case_09_lists(step: RunnerStep) -> None:
    """A list may have lines of any kind, blank ones and indented ones."""
    done = step.run(**stage(step, regions="file:a\r\n\r\n  file:b \n\n"))

    assert done.exit_code == 0, done.stdout
    assert [x["region"] for x in json.loads(done.outputs["locations"])] == ["file:a", "file:b"]


@pytest.mark.parametrize("scalar", ["1.10", "012345678901", "1e3", "0x1F", "true", "null"])
def test_case_10_versions_that_yaml_has_changed(scalar: str, step: RunnerStep) -> None:
    """What YAML makes of a version without quotes is none; numbers come with a hint to quote."""
    text = string_of_yaml(scalar)

    done = step.run(**stage(step, version=text))

    assert done.exit_code == 2
    assert len(done.errors) == 1
    assert "version" in done.errors[0]
    assert ("In YAML, quote versions" in done.errors[0]) == (scalar not in {"true", "null"})
    assert not (step.workspace / "artifacts").exists()


def test_case_11_paths(step: RunnerStep) -> None:
    """The workspace has many names, and they all lead to the same file; others lead nowhere."""
    (step.workspace / "link").symlink_to("/etc")
    name = step.file(CONTENT)
    good = [f"{step.workspace}/{name}", name, f"/__w/SugarWater/SugarWater/{name}"]
    bad = ["../x", "link/passwd"]

    done = [step.run(**stage(step, path=path, dry_run="true")) for path in good + bad]

    assert [d.exit_code for d in done] == [0, 0, 0, 2, 2]
    for refused in done[-2:]:
        assert "is outside the workspace" in refused.errors[0]


def test_case_12_second_line(step: RunnerStep) -> None:
    """A folder of the host on a second line, which the runner leaves as it is, is understood."""
    regions = f"file:{step.workspace}/a\nfile:{step.workspace}/b\n"

    done = step.run(**stage(step, regions=regions))

    assert done.exit_code == 0, done.stdout
    assert sorted(p.parent.parent.name for p in step.workspace.rglob("artifact")) == ["a", "b"]


def test_case_13_text_from_outside(step: RunnerStep) -> None:
    """Nothing in a key, a file name, metadata or an input is a command, wherever it is shown."""
    step.run(**stage(step, save_filename="true"))
    record = step.workspace / "artifacts" / "SugarWater@1.0.0" / "metadata.json"
    stored = json.loads(record.read_text())
    changed = {text: text for text in CORPUS} | {
        "startifact:actor": "".join(CORPUS),
        "startifact:filename": CORPUS[0],
    }
    (record.parent.parent / "SugarWater@a##[add-mask]b").mkdir()
    record.write_text(json.dumps(stored | changed))
    for file in (step.output, step.summary):
        file.write_bytes(b"")

    found = step.run({"RUNNER_DEBUG": "1"}, **WHERE, command="info")
    displayed = found.summary
    listed = step.run({"RUNNER_DEBUG": "1"}, **WHERE, command="versions")
    record.write_text(json.dumps(stored | {"startifact:sha256": "".join(CORPUS)}))
    damaged = step.run(**WHERE, command="info")
    refused = step.run(command="".join(CORPUS), project="".join(CORPUS))

    assert (found.commands, listed.commands) == ([], [])
    assert found.outputs["version"] == "1.0.0"
    assert found.outputs["filename"] == ""
    assert json.loads(found.outputs["metadata"]) == {text: text for text in CORPUS}
    assert all(c.isprintable() or c == "\n" for c in displayed)
    for done, exit_code in ((damaged, 7), (refused, 2)):
        assert [command.name for command in done.commands] == ["error"]
        assert done.exit_code == exit_code


def test_case_13_text_from_aws(step: RunnerStep, account: AwsAccount, wire: Wire) -> None:
    """Nor is anything in a key of a bucket or in what a service says."""
    s3, bucket = account.s3(), account.buckets["us-east-1"]
    for text in STORABLE:
        with contextlib.suppress(ClientError):  # the server that stands for S3 takes not every key
            s3.put_object(Bucket=bucket, Key=f"team/SugarWater@{text}", Body=b"")
    keys = account.keys("us-east-1")
    there = {"project": "SugarWater", "regions": "us-east-1"}
    said = as_xml("".join(STORABLE))
    step.run(**stage(step, **there))
    for file in (step.output, step.summary):
        file.write_bytes(b"")

    listed = step.run({"RUNNER_DEBUG": "1"}, **there, command="versions")
    step.output.write_bytes(b"")
    wire.add(answering(error(403, "AccessDenied", said)))
    refused = step.run({"RUNNER_DEBUG": "1"}, **there, command="info", version="1.0.0")

    assert len(keys) > len(STORABLE) / 2
    assert any("::" in key for key in keys)
    # One warning, of the keys that are no versions.
    assert (listed.exit_code, [command.name for command in listed.commands]) == (0, ["warning"])
    assert [command.name for command in refused.commands] == ["error"]
    assert refused.outputs["outcome"] == "access-denied"
    assert not any(refused.outputs[name] for name in ("sha256", "metadata", "path", "locations"))
    for done in (listed, refused):
        assert all(c.isprintable() or c == "\n" for c in done.stdout + done.stderr + done.summary)


def test_case_14_text_in_a_traceback(step: RunnerStep) -> None:
    """Nor is it one in an error's text or in a traceback, and there is still one error."""
    done = step.drive(
        "import sys; from startifact.action import main, process as entry\n"
        "def broken(*_, **__):\n"
        f"    raise ValueError({''.join(CORPUS)!r})\n"
        "main.execute = broken\nsys.exit(entry.run())",
        {"RUNNER_DEBUG": "1", **step.inputs(stage(step))},
    )

    assert done.exit_code == 1
    assert "Traceback" in done.stdout
    assert [command.name for command in done.commands] == ["error"]
    assert done.errors[0].startswith("this is a bug in Startifact: ValueError: ")


def test_case_15_annotations(step: RunnerStep) -> None:
    """An annotation says what it was given; only what cannot be printed is spelled out."""
    done = step.drive(
        "from startifact.action.workflow import Annotations\n"
        "Annotations().add('error', '100% a:b,c\\r\\nd', title='x:y,z=')"
    )

    (command,) = done.commands
    assert command.data == "100% a:b,c\\r\nd"
    assert command.properties == {"title": "x:y,z="}
    assert done.stdout.startswith("::error title=x%3Ay%2Cz=::")


def test_case_16_many_problems(step: RunnerStep) -> None:
    """There are ten annotations at most, none too long, and the log has the rest.

    One of them is kept for an error, which this step has not.
    """
    step.file(b"", "blocked")
    dead = [f"file:blocked/{'x' * 200}{i}" for i in range(12)]
    regions = [*dead, *(f"file:{i}" for i in range(14))]

    done = step.run(**stage(step, regions=" ".join(regions)))

    assert done.exit_code == 0, done.stdout
    assert len(done.warnings) == len(done.commands) == 9
    assert all(len(text) <= 4096 for text in done.warnings)
    assert all(region in done.stdout for region in dead)
    assert len((done.summary or "").encode()) <= SUMMARY_LIMIT
    assert Path(step.workspace, "0", "SugarWater@1.0.0", "artifact").is_file()
