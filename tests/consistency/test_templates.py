"""The templates of CloudFormation make what they say, and allow what the table has."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from startifact.errors import InputError
from startifact.limits import TEMPLATE_CHANNELS
from startifact.model.configuration import parse_configuration
from startifact.organisation.policy import policy
from startifact.organisation.templates import regional_template, roles_template
from startifact.organisation.templates.bucket_policy import DENIALS
from startifact.organisation.templates.roles import Role, all_roles
from startifact.organisation.trust import ISSUER, trust_policy
from startifact.permissions import OPERATIONS
from tests.support.deployment import Deployment
from tests.support.iam import ACCOUNT, Asked, Statements, allows
from tests.support.runner_step import PROJECT as PROJECT_FOLDER
from tests.support.templates import template_of

PROJECT = "SugarWater"
SUBJECTS = ("repo:ORG/REPO:ref:refs/tags/v*", "repo:ORG@12/REPO@34:environment:prod")
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


@pytest.fixture
def deployment(moto_server: str) -> Deployment:
    """Return an account to deploy in, which other tests may deploy in too."""
    return Deployment(moto_server)


@pytest.fixture
def name() -> str:
    """Return a name of this test's own for what is deployed."""
    return f"t{uuid4().hex[:10]}"


TEMPLATES = {
    "regional": regional_template(),
    "roles": roles_template(),
    "some roles": roles_template(
        projects=["SugarWater", "Web-*"],
        channels=["prod", "pre-prod"],
        regions=["us-east-1", "eu-west-1"],
        buckets=["artifacts-us-east-1", "artifacts-eu-west-1"],
    ),
}


@pytest.mark.exhaustive
def test_lint(tmp_path: Path) -> None:
    """cfn-lint finds nothing in a template for some projects; it reads others in `make check`."""
    path = tmp_path / "roles.yaml"
    path.write_text(TEMPLATES["some roles"], encoding="utf-8")

    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--", path], capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", ["regional.yaml", "roles.yaml"])
def test_shipped(name: str) -> None:
    """The templates are files of the package, which people and other tools can read."""
    text = files("startifact.organisation.templates").joinpath(name).read_text(encoding="utf-8")

    assert text == {"regional.yaml": regional_template(), "roles.yaml": roles_template()}[name]


def deploy_region(deployment: Deployment, name: str, **more: str) -> dict[str, str]:
    parameters = {
        "BucketName": name,
        "BucketNameParameter": f"/{name}/bucket",
        "ConfigurationParameter": f"/{name}",
        **more,
    }
    return deployment.deploy_region("us-east-1", name, **parameters)


def test_region(deployment: Deployment, name: str) -> None:
    """A region gets a bucket that is private, versioned and encrypted, and both parameters."""
    configuration = json.dumps({"bucket_name_param": f"/{name}/bucket", "regions": ["us-east-1"]})
    outputs = deploy_region(deployment, name, Configuration=configuration)

    s3, ssm = deployment.client("s3"), deployment.client("ssm")
    assert outputs == {"BucketName": name, "BucketArn": f"arn:aws:s3:::{name}"}
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert list(block.values()) == [True] * 4
    (rule,) = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    assert rule == {"ObjectOwnership": "BucketOwnerEnforced"}
    (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    for parameter, value in ((f"/{name}/bucket", name), (f"/{name}", configuration)):
        assert ssm.get_parameter(Name=parameter)["Parameter"]["Value"] == value


def test_key_and_lock(deployment: Deployment, name: str) -> None:
    """With a key of its own the bucket uses that, with as few requests to KMS as possible."""
    deploy_region(deployment, name, KmsKey=KEY, ObjectLock="true")

    s3 = deployment.client("s3")
    (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule == {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
        "BucketKeyEnabled": True,
    }
    lock = s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]
    assert lock == {"ObjectLockEnabled": "Enabled"}


def test_lifecycle(deployment: Deployment, name: str) -> None:
    """What is not current any more goes after some days, and nothing else ever does.

    A tombstone is a current object: without it the number of a removed version would be free.
    """
    deploy_region(deployment, name, NoncurrentDays="30", UploadDays="3")

    s3 = deployment.client("s3")
    rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    found = {rule.pop("ID"): rule for rule in rules}
    for rule in found.values():
        assert (rule.pop("Status"), rule.pop("Filter")) == ("Enabled", {"Prefix": ""})
    assert found == {
        "unfinished-uploads": {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}},
        "noncurrent-versions": {"NoncurrentVersionExpiration": {"NoncurrentDays": 30}},
        "delete-markers-of-nothing": {"Expiration": {"ExpiredObjectDeleteMarker": True}},
    }


