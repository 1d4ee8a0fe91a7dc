"""What the options of a bucket make requests carry.

Whose the bucket is goes with every request, and the key with every object. The rest is for
artifacts alone: a channel and a mark are replaced and read often, a lifecycle rule that goes by
tags must remove neither them nor a tombstone, and there is nothing in them to retain.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from startifact.limits import PROBE_LOCK_SECONDS
from startifact.model.bucket_options import BucketOptions

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from mypy_boto3_s3 import S3Client

_STORES = frozenset({"PutObject", "CreateMultipartUpload"})
_EXPECTED_OWNER = "startifact:expected-owner"
"""Under this name the SDK's reading of an answer holds the account that the request named."""


def send_options(client: "S3Client", options: BucketOptions) -> None:
    """Make all requests of *client* say whose the bucket is, and what encrypts what they store."""
    owner, key = options.bucket_owner, options.kms_key

    def name_owner(
        params: dict[str, Any],
        model: "OperationModel",
        context: Mapping[str, object] | None = None,
        **_: object,
    ) -> None:
        shape = model.input_shape
        if (context or {}).get("is_presign_request"):
            return  # whoever follows a link would have to send the same header
        if shape is not None and "ExpectedBucketOwner" in shape.members:
            params.setdefault("ExpectedBucketOwner", owner)  # doctor asks for another one too

    def name_key(params: dict[str, Any], model: "OperationModel", **_: object) -> None:
        if model.name in _STORES:
            params.update(ServerSideEncryption="aws:kms", SSEKMSKeyId=key)

    def mark(parsed: dict[str, Any], **_: object) -> None:
        parsed[_EXPECTED_OWNER] = owner

    events = client.meta.events
    if owner is not None:
        events.register("before-parameter-build.s3", name_owner)
        events.register("after-call.s3", mark)
    if key is not None:
        events.register("before-parameter-build.s3", name_key)


def expected_owner_in(parsed: Mapping[str, Any]) -> str | None:
    """Return the account that a request named as the bucket's owner; *parsed* is the answer."""
    owner: str | None = parsed.get(_EXPECTED_OWNER)
    return owner


def of_artifacts(options: BucketOptions) -> dict[str, Any]:
    """Return the arguments with which the object of an artifact is stored now."""
    until = timedelta(days=options.object_lock_days or 0)
    return _arguments(options, until)


def of_probes(options: BucketOptions) -> dict[str, Any]:
    """Return the same for an object that tries the store, which is locked for an hour only."""
    return _arguments(options, timedelta(seconds=PROBE_LOCK_SECONDS))


def beside_sha256(options: BucketOptions) -> dict[str, Any]:
    """Return what a PutObject says beside the SHA-256 of its body.

    S3 wants the algorithm named where an object is locked, and other stores need not know it.
    """
    return {} if options.object_lock_mode is None else {"ChecksumAlgorithm": "SHA256"}


def _arguments(options: BucketOptions, locked: timedelta) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    if options.storage_class is not None:
        arguments["StorageClass"] = options.storage_class
    if options.object_tags:
        arguments["Tagging"] = urlencode(options.object_tags, quote_via=quote, safe="")
    if options.object_lock_mode is not None:
        arguments["ObjectLockMode"] = options.object_lock_mode
        arguments["ObjectLockRetainUntilDate"] = datetime.now(UTC) + locked
    return arguments
