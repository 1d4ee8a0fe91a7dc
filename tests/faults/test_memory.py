"""Memory does not grow with the artifact, whichever way its bytes go."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import processes
from tests.places import Place

MakeFile = Callable[..., Path]

MIB = 1024 * 1024
LARGE = 96 * MIB
MORE = 48
"""How many MiB more a large artifact may take: some parts at a time, for each region."""

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="other systems count memory in other units"
)


def peak(*words: str | Path) -> float:
    """Run the command line with *words*, and return how many MiB it took at most."""
    with processes.start(*words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read()
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    return usage.ru_maxrss / 1024


def write(path: Path, size: int) -> Path:
    """Write so many bytes to *path*, never many at a time."""
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))
    return path


@pytest.mark.parametrize("places", ["aws", "file"], indirect=True)
def test_large_artifact(places: list[Place], tmp_path: Path) -> None:
    """Staging, comparing and downloading much takes hardly more memory than little does."""
    regions = ("--regions", ",".join(place.spelling for place in places[:2]))
    small, large = write(tmp_path / "small", MIB), write(tmp_path / "large", LARGE)

    def more(*words: str, to: str | None = None) -> float:
        """Return how many MiB more the large one takes than the small one."""
        took = []
        for path in (small, large):
            place = [] if to is None else [path.with_suffix(to)]
            took.append(peak(words[0], f"{path.name}@1.0.0", *words[1:], *place, *regions))
        return took[1] - took[0]

    assert more("stage", to="") < MORE
    assert more("stage", to="") < MORE  # the same again
    assert more("verify", "--read-data") < MORE
    assert more("download", to=".back") < MORE
    assert more("download", to=".back") < MORE  # where it is already
    assert large.with_suffix(".back").stat().st_size == LARGE
