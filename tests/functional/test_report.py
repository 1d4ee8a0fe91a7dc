"""What is reported of every region, whatever it holds."""

import json
from collections.abc import Callable
from pathlib import Path

from startifact.report import facts_of, locations_of_artifact
from tests.support.backends import Directory
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import Session

MakeFile = Callable[..., Path]


def test_one_location_for_each_region(make_file: MakeFile, tmp_path: Path) -> None:
    """A region that lacks an artifact, holds another one, or fails has its row like all others."""
    backends = [Directory(f"file:{tmp_path}/{n}", tmp_path / n) for n in "abcdefg"]
    specs = [backend.spec for backend in backends]
    Session(regions=specs).stage("SugarWater", "1.0.0", make_file())
    absent, different, down, *others = backends
    absent.remove("SugarWater@1.0.0")
    record = json.loads(different.encoded_record("SugarWater@1.0.0"))
    different.plant("SugarWater@1.0.0", make_file().read_bytes(), json.dumps(record | {"a": "b"}))
    down.fail_region()

    artifact = Session(regions=specs).get("SugarWater", "1.0.0")
    locations = locations_of_artifact(artifact)

    assert [location["region"] for location in locations] == specs
    outcomes = ["absent", "different", "failed", *["present"] * len(others)]
    assert [location["outcome"] for location in locations] == outcomes
    assert "failed to read" in str(locations[2]["error"])
    assert facts_of(artifact)["region"] == others[0].spec


def test_time_of_each_region(directories: list[str], make_file: MakeFile) -> None:
    """How long a region took is reported for each that has answered, and for no other."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file())
    quick, slow, silent = faulty(directories)
    slow.delay("describe", 0.3)
    silent.hang("describe")

    artifact = session_over([quick, slow, silent]).get("SugarWater", "1.0.0")
    artifact.downloader.outcomes()
    seconds = artifact.downloader.seconds()
    silent.release()

    assert sorted(seconds) == sorted(directories[:2])
    assert seconds[directories[0]] < 0.3 <= seconds[directories[1]]
