"""What moto's CloudFormation lacks for the templates of Startifact.

It has no policies of buckets and no OIDC providers, makes a bucket with a name and encryption
alone, changes and attaches no policy of a role, leaves gaps in lists where a value is
``AWS::NoValue``, and passes over what a parameter changes through a condition. Importing this
module teaches it all that.

moto denies what a bucket's policy denies, without regard to conditions, so that with one of ours
nobody could write: it keeps such a policy then, and enforces none. What a policy means,
`tests.support.iam` works out.
"""

import json
from collections.abc import Mapping
from typing import Any

from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel
from moto.iam.access_control import PermissionResult
from moto.iam.models import ManagedPolicy, Role, iam_backends
from moto.s3.models import FakeBucket, s3_backends
from moto.utilities.utils import get_partition


class BucketPolicy(CloudFormationModel):
    """``AWS::S3::BucketPolicy``."""

    def __init__(self, bucket: str) -> None:
        self.physical_resource_id = self.name = bucket

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::S3::BucketPolicy"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return False

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Mapping[str, Any],
        account_id: str,
        region_name: str,
        **more: Any,
    ) -> "BucketPolicy":
        properties = cloudformation_json["Properties"]
        backend = s3_backends[account_id][get_partition(region_name)]
        text = json.dumps(properties["PolicyDocument"])
        backend.put_bucket_policy(properties["Bucket"], text.encode())
        return cls(properties["Bucket"])

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Mapping[str, Any],
        account_id: str,
        region_name: str,
    ) -> "BucketPolicy":
        return cls.create_from_cloudformation_json(
            new_resource_name, cloudformation_json, account_id, region_name
        )

    @classmethod
    def delete_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Mapping[str, Any],
        account_id: str,
        region_name: str,
    ) -> None:
        s3_backends[account_id][get_partition(region_name)].delete_bucket_policy(resource_name)


class OidcProvider(CloudFormationModel):
    """``AWS::IAM::OIDCProvider``, of which an account has one for each address."""

    def __init__(self, arn: str) -> None:
        self.physical_resource_id = self.arn = self.name = arn

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::IAM::OIDCProvider"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "Arn"

    def get_cfn_attribute(self, name: str) -> str:
        assert name == "Arn"
        return str(self.arn)

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Mapping[str, Any],
        account_id: str,
        region_name: str,
        **more: Any,
    ) -> "OidcProvider":
        properties = cloudformation_json["Properties"]
        made = iam_backends[account_id][get_partition(region_name)].create_open_id_connect_provider(
            url=properties["Url"],
            thumbprint_list=properties.get("ThumbprintList", []),
            client_id_list=properties.get("ClientIdList", []),
            tags=[],
        )
        return cls(made.arn)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Mapping[str, Any],
        account_id: str,
        region_name: str,
    ) -> Any:
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Mapping[str, Any],
        account_id: str,
        region_name: str,
    ) -> None:
        iam_backends[account_id][get_partition(region_name)].delete_open_id_connect_provider(
            resource_name
        )


