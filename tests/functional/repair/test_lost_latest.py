"""``latest`` that was lost in every region, as by a lifecycle rule, while versions are there."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact import State
from startifact.cli import main
from startifact.errors import AccessDeniedError, NotFoundError, StagingFailedError
from tests.functional.repair.project_fixture import ProjectFixture
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import Session
from tests.support.messages import shell_hint

MakeFile = Callable[..., Path]


def lost(fixture: ProjectFixture, *versions: str) -> ProjectFixture:
    """Stage *versions*, and take latest away everywhere."""
    for version in versions:
        fixture.stage(version, version.encode())
    for backend in fixture.backends:
        fixture.lose_latest(backend)
    return fixture


def latest(fixture: ProjectFixture) -> list[str | None]:
    return [
        backend.latest(fixture.project) if fixture.latest in fixture.keys(backend) else None
        for backend in fixture.backends
    ]


def test_it_begins_at_the_highest(
    fixture: ProjectFixture, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A lower version does not set latest back: it begins at the highest that is there."""
    lost(fixture, "1.1.0", "1.2.0")

    staging = fixture.session().stage(fixture.project, "1.1.5", make_file())

    assert (staging.created, staging.is_latest) == (True, False)
    assert latest(fixture) == ["1.2.0"] * 3
    assert [str(outcome.latest) for outcome in staging.outcomes] == ["1.2.0"] * 3
    assert "has no latest in any region that answered, although 1.2.0 was staged" in caplog.text
    assert fixture.verify()


@pytest.mark.parametrize(
    ("staged", "version", "expected"),
    [
        (["1.2.0", "2.0.0-rc.1"], "1.1.5", "1.2.0"),
        (["2.0.0-rc.1"], "1.1.5", "1.1.5"),
        (["2.0.0-rc.2"], "2.0.0-rc.1", "2.0.0-rc.2"),
        (["1.2.0"], "1.2.0", "1.2.0"),
        (["1.2.0"], "1.3.0", "1.3.0"),
        (["1.9.0", "1.10.0"], "1.0.0", "1.10.0"),
    ],
)
def test_where_it_begins(
    file_project: ProjectFixture,
    make_file: MakeFile,
    staged: list[str],
    version: str,
    expected: str,
) -> None:
    """It begins at the highest stable version, at a prerelease only where there is none."""
    lost(file_project, *staged)

    file_project.stage(version, version.encode())

    assert latest(file_project) == [expected] * 3


def test_failed_staging_is_no_beginning(file_project: ProjectFixture) -> None:
    """A version that certainly missed its quorum does not become latest that way."""
    fixture = file_project
    fixture.stage("2.0.0", b"two", regions=fixture.regions[:1])
    fixture.lose_latest(fixture.a)

    fixture.stage("1.0.0")

    assert latest(fixture) == ["1.0.0"] * 3


def test_version_that_may_have_succeeded(file_project: ProjectFixture) -> None:
    """With a region down, what it may hold as well counts where it is: latest never goes back."""
    fixture = file_project
    fixture.stage("2.0.0", b"two", regions=fixture.regions[:2])
    for backend in fixture.backends[:2]:
        fixture.lose_latest(backend)
    fixture.a.fail_region()

    fixture.stage("1.0.0", required_regions="majority")

    fixture.a.restore_region()
    assert latest(fixture) == [None, "2.0.0", "1.0.0"]
    assert str(fixture.session().get(fixture.project).version) == "2.0.0"


def test_version_that_regions_disagree_about(file_project: ProjectFixture) -> None:
    """A version of which no content has a majority is passed over; so is one that was removed."""
    fixture = lost(file_project, "1.1.0", "1.2.0", "1.3.0")
    fixture.forge(fixture.a, fixture.at("1.2.0"), b"a")
    fixture.forge(fixture.b, fixture.at("1.2.0"), b"b")
    removed = {"startifact:format": "1", "startifact:removed-at": "2026-01-01T00:00:00Z"}
    fixture.c.plant(fixture.at("1.3.0"), b"", json.dumps(removed))

    fixture.stage("1.0.0")

    assert latest(fixture) == ["1.1.0"] * 3


