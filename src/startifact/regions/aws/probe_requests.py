"""What the probe asks of a store: the requests of a staging, header by header, at keys of its own.

Objects and uploads are kept track of, so that nothing is left where that can be helped.
"""

import hashlib
import logging
import secrets
import threading
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from startifact.concurrency.heartbeat import check_cancelled, unfollowed
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import StartifactError
from startifact.model.keys import probe_key
from startifact.regions.aws.bucket import Bucket
from startifact.regions.aws.checksums import base64_of, crc32_text
from startifact.regions.aws.errors import aws_errors
from startifact.regions.aws.partitions import arn
from startifact.regions.aws.request_options import beside_sha256, of_probes
from startifact.regions.aws.trouble import code_of
from startifact.regions.aws.upload import RECORD, abort

logger = logging.getLogger(__name__)

METADATA = {RECORD: '{"probe":"true"}'}

_HEADERS = {
    "MpuObjectSize": "x-amz-mp-object-size",
    "ChecksumSHA256": "x-amz-checksum-sha256",
    "ChecksumCRC32": "x-amz-checksum-crc32",
    "ChecksumAlgorithm": "x-amz-checksum-algorithm",
    "Metadata": f"x-amz-meta-{RECORD}",
    "ContentType": "Content-Type",
    "StorageClass": "x-amz-storage-class",
    "Tagging": "x-amz-tagging",
    "ObjectLockMode": "x-amz-object-lock-mode",
    "IfNoneMatch": "If-None-Match",
    "IfMatch": "If-Match",
}
"""The headers that a store may refuse, by the SDK's name."""


_REFUSING = frozenset({400, 405, 411, 415, 501})
"""The statuses with which stores refuse what they do not know."""


class RefusedHeaderError(Exception):
    """A store refuses a request for one of its headers."""

    def __init__(self, header: str, operation: str) -> None:
        super().__init__(header, operation)
        self.header = header
        self.operation = operation


