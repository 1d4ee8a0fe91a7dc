"""What a region was seen to hold counts, also when the region fails before it has said the rest."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact import IfExists, State, errors
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.support.backends import Backend
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import Session
from tests.support.messages import message_of
from tests.support.wire import Answer, Forward, Request, Wire, error

MakeFile = Callable[..., Path]


def unreadable_channel(region: str) -> Callable[[Request, Forward], Answer | None]:
    """Return a rule that refuses all that has to do with the channel of one region."""

    def refuse(request: Request, forward: Forward) -> Answer | None:
        about = request.path.endswith("/latest") or b"latest" in request.body
        listed = "latest" in str(request.query.get("prefix"))
        if request.region == region and (about or listed):
            return error(403, "AccessDenied")
        return forward()

    return refuse


def test_other_content_behind_a_channel_that_is_refused(
    account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """Other content in a region stops a staging although the region fails right after."""
    Session(regions=["us-east-1"]).stage("SugarWater", "1.0.0", make_file(b"one"))
    wire.add(unreadable_channel("us-east-1"))

    with pytest.raises(errors.AlreadyStagedError):
        Session(regions=list(AWS_REGIONS)).stage("SugarWater", "1.0.0", make_file(b"two"))

    assert account.keys("eu-west-1") == []
    assert account.keys("ap-southeast-2") == []


def test_unrecorded_content_behind_a_channel_that_is_refused(
    account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """The same holds for an artifact of the first Startifact, whose bytes are read for it."""
    account.s3("us-east-1").put_object(
        Bucket=account.buckets["us-east-1"], Key="team/SugarWater@1.0.0", Body=b"one"
    )
    wire.add(unreadable_channel("us-east-1"))

    with pytest.raises(errors.AlreadyStagedError):
        Session(regions=list(AWS_REGIONS)).stage("SugarWater", "1.0.0", make_file(b"two"))

    assert account.keys("eu-west-1") == []


def test_same_unrecorded_content_behind_a_channel_that_is_refused(
    account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """The same content in a region that fails right after is no copy that counts."""
    account.s3("us-east-1").put_object(
        Bucket=account.buckets["us-east-1"], Key="team/SugarWater@1.0.0", Body=b"one"
    )
    wire.add(unreadable_channel("us-east-1"))

    staging = Session(regions=list(AWS_REGIONS)).stage("SugarWater", "1.0.0", make_file(b"one"))

    states = [outcome.state for outcome in staging.outcomes]
    assert states == [State.FAILED, State.CREATED, State.CREATED]


def test_record_of_those_that_have_one(
    account: AwsAccount, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A region is filled with the record of the others, also where the first of them has none."""
    account.s3("us-east-1").put_object(
        Bucket=account.buckets["us-east-1"], Key="team/SugarWater@1.0.0", Body=b"one"
    )
    first = Session(regions=["eu-west-1"]).stage("SugarWater", "1.0.0", make_file(b"one"))

    Session(regions=list(AWS_REGIONS)).stage("SugarWater", "1.0.0", make_file(b"one"))

    filled = Session(regions=["ap-southeast-2"]).get("SugarWater", "1.0.0")
    assert filled.staged_at == first.artifact.staged_at
    everywhere = Session(regions=list(AWS_REGIONS)).get("SugarWater", "1.0.0")
    everywhere.downloader.locations()
    assert everywhere.sha256 == first.artifact.sha256
    assert "is not what most regions hold" not in caplog.text  # the first may hold the same
    assert everywhere.downloader.region == "eu-west-1"  # nobody has recorded what the first holds


def test_other_content_in_a_directory_whose_channel_is_refused(
    directories: list[str], make_file: MakeFile
) -> None:
    """The same holds for directories; a caller that keeps what is there has it in the others."""
    Session(regions=directories[:1]).stage("SugarWater", "1.0.0", make_file(b"one"))
    regions = faulty(directories)
    regions[0].fail("read_channel", errors.AccessDeniedError("it refused"))
    session = session_over(regions)

    with pytest.raises(errors.AlreadyStagedError):
        session.stage("SugarWater", "1.0.0", make_file(b"two"))
    kept = session.stage("SugarWater", "1.0.0", make_file(b"two"), if_exists=IfExists.KEEP)

    assert [o.state for o in kept.outcomes] == [State.FAILED, State.CREATED, State.CREATED]
    assert message_of(kept.outcomes[0].error) == "it refused"
    assert kept.artifact.size == 3
    assert kept.artifact.downloader.region == directories[1]
    assert ["create" in region.calls for region in regions] == [False, True, True]


def test_keeping_moves_latest(directories: list[str], make_file: MakeFile) -> None:
    """What is kept is brought to its end: it is the latest, in every region."""
    Session(regions=directories[:1]).stage("SugarWater", "1.0.0", make_file(b"one"))
    Path(directories[0].removeprefix("file://"), "SugarWater", "latest").unlink()

    kept = Session(regions=directories).stage(
        "SugarWater", "1.0.0", make_file(b"two"), if_exists=IfExists.KEEP
    )

    assert kept.is_latest
    assert not kept.created
    latest = [Path(d.removeprefix("file://"), "SugarWater", "latest") for d in directories]
    assert all(path.is_file() for path in latest)


def test_dry_run_of_keeping(backends: list[Backend], make_file: MakeFile) -> None:
    """A dry run that would keep other content says which regions would be filled with that."""
    specs = [backend.spec for backend in backends]
    Session(regions=specs[:1]).stage("SugarWater", "1.0.0", make_file(b"one"))
    session = Session(regions=specs, read_only=True)

    staging = session.stage("SugarWater", "1.0.0", make_file(b"two"), if_exists=IfExists.KEEP)

    states = [outcome.state for outcome in staging.outcomes]
    assert states == [State.PRESENT, State.WOULD_CREATE, State.WOULD_CREATE]


def test_keeping_is_reported(
    backends: list[Backend], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A caller that keeps other content learns that the local file is not what is staged."""
    session = Session(regions=[backend.spec for backend in backends])
    session.stage("SugarWater", "1.0.0", make_file(b"one"))
    caplog.set_level(logging.WARNING)

    session.stage("SugarWater", "1.0.0", make_file(b"two"), if_exists=IfExists.KEEP)

    assert "is kept as it was staged (sha256:" in caplog.text
