"""Steps that examine regions: outputs, log and summary."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import AwsAccount
from tests.ways_in.action.conftest import Call
from tests.ways_in.action.identity import Identities


def test_all_is_well(call: Call, directories: list[str]) -> None:
    """The step succeeds, and its output has every check."""
    inputs = {"command": "doctor", "regions": " ".join(directories), "for": "stage"}
    done = call(**inputs)

    assert done.exit_code == 0, done.stdout
    checks = json.loads(done.outputs["checks"])
    assert done.has_only("succeeded", checks=done.outputs["checks"])
    assert {check["region"] for check in checks} == set(directories)
    assert done.summary.startswith("### Doctor for stage: nothing is wrong\n")


def test_what_fails(call: Call, directories: list[str]) -> None:
    """The step fails with 8; what failed is first in its summary, with what to do."""
    path = Path(directories[2].removeprefix("file://"))
    path.parent.mkdir(parents=True)
    path.write_text("in the way")

    done = call(
        command="doctor", project="SugarWater", regions=" ".join(directories), **{"for": "stage"}
    )

    assert done.exit_code == 8
    assert done.outputs["outcome"] == "differences"
    assert done.outputs["project"] == "SugarWater"
    (error,) = done.errors
    assert "is no directory" in error
    assert "Name another directory" in error
    assert done.summary.startswith("### Doctor for stage: 1 check failed\n")
    assert "failed with exit code 8" in done.summary
    table = done.summary.partition("| State |")[2].splitlines()
    assert table[2].startswith("| **failed** |")
    assert "is no directory" in table[2]
    assert "Name another directory" in table[2]


@pytest.fixture
def identities() -> Iterator[Identities]:
    """Return GitHub and STS on loopback."""
    identities = Identities()
    yield identities
    identities.stop()


def test_wrong_subject(call: Call, account: AwsAccount, identities: Identities) -> None:
    """A role whose trust policy has another sub is named, with both forms that a sub has."""
    identities.refusal = (403, "AccessDenied")
    role = "arn:aws:iam::123456789012:role/stage-sugarwater"

    done = call(
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", **identities.environment},
        command="doctor",
        project="SugarWater",
        regions="us-east-1",
        role_to_assume=role,
        aws_region="us-east-1",
    )

    (error,) = done.errors
    assert done.exit_code == 8
    assert f"AWS did not let this job take on the role {role}" in error
    assert "repo:ORGANISATION@ID/REPOSITORY@ID:" in error
    assert "repo:ORGANISATION/REPOSITORY:" in error
    assert {c["check"] for c in json.loads(done.outputs["checks"]) if c["state"] == "failed"} == {
        "identity"
    }
