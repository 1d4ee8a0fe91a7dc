"""What is stored is what was hashed, or nothing is stored."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.errors import ConfigurationError, LocalFileError, StagingFailedError
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.network_rules import captive_portal, nothing, without_headers
from tests.faults.rules import (
    answering,
    checking,
    flipping_uploads,
    is_artifact,
    is_completion,
    is_part,
    when,
)
from tests.support.faulty_region import FaultyRegion, faulty, session_over
from tests.support.limits import PART, SMALL_PARTS, short_limits
from tests.support.limits import SessionOfSmallParts as Session
from tests.support.wire import Answer, Forward, Request, Rule, Wire, error

MakeFile = Callable[..., Path]

HERE = AWS_REGIONS[0]
PARTS = 4 * PART

ONE_BY_ONE = short_limits(part_bytes=PART, part_workers=1)
"""So that the last part has not been read when the first one arrives."""

SIZES = pytest.mark.parametrize("size", [1000, PART + 1], ids=["single", "parts"])
TIMES = pytest.mark.parametrize("keep_time", [False, True], ids=["new-time", "same-time"])


def change(path: Path, *, keep_time: bool) -> None:
    """Change the last byte of a file; its size stays, and with *keep_time* its time does."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    later = 0 if keep_time else 1_000_000_000
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + later))


def nothing_is_left(account: AwsAccount) -> None:
    """Fail unless no region has anything, nor began anything."""
    for region, bucket in account.buckets.items():
        assert account.keys(region) == []
        assert not account.s3(region).list_multipart_uploads(Bucket=bucket).get("Uploads")


def changing(path: Path, *, keep_time: bool) -> Callable[[Request, Forward], Answer | None]:
    """Return a rule that changes *path* and passes the request on."""

    def rule(request: Request, forward: Forward) -> Answer | None:
        change(path, keep_time=keep_time)
        return forward()

    return rule


# Case 9: a file that is written to --------------------------------------------------------------


@pytest.mark.sweep
@TIMES
@pytest.mark.parametrize("regions", [AWS_REGIONS[:1], AWS_REGIONS], ids=["one", "three"])
def test_case_09_changed_between_two_parts(
    account: AwsAccount,
    wire: Wire,
    make_file: MakeFile,
    regions: tuple[str, ...],
    *,
    keep_time: bool,
) -> None:
    """A file that changes while its parts are sent is refused, though size and time say nothing."""
    path = make_file(os.urandom(PARTS))
    wire.add(checking)
    wire.add(when(is_artifact, changing(path, keep_time=keep_time), times=1))

    with pytest.raises(LocalFileError) as caught:
        Session(regions=regions, limits=ONE_BY_ONE).stage("SugarWater", "1.0.0", path)

    assert caught.value.exit_code == 9
    assert "changed while it was being staged" in caught.value.message
    nothing_is_left(account)


@pytest.mark.sweep
@pytest.mark.tries_stores
@TIMES
@SIZES
def test_case_09_changed_before_it_is_sent(
    account: AwsAccount, wire: Wire, make_file: MakeFile, size: int, *, keep_time: bool
) -> None:
    """A file that changes once it was hashed is refused, and nothing is stored."""
    path = make_file(os.urandom(size))
    wire.add(checking)
    wire.add(when(is_probe, changing(path, keep_time=keep_time), times=1))

    with pytest.raises(LocalFileError) as caught:
        Session(regions=HERE).stage("SugarWater", "1.0.0", path)

    assert caught.value.exit_code == 9
    nothing_is_left(account)


def is_probe(request: Request) -> bool:
    """Say whether the store is asked what it can do, which is just before it is written to."""
    return request.method == "PUT" and "/_probe/" in request.path


class Meddling(FaultyRegion):
    """Changes the file just before it is copied."""

    def __init__(self, spec: str, path: Path, *, keep_time: bool) -> None:
        super().__init__(faulty([spec])[0].inner)
        self._path = path
        self._keep_time = keep_time

    def preflight(self, project: str) -> None:
        change(self._path, keep_time=self._keep_time)
        super().preflight(project)


@pytest.mark.sweep
@TIMES
@SIZES
def test_case_09_changed_before_it_is_copied(
    directories: list[str], tmp_path: Path, make_file: MakeFile, size: int, *, keep_time: bool
) -> None:
    """A directory refuses a file that changes once it was hashed as well."""
    path = make_file(os.urandom(size))
    region = Meddling(directories[0], path, keep_time=keep_time)

    with pytest.raises(LocalFileError) as caught:
        session_over([region], limits=SMALL_PARTS).stage("SugarWater", "1.0.0", path)

    assert caught.value.exit_code == 9
    assert "changed while it was being staged" in caught.value.message
    assert [p for p in (tmp_path / "regions").rglob("*") if p.is_file()] == []


# Case 10: a bit on the way ----------------------------------------------------------------------


@SIZES
def test_case_10_a_bit(account: AwsAccount, wire: Wire, make_file: MakeFile, size: int) -> None:
    """A bit flipped on the way is refused by the store: nothing is stored, and it says why."""
    wire.add(when(is_artifact, flipping_uploads()))

    with pytest.raises(StagingFailedError) as caught:
        Session(regions=HERE).stage("SugarWater", "1.0.0", make_file(os.urandom(size)))

    assert caught.value.exit_code == 5
    assert "BadDigest" in caught.value.message
    nothing_is_left(account)