def test_what_is_there_already(deployment: Deployment, name: str) -> None:
    """A bucket and parameters that are there already stay as they are."""
    s3, ssm = deployment.client("s3"), deployment.client("ssm")
    s3.create_bucket(Bucket=name)
    for parameter in (f"/{name}/bucket", f"/{name}"):
        ssm.put_parameter(Name=parameter, Value="as it was", Type="String")

    outputs = deploy_region(
        deployment,
        name,
        CreateBucket="false",
        CreateBucketNameParameter="false",
        CreateConfiguration="false",
    )

    assert outputs["BucketName"] == name
    assert "Status" not in s3.get_bucket_versioning(Bucket=name)
    for parameter in (f"/{name}/bucket", f"/{name}"):
        assert ssm.get_parameter(Name=parameter)["Parameter"]["Value"] == "as it was"


def test_nothing_is_lost() -> None:
    """What holds anything stays when a stack is deleted, or has to be made anew."""
    for text in TEMPLATES.values():
        for name, resource in template_of(text)["Resources"].items():
            if resource["Type"] not in {"AWS::IAM::Role", "AWS::IAM::ManagedPolicy"}:
                policies = (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
                assert (name, *policies) == (name, "RetainExceptOnCreate", "Retain")


def test_default_configuration() -> None:
    """The configuration that is stored unless another is given is one, and fits the parameters."""
    for template in ("regional", "roles"):
        parameters = template_of(TEMPLATES[template])["Parameters"]
        given = template_of(TEMPLATES["regional"])["Parameters"]["Configuration"]["Default"]
        configuration = parse_configuration(given, source="the template")
        assert configuration.bucket_name_param == parameters["BucketNameParameter"]["Default"]


def test_default_roles() -> None:
    """The policy of a bucket lets those roles through that the other template makes by default."""
    regional = template_of(TEMPLATES["regional"])["Parameters"]
    prefix = template_of(TEMPLATES["roles"])["Parameters"]["Name"]["Default"]
    suffixes = {role.name: role.suffix for role in all_roles(())}

    for name in ("Prune", "Repair"):
        assert regional[f"{name}Role"]["Default"] == f"{prefix}-{suffixes[name]}"


def expected_policy(role: Role, **where: Any) -> Statements:
    """Return what ``startifact policy`` prints for the commands of a *role*."""
    moves = role.channel
    options = {
        "projects": [] if role.operations == ("setup",) else [PROJECT],
        "channels": [moves] if moves else [],
        "account": ACCOUNT,
        "bucket_name_param": "/artifacts/bucket",
        "bucket_key_prefix": "team/",
        "parameter_name_prefix": "/team",
        **where,
    }
    found: Statements = json.loads(json.dumps(policy(*role.operations, **options)))["Statement"]
    return found


def by_sid(statements: Statements) -> dict[str, Any]:
    return {statement["Sid"]: statement for statement in statements}


PLACES = {"KeyPrefix": "team/", "ParameterPrefix": "/team"}


def roles_with(channels: list[str]) -> list[Role]:
    return list(all_roles(channels))


@pytest.mark.parametrize("with_all", [False, True], ids=["plain", "with all options"])
def test_policies_of_parameters(deployment: Deployment, name: str, with_all: bool) -> None:
    """Each role is allowed what is printed for its commands, with the values of parameters."""
    channels = ["prod", "staging", "canary"]
    outputs = deployment.deploy_roles(
        name,
        Name=name,
        Bucket="my-artifacts-*",
        Project=PROJECT,
        **{f"Channel{n}": channel for n, channel in enumerate(channels, 1)},
        **({"KmsKeys": KEY, "ObjectTags": "true", "ObjectLock": "true"} if with_all else {}),
        **PLACES,
    )

    assert len(channels) == TEMPLATE_CHANNELS
    for role in roles_with(channels):
        allowed = by_sid(deployment.statements_of(outputs[role.resource]))
        where: dict[str, Any] = {"buckets": "my-artifacts-*"}
        if with_all:
            where |= {"kms_keys": [KEY], "object_tags": True, "object_lock": True}
        expected = by_sid(expected_policy(role, **where))
        if "ListProjects" in expected:  # which is for a role for all projects
            del expected["ListProjects"]
        for name in {"Decrypt", "Encrypt"} & expected.keys():
            # In the table the key says which region, and a list is one of several here.
            expected[name]["Condition"]["StringLike"]["kms:ViaService"] = "s3.*.amazonaws.com*"
            expected[name]["Resource"] = [KEY]
        assert allowed == expected


def test_outputs_of_channels() -> None:
    """What the template says of a role is which channel it moves, or which parameter has that."""
    for number in range(1, TEMPLATE_CHANNELS + 1):
        text = f'"The role that moves the channel in the parameter Channel{number}."'
        assert text in roles_template()
    assert '"The role that moves the channel prod."' in roles_template(
        projects=[PROJECT], channels=["prod"], regions=["us-east-1"], buckets=["my-artifacts"]
    )


def test_policies_of_lists(deployment: Deployment, name: str) -> None:
    """The same where projects, regions and buckets were given to whoever made the template."""
    regions = ["us-east-1", "eu-west-1"]
    buckets = {region: f"my-artifacts-{region}" for region in regions}
    projects = [PROJECT, "Web-*"]
    template = roles_template(
        projects=projects, channels=["prod"], regions=regions, buckets=buckets.values()
    )

    outputs = deployment.deploy_roles(name, template, Name=name, **PLACES)

    for role in roles_with(["prod"]):
        allowed = by_sid(deployment.statements_of(outputs[role.resource]))
        where: dict[str, Any] = {"regions": regions}
        if role.operations != ("setup",):
            where |= {"projects": projects, "buckets": buckets}
        expected = by_sid(expected_policy(role, **where))
        expected.pop("ListProjects", None)
        assert allowed == expected


@pytest.mark.parametrize(("project", "lists"), [("*", True), ("Web-*", False)])
def test_list_of_projects(project: str, lists: bool, deployment: Deployment, name: str) -> None:
    """A role that reads lists all projects, unless it is confined to some."""
    outputs = deployment.deploy_roles(name, Name=name, Bucket=name, Project=project, **PLACES)
    rendered = roles_template(projects=[project])

    statements = deployment.statements_of(outputs["ReadRole"])
    listing = Asked("s3:ListBucket", f"arn:aws:s3:::{name}", {"s3:prefix": "team/"})
    assert allows(statements, listing) == lists
    assert ("ListProjects" in rendered) == lists


def test_roles_of_channels(deployment: Deployment, name: str) -> None:
    """There is a role for each channel that is named, for as long as it is."""
    where = {"Name": name, "Bucket": name}

    deployment.deploy_roles(name, Channel1="", Channel2="canary", **where)
    outputs = deployment.deploy_roles(name, Channel1="", Channel3="prod", **where)

    promoting = [output for output in outputs if output.startswith("Promote")]
    assert promoting == ["Promote3Role"]
    assert outputs["Promote3Role"] == f"arn:aws:iam::{ACCOUNT}:role/{name}-promote-prod"
    roles = deployment.client("iam").list_roles()["Roles"]
    moving = [role["RoleName"] for role in roles if role["RoleName"].startswith(f"{name}-promote")]
    assert moving == [f"{name}-promote-prod"]


def test_trust(deployment: Deployment, name: str) -> None:
    """Runs of GitHub take on the roles that have subjects, in either form; people the others."""
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"

    outputs = deployment.deploy_roles(
        name, Name=name, Bucket=name, ProviderArn=provider, StageSubjects=",".join(SUBJECTS)
    )

    stage = deployment.trust_of(outputs["StageRole"])
    printed: Any = trust_policy("ORG/REPO", tags=["v*"], account=ACCOUNT)
    (statement,) = printed["Statement"]
    assert stage["Condition"]["StringLike"] == {f"{ISSUER}:sub": list(SUBJECTS)}
    assert stage["Condition"]["StringEquals"] == statement["Condition"]["StringEquals"]
    assert [stage[k] for k in ("Effect", "Principal", "Action")] == [
        statement[k] for k in ("Effect", "Principal", "Action")
    ]
    assert deployment.trust_of(outputs["RepairRole"]) == {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
    }
    assert outputs["Provider"] == provider


def test_provider(deployment: Deployment, name: str) -> None:
    """GitHub's provider is made where a run takes on a role, and there is none yet."""
    iam = deployment.client("iam")
    made = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"

    outputs = deployment.deploy_roles(name, Name=name, Bucket=name)
    assert "Provider" not in outputs
    outputs = deployment.deploy_roles(name, Name=name, Bucket=name, ReadSubjects=SUBJECTS[0])
    (provider,) = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]

    assert outputs["Provider"] == provider["Arn"] == made
    assert deployment.trust_of(outputs["ReadRole"])["Principal"] == {"Federated": made}
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=made)


