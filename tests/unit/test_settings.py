"""The environment, read once."""

from pathlib import Path

import pytest

from startifact.action.runner import Runner
from startifact.model.record import Origin
from startifact.settings import Settings, tidy_aws_environment

WORKFLOW = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "org/repo",
    "GITHUB_SHA": "a" * 40,
    "GITHUB_REF": "refs/tags/v1",
    "GITHUB_RUN_ID": "42",
    "GITHUB_ACTOR": "somebody",
}


def test_nothing_is_set() -> None:
    """Without variables there are the defaults."""
    assert Settings.from_environment({}) == Settings(
        regions=None, parameter="/startifact", aws_region=None, origin=Origin()
    )


def test_everything_is_set() -> None:
    """Variables that are set are read, blanks around them taken away."""
    settings = Settings.from_environment(
        {
            "STARTIFACT_REGIONS": " eu-west-1 ",
            "STARTIFACT_PARAMETER": "/other",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-west-2",
        }
    )

    assert settings.regions == "eu-west-1"
    assert settings.parameter == "/other"
    assert settings.aws_region == "us-east-1"


def test_blank_is_not_set() -> None:
    """A variable that is blank, as an expression without a value leaves it, counts as not set."""
    names = ["STARTIFACT_REGIONS", "STARTIFACT_PARAMETER", "AWS_REGION", "AWS_DEFAULT_REGION"]

    assert Settings.from_environment(dict.fromkeys(names, "  ")) == Settings()


def test_default_region() -> None:
    """``AWS_DEFAULT_REGION`` is read where ``AWS_REGION`` is not set."""
    assert Settings.from_environment({"AWS_DEFAULT_REGION": "us-west-2"}).aws_region == "us-west-2"


def test_origin() -> None:
    """In a workflow the run is known, with its address."""
    assert Settings.from_environment(WORKFLOW).origin == Origin(
        repository="org/repo",
        commit="a" * 40,
        ref="refs/tags/v1",
        run="https://github.com/org/repo/actions/runs/42",
        actor="somebody",
    )


def test_origin_on_another_server() -> None:
    """The address of the run is on the server that runs it."""
    environ = WORKFLOW | {"GITHUB_SERVER_URL": "https://git.example"}

    run = Settings.from_environment(environ).origin.run

    assert run == "https://git.example/org/repo/actions/runs/42"


@pytest.mark.parametrize("name", ["GITHUB_REPOSITORY", "GITHUB_RUN_ID"])
def test_no_run(name: str) -> None:
    """Without all that the address is made of there is none."""
    assert Settings.from_environment(WORKFLOW | {name: ""}).origin.run is None


def test_no_workflow() -> None:
    """Outside a workflow stray variables are no origin."""
    assert Settings.from_environment(WORKFLOW | {"GITHUB_ACTIONS": ""}).origin == Origin()


def test_process_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default the process's own environment is read."""
    monkeypatch.setenv("STARTIFACT_REGIONS", "file:./a")
    monkeypatch.setenv("GITHUB_WORKSPACE", "/here")

    assert Settings.from_environment().regions == "file:./a"
    assert Runner.from_environment().workspace == Path("/here")


def test_runner() -> None:
    """What the runner says about itself is read."""
    assert Runner.from_environment(
        {
            "GITHUB_WORKSPACE": "/w",
            "RUNNER_TEMP": "/t",
            "GITHUB_OUTPUT": "/o",
            "GITHUB_STEP_SUMMARY": "/s",
            "STARTIFACT_CONTAINER": "1",
            "RUNNER_DEBUG": "1",
        }
    ) == Runner(
        workspace=Path("/w"),
        temp=Path("/t"),
        output="/o",
        summary="/s",
        in_container=True,
        debug=True,
    )
    assert Runner.from_environment({"RUNNER_DEBUG": "0"}) == Runner()


def test_tidy() -> None:
    """Blank AWS variables go, and the SDK looks for the region where people set it."""
    environ = {
        "AWS_PROFILE": "",
        "AWS_SESSION_TOKEN": " ",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "OTHER": "",
    }

    tidy_aws_environment(environ)

    assert environ == {
        "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "OTHER": ""
    }  # fmt: skip


def test_tidy_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default the process's own environment is tidied; a region by its other name stays."""
    monkeypatch.setenv("AWS_PROFILE", "")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    tidy_aws_environment()

    assert Settings.from_environment().aws_region == "us-east-1"
