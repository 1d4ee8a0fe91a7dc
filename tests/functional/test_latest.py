"""``latest``: where it points, and that it never goes back."""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact import Session
from startifact.errors import NotFoundError, SeveralRegionsError
from startifact.staging.outcomes import StagingFailedError, State
from tests.conftest import AWS_REGIONS, Cloud
from tests.support.places import Place
from tests.support.wire import Answer, Forward, Request, Wire

MakeFile = Callable[..., Path]

# Buckets without an organisation do here what those with one do.
AWS_AND_FILES = pytest.mark.parametrize("places", ["aws", "file"], indirect=True)


def session(places: list[Place]) -> Session:
    """Return a session with all *places*."""
    return Session(regions=[place.spelling for place in places])


def latest(places: list[Place]) -> list[str]:
    """Return where ``latest`` is in each of *places*."""
    return [place.latest("SugarWater") for place in places]


def test_first_version(places: list[Place], make_file: MakeFile) -> None:
    """The first version is the latest, in every region."""
    staging = session(places).stage("SugarWater", "1.0.0", make_file())

    assert staging.is_latest
    assert latest(places) == ["1.0.0"] * 3
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
def test_case_23_order_everywhere(places: list[Place], make_file: MakeFile) -> None:
    """An older version is staged, and moves nothing."""
    here = session(places)
    here.stage("SugarWater", "2.0.0", make_file(b"new"))
    before = [place.text("SugarWater/latest") for place in places]

    staging = here.stage("SugarWater", "1.0.0", make_file(b"old"))

    assert staging.created
    assert not staging.is_latest
    assert [place.text("SugarWater/latest") for place in places] == before
    assert str(here.get("SugarWater", "1.0.0").version) == "1.0.0"


@AWS_AND_FILES
def test_what_is_recorded(places: list[Place], make_file: MakeFile) -> None:
    """A channel counts its moves, and says where it was and who moved it."""
    here = session(places)

    here.stage("SugarWater", "1.0.0", make_file(b"one"))
    here.stage("SugarWater", "1.1.0", make_file(b"two"))

    for place in places:
        value = json.loads(place.text("SugarWater/latest"))
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
def test_projects_are_apart(places: list[Place], make_file: MakeFile) -> None:
    """Each project has a latest of its own."""
    here = session(places)

    here.stage("Sugar", "1.0.0", make_file(b"1"))
    here.stage("SugarWater", "2.0.0", make_file(b"2"))

    assert str(here.get("Sugar").version) == "1.0.0"
    assert str(here.get("SugarWater").version) == "2.0.0"


# Regions that differ -------------------------------------------------------------------------


def test_highest_of_those_that_answer(places: list[Place], make_file: MakeFile) -> None:
    """A region that lags behind is outvoted by one that does not."""
    here = session(places)
    here.stage("SugarWater", "1.0.0", make_file(b"one"))
    places[2].take_down()
    here.stage("SugarWater", "2.0.0", make_file(b"two"))
    places[2].bring_back()

    version = session(places).get("SugarWater").version

    assert latest(places) == ["2.0.0", "2.0.0", "1.0.0"]
    assert str(version) == "2.0.0"


@AWS_AND_FILES
def test_lagging_region_follows(places: list[Place], make_file: MakeFile) -> None:
    """The next staging brings a region that lags behind to the version that is staged."""
    here = session(places)
    here.stage("SugarWater", "1.0.0", make_file(b"one"))
    places[2].take_down()
    here.stage("SugarWater", "2.0.0", make_file(b"two"))
    places[2].bring_back()

    session(places).stage("SugarWater", "3.0.0", make_file(b"three"))

    assert latest(places) == ["3.0.0"] * 3


@AWS_AND_FILES
def test_region_without_a_channel_gets_the_highest(
    places: list[Place], make_file: MakeFile
) -> None:
    """A new region that holds the highest version has its channel made there, not below it."""
    session(places[:2]).stage("SugarWater", "2.0.0", make_file(b"new"))
    key = "SugarWater@2.0.0"
    places[2].plant(key, places[0].content(key), places[0].document(key))

    staging = session(places).stage("SugarWater", "1.0.0", make_file(b"old"))

    assert latest(places) == ["2.0.0"] * 3
    assert not staging.is_latest


