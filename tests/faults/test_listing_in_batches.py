"""What `versions` prints while a region with many of them is listed, and where that fails."""

import json
from pathlib import Path

import pytest

from tests.faults import processes

NEWEST = ["11.0.1", "11.0.0", "11.0.0-rc.1"]


@pytest.fixture
def regions(tmp_path: Path) -> str:
    """Return the spelling of a region with more versions than are listed at once."""
    for version in (*NEWEST, *(f"9.0.{patch}" for patch in range(1000))):
        folder = tmp_path / f"SugarWater@{version}"
        folder.mkdir()
        (folder / "artifact").touch()
    return f"file://{tmp_path}"


def test_newest_before_all_others(regions: str) -> None:
    """The versions of the highest minor are printed before the others are listed."""
    faults, limits = [[0, "hang", "keys", {"nth": 5}]], {"idle_timeout_seconds": 60}
    words = ("versions", "SugarWater", "--regions", regions)

    with processes.start(*words, faults=faults, limits=limits) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline().strip() for _ in NEWEST]
        finally:
            process.kill()

    assert lines == NEWEST


def test_failure_after_the_newest(regions: str) -> None:
    """Where the others cannot be listed, an error and the exit code say that these are not all."""
    faults = [[0, "fail", "keys", {"nth": 5}]]

    done = processes.run("versions", "SugarWater", "--regions", regions, faults=faults)

    assert done.stdout.split() == NEWEST
    assert done.returncode == 5
    assert "error: cannot list the versions of SugarWater: 0 of 1 regions answered" in done.stderr


def test_json_is_whole(regions: str) -> None:
    """As JSON there are all of them or none."""
    words = ("versions", "SugarWater", "--json", "--regions", regions)

    whole = processes.run(*words, faults=[])
    failed = processes.run(*words, faults=[[0, "fail", "keys"]])

    assert json.loads(whole.stdout)["versions"] == [
        *NEWEST, *(f"9.0.{patch}" for patch in reversed(range(1000)))
    ]  # fmt: skip
    assert failed.returncode == 5
    assert "versions" not in json.loads(failed.stdout)
