"""Steps that list projects and versions."""

import json
from pathlib import Path

import pytest

from startifact import Session
from startifact.limits import MAX_LIST_OUTPUT_BYTES
from tests.support.runner_step import Step
from tests.ways_in.action.conftest import Call


@pytest.fixture
def listed(directories: list[str], step: Step) -> str:
    """Stage three versions of one project, and one of another; return where."""
    path = step.workspace / step.file(b"sugar")
    session = Session(regions=directories)
    for version, language in (("1.0.0", "go"), ("1.1.0", "c"), ("2.0.0", "go")):
        session.stage("SugarWater", version, path, metadata={"lang": language, "os": "linux"})
    session.stage("Salt", "1.0.0", path)
    session.promote("SugarWater", "1.1.0", "prod")
    return " ".join(directories)


def test_projects(listed: str, call: Call) -> None:
    """All projects are an output, in the log and in the summary."""
    done = call(command="projects", regions=listed)

    assert done.exit_code == 0, done.stdout
    assert done.has_only("succeeded", projects='["Salt","SugarWater"]')
    assert done.stdout.splitlines()[-2:] == ["Salt", "SugarWater"]
    assert "### ✅ 2 projects have something staged\n" in done.summary


def test_projects_of_nothing(directories: list[str], call: Call) -> None:
    """Where nothing is staged the step fails as not found, and names no project."""
    done = call(command="projects", regions=" ".join(directories))

    assert done.exit_code == 3
    assert done.outputs["outcome"] == "not-found"
    assert "### ❌ projects failed with exit code 3" in done.summary


def test_projects_need_no_project(listed: str, call: Call) -> None:
    """The command takes no project, and every other one needs it."""
    unused = call(command="projects", project="SugarWater", regions=listed)
    missing = call(command="versions", regions=listed)

    assert "project is set, but the command projects does not use it" in unused.stdout
    assert "project is empty" in missing.stdout
    assert unused.exit_code == missing.exit_code == 2


@pytest.mark.parametrize(
    ("inputs", "versions"),
    [
        ({"range": "^1"}, ["1.1.0", "1.0.0"]),
        ({"where": "lang=go\nos=linux"}, ["2.0.0", "1.0.0"]),
        ({"where": "lang: go"}, ["2.0.0", "1.0.0"]),
        ({"since": "1h", "limit": "2"}, ["2.0.0", "1.1.0"]),
        ({"channel": "prod"}, ["1.1.0"]),
    ],
)
def test_which_versions(
    listed: str, call: Call, inputs: dict[str, str], versions: list[str]
) -> None:
    """The output has the versions that are asked for, newest first."""
    done = call(command="versions", project="SugarWater", regions=listed, **inputs)

    assert done.exit_code == 0, done.stdout
    assert json.loads(done.outputs["versions"]) == versions
    assert done.outputs["version"] == versions[0]


def test_long(listed: str, call: Call) -> None:
    """With long the summary says of each version what is known."""
    done = call(command="versions", project="SugarWater", regions=listed, long="true")

    assert "| Version, newest first | Bytes | Channels | Staged | Digest |\n" in done.summary
    assert "| `1.1.0` | 5 | " in done.summary
    assert "| 5 | `prod` | " in done.summary
    assert json.loads(done.outputs["versions"]) == ["2.0.0", "1.1.0", "1.0.0"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"where": "lang"}, "where is not valid"),
        ({"limit": "0"}, "limit is '0', expected a whole number from 1 on"),
        ({"since": "soon"}, "since 'soon' is not a time"),
        ({"range": "prod"}, "range 'prod' is a channel"),
    ],
)
def test_bad_input(listed: str, call: Call, inputs: dict[str, str], message: str) -> None:
    """Inputs that are not valid are refused before anything is asked."""
    done = call(command="versions", project="SugarWater", regions=listed, **inputs)

    assert done.exit_code == 2
    assert message in done.stdout


def test_output_is_cut(directories: list[str], call: Call) -> None:
    """Of very many versions the newest are in the output, and a warning says that it was cut."""
    root, build = Path(directories[0].removeprefix("file://")), "x" * 100
    for patch in range(2500):
        folder = root / f"SugarWater@1.0.{patch}+{build}"
        folder.mkdir(parents=True)
        (folder / "artifact").touch()

    done = call(command="versions", project="SugarWater", regions=directories[0])

    output = done.outputs["versions"]
    kept = json.loads(output)
    assert kept[0] == done.outputs["version"] == f"1.0.2499+{build}"
    assert MAX_LIST_OUTPUT_BYTES - 120 < len(output) <= MAX_LIST_OUTPUT_BYTES
    (warning,) = [c for c in done.commands if c.name == "warning"]
    assert f"the output versions has the first {len(kept):,} of 2,500" in warning.data
