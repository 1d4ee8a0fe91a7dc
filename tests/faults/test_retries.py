"""What the SDK does not try again is tried again, and never taken for something else."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from startifact import deadline
from startifact.concurrency import backoff
from startifact.errors import DeadlineError, StagingFailedError, StartifactError
from startifact.limits import RetryLimits
from tests.conftest import AwsAccount
from tests.faults.conftest import Served, upload_of
from tests.faults.rules import lost, when
from tests.support.limits import PART, SMALL_PARTS, ConfigurationLoader, Session, short_limits
from tests.support.wire import Answer, Forward, Request, Rule, Wire, error

MakeFile = Callable[..., Path]

HERE = "eu-west-1"
PARTS = PART + 1
KEY, LATEST = "SugarWater@1.0.0", "SugarWater/latest"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses between attempts, which are not made."""
    made: list[float] = []
    monkeypatch.setattr(backoff, "pause_for", made.append)
    return made


@pytest.fixture
def session(served: Served) -> Session:
    return Session(regions=HERE, limits=SMALL_PARTS)


def answering(answer: Answer) -> Rule:
    """Return a rule that gives *answer* and does nothing."""
    return lambda request, forward: answer


def refused(code: str, status: int = 409) -> Rule:
    return answering(error(status, code))


def throttled(code: str) -> Rule:
    """Return a rule that answers as SSM does."""
    return answering(
        Answer(
            400,
            json.dumps({"__type": code, "message": "slowly"}).encode(),
            {"Content-Type": "application/x-amz-json-1.1"},
        )
    )


def is_put(request: Request) -> bool:
    return request.method == "PUT" and request.path.endswith(KEY)


def is_completion(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith(KEY) and bool(upload_of(request))


def is_move(request: Request) -> bool:
    return request.method == "PUT" and request.path.endswith(LATEST)


def is_copy(request: Request) -> bool:
    return request.operation == "PutParameter"


def asked(wire: Wire, condition: Callable[[Request], bool]) -> list[Request]:
    return [request for request in wire.requests() if condition(request)]


def uploads(account: AwsAccount) -> list[str]:
    """Return the uploads that were neither completed nor aborted."""
    answer = account.s3(HERE).list_multipart_uploads(Bucket=account.buckets[HERE])
    return [upload["Key"] for upload in answer.get("Uploads", [])]


def copy(account: AwsAccount) -> str:
    """Return the mirror of the channel in SSM."""
    configuration = json.loads(
        account.ssm(HERE).get_parameter(Name=account.parameter)["Parameter"]["Value"]
    )
    name = f"{configuration['parameter_name_prefix']}/{LATEST}"
    return str(account.ssm(HERE).get_parameter(Name=name)["Parameter"]["Value"])


# S3 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "OperationAborted"])
def test_case_05_conflict_of_a_put(
    wire: Wire,
    served: Served,
    session: Session,
    make_file: MakeFile,
    pauses: list[float],
    code: str,
) -> None:
    """A conflict says nothing about what is there: the write is tried again after a pause."""
    wire.add(when(is_put, refused(code), times=2))

    staging = session.stage("SugarWater", "1.0.0", make_file())

    assert staging.created
    assert len(asked(wire, is_put)) == 3
    assert served.stored(KEY, HERE) == 1
    assert len(set(pauses)) == 2, "pauses that are alike would meet again"
    assert all(pause > 0 for pause in pauses)


def test_case_06_conflict_of_a_completion(
    account: AwsAccount,
    wire: Wire,
    served: Served,
    session: Session,
    make_file: MakeFile,
    pauses: list[float],
) -> None:
    """A conflict of a completion takes a new upload with all parts; the old one is aborted."""
    wire.add(when(is_completion, refused("ConditionalRequestConflict"), times=1))

    staging = session.stage("SugarWater", "1.0.0", make_file(os.urandom(PARTS)))

    first, second = [upload_of(request) for request in asked(wire, is_completion)]
    sent = [(upload_of(r), r.query["partNumber"][0]) for r in asked(wire, is_put)]
    aborted = [upload_of(r) for r in asked(wire, lambda r: r.method == "DELETE")]
    assert staging.created
    assert first != second
    assert sorted(sent) == sorted((u, n) for u in (first, second) for n in ("1", "2"))
    assert first in aborted
    assert second not in aborted
    assert uploads(account) == []
    assert len(pauses) == 1


@pytest.mark.parametrize("size", [1000, PARTS], ids=["single", "parts"])
def test_case_07_conflict_for_ever(
    account: AwsAccount,
    wire: Wire,
    served: Served,
    make_file: MakeFile,
    pauses: list[float],
    size: int,
) -> None:
    """A conflict that does not end is an undetermined staging, and never "exists"."""
    limits = short_limits(part_bytes=PART, conflict_retry=RetryLimits(attempts=3))
    session = Session(regions=HERE, limits=limits)
    condition = is_put if size == 1000 else is_completion
    wire.add(when(condition, refused("ConditionalRequestConflict")))

    with pytest.raises(StagingFailedError) as caught:
        session.stage("SugarWater", "1.0.0", make_file(os.urandom(size)))

    assert caught.value.exit_code == 5
    assert "already" not in caught.value.message
    assert len(asked(wire, condition)) == 3
    assert account.keys(HERE) == []
    assert uploads(account) == []


def test_case_07_conflict_until_the_deadline(
    account: AwsAccount, wire: Wire, session: Session, make_file: MakeFile
) -> None:
    """The deadline ends the attempts as well."""
    wire.add(when(is_put, refused("ConditionalRequestConflict")))

    with pytest.raises(DeadlineError) as caught, deadline(1):
        session.stage("SugarWater", "1.0.0", make_file())

    assert caught.value.exit_code == 5
    assert account.keys(HERE) == []


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "OperationAborted"])
def test_conflict_of_a_channel(
    account: AwsAccount,
    wire: Wire,
    served: Served,
    session: Session,
    make_file: MakeFile,
    code: str,
) -> None:
    """A conflict while latest is moved is looked at again, and latest is moved once."""
    wire.add(when(is_move, refused(code), times=3))

    staging = session.stage("SugarWater", "1.0.0", make_file())

    assert staging.is_latest
    assert account.latest(HERE, "SugarWater") == "1.0.0"
    assert served.stored(LATEST, HERE) == 1


