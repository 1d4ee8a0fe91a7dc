"""
The cases that an action has to stand, numbers 22 and 23: how a step ends, and whose its files are.
"""

import os
import threading
from pathlib import Path
from signal import SIGINT, SIGTERM

import pytest

from startifact import Session
from startifact.errors import NotFoundError
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.support.runner_step import IS_ROOT, Done
from tests.support.wire import Answer, Request, Wire
from tests.ways_in.container.cancelling import RUNNER, Sent, hanging, interrupted, slow_to_abort
from tests.ways_in.container.conftest import RunnerStep

PARTS = 20 * 1024 * 1024
THERE = {"project": "SugarWater", "version": "1.0.0", "regions": ", ".join(AWS_REGIONS)}
OWNER = (1001, 121)

ENDS: dict[str, tuple[Sent, int]] = {
    "INT": ([(0, SIGINT)], 130),
    "TERM": ([(0, SIGTERM)], 143),
    "runner": (RUNNER, 130),
    "INT TERM": ([(0, SIGINT), (0.2, SIGTERM)], 130),
    "INT INT": ([(0, SIGINT), (0.2, SIGINT)], 130),
    "TERM TERM": ([(0, SIGTERM), (0.2, SIGTERM)], 143),
}

MOST = {"TERM", "runner"}
"""Which of them are what happens to steps: the machine goes away, or a person cancels the job."""

ends = pytest.mark.parametrize(
    ("sent", "exit_code"),
    [
        pytest.param(*end, marks=[] if name in MOST else pytest.mark.exhaustive, id=name)
        for name, end in ENDS.items()
    ],
)
as_root = pytest.mark.skipif(not IS_ROOT, reason="only root can make the workspace somebody else's")


@pytest.fixture
def staged(account: AwsAccount, tmp_path: Path) -> bytes:
    """Stage a file in AWS that is downloaded in ranges, and return its content."""
    content = os.urandom(PARTS)
    file = tmp_path / "staged"
    file.write_bytes(content)
    Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", file)
    return content


def check_that_it_says_so(done: Done, sent: Sent) -> None:
    """Check that the step reported in one error which signal stopped it, and nothing else."""
    name = sent[0][1].name
    assert [command.name for command in done.commands] == ["error"]
    assert done.errors == [f"stopped by {name}\nHint: Running the same step again is safe"]
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr == ""
    assert done.outputs["outcome"] == "stopped"
    assert not any(done.outputs[name] for name in ("sha256", "path", "created", "locations"))


def scratch(step: RunnerStep) -> list[Path]:
    """Return the temporary files in the folders of the runner."""
    return list(step.temp.parent.rglob(".startifact-*"))


@ends
def test_case_22_stopped_in_an_upload(
    sent: Sent, exit_code: int, step: RunnerStep, account: AwsAccount, wire: Wire
) -> None:
    """Signals end an upload in seconds, with nothing staged and nothing left anywhere.

    The first one decides how, and those that follow while uploads are aborted change nothing.
    """
    reached = threading.Event()
    wire.add(hanging(wire, reached, "PUT", "partNumber"))
    wire.add(slow_to_abort(0.7))
    name = step.file(os.urandom(PARTS))
    inputs = {**THERE, "command": "stage", "path": name}

    stopped = interrupted(step, inputs, sent, reached)

    assert stopped.done.exit_code == exit_code
    assert stopped.seconds < 7
    check_that_it_says_so(stopped.done, sent)
    assert scratch(step) == []
    for region, bucket in account.buckets.items():
        assert account.keys(region) == []
        assert "Uploads" not in account.s3(region).list_multipart_uploads(Bucket=bucket)
    wire.clear()
    with pytest.raises(NotFoundError):
        Session(regions=AWS_REGIONS).get("SugarWater", "1.0.0")


@ends
def test_case_22_stopped_in_a_download(
    sent: Sent, exit_code: int, step: RunnerStep, staged: bytes, wire: Wire
) -> None:
    """Signals end a download in seconds, and the file that was there is the one that is there."""
    reached = threading.Event()
    wire.add(hanging(wire, reached, "GET", "range"))
    name = step.file(b"old")
    inputs = {**THERE, "command": "download", "path": name}

    stopped = interrupted(step, inputs, sent, reached)

    assert stopped.done.exit_code == exit_code
    assert stopped.seconds < 7
    check_that_it_says_so(stopped.done, sent)
    assert scratch(step) == []
    assert [p.name for p in step.workspace.iterdir()] == [name]
    assert (step.workspace / name).read_bytes() == b"old"


@as_root
@pytest.mark.parametrize("how", ["success", "failure", "signal"])
def test_case_23_owner(how: str, step: RunnerStep, staged: bytes, wire: Wire) -> None:
    """However a download ends, what it made is the workspace owner's, and what was there is not."""
    (step.workspace / "theirs").write_bytes(b"theirs")
    reached = threading.Event()
    if how == "failure":
        wire.add(_other_bytes)
    if how == "signal":
        wire.add(hanging(wire, reached, "GET", "range"))
    inputs = {**THERE, "command": "download", "path": "new/folder/file"}

    if how == "signal":
        done = interrupted(step, inputs, RUNNER, reached).done
    else:
        done = step.run(**inputs)

    found = owners(step)
    assert done.exit_code == {"success": 0, "failure": 7, "signal": 130}[how], done.stdout
    assert found.pop("theirs") == (0, 0)
    assert {"new", "new/folder"} <= set(found)
    assert set(found.values()) == {OWNER}
    assert ("new/folder/file" in found) == (how == "success")
    assert set(found) <= {"new", "new/folder", "new/folder/file"}


