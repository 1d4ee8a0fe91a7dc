"""Where a step may read and write, and whose files are what it makes."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact import Session
from tests.support.runner_step import IS_ROOT, Step
from tests.ways_in.action.conftest import Call

CONTAINER = {"STARTIFACT_CONTAINER": "1"}
FORMS = {"container": CONTAINER, "composite": {"STARTIFACT_CONTAINER": ""}}
OWNER = (1001, 121)

as_root = pytest.mark.skipif(
    not IS_ROOT,
    reason="only root can give files away, as in the container",
)


in_both_forms = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def stage(call: Call, extra: dict[str, str] | None = None, **inputs: str) -> tuple[int, list[str]]:
    done = call(
        {**CONTAINER, **(extra or {})},
        **{
            "command": "stage",
            "project": "SugarWater",
            "version": "1.0.0",
            "path": "dist.tar.gz",
            "regions": "file:artifacts",
            **inputs,
        },
    )
    return done.exit_code, done.errors


Outside = Callable[[Step], str]

OUTSIDE: dict[str, Outside] = {
    "absolute": lambda step: str(step.workspace.parents[2] / "elsewhere"),
    "upwards": lambda step: "../x",
    "through a link": lambda step: "link/x",
    "another job container's": lambda step: "/__w/Other/Other/x",
}


@pytest.fixture
def link(step: Step) -> None:
    """Make a link in the workspace that leads out of it."""
    (step.workspace.parents[2] / "elsewhere").mkdir()
    (step.workspace / "link").symlink_to(step.workspace.parents[2] / "elsewhere")


@in_both_forms
@pytest.mark.usefixtures("link")
@pytest.mark.parametrize("outside", OUTSIDE.values(), ids=OUTSIDE)
def test_region_outside(outside: Outside, form: dict[str, str], step: Step, call: Call) -> None:
    """A directory elsewhere is refused in both forms; in the container it would vanish."""
    step.file()
    region = f"file:{outside(step)}"

    exit_code, errors = stage(call, form, regions=f"file:artifacts, {region}")

    assert exit_code == 2
    assert f"region '{region}' is outside the workspace" in errors[0]
    assert ("would vanish with the container" in errors[0]) == (form is CONTAINER)
    assert not (step.workspace / "artifacts").exists()


def test_configured_region_outside(step: Step, call: Call) -> None:
    """It makes no difference where the directory is named."""
    step.file()

    exit_code, errors = stage(call, {"STARTIFACT_REGIONS": "file:/srv/artifacts"}, regions="")

    assert exit_code == 2
    assert "region 'file:/srv/artifacts' is outside the workspace" in errors[0]


@in_both_forms
@pytest.mark.parametrize("named", ["input", "environment"])
def test_region_in_memory(named: str, form: dict[str, str], step: Step, call: Call) -> None:
    """What is kept in memory would vanish with the step, so it is refused wherever it is named."""
    step.file()
    regions = "file:artifacts, memory:tests"
    extra = {} if named == "input" else {"STARTIFACT_REGIONS": regions}

    exit_code, errors = stage(call, form | extra, regions="" if extra else regions)

    assert exit_code == 2
    assert "region 'memory:tests' is in the memory of this step" in errors[0]
    assert "would vanish with it" in errors[0]
    assert "file:./artifacts" in errors[0]
    assert not (step.workspace / "artifacts").exists()


@in_both_forms
@pytest.mark.usefixtures("link")
@pytest.mark.parametrize("outside", OUTSIDE.values(), ids=OUTSIDE)
@pytest.mark.parametrize("command", ["stage", "download"])
def test_path_outside(
    command: str, outside: Outside, form: dict[str, str], step: Step, call: Call
) -> None:
    """A path elsewhere is refused in both forms, for reading and for writing."""
    path = outside(step)

    exit_code, errors = stage(call, form, command=command, path=path, version="1.0.0")

    assert exit_code == 2
    assert f"path '{path}' is outside the workspace" in errors[0]
    assert "Write path relative to the workspace" in errors[0]


@in_both_forms
def test_file_that_is_a_link(form: dict[str, str], step: Step, call: Call, tmp_path: Path) -> None:
    """A link in a checkout does not stage a file of the runner's; one in the workspace is fine."""
    (tmp_path / "credentials").write_text("secret")
    (step.workspace / "out").symlink_to(tmp_path / "credentials")
    (step.workspace / "in").symlink_to(step.file())

    refused, errors = stage(call, form, path="out")
    accepted, _ = stage(call, form, path="in")

    assert (refused, accepted) == (2, 0)
    assert "path 'out' is outside the workspace" in errors[0]


