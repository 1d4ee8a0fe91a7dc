"""Steps that lock: outputs, log, summary, and where the lock file may be."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from startifact import Session
from tests.support.runner_step import IS_ROOT, Done, Step
from tests.ways_in.action.conftest import Call

OLD, NEW = (hashlib.sha256(content).hexdigest() for content in (b"old", b"new"))
FORMS = [{"STARTIFACT_CONTAINER": "1"}, {"STARTIFACT_CONTAINER": ""}]


@pytest.fixture
def session(step: Step, directories: list[str]) -> Session:
    """Stage CLI@1.0.0 and SugarWater@1.0.0, which is prod, and return the session."""
    session = Session(regions=directories)
    for project in ("CLI", "SugarWater"):
        session.stage(project, "1.0.0", step.workspace / step.file(b"old"))
    session.promote("SugarWater", "1.0.0", "prod")
    return session


@pytest.fixture
def regions(session: Session) -> str:
    """Return the regions as a step names them."""
    return " ".join(session.regions)


def lock(call: Call, regions: str, extra: dict[str, str] | None = None, /, **inputs: str) -> Done:
    return call(extra or {}, command="lock", regions=regions, **inputs)


def test_round_trip(step: Step, call: Call, session: Session, regions: str) -> None:
    """Entries are added, and moved on; each step says which, and the file has them."""
    locked = lock(call, regions, entries="CLI@^1\n\n  SugarWater@prod  ")
    session.stage("CLI", "1.1.0", step.workspace / step.file(b"new"))
    updated = lock(call, regions, update="true", entries="CLI")
    again = lock(call, regions, update="true")

    assert (locked.exit_code, updated.exit_code, again.exit_code) == (0, 0, 0), updated.stdout
    entry = {"project": "CLI", "selector": "^1", "version": "1.1.0", "sha256": NEW, "size": 3}
    entries = [{**entry, "previous": "1.0.0", "changed": True}]
    assert updated.has_only("succeeded", entries=json.dumps(entries, separators=(",", ":")))
    assert [e["selector"] for e in json.loads(locked.outputs["entries"])] == ["^1", "prod"]
    assert [e["changed"] for e in json.loads(again.outputs["entries"])] == [False, False]
    assert f"  CLI@^1: 1.0.0 -> 1.1.0, sha256:{NEW}, 3 bytes" in updated.stdout.splitlines()
    assert "### ✅ `startifact.lock` was changed\n" in updated.summary
    assert f"| `CLI@^1` | `1.0.0` | `1.1.0` | `{NEW}` | 3 |\n" in updated.summary
    assert "### ✅ `startifact.lock` is up to date\n" in again.summary
    assert "2 entries are as before." in again.summary
    assert NEW in (step.workspace / "startifact.lock").read_text(encoding="utf-8")


def test_dry_run(step: Step, call: Call, regions: str) -> None:
    """A dry run says what would be written, and writes nothing."""
    done = lock(call, regions, entries="CLI", lock_file="my.lock", dry_run="true")

    assert done.exit_code == 0, done.stdout
    assert "dry run, nothing is written: 'my.lock'" in done.stdout.splitlines()
    assert "### ✅ `my.lock` would be changed (dry run)\n" in done.summary
    assert not (step.workspace / "my.lock").exists()


def test_check(step: Step, call: Call, session: Session, regions: str) -> None:
    """An entry that cannot be had fails the step by its own outcome, and is an output."""
    session.lock_all([("CLI", "^1"), ("SugarWater", "prod")], lock_file=step.workspace / "my.lock")

    good = lock(call, regions, check="true", lock_file="my.lock")
    for text in session.regions:
        folder = Path(text.removeprefix("file://"))
        (folder / "CLI@1.0.0").rename(folder / "moved away")
    bad = lock(call, regions, check="true", lock_file="my.lock")
    other = lock(call, regions, check="true", lock_file="my.lock", entries="SugarWater")

    assert (good.exit_code, bad.exit_code, other.exit_code) == (0, 8, 0), bad.stdout
    assert good.outputs["differences"] == "[]"
    assert "### ✅ `my.lock`: all entries can be had\n" in good.summary
    assert (bad.outputs["outcome"], bad.outputs["exit-code"]) == ("differences", "8")
    (found,) = json.loads(bad.outputs["differences"])
    assert (found["project"], found["selector"], found["key"]) == ("CLI", "^1", "CLI@1.0.0")
    assert found["message"].startswith("CLI@1.0.0 is not staged in ")
    assert found["error"]["exit-code"] == 3
    assert [e["project"] for e in json.loads(bad.outputs["entries"])] == ["CLI", "SugarWater"]
    (error,) = bad.errors
    assert "CLI@^1: CLI@1.0.0 is not staged in " in error
    assert "### ❌ `my.lock`: not all entries can be had\n" in bad.summary
    assert "The command lock failed with exit code 8. A staged version never" in bad.summary
    assert "| Entry | Version | State | Why |\n" in bad.summary
    assert "2 entries were checked." in bad.summary


def test_regions_that_do_not_answer(call: Call, step: Step, session: Session, regions: str) -> None:
    """What is not known is exit code 5, and no difference."""
    session.lock("CLI", "^1", lock_file=step.workspace / "startifact.lock")
    for text in session.regions:
        folder = Path(text.removeprefix("file://"))
        folder.rename(folder.with_suffix(".away"))
        folder.write_text("no folder", encoding="utf-8")

    done = lock(call, regions, check="true")

    assert (done.exit_code, done.outputs["outcome"]) == (5, "undetermined")
    assert done.outputs["differences"] == "[]"
    assert "### ❌ `startifact.lock`: not all entries are known to be there\n" in done.summary
    assert "| is not known |" in done.summary


def test_minimum_age(step: Step, call: Call, regions: str) -> None:
    """It holds for ranges, as in a download."""
    young = lock(call, regions, entries="CLI@^1", **{"min-age": "1h"})
    old_enough = lock(call, regions, entries="CLI@^1", **{"min-age": "0s"})

    assert (young.exit_code, old_enough.exit_code) == (3, 0)
    assert "'startifact.lock' was not changed" in young.errors[0]


@pytest.mark.parametrize(
    ("inputs", "what"),
    [
        ({}, "nothing is named to lock"),
        ({"update": "true", "check": "true"}, "only one can be done"),
        ({"update": "true", "entries": "CLI@^1"}, "has a selector, and update takes the names"),
        ({"check": "true", "min-age": "7d"}, "for which no version is chosen"),
        ({"entries": "CLI@^1\n../x@1.0.0"}, "project '../x' is not a legal name"),
        ({"entries": "CLI@1.2"}, "1.2"),
        ({"entries": "CLI", "project": "CLI"}, "project is set, but the command lock does not"),
        ({"entries": "CLI", "version": "1.0.0"}, "version is set, but the command lock does not"),
    ],
)
def test_refused(step: Step, call: Call, regions: str, inputs: dict[str, str], what: str) -> None:
    """What makes no sense is refused with what to write, before anything is asked."""
    done = lock(call, regions, **inputs)

    assert (done.exit_code, done.outputs["outcome"]) == (2, "invalid-input"), done.stdout
    assert what in done.errors[0]
    assert "Hint: " in done.errors[0]
    assert not (step.workspace / "startifact.lock").exists()


@pytest.mark.parametrize("form", FORMS, ids=["container", "composite"])
def test_outside(step: Step, call: Call, regions: str, form: dict[str, str]) -> None:
    """A lock file outside of the step's own folders is not written, nor one behind a link."""
    outside = step.workspace.parents[2] / "elsewhere.lock"
    (step.workspace / "startifact.lock").symlink_to(outside)

    for inputs in ({}, {"lock_file": str(outside)}, {"lock_file": "../../../x"}):
        done = lock(call, regions, form, entries="CLI", **inputs)
        assert done.exit_code == 2
        assert "lock-file" in done.errors[0]
        assert "outside the workspace" in done.errors[0]
    assert not outside.exists()


def test_name_of_the_workspace(step: Step, call: Call, regions: str) -> None:
    """The lock file is written under the name that the host has for the workspace."""
    done = lock(
        call,
        regions,
        {"STARTIFACT_CONTAINER": "1", "RUNNER_WORKSPACE": "/home/runner/work/SugarWater"},
        entries="CLI",
        lock_file="/home/runner/work/SugarWater/SugarWater/my.lock",
    )

    assert done.exit_code == 0, done.stdout
    assert (step.workspace / "my.lock").exists()


@pytest.mark.skipif(not IS_ROOT, reason="only root can give files away, as in the container")
def test_owner(step: Step, call: Call, regions: str) -> None:
    """The lock file belongs to whom the workspace belongs to: a later step can change it."""
    os.chown(step.workspace, 1001, 121)

    done = lock(call, regions, FORMS[0], entries="CLI")

    assert done.exit_code == 0, done.stdout
    status = (step.workspace / "startifact.lock").stat()
    assert (status.st_uid, status.st_gid) == (1001, 121)
