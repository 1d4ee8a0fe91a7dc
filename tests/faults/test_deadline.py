"""Nothing outlives its deadline by more than two seconds, whatever a region does."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from startifact import Session, deadline
from startifact.errors import DeadlineError
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults import processes
from tests.faults.rules import hanging
from tests.support.faulty_region import ANY, FaultyRegion, faulty, session_over
from tests.support.wire import Answer, Forward, Request, Wire

MakeFile = Callable[..., Path]

ALLOWED, BEYOND = 0.5, 2.0
MIB = 1024 * 1024

OPERATIONS: dict[str, Callable[[Session, Path], object]] = {
    "stage": lambda session, path: session.stage("SugarWater", "2.0.0", path),
    "latest": lambda session, path: session.get("SugarWater"),
    "get": lambda session, path: session.get("SugarWater", "1.0.0"),
    "versions": lambda session, path: session.versions("SugarWater"),
    "verify": lambda session, path: session.verify("SugarWater", read_data=True),
    "repair": lambda session, path: session.repair("SugarWater"),
}


@pytest.fixture
def regions(directories: list[str], make_file: MakeFile) -> Iterator[list[FaultyRegion]]:
    """Return three directories with one artifact, that can be told to fail."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file())
    regions = faulty(directories)
    yield regions
    for region in regions:
        region.release()


def ends_in_time(work: Callable[[], object]) -> None:
    """Fail unless *work* is ended by its deadline, and soon after."""
    started = time.monotonic()
    with pytest.raises(DeadlineError) as caught, deadline(ALLOWED):
        work()
    assert time.monotonic() - started < ALLOWED + BEYOND
    assert caught.value.exit_code == 5
    assert "the deadline of 0.5 s has passed" in caught.value.message


@pytest.mark.parametrize("operation", OPERATIONS)
def test_case_16_hung_regions(
    regions: list[FaultyRegion], make_file: MakeFile, operation: str
) -> None:
    """Regions that hang in whatever they are asked hold nothing up."""
    for region in regions:
        region.hang(ANY)

    ends_in_time(lambda: OPERATIONS[operation](session_over(regions), make_file()))


@pytest.mark.parametrize("number", range(1, 10))
def test_case_16_hung_in_the_nth_call(
    regions: list[FaultyRegion], make_file: MakeFile, number: int
) -> None:
    """A staging ends in time in whichever call of a region it hangs."""
    for region in regions:
        region.hang(ANY, nth=number)

    ends_in_time(lambda: session_over(regions).stage("SugarWater", "2.0.0", make_file()))


