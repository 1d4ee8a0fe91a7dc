"""Credentials that cannot be had, however they were meant to come: one error says what to do."""

import pytest

from tests.conftest import AwsAccount
from tests.support.runner_step import Step
from tests.ways_in.action.conftest import Call

THREE = "us-east-1, eu-west-1, ap-southeast-2"
LOOK_UP = {"command": "info", "project": "SugarWater", "version": "1.0.0"}
ROLE = "arn:aws:iam::123456789012:role/stage-sugarwater"
NO_KEYS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
GONE = "/var/run/secrets/that/is/not/mounted"
NOBODY = "http://127.0.0.1:1/credentials"

WEB_IDENTITY = {**NO_KEYS, "AWS_WEB_IDENTITY_TOKEN_FILE": GONE, "AWS_ROLE_ARN": ROLE}
POD_IDENTITY = {
    **NO_KEYS,
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": NOBODY,
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": GONE,
}


@pytest.mark.parametrize("regions", [THREE, "s3://my-artifacts?region=us-east-1"])
@pytest.mark.parametrize("variables", [WEB_IDENTITY, POD_IDENTITY], ids=["web", "pod"])
def test_token_file_that_is_not_mounted(
    variables: dict[str, str], regions: str, call: Call, account: AwsAccount
) -> None:
    """A token file of the host is not in the container: that is no bug, and the error names it."""
    done = call(variables, **LOOK_UP, regions=regions)

    assert done.exit_code == 6, done.stdout
    assert len(done.errors) == 1
    assert "there are no usable AWS credentials for" in done.errors[0]
    assert f"cannot read '{GONE}': No such file or directory" in done.errors[0]
    assert next(name for name in variables if variables[name] == GONE) in done.errors[0]
    assert "set role-to-assume" in done.errors[0]
    assert "bug" not in done.stdout


def test_local_files_are_not_credentials(step: Step, call: Call, account: AwsAccount) -> None:
    """The artifact's own file that cannot be read stays trouble with a local file."""
    done = call(command="stage", project="SugarWater", version="1.0.0", path="gone", regions=THREE)

    assert done.exit_code != 6
    assert "there is no file" in done.errors[0]


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"AWS_SECRET_ACCESS_KEY": ""}, "AWS_SECRET_ACCESS_KEY"),
        ({**NO_KEYS, "AWS_CONTAINER_CREDENTIALS_FULL_URI": NOBODY}, "container-role"),
        ({**NO_KEYS, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/x"}, "192.0.2.1"),
    ],
    ids=["half a key", "nobody there", "address that is not allowed"],
)
@pytest.mark.parametrize("regions", [THREE, "s3://my-artifacts?region=us-east-1"])
def test_credentials_that_cannot_be_had(
    variables: dict[str, str], named: str, regions: str, call: Call, account: AwsAccount
) -> None:
    """Half a key, and an agent that gives none, are missing credentials."""
    done = call(variables, **LOOK_UP, regions=regions)

    assert done.exit_code == 6, done.stdout
    assert len(done.errors) == 1
    assert "there are no usable AWS credentials for" in done.errors[0]
    assert named in done.errors[0]
    assert "Hint: Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE" in done.errors[0]