@in_both_forms
def test_link_that_a_download_follows(
    form: dict[str, str], step: Step, call: Call, tmp_path: Path
) -> None:
    """A download follows a link that stays inside; one that leads out is refused, and stays."""
    stage(call, form, path=step.file())
    (tmp_path / "precious").write_text("precious")
    (step.workspace / "in").symlink_to("folder-file")
    (step.workspace / "out").symlink_to(tmp_path / "precious")
    (step.workspace / "round").symlink_to("round")

    inside, _ = stage(call, form, command="download", path="in")
    outside, errors = stage(call, form, command="download", path="out")
    circle, _ = stage(call, form, command="download", path="round")

    assert (inside, outside, circle) == (0, 2, 2)
    assert (step.workspace / "folder-file").read_bytes() == b"sugar and water\n"
    assert "path 'out' is outside the workspace" in errors[0]
    assert (tmp_path / "precious").read_text() == "precious"


@in_both_forms
@pytest.mark.parametrize("leads", ["out", "in"])
def test_link_with_the_saved_name(
    form: dict[str, str], leads: str, step: Step, call: Call, tmp_path: Path
) -> None:
    """The saved name may be that of a link in a checkout, which is known only after asking."""
    stage(call, form, path=step.file(), save_filename="true")
    target = {"out": tmp_path, "in": step.workspace}[leads] / "precious"
    target.write_text("precious")
    (step.workspace / "new").mkdir()
    (step.workspace / "new" / "dist.tar.gz").symlink_to(target)

    exit_code, _ = stage(call, form, command="download", path="new", load_filename="true")

    assert exit_code == {"out": 2, "in": 0}[leads]
    assert (target.read_text() == "precious") == (leads == "out")


@as_root
def test_owner_of_a_file_behind_a_link(step: Step, call: Call) -> None:
    """What a link leads to is given to the owner of the workspace like every file."""
    stage(call, path=step.file())
    os.chown(step.workspace, *OWNER)
    (step.workspace / "back").symlink_to("file")

    exit_code, _ = stage(call, command="download", path="back")

    status = (step.workspace / "file").stat()
    assert exit_code == 0
    assert (status.st_uid, status.st_gid) == OWNER


def test_slash_at_the_end_of_a_path(step: Step, call: Call) -> None:
    """A path that ends with a slash is a directory: made for a saved name, and else refused."""
    stage(call, path=step.file(), save_filename="true")
    stage(call, path=step.file(), version="1.1.0")

    made, _ = stage(call, command="download", path="newdir/")
    refused, errors = stage(call, command="download", path="other/", version="1.1.0")
    no_artifact, more = stage(call, path="dist.tar.gz/", version="1.0.1")

    assert (made, refused, no_artifact) == (0, 2, 2)
    assert (step.workspace / "newdir" / "dist.tar.gz").is_file()
    assert "SugarWater@1.1.0 was staged without its file name" in errors[0]
    assert "save-filename: true" in errors[0]
    assert not (step.workspace / "other").exists()
    assert "'dist.tar.gz/' ends as a directory does, and is none" in more[0]


def test_both_outside(call: Call) -> None:
    """A path and regions that lead elsewhere are reported together."""
    exit_code, errors = stage(call, path="/srv/x", regions="file:/srv/a file:/srv/b")

    assert exit_code == 2
    for text in ("'/srv/x'", "'file:/srv/a'", "'file:/srv/b'"):
        assert text in errors[0]


