"""The roles of the template do their commands under the policy of the bucket, and no others."""

import json
from collections.abc import Callable, Iterable
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from startifact import Session
from startifact.errors import StartifactError
from startifact.organisation.templates.roles import Role, all_roles
from tests.conftest import AwsAccount
from tests.consistency.policy_scenarios import LARGE, REGIONS, SCENARIOS, Setting
from tests.support.deployment import Deployment
from tests.support.iam import ACCOUNT, ANYTHING, Asked, Statements, allows, enforced, of_bucket
from tests.support.limits import SMALL_PARTS
from tests.support.wire import Wire

NAME = "on-the-wire"
CHANNELS = ("prod", "staging")
ROLES = {role.resource: role for role in all_roles(CHANNELS)}


@pytest.fixture(scope="module")
def deployed(moto_server: str) -> AwsAccount:
    """Return an account that the templates have set up, for projects that begin with P."""
    deployment = Deployment(moto_server)
    account = AwsAccount(
        moto_server, {region: f"{NAME}-{region}" for region in REGIONS}, f"/startifact-{NAME}"
    )
    configuration = {
        "bucket_name_param": account.bucket_parameter,
        "bucket_key_prefix": "team/",
        "parameter_name_prefix": f"/team-{account.unique}",
    }
    for region, bucket in account.buckets.items():
        deployment.deploy_region(
            region,
            NAME,
            BucketName=bucket,
            KeyPrefix="team/",
            BucketNameParameter=account.bucket_parameter,
            ConfigurationParameter=account.parameter,
            Configuration=json.dumps(configuration),
            PruneRole=f"{NAME}-prune",
            RepairRole=f"{NAME}-repair",
        )
    deployment.deploy_roles(
        f"{NAME}-roles",
        Name=NAME,
        Bucket=f"{NAME}-*",
        Project="P*",
        KeyPrefix="team/",
        ParameterPrefix=f"/team-{account.unique}",
        BucketNameParameter=account.bucket_parameter,
        ConfigurationParameter=account.parameter,
        Channel1=CHANNELS[0],
        Channel2=CHANNELS[1],
    )
    return account


@pytest.fixture
def account(deployed: AwsAccount, monkeypatch: pytest.MonkeyPatch) -> AwsAccount:
    """Return that account, which the SDK and Startifact use from now on."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", deployed.endpoint)
    monkeypatch.setenv("STARTIFACT_PARAMETER", deployed.parameter)
    monkeypatch.setenv("AWS_REGION", REGIONS[0])
    return deployed


@pytest.fixture
def deployment(account: AwsAccount) -> Deployment:
    return Deployment(account.endpoint)


def arn_of(role: Role) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{NAME}-{role.suffix}"


@pytest.fixture
def rules_for(account: AwsAccount, deployment: Deployment) -> Callable[[Role], Statements]:
    """Return what returns all that allows and denies something to a role."""
    policies = [of_bucket(b, deployment.bucket_policy(b)) for b in account.buckets.values()]
    denials = [statement for policy in policies for statement in policy]
    return lambda role: [*deployment.statements_of(arn_of(role)), *denials]


READING = {"download", "info", "versions", "channels", "lock", "copy-from"}
REMOVING = {"prune", "yank", "unyank"}
MOVING = {"promote", "rollback", "channels-remove"}
MAY: dict[str, set[str]] = {
    "ReadRole": {*READING, "verify"},
    "StageRole": {*READING, "stage"},
    "Promote1Role": {*READING, *MOVING},
    "Promote2Role": READING,
    "PruneRole": {*READING, *REMOVING},
    # Any of what others write may be what is to be repaired.
    "RepairRole": {*READING, *MOVING, *REMOVING, "stage", "verify", "repair", "repair-keep"},
    "ConfigureRole": {"setup"},
}
"""What each role may do in a project, and with the channel that the scenarios move."""

OPERATIONS = sorted({name for may in MAY.values() for name in may})


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.represented_by("stage", "download", "promote", "prune", "repair", "yank", "setup")
def test_roles(
    operation: str,
    account: AwsAccount,
    rules_for: Callable[[Role], Statements],
    wire: Wire,
    tmp_path: Path,
) -> None:
    """The role for a command does all of it, the bucket's policy holding, and others cannot."""
    own = next(role for role in ROLES.values() if operation in role.operations)
    asked: list[Asked] = []
    for scenario in SCENARIOS[operation][: 1 if operation in READING else 2]:
        here = Setting(account, tmp_path)
        scenario.prepare(here)
        if scenario.rule:
            wire.add(scenario.rule)
        wire.add(enforced(rules_for(own), asked, arn_of(own)))
        expected = suppress(StartifactError, AssertionError) if scenario.says else nullcontext()
        with expected, here.new_session() as session:
            scenario.act(session, here)
        wire.clear()

    may = {name for name, role in ROLES.items() if allows_all(rules_for(role), asked, arn_of(role))}
    assert asked
    assert may == {name for name, operations in MAY.items() if operation in operations}


def allows_all(rules: Statements, asked: Iterable[Asked], principal: str) -> bool:
    asker = {"aws:PrincipalArn": principal}
    return all(allows(rules, replace(one, context={**one.context, **asker})) for one in asked)


