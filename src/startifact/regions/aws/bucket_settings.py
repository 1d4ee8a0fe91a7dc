"""How a bucket is set up: what keeps artifacts in it, keeps others out, and keeps it tidy.

Startifact needs none of the permissions to read this. Where they are missing, it is not known.
"""

import shlex
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from startifact.errors import StartifactError
from startifact.hints import Hint
from startifact.limits import MANY_PARAMETERS, MAX_PARAMETERS
from startifact.model.examination import (
    ENCRYPTION,
    KMS_KEY,
    LIFECYCLE,
    PARAMETERS,
    PUBLIC_ACCESS,
    REPLICATION,
    VERSIONING,
    Check,
    CheckState,
    ExaminationRequest,
    failed,
    not_tried,
    ok,
)
from startifact.regions.aws.asking import Asking, code_behind, unknown_by
from startifact.regions.aws.bucket import Bucket
from startifact.regions.aws.bucket_lifecycle import Lifecycle
from startifact.regions.aws.configuration_loader import (
    ConfigurationLoader,
    clients_of,
    store_configuration,
)
from startifact.regions.aws.partitions import store_in
from startifact.text import joined, quoted, quoted_list

if TYPE_CHECKING:
    from startifact.regions.aws.region import Reach

_BLOCKS = (
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
)
_ENCRYPTS = '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}'
_ENCRYPTS_BY_KEY = (
    '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms",'
    '"KMSMasterKeyID":"ARN_OF_KEY"},"BucketKeyEnabled":true}]}'
)
_KEY_CURES = {
    "Disabled": "aws kms enable-key",
    "PendingDeletion": "aws kms cancel-key-deletion",
    "PendingImport": "aws kms import-key-material",
}


def examine_settings(
    bucket: Bucket, asking: Asking, reach: "Reach", request: ExaminationRequest
) -> Iterator[Check]:
    """Yield how *bucket* is set up, and its key and the parameters beside it."""
    if not bucket.is_aws:
        yield not_tried("settings", "only buckets of Amazon S3 are asked for theirs")
        return
    settings = _Settings(bucket, asking)
    yield settings.versioning()
    encryption = settings.encryption()
    yield encryption
    if key := key_of(bucket, encryption):
        yield settings.key(key, reach)
    yield settings.public_access()
    yield settings.lifecycle(request)
    yield settings.replication()
    if reach.loader is not None:
        yield _parameters(asking, reach.loader)


def key_of(bucket: Bucket, encryption: Check) -> str | None:
    """Return the key in KMS that what is stored is encrypted with, if that is one's own."""
    return bucket.options.kms_key or next(iter(encryption.subjects), None)


