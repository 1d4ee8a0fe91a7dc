"""From an account that has nothing to one that works."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.functional.bootstrap.conftest import (
    EU,
    NAME,
    US,
    Bootstrap,
    EmptyAccount,
    failed_checks,
    planned,
)
from tests.support.command import Done, run_inside
from tests.support.iam import ACCOUNT, Statements, enforced, listed, matches
from tests.support.runner_step import Step
from tests.support.workflow import Job
from tests.ways_in.action.identity import Identities

MakeFile = Callable[..., Path]

ROLES = ("read", "stage", "promote-prod", "prune", "repair", "configure")
REPOSITORY = "ORG@1/REPO@2"
PROBE = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::*/_probe/*"}
"""What a process needs, for which a store on loopback is not AWS, and has to show what it is."""


def statements_of(empty: EmptyAccount, role: str) -> Statements:
    """Return all that a role is allowed."""
    iam = empty.client("iam")
    name = f"{NAME}-{role}"
    found = [
        iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    ]
    for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        answer = iam.get_policy_version(PolicyArn=arn, VersionId=version)
        found.append(answer["PolicyVersion"]["Document"])
    return [statement for policy in found for statement in policy["Statement"]]


@contextmanager
def acting_as(empty: EmptyAccount, role: str, *more: Mapping[str, object]) -> Iterator[None]:
    """Let nothing be done inside that *role* is not allowed, and statements have not *more*."""
    text = json.dumps(statements_of(empty, role))
    for begin, end in ((":", ":"), ('"', '"')):  # not in the names of buckets
        text = text.replace(f"{begin}{empty.number}{end}", f"{begin}{ACCOUNT}{end}")
    undo = empty.wire.add(enforced([*json.loads(text), *map(dict, more)], []))
    try:
        yield
    finally:
        undo()


def test_all_is_made(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """Buckets, parameters, configuration and roles are there, and doctor finds nothing wrong."""
    done = bootstrap("--github", REPOSITORY, "--json")

    assert done.code == done.json["exit-code"] == 0
    assert failed_checks(done) == []
    assert done.json["account"] == empty.number
    assert [one["outcome"] for one in done.json["regions"]] == ["created", "created"]
    for region in (US, EU):
        assert empty.get(region, f"/{NAME}/bucket") == empty.bucket(region)
        assert empty.configuration(region) == {
            "bucket_name_param": f"/{NAME}/bucket",
            "bucket_key_prefix": "",
            "parameter_name_prefix": f"/{NAME}",
            "regions": [US, EU],
        }
    arns = done.json["roles"]["arns"]
    assert arns["StageRole"] == f"arn:aws:iam::{empty.number}:role/{NAME}-stage"
    assert arns["Provider"].endswith("oidc-provider/token.actions.githubusercontent.com")


def test_trust(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """Runs of the repository take on roles, a channel's from its environment; people the others."""
    bootstrap("--github", REPOSITORY, "--branch", "release/*", "--channel", "beta")

    def trusted(role: str) -> object:
        found = empty.client("iam").get_role(RoleName=f"{NAME}-{role}")["Role"]
        (statement,) = found["AssumeRolePolicyDocument"]["Statement"]
        conditions = statement.get("Condition", {}).get("StringLike", {})
        return conditions.get("token.actions.githubusercontent.com:sub", statement["Action"])

    on_branch = [f"repo:{REPOSITORY}:ref:refs/heads/release/*"]
    assert [trusted(role) for role in ("read", "stage", "prune")] == [on_branch] * 3
    assert trusted("promote-beta") == [f"repo:{REPOSITORY}:environment:beta"]
    assert trusted("repair") == trusted("configure") == "sts:AssumeRole"


