"""Steps in the container, started as the runner starts them and judged by its rules."""

import json
import os
import signal
import socket
import threading
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest

from tests.conftest import AwsAccount
from tests.support.runner_step import ACTION, IS_ROOT
from tests.ways_in.container.conftest import RUN_SECONDS, RunnerStep, docker

CONTENT = b"sugar and water\n"
OUTPUTS = set(ACTION["outputs"])


def check_round_trip(step: RunnerStep, regions: str) -> None:
    """Stage, download and look up, and judge every step by the runner's rules."""
    where = {"project": "SugarWater", "regions": regions}
    name = step.file(CONTENT)

    staged = step.run(
        **where,
        command="stage",
        version="1.0.9000",
        path=name,
        metadata="lang: dotnet\nsize: 1.10\n",
        save_filename="true",
    )
    step.output.write_bytes(b"")
    downloaded = step.run(
        **where,
        command="download",
        path=f"{step.workspace}/new",
        load_filename="true",
    )
    step.output.write_bytes(b"")
    found = step.run(**where, command="info", version="1.0.9000")

    for done in (staged, downloaded, found):
        assert done.exit_code == 0, done.stdout + done.stderr
        assert done.commands == []
        assert done.stderr == ""
        assert set(done.outputs) == OUTPUTS
        assert done.outputs["version"] == "1.0.9000"
        assert json.loads(done.outputs["metadata"]) == {"lang": "dotnet", "size": "1.10"}
        assert {x["outcome"] for x in json.loads(done.outputs["locations"])} <= {
            *("created", "present"),
        }
    assert staged.outputs["created"] == staged.outputs["is-latest"] == "true"
    assert downloaded.outputs["path"] == f"new/{name}"
    assert (step.workspace / "new" / name).read_bytes() == CONTENT
    assert "`SugarWater@1.0.9000` staged" in staged.summary
    assert "`SugarWater@1.0.9000` downloaded" in downloaded.summary
    assert "`SugarWater@1.0.9000` found" in found.summary


def test_directories(step: RunnerStep) -> None:
    """In directories of the workspace, staging, downloading and looking up work."""
    check_round_trip(step, "file:artifacts/a\nfile:./artifacts/b\n")


@pytest.mark.usefixtures("account")
def test_organisation_configuration(step: RunnerStep) -> None:
    """In AWS regions that share their organisation's configuration, they work too."""
    check_round_trip(step, "us-east-1, eu-west-1, ap-southeast-2")


def test_buckets(step: RunnerStep, account: AwsAccount) -> None:
    """In buckets without any configuration, they work too."""
    endpoint = account.endpoint.replace(":", "%3A").replace("/", "%2F")

    check_round_trip(
        step,
        " ".join(
            f"s3://{bucket}/some/prefix?region={region}&endpoint={endpoint}"
            for region, bucket in account.buckets.items()
        ),
    )


@pytest.mark.parametrize("region", ["file:///srv/artifacts", "file:../artifacts", "file:link/a"])
def test_directory_outside(region: str, step: RunnerStep) -> None:
    """A directory that would vanish with the container is refused before anything is done."""
    (step.workspace / "link").symlink_to("/srv")

    done = step.run(
        command="stage",
        project="SugarWater",
        version="1.0.0",
        path=step.file(),
        regions=f"{region} file:kept",
    )

    assert done.exit_code == 2
    assert len(done.errors) == 1
    assert f"region '{region}' is outside the workspace" in done.errors[0]
    assert done.has_only("invalid-input", project="SugarWater", version="1.0.0")
    assert not (step.workspace / "kept").exists()


def test_copy_outside(step: RunnerStep) -> None:
    """So is one to copy to."""
    where = {"project": "SugarWater", "regions": "file:artifacts"}
    step.run(**where, command="stage", version="1.0.0", path=step.file())
    step.output.write_bytes(b"")

    done = step.run(**where, command="copy", to="file:///srv/artifacts")

    assert done.exit_code == 2
    assert "region 'file:///srv/artifacts' is outside the workspace" in done.errors[0]


def test_runner_temp(step: RunnerStep) -> None:
    """The runner's temporary folder outlasts the container, and may be used."""
    done = step.run(
        command="stage",
        project="SugarWater",
        version="1.0.0",
        path=step.file(),
        regions="file:///github/runner_temp/artifacts",
    )

    assert done.exit_code == 0, done.stdout
    assert (step.temp / "artifacts" / "SugarWater@1.0.0" / "artifact").read_bytes() == CONTENT


