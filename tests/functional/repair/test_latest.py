"""Every damage to ``latest`` and its copies: found, and repaired forward or not at all."""

import json

import pytest

from startifact import errors
from startifact.model.keys import Key
from startifact.regions.interface import StoredChannel
from startifact.repair.verify import FindingKind
from tests.functional.repair.project_fixture import (
    CONTENT,
    OTHER,
    ProjectFixture,
    actions,
    ssm_error,
)
from tests.support.backends import Bucket

JUNK = {
    "empty": "",
    "text": "not JSON",
    "version": '{"generation":1}',
    "types": '{"version":7,"generation":"1"}',
    "range": '{"version":"^1.0","generation":1}',
    "large": json.dumps({"version": "1.0.0", "generation": 1}) + " " * 100_000,
}


def names(
    fixture: ProjectFixture, kind: FindingKind, count: int = 3
) -> list[tuple[FindingKind, str]]:
    """Return *kind* for the first *count* regions."""
    return [(kind, name) for name in fixture.regions[:count]]


def in_all(fixture: ProjectFixture) -> list[str]:
    """Return where ``latest`` is, in every region."""
    return [backend.latest(fixture.project) for backend in fixture.backends]


@pytest.mark.parametrize("version", ["1.0.1", "1.1.0"])
def test_staged_while_regions_are_compared(file_project: ProjectFixture, version: str) -> None:
    """A version that is staged between two looks is not taken for one that is not there."""
    fixture = file_project
    fixture.stage()
    fixture.stage("1.0.1", regions=fixture.regions[1:], required_regions=2)
    session = fixture.session()
    region = session._regions()[0]
    read_channel = region.read_channel

    def staged_before(key: Key) -> StoredChannel | None:
        if fixture.a.latest(fixture.project) == "1.0.0":
            fixture.stage(version)
        return read_channel(key)

    vars(region)["read_channel"] = staged_before

    found = session.verify(fixture.project)

    assert fixture.a.latest(fixture.project) == version
    assert FindingKind.LATEST_DANGLING not in {difference.kind for difference in found.differences}


def test_missing_in_one_region(fixture: ProjectFixture) -> None:
    """A region whose ``latest`` was lost gets it back, where it is elsewhere."""
    fixture.stage()
    fixture.stage("2.0.0")
    fixture.lose_latest(fixture.b)

    found = fixture.found()
    done = fixture.repair_until_equal()

    assert found == [(FindingKind.LATEST_MISSING, fixture.b.spec)]
    assert done == [("move-latest", fixture.b.spec)]
    assert in_all(fixture) == ["2.0.0"] * 3


def test_missing_everywhere(fixture: ProjectFixture) -> None:
    """Where every region has lost it, ``latest`` begins at the latest version there is."""
    fixture.stage("2.0.0")
    fixture.stage("1.0.0")
    fixture.stage("3.0.0-rc.1")
    for backend in fixture.backends:
        fixture.lose_latest(backend)

    found = fixture.found()
    done = fixture.repair_until_equal()

    assert found == names(fixture, FindingKind.LATEST_MISSING)
    assert done == [("move-latest", name) for name in fixture.regions]
    assert in_all(fixture) == ["2.0.0"] * 3


def test_behind(fixture: ProjectFixture) -> None:
    """A region that was left behind is moved forward."""
    fixture.stage()
    old = fixture.b.text(fixture.latest)
    fixture.stage("2.0.0")
    fixture.b.write(fixture.latest, old)

    found = [f for f in fixture.found() if f[0] is not FindingKind.MIRROR_DIFFERS]
    done = fixture.repair_until_equal()

    assert found == [(FindingKind.LATEST_BEHIND, fixture.b.spec)]
    assert done == [("move-latest", fixture.b.spec)]
    channel_record = json.loads(fixture.b.text(fixture.latest))
    assert (channel_record["version"], channel_record["previous"]) == ("2.0.0", "1.0.0")
    assert channel_record["generation"] == json.loads(old)["generation"] + 1


