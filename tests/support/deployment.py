"""The templates of CloudFormation, deployed on moto, and what came of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3

from startifact.organisation.templates import regional_template, roles_template
from tests.support.iam import Statements

FIRST = "us-east-1"


@dataclass(frozen=True)
class Deployment:
    """The account that templates are deployed in."""

    endpoint: str

    def __post_init__(self) -> None:
        # Only here: it takes half a second, and most workers only collect what deploys.
        import tests.support.cloudformation  # noqa: F401  # teaches moto what it lacks

    def client(self, service: str, region: str = FIRST) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id="AKIATESTTESTTESTTEST",
            aws_secret_access_key="test-secret",
        )

    def deploy_region(self, region: str, name: str, **parameters: str) -> dict[str, str]:
        """Deploy, or deploy anew, the stack of a region, and return its outputs."""
        return self._deploy(region, name, regional_template(), parameters)

    def deploy_roles(
        self, name: str, template: str | None = None, **parameters: str
    ) -> dict[str, str]:
        """Do the same with the stack of the roles."""
        return self._deploy(FIRST, name, template or roles_template(), parameters)

    def _deploy(
        self, region: str, name: str, template: str, parameters: Mapping[str, str]
    ) -> dict[str, str]:
        client = self.client("cloudformation", region)
        given = [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()]
        stacks = [s["StackName"] for s in client.describe_stacks()["Stacks"]]
        deploy = client.update_stack if name in stacks else client.create_stack
        deploy(
            StackName=name,
            TemplateBody=template,
            Parameters=given,
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
        assert stack["StackStatus"].endswith("_COMPLETE")
        return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}

    @cached_property
    def _iam(self) -> Any:
        return self.client("iam")

    def statements_of(self, role: str) -> Statements:
        """Return what the role with that ARN, or of that name, is allowed."""
        name = role.rpartition("/")[2]
        found: Statements = []
        attached = self._iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        for policy in attached:
            arn = policy["PolicyArn"]
            version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            answer = self._iam.get_policy_version(PolicyArn=arn, VersionId=version)
            found += answer["PolicyVersion"]["Document"]["Statement"]
        for policy in self._iam.list_role_policies(RoleName=name)["PolicyNames"]:
            answer = self._iam.get_role_policy(RoleName=name, PolicyName=policy)
            found += answer["PolicyDocument"]["Statement"]
        return found

    def trust_of(self, role: str) -> dict[str, Any]:
        """Return the one statement of the trust policy of the role with that ARN."""
        found = self._iam.get_role(RoleName=role.rpartition("/")[2])["Role"]
        (statement,) = found["AssumeRolePolicyDocument"]["Statement"]
        return dict(statement)

    def bucket_policy(self, bucket: str) -> Statements:
        """Return the statements of the policy of *bucket*."""
        policy = self.client("s3").get_bucket_policy(Bucket=bucket)["Policy"]
        found: Statements = json.loads(policy)["Statement"]
        return found
