"""The pictures of the documents: they show what is printed today."""

import subprocess
import sys

import pytest

from scripts.pictures.__main__ import FOLDER, RUNS
from scripts.pictures.runs import without_what_varies
from tests.support.runner_step import PROJECT

MAX_BYTES = 150_000


@pytest.mark.exhaustive
@pytest.mark.timeout(300)
def test_up_to_date() -> None:
    """What the pictures were drawn from is printed by commands of today, and drawn the same."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.pictures", "--check"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_files() -> None:
    """Each picture is small, and has nothing of the machine that it was drawn on."""
    pictures = [path for path in FOLDER.iterdir() if path.suffix != ".txt"]

    assert {path.stem for path in pictures} == set(RUNS)
    for path in FOLDER.iterdir():
        content = path.read_bytes()
        assert len(content) < MAX_BYTES, path.name
        assert not [word for word in (b"/tmp", b"/home", b"127.0.0.1") if word in content]


def test_what_varies() -> None:
    """Times, rates and shares are no difference, and everything else is."""
    line = "stage SugarWater@1.4.0 [##..]  {} %  {} MB/s  us-east-1  34 %"

    first, second = line.format(30, 49.8), line.format(5, 112.0)
    assert without_what_varies(first) == without_what_varies(second)
    assert without_what_varies(first) != without_what_varies(first.replace("MB/s", "MiB/s"))
