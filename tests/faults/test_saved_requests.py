"""What a crash, a lost answer and another writer do where Amazon S3 is not looked at again.

The server stands for Amazon S3. `test_rerun.py` has the same for other stores, which are looked at
after each write.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.cli import main
from startifact.errors import (
    ConfigurationError,
    ConflictError,
    RegionUnavailableError,
    StagingFailedError,
)
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults import processes
from tests.faults.conftest import Served
from tests.faults.rules import is_artifact, is_completion, lost, when
from tests.support.limits import PART, SMALL_PARTS
from tests.support.limits import SessionOfSmallParts as Session
from tests.support.wire import Answer, Forward, Request, Rule, Wire

MakeFile = Callable[..., Path]

HERE = AWS_REGIONS[0]
KEY, LATEST = "SugarWater@1.0.0", "SugarWater/latest"
PARTS = PART + 1

pytestmark = pytest.mark.usefixtures("is_aws")


def is_move(request: Request) -> bool:
    return request.method == "PUT" and request.path.endswith(LATEST)


STEPS: dict[str, Callable[[Request], bool]] = {
    "artifact": is_artifact,
    "completion": is_completion,
    "latest": is_move,
    "copy of latest": lambda request: request.operation == "PutParameter",
}


def of(region: str, condition: Callable[[Request], bool]) -> Callable[[Request], bool]:
    """Return *condition* for requests to one region."""
    return lambda request: request.region == region and condition(request)


def content_for(step: str) -> bytes:
    """Return what is sent in parts where *step* is about them."""
    return os.urandom(PARTS) if step == "completion" else b"small"


def check_complete(account: AwsAccount, served: Served, content: bytes) -> None:
    """Fail unless every region has it all, stored once."""
    assert Session(regions=AWS_REGIONS).verify("SugarWater", read_data=True)
    for region, bucket in account.buckets.items():
        body = account.s3(region).get_object(Bucket=bucket, Key=f"team/{KEY}")["Body"]
        assert body.read() == content
        assert account.latest(region, "SugarWater") == "1.0.0"
        assert account.parameter_value(region, "SugarWater") == "1.0.0"
        assert served.stored(KEY, region) == 1
        assert served.stored(LATEST, region) == 1


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("times", [1, None], ids=["once", "always"])
def test_answer_that_is_lost(
    account: AwsAccount,
    wire: Wire,
    served: Served,
    make_file: MakeFile,
    step: str,
    times: int | None,
) -> None:
    """What proves nothing is looked for, and nothing is stored twice."""
    content = content_for(step)
    restore = wire.add(when(of("eu-west-1", STEPS[step]), lost, times=times))

    staging = Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", make_file(content))
    restore()

    assert [outcome.error for outcome in staging.outcomes] == [None] * 3
    assert [str(outcome.latest) for outcome in staging.outcomes] == ["1.0.0"] * 3
    check_complete(account, served, content)


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_a_step(
    account: AwsAccount, wire: Wire, served: Served, make_file: MakeFile, step: str
) -> None:
    """A staging that is run again ends with 0, and does what was left."""
    path = make_file(content_for(step))
    started: list[processes.Process] = []

    def kill(request: Request, forward: Forward) -> Answer | None:
        forward()
        started[0].kill()
        started[0].wait()
        return None

    restore = wire.add(when(of("eu-west-1", STEPS[step]), kill, times=1))
    words = ("stage", KEY, path, "--regions", ",".join(AWS_REGIONS))
    with processes.start(*words, limits={"part_bytes": PART}, is_aws=True) as process:
        started.append(process)
        process.communicate(timeout=60)
    restore()

    again = main([str(word) for word in words], limits=SMALL_PARTS)

    assert process.returncode == -9
    assert again == 0
    check_complete(account, served, path.read_bytes())


def before(do: Callable[[], object]) -> Rule:
    """Return a rule that calls *do* before the request reaches the server."""

    def rule(request: Request, forward: Forward) -> Answer:
        do()
        return forward()

    return rule


def stage_as_another(account: AwsAccount, version: str, path: Path) -> Callable[[], object]:
    """Return what stages *path*, past the wire."""

    def stage() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", account.endpoint)
            with Session(regions=HERE) as others:
                others.stage("SugarWater", version, path)

    return stage


@pytest.mark.parametrize("size", [1000, PARTS], ids=["at once", "in parts"])
@pytest.mark.parametrize("rule", [None, lost], ids=["answered", "lost"])
def test_other_content_between_look_and_write(
    account: AwsAccount, wire: Wire, make_file: MakeFile, size: int, rule: Rule | None
) -> None:
    """What was described as absent, and is not any more, is neither replaced nor taken for ours."""
    other = stage_as_another(account, "1.0.0", make_file(b"other", "other"))
    is_write = is_completion if size == PARTS else is_artifact
    if rule is not None:
        wire.add(when(is_write, rule, times=1))
    wire.add(when(is_write, before(other), times=1))

    with pytest.raises(ConflictError):
        Session(regions=HERE).stage("SugarWater", "1.0.0", make_file(os.urandom(size)))

    body = account.s3(HERE).get_object(Bucket=account.buckets[HERE], Key=f"team/{KEY}")["Body"]
    assert body.read() == b"other"


@pytest.mark.parametrize("rule", [None, lost], ids=["answered", "lost"])
def test_latest_that_others_move_between_read_and_write(
    account: AwsAccount, wire: Wire, make_file: MakeFile, rule: Rule | None
) -> None:
    """What was read when the region was inspected is written against, and never written over."""
    Session(regions=HERE).stage("SugarWater", "0.9.0", make_file(b"before", "before"))
    other = stage_as_another(account, "2.0.0", make_file(b"other", "other"))
    if rule is not None:
        wire.add(when(is_move, rule, times=1))
    wire.add(when(is_move, before(other), times=1))

    staging = Session(regions=HERE).stage("SugarWater", "1.0.0", make_file(b"it"))

    assert staging.created
    assert not staging.is_latest
    assert account.latest(HERE, "SugarWater") == "2.0.0"
    assert account.parameter_value(HERE, "SugarWater") == "2.0.0"


def test_latest_that_others_move_before_it_is_copied(
    account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """The copy is put at once, and ``latest`` read after it: the copy follows a later one."""
    other = stage_as_another(account, "2.0.0", make_file(b"other", "other"))
    wire.add(when(STEPS["copy of latest"], before(other), times=1))

    staging = Session(regions=HERE).stage("SugarWater", "1.0.0", make_file(b"it"))

    assert staging.created
    assert account.latest(HERE, "SugarWater") == "2.0.0"
    assert account.parameter_value(HERE, "SugarWater") == "2.0.0"


def test_bucket_that_goes_after_it_has_shown_itself(
    account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """A bucket that nobody has asked for again, and is not there any more, is named."""

    def remove() -> None:
        account.s3(HERE).delete_bucket(Bucket=account.buckets[HERE])

    wire.add(when(is_artifact, before(remove), times=1))

    with pytest.raises(StagingFailedError) as caught:
        Session(regions=HERE).stage("SugarWater", "1.0.0", make_file())

    assert caught.value.exit_code == ConfigurationError.exit_code
    assert f"there is no bucket for arn:aws:s3:::{account.buckets[HERE]}/" in caught.value.message


def test_completion_that_is_a_lie(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """The answer to a completion has no SHA-256 of the whole, so that it proves nothing."""
    wire.add(
        when(
            is_completion,
            lambda request, forward: Answer(
                200,
                b"<CompleteMultipartUploadResult><ETag>&quot;1-2&quot;</ETag>"
                b"</CompleteMultipartUploadResult>",
                {"Content-Type": "application/xml"},
            ),
        )
    )

    with pytest.raises(StagingFailedError, match="and then that it is not there") as caught:
        Session(regions=HERE).stage("SugarWater", "1.0.0", make_file(os.urandom(PARTS)))

    assert caught.value.exit_code == RegionUnavailableError.exit_code
    assert account.keys(HERE) == []


def stage_with_the_first(account: AwsAccount, version: str) -> None:
    """Do what the first Startifact does: store an object, and set the parameter without asking."""
    key = f"team/SugarWater@{version}"
    account.s3(HERE).put_object(Bucket=account.buckets[HERE], Key=key, Body=b"other")
    name = f"/team-{account.unique}/SugarWater/latest"
    account.ssm(HERE).put_parameter(Name=name, Value=version, Type="String", Overwrite=True)


def test_first_startifact_in_between(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """The copy of latest is not what it was when the region was inspected: it is not set back."""

    def stage_after(request: Request, forward: Forward) -> Answer:
        answer = forward()
        stage_with_the_first(account, "2.0.0")
        return answer

    wire.add(when(is_artifact, stage_after, times=1))

    staging = Session(regions=HERE).stage("SugarWater", "1.0.0", make_file(b"it"))

    assert staging.created
    assert account.parameter_value(HERE, "SugarWater") == "2.0.0"
    assert str(Session(regions=HERE).get("SugarWater").version) == "2.0.0"
