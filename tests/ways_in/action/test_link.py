"""A step that makes a link: it is masked before it is anywhere, and in one output alone."""

import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conftest import AwsAccount
from tests.support.runner_step import Step
from tests.ways_in.action.conftest import Call, to_stage

LINK = {"command": "link", "project": "SugarWater", "regions": "us-east-1 eu-west-1"}


@pytest.fixture
def staged(account: AwsAccount, call: Call, step: Step) -> AwsAccount:
    done = call(**to_stage(step, regions=LINK["regions"], save_filename="true"))
    assert done.exit_code == 0, done.stdout
    step.output.write_text("")
    step.summary.write_text("")
    return account


def test_masked(staged: AwsAccount, call: Call) -> None:
    """Later steps have the link as an output; the log and the summary have what it leads to."""
    done = call(**LINK, expires="30m")

    url = done.outputs["link"]
    (signature,) = parse_qs(urlsplit(url).query)["X-Amz-Signature"]
    masks = [command.data for command in done.commands if command.name == "add-mask"]
    rest = "\n".join(line for line in done.stdout.splitlines() if "::add-mask::" not in line)
    others = {name: value for name, value in done.outputs.items() if name != "link"}
    assert done.exit_code == 0, done.stdout
    with urllib.request.urlopen(url, timeout=30) as answer:  # of loopback
        assert answer.read() == b"sugar and water\n"
    assert masks == [url, signature]
    for text in (rest, done.stderr, done.summary, str(others)):
        assert "X-Amz-" not in text
        assert signature not in text
    assert "the link works until 20" in rest
    assert "### ✅ `SugarWater@1.0.0` has a link for `latest`" in done.summary
    assert f"| Link works until | {done.outputs['expires-at']} |" in done.summary
    assert done.outputs["region"] == "us-east-1"
    assert done.outputs["yanked"] == "false"
    assert done.warnings == []


def test_longer_than_credentials(
    staged: AwsAccount, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step fails with 2, says in its own words what to set, and which version it was about."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")

    done = call(**LINK, expires="2h")

    (error,) = done.errors
    assert done.exit_code == 2
    assert "Hint: Set expires: 60m or less" in error
    assert "with role-to-assume it is known" in error
    assert done.outputs["version"] == "1.0.0"
    assert done.outputs["link"] == ""
    assert done.outputs["outcome"] == "invalid-input"


@pytest.mark.parametrize("expires", ["8d", "soon", "0s"])
def test_length_that_is_none(call: Call, account: AwsAccount, expires: str) -> None:
    """It is reported with everything else that is wrong with the inputs."""
    done = call(**LINK, expires=expires, version="1.10.")

    (error,) = done.errors
    assert done.exit_code == 2
    assert "expires" in error
    assert "'1.10.'" in error
