"""Steps that stage, download and look up, in every kind of region, by the runner's rules."""

import base64
import hashlib
import json
from pathlib import Path

import pytest

from startifact import Session
from startifact.action.outputs import OUTPUTS
from tests.conftest import AwsAccount
from tests.support.runner_step import ACTION, Step
from tests.ways_in.action.conftest import Call, to_stage

CONTENT = b"sugar and water\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def listed(regions: list[str]) -> str:
    return "\n".join(regions)


def test_stage(step: Step, call: Call, listed: str) -> None:
    """Staging sets every output of action.yml, and those that do not apply are empty."""
    done = call(
        **to_stage(
            step,
            version="v1.0.9000",
            path=step.file(CONTENT),
            metadata="lang=dotnet\nhash=9876=\n",
            save_filename="true",
            regions=listed,
        )
    )

    locations = json.loads(done.outputs["locations"])
    assert done.exit_code == 0, done.stdout
    assert set(done.outputs) == set(ACTION["outputs"]) == set(OUTPUTS)
    assert {n: done.outputs[n] for n in ("project", "version", "filename", "size", "path")} == {
        "project": "SugarWater",
        "version": "1.0.9000",
        "filename": "dist.tar.gz",
        "size": "16",
        "path": "",
    }
    assert done.outputs["created"] == done.outputs["is-latest"] == "true"
    assert done.outputs["metadata"] == '{"hash":"9876=","lang":"dotnet"}'
    assert done.outputs["sha256"] == SHA256
    assert base64.b64decode(done.outputs["sha256-base64"]).hex() == SHA256
    assert done.outputs["region"] == listed.split("\n")[0]
    assert [location["region"] for location in locations] == listed.split("\n")
    assert {location["outcome"] for location in locations} == {"created"}
    for name in ("bucket", "key", "uri"):
        assert done.outputs[name] == locations[0][name]
    assert done.commands == []
    assert done.stderr == ""


def test_download(step: Step, call: Call, listed: str) -> None:
    """A download brings the bytes back under the saved name, and reports where they are."""
    Session(regions=listed).stage(
        "SugarWater",
        "1.0.9000",
        step.workspace / step.file(CONTENT),
        metadata={"lang": "dotnet"},
        save_filename=True,
    )

    done = call(
        command="download",
        project="SugarWater",
        version="latest",
        path="new/folder",
        load_filename="true",
        regions=listed,
    )

    assert done.exit_code == 0, done.stdout
    assert set(done.outputs) == set(OUTPUTS)
    assert done.outputs["path"] == "new/folder/dist.tar.gz"
    assert (step.workspace / done.outputs["path"]).read_bytes() == CONTENT
    assert done.outputs["metadata"] == '{"lang":"dotnet"}'
    assert done.outputs["version"] == "1.0.9000"
    assert done.outputs["created"] == done.outputs["is-latest"] == ""
    assert done.commands == []


def test_info(step: Step, call: Call, listed: str) -> None:
    """Looking up an artifact sets its outputs and writes no file; version is latest by default."""
    Session(regions=listed).stage("SugarWater", "1.0.0", step.workspace / step.file(CONTENT))

    done = call(command="info", project="SugarWater", regions=listed)

    assert done.exit_code == 0, done.stdout
    assert set(done.outputs) == set(OUTPUTS)
    assert done.outputs["sha256"] == SHA256
    assert done.outputs["version"] == "1.0.0"
    assert done.outputs["filename"] == done.outputs["path"] == ""
    assert len(json.loads(done.outputs["locations"])) == 3


def test_artifact_without_record(step: Step, call: Call, account: AwsAccount) -> None:
    """An artifact of the first Startifact has no SHA-256: the outputs are empty, people see."""
    for region, bucket in account.buckets.items():
        account.s3(region).put_object(Bucket=bucket, Key="team/SugarWater@1.0.0", Body=CONTENT)

    done = call(command="download", project="SugarWater", version="1.0.0", path="back")

    assert done.exit_code == 0, done.stdout
    assert (step.workspace / "back").read_bytes() == CONTENT
    assert set(done.outputs) == set(OUTPUTS)
    assert done.outputs["sha256"] == done.outputs["sha256-base64"] == ""
    assert f"md5:{hashlib.md5(CONTENT).hexdigest()}, 16 bytes" in done.stdout
    assert "| SHA-256 | not recorded |" in done.summary