def _configure(bucket: FakeBucket, properties: Mapping[str, Any]) -> FakeBucket:
    """Give *bucket* what moto passes over in the *properties* of its resource."""
    backend = s3_backends[bucket.account_id]["aws"]
    if bucket.encryption is not None:
        (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        has_bucket_key = str(rule.get("BucketKeyEnabled", False)).lower()
        bucket.encryption["Rule"]["BucketKeyEnabled"] = has_bucket_key
    if versioning := properties.get("VersioningConfiguration"):
        backend.put_bucket_versioning(bucket.name, versioning["Status"])
    if block := properties.get("PublicAccessBlockConfiguration"):
        backend.put_public_access_block(
            bucket.name, {name: str(value).lower() for name, value in block.items()}
        )
    if controls := properties.get("OwnershipControls"):
        (rule,) = controls["Rules"]
        backend.put_bucket_ownership_controls(bucket.name, rule["ObjectOwnership"])
    if lifecycle := properties.get("LifecycleConfiguration"):
        backend.put_bucket_lifecycle(bucket.name, [_rule(rule) for rule in lifecycle["Rules"]])
    if properties.get("ObjectLockEnabled"):
        backend.put_object_lock_configuration(bucket.name, lock_enabled=True)
    return bucket


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a *rule* of a template as S3's API has it."""
    made = {"ID": rule["Id"], "Filter": {"Prefix": rule.get("Prefix", "")}, **rule}
    if made.pop("ExpiredObjectDeleteMarker", False):
        made["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    return made


def _teach_buckets() -> None:
    create = FakeBucket.create_from_cloudformation_json.__func__  # type: ignore[attr-defined]
    update = FakeBucket.update_from_cloudformation_json.__func__  # type: ignore[attr-defined]

    def create_all(
        cls: Any, resource_name: str, cloudformation_json: Any, *rest: Any, **more: Any
    ) -> Any:
        bucket = create(cls, resource_name, cloudformation_json, *rest, **more)
        return _configure(bucket, cloudformation_json["Properties"])

    def update_all(cls: Any, /, *, cloudformation_json: Any, **more: Any) -> Any:
        bucket = update(cls, cloudformation_json=cloudformation_json, **more)
        return _configure(bucket, cloudformation_json["Properties"])

    FakeBucket.create_from_cloudformation_json = classmethod(create_all)  # type: ignore[assignment]
    FakeBucket.update_from_cloudformation_json = classmethod(update_all)  # type: ignore[assignment]


def _teach_roles() -> None:
    create = Role.create_from_cloudformation_json.__func__  # type: ignore[attr-defined]
    update = Role.update_from_cloudformation_json.__func__  # type: ignore[attr-defined]

    def put_policies(role: Any, properties: Mapping[str, Any]) -> Any:
        role.assume_role_policy_document = json.dumps(properties["AssumeRolePolicyDocument"])
        backend = iam_backends[role.account_id]["aws"]
        for arn in properties.get("ManagedPolicyArns", []):
            if arn not in role.managed_policies:
                backend.attach_role_policy(arn, role.name)
        for policy in properties.get("Policies", []):
            role.put_policy(policy["PolicyName"], json.dumps(policy["PolicyDocument"]))
        return role

    def create_all(
        cls: Any, resource_name: str, cloudformation_json: Any, *rest: Any, **more: Any
    ) -> Any:
        role = create(cls, resource_name, cloudformation_json, *rest, **more)
        return put_policies(role, cloudformation_json["Properties"])

    def update_all(cls: Any, /, *, cloudformation_json: Any, **more: Any) -> Any:
        role = update(cls, cloudformation_json=cloudformation_json, **more)
        return put_policies(role, cloudformation_json["Properties"])

    delete = Role.delete_from_cloudformation_json.__func__  # type: ignore[attr-defined]

    def delete_all(cls: Any, resource_name: str, *rest: Any) -> None:
        backend = iam_backends[rest[1]]["aws"]
        for arn in list(backend.get_role(resource_name).managed_policies):
            backend.detach_role_policy(arn, resource_name)
        delete(cls, resource_name, *rest)

    Role.delete_from_cloudformation_json = classmethod(delete_all)  # type: ignore[assignment]
    Role.create_from_cloudformation_json = classmethod(create_all)  # type: ignore[assignment]
    Role.update_from_cloudformation_json = classmethod(update_all)  # type: ignore[assignment]


def _teach_policies() -> None:
    def update(
        cls: Any, /, original_resource: Any, *, cloudformation_json: Any, **more: Any
    ) -> Any:
        text = json.dumps(cloudformation_json["Properties"]["PolicyDocument"])
        iam_backends[original_resource.account_id]["aws"].create_policy_version(
            original_resource.arn, text, set_as_default=True
        )
        return original_resource

    ManagedPolicy.update_from_cloudformation_json = classmethod(update)  # type: ignore[assignment]


def _teach_no_value() -> None:
    clean = parsing.clean_json

    def clean_all(resource_json: Any, resources_map: Any) -> Any:
        cleaned = clean(resource_json, resources_map)
        if isinstance(resource_json, list):
            return [item for item in cleaned if item is not None]
        return cleaned

    parsing.clean_json = clean_all


def _teach_conditions() -> None:
    """Have an update make, change and delete what its parameters say, also through conditions."""
    differ, update = parsing.ResourceMap.build_resource_diff, parsing.parse_and_update_resource

    def with_all(self: Any, other_template: Any, parameters: Any = None) -> dict[str, Any]:
        names: dict[str, Any] = differ(self, other_template, parameters)
        if parameters and parameters != self.input_parameters:
            names["Modify"] = [n for n in other_template["Resources"] if n not in names["Add"]]
        return names

    def update_or_create(
        logical_id: str, resource_json: Any, resources_map: Any, account_id: str, region_name: str
    ) -> Any:
        given = (logical_id, resource_json, resources_map, account_id, region_name)
        existing = resources_map._parsed_resources.get(logical_id)
        condition = resource_json.get("Condition")
        if condition and not resources_map.lazy_condition_map[condition]:
            if existing and "Retain" not in resource_json.get("DeletionPolicy", ""):
                resources_map._delete_resource(existing, resource_json)
            return None
        return update(*given) if existing else parsing.parse_and_create_resource(*given)

    parsing.ResourceMap.build_resource_diff = with_all  # type: ignore[method-assign]
    parsing.parse_and_update_resource = update_or_create


def _forbid_nothing() -> None:
    FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL  # type: ignore[method-assign]


_teach_buckets()
_teach_roles()
_teach_policies()
_teach_no_value()
_teach_conditions()
_forbid_nothing()
parsing.get_model_list.cache_clear()
parsing.get_model_map.cache_clear()
parsing.get_name_type_map.cache_clear()