def test_roles_do_what_they_are_for(
    empty: EmptyAccount,
    bootstrap: Bootstrap,
    capsys: pytest.CaptureFixture[str],
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Each command works with its role, and another role's is refused."""
    bootstrap("--github", REPOSITORY, "--project", "Sugar*")
    monkeypatch.setenv("STARTIFACT_REGIONS", f"{US},{EU}")

    def run(role: str, *words: object) -> Done:
        with acting_as(empty, role):
            return run_inside(capsys, words)

    file, back = make_file(), tmp_path / "back"
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        assert run("stage", "stage", f"SugarWater@{version}", file).code == 0
    assert run("stage", "stage", "Other@1.0.0", file).code == 6
    assert run("read", "download", "SugarWater", back).code == 0
    assert back.read_bytes() == file.read_bytes()
    assert run("read", "promote", "SugarWater@1.1.0", "prod").code == 6
    assert run("promote-prod", "promote", "SugarWater@1.1.0", "prod").code == 0
    assert run("promote-prod", "promote", "SugarWater@1.1.0", "beta").code == 6
    for _ in range(2):
        pruning = ("prune", "SugarWater", "--keep-versions", "1", "--grace", "0s", "--yes")
        assert run("prune", *pruning).code == 0
    assert run("repair", "verify", "SugarWater").code == 0
    assert run("read", "download", "SugarWater@1.0.0", back).code == 3
    assert run("read", "download", "SugarWater@prod", back).code == 0


def test_workflow(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """What is printed for programs is a workflow with the roles, and nothing else."""
    done = bootstrap("--github", REPOSITORY, "--project", "Sugar*")

    workflow = yaml.safe_load(done.out)
    steps = {name: job["steps"][-1] for name, job in workflow["jobs"].items()}
    steps["download"] = workflow["jobs"]["download"]["steps"][0]
    roles = {name: step["with"]["role-to-assume"] for name, step in steps.items()}
    begins = f"arn:aws:iam::{empty.number}:role/{NAME}"
    assert roles == {
        "stage": f"{begins}-stage",
        "download": f"{begins}-read",
        "promote": f"{begins}-promote-prod",
        "prune": f"{begins}-prune",
    }
    assert workflow["jobs"]["promote"]["environment"] == "prod"
    assert {step["with"]["regions"] for step in steps.values()} == {f"{US}, {EU}"}
    assert {step["uses"] for step in steps.values()} == {"OWNER/startifact@v1"}
    assert {step["with"]["project"] for step in steps.values()} == {"SugarSugarWater"}


@pytest.fixture
def identities() -> Iterator[Identities]:
    """Return GitHub and STS on loopback."""
    identities = Identities()
    yield identities
    identities.stop()


def trusts(empty: EmptyAccount, role: str, subject: str) -> bool:
    """Say whether a run whose token is about *subject* takes on *role*."""
    found = empty.client("iam").get_role(RoleName=f"{NAME}-{role}")["Role"]
    (statement,) = found["AssumeRolePolicyDocument"]["Statement"]
    subjects = statement["Condition"]["StringLike"]["token.actions.githubusercontent.com:sub"]
    return any(matches(pattern, subject) for pattern in listed(subjects))


def test_workflow_that_runs(
    empty: EmptyAccount, bootstrap: Bootstrap, identities: Identities, tmp_path: Path
) -> None:
    """Its jobs do what they are for one after the other, and the scheduled one shows its plan.

    Each takes on its role, which trusts it, and does nothing that the role is not allowed.
    """
    done = bootstrap("--github", REPOSITORY)
    jobs = yaml.safe_load(done.out)["jobs"]
    context = {"github": {"run_number": 7}}

    events, states = [], {}
    for name, job in jobs.items():
        events.append(job.get("if", "").partition("== ")[2].strip("'"))
        ((arn, audience),) = (
            (given["role-to-assume"], given.get("audience"))
            for given in (step.get("with", {}) for step in job["steps"])
            if given
        )
        role = arn.rpartition(f"/{NAME}-")[2]
        about = (
            f"environment:{job['environment']}" if "environment" in job else "ref:refs/heads/main"
        )
        assert trusts(empty, role, f"repo:{REPOSITORY}:{about}")
        assert job["permissions"] == {"id-token": "write"}
        assert audience is None
        run = Job(Step(tmp_path / name), context, environment=identities.environment)
        with acting_as(empty, role, PROBE):
            run.run(job["steps"])
        (states[name],) = run.done
        assert identities.role_requests[-1]["RoleArn"] == arn

    assert {asked["audience"] for asked in identities.token_requests} == {"sts.amazonaws.com"}
    assert events == ["workflow_dispatch", "", "", "schedule"]
    assert [job.get("needs") for job in jobs.values()] == [None, "stage", "download", None]
    assert states["download"].outputs["version"] == "1.0.7"
    assert states["promote"].outputs["channel"] == "prod"
    assert json.loads(states["prune"].outputs["pruned"]) == []
    plan = yaml.safe_load(done.out.replace('# "yes"', '"yes"'))["jobs"]["prune"]["steps"][0]
    assert "yes" not in jobs["prune"]["steps"][0]["with"]
    assert plan["with"]["yes"] == "true"


@pytest.mark.parametrize(
    ("words", "branch", "environment"),
    [
        ((), "the default branch, which has to be main", None),
        (("--branch", "develop"), "the default branch, which has to be develop", None),
        (("--tag", "v*", "--environment", "build"), "the default branch", "build"),
        (("--tag", "v*"), None, None),
    ],
)
def test_scheduled_job(
    bootstrap: Bootstrap, words: tuple[str, ...], branch: str | None, environment: str | None
) -> None:
    """Scheduled runs are of the default branch: where it takes on no role, there is no such job."""
    done = bootstrap("--github", REPOSITORY, *words)

    job = yaml.safe_load(done.out)["jobs"].get("prune")
    assert (job is None) == (branch is None) == ("schedule:" not in done.out)
    assert ("There is no job to prune" in done.out) == (job is None)
    assert ("Before anything is staged" in done.out) == (job is not None)
    if job is not None:
        assert f"# prune, on {branch}\n" in done.out
        assert job.get("environment") == environment


@pytest.mark.parametrize(
    ("words", "environment", "where"),
    [
        ((), None, "the branch main"),
        (("--branch", "develop"), None, "the branch develop"),
        (("--branch", "release/*"), None, "a branch such as release/*"),
        (("--tag", "v*"), None, "a tag such as v*"),
        (("--environment", "build"), "build", "any branch or tag"),
    ],
)
def test_runs_of_the_workflow(
    bootstrap: Bootstrap, words: tuple[str, ...], environment: str | None, where: str
) -> None:
    """Its jobs are such as take on the roles, and it says what to put into it and how to run it."""
    done = bootstrap("--github", REPOSITORY, *words)

    jobs = yaml.safe_load(done.out)["jobs"]
    assert [jobs[name].get("environment") for name in ("stage", "download")] == [environment] * 2
    name, owner, *_ = done.out.splitlines()
    assert name.startswith("# .github/workflows/startifact.yml of the default branch: ")
    assert name.endswith(f"run it from the Actions tab, on {where}.")
    assert owner.startswith("# OWNER is ")


def test_export(bootstrap: Bootstrap) -> None:
    """A shell that is given what is printed uses this organisation, and no other of the account."""
    assert "STARTIFACT_PARAMETER" not in bootstrap().err
    done = bootstrap("--configuration-parameter", "/web", name="web")

    assert "export STARTIFACT_PARAMETER='/web'" in done.err.splitlines()


def test_without_a_repository(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """Roles are for people then, there is no provider, and no workflow."""
    done = bootstrap()

    assert (done.code, done.out) == (0, "")
    assert "the roles are for people of this account" in done.err
    assert empty.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"] == []


def test_options(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """Names and keys of the configuration are those that are given."""
    done = bootstrap(
        *("--bucket", f"{EU}=sugar-{empty.number}", "--bucket-key-prefix", "team/"),
        *("--bucket-name-param", "/ci/bucket", "--parameter-name-prefix", "/team"),
        *("--configuration-parameter", "/ci/startifact", "--storage-class", "STANDARD_IA"),
        *("--object-lock-mode", "GOVERNANCE", "--object-lock-days", "7", "--json"),
    )

    assert done.code == 0
    assert empty.get(EU, "/ci/bucket") == f"sugar-{empty.number}"
    found = empty.configuration(EU, "/ci/startifact")
    assert (found["bucket_key_prefix"], found["storage_class"]) == ("team/", "STANDARD_IA")
    parameters = done.json["roles"]["parameters"]
    assert (parameters["ObjectLock"], parameters["ObjectTags"]) == ("true", "false")
    assert "s3:PutObjectRetention" in str(statements_of(empty, "stage"))
    lock = empty.client("s3", EU).get_object_lock_configuration(Bucket=f"sugar-{empty.number}")
    assert lock["ObjectLockConfiguration"]["ObjectLockEnabled"] == "Enabled"


def test_key_in_kms(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """Buckets get the key that an alias stands for in their region, and roles may use both."""
    arns = {}
    for region in (US, EU):
        kms = empty.client("kms", region)
        key = kms.create_key()["KeyMetadata"]
        kms.create_alias(AliasName="alias/artifacts", TargetKeyId=key["KeyId"])
        arns[region] = key["Arn"]

    done = bootstrap("--kms-key", "alias/artifacts", "--json")

    assert done.code == 0
    for region in (US, EU):
        s3 = empty.client("s3", region)
        found = s3.get_bucket_encryption(Bucket=empty.bucket(region))
        (rule,) = found["ServerSideEncryptionConfiguration"]["Rules"]
        default = rule["ApplyServerSideEncryptionByDefault"]
        assert default["KMSMasterKeyID"] == arns[region]
        assert empty.configuration(region)["kms_key"] == "alias/artifacts"
    encrypts = [s for s in statements_of(empty, "stage") if "kms:" in str(s["Action"])]
    assert all(arn in str(encrypts) for arn in arns.values())


def test_dry_run(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """The plan is shown, and nothing is changed."""
    done = bootstrap("--github", REPOSITORY, "--dry-run", "--json")

    assert done.code == 0
    assert done.json["dry-run"] is True
    assert [one["outcome"] for one in done.json["regions"]] == ["would-create", "would-create"]
    assert planned(done)[EU] == [
        ("create", "stack", NAME),
        ("create", "bucket", empty.bucket(EU)),
        ("create", "parameter", f"/{NAME}/bucket"),
        ("create", "configuration", "/startifact"),
    ]
    assert planned(done)["roles"] == [
        ("create", "stack", f"{NAME}-roles"),
        ("create", "provider", "token.actions.githubusercontent.com"),
        *(("create", "role", f"{NAME}-{role}") for role in ROLES),
    ]
    assert empty.writes() == []


@pytest.mark.parametrize(
    ("region", "audience"),
    [("us-gov-west-1", "sts.amazonaws.com"), ("cn-north-1", "sts.amazonaws.com.cn")],
)
def test_other_partitions(
    empty: EmptyAccount, bootstrap: Bootstrap, region: str, audience: str
) -> None:
    """Regions of GovCloud and China are asked themselves; in China tokens are for another."""
    done = bootstrap("--github", REPOSITORY, "--dry-run", "--json", regions=(region,))

    assert done.code == 0
    assert done.json["roles"]["parameters"]["Audience"] == audience
    assert {r.region for r in empty.wire.requests() if r.service != "iam"} == {region}


def test_several_partitions(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """No credentials reach two of them."""
    done = bootstrap(regions=(US, "cn-north-1"))

    assert done.code == 2
    assert "the regions are in the partitions aws and aws-cn" in done.err
    assert empty.wire.requests() == []
