"""What whoever sets an account up has to be allowed."""

import json
import re

import pytest

from tests.functional.bootstrap.conftest import NAME, US, Bootstrap, EmptyAccount
from tests.support.command import run_inside
from tests.support.iam import Statements, listed, matches
from tests.support.wire import Request

NEEDS_NONE = "sts:GetCallerIdentity"
BUCKET_SETTINGS = {
    "encryption": "s3:GetEncryptionConfiguration",
    "lifecycle": "s3:GetLifecycleConfiguration",
    "replication": "s3:GetReplicationConfiguration",
    "publicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "versioning": "s3:GetBucketVersioning",
}


def action_of(request: Request) -> str:
    """Return the action of IAM that *request* needs, where it is no trial of doctor's."""
    if request.service != "s3":
        return f"{request.service}:{request.operation}"
    if request.path == "/":
        return "s3:ListAllMyBuckets"
    settings = [action for name, action in BUCKET_SETTINGS.items() if name in request.query]
    return settings[0] if settings else "s3:ListBucket"


@pytest.fixture
def printed(empty: EmptyAccount, capsys: pytest.CaptureFixture[str]) -> Statements:
    """Return the statements of the policy that is printed for the account."""
    words = ["policy", "bootstrap", "--name", NAME, "--regions", US, "--account", empty.number]
    done = run_inside(capsys, words)
    assert (done.code, done.err) == (0, "")
    found: Statements = json.loads(done.out)["Statement"]
    return found


def test_all_that_is_asked(empty: EmptyAccount, bootstrap: Bootstrap, printed: Statements) -> None:
    """Each request that it makes by itself is for something that the policy allows."""
    bootstrap("--github", "ORG@1/REPO@2", regions=(US,))
    bootstrap("--channel", "beta", regions=(US,))
    asked = {
        action_of(request)
        for request in empty.wire.requests()
        if "startifact-doctor" not in request.body.decode(errors="replace") + request.path
    }
    allowed = [pattern for statement in printed for pattern in listed(statement["Action"])]

    assert len(asked) > 15
    assert {a for a in asked if not any(matches(p, a) for p in allowed)} == {NEEDS_NONE}


def test_resources(empty: EmptyAccount, printed: Statements) -> None:
    """It is confined to what has the name, but for what has no resources."""
    (everything,) = (s for s in printed if s["Resource"] == "*")
    others = [s for s in printed if s is not everything]

    assert all("iam:Create" not in action for action in everything["Action"])
    for statement in others:
        for arn in listed(statement["Resource"]):
            assert re.search(rf"{NAME}|/startifact$|oidc-provider/token\.actions", arn)
            assert empty.number in arn


def test_placeholders(capsys: pytest.CaptureFixture[str]) -> None:
    """What is not given is a placeholder, and is named."""
    done = run_inside(
        capsys, ["policy", "bootstrap", "--kms-key", f"arn:aws:kms:{US}:123456789012:key/x"]
    )

    assert done.code == 0
    assert "NAME_GIVEN_TO_BOOTSTRAP is a placeholder: give --name" in done.err
    assert "kms:DescribeKey" in done.out


@pytest.mark.parametrize(
    "words", [["bootstrap", "stage"], ["bootstrap", "--project", "X"], ["stage", "--name", "x"]]
)
def test_other_commands(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """It has a policy by itself: other commands know nothing of its name."""
    done = run_inside(capsys, ["policy", *words])

    assert done.code == 2
    assert "hint: Print its policy by itself" in done.err
