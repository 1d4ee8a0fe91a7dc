"""Every Python example runs as it is written, in AWS regions and in directories."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import AWS_REGIONS, AwsAccount

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"

# In the order in which somebody would try them.
SCRIPTS = [
    "dry_run.py",
    "stage_version_info.py",
    "stage.py",
    "get.py",
    "download.py",
    "locate.py",
]
AWS_ONLY = ["stage_one_region.py", "share_configuration.py"]


def run(script: str, folder: Path) -> str:
    """Run an example the way its reader would, and return what it printed."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a working directory that holds the file the examples stage."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "dist.tar.gz").write_bytes(b"sugar and water\n")
    return work


def tell_the_story(folder: Path) -> dict[str, str]:
    """Run the examples that work in every kind of region, each version staged once."""
    printed = {"dry_run.py": run("dry_run.py", folder)}
    printed["stage.py"] = run("stage.py", folder)
    for script in ("get.py", "download.py", "locate.py"):
        printed[script] = run(script, folder)
    return printed


def check_the_story(printed: dict[str, str], folder: Path) -> None:
    assert "created=True latest=True" in printed["stage.py"]
    assert "lang is dotnet" in printed["get.py"]
    assert "SugarWater 1.0.9000: 16 bytes" in printed["get.py"]
    assert (folder / "download.tar.gz").read_bytes() == b"sugar and water\n"
    assert (folder / "restored" / "dist.tar.gz").read_bytes() == b"sugar and water\n"


def test_examples_in_directories(
    folder: Path, directories: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The examples run with nothing but directories."""
    monkeypatch.setenv("STARTIFACT_REGIONS", ", ".join(directories))

    printed = tell_the_story(folder)

    check_the_story(printed, folder)
    assert printed["dry_run.py"].count("would-create") == 3
    assert printed["locate.py"].strip().endswith("key=SugarWater@1.0.9000")


def test_examples_in_aws(folder: Path, account: AwsAccount) -> None:
    """The examples run with the regions that the organisation configuration names."""
    printed = tell_the_story(folder)
    one = run("stage_one_region.py", folder)
    shared = run("share_configuration.py", folder)

    check_the_story(printed, folder)
    assert one == ""
    assert "team/SugarWater@1.0.9001" in account.keys("us-east-1")
    assert "team/SugarWater@1.0.9001" not in account.keys("eu-west-1")
    assert shared.count(": 1.0.9000") == len(AWS_REGIONS)


def test_version_info_example(
    folder: Path, directories: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example with a computed version stages it."""
    monkeypatch.setenv("STARTIFACT_REGIONS", ", ".join(directories))

    run("stage_version_info.py", folder)

    assert run("locate.py", folder).strip().endswith("key=SugarWater@1.0.9000")


def test_every_example_is_run() -> None:
    """No example is left out of the tests above."""
    assert sorted(p.name for p in EXAMPLES.glob("*.py")) == sorted(SCRIPTS + AWS_ONLY)