@in_both_forms
def test_inside(form: dict[str, str], step: Step, call: Call) -> None:
    """The workspace and the runner's temporary folder are both fine, spelled in any way."""
    step.file()
    (step.temp / "in").mkdir()

    exit_code, errors = stage(
        call,
        form,
        path=f"{step.workspace}/dist.tar.gz",
        regions=f"file:./a/../artifacts file://{step.temp}/in/artifacts",
    )

    assert exit_code == 0, errors
    assert (step.workspace / "artifacts" / "SugarWater@1.0.0" / "artifact").is_file()
    assert (step.temp / "in" / "artifacts" / "SugarWater@1.0.0" / "artifact").is_file()


def test_temporary_folder_that_is_not_mounted(step: Step, call: Call, tmp_path: Path) -> None:
    """The name of a folder that the container does not have is no place to write to."""
    step.file()
    temp = f"{tmp_path}/not/mounted"

    exit_code, errors = stage(call, {"RUNNER_TEMP": temp}, regions=f"file:{temp}/artifacts")

    assert exit_code == 2
    assert "is outside the workspace" in errors[0]


def test_elsewhere_without_a_workflow(step: Step, call: Call, tmp_path: Path) -> None:
    """Who runs the entry point in no workflow and no container has every directory."""
    step.file()

    done = call(
        {"GITHUB_ACTIONS": ""},
        command="stage",
        project="SugarWater",
        version="1.0.0",
        path="dist.tar.gz",
        regions=f"file://{tmp_path}/elsewhere",
    )

    assert done.exit_code == 0


@pytest.mark.parametrize("absolute", [True, False])
def test_path_for_later_steps(absolute: bool, step: Step, call: Call) -> None:
    """A path in the workspace is reported relative to it: elsewhere it has another name."""
    stage(call, path=step.file())
    path = f"{step.workspace}/new/file" if absolute else "new/file"

    done = call(
        CONTAINER, command="download", project="SugarWater", path=path, regions="file:artifacts"
    )

    assert done.outputs["path"] == "new/file"


def test_path_outside_the_workspace_for_later_steps(step: Step, call: Call) -> None:
    """A path that is not in the workspace is reported as it was given."""
    stage(call, path=step.file())

    done = call(
        command="download",
        project="SugarWater",
        path=f"{step.temp}/file",
        regions="file:artifacts",
    )
    without = call(
        {"GITHUB_WORKSPACE": "", "GITHUB_ACTIONS": ""},
        command="download",
        project="SugarWater",
        path=f"{step.workspace}/file",
        regions="file:artifacts",
    )

    assert done.outputs["path"] == f"{step.temp}/file"
    assert without.outputs["path"] == f"{step.workspace}/file"


def owners(folder: Path) -> dict[str, tuple[int, int]]:
    """Return who owns what in *folder*, itself included."""
    paths = [folder, *folder.rglob("*")]
    return {str(p.relative_to(folder)): (p.lstat().st_uid, p.lstat().st_gid) for p in paths}


@pytest.fixture
def owned(step: Step) -> Step:
    """Return a step whose workspace belongs to the runner's user."""
    step.file()
    for path in (step.workspace, *step.workspace.rglob("*")):
        os.chown(path, *OWNER)
    return step


@as_root
def test_staging_gives_files_away(owned: Step, call: Call) -> None:
    """All that a staging makes in the workspace belongs to the workspace's owner."""
    exit_code, _ = stage(call, regions="file:deep/a file:deep/b")

    found = owners(owned.workspace)
    assert exit_code == 0
    assert "deep/b/SugarWater@1.0.0/metadata.json" in found
    assert "deep/a/SugarWater/latest" in found
    assert set(found.values()) == {OWNER}


