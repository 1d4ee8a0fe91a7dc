"""The command link: the link alone is on standard output, all else is for people."""

import json
import urllib.request
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from startifact.options import COMMANDS
from tests.conftest import AwsAccount
from tests.ways_in.cli.conftest import Run
from tests.ways_in.cli.test_examples import words_of

MakeFile = Callable[..., Path]


@pytest.fixture
def staged(account: AwsAccount, run: Run, make_file: MakeFile) -> AwsAccount:
    path = make_file(b"sugar\n")
    assert run("stage", "SugarWater@1.0.9000", path, "--save-filename").code == 0
    assert run("promote", "SugarWater@1.0.9000", "prod").code == 0
    return account


def got(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:  # of loopback
        return bytes(answer.read())


def test_link(staged: AwsAccount, run: Run) -> None:
    """A program gets the link in one line; people see when it ends and where it leads."""
    done = run("link", "SugarWater@^1")

    (url,) = done.out.splitlines()
    bucket = staged.buckets["us-east-1"]
    assert done.code == 0
    assert got(url) == b"sugar\n"
    assert "SugarWater@1.0.9000: sha256:" in done.err
    assert "the link works until 20" in done.err
    assert f"it leads to s3://{bucket}/team/SugarWater@1.0.9000 in us-east-1" in done.err
    assert "Signature" not in done.err
    assert "warning" not in done.err


def test_json(staged: AwsAccount, run: Run) -> None:
    """With --json there is all that is needed to verify what comes, and until when."""
    done = run("link", "SugarWater@prod", "--json", "--expires", "30m")

    facts = json.loads(done.out)
    assert got(facts["link"]) == b"sugar\n"
    assert facts["size"] == 6
    assert len(facts["sha256"]) == 64
    assert facts["region"] == "us-east-1"
    assert facts["object-version"] is None
    assert facts["may-end-sooner"] is False
    assert datetime.fromisoformat(facts["expires-at"]).tzinfo is not None
    assert [x["outcome"] for x in facts["locations"]] == ["present"] * 3


@pytest.mark.parametrize("example", COMMANDS["link"].examples)
def test_examples(staged: AwsAccount, run: Run, example: str) -> None:
    """The examples that the help ends with do what they say."""
    assert run(*words_of(example)).code == 0


def test_refused(
    staged: AwsAccount, run: Run, monkeypatch: pytest.MonkeyPatch, three: list[Path]
) -> None:
    """What is refused says so in the words of a shell, and standard output stays empty."""
    monkeypatch.delenv("STARTIFACT_REGIONS")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    too_long = run("link", "SugarWater", "--expires", "2h")
    never = run("link", "SugarWater", "--expires", "8d")

    assert (too_long.code, too_long.out) == (2, "")
    assert "hint: Set --expires 60m or less" in too_long.err
    assert (never.code, never.out) == (2, "")
    assert "from 1s to 7d" in never.err


def test_directories(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """Directories have no links: that is a mistake of who asks, and is said."""
    assert run("stage", "SugarWater@1.0.9000", make_file()).code == 0

    done = run("link", "SugarWater")

    assert (done.code, done.out) == (2, "")
    assert "error: there is no link to SugarWater@1.0.9000" in done.err
