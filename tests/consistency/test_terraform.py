"""The module of Terraform makes what the templates of CloudFormation make, and allows the same."""

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from startifact.organisation.policy import policy
from startifact.organisation.templates import regional_template, roles_template
from startifact.organisation.templates.bucket_policy import DENIALS
from startifact.organisation.templates.roles import all_roles
from startifact.organisation.trust import ISSUER
from tests.support.iam import ACCOUNT, listed
from tests.support.runner_step import PROJECT
from tests.support.templates import template_of

MODULE = PROJECT / "examples" / "terraform"
TERRAFORM = shutil.which("terraform") or shutil.which("tofu")
needs_terraform = pytest.mark.skipif(TERRAFORM is None, reason="there is no terraform here")

BUCKETS = {"eu-west-1": "artifacts-eu-west-1", "us-east-1": "artifacts-us-east-1"}
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
SUBJECTS = ["repo:ORG/REPO:ref:refs/tags/v*", "repo:ORG@12/REPO@34:environment:prod"]
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
VALUES: dict[str, Any] = {
    "account": ACCOUNT,
    "name": "artifacts",
    "buckets": BUCKETS,
    "projects": ["SugarWater"],
    "channels": ["prod", "pre-prod"],
    "key_prefix": "team/",
    "parameter_prefix": "/team",
    "configuration_parameter": "/startifact",
    "bucket_name_parameter": "/artifacts/bucket",
    "kms_keys": {},
    "object_tags": False,
    "object_lock": False,
    "provider_arn": PROVIDER,
    "audience": "sts.amazonaws.com",
    "subjects": {"stage": SUBJECTS},
}


