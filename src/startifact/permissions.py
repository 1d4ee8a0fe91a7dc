"""Which permissions in AWS each command needs, once: actions of IAM, on what, and what for.

``startifact policy`` prints policies from this table. ``make generate`` writes the policies of
``examples/iam`` and the table in ``docs/permissions.md`` from it. Tests hold that each command asks
for nothing else, and that it cannot do without what stands here.

Resources and conditions are templates, for `str.format` with the names of `PLACEHOLDERS`. Whoever
fills them in may put other templates there, such as ``${AWS::Partition}``.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

PLACEHOLDERS: Mapping[str, str] = {
    "partition": "aws, aws-us-gov or aws-cn.",
    "account": "The number of the account.",
    "region": "An AWS region, or * for all.",
    "bucket": "The name of a region's bucket.",
    "key_prefix": "What every key begins with: bucket_key_prefix of the configuration, or nothing.",
    "project": "The name of a project, or a pattern of names with *.",
    "channel": "The name of a channel.",
    "configuration_parameter": "The SSM parameter with the configuration, such as /startifact.",
    "bucket_name_parameter": "The SSM parameter with a bucket's name: bucket_name_param.",
    "parameter_prefix": "What names of copies of channels begin with: parameter_name_prefix.",
    "kms_key": "The ARN of a key in KMS.",
    "kms_region": "The region of that key.",
    "role": "The ARN of the role that copy --to-role takes on.",
    "name": "What bootstrap is to have names begin with: its --name.",
}
"""What stands in the templates. Names of parameters begin with a slash."""

BUCKET = "arn:{partition}:s3:::{bucket}"
_OBJECT = f"{BUCKET}/{{key_prefix}}{{project}}"
ARTIFACTS = f"{_OBJECT}@*"
LEGACY_METADATA = f"{_OBJECT}@*/metadata"
BELOW_PROJECT = f"{_OBJECT}/*"
"""All channels, and what was yanked or removed."""

CHANNEL = f"{_OBJECT}/{{channel}}"
LATEST = f"{_OBJECT}/latest"
YANKS = f"{_OBJECT}/_yanked/*"
QUARANTINE = f"{_OBJECT}/_quarantine/*"
PROBE = f"{_OBJECT}/_probe/*"

_PARAMETER = "arn:{partition}:ssm:{region}:{account}:parameter"
CONFIGURATION = f"{_PARAMETER}{{configuration_parameter}}"
BUCKET_NAME = f"{_PARAMETER}{{bucket_name_parameter}}"
_COPY = f"{_PARAMETER}{{parameter_prefix}}/{{project}}"
COPY_OF_LATEST = f"{_COPY}/latest"
COPY_OF_CHANNEL = f"{_COPY}/{{channel}}"
COPIES = f"{_COPY}/*"

KMS_KEY = "{kms_key}"
ROLE = "{role}"

Conditions = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Operators of IAM, with the keys that they compare and the values for these."""

_ACCOUNT_KEY = "aws:ResourceAccount"
OWN_ACCOUNT: Conditions = {"StringEquals": {_ACCOUNT_KEY: ("{account}",)}}
"""The name of a bucket says nothing of whose it is."""

OF_PROJECT: Conditions = {
    **OWN_ACCOUNT,
    "StringLike": {"s3:prefix": ("{key_prefix}{project}@*", "{key_prefix}{project}/*")},
}
OF_ALL_PROJECTS: Conditions = {**OWN_ACCOUNT, "StringLike": {"s3:prefix": ("{key_prefix}*",)}}
BY_S3: Conditions = {"StringLike": {"kms:ViaService": ("s3.{kms_region}.amazonaws.com*",)}}
"""A key is used by S3 alone, for its objects."""


class When(StrEnum):
    """When a permission is needed."""

    ALWAYS = ""
    VERSIONED = "where the bucket keeps versions of objects"
    KMS = "where the bucket has a key of your own in KMS"
    TAGS = "with object_tags"
    LOCK = "with object_lock_mode"
    FIRST = "of what the first Startifact staged"
    OTHER_STORE = "on a store other than AWS"
    TO_ROLE = "--to-role"