def subjects_pattern() -> Iterator[str]:
    for name, parameter in template_of(TEMPLATES["roles"])["Parameters"].items():
        if name.endswith("Subjects"):
            yield parameter["AllowedPattern"]


@pytest.mark.parametrize(
    ("subject", "is_allowed"),
    [
        *((subject, True) for subject in ("", *SUBJECTS)),
        ("repo:ORG/REPO:environment:prod", True),
        ("repo:ORG/REPO:ref:refs/heads/release/*", True),
        ("repo:ORG/*", False),
        ("repo:ORG/*:ref:refs/heads/main", False),
        ("repo:ORG*/REPO:ref:refs/heads/main", False),
        ("repo:ORG/REPO:*", False),
        ("repo:ORG/REPO:ref:refs/heads/*", False),
        ("repo:ORG/REPO:ref:*", False),
        ("repo:ORG/REPO:environment:*", False),
        ("repo:ORG/REPO:pull_request", False),
        ("repo:ORG/REPO", False),
        ("*", False),
    ],
)
def test_subjects(subject: str, is_allowed: bool) -> None:
    """A subject names a repository, and branches, tags or environments; never pull requests."""
    patterns = list(subjects_pattern())

    assert len(patterns) == len(all_roles(()))
    assert {bool(re.search(pattern, subject)) for pattern in patterns} == {is_allowed}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"projects": ["a b"]}, "project"),
        ({"channels": ["latest"]}, "channel"),
        ({"channels": ["Prod"]}, "channel"),
        ({"channels": ["prod-*"]}, "channel"),
        ({"channels": ["c" * 31]}, "at most 30"),
        ({"regions": ["mars"]}, "region"),
        ({"buckets": ["B/*"]}, "bucket"),
        ({"projects": [f"{'x' * 100}-{n}" for n in range(20)]}, "at most 51,200"),
    ],
    ids=str,
)
def test_what_cannot_be(given: dict[str, list[str]], says: str) -> None:
    """What no template can be made for is an error that says so."""
    with pytest.raises(InputError, match=says):
        roles_template(**given)