def test_another_project(
    account: AwsAccount,
    rules_for: Callable[[Role], Statements],
    wire: Wire,
    make_file: Callable[..., Path],
) -> None:
    """A role that is confined to some projects is refused another one."""
    stage = ROLES["StageRole"]
    wire.add(enforced(rules_for(stage), [], arn_of(stage)))

    with Session(regions=list(REGIONS)) as session:
        session.stage("P1", "1.0.0", make_file())
        with pytest.raises(StartifactError) as caught:
            session.stage("Q1", "1.0.0", make_file())

    assert caught.value.exit_code == 6


def test_large_artifact(
    account: AwsAccount,
    rules_for: Callable[[Role], Statements],
    wire: Wire,
    make_file: Callable[..., Path],
) -> None:
    """What is sent in parts, which have no condition, is staged; its completion has one."""
    stage, asked = ROLES["StageRole"], list[Asked]()
    wire.add(enforced(rules_for(stage), asked, arn_of(stage)))

    with Session(regions=REGIONS[0], limits=SMALL_PARTS) as session:
        done = session.stage("P2", "1.0.0", make_file(LARGE))

    assert done.created
    written = [one.context for one in asked if one.resource.endswith("/P2@1.0.0")]
    makes = [c["s3:ObjectCreationOperation"] for c in written if "s3:if-none-match" in c]
    assert makes == ["true"]
    assert "false" in [c.get("s3:ObjectCreationOperation") for c in written]


BUCKET = f"arn:aws:s3:::{NAME}-us-east-1"
ARTIFACT, CHANNEL = f"{BUCKET}/team/P@1.0.0", f"{BUCKET}/team/P/prod"
OBJECT = {"s3:ObjectCreationOperation": "true"}
PART = {"s3:ObjectCreationOperation": "false"}
NEW = {**OBJECT, "s3:if-none-match": "*"}
REPLACED = {**OBJECT, "s3:if-match": '"etag"'}


@pytest.mark.parametrize(
    ("who", "action", "on", "context", "is_allowed"),
    [
        ("admin", "PutObject", ARTIFACT, OBJECT, False),
        ("admin", "PutObject", ARTIFACT, REPLACED, False),
        ("admin", "PutObject", ARTIFACT, NEW, True),
        ("admin", "PutObject", ARTIFACT, PART, True),
        ("admin", "PutObject", CHANNEL, OBJECT, False),
        ("admin", "PutObject", CHANNEL, REPLACED, True),
        ("admin", "PutObject", f"{BUCKET}/other/file", OBJECT, True),
        ("prune", "PutObject", ARTIFACT, OBJECT, False),
        ("prune", "PutObject", ARTIFACT, REPLACED, True),
        ("repair", "PutObject", ARTIFACT, REPLACED, True),
        ("stage", "PutObject", ARTIFACT, REPLACED, False),
        ("admin", "DeleteObject", ARTIFACT, {}, False),
        ("admin", "DeleteObject", CHANNEL, {}, False),
        ("admin", "DeleteObject", f"{BUCKET}/other/file", {}, False),
        ("prune", "DeleteObject", ARTIFACT, {}, False),
        ("prune", "DeleteObject", f"{ARTIFACT}/metadata", {}, True),
        ("repair", "DeleteObject", ARTIFACT, {}, True),
        ("repair", "DeleteObjectVersion", ARTIFACT, {}, False),
        ("admin", "DeleteObjectVersion", ARTIFACT, {}, False),
        ("stage", "AbortMultipartUpload", ARTIFACT, {}, True),
        ("admin", "ReplicateObject", ARTIFACT, {}, False),
        ("admin", "ReplicateDelete", ARTIFACT, {}, False),
        ("repair", "GetObject", ARTIFACT, {"aws:SecureTransport": "false"}, False),
        ("admin", "ListBucket", BUCKET, {"aws:SecureTransport": "false"}, False),
        ("admin", "GetObject", ARTIFACT, {}, True),
        ("admin", "PutBucketPolicy", BUCKET, {}, True),
    ],
)
def test_policy_of_the_bucket(
    who: str,
    action: str,
    on: str,
    context: dict[str, str],
    is_allowed: bool,
    deployment: Deployment,
) -> None:
    """Whatever their own policies allow, nobody may do what would break a promise."""
    denials = deployment.bucket_policy(f"{NAME}-us-east-1")
    principal = {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/{NAME}-{who}"}

    asked = Asked(f"s3:{action}", on, {**principal, **context})

    assert allows([ANYTHING, *denials], asked) == is_allowed


@pytest.mark.parametrize(
    ("request_", "is_allowed"),
    [
        (lambda s3, **to: s3.put_object(**to, Body=b"x"), False),
        (lambda s3, **to: s3.put_object(**to, Body=b"x", IfMatch='"x"'), False),
        (lambda s3, **to: s3.put_object(**to, Body=b"x", IfNoneMatch="*"), True),
        (lambda s3, **to: s3.delete_object(**to), False),
    ],
    ids=["put", "replace", "create", "delete"],
)
def test_administrator(
    request_: Callable[..., object], is_allowed: bool, deployment: Deployment, wire: Wire
) -> None:
    """Who may do everything creates an artifact, and neither replaces nor deletes one."""
    denials = deployment.bucket_policy(f"{NAME}-us-east-1")
    wire.add(enforced([ANYTHING, *denials], [], f"arn:aws:iam::{ACCOUNT}:role/admin"))
    s3 = boto3.client("s3", region_name="us-east-1")

    denied = nullcontext() if is_allowed else pytest.raises(ClientError, match="AccessDenied")
    with denied:
        request_(s3, Bucket=f"{NAME}-us-east-1", Key=f"team/P@1.0.0-{uuid4().hex[:8]}")