def run(folder: Path, *words: str) -> str:
    assert TERRAFORM is not None
    done = subprocess.run([TERRAFORM, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def evaluated(folder: Path, **values: Any) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return the statements of each policy that the module makes, as Terraform works them out."""
    shutil.copytree(MODULE / "policies", folder, dirs_exist_ok=True)
    (folder / "terraform.tfvars.json").write_text(json.dumps(VALUES | values), encoding="utf-8")
    run(folder, "init", "-backend=false", "-input=false")
    run(folder, "validate")
    run(folder, "apply", "-auto-approve", "-input=false")
    return {
        name: {key: json.loads(text)["Statement"] for key, text in output["value"].items()}
        for name, output in json.loads(run(folder, "output", "-json")).items()
    }


def normal(statement: dict[str, Any]) -> dict[str, Any]:
    """Return a statement with every list in one form and order."""
    made = dict(statement)
    for element in {"Action", "Resource", "NotResource"} & made.keys():
        made[element] = sorted(listed(made[element]))
    if "Condition" in made:
        made["Condition"] = {
            operator: {key: sorted(listed(values)) for key, values in keys.items()}
            for operator, keys in made["Condition"].items()
        }
    return made


def sorted_statements(statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(map(normal, statements), key=lambda statement: str(statement["Sid"]))


@needs_terraform
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"projects": ["*"]},
        {"projects": ["SugarWater", "Web-*"], "channels": []},
        {"kms_keys": {"eu-west-1": KEY}, "object_tags": True, "object_lock": True},
    ],
    ids=["", "all projects", "some projects", "all options"],
)
def test_policies(values: dict[str, Any], tmp_path: Path) -> None:
    """Each role is allowed what is printed for its commands."""
    made = evaluated(tmp_path, **values)["roles"]

    given = VALUES | values
    roles = {role.suffix: role for role in all_roles(given["channels"] or ["prod"])}
    if not given["channels"]:
        del roles["promote-prod"]
    assert made.keys() == roles.keys()
    for name, role in roles.items():
        of_project = name != "configure"
        expected: Any = policy(
            *role.operations,
            projects=given["projects"] if of_project else [],
            channels=[role.channel] if role.channel else [],
            regions=list(BUCKETS),
            buckets=BUCKETS if of_project else {},
            account=ACCOUNT,
            bucket_name_param=given["bucket_name_parameter"],
            bucket_key_prefix=given["key_prefix"],
            parameter_name_prefix=given["parameter_prefix"],
            kms_keys=list(given["kms_keys"].values()),
            object_tags=given["object_tags"],
            object_lock=given["object_lock"],
        )
        statements = [s for s in expected["Statement"] if is_here(s, given)]
        for statement in statements:
            if statement["Sid"] in {"Decrypt", "Encrypt"}:  # the key says which region
                statement["Condition"] = {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com*"}}
        assert sorted_statements(made[name]) == sorted_statements(statements)


def is_here(statement: dict[str, Any], given: dict[str, Any]) -> bool:
    return bool(statement["Sid"] != "ListProjects" or given["projects"] == ["*"])


@needs_terraform
def test_trust_and_buckets(tmp_path: Path) -> None:
    """Who takes on a role, and what a bucket denies, is as in the templates."""
    made = evaluated(tmp_path)

    (stage,) = made["trust"]["stage"]
    (repair,) = made["trust"]["repair"]
    assert stage["Principal"] == {"Federated": PROVIDER}
    assert stage["Condition"] == {
        "StringEquals": {f"{ISSUER}:aud": ["sts.amazonaws.com"]},
        "StringLike": {f"{ISSUER}:sub": SUBJECTS},
    }
    assert repair["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    for region, bucket in BUCKETS.items():
        role = f"arn:aws:iam::{ACCOUNT}:role/artifacts"
        names = {"partition": "aws", "bucket": bucket, "key_prefix": "team/", "project": "*"}
        names |= {"prune_role": f"{role}-prune", "repair_role": f"{role}-repair"}
        expected = [denial.statement(names) for denial in DENIALS]
        assert sorted_statements(made["buckets"][region]) == sorted_statements(expected)


@needs_terraform
def test_form() -> None:
    """The files are written as Terraform writes them."""
    run(MODULE, "fmt", "-check", "-recursive")


@cache
def text() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(MODULE.glob("*.tf")))


SAME = {
    "AWS::S3::Bucket": {
        "aws_s3_bucket",
        "aws_s3_bucket_versioning",
        "aws_s3_bucket_public_access_block",
        "aws_s3_bucket_ownership_controls",
        "aws_s3_bucket_server_side_encryption_configuration",
        "aws_s3_bucket_lifecycle_configuration",
    },
    "AWS::S3::BucketPolicy": {"aws_s3_bucket_policy"},
    "AWS::SSM::Parameter": {"aws_ssm_parameter"},
    "AWS::IAM::OIDCProvider": {"aws_iam_openid_connect_provider"},
    "AWS::IAM::Role": {"aws_iam_role", "aws_iam_role_policy"},
    # A role of Terraform has all that it is allowed in one policy.
    "AWS::IAM::ManagedPolicy": set[str](),
}
"""What Terraform calls each kind of resource of CloudFormation."""


def test_resources() -> None:
    """There is each kind of resource that the templates have, and no other."""
    templates = [template_of(regional_template()), template_of(roles_template())]
    kinds = {r["Type"] for template in templates for r in template["Resources"].values()}

    made = set(re.findall(r'^resource "(\w+)"', text(), re.MULTILINE))

    assert made == set().union(*(SAME[kind] for kind in kinds))


@pytest.mark.parametrize(
    ("rule", "setting"),
    [
        ("unfinished-uploads", "days_after_initiation = var.upload_days"),
        ("noncurrent-versions", "noncurrent_days = var.noncurrent_days"),
        ("delete-markers-of-nothing", "expired_object_delete_marker = true"),
    ],
)
def test_lifecycle(rule: str, setting: str) -> None:
    """The rules of the bucket are those of the template, and none removes a current object."""
    rules = regional_template().partition("LifecycleConfiguration:")[2].partition("Policy:")[0]
    assert f"Id: {rule}" in rules
    found = text().partition(f'id     = "{rule}"')[2].partition("rule {")[0]

    assert setting in found
    assert not re.search(r"\b(days|date) +=", found)


def test_defaults() -> None:
    """What nobody gives is the same in both: days, names and patterns of subjects."""
    regional = template_of(regional_template())["Parameters"]
    roles = template_of(roles_template())["Parameters"]

    for variable, default in (
        ("noncurrent_days", regional["NoncurrentDays"]["Default"]),
        ("upload_days", regional["UploadDays"]["Default"]),
        ("configuration_parameter", json.dumps(regional["ConfigurationParameter"]["Default"])),
        ("audience", json.dumps(roles["Audience"]["Default"])),
        ("name", json.dumps(roles["Name"]["Default"])),
    ):
        block = text().partition(f'variable "{variable}"')[2].partition("\n}")[0]
        assert re.search(rf"default +=+ {re.escape(str(default))}$", block, re.MULTILINE), variable
    pattern = roles["StageSubjects"]["AllowedPattern"]
    assert pattern.replace("^(repo", "^repo").removesuffix(")?$") in text().replace("\\\\", "\\")