def test_dry_run(step: Step, call: Call, listed: str) -> None:
    """A dry run says what staging would do, and afterwards nothing is staged."""
    done = call(**to_stage(step, path=step.file(CONTENT), dry_run="True", regions=listed))
    looked_up = call(command="info", project="SugarWater", version="1.0.0", regions=listed)

    assert done.exit_code == 0, done.stdout
    assert done.outputs["created"] == "false"
    assert done.outputs["is-latest"] == "true"
    assert done.outputs["bucket"] == ""
    assert "would be staged (dry run)" in done.summary
    assert looked_up.exit_code == 3


def test_again(step: Step, call: Call, listed: str) -> None:
    """Staging the same content again succeeds, and says that it did not make the version."""
    staging = {
        "command": "stage",
        "project": "SugarWater",
        "version": "1.0.0",
        "path": step.file(CONTENT),
        "regions": listed,
    }
    call(**staging)

    done = call(**staging)

    assert done.exit_code == 0
    assert done.outputs["created"] == "false"
    assert done.outputs["is-latest"] == "true"
    assert "was staged already" in done.summary


def test_other_content(step: Step, call: Call, directories: list[str]) -> None:
    """Other content under a staged version fails with code 4, or is kept where that is asked."""
    listed = ",".join(directories)
    Session(regions=listed).stage("SugarWater", "1.0.0", step.workspace / step.file(CONTENT))
    staging = {
        "command": "stage",
        "project": "SugarWater",
        "version": "1.0.0",
        "path": step.file(b"something else", "other"),
        "regions": listed,
    }

    refused = call(**staging)
    kept = call(**staging, if_exists="keep")

    assert refused.exit_code == 4
    locations = refused.outputs["locations"]
    assert refused.has_only("conflict", project="SugarWater", version="1.0.0", locations=locations)
    assert [x["outcome"] for x in json.loads(locations)] == ["different"] * 3
    assert "is already staged with other content" in refused.outputs["error"]
    assert len(refused.errors) == 1
    assert SHA256 in refused.errors[0]
    assert kept.exit_code == 0
    assert kept.outputs["sha256"] == SHA256
    assert kept.outputs["created"] == "false"
    assert "was kept as it was staged: this attempt has other content\n" in kept.summary


def test_dry_run_of_what_is_staged(step: Step, call: Call, directories: list[str]) -> None:
    """A dry run of what is staged everywhere says so."""
    listed = ",".join(directories)
    Session(regions=listed).stage("SugarWater", "1.0.0", step.workspace / step.file(CONTENT))

    done = call(
        command="stage",
        project="SugarWater",
        version="1.0.0",
        path="dist.tar.gz",
        dry_run="true",
        regions=listed,
    )

    assert "is staged already (dry run)" in done.summary


def test_older_version(step: Step, call: Call, directories: list[str]) -> None:
    """Staging an older version leaves latest where it is, and says so."""
    listed = ",".join(directories)
    Session(regions=listed).stage("SugarWater", "2.0.0", step.workspace / step.file(CONTENT))

    done = call(
        command="stage", project="SugarWater", version="1.0.0", path="dist.tar.gz", regions=listed
    )

    assert done.exit_code == 0
    assert done.outputs["created"] == "true"
    assert done.outputs["is-latest"] == "false"
    assert "latest does not point at this version" in done.stdout


def test_region_down(step: Step, call: Call, directories: list[str]) -> None:
    """With one region of three down the step succeeds, and warns once."""
    step.file(b"", "blocked")
    listed = [*directories[:2], "file:./blocked/region"]

    done = call(**to_stage(step, path=step.file(CONTENT), regions=" ".join(listed)))

    outcomes = [location["outcome"] for location in json.loads(done.outputs["locations"])]
    assert done.exit_code == 0, done.stdout
    assert outcomes == ["created", "created", "failed"]
    assert len(done.warnings) == 1
    assert "file:./blocked/region" in done.warnings[0]
    assert "Staging the same again fills what is missing" in done.summary
    assert done.errors == []


def test_too_few_regions(step: Step, call: Call, directories: list[str]) -> None:
    """With too few regions the step fails once, with a row for each of them in the summary."""
    step.file(b"", "blocked")
    listed = [directories[0], "file:./blocked/b", "file:./blocked/c"]

    done = call(**to_stage(step, path=step.file(CONTENT), regions=" ".join(listed)))

    assert done.exit_code == 5
    assert len(done.errors) == 1
    assert "Running the same staging again is safe" in done.errors[0]
    locations = done.outputs["locations"]
    assert done.has_only("undetermined", project="SugarWater", version="1.0.0", locations=locations)
    assert [x["outcome"] for x in json.loads(locations)] == ["created", "failed", "failed"]
    assert "failed with exit code 5" in done.summary
    assert done.summary.count("failed |") == 2
    assert "Running the same staging again is safe" in done.summary