PAGE = (PROJECT_FOLDER / "docs" / "organisation-templates.md").read_text(encoding="utf-8")


def test_page() -> None:
    """What the page deploys has parameters of the template, and all that have no default."""
    found = re.findall(
        r"--template-file (\S+).*?--parameter-overrides(.*?)\n(?:done|aws)", PAGE, re.DOTALL
    )

    assert [template for template, _ in found] == ["regional.yaml", "roles.yaml"]
    for template, overrides in found:
        parameters = template_of(TEMPLATES[template.removesuffix(".yaml")])["Parameters"]
        given = dict(re.findall(r"(\w+)=(?:'(.*?)'|\"|\S)", overrides))
        assert given.keys() <= parameters.keys()
        assert {n for n, p in parameters.items() if "Default" not in p} <= given.keys()
        for name, value in given.items():
            assert not value or re.search(parameters[name]["AllowedPattern"], value)


def test_page_has_all() -> None:
    """The page names every role, every parameter that confines one, and every denial."""
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    named = {*re.findall(r"`([^`]+)`", prose)}

    assert {denial.name for denial in DENIALS} <= named
    assert {f"NAME-{role.suffix}" for role in (*all_roles(["CHANNEL"]),)} <= named
    rows = dict(re.findall(r"^\| `NAME-([a-z]+)[^`]*` \| ([^|]+)", PAGE, re.MULTILINE))
    for role in all_roles(["x"]):
        words = {*re.findall(r"`([^`]+)`", rows[role.suffix.partition("-")[0]])}
        as_written = {OPERATIONS[name] for name in role.operations if name != "copy-from"}
        assert as_written <= words


def test_names_of_roles() -> None:
    """The name of each role fits into IAM, however long its parts are."""
    parameters = template_of(TEMPLATES["roles"])["Parameters"]
    name = re.search(r"\{1,(\d+)\}", parameters["Name"]["AllowedPattern"])
    assert name is not None

    for role in all_roles(["c" * 30]):
        assert int(name[1]) + 1 + len(role.suffix) <= 64


def test_every_operation_has_a_role() -> None:
    """Each command that can be allowed is one that some role may do, but for copying into here."""
    operations = {name for role in all_roles(["prod"]) for name in role.operations}

    assert set(OPERATIONS) - operations == {"copy-to"}


def test_module_of_the_page() -> None:
    """What the page gives to the module of Terraform are variables of the module."""
    (module,) = re.findall(r"```hcl\n(.*?)```", PAGE, re.DOTALL)
    files = sorted((PROJECT_FOLDER / "examples" / "terraform").glob("*.tf"))
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    variables = set(re.findall(r'^variable "(\w+)"', text, re.MULTILINE))
    given = set(re.findall(r"^  (\w+) += ", module, re.MULTILINE))

    assert given - {"source"} <= variables
    assert {"name", "regions"} <= given
