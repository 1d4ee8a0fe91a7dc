"""Ctrl-C and SIGTERM end a command within seconds, and nothing of what it began is left."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from startifact import Session
from startifact.errors import NotFoundError
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults import processes
from tests.faults.rules import is_read, when
from tests.support.runner_step import Step
from tests.support.wire import Answer, Forward, Request, Wire

MakeFile = Callable[..., Path]
Starter = Callable[..., Any]

MIB = 1024 * 1024
SECONDS = 5.0
"""How long a signal may take to end a command."""

SIZE = 20 * MIB
RATE = 2 * MIB

SIGNALS = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
MOMENTS = pytest.mark.parametrize("seed", [1, 2, 3])
WAYS = pytest.mark.parametrize("way", ["cli", "action"])


def moment(seed: int, *what: object) -> float:
    """Return a share of the transfer, the same one in every run."""
    return random.Random(f"{seed} {what}").random()


def stop(process: Any, number: int, arrived: Callable[[], bool]) -> tuple[float, str]:
    """Send the signal when *arrived* says so; return how long it took, and what was said."""
    give_up = time.monotonic() + 60
    while not arrived():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up
        time.sleep(0.005)
    process.send_signal(number)
    started = time.monotonic()
    try:
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    return time.monotonic() - started, f"{out}{err}"


def uploads(account: AwsAccount) -> list[str]:
    """Return the uploads that were neither completed nor aborted, in any region."""
    return [
        upload["Key"]
        for region, bucket in account.buckets.items()
        for upload in account.s3(region).list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    ]


def scratch(folder: Path) -> list[Path]:
    """Return the temporary files below *folder*."""
    return list(folder.rglob(".startifact-*"))


def start_stage(way: str, step: Step, regions: Sequence[str], path: Path) -> Any:
    """Start a staging, in one of the ways in."""
    if way == "cli":
        return processes.start("stage", "SugarWater@1.0.0", path, "--regions", ",".join(regions))
    return step.start(
        {
            "command": "stage",
            "project": "SugarWater",
            "version": "1.0.0",
            "path": str(path),
            "regions": ",".join(regions),
        }
    )


def start_download(way: str, step: Step, regions: Sequence[str], path: Path) -> Any:
    """Start a download, in one of the ways in."""
    if way == "cli":
        return processes.start("download", "SugarWater@1.0.0", path, "--regions", ",".join(regions))
    return step.start(
        {
            "command": "download",
            "project": "SugarWater",
            "version": "1.0.0",
            "path": str(path.relative_to(step.workspace)),
            "regions": ",".join(regions),
        }
    )


@pytest.fixture
def step(tmp_path: Path) -> Step:
    return Step(tmp_path)


@pytest.mark.sweep
@SIGNALS
@MOMENTS
@WAYS
def test_case_25_stopped_while_staging(
    account: AwsAccount, wire: Wire, step: Step, way: str, seed: int, number: int, code: int
) -> None:
    """Stopped while bytes go: 130 or 143 within 5 s, no upload and no artifact is left."""
    path = step.workspace / "dist.tar.gz"
    path.write_bytes(os.urandom(SIZE))
    wire.upload_rate = RATE
    enough = 1 + moment(seed, way, number) * SIZE
    process = start_stage(way, step, AWS_REGIONS, path)
    took, said = stop(process, number, lambda: wire.bytes_transferred >= enough)

    wire.upload_rate = None
    assert (process.returncode, took < SECONDS) == (code, True), said
    assert uploads(account) == []
    assert {key for region in account.buckets for key in account.keys(region)} == set()
    with pytest.raises(NotFoundError):
        Session(regions=AWS_REGIONS).get("SugarWater", "1.0.0")


@pytest.mark.sweep
@SIGNALS
@WAYS
def test_stopped_while_a_store_is_tried(
    account: AwsAccount, wire: Wire, step: Step, way: str, number: int, code: int
) -> None:
    """Stopped while a store is asked whether it honours conditions: no upload is left of that."""
    path = step.workspace / "dist.tar.gz"
    path.write_bytes(b"sugar and water\n")
    reached = threading.Event()

    def hang(request: Request, forward: Forward) -> Answer | None:
        if "/_probe/" in request.path and "partNumber" in request.query:
            reached.set()
            wire.closing.wait(60)
            return None
        return forward()

    wire.add(hang)
    process = start_stage(way, step, AWS_REGIONS[:1], path)
    took, said = stop(process, number, reached.is_set)

    assert (process.returncode, took < SECONDS) == (code, True), said
    assert uploads(account) == []
    assert account.keys(AWS_REGIONS[0]) == []


@pytest.mark.sweep
@SIGNALS
@MOMENTS
@WAYS
def test_case_25_stopped_while_downloading(
    account: AwsAccount, wire: Wire, step: Step, way: str, seed: int, number: int, code: int
) -> None:
    """Stopped while bytes come: 130 or 143 within 5 s, the old file and no temporary one."""
    source = step.workspace / "dist.tar.gz"
    source.write_bytes(os.urandom(SIZE))
    Session(regions=AWS_REGIONS[0]).stage("SugarWater", "1.0.0", source)
    source.unlink()
    path = step.workspace / "to" / "file"
    path.parent.mkdir()
    path.write_bytes(b"old")

    def slowly(request: Request, forward: Forward) -> Answer | None:
        answer = forward()
        return Answer(answer.status, answer.body, answer.headers, rate=RATE)

    wire.add(when(is_read, slowly))
    enough = 1 + moment(seed, way, number) * SIZE * 0.8
    process = start_download(way, step, AWS_REGIONS[:1], path)
    took, said = stop(process, number, lambda: wire.bytes_transferred >= enough)

    assert (process.returncode, took < SECONDS) == (code, True), said
    assert [p.name for p in path.parent.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


@pytest.mark.sweep
@SIGNALS
@pytest.mark.parametrize("seed", [1, 2])
def test_case_25_stopped_while_staging_to_directories(
    directories: list[str], make_file: MakeFile, tmp_path: Path, seed: int, number: int, code: int
) -> None:
    """Stopped while directories are written, nothing of the artifact is left in any."""
    words = ("stage", "SugarWater@1.0.0", make_file(os.urandom(4 * MIB)))
    faults = [[n, "drip", 0.3] for n in range(3)]
    process = processes.start(*words, "--regions", ",".join(directories), faults=faults)
    later = moment(seed, number)

    def arrived() -> bool:
        begun = len(scratch(tmp_path / "regions")) >= 3
        time.sleep(later if begun else 0)
        return begun

    took, said = stop(process, number, arrived)

    assert (process.returncode, took < SECONDS) == (code, True), said
    assert [p for p in (tmp_path / "regions").rglob("*") if p.is_file()] == []
    assert scratch(tmp_path) == []


@SIGNALS
def test_case_25_stopped_while_a_directory_is_busy(
    directories: list[str], make_file: MakeFile, tmp_path: Path, number: int, code: int
) -> None:
    """A write that goes on until the process has ended leaves nothing behind either."""
    words = ("stage", "SugarWater@1.0.0", make_file(os.urandom(4 * MIB)))
    faults = [[1, "drip", 60]]
    process = processes.start(*words, "--regions", ",".join(directories), faults=faults)
    busy = Path(directories[1].removeprefix("file://"))

    def arrived() -> bool:
        begun = any(path.stat().st_size for path in busy.glob(".startifact-*/artifact"))
        time.sleep(0.3 if begun else 0)  # now it waits before the next block
        return begun

    took, said = stop(process, number, arrived)

    assert (process.returncode, took < SECONDS) == (code, True), said
    assert scratch(tmp_path) == []


@pytest.mark.sweep
@SIGNALS
@pytest.mark.parametrize("seed", [1, 2])
def test_case_25_stopped_while_downloading_from_a_directory(
    directories: list[str], make_file: MakeFile, tmp_path: Path, seed: int, number: int, code: int
) -> None:
    """Stopped while a directory is read, no temporary file is left."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file(os.urandom(MIB)))
    path = tmp_path / "to" / "file"
    words = ("download", "SugarWater@1.0.0", path, "--regions", directories[0])
    process = processes.start(*words, faults=[[0, "drip", 0.0005]])
    later = moment(seed, number)

    def arrived() -> bool:
        begun = bool(scratch(tmp_path))
        time.sleep(later if begun else 0)
        return begun

    took, said = stop(process, number, arrived)

    assert (process.returncode, took < SECONDS) == (code, True), said
    assert list(path.parent.iterdir()) == []


@pytest.mark.sweep
@SIGNALS
@pytest.mark.parametrize("seed", range(6))
def test_case_25_stopped_at_any_time(
    directories: list[str], make_file: MakeFile, tmp_path: Path, seed: int, number: int, code: int
) -> None:
    """At whatever time, the exit code is 130 or 143, or 0; the version is whole or not there."""
    path = make_file(os.urandom(MIB))
    process = processes.start(
        "stage", "SugarWater@1.0.0", path, "--regions", ",".join(directories), faults=[]
    )
    assert process.stderr is not None
    process.stderr.readline()  # the command has begun
    time.sleep(moment(seed, number) * 0.1)

    took, said = stop(process, number, lambda: True)

    # A signal that comes once all is done meets a Python that is on its way out.
    assert process.returncode in {0, code, -number}, said
    assert took < SECONDS
    assert scratch(tmp_path) == []
    again = Session(regions=directories).stage("SugarWater", "1.0.0", path)
    assert [outcome.error for outcome in again.outcomes] == [None] * 3
    assert Session(regions=directories).verify("SugarWater", read_data=True)
