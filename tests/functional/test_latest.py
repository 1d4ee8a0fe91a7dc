"""``latest``: where it points, and that it never goes back."""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.errors import NotFoundError, SeveralRegionsError, StagingFailedError
from startifact.reading.outcomes import State
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.support.backends import Backend
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import Session
from tests.support.wire import Answer, Forward, Request, Wire

MakeFile = Callable[..., Path]

# Buckets without an organisation do here what those with one do.
AWS_AND_FILES = pytest.mark.parametrize("backends", ["aws", "file"], indirect=True)


def session(backends: list[Backend]) -> Session:
    """Return a session with all *backends*."""
    return Session(regions=[backend.spec for backend in backends])


def latest(backends: list[Backend]) -> list[str]:
    """Return where ``latest`` is in each of *backends*."""
    return [backend.latest("SugarWater") for backend in backends]


def test_first_version(backends: list[Backend], make_file: MakeFile) -> None:
    """The first version is the latest, in every region."""
    staging = session(backends).stage("SugarWater", "1.0.0", make_file())

    assert staging.is_latest
    assert latest(backends) == ["1.0.0"] * 3
    assert [str(outcome.latest) for outcome in staging.outcomes] == ["1.0.0"] * 3


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (["1.0.0", "1.0.1"], "1.0.1"),
        (["2.0.0", "1.9.9"], "2.0.0"),
        (["1.9.0", "1.10.0"], "1.10.0"),
        (["1.0.0-rc.1", "1.0.0-rc.2"], "1.0.0-rc.2"),
        (["1.0.0-rc.2", "1.0.0-rc.1"], "1.0.0-rc.2"),
        (["2.0.0-rc.1", "1.0.0"], "1.0.0"),
        (["1.0.0", "2.0.0-rc.1"], "1.0.0"),
        (["1.0.0+a", "1.0.0+b"], "1.0.0+a"),
        (["1.0.0+b", "1.0.0+a"], "1.0.0+b"),
    ],
)
def test_case_23_order(
    directories: list[str], make_file: MakeFile, versions: list[str], expected: str
) -> None:
    """Latest is the highest stable version, else the highest prerelease, else what came first."""
    session = Session(regions=directories)

    stagings = [session.stage("SugarWater", v, make_file(v.encode())) for v in versions]

    assert str(session.get("SugarWater").version) == expected
    assert [s.is_latest for s in stagings] == [True, versions[1] == expected]
    assert {str(o.latest) for o in stagings[1].outcomes} == {expected}


@AWS_AND_FILES
def test_case_23_order_everywhere(backends: list[Backend], make_file: MakeFile) -> None:
    """An older version is staged, and moves nothing."""
    here = session(backends)
    here.stage("SugarWater", "2.0.0", make_file(b"new"))
    before = [backend.text("SugarWater/latest") for backend in backends]

    staging = here.stage("SugarWater", "1.0.0", make_file(b"old"))

    assert staging.created
    assert not staging.is_latest
    assert [backend.text("SugarWater/latest") for backend in backends] == before
    assert str(here.get("SugarWater", "1.0.0").version) == "1.0.0"


@AWS_AND_FILES
def test_what_is_recorded(backends: list[Backend], make_file: MakeFile) -> None:
    """A channel counts its moves, and says where it was and who moved it."""
    here = session(backends)

    here.stage("SugarWater", "1.0.0", make_file(b"one"))
    here.stage("SugarWater", "1.1.0", make_file(b"two"))

    for backend in backends:
        value = json.loads(backend.text("SugarWater/latest"))
        assert list(value) == ["version", "generation", "previous", "moved-at", "by"]
        assert value["version"] == "1.1.0"
        assert value["generation"] == 2
        assert value["previous"] == "1.0.0"
        assert value["by"].startswith("startifact/")


