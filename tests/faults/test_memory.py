"""Memory does not grow with the artifact, whichever way it goes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Cloud

MIB = 1024 * 1024
SMALL, LARGE = 32 * MIB, 96 * MIB
MAY_GROW = 16 * MIB

PROGRAM = """
import os, re, sys
import startifact
path, regions = sys.argv[1:]
session = startifact.Session(regions=regions)
session.stage("SugarWater", "1.0.0", path)
# Another file of the same size is there already: it is compared first, then replaced.
with open(path + ".back", "wb") as back:
    back.truncate(os.path.getsize(path))
session.get("SugarWater").downloader.download(path + ".back")
assert session.verify("SugarWater", read_data=True)
# Not ru_maxrss: that of a process begins with the memory of the one that started it.
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


def peak(size: int, regions: str, folder: Path) -> int:
    """Stage, download and compare *size* bytes, and return the most memory that it took."""
    folder.mkdir()
    path = folder / "dist"
    with path.open("wb") as file:
        for number in range(size // MIB):
            file.write(number.to_bytes(8) * (MIB // 8))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), regions],
        capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    return int(done.stdout) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", ["file", "s3"])
def test_memory_does_not_grow(kind: str, cloud: Cloud, tmp_path: Path) -> None:
    """Three times as many bytes to stage, download and compare take as much memory."""
    buckets = [f"s3://{name}/{{0}}?region={region}" for region, name in cloud.buckets.items()][:2]
    regions = f"file:{tmp_path}/{{0}}/one" if kind == "file" else " ".join(buckets)

    small = peak(SMALL, regions.format("small"), tmp_path / "small")
    large = peak(LARGE, regions.format("large"), tmp_path / "large")

    assert large < small + MAY_GROW
