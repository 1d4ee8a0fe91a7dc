"""Parts of an object that S3 copies from another of its buckets, also in another region.

Copies are made in parts whatever their size. CopyObject would be one request, but a policy that
demands the condition may refuse it with the condition (the pages of AWS disagree), and it copies at
most 5 GB.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from startifact.concurrency.heartbeat import CURRENT_HEARTBEAT
from startifact.errors import IntegrityError, RegionUnavailableError
from startifact.files.parts import Part
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.regions.aws.conditions import UNMET
from startifact.regions.aws.errors import aws_errors
from startifact.regions.aws.partitions import arn
from startifact.regions.aws.trouble import code_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

_GONE = UNMET | {"NoSuchKey", "InvalidRange"}


@dataclass(frozen=True, slots=True)
class CopySource:
    """The object that is copied. Its version is not named: to read that is a right of its own."""

    bucket: str
    key: str
    etag: str
    owner: str | None = None
    """The account that the bucket has to belong to."""


def check_copies(region: str, limits: Limits) -> None:
    """Return while parts are being copied to *region*, for the worker that this thread is.

    Raises:
        RegionUnavailableError: None was for ``copy_wait_seconds``. The file may still be sent in
            time, before the region is given up.
    """
    heartbeat = CURRENT_HEARTBEAT.get()
    if heartbeat is not None and heartbeat.is_stuck(limits.copy_wait_seconds):
        why = f": {heartbeat.trouble}" if heartbeat.trouble else ""
        raise RegionUnavailableError(
            f"{region} has copied nothing for {limits.copy_wait_seconds:g} s{why}"
        )


def copy_part(
    client: "S3Client", source: CopySource, part: Part, where: Mapping[str, Any], *, region: str
) -> "CompletedPartTypeDef":
    """Copy *part* of *source* to *where*, and return what completing the upload needs of it.

    *region* is whose store copies it.

    Raises:
        IntegrityError: Another object, or none, is there now.
    """
    # To read the source is what may be refused here: the upload has begun.
    resource = arn(client, source.bucket, source.key)
    owner: dict[str, Any] = (
        {} if source.owner is None else {"ExpectedSourceBucketOwner": source.owner}
    )
    with aws_errors("s3:GetObject", region=region, resource=resource):
        try:
            copied = client.upload_part_copy(
                **where,
                CopySource={"Bucket": source.bucket, "Key": source.key},
                CopySourceIfMatch=source.etag,
                CopySourceRange=f"bytes={part.offset}-{part.offset + part.size - 1}",
                **owner,
            )["CopyPartResult"]
        except ClientError as e:
            if code_of(e) in _GONE:
                raise IntegrityError(
                    f"{source.key} in {source.bucket} was replaced or removed while it was copied"
                ) from e
            raise
    stored: CompletedPartTypeDef = {"ETag": copied["ETag"]}
    # As the store says it, not as it is known: what S3 compares is that of the whole.
    if checksum := copied.get("ChecksumCRC32"):
        stored["ChecksumCRC32"] = checksum
    return stored