@pytest.mark.skipif(not IS_ROOT, reason="only root can make the workspace somebody else's")
def test_owner(step: RunnerStep) -> None:
    """Everything that steps make in the workspace belongs to the workspace's owner."""
    where = {"project": "SugarWater", "regions": "file:artifacts"}
    os.chown(step.workspace / step.file(), 1001, 121)

    step.run(**where, command="stage", version="1.0.0", path="dist.tar.gz")
    step.run(**where, command="download", path="new/folder/file")
    step.run(**where, command="copy", to="file:there")
    step.run(command="lock", regions="file:artifacts", entries="SugarWater")

    owners = {
        str(p.relative_to(step.workspace)): (p.lstat().st_uid, p.lstat().st_gid)
        for p in step.workspace.rglob("*")
    }
    assert {
        "new/folder/file",
        "artifacts/SugarWater@1.0.0/metadata.json",
        "there/SugarWater@1.0.0/artifact",
        "startifact.lock",
    } <= set(owners)
    assert set(owners.values()) == {(1001, 121)}


def test_mistakes(step: RunnerStep) -> None:
    """Mistakes are reported together, in one error, and nothing is written."""
    done = step.run(command="stage", project="..", version="1.1", path="/etc/passwd")

    assert done.exit_code == 2
    assert len(done.errors) == 1
    assert "project '..' is not a legal name" in done.errors[0]
    assert "In YAML, quote versions" in done.errors[0]
    assert done.has_only("invalid-input")
    assert done.stderr == ""


def test_no_credentials(step: RunnerStep) -> None:
    """Without credentials the error says how a workflow gets them."""
    done = step.run(
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
        command="info",
        project="SugarWater",
        version="1.0.0",
        regions="s3://a-bucket?region=us-east-1",
    )

    assert done.exit_code == 6
    assert "configure-aws-credentials" in done.errors[0]


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_signals(number: signal.Signals, exit_code: int, step: RunnerStep) -> None:
    """A signal that the engine passes on ends the step at once, and no container is left."""
    asked = threading.Event()
    name = f"startifact-test-{uuid4().hex}"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0]:
                asked.set()
                ended.wait(RUN_SECONDS)

        ended = threading.Event()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        endpoint = f"http%3A%2F%2F127.0.0.1%3A{listener.getsockname()[1]}"
        inputs = {
            "command": "info",
            "project": "SugarWater",
            "regions": f"s3://a-bucket?region=us-east-1&endpoint={endpoint}",
        }
        try:
            with step.launch(inputs, {}, name) as process:
                assert asked.wait(RUN_SECONDS)
                process.send_signal(number)
                stdout, stderr = process.communicate(timeout=RUN_SECONDS)
        finally:
            ended.set()
            docker("rm", "--force", name)

    done = step.done(process.returncode, stdout.decode(), stderr.decode())
    assert done.exit_code == exit_code
    assert done.errors == [f"stopped by {number.name}\nHint: Running the same step again is safe"]


def test_files_of_the_runner(step: RunnerStep) -> None:
    """Of the runner's files only those for outputs and the summary are touched."""
    before = {p: p.read_bytes() for p in files_of(step)}

    step.run(
        command="stage",
        project="SugarWater",
        version="1.0.0",
        path=step.file(),
        regions="file:artifacts",
    )

    after = {p: p.read_bytes() for p in files_of(step)}
    assert {p for p in after if after[p] != before.get(p)} == {step.output, step.summary}


def files_of(step: RunnerStep) -> list[Path]:
    return [p for p in step.temp.rglob("*") if p.is_file()]


def test_outputs_on_the_host(step: RunnerStep) -> None:
    """Later steps run on the host, and find there what the outputs name."""
    where = {"project": "SugarWater", "regions": f"file:one, file:{step.temp}/two"}
    staged = step.run(**where, command="stage", version="1.0.0", path=step.file(CONTENT))
    step.output.write_bytes(b"")

    done = step.run(**where, command="download", path=f"{step.temp}/new/file")

    assert (staged.exit_code, done.exit_code) == (0, 0), done.stdout
    assert Path(done.outputs["path"]).read_bytes() == CONTENT
    for backend in json.loads(done.outputs["locations"]):
        folder = step.workspace / backend["bucket"] / backend["key"]
        assert (folder / "artifact").read_bytes() == CONTENT
        assert Path(unquote(urlsplit(backend["uri"]).path)).read_bytes() == CONTENT
    assert "/github/" not in done.summary + json.dumps(done.outputs)