# The copy in SSM ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "times"), [("TooManyUpdates", 3), ("ThrottlingException", 5), ("TooManyUpdates", 5)]
)
def test_case_21_too_many_updates(
    account: AwsAccount,
    wire: Wire,
    session: Session,
    make_file: MakeFile,
    pauses: list[float],
    caplog: pytest.LogCaptureFixture,
    code: str,
    times: int,
) -> None:
    """A copy that is refused because there are too many is tried again until it is made."""
    wire.add(when(is_copy, throttled(code), times=times))

    session.stage("SugarWater", "1.0.0", make_file())

    assert copy(account) == "1.0.0"
    assert pauses
    assert len(asked(wire, is_copy)) == times + 1
    assert "copy" not in caplog.text


@pytest.mark.parametrize("code", ["TooManyUpdates", "ThrottlingException"])
def test_case_21_too_many_updates_for_ever(
    account: AwsAccount,
    wire: Wire,
    served: Served,
    make_file: MakeFile,
    pauses: list[float],
    caplog: pytest.LogCaptureFixture,
    code: str,
) -> None:
    """A copy that cannot be made is a warning after a bounded number of attempts."""
    session = Session(regions=HERE, limits=short_limits(parameter_retry=RetryLimits(attempts=2)))
    restore = wire.add(when(is_copy, throttled(code)))

    staging = session.stage("SugarWater", "1.0.0", make_file())
    restore()
    attempts = len(asked(wire, is_copy))
    again = session.stage("SugarWater", "1.0.0", make_file())

    assert staging.is_latest
    assert attempts <= 2 * 3
    assert f"the copy of SugarWater/latest in {HERE} could not be written" in caplog.text
    assert not again.created
    assert copy(account) == "1.0.0"


@pytest.mark.parametrize("times", [1, None], ids=["once", "always"])
def test_case_21_lost_answer_of_a_copy(
    account: AwsAccount, wire: Wire, session: Session, make_file: MakeFile, times: int | None
) -> None:
    """A copy whose answer is lost is there all the same, with the value of the channel."""
    wire.add(when(is_copy, lost, times=times))

    staging = session.stage("SugarWater", "1.0.0", make_file())

    assert staging.is_latest
    assert copy(account) == "1.0.0"


def test_case_20_copy_left_behind(
    account: AwsAccount, session: Session, make_file: MakeFile
) -> None:
    """A copy that a crash left at a lower value is set right by the next staging of anything."""
    session.stage("SugarWater", "1.0.0", make_file())
    session.stage("SugarWater", "2.0.0", make_file())
    put(account, "1.0.0")
    found = session.verify("SugarWater").differences

    session.stage("SugarWater", "1.0.0", make_file())

    assert [str(d.kind) for d in found] == ["copy-differs"]
    assert copy(account) == "2.0.0"
    assert session.verify("SugarWater")


def put(account: AwsAccount, value: str) -> None:
    """Set the copy as a crashed staging would have left it."""
    configuration = json.loads(
        account.ssm(HERE).get_parameter(Name=account.parameter)["Parameter"]["Value"]
    )
    name = f"{configuration['parameter_name_prefix']}/{LATEST}"
    account.ssm(HERE).put_parameter(Name=name, Value=value, Type="String", Overwrite=True)


