"""The example policies allow what the commands ask of AWS, and one channel without another."""

import fnmatch
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from startifact import Session
from startifact.errors import NotFoundError, SeveralRegionsError
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.support.copies import wait_for_copies
from tests.support.runner_step import PROJECT
from tests.support.wire import Answer, Forward, Request, Rule, Wire, error

MakeFile = Callable[..., Path]
Asked = tuple[str, str]
"""An action of IAM, and the resource that it is asked for, as the examples call them."""

OBJECT_ACTIONS = {"HEAD": "s3:GetObject", "GET": "s3:GetObject", "PUT": "s3:PutObject"}


def statements(policy: str) -> list[dict[str, Any]]:
    text = (PROJECT / "examples" / "iam" / f"{policy}.json").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text)["Statement"]
    return found


def listed(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given


def allows(policy: str, asked: Asked) -> bool:
    """Say whether the example *policy* allows what is asked."""
    return allowed_by(statements(policy), asked)


def allowed_by(policy: list[dict[str, Any]], asked: Asked) -> bool:
    """Say whether *policy* allows what is asked; a denial counts more than anything else."""

    def matches(statement: dict[str, Any]) -> bool:
        return all(
            any(fnmatch.fnmatchcase(text, pattern) for pattern in listed(statement[element]))
            for text, element in zip(asked, ("Action", "Resource"), strict=True)
        )

    effects = {s["Effect"] for s in policy if matches(s)}
    return effects == {"Allow"}


def asked_of(request: Request, account: AwsAccount) -> Asked:
    """Return what *request* needs the permission for."""
    if request.service == "ssm":
        name = str(json.loads(request.body)["Name"])
        own = {account.parameter: "/startifact", account.bucket_parameter: "/artifacts/bucket"}
        name = own.get(name, name.replace(f"-{account.unique}", ""))
        resource = f"arn:aws:ssm:{request.region}:123456789012:parameter{name}"
        return f"ssm:{request.operation}", resource
    bucket, _, key = unquote(request.path).removeprefix("/").partition("/")
    assert bucket in account.buckets.values()
    arn = f"arn:aws:s3:::my-artifacts-{request.region}"
    if not key:
        return "s3:ListBucket", arn
    return OBJECT_ACTIONS[request.method], f"{arn}/{key}"


def enforced(policy: list[dict[str, Any]], account: AwsAccount) -> Rule:
    """Return what refuses, as AWS does, whatever *policy* does not allow."""

    def enforce(request: Request, forward: Forward) -> Answer | None:
        asked = asked_of(request, account)
        return forward() if allowed_by(policy, asked) else error(403, "AccessDenied")

    return enforce


@pytest.fixture
def staged(account: AwsAccount, make_file: MakeFile) -> Session:
    """Return a session of an account in which two versions are staged."""
    here = Session(regions=list(AWS_REGIONS))
    assert account.buckets
    for version in ("1.0.0", "1.1.0"):
        here.stage("SugarWater", version, make_file())
    return here


def asked_by(act: Callable[[Session], object], account: AwsAccount, wire: Wire) -> set[Asked]:
    """Return what a new session asks of AWS while it does *act*."""
    wire.log.clear()
    with Session(regions=list(AWS_REGIONS)) as session:
        act(session)
    return {asked_of(request, account) for request, _ in wire.log}


def promote_and_go_back(channel: str) -> Callable[[Session], object]:
    """Return what does with *channel* whatever can be done with one."""

    def act(session: Session) -> None:
        session.promote("SugarWater", "1.0.0", channel)
        session.promote("SugarWater", "^1", channel, expect="1.0.0")
        session.promote("SugarWater", "latest", channel)
        session.rollback("SugarWater", channel)
        session.channels("SugarWater")
        session.remove_channel("SugarWater", channel)

    return act


def yank_and_unyank(session: Session) -> None:
    session.yank("SugarWater", "1.1.0", "it loses data")
    session.unyank("SugarWater", "1.1.0")


@pytest.mark.usefixtures("staged")
@pytest.mark.parametrize("channel", ["staging", "prod"])
def test_promotion(channel: str, account: AwsAccount, wire: Wire) -> None:
    """Each policy allows all that is asked for its channel, and not to write the other one."""
    other = {"staging": "prod", "prod": "staging"}[channel]

    asked = asked_by(promote_and_go_back(channel), account, wire)

    writes = {a for a in asked if a[0] not in {"s3:GetObject", "s3:ListBucket", "ssm:GetParameter"}}
    assert {action for action, _ in writes} == {
        *("s3:PutObject", "ssm:PutParameter", "ssm:DeleteParameter")
    }
    assert {a for a in asked if not allows(f"promote-{channel}", a)} == set()
    assert {a for a in writes if allows(f"promote-{other}", a)} == set()
    assert {a for a in asked if not allows("read", a)} == writes


def test_other_channel_is_refused(staged: Session, account: AwsAccount, wire: Wire) -> None:
    """A role for staging moves it, and is refused prod, which stays as it was."""
    wire.add(enforced(statements("promote-staging"), account))
    with Session(regions=list(AWS_REGIONS)) as session:
        session.promote("SugarWater", "1.0.0", "staging")
        with pytest.raises(SeveralRegionsError, match=r"s3:PutObject.*SugarWater/prod") as caught:
            session.promote("SugarWater", "1.0.0", "prod")
    assert caught.value.exit_code == 6
    wire.clear()

    assert str(staged.get("SugarWater", "staging").version) == "1.0.0"
    with pytest.raises(NotFoundError):
        staged.get("SugarWater", "prod")


def test_role_that_reads_only_latest(
    staged: Session, account: AwsAccount, wire: Wire, tmp_path: Path
) -> None:
    """It downloads, although it may not know of yanks; a range in which there is one is refused."""
    staged.yank("SugarWater", "1.1.0", "it loses data")
    narrow = json.loads(json.dumps(statements("read")).replace("SugarWater/*", "SugarWater/latest"))
    wire.add(enforced(narrow, account))

    with Session(regions=list(AWS_REGIONS)) as session:
        for selector in ("1.1.0", "latest", "~1.0.0"):
            session.get("SugarWater", selector).downloader.download(tmp_path / selector)
        with pytest.raises(SeveralRegionsError) as caught:
            session.get("SugarWater", "^1")

    assert caught.value.exit_code == 6
    assert (tmp_path / "1.1.0").read_bytes() == (tmp_path / "latest").read_bytes()


@pytest.mark.parametrize("policy", ["read", "repair-keep"])
def test_verify(policy: str, staged: Session, account: AwsAccount, wire: Wire) -> None:
    """It reads the copy of each channel, which the policies for it and for repairs allow."""
    staged.promote("SugarWater", "1.0.0", "prod")
    wait_for_copies(staged)
    wire.add(enforced(statements(policy), account))

    with Session(regions=list(AWS_REGIONS)) as session:
        assert session.verify("SugarWater")
        assert session.repair("SugarWater")

    copy = "arn:aws:ssm:eu-west-1:123456789012:parameter/team/SugarWater/prod"
    assert ("ssm:GetParameter", copy) in {asked_of(request, account) for request, _ in wire.log}


def test_repair_of_a_copy(staged: Session, account: AwsAccount, wire: Wire) -> None:
    """Besides what reads, it asks only to write that parameter, as the table says."""
    staged.promote("SugarWater", "1.0.0", "prod")
    wait_for_copies(staged)
    for region in AWS_REGIONS:
        name = f"/team-{account.unique}/SugarWater/prod"
        account.ssm(region).delete_parameter(Name=name)

    asked = asked_by(lambda session: session.repair("SugarWater"), account, wire)

    arns = {f"arn:aws:ssm:{r}:123456789012:parameter/team/SugarWater/prod" for r in AWS_REGIONS}
    assert {a for a in asked if not allows("read", a)} == {
        ("ssm:PutParameter", arn) for arn in arns
    }


@pytest.mark.usefixtures("staged")
def test_yank(account: AwsAccount, wire: Wire) -> None:
    """The policy for yanks allows all that is asked, and to move no channel."""
    asked = asked_by(yank_and_unyank, account, wire)

    assert {a for a in asked if not allows("yank", a)} == set()
    assert not allows("yank", ("s3:PutObject", "arn:aws:s3:::my-artifacts-x/team/SugarWater/prod"))


@pytest.mark.parametrize("channels", [None, ["prod"], []], ids=["all", "one", "none"])
def test_stage(
    channels: list[str] | None,
    staged: Session,
    account: AwsAccount,
    make_file: MakeFile,
    wire: Wire,
) -> None:
    """It asks for no copy but that of latest, whichever channels are copied to SSM."""
    for region in AWS_REGIONS if channels is not None else ():
        given = account.ssm(region).get_parameter(Name=account.parameter)["Parameter"]["Value"]
        account.configure(region, json.dumps(json.loads(given) | {"mirrored_channels": channels}))
    for channel in ("staging", "prod"):
        staged.promote("SugarWater", "1.0.0", channel)
    wait_for_copies(staged)

    def act(session: Session) -> None:
        session.stage("SugarWater", "1.2.0", make_file())
        session.stage("SugarWater", "1.2.0", make_file())
        session.stage("SugarWater", "1.0.1", make_file())

    asked = asked_by(act, account, wire)

    assert {a for a in asked if not allows("stage", a)} == set()
    latest = "parameter/team/SugarWater/latest"
    copies = {a for a in asked if a[0].startswith("ssm:") and "/team/" in a[1]}
    assert {(action, arn.rpartition(":")[2]) for action, arn in copies} == {
        ("ssm:GetParameter", latest),
        ("ssm:PutParameter", latest),
    }


def test_copy(directories: list[str], make_file: MakeFile, account: AwsAccount, wire: Wire) -> None:
    """Where it copies to, it asks what the policies of a staging and of a yank allow."""
    here = Session(regions=directories)
    here.stage("SugarWater", "1.0.0", make_file())
    plain = asked_by(lambda there: here.copy("SugarWater", "1.0.0", there), account, wire)
    here.yank("SugarWater", "1.0.0", "it loses data")
    yanked = asked_by(lambda there: here.copy("SugarWater", "1.0.0", there), account, wire)

    assert {a for a in plain if not allows("stage", a)} == set()
    assert {a for a in yanked if not (allows("stage", a) or allows("yank", a))} == set()
    assert {a[0] for a in yanked if not allows("stage", a)} == {"s3:PutObject"}


@pytest.mark.usefixtures("staged")
def test_lock(account: AwsAccount, wire: Wire, tmp_path: Path) -> None:
    """Locking, moving on and checking ask no more than the policy for reading allows."""
    lock_file = tmp_path / "startifact.lock"

    def act(session: Session) -> None:
        session.lock("SugarWater", "^1", lock_file=lock_file)
        session.update_lock(lock_file=lock_file)
        session.check_lock(lock_file=lock_file)

    assert {a for a in asked_by(act, account, wire) if not allows("read", a)} == set()


@pytest.mark.usefixtures("staged")
def test_prune(account: AwsAccount, wire: Wire) -> None:
    """The policy for prunes allows all that is asked, and to move no latest."""

    def prune_twice(session: Session) -> None:
        session.promote("SugarWater", "1.1.0", "prod")
        wait_for_copies(session)
        wire.log.clear()
        for _ in range(2):
            session.prune("SugarWater", keep_versions=1, grace="0s", yes=True)

    asked = asked_by(prune_twice, account, wire)

    assert {a for a in asked if not allows("prune", a)} == set()
    arn = "arn:aws:s3:::my-artifacts-x/team/SugarWater"
    assert ("s3:PutObject", "arn:aws:s3:::my-artifacts-eu-west-1/team/SugarWater@1.0.0") in asked
    assert not allows("prune", ("s3:PutObject", f"{arn}/latest"))


def test_denied_in_every_project() -> None:
    """Whatever else a role may do, with the denial it moves prod of no project."""
    (denial,) = (s for s in statements("promote-staging") if s["Effect"] == "Deny")

    for project in ("SugarWater", "Another"):
        key = f"arn:aws:s3:::my-artifacts-us-east-1/team/{project}/prod"
        parameter = f"arn:aws:ssm:us-east-1:123456789012:parameter/team/{project}/prod"
        for name in (key, parameter):
            assert any(fnmatch.fnmatchcase(name, pattern) for pattern in denial["Resource"])
