"""Memory does not grow with the artifact, whichever way it goes."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from itertools import starmap
from pathlib import Path

import pytest

from startifact import Session
from startifact.errors import StartifactError
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.support.archives import tar_file, tar_of, zip_of
from tests.support.wire import Answer, Forward, Request, Rule, Wire

MIB = 1024 * 1024
SMALL, LARGE = 32 * MIB, 64 * MIB
MAY_GROW = 16 * MIB
MANY, MAY_TAKE = 100_000, 200 * MIB
TWO_GIB = 2048 * MIB
ROOM = 7 * 1024 * MIB
"""What a tar with 2 GiB in it needs: in the region, downloaded and extracted, and a little more."""

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

DOWNLOAD = """
import sys, tracemalloc
import startifact
from startifact.errors import StartifactError
path, region = sys.argv[1:]
artifact = startifact.Session(regions=region).get("SugarWater", "1.0.0")
tracemalloc.start()
try:
    artifact.downloader.download(path)
except StartifactError as e:
    print(e.exit_code, tracemalloc.get_traced_memory()[1])
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
@pytest.mark.represented_by("s3")
def test_memory_does_not_grow(kind: str, account: AwsAccount, tmp_path: Path) -> None:
    """Twice as many bytes to stage, download and compare take as much memory."""
    buckets = [f"s3://{name}/{{0}}?region={region}" for region, name in account.buckets.items()][:2]
    regions = f"file:{tmp_path}/{{0}}/one" if kind == "file" else " ".join(buckets)

    small = peak(SMALL, regions.format("small"), tmp_path / "small")
    large = peak(LARGE, regions.format("large"), tmp_path / "large")

    assert large < small + MAY_GROW


