"""What comes is what was staged, or nothing comes: one bit, one byte or one region at a time."""

import gc
import hashlib
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from startifact import Progress
from startifact.errors import IntegrityError, RegionUnavailableError, StartifactError
from startifact.limits import Limits
from startifact.model.keys import Key
from startifact.reading.outcomes import State
from startifact.regions.interface import StoredArtifact
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.rules import flipping_downloads, is_read, span, when
from tests.support.backends import Directory
from tests.support.faulty_region import FaultyRegion, faulty, session_over
from tests.support.limits import (
    PART,
    SHORT,
    SMALL_PARTS,
    ConfigurationLoader,
    short_limits,
)
from tests.support.limits import SessionOfSmallParts as Session
from tests.support.wire import Answer, Forward, Request, Rule, Wire

MakeFile = Callable[..., Path]

KIB, MIB = 1024, 1024 * 1024
KEY = Key("SugarWater@1.0.0")
OLD = b"what was there before\n"
HERE, THERE = AWS_REGIONS[:2]

SIZES = {"1KiB": KIB, "part-1": PART - 1, "part": PART, "parts": PART * 3 // 2}


def offsets(size: int) -> list[int]:
    """Return where to flip a bit: both ends, the middle, and both sides of every boundary."""
    near = [at + d for at in range(PART, size, PART) for d in (-1, 0)]
    return sorted({0, size // 2, size - 1, *near})


def encoded_record(content: bytes) -> str:
    """Return a record as Startifact writes it."""
    facts = {
        "format": "1",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": str(len(content)),
        "staged-at": "2026-07-19T00:00:00.000000Z",
    }
    return json.dumps({f"startifact:{name}": value for name, value in facts.items()})


def plant(
    account: AwsAccount,
    content: bytes,
    *,
    parts: bool,
    regions: Sequence[str],
    part_bytes: int = PART,
) -> None:
    """Store an artifact, in one request or in parts, whatever its size."""
    for region in regions:
        where = {"Bucket": account.buckets[region], "Key": f"team/{KEY}"}
        about = {"Metadata": {"startifact": encoded_record(content)}}
        client = account.s3(region)
        if not parts:
            client.put_object(**where, **about, Body=content)
            continue
        upload = client.create_multipart_upload(**where, **about)["UploadId"]
        sent = [
            {
                "PartNumber": number,
                "ETag": client.upload_part(
                    **where,
                    UploadId=upload,
                    PartNumber=number,
                    Body=content[start : start + part_bytes],
                )["ETag"],
            }
            for number, start in enumerate(range(0, len(content), part_bytes), start=1)
        ]
        client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": sent})


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    """Return where to download to; there is an older file."""
    path = tmp_path / "to" / "file"
    path.parent.mkdir()
    path.write_bytes(OLD)
    return path


@pytest.fixture
def loader() -> ConfigurationLoader:
    """Return what the sessions of one test share, so that each needs no clients of its own."""
    return ConfigurationLoader()


def fails(session: Session, destination: Path, *, code: int = 7) -> StartifactError:
    """Fail unless the download does, with the old file kept and nothing beside it."""
    with pytest.raises(StartifactError) as caught:
        session.get("SugarWater", "1.0.0").downloader.download(destination)
    assert caught.value.exit_code == code
    assert destination.read_bytes() == OLD
    assert [path.name for path in destination.parent.iterdir()] == ["file"]
    return caught.value


def succeeds(session: Session, destination: Path, content: bytes) -> None:
    """Fail unless the download brings *content*, and nothing beside it; put the old file back."""
    session.get("SugarWater", "1.0.0").downloader.download(destination)
    assert destination.read_bytes() == content
    assert [path.name for path in destination.parent.iterdir()] == ["file"]
    destination.write_bytes(OLD)


def of(region: str, rule: Rule) -> Rule:
    """Return *rule* for reads from one region."""
    return when(lambda request: is_read(request) and request.region == region, rule)


# Case 11: a bit ---------------------------------------------------------------------------------


@pytest.mark.sweep
@pytest.mark.parametrize("parts", [False, True], ids=["single", "multipart"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_case_11_a_bit(
    account: AwsAccount,
    wire: Wire,
    loader: ConfigurationLoader,
    destination: Path,
    size: int,
    *,
    parts: bool,
) -> None:
    """A bit flipped on the way is found: the next region is tried, and 7 when there is none."""
    content = os.urandom(size)
    plant(account, content, parts=parts, regions=[HERE, THERE])

    for at in offsets(size):
        restore = wire.add(of(HERE, flipping_downloads(at, size)))
        one = Session(regions=[HERE], configuration_loader=loader)
        both = Session(regions=[HERE, THERE], configuration_loader=loader)

        error = fails(one, destination)
        succeeds(both, destination, content)

        restore()
        assert f"{KEY} in {HERE} is damaged" in error.message
        assert hashlib.sha256(content).hexdigest() in error.message


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(False, id="single", marks=pytest.mark.exhaustive),
        pytest.param(True, id="multipart"),
    ],
)
def test_case_11_a_bit_of_100_mb(
    account: AwsAccount, wire: Wire, loader: ConfigurationLoader, destination: Path, *, parts: bool
) -> None:
    """A bit in 100 MB is found as well, with parts of the size that they have everywhere."""
    content = os.urandom(MIB) * 100
    plant(account, content, parts=parts, regions=[HERE], part_bytes=SHORT.part_bytes)
    session = Session(regions=[HERE], configuration_loader=loader, limits=SHORT)
    at = SHORT.part_bytes if parts else 100 * MIB - 1
    restore = wire.add(of(HERE, flipping_downloads(at, len(content))))

    fails(session, destination)
    restore()

    succeeds(session, destination, content)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_case_11_a_bit_in_a_directory(
    directories: list[str], make_file: MakeFile, destination: Path, size: int
) -> None:
    """A bit flipped on a disk is found: other directories are tried, and 7 when none is left."""
    content = os.urandom(size)
    session = Session(regions=directories[:2])
    session.stage("SugarWater", "1.0.0", make_file(content))

    for at in offsets(size):
        regions = faulty(directories[:2])
        regions[0].corrupt(at)
        succeeds(session_over(regions, limits=SMALL_PARTS), destination, content)
        regions[1].corrupt(at)
        fails(session_over(regions, limits=SMALL_PARTS), destination)


# Case 12: too few, too many, others -------------------------------------------------------------


def cut(answer: Answer, size: int) -> Answer:
    """Return *answer* with its end missing, which its length does not say."""
    return Answer(answer.status, answer.body, answer.headers, cut_after=(len(answer.body) + 1) // 2)


def shortened(answer: Answer, size: int) -> Answer:
    """Return *answer* with its end missing, as its length says."""
    headers = {n: v for n, v in answer.headers.items() if n.lower() != "content-length"}
    return Answer(answer.status, answer.body[:-1], headers)


def lengthened(answer: Answer, size: int) -> Answer:
    """Return *answer* with more than was asked for, as its length says."""
    headers = {n: v for n, v in answer.headers.items() if n.lower() != "content-length"}
    return Answer(answer.status, answer.body + b"more", headers)


def overflowing(answer: Answer, size: int) -> Answer:
    """Return *answer* with more than its length says."""
    return Answer(answer.status, answer.body + b"more", answer.headers)


def whole(answer: Answer, size: int) -> Answer:
    """Return *answer* as a server gives it that knows no ranges."""
    headers = {n: v for n, v in answer.headers.items() if n.lower() != "content-range"}
    return Answer(200, answer.body, headers)


def empty(answer: Answer, size: int) -> Answer:
    """Return *answer* without any byte."""
    return Answer(answer.status, b"", {**answer.headers, "Content-Length": "0"})


def unmeasured(answer: Answer, size: int) -> Answer:
    """Return *answer* with a length that is no number."""
    return Answer(answer.status, answer.body, {**answer.headers, "Content-Length": "many"})


@pytest.mark.sweep
@pytest.mark.parametrize("change", [cut, shortened, lengthened, empty, unmeasured])
@pytest.mark.parametrize("size", [KIB, PART * 3 // 2], ids=["1KiB", "parts"])
def test_case_12_bodies_of_another_length(
    account: AwsAccount,
    wire: Wire,
    loader: ConfigurationLoader,
    destination: Path,
    change: Callable[[Answer, int], Answer],
    size: int,
) -> None:
    """A body that is too short or too long is never a file: the next region is tried."""
    content = os.urandom(size)
    plant(account, content, parts=size > PART, regions=[HERE, THERE])

    def changed(request: Request, forward: Forward) -> Answer | None:
        first, _ = span(request, size)
        return forward() if first == 0 and size > PART else change(forward(), size)

    restore = wire.add(of(HERE, changed))
    if change is cut:  # taken up where it broke, time after time
        succeeds(Session(regions=[HERE], configuration_loader=loader), destination, content)
    else:  # what was not read is not damaged
        fails(Session(regions=[HERE], configuration_loader=loader), destination, code=5)
    succeeds(Session(regions=[HERE, THERE], configuration_loader=loader), destination, content)
    restore()


@pytest.mark.parametrize("change", [shortened, lengthened, empty])
@pytest.mark.represented_by("lengthened", "empty")
def test_another_length_is_no_damage(
    account: AwsAccount,
    wire: Wire,
    loader: ConfigurationLoader,
    make_file: Callable[[bytes], Path],
    change: Callable[[Answer, int], Answer],
) -> None:
    """Answers of another length than was asked for are trouble of the region; it is unharmed."""
    content = os.urandom(PART + KIB)
    session = Session(regions=[HERE, THERE, "ap-southeast-2"], configuration_loader=loader)
    session.stage("SugarWater", "1.0.0", make_file(content))

    def changed(request: Request, forward: Forward) -> Answer | None:
        if request.method != "GET" or not request.path.endswith("SugarWater@1.0.0"):
            return forward()
        return change(forward(), len(content))

    restore = wire.add(of(HERE, changed))
    verified = session.verify("SugarWater", "1.0.0", read_data=True)
    repaired = session.repair("SugarWater", "1.0.0", read_data=True)
    restore()

    [failure] = verified.failures.values()
    assert failure.exit_code == repaired.failures[HERE].exit_code == 5
    assert "asked for" in failure.message
    assert session.verify("SugarWater", "1.0.0", read_data=True)


def test_another_length_of_another_object(
    account: AwsAccount, wire: Wire, loader: ConfigurationLoader, destination: Path
) -> None:
    """Where a store ignores If-Match, and another object is there by now, the error says so."""
    plant(account, os.urandom(KIB), parts=False, regions=[HERE])
    bucket = account.buckets[HERE]

    def replaced(request: Request, forward: Forward) -> Answer | None:
        if request.method != "GET" or not request.path.endswith("SugarWater@1.0.0"):
            return forward()
        key = request.path.removeprefix(f"/{bucket}/")
        account.s3(HERE).put_object(Bucket=bucket, Key=key, Body=b"other")
        kept = {n: v for n, v in request.headers.items() if n != "if-match"}
        return forward(replace(request, headers=kept))

    wire.add(of(HERE, replaced))
    error = fails(Session(regions=[HERE], configuration_loader=loader), destination)

    assert "was replaced or removed while it was read" in str(error)


def test_case_12_nothing_is_left_open(
    account: AwsAccount, wire: Wire, loader: ConfigurationLoader, destination: Path
) -> None:
    """An answer that the SDK stumbles over leaves no connection open, even with its error kept."""
    content = os.urandom(KIB)
    plant(account, content, parts=False, regions=[HERE])
    wire.add(of(HERE, lambda request, forward: unmeasured(forward(), 0)))
    session = Session(regions=[HERE], configuration_loader=loader)

    gc.disable()  # it would close them late, and in whatever order
    try:
        error = fails(session, destination, code=5)
        left = [s for s in gc.get_objects() if isinstance(s, socket.socket) and half_closed(s)]
    finally:
        gc.enable()

    assert "what cannot be understood" in error.message
    assert left == []


def half_closed(connection: socket.socket) -> bool:
    """Say whether *connection* is closed but for an answer that somebody still could read."""
    return "[closed]" in repr(connection) and connection.fileno() != -1


def test_case_12_more_than_the_length_says(
    account: AwsAccount, wire: Wire, loader: ConfigurationLoader, destination: Path
) -> None:
    """Bytes behind the end of a body are not taken, and do not get into the next answer."""
    content = os.urandom(PART * 3 // 2)
    plant(account, content, parts=True, regions=[HERE])
    wire.add(of(HERE, lambda request, forward: overflowing(forward(), 0)))

    for _ in range(3):
        succeeds(Session(regions=[HERE], configuration_loader=loader), destination, content)


def test_case_12_the_wrong_range(
    account: AwsAccount, wire: Wire, loader: ConfigurationLoader, destination: Path
) -> None:
    """A server that gives another range of the right length is found out."""
    content = os.urandom(2 * PART)
    plant(account, content, parts=True, regions=[HERE, THERE])

    def first_range(request: Request, forward: Forward) -> Answer | None:
        headers = {n: v for n, v in forward().headers.items() if n.lower() != "content-length"}
        return Answer(206, content[:PART], headers)

    wire.add(of(HERE, first_range))

    fails(Session(regions=[HERE], configuration_loader=loader), destination)
    succeeds(Session(regions=[HERE, THERE], configuration_loader=loader), destination, content)


@pytest.mark.parametrize("fault", ["truncate", "overlong", "break_off"])
def test_case_12_directories(
    directories: list[str], make_file: MakeFile, destination: Path, fault: str
) -> None:
    """What any region delivers is counted: too little or too much is never a file."""
    content = os.urandom(PART + KIB)
    Session(regions=directories[:2]).stage("SugarWater", "1.0.0", make_file(content))
    regions = faulty(directories[:2])
    faults: dict[str, Callable[[int], None]] = {
        "truncate": lambda n: regions[n].truncate(len(content) - 1),
        "overlong": lambda n: regions[n].overlong(b"more"),
        "break_off": lambda n: regions[n].break_off(PART // 2),
    }

    faults[fault](0)
    succeeds(session_over(regions, limits=SMALL_PARTS), destination, content)
    faults[fault](1)
    code = 5 if fault == "break_off" else 7
    fails(session_over(regions, limits=SMALL_PARTS), destination, code=code)


# Case 13: resets --------------------------------------------------------------------------------


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_case_13_connections_that_break(
    account: AwsAccount, wire: Wire, loader: ConfigurationLoader, destination: Path, *, reset: bool
) -> None:
    """Connections that break at every 64 KiB are taken up where they broke, by only one region."""
    content = os.urandom(PART + 100 * KIB)
    plant(account, content, parts=True, regions=[HERE])

    def breaking(request: Request, forward: Forward) -> Answer | None:
        answer = forward()
        return Answer(answer.status, answer.body, answer.headers, cut_after=64 * KIB, reset=reset)

    wire.add(of(HERE, breaking))

    succeeds(Session(regions=[HERE], configuration_loader=loader), destination, content)


def test_case_13_connections_that_always_break_at_once(
    account: AwsAccount, wire: Wire, loader: ConfigurationLoader, destination: Path
) -> None:
    """A region whose connections break before a byte has come is left for the next one."""
    content = os.urandom(PART + 100 * KIB)
    plant(account, content, parts=True, regions=[HERE, THERE])

    def breaking(request: Request, forward: Forward) -> Answer | None:
        answer = forward()
        return Answer(answer.status, answer.body, answer.headers, cut_after=0, reset=True)

    wire.add(of(HERE, breaking))

    succeeds(Session(regions=[HERE, THERE], configuration_loader=loader), destination, content)
    fails(Session(regions=[HERE], configuration_loader=loader), destination, code=5)


def served_by_one(*, after: int, hangs: bool = False) -> tuple[list[Request], Rule]:
    """Return the reads that the first region to be read gets, and a rule for what it answers.

    Each answer ends *after* so many bytes; with *hangs*, nothing more comes then.
    """
    reads: list[Request] = []

    def bad(request: Request, forward: Forward) -> Answer | None:
        answer = forward()
        if not is_read(request) or (reads and request.region != reads[0].region):
            return answer
        reads.append(request)
        end = {"stall_after": after} if hangs else {"cut_after": after}
        return replace(answer, **end)  # type: ignore[arg-type]

    return reads, bad


@pytest.mark.parametrize(
    ("after", "configured", "answers"),
    [(5, None, 3), (100 * KIB, None, 5), (100 * KIB, "9", 9), (PART // 4, None, 4)],
    ids=["bytes", "blocks", "configured", "much"],
)
def test_answers_that_break_off_time_and_again(
    account: AwsAccount,
    wire: Wire,
    loader: ConfigurationLoader,
    destination: Path,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
    configured: str | None,
    answers: int,
) -> None:
    """Where another region can deliver, it does after as many of them as aws-cli makes attempts."""
    content = os.urandom(PART)
    plant(account, content, parts=False, regions=[HERE, THERE])
    if configured is not None:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", configured)
    reads, bad = served_by_one(after=after)
    wire.add(bad)

    succeeds(Session(regions=[HERE, THERE], configuration_loader=loader), destination, content)

    assert len(reads) == answers


def test_answers_that_break_off_in_a_large_part(
    account: AwsAccount, wire: Wire, loader: ConfigurationLoader, destination: Path
) -> None:
    """What a region may break off is for each part, though one request asks for more."""
    content = os.urandom(3 * PART)
    plant(account, content, parts=False, regions=[HERE, THERE])
    reads, bad = served_by_one(after=PART // 4)
    wire.add(bad)
    limits = Limits(part_workers=1, part_bytes=PART)
    session = Session(regions=[HERE, THERE], configuration_loader=loader, limits=limits)

    succeeds(session, destination, content)

    assert len(reads) == 12


def test_answers_that_break_off_everywhere(
    account: AwsAccount, wire: Wire, loader: ConfigurationLoader, destination: Path
) -> None:
    """Where the others break off as well, the last one is read on as long as bytes come."""
    content = os.urandom(PART)
    plant(account, content, parts=False, regions=[HERE, THERE])
    wire.add(when(is_read, lambda r, forward: replace(forward(), cut_after=100 * KIB)))

    succeeds(Session(regions=[HERE, THERE], configuration_loader=loader), destination, content)


def test_answers_that_hardly_bring_anything(
    account: AwsAccount, wire: Wire, destination: Path
) -> None:
    """A few bytes in each answer are no progress: the only region is not read for ever either."""
    plant(account, os.urandom(MIB), parts=False, regions=[HERE])
    wire.add(when(is_read, lambda r, forward: replace(forward(), cut_after=5)))
    limits = Limits(idle_timeout_seconds=2.0)
    session = Session(regions=[HERE], limits=limits)
    began = time.monotonic()

    fails(session, destination, code=5)

    assert 1 < time.monotonic() - began < 5


def test_region_that_hangs_while_it_serves(
    account: AwsAccount, wire: Wire, loader: ConfigurationLoader, destination: Path
) -> None:
    """Where another region can deliver, one that moves no byte has the shorter time."""
    content = os.urandom(MIB)
    plant(account, content, parts=False, regions=[HERE, THERE])
    reads, bad = served_by_one(after=100 * KIB, hangs=True)
    wire.add(bad)
    limits = short_limits(quorum_idle_timeout_seconds=1.0)
    session = Session(regions=[HERE, THERE], configuration_loader=loader, limits=limits)
    began = time.monotonic()

    succeeds(session, destination, content)

    assert len(reads) == 1
    assert time.monotonic() - began < limits.read_seconds / 2


# Case 14: replaced ------------------------------------------------------------------------------


def test_case_14_replaced_while_it_is_read(
    account: AwsAccount, wire: Wire, loader: ConfigurationLoader, destination: Path
) -> None:
    """An object that is replaced between two ranges is no mixture: the next region is tried."""
    content, other = os.urandom(5 * PART), os.urandom(5 * PART)
    plant(account, content, parts=True, regions=[HERE, THERE])
    replaced: list[bool] = []

    def replacing(request: Request, forward: Forward) -> Answer | None:
        first, _ = span(request, len(content))
        if first >= 4 * PART and not replaced:
            replaced.append(True)
            plant(account, other, parts=True, regions=[HERE])
        return forward()

    wire.add(of(HERE, replacing))
    one = Session(regions=[HERE], configuration_loader=loader)

    error = fails(one, destination)
    plant(account, content, parts=True, regions=[HERE])
    replaced.clear()
    succeeds(Session(regions=[HERE, THERE], configuration_loader=loader), destination, content)

    assert "was replaced or removed while it was read" in error.message


def test_case_14_removed_while_it_is_read(
    account: AwsAccount, wire: Wire, loader: ConfigurationLoader, destination: Path
) -> None:
    """An object that is removed before its bytes are read is reported as that."""
    plant(account, b"sugar", parts=False, regions=[HERE])

    def removing(request: Request, forward: Forward) -> Answer | None:
        account.s3(HERE).delete_object(Bucket=account.buckets[HERE], Key=f"team/{KEY}")
        return forward()

    wire.add(of(HERE, removing))

    caught = fails(Session(regions=[HERE], configuration_loader=loader), destination)

    assert "was replaced or removed while it was read" in str(caught)


# Case 30: one region lies -----------------------------------------------------------------------


@pytest.fixture(params=["aws", "file"])
def three(request: pytest.FixtureRequest, make_file: MakeFile) -> tuple[list[str], bytes]:
    """Return three regions that hold an artifact, the first of which has been replaced whole."""
    good, bad = b"the right bytes\n", b"the wrong bytes\n"
    if request.param == "aws":
        account: AwsAccount = request.getfixturevalue("account")
        regions = list(AWS_REGIONS)
        Session(regions=regions).stage("SugarWater", "1.0.0", make_file(good))
        plant(account, bad, parts=False, regions=regions[:1])
    else:
        regions = request.getfixturevalue("directories")
        Session(regions=regions).stage("SugarWater", "1.0.0", make_file(good))
        root = Path(regions[0].removeprefix("file://"))
        Directory(regions[0], root).plant(KEY, bad, encoded_record(bad))
    return regions, good


def test_case_30_the_majority_decides(
    three: tuple[list[str], bytes], destination: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where artifact and record of one region were replaced together, the others' bytes come.

    Also when the region that lies is the first to answer.
    """
    regions, good = three
    slow = faulty(regions)
    for region in slow[1:]:
        region.delay("describe", 0.2)

    succeeds(session_over(slow), destination, good)

    assert f"{KEY} in {regions[0]} is not what most regions hold" in caplog.text


def test_case_30_without_a_majority(three: tuple[list[str], bytes], destination: Path) -> None:
    """Where one stands against one, nothing comes, and regions and digests are named."""
    regions, good = three

    error = fails(Session(regions=regions[:2]), destination)

    assert isinstance(error, IntegrityError)
    for content in (good, b"the wrong bytes\n"):
        assert hashlib.sha256(content).hexdigest() in error.message
    assert all(name in error.message for name in regions[:2])


# Late, down and lying ---------------------------------------------------------------------------


def test_bytes_are_of_the_majority_of_all_that_have_answered(
    three: tuple[list[str], bytes], destination: Path
) -> None:
    """The only region that lies, and answers first, is found out by those that answer later."""
    names, good = three
    regions = faulty(names)
    go = threading.Event()
    for region in regions[1:]:
        region.delay("describe", go)
    artifact = session_over(regions).get("SugarWater", "1.0.0")
    bad = artifact.sha256
    answered = threading.Event()
    reading = regions[0].delay("read", answered)

    with ThreadPoolExecutor(1) as pool:
        got = pool.submit(artifact.downloader.download, destination)
        assert reading.wait(30)
        go.set()
        give_up = time.monotonic() + 30
        while any(o.state is State.FAILED for o in artifact.downloader.outcomes()):
            assert time.monotonic() < give_up
            time.sleep(0.01)
        answered.set()
        got.result()

    assert bad == hashlib.sha256(b"the wrong bytes\n").hexdigest()
    assert destination.read_bytes() == good
    assert [path.name for path in destination.parent.iterdir()] == ["file"]


def test_case_30_whoever_lies_is_not_read(
    three: tuple[list[str], bytes], destination: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A region whose digest is not the majority's is named once, not read, and not where it is."""
    names, good = three
    regions = faulty(names)
    for region in regions[1:]:
        region.delay("describe", 0.2)
    # As long as the others take on a busy machine: how long they are waited for is not the matter.
    limits = short_limits(quorum_wait_seconds=20.0)
    artifact = session_over(regions, limits=limits).get("SugarWater", "1.0.0")

    artifact.downloader.download(destination)

    assert destination.read_bytes() == good
    assert "read" not in regions[0].calls
    assert artifact.downloader.region == names[1]
    reported = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(reported) == 1
    assert f"{KEY} in {names[0]} is not what most regions hold" in reported[0]
    assert "differs in the bytes" in reported[0]


def test_metadata_of_one_region_that_differs(
    directories: list[str], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A region that has other metadata to the same bytes is named too."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file(), metadata={"a": "b"})
    root = Path(directories[0].removeprefix("file://"))
    path = root / KEY / "metadata.json"
    path.write_text(path.read_text().replace('"a":"b"', '"a":"c"'))
    regions = faulty(directories)
    for region in regions[1:]:
        region.delay("describe", 0.2)

    artifact = session_over(regions).get("SugarWater", "1.0.0")

    assert artifact["a"] == "b"
    assert "differs in the metadata ('a')" in caplog.text


def test_region_that_fails_late_is_reported(
    directories: list[str], make_file: MakeFile, destination: Path
) -> None:
    """A region that fails a little after the bytes have come is among the failures as well."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file())
    regions = faulty(directories)
    regions[1].fail("describe")
    regions[1].delay("describe", 0.3)
    artifact = session_over(regions).get("SugarWater", "1.0.0")
    artifact.downloader.download(destination)

    assert list(artifact.downloader.failures()) == [regions[1].name]


def test_region_that_answers_late_is_waited_for(
    directories: list[str],
    make_file: MakeFile,
    destination: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where nobody else has the bytes, those who have not answered yet are waited for."""
    content = b"sugar"
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file(content))
    regions = faulty(directories)
    regions[0].corrupt(2)
    for region in regions[1:]:
        region.delay("describe", 2.0)

    succeeds(session_over(regions), destination, content)

    reported = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(reported) == 1
    assert reported[0].startswith(f"{KEY} in {directories[0]} is damaged")


def test_where_it_is_when_the_first_answers_late(
    directories: list[str], make_file: MakeFile
) -> None:
    """Where an artifact is, and who has it, is reported for all that answer within a second."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file())
    regions = faulty(directories)
    regions[0].delay("describe", 0.3)
    first = session_over(regions).get("SugarWater", "1.0.0").downloader
    second = session_over(regions).get("SugarWater", "1.0.0").downloader

    backend, answers = first.region, second.outcomes()

    assert backend == directories[0]
    assert [answer.region for answer in answers] == directories
    assert all(answer.state is State.PRESENT for answer in answers)


def test_time_for_those_that_may_object(
    directories: list[str],
    make_file: MakeFile,
    tmp_path: Path,
) -> None:
    """The second to object begins with the first copy, and no later one prolongs it."""
    directories += [f"file:{tmp_path}/regions/d", f"file:{tmp_path}/regions/e"]
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file())
    regions = faulty(directories)
    regions[1].delay("describe", 1.7)
    for region in regions[2:]:
        region.hang("describe")
    started = time.monotonic()

    session_over(regions, limits=short_limits(quorum_wait_seconds=2.0)).get("SugarWater", "1.0.0")
    took = time.monotonic() - started
    for region in regions:
        region.release()

    assert took < 3.3


def test_every_reason_is_reported(
    directories: list[str], make_file: MakeFile, destination: Path
) -> None:
    """Where no region delivers, each has its reason: bytes that are bad, or no answer."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file(b"sugar"))
    regions = faulty(directories)
    regions[0].corrupt(2)
    regions[1].fail("describe", RegionUnavailableError("it is out of order"))
    regions[2].truncate(3)

    error = fails(session_over(regions), destination)

    first, *lines = error.message.split("\n")
    assert first == f"no region could deliver {KEY}:"
    assert len(lines) == 3
    assert f"  {directories[1]}: it is out of order" in lines


def test_same_file_again(directories: list[str], make_file: MakeFile, destination: Path) -> None:
    """A download of what is there already reads nothing, and says where it is."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file(b"sugar"))
    regions = faulty(directories)
    destination.write_bytes(b"sugar")

    path = session_over(regions).get("SugarWater", "1.0.0").downloader.download(destination)

    assert path == destination
    assert not any("read" in region.calls for region in regions)


def test_temporary_file_that_is_taken_away(
    directories: list[str], make_file: MakeFile, destination: Path
) -> None:
    """Somebody who takes the temporary file away is local trouble, not trouble of a region."""

    def take_away(progress: Progress) -> None:
        for path in destination.parent.glob(".startifact-*"):
            path.unlink()

    Session(regions=directories).stage("SugarWater", "1.0.0", make_file(b"sugar"))

    fails(Session(regions=directories, progress=take_away), destination, code=9)


# Without a record -------------------------------------------------------------------------------


def forget(region: FaultyRegion, monkeypatch: pytest.MonkeyPatch, *, md5: str | None) -> None:
    """Make *region* describe its artifact as one that the first Startifact staged."""
    described = region.describe

    def describe(key: Key) -> StoredArtifact | None:
        stored = described(key)
        return None if stored is None else replace(stored, encoded_record=None, md5=md5)

    monkeypatch.setattr(region, "describe", describe)


def test_digest_that_only_some_have_recorded(
    directories: list[str],
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A recorded digest is the version's, and who has none but may have the bytes is no liar."""
    content = b"sugar"
    staging = Session(regions=directories).stage("SugarWater", "1.0.0", make_file(content))
    regions = faulty(directories)
    for region in regions[1:]:
        region.delay("describe", 0.2)
    forget(regions[0], monkeypatch, md5=hashlib.md5(content, usedforsecurity=False).hexdigest())

    artifact = session_over(regions).get("SugarWater", "1.0.0")

    assert artifact.sha256 == staging.artifact.sha256
    assert artifact.downloader.region == directories[1]
    assert caplog.text == ""


def test_md5_that_only_one_knows(
    directories: list[str],
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
    destination: Path,
) -> None:
    """Where nobody has recorded a digest, an MD5 that one region knows is what bytes have to be."""
    content = b"sugar"
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file(content))
    regions = faulty(directories)
    for region in (regions[0], regions[2]):
        region.delay("describe", 0.2)
        forget(region, monkeypatch, md5=None)
    forget(regions[1], monkeypatch, md5=hashlib.md5(content, usedforsecurity=False).hexdigest())
    regions[1].corrupt(2)

    succeeds(session_over(regions), destination, content)