class _Settings:
    """The settings of one bucket."""

    def __init__(self, bucket: Bucket, asking: Asking) -> None:
        self._bucket = bucket
        self._asking = asking

    def _ask(self, name: str, action: str, absent: str, call: Callable[..., Any]) -> Any:
        """Return the setting; nothing where it is *absent*, or the check that it is not known."""
        arn = self._bucket.arn()
        try:
            return self._asking.ask(action, arn, lambda: call(Bucket=self._bucket.name))
        except StartifactError as e:
            return {} if code_behind(e) == absent else unknown_by(name, e, action, arn)

    def _command(self, words: str) -> str:
        command, _, options = words.partition(" ")
        region, name = self._asking.aws_region, self._bucket.name
        text = f"aws s3api {command} --bucket {name} --region {region} {options}"
        return text.rstrip()

    def versioning(self) -> Check:
        """Return whether what is overwritten or deleted can be brought back."""
        call = self._bucket.client.get_bucket_versioning
        found = self._ask(VERSIONING, "s3:GetBucketVersioning", "", call)
        if isinstance(found, Check):
            return found
        if found.get("Status") == "Enabled":
            return ok(VERSIONING, "what is overwritten or deleted is kept as a version")
        state = "was suspended" if found.get("Status") else "is off"
        cure = self._command("put-bucket-versioning --versioning-configuration Status=Enabled")
        return failed(
            VERSIONING, f"it {state}: what somebody deletes is gone", f"Switch it on: {cure}"
        )

    def encryption(self) -> Check:
        """Return how objects are encrypted; its subject is a key of one's own."""
        found = self._ask(
            ENCRYPTION,
            "s3:GetEncryptionConfiguration",
            "ServerSideEncryptionConfigurationNotFoundError",
            self._bucket.client.get_bucket_encryption,
        )
        if isinstance(found, Check):
            return found
        rules = found.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
        if not rules:
            cure = self._command(
                f"put-bucket-encryption --server-side-encryption-configuration '{_ENCRYPTS}'"
            )
            return failed(ENCRYPTION, "the bucket says of no encryption", f"Set one: {cure}")
        default = rules[0].get("ApplyServerSideEncryptionByDefault", {})
        algorithm, key = str(default.get("SSEAlgorithm", "")), default.get("KMSMasterKeyID")
        if not algorithm.startswith("aws:kms"):
            return ok(ENCRYPTION, f"with keys of S3 ({algorithm or 'AES256'})")
        if key is None:
            return ok(ENCRYPTION, f"with the key that AWS keeps for S3 ({algorithm})")
        return ok(ENCRYPTION, f"with {quoted(key)} ({algorithm})", str(key))

    def public_access(self) -> Check:
        """Return whether everybody is kept out."""
        found = self._ask(
            PUBLIC_ACCESS,
            "s3:GetBucketPublicAccessBlock",
            "NoSuchPublicAccessBlockConfiguration",
            self._bucket.client.get_public_access_block,
        )
        if isinstance(found, Check):
            return found
        blocks = found.get("PublicAccessBlockConfiguration", {})
        open_ = [name for name in _BLOCKS if not blocks.get(name)]
        if not open_:
            return ok(PUBLIC_ACCESS, "all of it is blocked")
        options = ",".join(f"{name}=true" for name in _BLOCKS)
        cure = self._command(
            f"put-public-access-block --public-access-block-configuration {options}"
        )
        return failed(PUBLIC_ACCESS, f"{joined(open_)}: not set", f"Block it: {cure}")

    def lifecycle(self, request: ExaminationRequest) -> Check:
        """Return whether unfinished uploads go, and artifacts stay."""
        found = self._ask(
            LIFECYCLE,
            "s3:GetLifecycleConfiguration",
            "NoSuchLifecycleConfiguration",
            self._bucket.client.get_bucket_lifecycle_configuration,
        )
        if isinstance(found, Check):
            return found
        return Lifecycle(
            bucket=self._bucket,
            rules=tuple(found.get("Rules", ())),
            request=request,
            command=self._command,
        ).check()

    def replication(self) -> Check:
        """Return where S3 copies objects to; the subjects are those buckets."""
        found = self._ask(
            REPLICATION,
            "s3:GetReplicationConfiguration",
            "ReplicationConfigurationNotFoundError",
            self._bucket.client.get_bucket_replication,
        )
        if isinstance(found, Check):
            return found
        rules = found.get("ReplicationConfiguration", {}).get("Rules", [])
        names = sorted(
            {
                str(rule.get("Destination", {}).get("Bucket", "")).rpartition(":")[2]
                for rule in rules
                if rule.get("Status") == "Enabled"
            }
        )
        if not names:
            return ok(REPLICATION, "S3 copies nothing from here")
        partition = self._bucket.client.meta.partition
        # What to do where one of them is that of a region, which the comparison of all shows.
        return Check(
            name=REPLICATION,
            state=CheckState.OK,
            found=f"to {quoted_list(names)}, which no region of the list has",
            next_step=Hint.of(
                f"Remove the rule: {self._command('get-bucket-replication')} shows all, and "
                f"{self._command('delete-bucket-replication')} removes all"
            ),
            subjects=tuple(store_in(partition, name) for name in names),
        )

    def key(self, key: str, reach: "Reach") -> Check:
        """Return whether *key* can be used."""
        action, region = "kms:DescribeKey", self._asking.aws_region
        try:
            kms = reach.clients.other("kms", region, reach.profile)
            answer = self._asking.ask(action, key, lambda: kms.describe_key(KeyId=key))
        except StartifactError as e:
            if code_behind(e) == "NotFoundException":
                found = f"there is no {quoted(key)}"
                if key == self._bucket.options.kms_key:
                    step = f"Name a key that is there: kms-key where {self._bucket.name} is spelled"
                    return failed(KMS_KEY, found, step, key)
                return failed(KMS_KEY, found, self._other_key_cure())
            return unknown_by(KMS_KEY, e, action, key)
        state = str(answer["KeyMetadata"].get("KeyState", ""))
        if state == "Enabled":
            return ok(KMS_KEY, "it is enabled")
        cure = _KEY_CURES.get(state)
        command = f": {cure} --key-id {shlex.quote(key)} --region {region}" if cure else ""
        return failed(
            KMS_KEY,
            f"its state is {quoted(state)}: nobody can read or write what it encrypts",
            f"Make the key usable again{command}",
        )

    def _other_key_cure(self) -> str:
        put = self._command(
            f"put-bucket-encryption --server-side-encryption-configuration '{_ENCRYPTS_BY_KEY}'"
        )
        return (
            f"Name a key that is there: {put}; what the old one has encrypted cannot be read "
            "without it"
        )


def _is_copy(name: str, prefix: str) -> bool:
    """Say whether the parameter *name* can be a copy of a channel: ``PREFIX/PROJECT/CHANNEL``."""
    return name.startswith(f"{prefix}/") and name.removeprefix(prefix).count("/") == 2


def _parameters(asking: Asking, loader: ConfigurationLoader) -> Check:
    """Return how many parameters there are in the account's region: there is a limit."""
    prefix = store_configuration(loader, asking.name).parameter_name_prefix
    action, resource = "ssm:DescribeParameters", "*"
    total = standard = copies = 0
    more: dict[str, Any] = {}
    try:
        client = clients_of(loader).ssm(asking.aws_region)
        while total < MAX_PARAMETERS:
            ask = partial(client.describe_parameters, MaxResults=50, **more)
            page = asking.ask(action, resource, ask)
            total += len(page["Parameters"])
            standard += sum(p.get("Tier") != "Advanced" for p in page["Parameters"])
            copies += sum(_is_copy(p["Name"], prefix) for p in page["Parameters"])
            if not page.get("NextToken"):
                break
            more = {"NextToken": page["NextToken"]}
    except StartifactError as e:
        return unknown_by(PARAMETERS, e, action, resource)
    of_channels = f", {copies:,} of them copies of channels" if prefix else ""
    found = f"{standard:,} of {MAX_PARAMETERS:,} in this account and region{of_channels}"
    if standard < MANY_PARAMETERS:
        return ok(PARAMETERS, found)
    return failed(
        PARAMETERS,
        found,
        f"Delete the copies of channels that nobody reads in SSM: aws ssm delete-parameters "
        f"--region {asking.aws_region} --names {prefix}/PROJECT/CHANNEL; or allow advanced "
        "parameters, which cost",
    )