@as_root
def test_downloading_gives_files_away(owned: Step, call: Call) -> None:
    """All that a download makes belongs to the workspace's owner, new folders included."""
    stage(call, save_filename="true")
    downloads = {"new/folder/file": "false", "restored": "true"}

    codes = [
        call(
            command="download",
            project="SugarWater",
            path=path,
            load_filename=load,
            regions="file:artifacts",
        ).exit_code
        for path, load in downloads.items()
    ]

    found = owners(owned.workspace)
    assert codes == [0, 0]
    assert {"new/folder/file", "restored/dist.tar.gz"} <= set(found)
    assert set(found.values()) == {OWNER}


@as_root
def test_replaced_file_is_given_away(owned: Step, call: Call) -> None:
    """A file that the download replaces is a new file, and is given away too."""
    stage(call)
    owned.file(b"old", "file")

    call(command="download", project="SugarWater", path="file", regions="file:artifacts")

    assert owners(owned.workspace)["file"] == OWNER
    assert (owned.workspace / "file").read_bytes() == b"sugar and water\n"


@as_root
def test_failing_gives_files_away(owned: Step, call: Call) -> None:
    """Folders that a step made before it failed belong to the workspace's owner as well."""
    stage(call)
    artifact = owned.workspace / "artifacts" / "SugarWater@1.0.0" / "artifact"
    artifact.write_bytes(b"sugar and WATER\n")

    done = call(command="download", project="SugarWater", path="new/file", regions="file:artifacts")

    found = owners(owned.workspace)
    assert done.exit_code == 7
    assert "new" in found
    assert "new/file" not in found
    assert set(found.values()) == {OWNER}


@as_root
def test_what_was_there_keeps_its_owner(owned: Step, call: Call) -> None:
    """Files and folders that somebody else made stay theirs."""
    session = Session(regions=[f"file://{owned.workspace}/artifacts"])
    session.stage("SugarWater", "0.9.0", owned.workspace / "dist.tar.gz")
    session.stage("SugarWater", "1.0.0", owned.workspace / "dist.tar.gz")
    (owned.workspace / "same").write_bytes(b"sugar and water\n")

    stage(call)
    call(command="download", project="SugarWater", path="same", regions="file:artifacts")

    found = owners(owned.workspace)
    root = (0, 0)
    assert found["artifacts"] == found["artifacts/SugarWater@1.0.0/artifact"] == root
    assert found["artifacts/SugarWater@0.9.0"] == root
    assert found["same"] == root


@as_root
def test_nobody_to_give_files_to(step: Step, call: Call) -> None:
    """Without a workspace the step succeeds, and files are as they are."""
    step.file()

    done = call(
        {"GITHUB_WORKSPACE": str(step.workspace / "gone"), "GITHUB_ACTIONS": ""},
        command="stage",
        project="SugarWater",
        version="1.0.0",
        path="dist.tar.gz",
        regions="file:artifacts",
    )

    assert done.exit_code == 0
    assert done.warnings == []