def _other_bytes(request: Request, forward: object) -> Answer | None:
    answer: Answer = forward()  # type: ignore[operator]
    if request.method == "GET" and "range" in request.headers:
        return Answer(answer.status, bytes(len(answer.body)), answer.headers)
    return answer


def owners(step: RunnerStep) -> dict[str, tuple[int, int]]:
    """Return whose everything in the workspace is."""
    return {
        str(p.relative_to(step.workspace)): (p.lstat().st_uid, p.lstat().st_gid)
        for p in step.workspace.rglob("*")
    }


@as_root
@pytest.mark.parametrize("how", ["success", "conflict", "too few", "signal"])
def test_case_23_owner_of_regions(
    how: str, step: RunnerStep, account: AwsAccount, wire: Wire, tmp_path: Path
) -> None:
    """However a staging ends, what it made in directories is the workspace owner's."""
    reached = threading.Event()
    (step.workspace / "one").mkdir()
    (step.workspace / "one" / "theirs").write_bytes(b"theirs")
    os.chown(step.workspace / "one", 1002, 1002)
    (step.workspace / "blocked").write_bytes(b"")
    before = owners(step)
    regions = {
        "success": "file:one, file:new/two",
        "conflict": "file:one, file:new/two",
        "too few": "file:one, file:new/two, file:blocked/three",
        "signal": "file:one, file:new/two, us-east-1",
    }[how]
    if how == "conflict":
        other = tmp_path / "other"
        other.write_bytes(b"other")
        Session(regions=[f"file:{step.workspace}/one"]).stage("SugarWater", "1.0.0", other)
        before = owners(step)
    wire.add(hanging(wire, reached, "PUT", "partNumber"))
    name = step.file(os.urandom(PARTS))
    before[name] = (0, 0)
    inputs = {**THERE, "command": "stage", "path": name, "regions": regions}
    inputs["required-regions"] = "all"

    if how == "signal":
        done = interrupted(step, inputs, [(0.5, SIGINT), (0.7, SIGTERM)], reached).done
    else:
        done = step.run(None, **inputs)

    found = owners(step)
    made = {path: owner for path, owner in found.items() if path not in before}
    codes = {"success": 0, "conflict": 4, "too few": 5, "signal": 130}
    assert done.exit_code == codes[how], done.stdout
    assert {path: found[path] for path in before} == before
    assert set(made.values()) <= {OWNER}
    assert ("new/two/SugarWater@1.0.0/artifact" in made) == (how != "conflict")
    assert ("new/two/SugarWater/latest" in made) == (how == "success")
    assert scratch(step) == []


@as_root
def test_case_23_owner_after_repairing(step: RunnerStep, tmp_path: Path) -> None:
    """What a repair makes or replaces is the workspace owner's; verifying makes nothing."""
    files = [tmp_path / "first", tmp_path / "second"]
    for file, region in zip(files, ("one", "two"), strict=True):
        file.write_bytes(file.name.encode())
        Session(regions=[f"file:{step.workspace}/{region}"]).stage("SugarWater", "1.0.0", file)
    Session(regions=[f"file:{step.workspace}/one"]).stage("SugarWater", "1.0.1", files[0])
    kept = Session(regions=[f"file:{step.workspace}/one"]).get("SugarWater", "1.0.0").sha256
    # Somebody else's: root's own, made again by root, may well have the same number on the disk.
    for path in (*step.workspace.glob("one/**/*"), *step.workspace.glob("two/**/*")):
        os.chown(path, 1002, 1002)
    before = owners(step)
    inputs = {"project": "SugarWater", "regions": "file:one, file:two, file:new/three"}

    verified = step.run(command="verify", **inputs)
    unchanged = owners(step)
    repaired = step.run(command="repair", version="1.0.0", keep=f"sha256:{kept}", **inputs)
    filled = step.run(command="repair", **inputs)

    found = owners(step)
    replaced = {"two/SugarWater@1.0.0", "two/SugarWater/latest"}
    made = {path: owner for path, owner in found.items() if path not in before}
    assert (verified.exit_code, repaired.exit_code, filled.exit_code) == (8, 0, 0), (
        repaired.stdout + filled.stdout
    )
    assert unchanged == before
    assert {"new/three/SugarWater@1.0.1/artifact", "two/SugarWater@1.0.1/artifact"} <= set(made)
    assert set(made.values()) == {OWNER}
    assert {found[path] for path in replaced} == {OWNER}
    assert {path: found[path] for path in before if path.startswith("one/")} == {
        path: owner for path, owner in before.items() if path.startswith("one/")
    }
    assert (step.workspace / "two" / "SugarWater@1.0.0" / "artifact").read_bytes() == b"first"