EXTRACT = """
import re, sys
import startifact
path, region = sys.argv[1:]
artifact = startifact.Session(regions=region).stage("SugarWater", "1.0.0", path).artifact
artifact.downloader.extract(path + ".out")
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


def peak_of_extraction(size: int, members: int, kind: str, folder: Path) -> int:
    """Extract *members* of *size* bytes together, and return the most memory that it took."""
    folder.mkdir()
    contents = [(f"folder/{n}", b"sugar") for n in range(members)] + [("large", os.urandom(size))]
    archive = zip_of(*contents) if kind == "zip" else tar_of(*starmap(tar_file, contents))
    (folder / "dist").write_bytes(gzip.compress(archive, 1) if kind == "tar.gz" else archive)
    done = subprocess.run(
        [sys.executable, "-c", EXTRACT, str(folder / "dist"), f"file:{folder}/region"],
        capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    return int(done.stdout) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
@pytest.mark.represented_by("tar.gz")
def test_memory_does_not_grow_with_an_archive(kind: str, tmp_path: Path) -> None:
    """Forty times as many members, of twice the size, take as much memory to extract."""
    small = peak_of_extraction(SMALL, 50, kind, tmp_path / "small")
    large = peak_of_extraction(LARGE, 2000, kind, tmp_path / "large")

    assert large < small + MAY_GROW


STAGE_DIRECTORY = """
import re, sys
import startifact
folder, region, kind = sys.argv[1:]
startifact.Session(regions=region).stage("SugarWater", "1.0.0", folder, archive=kind)
"""

EXTRACT_AGAIN = """
import re, sys
import startifact
folder, region, _ = sys.argv[1:]
artifact = startifact.Session(regions=region).get("SugarWater", "1.0.0")
artifact.downloader.extract(folder + ".out", overwrite=True)
"""

SAY_PEAK = 'print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])'


def peak_of(program: str, folder: Path, region: Path, kind: str) -> int:
    """Run *program*, and return the most memory that it took."""
    done = subprocess.run(
        [sys.executable, "-c", program + SAY_PEAK, str(folder), f"file:{region}", kind],
        capture_output=True, text=True, timeout=540, check=True,
    )  # fmt: skip
    return int(done.stdout) * 1024


def make_many(folder: Path, files: int, folders: int) -> None:
    """Make so many files in so many folders, and as many empty folders as there are of those."""
    for number in range(folders):
        (folder / f"folder-{number:06}").mkdir(parents=True)
        (folder / f"empty-{number:06}").mkdir()
    for number in range(files):
        path = folder / f"folder-{number % folders:06}" / f"a-file-with-a-name-{number:06}.txt"
        path.write_bytes(b"%d" % number)


@pytest.mark.exhaustive
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("files", "folders"),
    [(MANY, 300), (MANY, 1), (1, MANY // 2)],
    ids=["files", "one folder", "folders"],
)
@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_members_take_no_memory(kind: str, files: int, folders: int, tmp_path: Path) -> None:
    """100,000 members take as much to stage, to extract, and to extract again, as a few do."""
    few, many = tmp_path / "few", tmp_path / "many"
    make_many(few, 10, 1)
    make_many(many, files, folders)

    least = peak_of(STAGE_DIRECTORY, few, tmp_path / "region" / "few", kind)
    peaks = [
        peak_of(program, many, tmp_path / "region" / "many", kind)
        for program in (STAGE_DIRECTORY, EXTRACT_AGAIN, EXTRACT_AGAIN)
    ]

    assert max(peaks) < least + MAY_GROW, (least, peaks)
    back = tmp_path / "many.out"
    assert sum(len(names) for _, _, names in os.walk(back)) == files
    assert len(list(back.iterdir())) == 2 * folders


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
@pytest.mark.represented_by("tar.gz")
def test_names_take_no_memory(kind: str, tmp_path: Path) -> None:
    """Thousands of long names, of which no case is kept, take as much memory as a few do."""
    for name, count in (("few", 10), ("many", 5000)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "large").write_bytes(os.urandom(4 * MIB))  # it takes what a block does
        for number in range(count):
            (tmp_path / name / f"{'A-FILE-WITH-A-LONG-NAME-' * 8}{number:06}").touch()

    few, many = (
        [
            peak_of(program, tmp_path / name, tmp_path / "region" / name, kind)
            for program in (STAGE_DIRECTORY, EXTRACT_AGAIN, EXTRACT_AGAIN)
        ]
        for name in ("few", "many")
    )

    # In lists and dictionaries they would take twice as much or more, each time.
    assert max(after - before for before, after in zip(few, many, strict=True)) < 3 * MIB


COMMAND = """
import re, sys
from startifact.cli import main
code = main(sys.argv[1:])
print(code, re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


def run_command(folder: Path, *words: object) -> tuple[int, int, list[str]]:
    """Run a command in *folder*, and return its exit code, the most memory it took, and errors."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *map(str, words), "--regions", "file:region"],
        cwd=folder, env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True, text=True, timeout=540, check=True,
    )  # fmt: skip
    code, peak = map(int, done.stdout.split()[-2:])
    return code, peak * 1024, done.stderr.splitlines()


@pytest.fixture
def large_folder(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk with room for gigabytes, which is removed also after a failure."""
    free = shutil.disk_usage(tmp_path).free
    if free < ROOM:
        pytest.skip(f"{ROOM:,} bytes are needed, {free:,} are free")
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        yield Path(folder)


@pytest.mark.exhaustive
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", ["directory", "tar"])
def test_gigabytes_take_little_memory(kind: str, large_folder: Path) -> None:
    """2 GiB take less than 200 MiB to stage and to extract, be the archive large itself or not."""
    dist = large_folder / "dist"
    if kind == "directory":
        dist.mkdir()
        with (dist / "large").open("wb") as file:
            file.truncate(TWO_GIB)  # zeros that take no room, and are compressed in seconds
        (dist / "small").write_bytes(b"sugar")
    else:
        large, small = tarfile.TarInfo("large"), tarfile.TarInfo("small")
        large.size, small.size = TWO_GIB, 5
        with dist.open("wb") as file:
            file.write(large.tobuf())
            file.seek(TWO_GIB, os.SEEK_CUR)
            file.write(small.tobuf() + b"sugar".ljust(512, b"\0") + bytes(1024))

    staged = run_command(large_folder, "stage", "SugarWater@1.0.0", "dist")
    extracted = run_command(
        large_folder, "download", "SugarWater", "out", "--extract", "--max-ratio", 2000
    )

    assert (staged[0], extracted[0]) == (0, 0), (staged, extracted)
    assert max(staged[1], extracted[1]) < MAY_TAKE, (staged, extracted)
    assert (large_folder / "out" / "large").stat().st_size == TWO_GIB
    assert (large_folder / "out" / "small").read_bytes() == b"sugar"
    assert not list(large_folder.glob("startifact-*"))


@pytest.mark.exhaustive
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_refused_members_take_little_memory(tmp_path: Path) -> None:
    """100,000 members that are refused, each of them named, take less than 200 MiB as well."""
    names = [f"a-folder-with-a-name/a-file-with-a-name-{number:06}" for number in range(MANY)]
    (tmp_path / "many" / "a-folder-with-a-name").mkdir(parents=True)
    for name in names:
        (tmp_path / "many" / name).symlink_to("/nowhere")
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(f"../{name}"))

    staged = run_command(tmp_path, "stage", "SugarWater@1.0.0", "many")
    assert run_command(tmp_path, "stage", "SugarWater@2.0.0", "bad.tar")[0] == 0
    extracted = run_command(tmp_path, "download", "SugarWater", "out", "--extract")

    assert (staged[0], extracted[0]) == (2, 7)
    assert max(staged[1], extracted[1]) < MAY_TAKE, (staged[1], extracted[1])
    assert [line.split("'")[1] for line in staged[2] if line[0] == " "] == [
        str(tmp_path / "many" / name) for name in names
    ]
    assert [line.split("'")[1] for line in extracted[2] if line[0] == " "] == [
        f"../{name}" for name in names
    ]