def test_who_moved_it(
    directories: list[str], make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a workflow the run's address says who moved it."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_REPOSITORY", "org/repo")
    monkeypatch.setenv("GITHUB_RUN_ID", "42")

    Session(regions=directories).stage("SugarWater", "1.0.0", make_file())

    text = Path(directories[0].removeprefix("file://"), "SugarWater", "latest").read_text()
    assert json.loads(text)["by"] == "https://github.com/org/repo/actions/runs/42"


@AWS_AND_FILES
def test_projects_are_apart(backends: list[Backend], make_file: MakeFile) -> None:
    """Each project has a latest of its own."""
    here = session(backends)

    here.stage("Sugar", "1.0.0", make_file(b"1"))
    here.stage("SugarWater", "2.0.0", make_file(b"2"))

    assert str(here.get("Sugar").version) == "1.0.0"
    assert str(here.get("SugarWater").version) == "2.0.0"


# Regions that differ -------------------------------------------------------------------------


def test_highest_of_those_that_answer(backends: list[Backend], make_file: MakeFile) -> None:
    """A region that lags behind is outvoted by one that does not."""
    here = session(backends)
    here.stage("SugarWater", "1.0.0", make_file(b"one"))
    backends[2].fail_region()
    here.stage("SugarWater", "2.0.0", make_file(b"two"))
    backends[2].restore_region()

    version = session(backends).get("SugarWater").version

    assert latest(backends) == ["2.0.0", "2.0.0", "1.0.0"]
    assert str(version) == "2.0.0"


@AWS_AND_FILES
def test_lagging_region_follows(backends: list[Backend], make_file: MakeFile) -> None:
    """The next staging brings a region that lags behind to the version that is staged."""
    here = session(backends)
    here.stage("SugarWater", "1.0.0", make_file(b"one"))
    backends[2].fail_region()
    here.stage("SugarWater", "2.0.0", make_file(b"two"))
    backends[2].restore_region()

    session(backends).stage("SugarWater", "3.0.0", make_file(b"three"))

    assert latest(backends) == ["3.0.0"] * 3


@AWS_AND_FILES
def test_region_without_a_channel_gets_the_highest(
    backends: list[Backend], make_file: MakeFile
) -> None:
    """A new region that holds the highest version has its channel made there, not below it."""
    session(backends[:2]).stage("SugarWater", "2.0.0", make_file(b"new"))
    key = "SugarWater@2.0.0"
    backends[2].plant(key, backends[0].content(key), backends[0].encoded_record(key))

    staging = session(backends).stage("SugarWater", "1.0.0", make_file(b"old"))

    assert latest(backends) == ["2.0.0"] * 3
    assert not staging.is_latest


@AWS_AND_FILES
def test_region_without_a_channel_and_without_the_highest(
    backends: list[Backend], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A new region that lacks the highest version gets no channel below it, which is reported."""
    session(backends[:2]).stage("SugarWater", "2.0.0", make_file(b"new"))

    with caplog.at_level(logging.WARNING, "startifact"):
        staging = session(backends).stage("SugarWater", "1.0.0", make_file(b"old"))

    assert "SugarWater/latest" not in backends[2].keys()  # noqa: SIM118
    assert "SugarWater@1.0.0" in backends[2].keys()  # noqa: SIM118
    assert staging.outcomes[2].state is State.CREATED
    assert staging.outcomes[2].latest is None
    assert staging.outcomes[2].error is not None
    assert "has no latest of SugarWater" in str(staging.outcomes[2].error)
    assert "has no latest of SugarWater" in caplog.text


# In an AWS region the mirror would still say what the first staging said there.
@pytest.mark.parametrize("backends", ["s3", "file"], indirect=True)
def test_region_without_a_channel_and_with_other_content_of_the_highest(
    backends: list[Backend], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever reads that region alone does not get bytes that most regions refuse, as latest."""
    session(backends[2:]).stage("SugarWater", "2.0.0", make_file(b"other"))
    backends[2].erase("SugarWater/latest")
    session(backends[:2]).stage("SugarWater", "2.0.0", make_file(b"new"))

    with caplog.at_level(logging.WARNING, "startifact"):
        staging = session(backends).stage("SugarWater", "1.0.0", make_file(b"old"))

    assert "SugarWater/latest" not in backends[2].keys()  # noqa: SIM118
    assert latest(backends[:2]) == ["2.0.0"] * 2
    assert staging.outcomes[2].state is State.CREATED
    assert staging.outcomes[2].latest is None
    assert (
        f"{backends[2].spec} has no latest of SugarWater, and other content of the version that "
        "latest points at elsewhere: it was not moved there"
    ) in caplog.text


@AWS_AND_FILES
def test_region_without_a_channel_is_no_answer(
    backends: list[Backend], make_file: MakeFile
) -> None:
    """A region without the channel does not count among those that know it."""
    session(backends[:1]).stage("SugarWater", "1.0.0", make_file())

    with pytest.raises(SeveralRegionsError) as caught:
        session(backends).get("SugarWater")

    assert caught.value.exit_code == 5
    assert "1 of 3 regions know it, 2 are needed" in caught.value.message
    assert f"{backends[0].spec}: latest is 1.0.0" in caught.value.message
    assert f"{backends[1].spec}: has no latest" in caught.value.message
    assert caught.value.hint == (
        "Bring it to the others with Session.repair('SugarWater'), or ask for an exact version"
    )


@AWS_AND_FILES
def test_too_few_follow(backends: list[Backend], make_file: MakeFile) -> None:
    """Stored, but short of channels, is no success: the channels that are there say run again."""
    session(backends[:1]).stage("SugarWater", "2.0.0", make_file(b"new"))

    with pytest.raises(StagingFailedError) as caught:
        session(backends).stage("SugarWater", "1.0.0", make_file(b"old"))

    assert caught.value.exit_code == 5
    assert "SugarWater@1.0.0 is stored in 3 of 3 regions, but latest has followed in 1" in str(
        caught.value
    )
    assert caught.value.hint is not None
    assert "Running the same staging again is safe" in caught.value.hint


def test_latest_of_a_staging_that_failed(directories: list[str], make_file: MakeFile) -> None:
    """What a failed staging has moved may be read, and later not; running it again ends that."""
    regions = faulty(directories)
    session_over(regions).stage("SugarWater", "1.0.0", make_file(b"old"))
    for region in regions[1:]:
        region.fail("write_channel")

    with pytest.raises(StagingFailedError, match="latest has followed in 1, 2 are needed"):
        session_over(regions).stage("SugarWater", "2.0.0", make_file(b"new"))

    assert str(session_over(regions).get("SugarWater").version) == "2.0.0"
    regions[0].fail("read_channel")
    assert str(session_over(regions).get("SugarWater").version) == "1.0.0"
    for region in regions:
        region.heal()
    session_over(regions).stage("SugarWater", "2.0.0", make_file(b"new"))
    regions[0].fail("read_channel")
    assert str(session_over(regions).get("SugarWater").version) == "2.0.0"


@AWS_AND_FILES
def test_one_region_down(backends: list[Backend], make_file: MakeFile) -> None:
    """With one region of three down latest is still known."""
    session(backends).stage("SugarWater", "1.0.0", make_file())
    backends[0].fail_region()

    assert str(session(backends).get("SugarWater").version) == "1.0.0"


def test_two_regions_down(backends: list[Backend], make_file: MakeFile) -> None:
    """With two regions of three down latest cannot be known, and why is reported for each."""
    session(backends).stage("SugarWater", "1.0.0", make_file())
    backends[0].fail_region()
    backends[1].fail_region()

    with pytest.raises(SeveralRegionsError) as caught:
        session(backends).get("SugarWater")

    assert caught.value.exit_code == 5
    assert not isinstance(caught.value, NotFoundError)
    for backend in backends[:2]:
        assert f"\n  {backend.spec} " in caught.value.message
    assert f"\n  {backends[2].spec}: latest is 1.0.0" in caught.value.message


@AWS_AND_FILES
def test_no_project(backends: list[Backend]) -> None:
    """A project of which every region says that it has nothing is not found."""
    with pytest.raises(NotFoundError) as caught:
        session(backends).get("SugarWater")

    assert caught.value.exit_code == 3
    assert "SugarWater has no latest" in caught.value.message


@AWS_AND_FILES
def test_no_project_and_one_region_down(backends: list[Backend]) -> None:
    """Where one region did not answer, not found is not known."""
    backends[1].fail_region()

    with pytest.raises(SeveralRegionsError) as caught:
        session(backends).get("SugarWater")

    assert caught.value.exit_code == 5


@AWS_AND_FILES
def test_damaged_channel(backends: list[Backend], make_file: MakeFile) -> None:
    """A channel that is damaged in one region is no answer; the others are."""
    session(backends).stage("SugarWater", "1.0.0", make_file())
    backends[0].write("SugarWater/latest", "\x1b[31mnonsense")

    assert str(session(backends).get("SugarWater").version) == "1.0.0"


@AWS_AND_FILES
def test_damaged_channel_is_not_overwritten(
    backends: list[Backend], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Staging leaves a damaged channel as it is, moves the others, and reports it."""
    session(backends).stage("SugarWater", "1.0.0", make_file(b"one"))
    backends[0].write("SugarWater/latest", "\x1b[31mnonsense")

    with caplog.at_level(logging.WARNING, "startifact"):
        staging = session(backends).stage("SugarWater", "2.0.0", make_file(b"two"))

    assert staging.is_latest
    assert backends[0].text("SugarWater/latest") == "\x1b[31mnonsense"
    assert latest(backends[1:]) == ["2.0.0"] * 2
    assert "the channel SugarWater/latest in " in caplog.text
    assert "is damaged" in caplog.text
    assert "\x1b" not in caplog.text


@AWS_AND_FILES
def test_channel_that_is_too_large(backends: list[Backend], make_file: MakeFile) -> None:
    """What is far too large for a channel is not read whole."""
    session(backends).stage("SugarWater", "1.0.0", make_file())
    for backend in backends:
        backend.write("SugarWater/latest", " " * 100_000)

    with pytest.raises(SeveralRegionsError, match="is larger than") as caught:
        session(backends).get("SugarWater")

    assert caught.value.exit_code == 7


@AWS_AND_FILES
def test_channel_that_is_no_text(backends: list[Backend], make_file: MakeFile) -> None:
    """What is no text is a damaged channel."""
    session(backends).stage("SugarWater", "1.0.0", make_file())
    for backend in backends:
        backend.plain("SugarWater/latest", b"\xff\xfe{}")

    with pytest.raises(SeveralRegionsError) as caught:
        session(backends).get("SugarWater")

    assert caught.value.exit_code == 7


# The copy in SSM -----------------------------------------------------------------------------


def test_copy_in_ssm(account: AwsAccount, make_file: MakeFile) -> None:
    """The copy in SSM is the bare version, in every region, and follows latest."""
    session = Session()

    session.stage("SugarWater", "1.0.0", make_file(b"one"))
    first = [account.parameter_value(region, "SugarWater") for region in AWS_REGIONS]
    session.stage("SugarWater", "0.9.0", make_file(b"old"))
    second = [account.parameter_value(region, "SugarWater") for region in AWS_REGIONS]
    session.stage("SugarWater", "1.1.0", make_file(b"two"))
    third = [account.parameter_value(region, "SugarWater") for region in AWS_REGIONS]

    assert first == second == ["1.0.0"] * 3
    assert third == ["1.1.0"] * 3


def test_copy_that_is_wrong(account: AwsAccount, make_file: MakeFile) -> None:
    """A copy that says something else is put right by the next staging, even of an old version."""
    session = Session()
    session.stage("SugarWater", "2.0.0", make_file(b"two"))
    name = f"/team-{account.unique}/SugarWater/latest"
    account.ssm("eu-west-1").put_parameter(Name=name, Value="9.9.9", Overwrite=True)

    session.stage("SugarWater", "1.0.0", make_file(b"one"))

    assert account.parameter_value("eu-west-1", "SugarWater") == "2.0.0"
    assert str(session.get("SugarWater").version) == "2.0.0"


def test_copy_is_written_once(account: AwsAccount, make_file: MakeFile) -> None:
    """A copy that is right is not written again: SSM keeps a history and counts requests."""
    session = Session()
    session.stage("SugarWater", "1.0.0", make_file())
    session.stage("SugarWater", "1.0.0", make_file())

    name = f"/team-{account.unique}/SugarWater/latest"
    answer = account.ssm("eu-west-1").get_parameter(Name=name)

    assert answer["Parameter"]["Version"] == 1


def test_copy_that_is_refused(
    account: AwsAccount, wire: Wire, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A copy that SSM refuses is a warning, with the region: latest itself has moved."""

    def refuse(request: Request, forward: Forward) -> Answer | None:
        if request.operation == "PutParameter" and request.region == "eu-west-1":
            return Answer(400, b'{"__type":"AccessDeniedException"}')
        return forward()

    wire.add(refuse)
    with caplog.at_level(logging.WARNING, "startifact"):
        staging = Session().stage("SugarWater", "1.0.0", make_file())

    reported = [r.getMessage() for r in caplog.records]
    assert [o.error for o in staging.outcomes] == [None] * 3
    assert len(reported) == 1
    copy = "the copy of SugarWater/latest in eu-west-1"
    assert reported[0].startswith(f"{copy} could not be written: eu-west-1 refused ")


def test_no_copy_for_other_regions(
    account: AwsAccount, make_file: MakeFile, tmp_path: Path
) -> None:
    """A bucket that is named itself has no copy in SSM."""
    bucket = account.buckets["us-east-1"]
    session = Session(regions=[f"s3://{bucket}/p", f"file:{tmp_path}/a"])

    staging = session.stage("SugarWater", "1.0.0", make_file(os.urandom(10)))

    assert staging.is_latest
    assert account.parameter_value("us-east-1", "SugarWater") is None
