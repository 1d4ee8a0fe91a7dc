"""Channels that are set by hand, and yanks: what is damaged in a region is found and repaired."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.repair.verify import FindingKind
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.functional.repair.project_fixture import ssm_error
from tests.support.backends import Backend
from tests.support.copies import wait_for_copies
from tests.support.faulty_region import faulty, session_over
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
    wait_for_copies(here)
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


@pytest.mark.sweep
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
    wait_for_copies(session)
    backends[2].write(PROD, before)

    assert kinds(session) == [(FindingKind.CHANNEL_BEHIND, backends[2].spec, PROD)]
    assert session.repair("SugarWater")

    assert kinds(session) == []
    assert json.loads(backends[2].text(PROD))["accepted"]["version"] == "1.2.0"


@pytest.mark.parametrize("backends", ["file"], indirect=True)
class TestOrder:
    """Findings and failures come in the configured order of the regions."""

    @pytest.mark.usefixtures("session")
    def test_findings(self, backends: list[Backend]) -> None:
        """A region that answers late has its findings where it is configured."""
        regions = faulty([backend.spec for backend in backends])
        for backend in backends[:2]:
            backend.erase(PROD)
        regions[0].delay("read_channel", 0.1)

        found = session_over(regions).verify("SugarWater").differences

        assert [(f.kind, f.region) for f in found] == [
            (FindingKind.CHANNEL_MISSING, backend.spec) for backend in backends[:2]
        ]

    @pytest.mark.usefixtures("session")
    def test_failures(self, backends: list[Backend]) -> None:
        """So have regions that failed at different moments."""
        regions = faulty([backend.spec for backend in backends])
        regions[0].fail("describe")
        regions[1].fail("channel_keys")

        failures = session_over(regions).verify("SugarWater").failures

        assert list(failures) == [backend.spec for backend in backends[:2]]


@pytest.mark.parametrize("backends", ["file"], indirect=True)
class TestYankedVersion:
    """What a comparison of one version says of a yank."""

    def test_warning(self, session: Session, caplog: pytest.LogCaptureFixture) -> None:
        """It warns of one, which is no difference, and of none where there is none any more."""
        assert session.verify("SugarWater", "1.0.0")
        assert caplog.messages == ["SugarWater@1.0.0 was yanked: 'it loses data'"]
        caplog.clear()

        session.unyank("SugarWater", "1.0.0")
        for version in ("1.0.0", "1.1.0"):
            assert session.verify("SugarWater", version)

        assert caplog.messages == []

    def test_regions_that_do_not_say(
        self, session: Session, backends: list[Backend], caplog: pytest.LogCaptureFixture
    ) -> None:
        """One region that says it is enough: others have lost it, or do not answer."""
        backends[0].write(MARK, "{")
        backends[1].fail_region()

        verification = session.verify("SugarWater", "1.0.0")

        assert verification.differences == ()
        assert list(verification.failures) == [backends[1].spec]
        assert caplog.messages == ["SugarWater@1.0.0 was yanked: 'it loses data'"]


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
        hint = str(repair.refusals[0].hint)
        assert hint.endswith("with the store's own tools, and promote the version again")
        assert [b.text(PROD) for b in backends[:2]] == ["{", "{"]

    def test_damaged_mark_in_two(self, session: Session, backends: list[Backend]) -> None:
        """What a damaged mark has said may have been a yank, a removal or both."""
        for backend in backends[:2]:
            backend.write(MARK, "not JSON")

        hint = str(session.repair("SugarWater").refusals[0].hint)

        assert "yank the version again where it was yanked" in hint
        assert hint.endswith("it may have been marked to be removed too: then prune again")

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
        assert PROD in repair.steps[0].message
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
    wait_for_copies(here)
    name = f"/team-{account.unique}/SugarWater/prod"
    account.ssm("eu-west-1").put_parameter(Name=name, Value="0.0.1", Type="String", Overwrite=True)

    assert kinds(here) == [(FindingKind.MIRROR_DIFFERS, "eu-west-1", PROD)]
    assert here.repair("SugarWater")

    assert account.ssm("eu-west-1").get_parameter(Name=name)["Parameter"]["Value"] == "1.0.0"
    assert kinds(here) == []


def test_copy_in_ssm_that_is_not_there(account: AwsAccount, make_file: MakeFile) -> None:
    """A copy in SSM that somebody deleted is found, and written again; not where it cannot be."""
    here = Session(regions=AWS_REGIONS)
    here.stage("SugarWater", "1.0.0", make_file())
    here.promote("SugarWater", "1.0.0", "prod")
    wait_for_copies(here)
    name = f"/team-{account.unique}/SugarWater/prod"
    for region in AWS_REGIONS[:2]:
        account.ssm(region).delete_parameter(Name=name)
    bucket = account.buckets[AWS_REGIONS[0]]
    account.s3(AWS_REGIONS[0]).delete_object(Bucket=bucket, Key="team/SugarWater@1.0.0")

    found = here.verify("SugarWater").differences
    copies = [(f.region, f.message) for f in found if f.kind is FindingKind.MIRROR_DIFFERS]
    here.repair("SugarWater", "1.0.0")
    repair = here.repair("SugarWater")

    message = f"{AWS_REGIONS[1]}: its copy is not there, expected 1.0.0"
    assert copies == [(AWS_REGIONS[1], message)]
    assert [s.action for s in repair.steps] == ["refresh-copy"] * 2
    assert kinds(here) == []
    for region in AWS_REGIONS:
        assert account.ssm(region).get_parameter(Name=name)["Parameter"]["Value"] == "1.0.0"


def test_copy_of_a_channel_that_a_region_lacks(account: AwsAccount, make_file: MakeFile) -> None:
    """One repair brings a region both the channel and its copy, which it missed together."""
    here = Session(regions=AWS_REGIONS)
    here.stage("SugarWater", "1.0.0", make_file())
    here.promote("SugarWater", "1.0.0", "prod")
    wait_for_copies(here)
    name, region = f"/team-{account.unique}/SugarWater/prod", AWS_REGIONS[1]
    account.ssm(region).delete_parameter(Name=name)
    bucket = account.buckets[region]
    account.s3(region).delete_object(Bucket=bucket, Key=f"team/{PROD}")

    foretold = Session(regions=AWS_REGIONS, read_only=True).repair("SugarWater")
    repair = here.repair("SugarWater")

    assert repair
    assert [(s.region, s.action) for s in repair.steps] == [
        (region, "move-channel"),
        (region, "refresh-copy"),
    ]
    assert repair.steps == foretold.steps
    assert kinds(here) == []


class TestMirroredChannels:
    """Copies in SSM where the organisation says which channels are copied."""

    @pytest.fixture
    def names(self, account: AwsAccount) -> dict[str, str]:
        """Return the name of each channel's parameter."""
        prefix = f"/team-{account.unique}/SugarWater"
        return {channel: f"{prefix}/{channel}" for channel in ("staging", "prod")}

    def copies(self, account: AwsAccount, names: dict[str, str]) -> dict[str, list[str]]:
        """Return which channels have a copy, by region."""
        found = {}
        for region in AWS_REGIONS:
            answer = account.ssm(region).get_parameters(Names=list(names.values()))
            values = {p["Name"]: p["Value"] for p in answer["Parameters"]}
            found[region] = [channel for channel, name in names.items() if name in values]
        return found

    def narrow(self, account: AwsAccount, channels: list[str]) -> None:
        """Make *channels* the only ones that are copied beside latest, in every region."""
        for region in AWS_REGIONS:
            answer = account.ssm(region).get_parameter(Name=account.parameter)
            given = json.loads(answer["Parameter"]["Value"])
            account.configure(region, json.dumps(given | {"mirrored_channels": channels}))

    def test_one_of_two(
        self,
        account: AwsAccount,
        make_file: MakeFile,
        names: dict[str, str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Only the channel that is listed has a copy, which goes with it; nothing differs."""
        self.narrow(account, ["prod"])
        here = Session(regions=AWS_REGIONS)
        here.stage("SugarWater", "1.0.0", make_file())
        bucket = account.buckets[AWS_REGIONS[0]]
        account.s3(AWS_REGIONS[0]).delete_object(Bucket=bucket, Key="team/SugarWater@1.0.0")
        here.promote("SugarWater", "1.0.0", "staging")
        wait_for_copies(here)
        assert caplog.messages == []
        here.stage("SugarWater", "1.0.0", make_file())
        here.promote("SugarWater", "1.0.0", "prod")
        wait_for_copies(here)

        assert self.copies(account, names) == {r: ["prod"] for r in AWS_REGIONS}
        assert kinds(here) == []
        for channel in names:
            here.remove_channel("SugarWater", channel)
        wait_for_copies(here)
        assert self.copies(account, names) == {r: [] for r in AWS_REGIONS}
        assert kinds(here) == []

    def test_not_any_more(
        self, account: AwsAccount, make_file: MakeFile, names: dict[str, str], wire: Wire
    ) -> None:
        """An old copy of a channel that is copied no more is left, and is not looked at."""
        before = Session(regions=AWS_REGIONS)
        for number in range(2):
            before.stage("SugarWater", f"1.{number}.0", make_file(f"{number}".encode()))
        for channel in names:
            before.promote("SugarWater", "1.0.0", channel)
        wait_for_copies(before)
        self.narrow(account, ["prod"])
        here = Session(regions=AWS_REGIONS)
        here.promote("SugarWater", "1.1.0", "staging")
        wait_for_copies(here)
        wire.log.clear()

        assert kinds(here) == []
        assert here.repair("SugarWater").steps == ()

        assert [r for r, _ in wire.log if names["staging"].encode() in r.body] == []
        assert self.copies(account, names) == {r: ["staging", "prod"] for r in AWS_REGIONS}


def test_copy_in_ssm_that_is_refused(account: AwsAccount, make_file: MakeFile, wire: Wire) -> None:
    """A copy that could not be written is a failure of its region, and no step of the repair."""
    here = Session(regions=AWS_REGIONS)
    here.stage("SugarWater", "1.0.0", make_file())
    here.promote("SugarWater", "1.0.0", "prod")
    wait_for_copies(here)
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