class ProbeRequests:
    """The requests of one probe. Safe to use from several threads."""

    def __init__(self, bucket: Bucket, project: str) -> None:
        self._bucket = bucket
        self._project = project
        self._client: Any = bucket.client
        self._lock = threading.Lock()
        self._keys: list[str] = []
        self._uploads: dict[str, str] = {}
        self._closed = False

    def new_key(self) -> str:
        """Return a whole key at which nothing is."""
        key = self._bucket.full(probe_key(self._project, secrets.token_hex(8)))
        with self._lock:
            self._keys.append(key)
        return key

    def put(self, key: str, number: int = 0, **condition: str) -> str:
        """Store what writer *number* has at *key*, as an artifact; return its ETag."""
        body = _body(number)
        answer = self._send(
            self._client.put_object,
            **self._where(key),
            Body=body,
            ContentLength=len(body),
            ContentType="application/octet-stream",
            Metadata=METADATA,
            ChecksumSHA256=_checksum(body),
            **beside_sha256(self._bucket.options),
            **of_probes(self._bucket.options),
            **condition,
        )
        return str(answer["ETag"])

    def put_channel(self, key: str, number: int = 0, **condition: str) -> str:
        """Store what writer *number* has at *key*, as a channel; return its ETag."""
        body = _body(number)
        answer = self._send(
            self._client.put_object,
            **self._where(key),
            Body=body,
            ContentType="application/json",
            ChecksumSHA256=_checksum(body),
            **condition,
        )
        return str(answer["ETag"])

    def upload(self, key: str, number: int = 0) -> dict[str, Any]:
        """Send what writer *number* has in a part; return what is needed to complete it."""
        upload = self._send(
            self._client.create_multipart_upload,
            **self._where(key),
            ContentType="application/octet-stream",
            Metadata=METADATA,
            ChecksumAlgorithm="CRC32",
            **of_probes(self._bucket.options),
        )["UploadId"]
        with self._lock:
            self._uploads[upload] = key
            closed = self._closed
        if closed:
            self._abort(upload, key)
        check_cancelled()
        body = _body(number)
        checksum = crc32_text(zlib.crc32(body))
        sent = self._send(
            self._client.upload_part,
            **self._where(key),
            UploadId=upload,
            PartNumber=1,
            Body=body,
            ContentLength=len(body),
            ChecksumCRC32=checksum,
        )
        part = {"ETag": sent["ETag"], "PartNumber": 1, "ChecksumCRC32": checksum}
        return {
            "UploadId": upload,
            "MultipartUpload": {"Parts": [part]},
            "MpuObjectSize": len(body),
        }

    def complete(self, key: str, upload: dict[str, Any], **condition: str) -> None:
        """Complete *upload*."""
        self._send(
            self._client.complete_multipart_upload, **self._where(key), **upload, **condition
        )
        with self._lock:
            self._uploads.pop(upload["UploadId"], None)

    def describe(self, key: str) -> tuple[str, dict[str, str]]:
        """Return ETag and metadata of what is at *key*."""
        with self.errors("s3:GetObject", key):
            head = self._client.head_object(**self._where(key))
        return str(head["ETag"]), head["Metadata"]

    def read_channel(self, key: str) -> str:
        """Return the ETag of what is at *key*, as it comes with its bytes."""
        with self.errors("s3:GetObject", key):
            answer = self._client.get_object(**self._where(key))
            answer["Body"].close()
        return str(answer["ETag"])

    def delete(self, key: str, **condition: str) -> None:
        """Delete what is at *key*."""
        self._send(self._client.delete_object, **self._where(key), **condition)

    def errors(self, action: str, key: str) -> Any:
        """Turn what the SDK raises inside into errors that name *action* and *key*."""
        resource = arn(self._client, self._bucket.name, key)
        return aws_errors(action, region=self._bucket.region, resource=resource)

    def clean_up(self, *, deletes: bool) -> None:
        """Abort what uploads are open, and with *deletes* delete what may be deleted.

        Startifact needs no permission to delete: what is refused is only logged.
        """
        with self._lock:
            self._closed = True
            keys, uploads = list(self._keys), dict(self._uploads)
        refusals: list[StartifactError] = []
        jobs = [partial(self._abort, upload, key) for upload, key in uploads.items()]
        jobs += [partial(self._delete_quietly, key, refusals) for key in keys if deletes]
        with unfollowed():  # this thread may have been cancelled
            limits = self._bucket.limits
            run_in_pool(jobs, workers=limits.part_workers, limits=limits)
        if refusals:
            logger.info(
                "%s: objects below %s/_probe/ were not deleted: %s",
                self._bucket.region, self._project, refusals[0],
            )  # fmt: skip

    def _send(self, request: Callable[..., Any], **arguments: Any) -> Any:
        """Return what *request* answers; the same refusal twice may be that of a header.

        Raises:
            RefusedHeaderError: It is, and without the header the request would be granted.
        """
        try:
            return request(**arguments)
        except ClientError as e:
            if e.response.get("ResponseMetadata", {}).get("HTTPStatusCode") not in _REFUSING:
                raise
            first = code_of(e)
        try:
            return request(**arguments)
        except ClientError as e:
            header = _refused_header(e, request, arguments) if code_of(e) == first else None
            if header is None:
                raise
            raise RefusedHeaderError(header, e.operation_name) from e

    def _abort(self, upload: str, key: str) -> None:
        bucket = self._bucket
        abort(self._client, region=bucket.region, bucket=bucket.name, key=key, upload=upload)

    def _delete_quietly(self, key: str, refusals: list[StartifactError]) -> None:
        try:
            with self.errors("s3:DeleteObject", key):
                self.delete(key)
        except StartifactError as e:
            refusals.append(e)

    def _where(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket.name, "Key": key}


def _refused_header(
    refusal: ClientError, request: Callable[..., Any], arguments: dict[str, Any]
) -> str | None:
    """Return the header that *request* was refused for.

    The service may say so; else *request* is made without each of them.
    """
    known = {name: header for name, header in _HEADERS.items() if name in arguments}
    said = str(refusal.response.get("Error", "")).lower()
    for header in known.values():
        if header.lower() in said:
            return header
    for name, header in known.items():
        try:
            request(**{other: value for other, value in arguments.items() if other != name})
        except ClientError as e:
            if code_of(e) == code_of(refusal):
                continue
        return header
    return None


def _body(number: int) -> bytes:
    return (
        f"Startifact writes this to see whether the store honours conditions: {number}\n".encode()
    )


def _checksum(body: bytes) -> str:
    return base64_of(hashlib.sha256(body).digest())
