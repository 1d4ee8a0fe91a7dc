"""Channels that are set by hand, and yanks: what is damaged in a region is found and repaired."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.repair.verify import FindingKind
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.functional.repair.project_fixture import ssm_error
from tests.support.backends import Backend
from tests.support.limits import Session
from tests.support.wire import Wire

MakeFile = Callable[..., Path]

PROD, MARK = "SugarWater/prod", "SugarWater/_yanked/1.0.0"


@pytest.fixture
def session(backends: list[Backend], make_file: MakeFile) -> Session:
    """Return a session in whose regions a channel was moved twice, and a version was yanked."""
    here = Session(regions=[backend.spec for backend in backends])
    for number in range(3):
        here.stage("SugarWater", f"1.{number}.0", make_file(f"content {number}".encode()))
    here.promote("SugarWater", "1.0.0", "prod")
    here.promote("SugarWater", "1.1.0", "prod")
    here.yank("SugarWater", "1.0.0", "it loses data")
    return here


def kinds(session: Session) -> list[tuple[str, str, str]]:
    """Return what differs: kind, region and key."""
    found = session.verify("SugarWater").differences
    return [(str(f.kind), f.region, f.key) for f in found]


def test_nothing_is_wrong(session: Session) -> None:
    """Where all regions have the last move, nothing differs, and nothing is repaired."""
    assert kinds(session) == []
    assert session.repair("SugarWater").steps == ()


@pytest.mark.parametrize(
    ("key", "kind"), [(PROD, FindingKind.CHANNEL_MISSING), (MARK, FindingKind.MARK_MISSING)]
)
def test_missing(session: Session, backends: list[Backend], key: str, kind: FindingKind) -> None:
    """A region that lost a register has it again, with its history."""
    before = json.loads(backends[1].text(key))["accepted"]["history"]
    backends[1].erase(key)

    assert kinds(session) == [(kind, backends[1].spec, key)]
    repair = session.repair("SugarWater")

    assert repair
    assert kinds(session) == []
    assert json.loads(backends[1].text(key))["accepted"]["history"] == before


@pytest.mark.parametrize(
    ("key", "kind"), [(PROD, FindingKind.CHANNEL_DAMAGED), (MARK, FindingKind.MARK_DAMAGED)]
)
@pytest.mark.parametrize("text", ["", "{", "1.0.0", '{"promised":[1,"a"]', "[]", "x" * 20_000])
def test_damaged(
    session: Session, backends: list[Backend], key: str, kind: FindingKind, text: str
) -> None:
    """A register that cannot be read is replaced by what all others agree about."""
    backends[1].write(key, text)

    assert kinds(session) == [(kind, backends[1].spec, key)]
    assert session.repair("SugarWater")

    assert kinds(session) == []
    assert str(session.get("SugarWater", "prod").version) == "1.1.0"


def test_behind(session: Session, backends: list[Backend]) -> None:
    """A region that missed a move has it after a repair."""
    before = backends[2].text(PROD)
    session.promote("SugarWater", "1.2.0", "prod")
    backends[2].write(PROD, before)

    assert kinds(session) == [(FindingKind.CHANNEL_BEHIND, backends[2].spec, PROD)]
    assert session.repair("SugarWater")

    assert kinds(session) == []
    assert json.loads(backends[2].text(PROD))["accepted"]["version"] == "1.2.0"


@pytest.mark.parametrize("backends", ["file"], indirect=True)
class TestRefused:
    """What a repair must not decide."""

    def test_damaged_in_two(self, session: Session, backends: list[Backend]) -> None:
        """Where two regions have lost it, nobody knows whether the third has the last move."""
        for backend in backends[:2]:
            backend.write(PROD, "{")

        repair = session.repair("SugarWater")

        assert not repair
        assert "is not replaced" in repair.refusals[0].message
        assert [b.text(PROD) for b in backends[:2]] == ["{", "{"]

    def test_damaged_while_one_is_down(self, session: Session, backends: list[Backend]) -> None:
        """A region that does not answer may have the last move."""
        backends[0].write(PROD, "{")
        backends[1].fail_region()

        repair = session.repair("SugarWater")

        assert any("is not replaced" in refusal.message for refusal in repair.refusals)
        assert backends[0].text(PROD) == "{"

    def test_dry_run(self, session: Session, backends: list[Backend]) -> None:
        """A dry run says what it would do, and writes nothing."""
        backends[0].write(PROD, "{")
        before = [backend.snapshot() for backend in backends]
        here = Session(regions=[b.spec for b in backends], read_only=True)

        repair = here.repair("SugarWater")

        assert [(s.region, s.key) for s in repair.steps] == [(backends[0].spec, PROD)]
        assert [backend.snapshot() for backend in backends] == before

    def test_dangling(self, session: Session, backends: list[Backend]) -> None:
        """A channel that points at what no region holds is found; a person has to decide."""
        for backend in backends:
            backend.remove("SugarWater@1.1.0")

        assert {kind for kind, _, _ in kinds(session)} == {FindingKind.CHANNEL_DANGLING}
        repair = session.repair("SugarWater")

        assert not repair
        assert repair.steps == ()
        (refusal,) = repair.refusals
        assert refusal.message == f"{PROD} points at 1.1.0, which no region holds"
        assert refusal.exit_code == 4
        assert "Promote another version" in str(refusal.next_step)

    def test_dangling_while_one_is_down(self, session: Session, backends: list[Backend]) -> None:
        """A region that does not answer may hold the version: that is not left out."""
        for backend in backends[1:]:
            backend.remove("SugarWater@1.1.0")
        backends[0].fail_region()

        repair = session.repair("SugarWater")

        (refusal,) = repair.refusals
        assert refusal.message == f"{PROD} points at 1.1.0, which no region that answered holds"
        assert set(repair.failures) == {backends[0].spec}


def test_copy_in_ssm(account: AwsAccount, make_file: MakeFile) -> None:
    """A copy in SSM that somebody else changed is found, and written again."""
    here = Session(regions=AWS_REGIONS)
    here.stage("SugarWater", "1.0.0", make_file())
    here.promote("SugarWater", "1.0.0", "prod")
    name = f"/team-{account.unique}/SugarWater/prod"
    account.ssm("eu-west-1").put_parameter(Name=name, Value="0.0.1", Type="String", Overwrite=True)

    assert kinds(here) == [(FindingKind.MIRROR_DIFFERS, "eu-west-1", PROD)]
    assert here.repair("SugarWater")

    assert account.ssm("eu-west-1").get_parameter(Name=name)["Parameter"]["Value"] == "1.0.0"
    assert kinds(here) == []


def test_copy_in_ssm_that_is_refused(account: AwsAccount, make_file: MakeFile, wire: Wire) -> None:
    """A copy that could not be written is a failure of its region, and no step of the repair."""
    here = Session(regions=AWS_REGIONS)
    here.stage("SugarWater", "1.0.0", make_file())
    here.promote("SugarWater", "1.0.0", "prod")
    name = f"/team-{account.unique}/SugarWater/prod"
    for region in AWS_REGIONS[:2]:
        account.ssm(region).put_parameter(Name=name, Value="0.0.1", Type="String", Overwrite=True)
    wire.add(
        lambda request, forward: (
            ssm_error("AccessDeniedException")
            if (request.operation, request.region) == ("PutParameter", AWS_REGIONS[0])
            else forward()
        )
    )

    with Session(regions=AWS_REGIONS) as session:
        repair = session.repair("SugarWater")

    assert not repair
    assert [(s.region, s.action) for s in repair.steps] == [(AWS_REGIONS[1], "refresh-copy")]
    (failure,) = repair.failures.values()
    assert failure.exit_code == 6
    assert "ssm:PutParameter" in failure.message