def saying(size: int, *, first: bool = False) -> Rule:
    """Return a rule that has artifacts be of *size*; of the *first* Startifact, without a record.

    Whatever is asked of their bytes, there is one.
    """

    def rule(request: Request, forward: Forward) -> Answer | None:
        if "@" not in request.path or request.region != AWS_REGIONS[0]:
            return forward()
        if request.method == "GET" and not request.path.endswith("/metadata"):
            return Answer(206, b"x", {"ETag": '"x"'})
        answer = forward()
        if request.method != "HEAD":
            return answer
        headers = {n: v for n, v in answer.headers.items() if n.lower() != "content-length"}
        name = next(n for n in headers if n.lower() == "x-amz-meta-startifact")
        record = json.loads(headers.pop(name))
        if not first:
            headers[name] = json.dumps(record | {"startifact:size": str(size)})
        return Answer(200, b"", {**headers, "Content-Length": str(size)})

    return rule


@pytest.mark.parametrize("first", [False, True], ids=["recorded", "of the first"])
def test_no_artifact_is_larger_than_s3_allows(
    first: bool, wire: Wire, account: AwsAccount, tmp_path: Path
) -> None:
    """A size that no object can have is damage; other regions serve the version."""
    path = tmp_path / "dist"
    path.write_bytes(b"sugar")
    Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", path)
    wire.add(saying(10**18, first=first))

    with pytest.raises(StartifactError, match="1,000,000,000,000,000,000") as caught:
        Session(regions=AWS_REGIONS[:1]).get("SugarWater", "1.0.0")
    found = Session(regions=AWS_REGIONS).verify("SugarWater", read_data=True)
    back = Session(regions=AWS_REGIONS).get("SugarWater").downloader.download(tmp_path / "back")

    assert caught.value.exit_code == 7
    assert {d.region for d in found.differences} == {AWS_REGIONS[0]}
    assert [d.kind for d in found.differences] == ["damaged", "latest-dangling"]
    assert back.read_bytes() == b"sugar"
    reads = [r for r in wire.requests() if r.method == "GET" and r.region == AWS_REGIONS[0]]
    assert not [r for r in reads if r.path.endswith("SugarWater@1.0.0")]


@pytest.mark.exhaustive
def test_size_alone_takes_no_memory(wire: Wire, account: AwsAccount, tmp_path: Path) -> None:
    """One region that says that there is as much as S3 allows cannot take all memory."""
    path = tmp_path / "dist"
    path.write_bytes(b"sugar")
    Session(regions=AWS_REGIONS[:1]).stage("SugarWater", "1.0.0", path)
    wire.add(saying(40 * 1024 * 1024 * MIB))

    # In a process of its own: the server is in this one.
    done = subprocess.run(
        [sys.executable, "-c", DOWNLOAD, str(tmp_path / "back"), AWS_REGIONS[0]],
        capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip

    exit_code, most = map(int, done.stdout.split())
    # Its answer is not as long as it says: that is trouble of the region, and nothing was read.
    assert exit_code == 5
    assert most < MAY_GROW
