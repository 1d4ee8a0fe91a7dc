"""The composite form says the same as the container form, and does the same."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.composite_step import COMPOSITE, CompositeStep
from tests.support.runner_step import ACTION, PROJECT


@pytest.fixture
def step(installed: Path) -> CompositeStep:
    """Return a step of that job, with a workspace and files that are empty."""
    step = CompositeStep(installed)
    for path in (*step.files.iterdir(), step.summary):
        path.write_bytes(b"")
    return step


def test_same_inputs() -> None:
    """Both forms have the same inputs, with the same descriptions and defaults."""
    assert COMPOSITE["inputs"] == ACTION["inputs"]
    assert list(COMPOSITE["inputs"]) == list(ACTION["inputs"])


def test_same_outputs() -> None:
    """Both forms have the same outputs, each handed on from the step that runs."""
    expected = {
        name: {**output, "value": f"${{{{ steps.run.outputs.{name} }}}}"}
        for name, output in ACTION["outputs"].items()
    }

    assert COMPOSITE["outputs"] == expected


def test_every_input_reaches_the_program() -> None:
    """Each input is a variable, as the runner would have made it for a container."""
    (run,) = (step for step in COMPOSITE["runs"]["steps"] if step["id"] == "run")

    variables = {n: v for n, v in run["env"].items() if n.startswith("INPUT_")}

    assert variables == {f"INPUT_{n.upper()}": f"${{{{ inputs.{n} }}}}" for n in ACTION["inputs"]}


def test_windows_leaves_variables_alone() -> None:
    """Git's bash converts nothing that is read, be it an input, a secret or a file's name."""
    (run,) = (step for step in COMPOSITE["runs"]["steps"] if step["id"] == "run")
    left_alone = tuple(run["env"]["MSYS2_ENV_CONV_EXCL"].split(";"))
    sources = [
        PROJECT / "src" / "startifact" / name for name in ("settings.py", "action/runner.py")
    ]
    code = "".join(source.read_text(encoding="utf-8") for source in sources)
    read = set(re.findall(r'"([A-Z][A-Z0-9]*_[A-Z0-9_]+)"', code))

    assert {"AWS_PROFILE", "GITHUB_OUTPUT", "RUNNER_TEMP"} <= read
    for name in read | {"INPUT_PATH", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}:
        assert name.startswith(left_alone)


@pytest.mark.timeout(400)
def test_stages_and_downloads(step: CompositeStep) -> None:
    """What one step stages another one downloads, with the outputs of the container form."""
    content = b"sugar and water\n" * 1000
    regions = "file:regions/one, file:regions/two"
    step.file(content)

    staged = step.run(
        command="stage",
        project="SugarWater",
        version="1.0.9000",
        path="dist.tar.gz",
        metadata="greeting=$(touch escaped) `touch escaped` ${HOME}",
        save_filename="true",
        regions=regions,
    )
    step.summary.write_bytes(b"")
    downloaded = step.run(
        command="download", project="SugarWater", path="back", load_filename="true", regions=regions
    )

    assert (staged.exit_code, downloaded.exit_code) == (0, 0), staged.stdout + downloaded.stdout
    assert staged.outputs["created"] == "true"
    assert staged.outputs["metadata"] == downloaded.outputs["metadata"]
    assert "$(touch escaped)" in downloaded.outputs["metadata"]
    assert not (step.workspace / "escaped").exists()
    assert downloaded.outputs["version"] == "1.0.9000"
    assert downloaded.outputs["path"] == "back/dist.tar.gz"
    assert (step.workspace / "back" / "dist.tar.gz").read_bytes() == content
    assert "SugarWater@1.0.9000" in downloaded.summary
    assert set(downloaded.outputs) == set(ACTION["outputs"])


@pytest.mark.timeout(400)
def test_directory(step: CompositeStep) -> None:
    """Of a directory links and executable bits come back, and hidden files do not."""
    where = {"project": "SugarWater", "regions": f"file://{step.temp}/regions/directory"}

    staged = step.run(**where, command="stage", version="1.0.0", path=f"{step.folder()}\n!**/*.txt")
    done = step.run(**where, command="download", path="back/new", extract="true")

    assert (staged.exit_code, done.exit_code) == (0, 0), staged.stdout + done.stdout
    assert done.outputs["path"] == "back/new"
    back = step.workspace / "back" / "new"
    assert sorted(p.relative_to(back).as_posix() for p in back.rglob("*")) == [
        "bin",
        "bin/tool",
        "tool",
    ]
    assert (back / "tool").readlink() == Path("bin/tool")
    assert subprocess.check_output([back / "tool"]) == b"sugar\n"


@pytest.mark.timeout(400)
def test_failure_is_the_steps(step: CompositeStep) -> None:
    """A step that fails has the exit code and the one error of the container form."""
    done = step.run(command="info", project="Nowhere", regions="file:nothing")

    assert done.exit_code == 3
    assert len(done.errors) == 1
    assert done.has_only("not-found", project="Nowhere")


@pytest.mark.timeout(400)
def test_unsafe_environment(step: CompositeStep) -> None:
    """What a job puts into Python's own variables, or beside its files, is not imported."""
    (step.workspace / "json.py").write_text("raise SystemExit('hijacked')")

    done = step.run(
        {"PYTHONPATH": str(step.workspace), "PYTHONIOENCODING": "ascii"},
        command="info",
        project="Nowhere",
        regions="file:nothing",
    )

    assert done.exit_code == 3, done.stdout + done.stderr


def test_no_python(step: CompositeStep, tmp_path: Path) -> None:
    """Where there is no Python that is new enough, one error says so."""
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    (tmp_path / "bash").symlink_to("/bin/bash")

    done = step.run({"PATH": str(tmp_path)}, command="info", project="SugarWater")

    assert done.exit_code == 2
    assert "there is no Python 3.11 or later on this runner" in done.errors[0]


@pytest.mark.exhaustive
def test_no_index(tmp_path: Path) -> None:
    """Where nothing can be installed, one error says so and the log says why."""
    step = CompositeStep(tmp_path)

    done = step.run(
        {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_NO_CACHE_DIR": "1", "PIP_RETRIES": "0"},
        command="info",
        project="SugarWater",
    )

    assert done.exit_code == 2
    assert len(done.errors) == 1
    assert "Startifact cannot be installed" in done.errors[0]