def test_equal_precedence_is_not_behind(file_project: ProjectFixture) -> None:
    """Regions whose ``latest`` differs only in build metadata stay as they are."""
    fixture = file_project
    fixture.stage("1.0.0+a")
    fixture.stage("1.0.0+b", OTHER)
    fixture.b.write(fixture.latest, fixture.a.text(fixture.latest).replace("+a", "+b"))

    found = fixture.verify()
    done = fixture.repair()

    assert found
    assert done
    assert done.steps == ()


def test_version_that_is_missing_here(fixture: ProjectFixture) -> None:
    """A ``latest`` that points at a version this region lacks is sound once it is filled."""
    fixture.stage()
    fixture.b.remove(fixture.key)

    found = fixture.found()
    done = fixture.repair_until_equal()

    assert found == [
        (FindingKind.MISSING, fixture.b.spec),
        (FindingKind.LATEST_DANGLING, fixture.b.spec),
    ]
    assert done == [("fill", fixture.b.spec)]


def test_version_that_nobody_has(fixture: ProjectFixture) -> None:
    """A ``latest`` that points at nothing does not go back; it says what would help."""
    fixture.stage()
    fixture.stage("2.0.0", OTHER)
    for backend in fixture.backends:
        backend.remove(fixture.at("2.0.0"))

    found = fixture.found()
    said = fixture.refused()
    fixture.stage("2.0.0", OTHER)

    assert found == names(fixture, FindingKind.LATEST_DANGLING)
    assert "is 2.0.0, which no region that answered holds" in said
    assert "latest never goes back: stage 2.0.0 again, or a later version" in said
    assert fixture.verify()


def test_nothing_but_latest(fixture: ProjectFixture) -> None:
    """A project of which nothing is left but ``latest`` is not absent."""
    fixture.stage()
    for backend in fixture.backends:
        backend.remove(fixture.key)

    found = fixture.found()
    said = fixture.refused()

    assert found == names(fixture, FindingKind.LATEST_DANGLING)
    assert "is 1.0.0, which no region that answered holds" in said


def test_dangling_where_a_later_version_is(file_project: ProjectFixture) -> None:
    """A ``latest`` that points at nothing can be moved forward to what is there."""
    fixture = file_project
    fixture.stage()
    old = fixture.a.text(fixture.latest)
    fixture.stage("2.0.0", OTHER)
    for backend in fixture.backends:
        backend.write(fixture.latest, old)
        backend.remove(fixture.key)

    found = fixture.found()
    done = fixture.repair_until_equal()

    assert (FindingKind.LATEST_BEHIND, fixture.a.spec) in found
    assert (FindingKind.LATEST_DANGLING, fixture.a.spec) in found
    assert done == [("move-latest", name) for name in fixture.regions]


@pytest.mark.sweep
@pytest.mark.parametrize("text", [JUNK["text"], JUNK["large"]], ids=["text", "large"])
def test_damaged(fixture: ProjectFixture, text: str) -> None:
    """A ``latest`` that cannot be read is replaced by where it is elsewhere."""
    fixture.stage()
    fixture.stage("2.0.0", OTHER)
    fixture.b.write(fixture.latest, text)

    found = fixture.found()
    done = fixture.repair_until_equal()

    assert found == [(FindingKind.LATEST_DAMAGED, fixture.b.spec)]
    assert done == [("move-latest", fixture.b.spec)]
    assert in_all(fixture) == ["2.0.0"] * 3


@pytest.mark.parametrize("text", JUNK.values(), ids=JUNK)
def test_damaged_everywhere(file_project: ProjectFixture, text: str) -> None:
    """Where no region's ``latest`` can be read, it begins again at the latest version."""
    fixture = file_project
    fixture.stage()
    fixture.stage("2.0.0", OTHER)
    for backend in fixture.backends:
        backend.write(fixture.latest, text)

    found = fixture.found()
    done = fixture.repair_until_equal()

    assert found == names(fixture, FindingKind.LATEST_DAMAGED)
    assert done == [("move-latest", name) for name in fixture.regions]
    assert in_all(fixture) == ["2.0.0"] * 3


