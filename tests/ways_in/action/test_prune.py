"""Steps that remove old versions: outputs, log and summary."""

import json
import shutil
from pathlib import Path

import pytest

from startifact import Session
from startifact.limits import MAX_LIST_OUTPUT_BYTES
from tests.support.runner_step import Step
from tests.ways_in.action.conftest import Call


@pytest.fixture
def staged(directories: list[str], step: Step) -> str:
    """Stage four versions, with a channel at the first one; return where."""
    path, session = step.workspace / step.file(b"sugar"), Session(regions=directories)
    for version in ("1.0.0", "1.1.0", "1.2.0", "1.3.0"):
        session.stage("SugarWater", version, path)
    session.promote("SugarWater", "1.0.0", "prod")
    return " ".join(directories)


def about(regions: str, **inputs: str) -> dict[str, str]:
    """Return the inputs of a step that prunes."""
    given = {"command": "prune", "project": "SugarWater", "regions": regions}
    return given | {"keep-versions": "1", "grace": "0s"} | inputs


def test_plan_and_two_runs(staged: str, call: Call) -> None:
    """The plan does nothing; then one step marks, and the next removes."""
    plan = call(**about(staged))
    first, second = (call(**about(staged, yes="true")) for _ in range(2))

    assert [done.exit_code for done in (plan, first, second)] == [0, 0, 0], plan.stdout
    for done, outcome in ((plan, "marked"), (first, "marked"), (second, "removed")):
        pruned = json.loads(done.outputs["pruned"])
        assert [(p["version"], p["outcome"]) for p in pruned] == [
            ("1.2.0", outcome),
            ("1.1.0", outcome),
        ]
        assert done.has_only("succeeded", project="SugarWater", pruned=done.outputs["pruned"])
        assert "SugarWater@1.0.0 stays: prod points at it" in done.stdout.splitlines()
        assert "| `1.0.0` | stays |" in done.summary
    assert "dry run, nothing is written: SugarWater" in plan.stdout.splitlines()
    assert "SugarWater@1.2.0: would be marked" in plan.stdout.splitlines()
    assert "### ✅ `SugarWater`: 2 would be marked (dry run)\n" in plan.summary
    assert "| `1.2.0` | would be marked |" in plan.summary
    assert "### ✅ `SugarWater`: 2 marked\n" in first.summary
    assert "SugarWater@1.2.0: removed" in second.stdout.splitlines()
    assert "### ✅ `SugarWater`: 2 removed\n" in second.summary


def test_region_that_is_down(staged: str, call: Call) -> None:
    """A step that is not complete fails, and its outputs and summary say what is not."""
    call(**about(staged, yes="true"))
    folder = Path(staged.split()[1].removeprefix("file://"))
    folder.rename(folder.with_name("aside"))
    folder.write_text("in the way")

    done = call(**about(staged, yes="true"))

    assert done.exit_code == 5
    assert done.outputs["outcome"] == "undetermined"
    pruned = json.loads(done.outputs["pruned"])
    assert {p["outcome"] for p in pruned} == {"incomplete"}
    assert "not all regions answered" in pruned[0]["error"]["message"]
    assert "The next run goes on with what is not complete." in done.summary


def test_output_is_bounded(directories: list[str], call: Call, step: Step) -> None:
    """What would leave too little for other outputs is cut, and a warning says so."""
    path, session = step.workspace / step.file(b"sugar"), Session(regions=directories[0])
    session.stage("SugarWater", "1.0.0", path)
    root, build = Path(directories[0].removeprefix("file://")), "x" * 100
    for patch in range(1, 1500):
        shutil.copytree(root / "SugarWater@1.0.0", root / f"SugarWater@1.0.{patch}+{build}")
    session.stage("SugarWater", "2.0.0", path)

    done = call(**about(directories[0]))

    kept = json.loads(done.outputs["pruned"])
    assert MAX_LIST_OUTPUT_BYTES - 350 < len(done.outputs["pruned"]) <= MAX_LIST_OUTPUT_BYTES
    (warning,) = [c.data for c in done.commands if c.name == "warning"]
    assert f"the output pruned has the first {len(kept):,} of " in warning


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"keep-versions": "0"}, "keep-versions is '0', expected a whole number from 1 on"),
        ({"keep-prereleases": "x"}, "keep-prereleases is 'x', expected a whole number from 0 on"),
        ({"older-than": "old"}, "older-than 'old' is not a length of time"),
        ({"keep-versions": "", "older-than": "0s"}, "nothing of it would stay"),
        ({"yes": "yes"}, "yes: got 'yes', expected true"),
        ({"version": "1.0.0"}, "version is set, but the command prune does not use it"),
    ],
    ids=str,
)
def test_bad_input(staged: str, call: Call, inputs: dict[str, str], message: str) -> None:
    """What cannot be meant fails the step, and says why."""
    done = call(**about(staged, **inputs))

    assert done.exit_code == 2
    assert message in done.stdout