@as_root
def test_files_that_cannot_be_given_away(
    owned: Step, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where files cannot be given away, as on some network drives, that is one warning."""

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    monkeypatch.setattr(os, "chown", refuse)

    done = call(
        command="stage",
        project="SugarWater",
        version="1.0.0",
        path="dist.tar.gz",
        regions="file:artifacts",
    )

    assert done.exit_code == 0
    assert len(done.warnings) == 1
    assert "to the owner of the workspace: Operation not permitted" in done.warnings[0]


HOST = {"RUNNER_WORKSPACE": "/home/runner/work/SugarWater"}


@pytest.mark.parametrize(
    "folder",
    ["/home/runner/work/SugarWater/SugarWater", "/__w/SugarWater/SugarWater"],
    ids=["host", "job container"],
)
@pytest.mark.parametrize("scheme", ["file:", "file://"])
@in_both_forms
def test_names_of_the_workspace(
    form: dict[str, str], folder: str, scheme: str, step: Step, call: Call
) -> None:
    """The workspace is found under the names that the host and a job's container have for it."""
    step.file()

    exit_code, errors = stage(
        call, {**HOST, **form}, path=f"{folder}/dist.tar.gz", regions=f"{scheme}{folder}/artifacts"
    )
    configured, _ = stage(
        call, {**HOST, **form, "STARTIFACT_REGIONS": f"{scheme}{folder}/more"}, regions=""
    )

    assert (exit_code, configured) == (0, 0), errors
    assert (step.workspace / "artifacts" / "SugarWater@1.0.0" / "artifact").is_file()
    assert (step.workspace / "more" / "SugarWater@1.0.0" / "artifact").is_file()


@pytest.mark.parametrize("folder", ["/home/runner/work/_temp", "/__w/_temp"])
def test_names_of_the_temporary_folder(folder: str, step: Step, call: Call) -> None:
    """So is the runner's temporary folder."""
    step.file()

    exit_code, errors = stage(call, HOST, regions=f"file:{folder}/artifacts")

    assert exit_code == 0, errors
    assert (step.temp / "artifacts" / "SugarWater@1.0.0" / "artifact").is_file()


def test_host_names_for_later_steps(step: Step, call: Call) -> None:
    """What the container calls by its own names, later steps find: in the workspace relative to
    it, and else under the host's name.
    """
    regions = f"file://{step.workspace}/a, file:{step.temp}/b"
    stage(call, HOST, path=step.file(), regions=regions)

    done = call(
        {**CONTAINER, **HOST},
        command="download",
        project="SugarWater",
        path=f"{step.temp}/new/file",
        regions=regions,
    )

    host = "/home/runner/work"
    first, second = json.loads(done.outputs["locations"])
    assert done.outputs["path"] == f"{host}/_temp/new/file"
    assert (first["bucket"], second["bucket"]) == ("a", f"{host}/_temp/b")
    assert first["uri"] == f"file://{host}/SugarWater/SugarWater/a/SugarWater%401.0.0/artifact"
    assert second["uri"] == f"file://{host}/_temp/b/SugarWater%401.0.0/artifact"
    assert second["region"] == f"file://{host}/_temp/b"
    for name in ("bucket", "uri", "region"):
        assert done.outputs[name] == first[name]
    assert str(step.workspace) not in done.summary
    assert str(step.temp) not in done.summary


@pytest.mark.parametrize(
    "inputs",
    [
        {"path": ".//home/runner/work/SugarWater/SugarWater/dist.tar.gz"},
        {"path": "first\n.//home/runner/work/SugarWater/SugarWater/dist.tar.gz"},
        {"path": "x/__w/SugarWater/SugarWater/dist.tar.gz"},
        {"regions": "file:.//home/runner/work/SugarWater/SugarWater/artifacts"},
        {"regions": "file:a%20//home/runner/work/SugarWater/SugarWater/artifacts"},
    ],
)
def test_folder_of_the_host_in_the_middle(inputs: dict[str, str], step: Step, call: Call) -> None:
    """A name of the host's that is not the beginning of a path leads nowhere: the error says so."""
    step.file()

    exit_code, errors = stage(call, HOST, **inputs)

    assert exit_code == 2
    assert "SugarWater/SugarWater in its middle" in errors[0]
    assert "relative to the workspace" in errors[0]
    assert not (step.workspace / "artifacts").exists()


@pytest.mark.parametrize("path", ["/home/runner/work/SugarWater/Other/x", "/__w/Other/Other/x"])
def test_neighbours_of_the_workspace(path: str, call: Call) -> None:
    """Other folders of the host are outside."""
    exit_code, errors = stage(call, HOST, path=path)

    assert exit_code == 2
    assert "is outside the workspace" in errors[0]


def test_names_of_the_host_without_a_workflow(step: Step, call: Call) -> None:
    """In no workflow and no container paths are what they are."""
    done = call(
        {**HOST, "GITHUB_ACTIONS": ""},
        command="download",
        project="SugarWater",
        path="/home/runner/work/SugarWater/SugarWater/x",
        regions="file:/__w/SugarWater/SugarWater/artifacts",
    )

    assert done.exit_code == 3
    assert "file:/__w/SugarWater/SugarWater/artifacts" in done.stdout