@AWS_AND_FILES
def test_region_without_a_channel_and_without_the_highest(
    places: list[Place], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A new region that lacks the highest version gets no channel below it, and that is told."""
    session(places[:2]).stage("SugarWater", "2.0.0", make_file(b"new"))

    with caplog.at_level(logging.WARNING, "startifact"):
        staging = session(places).stage("SugarWater", "1.0.0", make_file(b"old"))

    assert "SugarWater/latest" not in places[2].keys()  # noqa: SIM118
    assert "SugarWater@1.0.0" in places[2].keys()  # noqa: SIM118
    assert staging.outcomes[2].state is State.CREATED
    assert staging.outcomes[2].latest is None
    assert staging.outcomes[2].error is not None
    assert "has no latest of SugarWater" in str(staging.outcomes[2].error)
    assert "has no latest of SugarWater" in caplog.text


@AWS_AND_FILES
def test_region_without_a_channel_is_no_answer(places: list[Place], make_file: MakeFile) -> None:
    """A region without the channel does not count among those that know it."""
    session(places[:1]).stage("SugarWater", "1.0.0", make_file())

    with pytest.raises(SeveralRegionsError) as caught:
        session(places).get("SugarWater")

    assert caught.value.exit_code == 5
    assert "1 of 3 regions know it, 2 are needed" in str(caught.value)
    assert f"{places[0].spelling}: latest is 1.0.0" in str(caught.value)
    assert f"{places[1].spelling}: has no latest" in str(caught.value)
    assert caught.value.hint == (
        "Ask for an exact version, which one region can answer, or try again"
    )


@AWS_AND_FILES
def test_too_few_follow(places: list[Place], make_file: MakeFile) -> None:
    """Stored, but short of channels, is no success: the channels that are there say run again."""
    session(places[:1]).stage("SugarWater", "2.0.0", make_file(b"new"))

    with pytest.raises(StagingFailedError) as caught:
        session(places).stage("SugarWater", "1.0.0", make_file(b"old"))

    assert caught.value.exit_code == 5
    assert "SugarWater@1.0.0 is stored in 3 of 3 regions, but latest has followed in 1" in str(
        caught.value
    )
    assert caught.value.hint is not None
    assert "Running the same staging again is safe" in caught.value.hint


@AWS_AND_FILES
def test_one_region_down(places: list[Place], make_file: MakeFile) -> None:
    """With one region of three down latest is still known."""
    session(places).stage("SugarWater", "1.0.0", make_file())
    places[0].take_down()

    assert str(session(places).get("SugarWater").version) == "1.0.0"


def test_two_regions_down(places: list[Place], make_file: MakeFile) -> None:
    """With two regions of three down latest cannot be told, and why is told for each."""
    session(places).stage("SugarWater", "1.0.0", make_file())
    places[0].take_down()
    places[1].take_down()

    with pytest.raises(SeveralRegionsError) as caught:
        session(places).get("SugarWater")

    assert caught.value.exit_code == 5
    assert not isinstance(caught.value, NotFoundError)
    for place in places:
        assert f"\n  {place.spelling}: " in str(caught.value)


@AWS_AND_FILES
def test_no_project(places: list[Place]) -> None:
    """A project of which every region says that it has nothing is not found."""
    with pytest.raises(NotFoundError) as caught:
        session(places).get("SugarWater")

    assert caught.value.exit_code == 3
    assert "SugarWater has no latest" in str(caught.value)


@AWS_AND_FILES
def test_no_project_and_one_region_down(places: list[Place]) -> None:
    """Where one region did not answer, not found is not known."""
    places[1].take_down()

    with pytest.raises(SeveralRegionsError) as caught:
        session(places).get("SugarWater")

    assert caught.value.exit_code == 5


@AWS_AND_FILES
def test_damaged_channel(places: list[Place], make_file: MakeFile) -> None:
    """A channel that is damaged in one region is no answer; the others are."""
    session(places).stage("SugarWater", "1.0.0", make_file())
    places[0].write("SugarWater/latest", "\x1b[31mnonsense")

    assert str(session(places).get("SugarWater").version) == "1.0.0"


@AWS_AND_FILES
def test_damaged_channel_is_not_overwritten(
    places: list[Place], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Staging leaves a damaged channel as it is, moves the others, and tells."""
    session(places).stage("SugarWater", "1.0.0", make_file(b"one"))
    places[0].write("SugarWater/latest", "\x1b[31mnonsense")

    with caplog.at_level(logging.WARNING, "startifact"):
        staging = session(places).stage("SugarWater", "2.0.0", make_file(b"two"))

    assert staging.is_latest
    assert places[0].text("SugarWater/latest") == "\x1b[31mnonsense"
    assert latest(places[1:]) == ["2.0.0"] * 2
    assert "the channel SugarWater/latest in " in caplog.text
    assert "is damaged" in caplog.text
    assert "\x1b" not in caplog.text


@AWS_AND_FILES
def test_channel_that_is_too_large(places: list[Place], make_file: MakeFile) -> None:
    """What is far too large for a channel is not read whole."""
    session(places).stage("SugarWater", "1.0.0", make_file())
    for place in places:
        place.write("SugarWater/latest", " " * 100_000)

    with pytest.raises(SeveralRegionsError, match="is larger than") as caught:
        session(places).get("SugarWater")

    assert caught.value.exit_code == 7


@AWS_AND_FILES
def test_channel_that_is_no_text(places: list[Place], make_file: MakeFile) -> None:
    """What is no text is a damaged channel."""
    session(places).stage("SugarWater", "1.0.0", make_file())
    for place in places:
        place.plain("SugarWater/latest", b"\xff\xfe{}")

    with pytest.raises(SeveralRegionsError) as caught:
        session(places).get("SugarWater")

    assert caught.value.exit_code == 7


# The copy in SSM -----------------------------------------------------------------------------


def test_copy_in_ssm(cloud: Cloud, make_file: MakeFile) -> None:
    """The copy in SSM is the bare version, in every region, and follows latest."""
    session = Session()

    session.stage("SugarWater", "1.0.0", make_file(b"one"))
    first = [cloud.parameter_value(region, "SugarWater") for region in AWS_REGIONS]
    session.stage("SugarWater", "0.9.0", make_file(b"old"))
    second = [cloud.parameter_value(region, "SugarWater") for region in AWS_REGIONS]
    session.stage("SugarWater", "1.1.0", make_file(b"two"))
    third = [cloud.parameter_value(region, "SugarWater") for region in AWS_REGIONS]

    assert first == second == ["1.0.0"] * 3
    assert third == ["1.1.0"] * 3


def test_copy_that_is_wrong(cloud: Cloud, make_file: MakeFile) -> None:
    """A copy that says something else is put right by the next staging, even of an old version."""
    session = Session()
    session.stage("SugarWater", "2.0.0", make_file(b"two"))
    name = f"/team-{cloud.unique}/SugarWater/latest"
    cloud.ssm("eu-west-1").put_parameter(Name=name, Value="9.9.9", Overwrite=True)

    session.stage("SugarWater", "1.0.0", make_file(b"one"))

    assert cloud.parameter_value("eu-west-1", "SugarWater") == "2.0.0"
    assert str(session.get("SugarWater").version) == "2.0.0"


def test_copy_is_written_once(cloud: Cloud, make_file: MakeFile) -> None:
    """A copy that is right is not written again: SSM keeps a history and counts requests."""
    session = Session()
    session.stage("SugarWater", "1.0.0", make_file())
    session.stage("SugarWater", "1.0.0", make_file())

    name = f"/team-{cloud.unique}/SugarWater/latest"
    answer = cloud.ssm("eu-west-1").get_parameter(Name=name)

    assert answer["Parameter"]["Version"] == 1


def test_copy_that_is_refused(
    cloud: Cloud, wire: Wire, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A copy that SSM refuses is a warning, with the region: latest itself has moved."""

    def refuse(request: Request, forward: Forward) -> Answer | None:
        if request.operation == "PutParameter" and request.region == "eu-west-1":
            return Answer(400, b'{"__type":"AccessDeniedException"}')
        return forward()

    wire.add(refuse)
    with caplog.at_level(logging.WARNING, "startifact"):
        staging = Session().stage("SugarWater", "1.0.0", make_file())

    told = [r.getMessage() for r in caplog.records]
    assert [o.error for o in staging.outcomes] == [None] * 3
    assert len(told) == 1
    assert told[0].startswith("eu-west-1: the copy of SugarWater/latest was not made: ")


def test_no_copy_for_other_regions(cloud: Cloud, make_file: MakeFile, tmp_path: Path) -> None:
    """A bucket that is named itself has no copy in SSM."""
    bucket = cloud.buckets["us-east-1"]
    session = Session(regions=[f"s3://{bucket}/p", f"file:{tmp_path}/a"])

    staging = session.stage("SugarWater", "1.0.0", make_file(os.urandom(10)))

    assert staging.is_latest
    assert cloud.parameter_value("us-east-1", "SugarWater") is None