def test_version_that_a_region_which_is_down_would_decide(file_project: ProjectFixture) -> None:
    """Where two contents may be the version, latest begins neither at it nor below it."""
    fixture = file_project
    fixture.stage("1.2.0", b"left behind", regions=fixture.regions[:1])
    fixture.stage("1.2.0", b"staged", regions=fixture.regions[1:])
    for backend in fixture.backends[:2]:
        fixture.lose_latest(backend)
    fixture.c.fail_region()

    with pytest.raises(StagingFailedError, match=r"may have been 1\.2\.0") as caught:
        fixture.stage("1.1.5", b"x", required_regions="majority")

    fixture.c.restore_region()
    assert caught.value.exit_code == 5
    assert latest(fixture) == [None, None, "1.2.0"]
    fixture.stage("1.1.5", b"x", required_regions="majority")
    assert latest(fixture)[1:] == ["1.2.0", "1.2.0"]


def test_region_that_differs(file_project: ProjectFixture) -> None:
    """Where a region holds other content than most, latest begins below that version there."""
    fixture = lost(file_project, "1.1.0", "1.2.0")
    fixture.forge(fixture.a, fixture.at("1.2.0"), b"a")

    fixture.stage("1.0.0")

    assert latest(fixture) == ["1.1.0", "1.2.0", "1.2.0"]


def test_region_that_cannot_be_listed(directories: list[str], make_file: MakeFile) -> None:
    """Where a region refuses to list, latest is not created: nothing says what it was there."""
    regions = faulty(directories)
    regions[0].fail("keys", AccessDeniedError("it must not be listed"))

    staging = session_over(regions).stage("SugarWater", "1.0.0", make_file())

    assert [o.state for o in staging.outcomes] == [State.CREATED] * 3
    assert isinstance(staging.outcomes[0].error, AccessDeniedError)
    assert [str(o.latest) for o in staging.outcomes] == ["None", "1.0.0", "1.0.0"]
    regions[1].fail("keys", AccessDeniedError("it must not be listed"))
    for name in directories:
        Path(name.removeprefix("file://"), "SugarWater", "latest").unlink(missing_ok=True)
    with pytest.raises(StagingFailedError, match="latest has followed in 1, 2 are needed"):
        session_over(regions).stage("SugarWater", "1.0.0", make_file())


def test_listing_is_for_lost_channels_only(directories: list[str], make_file: MakeFile) -> None:
    """Where any region has the channel, nothing is listed: neither to stage nor to read."""
    regions = faulty(directories)
    session_over(regions).stage("SugarWater", "1.0.0", make_file())
    Path(directories[0].removeprefix("file://"), "SugarWater", "latest").unlink()
    for region in regions:
        region.calls.clear()

    session_over(regions).stage("SugarWater", "1.1.0", make_file(b"more"))
    session_over(regions).get("SugarWater")

    assert not any("keys" in region.calls for region in regions)


def test_dry_run(file_project: ProjectFixture, make_file: MakeFile) -> None:
    """A dry run knows that a lower version would not be the latest."""
    lost(file_project, "1.2.0")

    staging = file_project.session(read_only=True).stage(file_project.project, "1.1.5", make_file())

    assert not staging.is_latest
    assert latest(file_project) == [None] * 3


def asked(
    fixture: ProjectFixture, capsys: pytest.CaptureFixture[str], command: str, *path: str
) -> tuple[int, str]:
    """Return how a command about latest ends in a shell, and what it says, in one line."""
    code = main([command, fixture.project, *path, f"--regions={','.join(fixture.regions)}"])
    return code, " ".join(capsys.readouterr().err.split())


def check_that_its_repair_helps(fixture: ProjectFixture, said: str) -> None:
    """After the command that an error has *said*, latest is 1.2.0 again."""
    assert f"startifact repair {fixture.project}" in said
    assert main(["repair", fixture.project, f"--regions={','.join(fixture.regions)}"]) == 0
    assert str(fixture.session().get(fixture.project).version) == "1.2.0"