def test_bytes_that_are_no_text(file_project: ProjectFixture) -> None:
    """A ``latest`` can be damaged down to its bytes."""
    fixture = file_project
    fixture.stage()
    fixture.b.plain(fixture.latest, b"\xff\xfe\x00\x80")

    found = fixture.found()
    done = fixture.repair_until_equal()

    assert found == [(FindingKind.LATEST_DAMAGED, fixture.b.spec)]
    assert done == [("move-latest", fixture.b.spec)]


def test_damaged_without_any_version(file_project: ProjectFixture) -> None:
    """A ``latest`` that cannot be read stays where there is no version it could point at."""
    fixture = file_project
    fixture.b.write(fixture.latest, "not JSON")

    found = fixture.found()
    said = fixture.refused()

    assert found == [(FindingKind.LATEST_DAMAGED, fixture.b.spec)]
    assert "there is no version that it could point at" in said
    assert "Stage a version, then run this again" in said


def test_damaged_by_another_meanwhile(
    file_project: ProjectFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody else has put in the place of a damaged ``latest`` is not replaced."""
    fixture = file_project
    fixture.stage()
    sound = fixture.b.text(fixture.latest)
    fixture.b.write(fixture.latest, "not JSON")
    session = fixture.session()
    region = session._regions()[1]
    read_channel = region.read_channel
    looks = iter([None])

    def read(key: object) -> object:
        answer = read_channel(key)  # type: ignore[arg-type]
        if next(looks, 0) is None:
            fixture.b.write(fixture.latest, sound)
        return answer

    monkeypatch.setattr(region, "read_channel", read)

    done = session.repair(fixture.project)

    assert "changed meanwhile" in done.failures[fixture.b.spec].message
    assert fixture.b.text(fixture.latest) == sound


def test_latest_does_not_move_to_what_is_disputed(file_project: ProjectFixture) -> None:
    """A version that regions disagree about moves no ``latest``, even where another is at it."""
    fixture = file_project
    fixture.stage()
    fixture.stage("2.0.0", OTHER)
    fixture.forge(fixture.b, fixture.at("2.0.0"), CONTENT)
    for backend in fixture.backends[:2]:
        fixture.lose_latest(backend)

    found = fixture.found()
    said = fixture.refused()

    assert found[-2:] == names(fixture, FindingKind.LATEST_MISSING, 2)
    assert said.startswith(f"regions disagree about {fixture.at('2.0.0')}")


def test_latest_does_not_begin_below_what_is_disputed(file_project: ProjectFixture) -> None:
    """Where too few know where it was, it does not begin below a version that is disputed."""
    fixture = file_project
    fixture.stage()
    fixture.stage("2.0.0", OTHER)
    fixture.forge(fixture.b, fixture.at("2.0.0"), CONTENT)
    for backend in fixture.backends:
        fixture.lose_latest(backend)

    said = fixture.refused()

    assert "may have been 2.0.0, which regions disagree about" in said
    assert f"Repair {fixture.at('2.0.0')} first" in said


def test_latest_follows_once_the_version_is_repaired(file_project: ProjectFixture) -> None:
    """After a person's word about the version, ``latest`` can be moved to it."""
    fixture = file_project
    fixture.stage()
    fixture.stage("2.0.0", OTHER)
    fixture.forge(fixture.b, fixture.at("2.0.0"), CONTENT)
    for backend in fixture.backends:
        fixture.lose_latest(backend)
    digest = fixture.session().get(fixture.project, "2.0.0").sha256

    fixture.repair_until_equal("2.0.0", keep=f"sha256:{digest}")
    done = fixture.repair_until_equal()

    assert done == [("move-latest", name) for name in fixture.regions]
    assert in_all(fixture) == ["2.0.0"] * 3


def test_disputed_version_moves_nothing(file_project: ProjectFixture) -> None:
    """A version that two stagers have won in different regions stays out of ``latest``."""
    fixture = file_project
    fixture.stage()
    fixture.stage("2.0.0", CONTENT, regions=fixture.regions[:1])
    fixture.stage("2.0.0", OTHER, regions=fixture.regions[1:2])
    for backend in fixture.backends[:2]:
        backend.write(fixture.latest, fixture.c.text(fixture.latest))

    found = fixture.found()
    said = fixture.refused()

    assert found == [
        (FindingKind.DIFFERENT, fixture.a.spec),
        (FindingKind.DIFFERENT, fixture.b.spec),
        (FindingKind.MISSING, fixture.c.spec),
    ]
    assert "regions disagree about" in said
    assert in_all(fixture) == ["1.0.0"] * 3


def test_a_version_alone_leaves_latest(file_project: ProjectFixture) -> None:
    """Looking at one version, or repairing it, has nothing to do with ``latest``."""
    fixture = file_project
    fixture.stage()
    fixture.lose_latest(fixture.b)

    assert fixture.verify("1.0.0")
    assert fixture.repair("1.0.0").steps == ()
    assert fixture.found() == [(FindingKind.LATEST_MISSING, fixture.b.spec)]


# Copies in SSM -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["1.0.0", "9.9.9", "junk", "v2.0.0", "{{x}} \x1b[2J", None],
    ids=["stale", "ahead", "junk", "prefixed", "unsafe", "deleted"],
)  # fmt: skip
@pytest.mark.represented_by("ahead", "junk", "deleted")
def test_copy(aws_project: ProjectFixture, value: str | None) -> None:
    """A copy of ``latest`` that is not what it should be is found, and made again."""
    fixture = aws_project
    fixture.stage()
    fixture.stage("2.0.0", OTHER)
    if value is None:
        fixture.ssm(fixture.b).delete_parameter(Name=fixture.parameter)
    else:
        fixture.show(fixture.b, value)

    verification = fixture.verify()
    done = fixture.repair_until_equal()

    assert [(d.kind, d.region) for d in verification.differences] == [
        (FindingKind.MIRROR_DIFFERS, "eu-west-1")
    ]
    assert verification.differences[0].message.endswith(", expected 2.0.0")
    assert verification.differences[0].message.isprintable()
    assert done == [("refresh-copy", "eu-west-1")]
    assert [fixture.displayed(backend) for backend in fixture.backends] == ["2.0.0"] * 3


