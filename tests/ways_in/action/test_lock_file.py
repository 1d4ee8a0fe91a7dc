"""Steps that download by a lock file or a digest."""

import hashlib
from pathlib import Path

import pytest

from startifact import Session
from tests.support.runner_step import Done, Step
from tests.ways_in.action.conftest import Call

OLD = hashlib.sha256(b"old").hexdigest()


@pytest.fixture
def locked(step: Step, directories: list[str]) -> str:
    """Lock CLI@^1 in the workspace, stage a newer version, and return the regions."""
    session = Session(regions=directories)
    source = step.workspace / "dist"
    source.write_bytes(b"old")
    session.stage("CLI", "1.0.0", source)
    session.lock("CLI", "^1", lock_file=step.workspace / "startifact.lock")
    source.write_bytes(b"new")
    session.stage("CLI", "1.1.0", source)
    return "\n".join(directories)


def download(call: Call, regions: str, **inputs: str) -> Done:
    given = {"command": "download", "project": "CLI", "version": "^1", "path": "back"}
    return call({}, **{**given, "regions": regions, **inputs})


def test_lock_file(step: Step, call: Call, locked: str) -> None:
    """The path of the lock file begins at the workspace, and what it says is brought."""
    done = download(call, locked, lock_file="startifact.lock")

    assert done.exit_code == 0, done.stdout
    assert done.outputs["version"] == "1.0.0"
    assert done.outputs["sha256"] == OLD
    assert (step.workspace / "back").read_bytes() == b"old"


def test_no_entry(step: Step, call: Call, locked: str) -> None:
    """What is not locked fails the step, which says how to lock it."""
    done = download(call, locked, lock_file="startifact.lock", version="prod")

    assert (done.exit_code, done.outputs["exit-code"]) == (2, "2")
    assert "no entry for 'CLI@prod'" in done.errors[0]
    assert "The command lock with entries: CLI@prod adds it" in done.stdout
    assert not (step.workspace / "back").exists()


def test_digest(step: Step, call: Call, locked: str) -> None:
    """A digest that is not the artifact's fails the step, and nothing is written."""
    wrong = download(call, locked, sha256=OLD)
    no_digest = download(call, locked, sha256="abc")
    right = download(call, locked, sha256=f"sha256:{OLD.upper()}", version="1.0.0")

    assert (wrong.exit_code, no_digest.exit_code, right.exit_code) == (7, 2, 0)
    assert f"expected sha256:{OLD}" in wrong.errors[0]
    assert "sha256 is 'abc', expected 64 hexadecimal digits" in no_digest.errors[0]


@pytest.mark.parametrize("form", [{"STARTIFACT_CONTAINER": "1"}, {"STARTIFACT_CONTAINER": ""}])
def test_outside(step: Step, call: Call, locked: str, form: dict[str, str]) -> None:
    """A lock file outside of the step's own folders is refused, also behind a link."""
    (step.workspace / "link").symlink_to(Path("/etc/hostname"))

    given = {"command": "download", "project": "CLI", "version": "^1", "path": "back"}
    for text in ("/etc/hostname", "../../../x", "link"):
        done = call(form, **given, regions=locked, lock_file=text)
        assert done.exit_code == 2
        assert "lock-file" in done.errors[0]
        assert "outside the workspace" in done.errors[0]


@pytest.mark.parametrize("folder", ["/home/runner/work", "/__w"])
def test_name_of_the_workspace(step: Step, call: Call, locked: str, folder: str) -> None:
    """The lock file is found under the names that the host and a job's container have for it."""
    done = call(
        {"RUNNER_WORKSPACE": "/home/runner/work/SugarWater"},
        command="download",
        project="CLI",
        version="^1",
        path="back",
        regions=locked,
        lock_file=f"{folder}/SugarWater/SugarWater/startifact.lock",
    )

    assert done.exit_code == 0, done.stdout
    assert (step.workspace / "back").read_bytes() == b"old"