@pytest.fixture
def overtaken(
    wire: Wire, served: Served, make_file: MakeFile
) -> Iterator[tuple[threading.Thread, threading.Event]]:
    """Return a staging of 1.0.0 that waits just before its copy, and what lets it go on."""
    arrived, go = threading.Event(), threading.Event()

    def wait_for_go(request: Request, forward: Forward) -> Answer | None:
        arrived.set()
        go.wait(60)
        return forward()

    wire.add(when(is_copy, wait_for_go, times=1))
    thread = threading.Thread(
        target=Session(regions=HERE, configuration_loader=ConfigurationLoader()).stage,
        args=("SugarWater", "1.0.0", make_file()),
        daemon=True,
    )
    thread.start()
    assert arrived.wait(60)
    yield thread, go
    go.set()


@pytest.mark.parametrize("stale", [False, True], ids=["fresh", "stale"])
def test_case_21_overtaken_copy(
    account: AwsAccount,
    wire: Wire,
    session: Session,
    make_file: MakeFile,
    overtaken: tuple[threading.Thread, threading.Event],
    *,
    stale: bool,
) -> None:
    """A copy that comes late, after a higher one, is followed by the channel's value.

    That also holds where SSM still answers what it held before: it promises no fresh reads.
    """
    thread, go = overtaken
    session.stage("SugarWater", "2.0.0", make_file())
    if stale:
        old = {"Parameter": {"Name": LATEST, "Type": "String", "Value": "2.0.0", "Version": 1}}
        answer = Answer(
            200, json.dumps(old).encode(), {"Content-Type": "application/x-amz-json-1.1"}
        )
        wire.add(when(reads_copy, answering(answer)))

    go.set()
    thread.join(60)

    assert account.latest(HERE, "SugarWater") == "2.0.0"
    assert copy(account) == "2.0.0"


def reads_copy(request: Request) -> bool:
    return request.operation == "GetParameter" and f"/{LATEST}".encode() in request.body


def test_case_22_parameter_created_anew(
    account: AwsAccount,
    session: Session,
    make_file: MakeFile,
    overtaken: tuple[threading.Thread, threading.Event],
) -> None:
    """A parameter that is deleted meanwhile is made again, and ends at the channel's value."""
    thread, go = overtaken
    session.stage("SugarWater", "2.0.0", make_file())
    configuration = json.loads(
        account.ssm(HERE).get_parameter(Name=account.parameter)["Parameter"]["Value"]
    )
    account.ssm(HERE).delete_parameter(Name=f"{configuration['parameter_name_prefix']}/{LATEST}")

    go.set()
    thread.join(60)

    assert copy(account) == "2.0.0"


# Everything else ------------------------------------------------------------------------------


def test_case_17_unavailable_for_ever(
    account: AwsAccount, wire: Wire, served: Served, make_file: MakeFile
) -> None:
    """With two of three regions out of order the third is staged, and the rest when run again."""
    restore = wire.add(when(lambda r: r.region != HERE, refused("SlowDown", 503)))
    session = Session(regions="us-east-1 eu-west-1 ap-southeast-2")

    with pytest.raises(StagingFailedError) as caught:
        session.stage("SugarWater", "1.0.0", make_file())
    restore()
    again = session.stage("SugarWater", "1.0.0", make_file())

    assert caught.value.exit_code == 5
    assert "is staged in 1 of 3 regions, 2 are needed" in caught.value.message
    assert [o.state for o in caught.value.outcomes] == ["failed", "created", "failed"]
    assert "Running the same staging again is safe" in str(caught.value.hint)
    assert [o.state for o in again.outcomes] == ["created", "present", "created"]
    assert {account.latest(region, "SugarWater") for region in account.buckets} == {"1.0.0"}
    assert served.stored(KEY, HERE) == 1


@pytest.mark.parametrize(("code", "status"), [("ExpiredToken", 400), ("RequestTimeTooSkewed", 403)])
def test_case_24_credentials_that_expire_halfway(
    account: AwsAccount, wire: Wire, session: Session, make_file: MakeFile, code: str, status: int
) -> None:
    """Credentials that expire between two parts are one clear error, and the upload is aborted."""

    def is_second(request: Request) -> bool:
        return request.path.endswith(KEY) and request.query.get("partNumber") == ["2"]

    wire.add(when(is_second, refused(code, status)))

    with pytest.raises(StartifactError) as caught:
        session.stage("SugarWater", "1.0.0", make_file(os.urandom(PARTS)))

    assert caught.value.exit_code == 6
    assert code in caught.value.message
    assert "Get new credentials, and check the clock of this machine" in str(caught.value.hint)
    assert account.keys(HERE) == []
    assert uploads(account) == []