def test_copy_that_cannot_be_made(aws_project: ProjectFixture) -> None:
    """A copy that is refused is a failure of that region, and not a success."""
    fixture = aws_project
    fixture.stage()
    fixture.show(fixture.b, "0.1.0")
    assert isinstance(fixture.b, Bucket)
    assert fixture.b.wire is not None
    fixture.b.wire.add(
        lambda request, forward: (
            ssm_error("AccessDeniedException")
            if (request.operation, request.region) == ("PutParameter", "eu-west-1")
            else forward()
        )
    )

    done = fixture.repair()

    assert actions(done) == []
    assert isinstance(done.failures["eu-west-1"], errors.AccessDeniedError)
    assert "ssm:PutParameter" in str(done.failures["eu-west-1"])


def test_copy_of_a_dangling_latest(aws_project: ProjectFixture) -> None:
    """A copy follows ``latest`` even where that has to wait for somebody to stage again."""
    fixture = aws_project
    fixture.stage()
    fixture.show(fixture.b, "0.1.0")
    for backend in fixture.backends:
        backend.remove(fixture.key)

    done = fixture.repair()

    assert actions(done) == [("refresh-copy", "eu-west-1")]
    assert len(done.refusals) == 3
    assert fixture.displayed(fixture.b) == "1.0.0"


def test_channel_that_is_only_a_parameter(aws_project: ProjectFixture) -> None:
    """Where there is no channel object, the parameter is the value, and nothing is missing."""
    fixture = aws_project
    fixture.stage()
    fixture.b.erase(fixture.latest)

    assert fixture.verify()


def test_parameter_that_is_junk_and_alone(aws_project: ProjectFixture) -> None:
    """A parameter that cannot be read, without a channel object, is damaged, and replaced."""
    fixture = aws_project
    fixture.stage()
    fixture.b.erase(fixture.latest)
    fixture.show(fixture.b, "junk")

    found = fixture.found()
    done = fixture.repair_until_equal()

    assert found == [(FindingKind.LATEST_DAMAGED, "eu-west-1")]
    assert done == [("move-latest", "eu-west-1")]
    assert (fixture.b.latest(fixture.project), fixture.displayed(fixture.b)) == ("1.0.0", "1.0.0")