class Permission(NamedTuple):
    """What some operations may do with something, for one reason."""

    name: str
    """Its name in a policy, as the ``Sid`` of a statement."""

    operations: tuple[str, ...]
    """Which need it, by their names in `OPERATIONS`."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    """Templates of ARNs: the actions are needed on each of them."""

    reason: str
    """What it is for: a sentence."""

    conditions: Mapping[str, Mapping[str, tuple[str, ...]]] = {}
    when: When = When.ALWAYS
    is_denial: bool = False
    """Whether it takes away what another permission allows too much."""

    def without_accounts(self) -> "Permission":
        """Return it for a store other than AWS, whose buckets are in no account of AWS."""
        left = {
            operator: {key: values for key, values in keys.items() if key != _ACCOUNT_KEY}
            for operator, keys in self.conditions.items()
        }
        return self._replace(conditions={operator: keys for operator, keys in left.items() if keys})


OPERATIONS: Mapping[str, str] = {
    "stage": "stage",
    "download": "download",
    "info": "info",
    "link": "link",
    "versions": "versions",
    "projects": "projects",
    "promote": "promote",
    "rollback": "rollback",
    "channels": "channels",
    "channels-remove": "channels --remove",
    "lock": "lock",
    "yank": "yank",
    "unyank": "unyank",
    "prune": "prune",
    "copy-from": "copy (from)",
    "copy-to": "copy (to)",
    "verify": "verify",
    "repair": "repair",
    "repair-keep": "repair --keep",
    "setup": "setup",
}
"""What can be allowed by itself: the name for it, and how documents write it."""


def advice_on(written: str) -> str:
    """Return which of `OPERATIONS` is meant by a command, *written* as a shell has it.

    Empty where none is.
    """
    for name, text in OPERATIONS.items():
        if text == written and name != written:
            return f"Write {name} for {written}"
    parts = [name for name in OPERATIONS if name.startswith(f"{written}-")]
    return f"Write {' or '.join(parts)}: each is a part of {written}" if parts else ""


_WITH_REGIONS = tuple(name for name in OPERATIONS if name != "setup")
_OF_A_PROJECT = tuple(name for name in _WITH_REGIONS if name != "projects")
_COMPARING = ("verify", "repair", "repair-keep")
_STAGING = ("stage", "copy-to", "repair", "repair-keep")
_MOVING = ("promote", "rollback", "channels-remove")
_YANKING = ("yank", "unyank")
_REPAIRING = ("repair", "repair-keep")
WRITING = (*_STAGING, *_MOVING, *_YANKING, "prune")
"""The operations that write into regions."""


PERMISSIONS: tuple[Permission, ...] = (
    Permission(
        "Configuration",
        _WITH_REGIONS,
        ("ssm:GetParameter",),
        (CONFIGURATION, BUCKET_NAME),
        "The organisation configuration, and the name of the region's bucket.",
    ),
    Permission(
        "Read",
        _OF_A_PROJECT,
        ("s3:GetObject",),
        (ARTIFACTS, BELOW_PROJECT),
        "Artifacts, channels, and what was yanked.",
        OWN_ACCOUNT,
    ),
    Permission(
        "ReadVersions",
        ("link",),
        ("s3:GetObjectVersion",),
        (ARTIFACTS,),
        "The version of the object that the link leads to, and to no other.",
        OWN_ACCOUNT,
        When.VERSIONED,
    ),
    Permission(
        "List",
        _OF_A_PROJECT,
        ("s3:ListBucket",),
        (BUCKET,),
        "The versions and channels of a project, and whether something is not there.",
        OF_PROJECT,
    ),
    Permission(
        "ListProjects",
        ("projects",),
        ("s3:ListBucket",),
        (BUCKET,),
        "The projects.",
        OF_ALL_PROJECTS,
    ),
    Permission(
        "CopyOfLatest",
        tuple(
            name
            for name in _OF_A_PROJECT
            if name not in {*_COMPARING, "rollback", "channels-remove"}
        ),
        ("ssm:GetParameter",),
        (COPY_OF_LATEST,),
        "The copy of latest in SSM, which the first Startifact wrote alone.",
    ),
    Permission(
        "CopiesOfChannels",
        _COMPARING,
        ("ssm:GetParameter",),
        (COPIES,),
        "The copies of all channels in SSM, to compare them.",
    ),
    Permission(
        "Stage",
        _STAGING,
        ("s3:PutObject", "s3:AbortMultipartUpload"),
        (ARTIFACTS, LATEST),
        "The artifact, and latest.",
        OWN_ACCOUNT,
    ),
    Permission(
        "WriteCopyOfLatest",
        ("stage", "copy-to"),
        ("ssm:PutParameter",),
        (COPY_OF_LATEST,),
        "The copy of latest in SSM.",
    ),
    Permission(
        "Promote",
        _MOVING,
        ("s3:PutObject",),
        (CHANNEL,),
        "The channel.",
        OWN_ACCOUNT,
    ),
    Permission(
        "WriteCopyOfChannel",
        ("promote", "rollback"),
        ("ssm:PutParameter",),
        (COPY_OF_CHANNEL,),
        "The copy of the channel in SSM.",
    ),
    Permission(
        "DeleteCopyOfChannel",
        ("channels-remove",),
        ("ssm:DeleteParameter",),
        (COPY_OF_CHANNEL,),
        "The copy of the channel in SSM, which goes with the channel.",
    ),
    Permission(
        "Yank",
        (*_YANKING, "copy-to"),
        ("s3:PutObject",),
        (YANKS,),
        "That a version was yanked.",
        OWN_ACCOUNT,
    ),
    Permission(
        "Prune",
        ("prune",),
        ("s3:PutObject",),
        (ARTIFACTS, BELOW_PROJECT),
        "What stands for a removed version, the marks of what is to go, and the state of each "
        "channel, which is accepted again.",
        OWN_ACCOUNT,
    ),
    Permission(
        "NeverLatest",
        ("prune",),
        ("s3:PutObject",),
        (LATEST,),
        "A prune never moves latest.",
        is_denial=True,
    ),
    Permission(
        "MetadataOfTheFirstStartifact",
        ("prune", "repair"),
        ("s3:DeleteObject",),
        (LEGACY_METADATA,),
        "The metadata that the first Startifact stored beside a version that was removed.",
        OWN_ACCOUNT,
        When.FIRST,
    ),
    Permission(
        "RepairChannels",
        _REPAIRING,
        ("s3:PutObject",),
        (BELOW_PROJECT,),
        "Channels, yanks and removals that a region lacks, and copies of what is not kept.",
        OWN_ACCOUNT,
    ),
    Permission(
        "RepairCopiesOfChannels",
        _REPAIRING,
        ("ssm:PutParameter", "ssm:DeleteParameter"),
        (COPIES,),
        "The copies of channels in SSM.",
    ),
    Permission(
        "SetAside",
        ("repair-keep",),
        ("s3:AbortMultipartUpload",),
        (QUARANTINE,),
        "The content that is not kept, where copying it aside was begun in vain.",
        OWN_ACCOUNT,
    ),
    Permission(
        "DeleteWhatWasSetAside",
        ("repair-keep",),
        ("s3:DeleteObject",),
        (ARTIFACTS,),
        "The content that is not kept, in its place.",
        OWN_ACCOUNT,
    ),
    Permission(
        "Tag",
        _STAGING,
        ("s3:PutObjectTagging",),
        (ARTIFACTS,),
        "The tags of the artifact.",
        OWN_ACCOUNT,
        When.TAGS,
    ),
    Permission(
        "TagWhatIsSetAside",
        ("repair-keep",),
        ("s3:PutObjectTagging",),
        (QUARANTINE,),
        "The tags of the content that is not kept.",
        OWN_ACCOUNT,
        When.TAGS,
    ),
    Permission(
        "Retain",
        _STAGING,
        ("s3:PutObjectRetention",),
        (ARTIFACTS,),
        "How long the artifact is retained.",
        OWN_ACCOUNT,
        When.LOCK,
    ),
    Permission(
        "RetainWhatIsSetAside",
        ("repair-keep",),
        ("s3:PutObjectRetention",),
        (QUARANTINE,),
        "How long the content that is not kept is retained.",
        OWN_ACCOUNT,
        When.LOCK,
    ),
    Permission(
        "Decrypt",
        _OF_A_PROJECT,
        ("kms:Decrypt",),
        (KMS_KEY,),
        "What is read, and the parts of uploads.",
        BY_S3,
        When.KMS,
    ),
    Permission(
        "Encrypt",
        WRITING,
        ("kms:GenerateDataKey",),
        (KMS_KEY,),
        "What is written.",
        BY_S3,
        When.KMS,
    ),
    Permission(
        "Probe",
        WRITING,
        ("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"),
        (PROBE,),
        "Objects that show whether the store honours conditions.",
        OWN_ACCOUNT,
        When.OTHER_STORE,
    ),
    Permission(
        "ProbeDeletion",
        ("repair-keep",),
        ("s3:DeleteObject",),
        (PROBE,),
        "Objects that show whether the store honours conditional deletion.",
        OWN_ACCOUNT,
        When.OTHER_STORE,
    ),
    Permission(
        "TakeOnRole",
        ("copy-from",),
        ("sts:AssumeRole",),
        (ROLE,),
        "The role that reaches the regions to copy to; its trust policy has to allow it too.",
        when=When.TO_ROLE,
    ),
    Permission(
        "WriteConfiguration",
        ("setup",),
        ("ssm:GetParameter", "ssm:PutParameter"),
        (CONFIGURATION,),
        "The organisation configuration.",
    ),
    Permission(
        "ReadBucketName",
        ("setup",),
        ("ssm:GetParameter",),
        (BUCKET_NAME,),
        "The name of the region's bucket, to warn where there is none.",
    ),
)
"""Every permission; those that an operation needs are those that name it."""


_STACK = "arn:{partition}:cloudformation:{region}:{account}:stack/{name}"
_ROLES = "arn:{partition}:iam::{account}:role/{name}-*"
_ROLES_POLICY = "arn:{partition}:iam::{account}:policy/{name}-*"
_PROVIDER = "arn:{partition}:iam::{account}:oidc-provider/token.actions.githubusercontent.com"
_EVERYTHING = "*"
"""What has no resources in IAM."""

BOOTSTRAP = "bootstrap"
"""The one command that people alone run, and whose permissions are a table of their own."""

BOOTSTRAP_PERMISSIONS: tuple[Permission, ...] = (
    Permission(
        "Stacks",
        (BOOTSTRAP,),
        (
            *("cloudformation:DescribeStacks", "cloudformation:GetTemplate"),
            *("cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet"),
            *("cloudformation:ExecuteChangeSet", "cloudformation:DescribeStackEvents"),
        ),
        (f"{_STACK}/*", f"{_STACK}-roles/*"),
        "The stack of each region, and that of the roles.",
    ),
    Permission(
        "Buckets",
        (BOOTSTRAP,),
        (
            *("s3:CreateBucket", "s3:ListBucket", "s3:GetBucket*", "s3:Get*Configuration"),
            *("s3:PutBucketVersioning", "s3:PutBucketPublicAccessBlock"),
            *("s3:PutBucketOwnershipControls", "s3:PutEncryptionConfiguration"),
            *("s3:PutLifecycleConfiguration", "s3:PutBucketObjectLockConfiguration"),
            *("s3:PutBucketPolicy", "s3:PutBucketTagging"),
            *("s3:DeleteBucketPolicy", "s3:DeleteBucket"),
        ),
        (BUCKET,),
        "The buckets, by CloudFormation, and what doctor looks at. A stack that could not be made "
        "takes its own away again.",
    ),
    Permission(
        "Parameters",
        (BOOTSTRAP,),
        (
            *("ssm:GetParameter", "ssm:GetParameters", "ssm:PutParameter"),
            *("ssm:AddTagsToResource", "ssm:RemoveTagsFromResource"),
            *("ssm:DeleteParameter", "ssm:DeleteParameters"),
        ),
        (CONFIGURATION, BUCKET_NAME),
        "The organisation configuration, and the name of each bucket.",
    ),
    Permission(
        "Roles",
        (BOOTSTRAP,),
        (
            *("iam:GetRole", "iam:CreateRole", "iam:UpdateRole", "iam:UpdateRoleDescription"),
            *("iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:GetRolePolicy"),
            *("iam:DeleteRolePolicy", "iam:AttachRolePolicy", "iam:DetachRolePolicy"),
            *("iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "iam:ListRoleTags"),
            *("iam:TagRole", "iam:DeleteRole"),
        ),
        (_ROLES,),
        "The roles; they are deleted where making them fails.",
    ),
    Permission(
        "PolicyOfTheRoles",
        (BOOTSTRAP,),
        (
            *("iam:GetPolicy", "iam:CreatePolicy", "iam:GetPolicyVersion"),
            *("iam:ListPolicyVersions", "iam:CreatePolicyVersion", "iam:DeletePolicyVersion"),
            "iam:DeletePolicy",
        ),
        (_ROLES_POLICY,),
        "What all roles may read.",
    ),
    Permission(
        "Provider",
        (BOOTSTRAP,),
        (
            *("iam:GetOpenIDConnectProvider", "iam:CreateOpenIDConnectProvider"),
            *("iam:TagOpenIDConnectProvider", "iam:UpdateOpenIDConnectProviderThumbprint"),
        ),
        (_PROVIDER,),
        "GitHub's identity provider.",
    ),
    Permission(
        "Account",
        (BOOTSTRAP,),
        (
            *("iam:ListOpenIDConnectProviders", "iam:GetAccountSummary"),
            *("s3:ListAllMyBuckets", "ssm:DescribeParameters"),
        ),
        (_EVERYTHING,),
        "What there is in the account, and how much of it there may be.",
    ),
    Permission(
        "Key",
        (BOOTSTRAP,),
        ("kms:DescribeKey",),
        (KMS_KEY,),
        "The key of the buckets.",
        when=When.KMS,
    ),
)
"""What bootstrap needs, and CloudFormation, which acts with the permissions of whoever runs it."""


def permissions_of(operation: str) -> tuple[Permission, ...]:
    """Return what *operation* needs, by its name in `OPERATIONS`."""
    return tuple(permission for permission in PERMISSIONS if operation in permission.operations)
