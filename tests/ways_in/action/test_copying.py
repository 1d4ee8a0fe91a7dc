"""Steps that copy: outputs, log and summary are those of a staging in the regions copied to."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from startifact import Session
from tests.conftest import AwsAccount
from tests.support.runner_step import IS_ROOT, Done, Step
from tests.ways_in.action.conftest import Call
from tests.ways_in.action.identity import SECRET, Identities

FORMS = [{"STARTIFACT_CONTAINER": "1"}, {"STARTIFACT_CONTAINER": ""}]
ROLE, OTHER_ROLE = (f"arn:aws:iam::{n}:role/copier" for n in ("123456789012", "210987654321"))


@pytest.fixture
def regions(step: Step, directories: list[str]) -> str:
    """Stage a version, and return where."""
    Session(regions=directories).stage(
        "SugarWater", "1.4.2", step.workspace / step.file(b"sugar"), metadata={"lang": "dotnet"}
    )
    return " ".join(directories)


@pytest.fixture
def identities() -> Iterator[Identities]:
    """Return GitHub and STS on loopback."""
    identities = Identities()
    yield identities
    identities.stop()


def copy(call: Call, regions: str, extra: dict[str, str] | None = None, /, **inputs: str) -> Done:
    given = {"command": "copy", "project": "SugarWater", "regions": regions, **inputs}
    return call(extra or {}, **given)


def test_copy(step: Step, call: Call, regions: str) -> None:
    """What is known of the staging in the regions copied to is in the outputs and the summary."""
    to = "file:there/x file:there/y file:there/z"
    done = copy(call, regions, to=to, version="^1")
    again = copy(call, regions, to=to)

    assert (done.exit_code, again.exit_code) == (0, 0), done.stdout
    outputs = done.outputs
    assert (outputs["version"], outputs["created"], outputs["is-latest"]) == (
        "1.4.2",
        "true",
        "true",
    )
    assert (outputs["region"], outputs["bucket"]) == ("file:there/x", "there/x")
    assert json.loads(outputs["metadata"]) == {"lang": "dotnet"}
    locations = json.loads(outputs["locations"])
    assert [(x["region"], x["outcome"]) for x in locations] == [
        (f"file:there/{name}", "created") for name in "xyz"
    ]
    assert "### ✅ `SugarWater@1.4.2` copied for `^1`\n" in done.summary
    assert "| `file:there/z` | created after " in done.summary
    assert "      file:there/x\n" in done.summary
    assert again.outputs["created"] == "false"
    assert "### ✅ `SugarWater@1.4.2` was copied already for `latest`\n" in again.summary
    there = Session(regions=[f"file:{step.workspace}/there/{name}" for name in "xyz"])
    assert str(there.get("SugarWater").version) == "1.4.2"


def test_dry_run(step: Step, call: Call, regions: str) -> None:
    """A dry run writes nothing there."""
    done = copy(call, regions, to="file:there", dry_run="true")

    assert done.exit_code == 0, done.stdout
    assert "### ✅ `SugarWater@1.4.2` would be copied (dry run) for `latest`\n" in done.summary
    assert not (step.workspace / "there").exists()


def test_yanked(step: Step, call: Call, directories: list[str], regions: str) -> None:
    """That the copy is yanked too is an output, and in the log and the summary with the reason."""
    plain = copy(call, regions, to="file:there")
    Session(regions=directories).yank("SugarWater", "1.4.2", "it *loses* data")

    dry = copy(call, regions, to="file:there", version="1.4.2", dry_run="true")
    done = copy(call, regions, to="file:there", version="1.4.2")
    again = copy(call, regions, to="file:there", version="1.4.2")

    assert "| Yanked | already: `it *loses* data` |\n" in again.summary.removeprefix(done.summary)
    assert "it is yanked already, which stays as it is: 'it *loses* data'" in again.stdout
    assert again.outputs["yanked"] == "true"
    assert [d.outputs["yanked"] for d in (plain, dry, done)] == ["false", "true", "true"]
    assert "it is yanked" not in plain.stdout
    assert "| Yanked |" not in plain.summary
    said = "yanked, as where it was copied from: 'it *loses* data'"
    assert f"it would be {said}" in dry.stdout.splitlines()
    assert f"it is {said}" in done.stdout.splitlines()
    assert "| Yanked | would be: `it *loses* data` |\n" in dry.summary
    assert "| Yanked | `it *loses* data` |\n" in done.summary.removeprefix(dry.summary)


def test_other_content(step: Step, call: Call, regions: str) -> None:
    """Other content there is a conflict, with what each region copied to holds."""
    there = Session(regions=[f"file:{step.workspace}/there"])
    there.stage("SugarWater", "1.4.2", step.workspace / step.file(b"other"))

    done = copy(call, regions, to="file:there", version="1.4.2")

    assert (done.exit_code, done.outputs["outcome"]) == (4, "conflict")
    assert [x["region"] for x in json.loads(done.outputs["locations"])] == ["file:there"]
    assert done.outputs["version"] == "1.4.2"


def test_required_regions(step: Step, call: Call, regions: str) -> None:
    """How many are required is said of the regions copied to, however many there are here."""
    to = " ".join(f"file:there/{n}" for n in range(4))

    done = copy(call, regions.split()[0], to=to, **{"required-regions": "4"})
    too_many = copy(call, regions, to="file:there/0", **{"required-regions": "2"})

    assert (done.exit_code, too_many.exit_code) == (0, 2), done.stdout
    assert "required-regions" in too_many.errors[0]


@pytest.mark.parametrize("form", FORMS, ids=["container", "composite"])
@pytest.mark.parametrize("to", ["file:/srv/artifacts", "file:../../../x", "file:link/x"])
def test_outside(step: Step, call: Call, regions: str, to: str, form: dict[str, str]) -> None:
    """A directory elsewhere is refused to copy to as well, in both forms."""
    (step.workspace / "link").symlink_to(step.workspace.parents[2])

    done = copy(call, regions, form, to=f"file:there, {to}")

    assert done.exit_code == 2
    assert f"region '{to}' is outside the workspace" in done.errors[0]
    assert not (step.workspace / "there").exists()


def test_memory(call: Call, regions: str) -> None:
    """What is copied into memory would vanish with the step."""
    done = copy(call, regions, to="memory:there")

    assert done.exit_code == 2
    assert "'memory:there' is in the memory of this step" in done.errors[0]


def test_name_of_the_workspace(step: Step, call: Call, regions: str) -> None:
    """A directory to copy to is found under the name that the host has for the workspace."""
    done = copy(
        call,
        regions,
        {"STARTIFACT_CONTAINER": "1", "RUNNER_WORKSPACE": "/home/runner/work/SugarWater"},
        to="file:///home/runner/work/SugarWater/SugarWater/there",
    )

    assert done.exit_code == 0, done.stdout
    assert (step.workspace / "there" / "SugarWater@1.4.2").is_dir()
    assert done.outputs["bucket"] == "there"


@pytest.mark.skipif(not IS_ROOT, reason="only root can give files away, as in the container")
def test_owner(step: Step, call: Call, regions: str) -> None:
    """What is made in the regions copied to belongs to whom the workspace belongs to."""
    os.chown(step.workspace, 1001, 121)

    done = copy(call, regions, FORMS[0], to="file:there")

    assert done.exit_code == 0, done.stdout
    made = [step.workspace / "there", *(step.workspace / "there").rglob("*")]
    assert {path.stat().st_uid for path in made} == {1001}


@pytest.mark.parametrize(
    ("inputs", "what"),
    [
        ({}, "to is missing, the command copy needs one"),
        ({"to": "- file:x"}, "to is written as a list with dashes"),
        ({"to": "nowhere"}, "to is not valid: region 'nowhere' is not a region"),
        ({"to": "us-east-1", "to-role": "copier"}, "to-role is 'copier', which is not the ARN"),
        (
            {"to": "us-east-1", "to-configuration-parameter": "a b"},
            "to-configuration-parameter 'a b' is not the name of an SSM parameter",
        ),
        ({"to": "file:x", "to-role": ROLE}, "to-role is given, and none of the regions to copy to"),
        ({"to": "us-east-1", "to-profile": "nobody"}, "there is no profile 'nobody'"),
        (
            {"to": "us-east-1", "to-profile": "p", "role-to-assume": ROLE},
            "role-to-assume and to-profile are both set",
        ),
        (
            {"to": "s3://bucket?profile=p", "role-to-assume": ROLE, "aws-region": "us-east-1"},
            "role-to-assume is set, and region 's3://bucket?profile=p' names a profile",
        ),
    ],
)
def test_refused(call: Call, regions: str, inputs: dict[str, str], what: str) -> None:
    """What cannot be is refused, in the names of the inputs."""
    done = copy(call, regions, **inputs)

    assert (done.exit_code, done.outputs["outcome"]) == (2, "invalid-input"), done.stdout
    assert what in done.errors[0]


def test_to_is_a_version_elsewhere(call: Call, regions: str) -> None:
    """For a rollback, the same input is a version."""
    done = call(
        {}, command="rollback", project="SugarWater", channel="prod", regions=regions, to="file:x"
    )

    assert done.exit_code == 2
    assert "'file:x' is not a semantic version" in done.errors[0]


def test_role(call: Call, regions: str, identities: Identities, account: AwsAccount) -> None:
    """A role for the regions copied to is taken on by the one of the step, which reads."""
    no_keys = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}

    done = copy(
        call,
        regions,
        {**no_keys, **identities.environment, "RUNNER_DEBUG": "1"},
        to="us-east-1",
        **{"role-to-assume": ROLE, "to-role": OTHER_ROLE},
    )

    assert done.exit_code == 0, done.stdout
    asked = [r for r in identities.role_requests if r["Action"] != "GetCallerIdentity"]
    first, second = asked
    assert (first["Action"], first["RoleArn"]) == ("AssumeRoleWithWebIdentity", ROLE)
    assert (second["Action"], second["RoleArn"]) == ("AssumeRole", OTHER_ROLE)
    assert "Credential=ASIAROLEROLEROLEROLE/" in second["Authorization"]
    assert account.latest("us-east-1", "SugarWater") == "1.4.2"
    assert not any(SECRET in text for text in (done.stdout, done.stderr, done.summary))
    assert "role-to-assume: arn:aws:iam::ACCOUNT:role/NAME" in done.summary


def test_masked_outputs(
    call: Call, regions: str, identities: Identities, account: AwsAccount
) -> None:
    """Outputs that hold the number of the other account are reported, as it is often masked."""
    number = OTHER_ROLE.split(":")[4]
    bucket = f"artifacts-{number}-{account.unique}"
    account.s3().create_bucket(Bucket=bucket)

    done = copy(
        call,
        regions,
        identities.environment,
        to=f"s3://{bucket}?region=us-east-1",
        **{"to-role": OTHER_ROLE},
    )

    assert done.exit_code == 0, done.stdout
    assert done.warnings[0].startswith(
        "these outputs hold the number of to-role's AWS account: bucket, region, uri, locations. "
    )


def test_same_role(call: Call, regions: str, identities: Identities, account: AwsAccount) -> None:
    """Without one, the role of the step reaches both."""
    no_keys = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}

    done = copy(
        call,
        regions,
        {**no_keys, **identities.environment},
        to="us-east-1",
        **{"role-to-assume": ROLE},
    )

    assert done.exit_code == 0, done.stdout
    assert {asked["RoleArn"] for asked in identities.role_requests} == {ROLE}
    assert account.latest("us-east-1", "SugarWater") == "1.4.2"


def test_refused_role(
    call: Call, regions: str, identities: Identities, account: AwsAccount, tmp_path: Path
) -> None:
    """A role that may not be taken on is exit code 6, and names who refused."""
    identities.refusal = (403, "AccessDenied")

    done = copy(
        call,
        regions,
        {"AWS_ENDPOINT_URL_STS": identities.address},
        to="us-east-1",
        **{"to-role": OTHER_ROLE},
    )

    assert (done.exit_code, done.outputs["outcome"]) == (6, "access-denied"), done.stdout
    assert "sts:AssumeRole" in done.errors[0]
