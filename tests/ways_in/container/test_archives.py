"""Directories and patterns in the container: what is staged as an archive comes back as it was."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from startifact import Session
from tests.support.runner_step import IS_ROOT
from tests.ways_in.container.conftest import RunnerStep


def test_directory(step: RunnerStep) -> None:
    """Links and executable bits come back, and outputs name what the host has."""
    where = {"project": "SugarWater", "regions": "file:artifacts"}
    before = os.umask(0o077)
    try:
        step.folder()
    finally:
        os.umask(before)

    staged = step.run(
        **where,
        command="stage",
        version="1.0.0",
        path=f"{step.workspace}/dist\n!{step.workspace}/dist/*.txt",
        save_filename="true",
    )
    step.output.write_bytes(b"")
    done = step.run(**where, command="download", path=f"{step.temp}/back/new", extract="true")

    assert (staged.exit_code, done.exit_code) == (0, 0), staged.stdout + done.stdout
    assert (staged.commands, staged.stderr, done.commands, done.stderr) == ([], "", [], "")
    assert staged.outputs["filename"] == "dist.tar.gz"
    assert done.outputs["path"] == f"{step.temp}/back/new"
    back = step.temp / "back" / "new"
    assert sorted(p.relative_to(back).as_posix() for p in back.rglob("*")) == [
        "bin",
        "bin/tool",
        "tool",
    ]
    assert (back / "tool").readlink() == Path("bin/tool")
    assert subprocess.check_output([back / "tool"]) == b"sugar\n"
    assert "/github/" not in staged.summary + done.summary + json.dumps(done.outputs)


def test_digest(step: RunnerStep) -> None:
    """The same files have the same digest in the container as on the host."""
    step.folder()
    with Session(regions="memory:host", read_only=True) as session:
        here = session.stage("SugarWater", "1.0.0", step.workspace / "dist").artifact

    staged = step.run(
        project="SugarWater",
        regions="file:artifacts",
        command="stage",
        version="1.0.0",
        path="dist",
    )

    assert staged.exit_code == 0, staged.stdout
    assert staged.outputs["sha256"] == here.sha256
    assert here.tree is not None
    assert here.tree in staged.summary + staged.stdout


def test_zip(step: RunnerStep) -> None:
    """Of one file a zip can be made, and it comes back beside what the workspace has already."""
    where = {"project": "SugarWater", "regions": "file:artifacts"}
    step.folder()

    staged = step.run(
        **where, command="stage", version="1.0.0", path="dist/bin/tool", archive="zip"
    )
    step.output.write_bytes(b"")
    done = step.run(**where, command="download", path=".", extract="true")

    assert (staged.exit_code, done.exit_code) == (0, 0), staged.stdout + done.stdout
    assert done.outputs["path"] == "."
    assert subprocess.check_output([step.workspace / "tool"]) == b"sugar\n"


@pytest.mark.skipif(not IS_ROOT, reason="only root can make the workspace somebody else's")
def test_owner(step: RunnerStep) -> None:
    """What is extracted belongs to the workspace's owner, links too."""
    where = {"project": "SugarWater", "regions": "file:artifacts"}
    step.folder()

    step.run(**where, command="stage", version="1.0.0", path="dist")
    done = step.run(**where, command="download", path="new/back", extract="true")

    assert done.exit_code == 0, done.stdout
    found = [step.workspace / "new", *(step.workspace / "new").rglob("*")]
    assert len(found) == 6
    assert {(p.lstat().st_uid, p.lstat().st_gid) for p in found} == {(1001, 121)}