def test_case_10_a_bit_in_one_region(
    account: AwsAccount, wire: Wire, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """The regions whose way is sound are staged, and the other one is warned of."""
    path = make_file()
    wire.add(when(lambda r: r.region == HERE and is_artifact(r), flipping_uploads()))

    staging = Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", path)

    assert [o.state for o in staging.outcomes] == ["failed", "created", "created"]
    assert account.keys(HERE) == []
    assert any("BadDigest" in r.getMessage() for r in caplog.records if r.levelno > logging.INFO)


@pytest.mark.sweep
@SIZES
@pytest.mark.parametrize(
    "rule",
    [flipping_uploads(), answering(error(400, "IncompleteBody"))],
    ids=["a bit", "the end"],
)
def test_what_was_damaged_on_the_way_once(
    account: AwsAccount, wire: Wire, make_file: MakeFile, size: int, rule: Rule
) -> None:
    """Bytes that did not come as they were sent are sent again, as the SDK and its CLI do."""
    path = make_file(os.urandom(size))
    wire.add(when(is_artifact, rule, times=2))

    Session(regions=HERE).stage("SugarWater", "1.0.0", path)

    assert account.keys(HERE) == ["team/SugarWater/latest", "team/SugarWater@1.0.0"]


@pytest.mark.parametrize(
    "rule", [without_headers("ETag"), nothing, captive_portal], ids=["no ETag", "nothing", "page"]
)
def test_part_that_something_else_answers_once(
    account: AwsAccount, wire: Wire, make_file: MakeFile, rule: Rule
) -> None:
    """A part is sent again where what came is no answer of S3."""
    path = make_file(os.urandom(PART + 1))
    wire.add(when(is_part, rule, times=2))

    Session(regions=HERE).stage("SugarWater", "1.0.0", path)

    assert account.keys(HERE) == ["team/SugarWater/latest", "team/SugarWater@1.0.0"]


def makes_an_object(request: Request) -> bool:
    """Say whether *request* makes an artifact visible, from its own bytes or from parts."""
    return is_completion(request) or (is_artifact(request) and not is_part(request))


@SIZES
def test_object_that_is_there_and_then_not(
    account: AwsAccount, wire: Wire, make_file: MakeFile, size: int
) -> None:
    """After a 412 it is looked what is there; where nothing is, it is written again."""
    wire.add(when(makes_an_object, answering(error(412, "PreconditionFailed")), times=1))

    Session(regions=HERE).stage("SugarWater", "1.0.0", make_file(os.urandom(size)))

    assert account.keys(HERE) == ["team/SugarWater/latest", "team/SugarWater@1.0.0"]
    assert sum(is_part(request) for request in wire.requests()) == (2 if size > 1000 else 0)


@SIZES
def test_object_that_is_never_there(
    wire: Wire, account: AwsAccount, make_file: MakeFile, size: int
) -> None:
    """A store that says time and again that an absent object is there is named for what it is."""
    wire.add(when(makes_an_object, answering(error(412, "PreconditionFailed"))))

    with pytest.raises(StagingFailedError) as caught:
        Session(regions=HERE).stage("SugarWater", "1.0.0", make_file(os.urandom(size)))

    operation = "CompleteMultipartUpload" if size > 1000 else "PutObject"
    assert caught.value.exit_code == ConfigurationError.exit_code
    assert f"refused {operation} of" in caught.value.message
    assert "does not honour If-None-Match" in caught.value.message
    assert "again" not in str(caught.value)
    assert sum(makes_an_object(request) for request in wire.requests()) == 2
    nothing_is_left(account)


@pytest.mark.parametrize("times", [1, 2])
def test_upload_that_a_412_has_ended(
    account: AwsAccount, wire: Wire, make_file: MakeFile, times: int
) -> None:
    """Where a store drops what it refuses, all parts are sent once more, and not for ever."""
    dropped: set[str] = set()

    def drop(request: Request, forward: Forward) -> Answer | None:
        upload = "".join(request.query["uploadId"])
        if upload in dropped:
            return error(404, "NoSuchUpload")
        if len(dropped) == times:
            return forward()
        dropped.add(upload)
        return error(412, "PreconditionFailed")

    wire.add(when(is_completion, drop))
    session = Session(regions=HERE)

    if times == 1:
        session.stage("SugarWater", "1.0.0", make_file(os.urandom(PART + 1)))
        assert account.keys(HERE) == ["team/SugarWater/latest", "team/SugarWater@1.0.0"]
    else:
        with pytest.raises(StagingFailedError) as caught:
            session.stage("SugarWater", "1.0.0", make_file(os.urandom(PART + 1)))
        assert caught.value.exit_code == ConfigurationError.exit_code
        assert "again" not in str(caught.value)
    assert sum(is_part(request) for request in wire.requests()) == 4


def test_case_10_a_bit_of_a_channel(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """A channel that would have been damaged on the way is not moved."""
    wire.add(when(is_move, flipping_uploads(at=12)))

    with pytest.raises(StagingFailedError) as caught:
        Session(regions=HERE).stage("SugarWater", "1.0.0", make_file())

    assert "BadDigest" in caught.value.message
    assert account.keys(HERE) == ["team/SugarWater@1.0.0"]


def is_move(request: Request) -> bool:
    """Say whether a channel is written."""
    return request.method == "PUT" and request.path.endswith("/latest")
