"""What AWS cannot be reached with: a region that there is not, a certificate, a garbled key."""

import socket
from pathlib import Path
from typing import Any

import pytest

from startifact import Session
from tests.conftest import AwsAccount
from tests.support.runner_step import Step
from tests.ways_in.action.conftest import Call

LOOK_UP = {"command": "info", "project": "SugarWater", "version": "1.0.0"}
AWS_ITSELF = {"AWS_ENDPOINT_URL": ""}


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make no name of a host be found."""
    look_up = socket.getaddrinfo

    def find(host: str, *more: Any, **options: Any) -> Any:
        if host.endswith(".amazonaws.com"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", find)


@pytest.mark.usefixtures("no_names", "account")
@pytest.mark.parametrize("region", ["us-est-1", "s3://my-artifacts?region=us-est-1"])
def test_region_that_there_is_not(region: str, call: Call) -> None:
    """An unknown region is reported by its spelling, and not as trouble with the network."""
    done = call(AWS_ITSELF, **LOOK_UP, regions=region)

    assert done.exit_code == 5
    (error,) = done.errors
    assert (
        "us-est-1 is not an AWS region that the SDK knows, did you mean us-east-1 or us-west-1?"
        in error
    )
    assert "Hint: Check the spelling of the region" in error


@pytest.mark.usefixtures("no_names", "account")
@pytest.mark.parametrize("region", ["us-east-1", "s3://my-artifacts?region=us-east-1"])
def test_region_that_there_is(region: str, call: Call) -> None:
    """A region that there is has no answer for reasons of the network."""
    done = call(AWS_ITSELF, **LOOK_UP, regions=region)

    assert done.exit_code == 5
    assert "that the SDK knows" not in done.errors[0]
    assert "Hint: Check the network, or try again" in done.errors[0]


@pytest.mark.usefixtures("no_names")
def test_one_of_three(step: Step, call: Call, directories: list[str]) -> None:
    """Where the others are enough, the warning says it: the copy would be missing for ever."""
    done = call(
        AWS_ITSELF,
        command="stage",
        project="SugarWater",
        version="1.0.0",
        path=step.file(),
        regions=f"{directories[0]} {directories[1]} us-est-1",
    )

    assert done.exit_code == 0, done.stdout
    assert any("did you mean us-east-1 or us-west-1?" in warning for warning in done.warnings)


def test_certificates(call: Call, account: AwsAccount, tmp_path: Path) -> None:
    """A file of certificates that is not there is named by its variable."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"https://127.0.0.1:{server.getsockname()[1]}"
        variables = {"AWS_CA_BUNDLE": f"{tmp_path}/gone.pem", "AWS_ENDPOINT_URL": address}

        done = call(variables, **LOOK_UP, regions="us-east-1")

    assert done.exit_code == 5
    assert "Hint: Check AWS_CA_BUNDLE" in done.errors[0]


def test_key_with_a_newline_behind_it(step: Step, call: Call, account: AwsAccount) -> None:
    """A secret is often pasted with the end of its line, which is no part of it."""
    Session(regions=["us-east-1"]).stage("SugarWater", "1.0.0", step.workspace / step.file())
    keys = {"AWS_ACCESS_KEY_ID": " AKIATESTTESTTESTTEST\n", "AWS_SECRET_ACCESS_KEY": "test\n"}

    done = call(keys, **LOOK_UP, regions="us-east-1")

    assert done.exit_code == 0, done.stdout


def test_token_with_a_newline_in_it(call: Call, account: AwsAccount) -> None:
    """In its middle it is refused, and nothing of the token is shown."""
    done = call({"AWS_SESSION_TOKEN": "first\nsecond"}, **LOOK_UP, regions="us-east-1")

    assert done.exit_code == 6
    assert "have a line break or another control character in them" in done.errors[0]
    assert "AWS_SESSION_TOKEN" in done.errors[0]
    assert "second" not in done.stdout