def test_deadline_while_bytes_are_hashed(regions: list[FaultyRegion], tmp_path: Path) -> None:
    """A file that takes long to hash is given up."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(200 * 1024 * MIB)

    ends_in_time(lambda: session_over(regions).stage("SugarWater", "2.0.0", path))


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_case_16_deadline_while_bytes_come(
    regions: list[FaultyRegion], tmp_path: Path, fault: str
) -> None:
    """A download from regions that hang or drip is given up, and leaves nothing."""
    artifact = session_over(regions).get("SugarWater", "1.0.0")
    for region in regions:
        region.hang("read") if fault == "hang" else region.drip(0.2)

    ends_in_time(lambda: artifact.downloader.download(tmp_path / "to" / "file"))

    assert list((tmp_path / "to").iterdir()) == []


def test_case_16_deadline_while_bytes_go(
    regions: list[FaultyRegion], directories: list[str], make_file: MakeFile
) -> None:
    """A staging into regions that drip is given up, and what was begun is taken back."""
    for region in regions:
        region.drip(0.3)
    path = make_file(os.urandom(8 * MIB))

    ends_in_time(lambda: session_over(regions).stage("SugarWater", "2.0.0", path))

    assert [str(v) for v in Session(regions=directories).versions("SugarWater")] == ["1.0.0"]
    roots = [Path(name.removeprefix("file://")) for name in directories]
    assert [path for root in roots for path in root.rglob(".startifact-*")] == []


def test_deadline_while_the_destination_is_compared(directories: list[str], tmp_path: Path) -> None:
    """A large file at the destination, which may be the artifact already, is given up too."""
    size = 200 * 1024 * MIB
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(size)
    plant(directories[0], size)
    artifact = Session(regions=directories[:1]).get("SugarWater", "1.0.0")

    ends_in_time(lambda: artifact.downloader.download(path))

    assert path.stat().st_size == size


def plant(spec: str, size: int) -> None:
    """Put an artifact of that many zeros into a directory."""
    folder = Path(spec.removeprefix("file://")) / "SugarWater@1.0.0"
    folder.mkdir(parents=True)
    with (folder / "artifact").open("wb") as file:
        file.truncate(size)
    facts = {"format": "1", "sha256": "0" * 64, "size": str(size)}
    encoded_record = {f"startifact:{name}": value for name, value in facts.items()}
    (folder / "metadata.json").write_text(json.dumps(encoded_record))


# On the wire ----------------------------------------------------------------------------------


def dripping(request: Request, forward: Forward) -> Answer | None:
    """Answer a byte every half second."""
    answer = forward()
    return Answer(answer.status, answer.body, answer.headers, drip=0.5)


@pytest.fixture
def staged(account: AwsAccount, wire: Wire, make_file: MakeFile) -> Session:
    """Return a session over regions on the wire that hold one artifact in two parts."""
    session = Session(regions=AWS_REGIONS)
    session.stage("SugarWater", "1.0.0", make_file(os.urandom(8 * MIB + 1)))
    return session


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_case_16_silent_servers(
    wire: Wire, staged: Session, make_file: MakeFile, tmp_path: Path, fault: str
) -> None:
    """Servers that accept and never answer, or drip, hold nothing up, known to us or not."""
    artifact = staged.get("SugarWater", "1.0.0")
    path = make_file(b"small")
    wire.add(hanging(wire) if fault == "hang" else dripping)

    ends_in_time(lambda: artifact.downloader.download(tmp_path / "to" / "file"))
    for operation in OPERATIONS.values():
        ends_in_time(partial(operation, staged, path))
        ends_in_time(partial(operation, Session(regions=AWS_REGIONS), path))

    assert list((tmp_path / "to").iterdir()) == []


def test_case_16_slow_uploads(
    account: AwsAccount, wire: Wire, staged: Session, make_file: MakeFile
) -> None:
    """A staging over a slow line is given up, and its uploads are aborted."""
    wire.upload_rate = 512 * 1024
    path = make_file(os.urandom(40 * MIB))

    ends_in_time(lambda: staged.stage("SugarWater", "2.0.0", path))

    wire.upload_rate = None
    for region, bucket in account.buckets.items():
        assert "team/SugarWater@2.0.0" not in account.keys(region)
        assert not account.s3(region).list_multipart_uploads(Bucket=bucket).get("Uploads")


def test_deadline_of_the_command_line(directories: list[str], make_file: MakeFile) -> None:
    """``--deadline`` ends the process with 5, though threads of it hang for ever."""
    words = ("stage", "SugarWater@1.0.0", make_file(), "--regions", ",".join(directories))

    done = processes.run(*words, "--deadline", "1", faults=[[n, "hang", "*"] for n in range(3)])

    assert done.returncode == 5
    assert "the deadline of 1 s has passed" in done.stderr
    assert time.monotonic() - processes.began(done) < 1 + BEYOND


HANGING = """
import os, sys, time
from pathlib import Path
from startifact.cli import main
from startifact.limits import Limits

root, sync, rename = sys.argv.pop(1), os.fsync, Path.rename

def hang(path, proceed):
    if str(path).startswith(root): time.sleep(60)
    return proceed()

os.fsync = lambda fd: hang(os.readlink(f"/proc/self/fd/{fd}"), lambda: sync(fd))
Path.rename = lambda self, to: hang(self, lambda: rename(self, to))
sys.exit(main(limits=Limits(quorum_idle_timeout_seconds=2.0)))
"""


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux")
@pytest.mark.parametrize(("deadline", "code"), [([], 0), (["--deadline=1"], 5)])
def test_file_system_that_hangs(
    directories: list[str], make_file: MakeFile, deadline: list[str], code: int
) -> None:
    """A directory in which nothing can be written or removed does not delay the exit either."""
    root = directories[2].removeprefix("file://")
    words = ["stage", "SugarWater@1.0.0", str(make_file()), "--regions", ",".join(directories)]
    started = time.monotonic()

    done = subprocess.run(
        [sys.executable, "-c", HANGING, root, *words, *deadline],
        capture_output=True,
        text=True,
        timeout=50,
    )

    assert (done.returncode, time.monotonic() - started < 6) == (code, True), done.stderr
