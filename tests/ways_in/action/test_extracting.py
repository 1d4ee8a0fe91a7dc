"""Steps that extract what they download."""

import os
from pathlib import Path

import pytest

from tests.support.archives import tar_file, tar_link, tar_of
from tests.support.runner_step import IS_ROOT, Done, Step
from tests.ways_in.action.conftest import Call, to_stage

ARCHIVE = tar_of(tar_file("bin/tool", b"run", mode=0o755), tar_file("a.txt"), mode="w:gz")


@pytest.fixture
def staged(step: Step, call: Call, directories: list[str]) -> str:
    """Stage an archive, and return the regions."""
    regions = "\n".join(directories)
    given = to_stage(step, path=step.file(ARCHIVE), save_filename="true", regions=regions)
    assert call({}, **given).exit_code == 0
    return regions


def download(call: Call, regions: str, **inputs: str) -> Done:
    given = {"command": "download", "project": "SugarWater", "extract": "true", "path": "out"}
    return call({}, **{**given, "regions": regions, **inputs})


def test_extract(step: Step, call: Call, staged: str) -> None:
    """The output path is the directory; log and summary say how much there is."""
    done = download(call, staged, path="out/new/")

    assert done.exit_code == 0, done.stdout
    assert done.outputs["path"] == "out/new"
    assert done.outputs["size"] == str(len(ARCHIVE))
    assert "extracted into out/new: 3 members, of which 2 files with 8 bytes" in done.stdout
    assert "downloaded and extracted" in done.summary
    assert "3 members, of which 2 files with 8 bytes" in done.summary
    assert os.access(step.workspace / "out" / "new" / "bin" / "tool", os.X_OK)


def test_all_that_is_refused(step: Step, call: Call, directories: list[str]) -> None:
    """The log names each of very many; all else has its room, and says where the rest is."""
    names = [f"../{n:04}" for n in range(1000)]
    archive = tar_of(*(tar_file(name) for name in names))
    assert (
        call({}, **to_stage(step, path=step.file(archive), regions=directories[0])).exit_code == 0
    )

    done = download(call, directories[0])

    assert [line.split("'")[1] for line in done.stdout.split("\n") if line[:3] == "  '"] == names
    assert (done.exit_code, len(done.errors)) == (7, 1)
    for text in (done.errors[0], done.outputs["error"], done.summary):
        assert "more lines, which are in the log of the step" in text
    assert len(done.errors[0]) <= 4096
    assert not (step.workspace / "out").exists()


def test_workspace(step: Step, call: Call, staged: str) -> None:
    """An archive may be extracted into the workspace itself, beside what is there."""
    done = download(call, staged, path=".")
    again = download(call, staged, path=".")
    overwritten = download(call, staged, path=".", overwrite="true")

    assert [d.exit_code for d in (done, again, overwritten)] == [0, 2, 0]
    assert "'a.txt' is there already" in again.errors[0]
    assert "overwrite: true" in again.errors[0]
    assert sorted(p.name for p in step.workspace.iterdir()) == ["a.txt", "bin", "dist.tar.gz"]


def test_unsafe(step: Step, call: Call, staged: str) -> None:
    """What is not safe fails the step, and nothing is written."""
    archive = step.file(tar_of(tar_link("x", "/etc"), tar_file("x/y")), "unsafe.tar")
    given = to_stage(step, path=archive, version="1.1.0", regions=staged)
    assert call({}, **given).exit_code == 0

    done = download(call, staged)

    assert (done.exit_code, done.outputs["outcome"]) == (7, "integrity")
    assert "'x' is a link, and what it leads to is absolute" in done.errors[0]
    assert not (step.workspace / "out").exists()


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"path": "-", "extract": "false"}, "that of a step is its log"),
        ({"path": "-"}, "that of a step is its log"),
        ({"load_filename": "true"}, "no use for the saved file name"),
        ({"extract": "false", "overwrite": "true"}, "overwrite is set, but extract is not"),
        ({"max_members": "0"}, "max-members is '0', expected a whole number from 1 on"),
        ({"max_extracted_size": "much"}, "max-extracted-size 'much' is not a size"),
        ({"path": "/elsewhere"}, "is outside the workspace"),
        ({"path": "link"}, "is outside the workspace"),
        ({"path": "a\nb"}, "path has several lines, and the command download takes one path"),
        ({"max_members": "2"}, "allow more with max-members"),
    ],
)
def test_refused(
    inputs: dict[str, str], said: str, step: Step, call: Call, staged: str, tmp_path: Path
) -> None:
    """What a step may not do, or what contradicts itself, is refused."""
    (tmp_path / "elsewhere").mkdir()
    (step.workspace / "link").symlink_to(tmp_path / "elsewhere")

    done = download(call, staged, **inputs)

    assert done.exit_code == 2
    assert said in done.errors[0]
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert sorted(p.name for p in step.workspace.iterdir()) == ["dist.tar.gz", "link"]


@pytest.mark.skipif(not IS_ROOT, reason="only root can give files away, as in the container")
def test_owner(step: Step, call: Call, staged: str) -> None:
    """What is extracted is given to the owner of the workspace, who can clean up then."""
    os.chown(step.workspace, 1234, 1234)

    assert download(call, staged, path="out/new").exit_code == 0

    found = [step.workspace / "out", *(step.workspace / "out").rglob("*")]
    assert {(p.lstat().st_uid, p.lstat().st_gid) for p in found} == {(1234, 1234)}
