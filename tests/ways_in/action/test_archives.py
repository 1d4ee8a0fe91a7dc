"""Staging directories and patterns from a workflow."""

import json
import re
import tarfile
from pathlib import Path

import pytest

from tests.functional.archives.conftest import build
from tests.support.runner_step import Step
from tests.ways_in.action.conftest import Call, to_stage


@pytest.fixture
def workspace(step: Step) -> Path:
    """Return the workspace, with a folder in it."""
    return build(
        step.workspace,
        {"dist/a.whl": "a", "dist/b.whl": "b", "dist/lib/c.map": "c", "dist/.env": "e"},
    )


def test_patterns(step: Step, call: Call, workspace: Path, directories: list[str]) -> None:
    """Each line is a path or a pattern, with ! it takes away, and with # it is a comment."""
    done = call(
        **to_stage(step, path="\n# wheels\ndist/*\n  !**/*.map\n\n", regions=" ".join(directories)),
        save_filename="true",
    )
    back = call(command="download", project="SugarWater", path="back", regions=directories[0])

    assert (done.exit_code, back.exit_code) == (0, 0)
    assert done.outputs["filename"] == "SugarWater.tar.gz"
    with tarfile.open(workspace / "back") as archive:
        assert archive.getnames() == ["a.whl", "b.whl", "lib"]
    assert "tar.gz of 2 files, 2 bytes, tree " in done.stdout
    assert "| Archive | <code>tar" in done.summary or "tar.gz" in done.summary
    assert "hidden files are left out" in done.stdout


def test_dry_run(step: Step, call: Call, workspace: Path, directories: list[str]) -> None:
    """A dry run lists the members in the log and the summary, as many as people read."""
    build(workspace, {f"many/{i:03}": "x" for i in range(150)})

    few = call(**to_stage(step, path="dist", regions=directories[0]), dry_run="true")
    many = call(
        **to_stage(step, path="many", archive="zip", regions=directories[0]), dry_run="true"
    )

    assert "\na.whl: 1 bytes\n" in few.stdout
    assert "In the archive" in few.summary
    listed = many.summary.removeprefix(few.summary)
    assert (many.stdout.count(": 1 bytes\n"), listed.count("1 bytes")) == (100, 100)
    assert many.stdout.count("and 50 more") == many.summary.count("and 50 more") == 1


def test_standard_input(step: Step, call: Call) -> None:
    """A step has no standard input, and says so."""
    done = call(**to_stage(step, path="-"))

    assert done.exit_code == 2
    assert "path is -, which is standard input in a shell, and a step has none" in done.errors[0]


@pytest.mark.parametrize("path", ["\n \n", "# nothing"])
def test_no_path(path: str, step: Step, call: Call) -> None:
    """Nothing but comments is no path."""
    done = call(**to_stage(step, path=path))

    assert done.exit_code == 2
    assert "path is missing, the command stage needs one" in done.errors[0]


@pytest.mark.parametrize("path", ["dist/a.whl\n/etc/*", "../../*", "link/*", "dist\nlink"])
def test_outside(path: str, step: Step, call: Call, workspace: Path) -> None:
    """No line leads out of the folders that are the step's own, be it through a link."""
    (workspace / "link").symlink_to("/etc")

    done = call(**to_stage(step, path=path, regions=f"file://{step.temp}/region"))

    assert done.exit_code == 2
    assert "is outside the workspace" in done.errors[0]
    assert not (step.temp / "region").exists()


def test_link_inside_a_directory(step: Step, call: Call, workspace: Path) -> None:
    """What a link in a directory leads to is not staged either."""
    (workspace / "dist" / "passwords").symlink_to("/etc/passwd")

    done = call(**to_stage(step, path="dist", regions=f"file://{step.temp}/region"))

    assert done.exit_code == 2
    assert "is a link that leads out, to '/etc/passwd'" in done.errors[0]


def test_all_that_is_refused(step: Step, workspace: Path) -> None:
    """The log names each of thousands; all else has its room, and says where the rest is."""
    names = [f"{n:05}" for n in range(5000)]
    build(workspace, {f"bad/{name}": f"-> /{name}" for name in names})

    done = step.run({}, **to_stage(step, path="bad", regions=f"file://{step.temp}/region"))

    listed = r"^  '.*/bad/(.*)' is a link that leads out, to '/\1'$"
    logged = re.findall(listed, done.stdout, re.MULTILINE)
    assert (done.exit_code, logged) == (2, names)
    (error,) = done.errors
    assert len(error) <= 4096
    assert error.startswith("'bad' has 5,000 things that cannot be archived:\n  '")
    rest = r"\n  and (4,9\d\d) more lines, which are in the log of the step"
    assert re.search(rf"{rest}\nHint: Take them away with a path that begins with !$", error)
    assert re.search(
        r"\n  and 4,\d{3} more lines, which are in the log of the step$", done.outputs["error"]
    )
    assert len(done.outputs["error"]) <= 16 * 1024
    assert "more lines, which are in the log of the step" in done.summary
    assert "Hint: Take them away" in done.summary
    assert len(done.summary) < 64 * 1024


def test_names_of_the_runner(step: Step, call: Call, workspace: Path) -> None:
    """A pattern that begins with the host's name for the workspace means this one."""
    elsewhere = Path("/home/runner/work/SugarWater/SugarWater")
    extra = {"RUNNER_WORKSPACE": str(elsewhere.parent), "STARTIFACT_CONTAINER": "1"}

    done = call(
        extra,
        **to_stage(step, path=f"{workspace}/dist/*\n!{workspace}/dist/lib/", archive="zip"),
        regions=f"file://{step.temp}/region",
        dry_run="true",
    )

    assert done.exit_code == 0, done.errors
    assert "zip of 2 files" in done.stdout


def test_info_has_the_facts(step: Step, call: Call, workspace: Path) -> None:
    """What was archived is shown for what it is by a later step."""
    region = f"file://{step.temp}/region"
    assert call(**to_stage(step, path="dist", regions=region)).exit_code == 0

    done = call(command="info", project="SugarWater", regions=region)

    assert done.exit_code == 0
    assert "Tree" in done.summary
    assert json.loads(done.outputs["locations"])[0]["outcome"] == "present"


def test_names_that_would_be_commands(
    step: Step, call: Call, workspace: Path, directories: list[str]
) -> None:
    """The name of a member is no command of the workflow, and no markup of the summary."""
    build(workspace, {"bad/::error::y": "2", "bad/`|<b>": "3", "worse/a\n::warning::x": "1"})
    (workspace / "bad" / "::error::link").symlink_to("::error::y")

    done = call(**to_stage(step, path="bad", regions=directories[0]), dry_run="true")

    worse = call(**to_stage(step, path="worse", regions=directories[0]), dry_run="true")

    assert (done.exit_code, worse.exit_code) == (0, 2)
    assert done.commands == []
    assert [command.name for command in worse.commands] == ["error"]
    assert "<b>" not in done.summary