@pytest.mark.sweep
@pytest.mark.parametrize("command", ["info", "download"])
def test_what_readers_learn(
    fixture: ProjectFixture, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who asks for latest learns what is missing, and the command that brings it back."""
    lost(fixture, "1.1.0", "1.2.0")
    path = [str(tmp_path / "back")] if command == "download" else []

    code, said = asked(fixture, capsys, command, *path)

    assert code == 3
    assert "although 2 versions are staged, the highest 1.2.0: it was lost" in said
    assert "nothing has been staged" not in said
    check_that_its_repair_helps(fixture, said)


def test_readers_of_what_cannot_be_listed(directories: list[str]) -> None:
    """Where it is not known whether versions are there, nobody says that there are none."""
    regions = faulty(directories)
    regions[1].fail("keys", AccessDeniedError("it must not be listed"))

    with pytest.raises(NotFoundError, match="could not be listed everywhere") as caught:
        session_over(regions).get("SugarWater")

    assert "it must not be listed" in caught.value.message
    assert "nothing has been staged" not in caught.value.message


def test_readers_of_no_project(directories: list[str]) -> None:
    """Where really nothing is staged, that is what is said."""
    with pytest.raises(NotFoundError, match="nothing has been staged") as caught:
        Session(regions=directories).get("SugarWater")

    assert "repair" not in shell_hint(caught.value)


def test_lost_where_it_was_highest(
    file_project: ProjectFixture, caplog: pytest.LogCaptureFixture
) -> None:
    """A region that was behind does not say what latest was where it was lost."""
    fixture = behind(file_project)

    fixture.stage("1.1.5", b"x")

    assert latest(fixture) == ["1.2.0", "1.2.0", "1.1.5"]
    names = ", ".join(fixture.regions[:2])
    assert f"has no latest in {names}, although 1.2.0 was staged" in caplog.text
    assert str(fixture.session().get(fixture.project).version) == "1.2.0"


def test_lost_in_one_with_another_one_down(file_project: ProjectFixture) -> None:
    """What may have been staged with the region that is down counts where latest was lost."""
    fixture = behind(file_project, lost_in=(1,))
    fixture.a.fail_region()

    fixture.stage("1.1.5", b"x", required_regions="majority")

    fixture.a.restore_region()
    assert latest(fixture) == ["1.2.0", "1.2.0", "1.1.5"]


def test_above_what_was_lost(file_project: ProjectFixture) -> None:
    """Where the latest of another region is higher than what was lost, it begins no lower."""
    fixture = behind(file_project)
    fixture.stage("1.3.0", b"newer", regions=fixture.regions[2:])

    with pytest.raises(StagingFailedError, match="latest has followed in 1, 2 are needed"):
        fixture.stage("1.1.5", b"x", required_regions="majority")

    assert latest(fixture) == [None, None, "1.3.0"]


def test_region_with_latest_that_cannot_be_listed(
    file_project: ProjectFixture, make_file: MakeFile
) -> None:
    """Only where latest was lost does a region have to be listed."""
    fixture = behind(file_project)
    regions = faulty(fixture.regions)
    regions[2].fail("keys", AccessDeniedError("it must not be listed"))

    staging = session_over(regions).stage(fixture.project, "1.1.5", make_file())

    assert [outcome.error for outcome in staging.outcomes] == [None] * 3
    assert latest(fixture) == ["1.2.0", "1.2.0", "1.1.5"]


def test_readers_where_too_few_regions_have_it(
    file_project: ProjectFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where regions have lost it, trying again does not help, and the repair does."""
    fixture = behind(file_project)

    code, said = asked(fixture, capsys, "info")

    assert code == 5
    assert "1 of 3 regions know it, 2 are needed" in said
    assert "try again" not in said
    check_that_its_repair_helps(fixture, said)


def behind(fixture: ProjectFixture, lost_in: tuple[int, ...] = (0, 1)) -> ProjectFixture:
    """Stage 1.1.0 in all regions and 1.2.0 in two, and take latest away in some of those."""
    fixture.stage("1.1.0", b"old")
    fixture.stage("1.2.0", b"new", regions=fixture.regions[:2])
    for index in lost_in:
        fixture.lose_latest(fixture.backends[index])
    return fixture


def test_highest_beginning_comes_first(file_project: ProjectFixture, make_file: MakeFile) -> None:
    """Where latest cannot be created at the highest version, it is not created below it either."""
    fixture = file_project
    fixture.stage("1.1.0", b"old")
    fixture.stage("1.2.0", b"new", regions=fixture.regions[:2])
    for backend in fixture.backends:
        fixture.lose_latest(backend)
    regions = faulty(fixture.regions)
    for region in regions[:2]:
        region.fail("write_channel")

    with pytest.raises(
        StagingFailedError, match="latest has followed in 0, 2 are needed"
    ) as caught:
        session_over(regions).stage(fixture.project, "1.1.5", make_file())

    assert "it was not created there" in caught.value.message
    assert latest(fixture) == [None] * 3
    fixture.session().stage(fixture.project, "1.1.5", make_file())
    assert latest(fixture) == ["1.2.0", "1.2.0", "1.1.5"]