def test_not_found(call: Call, directories: list[str]) -> None:
    """A version that no region has ends with code 3 and one error that names it."""
    done = call(
        command="download",
        project="SugarWater",
        version="9.9.9",
        path="x",
        regions=",".join(directories),
    )

    assert done.exit_code == 3
    assert done.has_only("not-found", project="SugarWater", version="9.9.9")
    assert "SugarWater@9.9.9 is not staged in" in done.errors[0]
    assert len(done.errors) == 1


def test_configured_regions(step: Step, call: Call, directories: list[str]) -> None:
    """Without the input, STARTIFACT_REGIONS says where artifacts are."""
    done = call(
        {"STARTIFACT_REGIONS": ",".join(directories)}, **to_stage(step, path=step.file(CONTENT))
    )

    assert done.exit_code == 0, done.stdout
    assert done.outputs["region"] == directories[0]


def test_no_regions(step: Step, call: Call) -> None:
    """Without any region named anywhere the error says where to name them."""
    done = call(command="info", project="SugarWater")

    assert done.exit_code == 2
    assert "no regions are named" in done.errors[0]


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        (
            {"command": "stage", "project": "SugarWater", "version": "v1.0.0"},
            {"project": "SugarWater", "version": "1.0.0"},
        ),
        (
            {"command": "stage", "project": "SugarWater", "version": "1.0"},
            {"project": "SugarWater"},
        ),
        ({"command": "stage", "project": "..", "version": "1.0.0"}, {"version": "1.0.0"}),
        (
            {"command": "download", "project": "SugarWater", "version": "^1.2"},
            {"project": "SugarWater"},
        ),
        (
            {"command": "sing", "project": "SugarWater", "version": "1.0.0"},
            {"project": "SugarWater", "version": "1.0.0"},
        ),
        (
            {"command": "versions", "project": "SugarWater", "version": "1.0.0"},
            {"project": "SugarWater"},
        ),
        ({"command": "info", "project": "a\n::b"}, {}),
    ],
)
def test_inputs_that_are_not_valid(
    call: Call, inputs: dict[str, str], outputs: dict[str, str]
) -> None:
    """What is valid by itself is known, whatever else is wrong."""
    done = call(**inputs, deadline="soon")

    assert done.exit_code == 2
    assert done.has_only("invalid-input", **outputs)


def test_required_regions(step: Step, call: Call, directories: list[str]) -> None:
    """The number of regions that is asked for is the number that has to hold the artifact."""
    step.file(b"", "blocked")
    staging = {
        "command": "stage",
        "project": "SugarWater",
        "path": step.file(CONTENT),
        "regions": f"{directories[0]} {directories[1]} file:./blocked/region",
    }

    all_of_them = call(version="1.0.0", required_regions="all", **staging)
    two = call(version="1.0.1", required_regions="2", **staging)

    assert all_of_them.exit_code == 5
    assert two.exit_code == 0


def test_what_was_known_when_a_download_failed(
    step: Step, call: Call, directories: list[str]
) -> None:
    """What latest was, and what it should have been, is known although no bytes of it are there."""
    inputs = {"project": "SugarWater", "regions": directories[0]}
    staged = call(
        command="stage", version="1.0.0", path=step.file(), save_filename="true", **inputs
    )
    folder = Path(directories[0].removeprefix("file://")) / "SugarWater@1.0.0"
    (folder / "artifact").write_bytes(b"other and water\n")
    step.output.write_bytes(b"")
    done = call(command="download", version="latest", path="new", **inputs)

    names = ("version", "sha256", "sha256-base64", "size", "filename", "metadata", "project")
    assert (done.exit_code, done.outputs["outcome"]) == (7, "integrity")
    assert {n: done.outputs[n] for n in names} == {n: staged.outputs[n] for n in names}
    (location,) = json.loads(done.outputs["locations"])
    assert (location["region"], location["outcome"]) == (staged.outputs["region"], "failed")
    assert done.outputs["path"] == ""
    assert not (step.workspace / "new").exists()


def test_deadline(step: Step, call: Call, directories: list[str]) -> None:
    """A deadline that has passed fails the step with 5, and outputs and summary say why."""
    given = to_stage(step, path=step.file(CONTENT), regions=directories[0])

    late = call({}, **given, deadline="0.000001")
    in_time = call({}, **given, deadline="60")

    assert (late.exit_code, in_time.exit_code) == (5, 0), late.stdout + in_time.stdout
    assert late.errors[0].startswith("the deadline of 1e-06 s has passed")
    assert late.outputs["error"].startswith("the deadline of 1e-06 s has passed")
    assert "the deadline of 1e-06 s has passed" in late.summary
    assert in_time.outputs["created"] == "true"
