"""What an account has already, asked with requests that change nothing."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from startifact.errors import ConfigurationError, ServiceRefusedError
from startifact.model.account import BucketFound, BucketState, IamFound, Identity
from startifact.model.aws_regions import partition_of
from startifact.model.roles import GITHUB_ISSUER
from startifact.regions.aws.errors import REFUSED, aws_errors
from startifact.regions.aws.trouble import code_of, status_of
from startifact.text import quoted

if TYPE_CHECKING:
    from startifact.regions.aws.clients import Clients

_ABSENT = frozenset({"404", "NoSuchBucket", "NotFound"})
_USABLE_KEY = "Enabled"


class Account:
    """The account that *clients* reach."""

    def __init__(self, clients: "Clients") -> None:
        self._clients = clients

    def identity(self, region: str) -> Identity:
        """Return who asks *region*, which accepts the credentials then.

        Raises:
            StartifactError: It does not, or did not answer.
        """
        client = self._clients.other("sts", region)
        with aws_errors("sts:GetCallerIdentity", region=region, resource="the identity"):
            answer = client.get_caller_identity()
            account, arn = str(answer["Account"]), str(answer["Arn"])
            return Identity(account=account, who=arn.partition(f":{account}:")[2])

    def bucket(self, name: str, region: str, account: str) -> BucketFound:
        """Return whose the bucket *name* is, which is to be that of *account* in *region*.

        Raises:
            StartifactError: S3 did not say.
        """
        client = self._clients.s3(region)
        arn = f"arn:{partition_of(region)}:s3:::{name}"
        with aws_errors("s3:ListBucket", region=region, resource=arn):
            try:
                answer = client.head_bucket(Bucket=name, ExpectedBucketOwner=account)
            except ClientError as e:
                return self._refused_bucket(e, name, region)
        return _bucket_in(answer, name, region)

    def _refused_bucket(self, error: ClientError, name: str, region: str) -> BucketFound:
        """Return what the refusal *error* says of the bucket."""
        if code_of(error) in _ABSENT or status_of(error) == 404:
            return BucketFound(name=name, state=BucketState.ABSENT)
        if status_of(error) == 301:
            return _bucket_in(error.response, name, region)
        if code_of(error) not in REFUSED and status_of(error) != 403:
            raise error
        # Not ours, or ours and whoever asks may not list it: the account's own list says which.
        return BucketFound(
            name=name, state=BucketState.OWN if self._is_listed(name, region) else BucketState.TAKEN
        )

    def _is_listed(self, name: str, region: str) -> bool:
        client = self._clients.s3(region)
        with aws_errors("s3:ListAllMyBuckets", region=region, resource="*"):
            pages = client.get_paginator("list_buckets").paginate(Prefix=name)
            return any(b["Name"] == name for page in pages for b in page.get("Buckets", ()))

    def key(self, name: str, region: str) -> str:
        """Return the ARN of the key in KMS that *name*, an id, an ARN or an alias, is of.

        Raises:
            StartifactError: There is none, it cannot be used, or KMS did not say.
        """
        client = self._clients.other("kms", region)
        with aws_errors("kms:DescribeKey", region=region, resource=f"key {name}"):
            try:
                found = client.describe_key(KeyId=name)["KeyMetadata"]
            except ClientError as e:
                if code_of(e) != "NotFoundException":
                    raise
                raise ConfigurationError(
                    f"there is no key {quoted(name)} in KMS in {region}",
                    hint=f"Make it (aws kms create-key --region {region}), or correct its name",
                ) from e
            if found.get("KeyState", _USABLE_KEY) != _USABLE_KEY:
                raise ServiceRefusedError(
                    f"key {quoted(name)} in KMS in {region} is {found['KeyState']}",
                    hint=f"aws kms enable-key --key-id {found['KeyId']} --region {region}, or aws "
                    "kms cancel-key-deletion before it",
                )
            return str(found["Arn"])

    def iam(self, region: str, roles: Iterable[str]) -> IamFound:
        """Return what there is in IAM, asked as somebody in *region*, and which of *roles*.

        Raises:
            StartifactError: IAM did not say.
        """
        client = self._clients.other("iam", region)
        provider = self._provider(client, region)
        summary = self._summary(client, region)
        return IamFound(
            provider=provider,
            audiences=self._audiences(client, region, provider) if provider else (),
            roles=frozenset(name for name in roles if self._has_role(client, region, name)),
            role_count=summary.get("Roles", 0),
            role_quota=summary.get("RolesQuota"),
            policy_count=summary.get("Policies", 0),
            policy_quota=summary.get("PoliciesQuota"),
            trust_quota=summary.get("AssumeRolePolicySizeQuota"),
        )

    def _provider(self, client: Any, region: str) -> str | None:
        with aws_errors("iam:ListOpenIDConnectProviders", region=region, resource="*"):
            found = client.list_open_id_connect_providers()["OpenIDConnectProviderList"]
            arns = [str(one["Arn"]) for one in found]
            return next(
                (arn for arn in arns if arn.endswith(f":oidc-provider/{GITHUB_ISSUER}")), None
            )

    def _audiences(self, client: Any, region: str, provider: str) -> tuple[str, ...]:
        with aws_errors("iam:GetOpenIDConnectProvider", region=region, resource=provider):
            found = client.get_open_id_connect_provider(OpenIDConnectProviderArn=provider)
            return tuple(found.get("ClientIDList", ()))

    def _has_role(self, client: Any, region: str, name: str) -> bool:
        with aws_errors("iam:GetRole", region=region, resource=f"role {name}"):
            try:
                client.get_role(RoleName=name)
            except ClientError as e:
                if code_of(e) in {"NoSuchEntity", "NoSuchEntityException"}:
                    return False
                raise
            return True

    def _summary(self, client: Any, region: str) -> dict[str, int]:
        with aws_errors("iam:GetAccountSummary", region=region, resource="*"):
            found = client.get_account_summary()["SummaryMap"]
            return {str(name): int(count) for name, count in found.items()}


def _bucket_in(answer: Any, name: str, region: str) -> BucketFound:
    """Return the account's own bucket, by the region in the headers of *answer*."""
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    where = str(headers.get("x-amz-bucket-region") or region)
    if where == region:
        return BucketFound(name=name, state=BucketState.OWN)
    return BucketFound(name=name, state=BucketState.ELSEWHERE, region=where)
