"""Writing an object that must not exist yet, in one request or in parts.

boto3's managed upload cannot do either conditionally, so the requests are made here.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from startifact.concurrency.backoff import attempts, pause_for, pause_seconds
from startifact.concurrency.heartbeat import unfollowed
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import (
    DamagedArtifactError,
    ExistsError,
    RegionUnavailableError,
    StartifactError,
)
from startifact.files.parts import Part
from startifact.files.source import Source
from startifact.hints import Command, Hint, Option
from startifact.limits import Limits
from startifact.model.bucket_options import BucketOptions
from startifact.regions.aws.checksums import FULL_OBJECT, base64_of, crc32_of_whole, crc32_text
from startifact.regions.aws.completion import complete
from startifact.regions.aws.conditional import write_once
from startifact.regions.aws.conditions import UNMET, ignored_condition
from startifact.regions.aws.copying import CopySource, check_copies, copy_part
from startifact.regions.aws.errors import aws_errors
from startifact.regions.aws.head import md5_of, version_of
from startifact.regions.aws.partitions import arn
from startifact.regions.aws.request_options import beside_sha256, of_artifacts
from startifact.regions.aws.trouble import CONFLICT, code_of
from startifact.regions.interface import Beat, StoredArtifact

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, UploadPartOutputTypeDef

T = TypeVar("T")

logger = logging.getLogger(__name__)

RECORD = "startifact"
"""The name of the user metadata that holds the record."""

# What arrived is not what its checksum says.
_DAMAGED = frozenset(
    {"BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "InvalidDigest"}
)
_TYPE = "application/octet-stream"

_NOT_AS_SENT = _DAMAGED | {"IncompleteBody"}


class Upload:
    """One artifact on its way into one bucket."""

    def __init__(
        self,
        client: "S3Client",
        *,
        region: str,
        bucket: str,
        key: str,
        exists: Callable[[], bool],
        is_aws: bool,
        beat: Beat,
        limits: Limits,
        options: BucketOptions,
        copy_from: CopySource | None = None,
    ) -> None:
        self._client = client
        self._exists = exists
        self._is_aws = is_aws
        self._copy_from = copy_from
        self._options = options
        self._region = region
        self._bucket = bucket
        self._key = key
        self._beat = beat
        self._limits = limits
        self._resource = arn(client, bucket, key)

    def create(self, source: Source, encoded_record: str) -> StoredArtifact | None:
        """Store *source* with *encoded_record* as its record, if nothing is there.

        Returns:
            The artifact, where the answer has its ETag and the checksum that was sent; ``None``
            where it lacks one, and for an upload in parts.

        Raises:
            ExistsError: Something is there.
            ConfigurationError: The region says so, and nothing is.
            DamagedArtifactError: The answer says that other bytes are.
        """
        send = self._in_parts if len(source.parts) > 1 or self._copy_from else self._at_once
        refused_before = False
        for _ in attempts(self._limits.conflict_retry):
            try:
                with self._errors():
                    try:
                        return send(source, encoded_record)
                    except ClientError as e:
                        if code_of(e) in UNMET:
                            if self._exists():
                                raise ExistsError(self._key) from e
                            if refused_before:
                                raise self._ignored_condition(e) from e
                            refused_before = True
                            continue
                        if code_of(e) not in CONFLICT:
                            raise
            finally:
                # Any answer is a sign of life; and who was cancelled makes no further attempt.
                self._beat(0)
        raise RegionUnavailableError(
            f"{self._region} kept answering that another operation on {self._resource} is under way"
        )

    def _ignored_condition(self, refusal: ClientError) -> StartifactError:
        return ignored_condition(
            refusal, region=self._region, key=self._key, expected=None, got=None
        )

    def _errors(self) -> contextlib.AbstractContextManager[None]:
        return aws_errors("s3:PutObject", region=self._region, resource=self._resource)

    def _at_once(self, source: Source, encoded_record: str) -> StoredArtifact | None:
        part, checksum = source.parts[0], base64_of(bytes.fromhex(source.sha256))
        answer: Mapping[str, Any] = {}

        def put() -> None:
            nonlocal answer
            with self._checked_body(source, part), source.open(part, self._on_read) as body:
                answer = self._client.put_object(
                    Bucket=self._bucket,
                    Key=self._key,
                    Body=body,
                    ContentLength=part.size,
                    ContentType=_TYPE,
                    Metadata={RECORD: encoded_record},
                    # S3 refuses bytes other than those that were hashed: the file may have changed.
                    ChecksumSHA256=checksum,
                    IfNoneMatch="*",
                    **beside_sha256(self._options),
                    **of_artifacts(self._options),
                )

        def put_unless_lost() -> bool:
            return write_once(self._client, put, settled=self._exists, limits=self._limits)

        if not self._as_it_was_sent(put_unless_lost):
            raise ExistsError(self._key)
        self._beat(part.size)
        if not answer.get("ETag") or answer.get("ChecksumSHA256") != checksum:
            return None
        return StoredArtifact(
            size=part.size,
            encoded_record=encoded_record,
            token=answer["ETag"],
            md5=md5_of(answer),
            object_version=version_of(answer),
        )

    def _in_parts(self, source: Source, encoded_record: str) -> None:
        upload = self._client.create_multipart_upload(
            Bucket=self._bucket,
            Key=self._key,
            ContentType=_TYPE,
            Metadata={RECORD: encoded_record},
            ChecksumAlgorithm="CRC32",
            **self._of_whole({}),
            **of_artifacts(self._options),
        )["UploadId"]
        try:
            sent_parts = self._send_parts(upload, source)
            # The digests hold for what was sent; the file may have grown since it was read.
            source.check_unchanged()
            # The last moment to stop: once completed, the object is there. Completing has a time of
            # its own, which begins here.
            self._beat(0)
            answer = self._complete(upload, source, sent_parts)
        except BaseException:
            # A signal too: parts that are left cost money, and no listing of objects shows them.
            abort(
                self._client,
                region=self._region,
                bucket=self._bucket,
                key=self._key,
                upload=upload,
            )
            raise
        self._check_stored(source, answer)

    def _check_stored(self, source: Source, answer: Mapping[str, Any]) -> None:
        """Return unless *answer*, to the completion, has the checksum of other bytes.

        What is stored stays: whoever has described it may rely on it, and to delete is a right of
        its own. A repair replaces it by its rules.
        """
        stored, sent = crc32_of_whole(answer, asked=self._is_aws), crc32_text(source.crc32)
        if stored in {None, sent}:
            return
        keep = Command("repair", options=(Option("keep", f"sha256:{source.sha256}"),))
        raise DamagedArtifactError(
            f"{self._region} says that it has stored {self._key} with other bytes: their CRC32 is "
            f"{stored}, that of the file is {sent}",
            hint=Hint.of(
                "Before it is staged again, ", keep, " replaces it from a region that holds it"
            ),
        )

    def _of_whole(self, checksum: dict[str, Any]) -> dict[str, Any]:
        """Return what asks S3 for a checksum of the whole, rather than of those of the parts.

        Other stores may know only the latter, which is what they do by themselves.
        """
        return checksum | {"ChecksumType": FULL_OBJECT} if self._is_aws else {}

    def _send_parts(self, upload: str, source: Source) -> "dict[int, CompletedPartTypeDef]":
        """Send all parts, several at a time, and return what completing needs of each."""
        sent_parts: dict[int, CompletedPartTypeDef] = {}
        run_in_pool(
            [
                partial(self._send_part, upload, source, number, part, sent_parts)
                for number, part in enumerate(source.parts, start=1)
            ],
            workers=self._limits.part_workers,
            limits=self._limits,
            check=self._check_copies,
        )
        return sent_parts

    def _check_copies(self) -> None:
        if self._copy_from is not None:
            check_copies(self._region, self._limits)

    def _complete(
        self, upload: str, source: Source, sent_parts: "dict[int, CompletedPartTypeDef]"
    ) -> Mapping[str, Any]:
        """Make the object of the parts, unless something is there, and return the answer.

        Raises:
            ExistsError: Something is there, perhaps this upload, completed by a lost attempt.
        """
        answer: Mapping[str, Any] = {}

        def request() -> None:
            nonlocal answer
            answer = self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=upload,
                # S3 wants them in order; they have arrived in any.
                MultipartUpload={"Parts": [sent_parts[number] for number in sorted(sent_parts)]},
                MpuObjectSize=source.size,
                **self._of_whole({"ChecksumCRC32": crc32_text(source.crc32)}),
                IfNoneMatch="*",
            )

        complete_upload = partial(
            complete,
            self._client,
            request,
            exists=self._exists,
            parts=len(sent_parts),
            limits=self._limits,
        )
        try:
            completed = complete_upload()
        except ClientError as e:
            if code_of(e) not in UNMET or self._exists():
                raise
            completed = self._complete_again(complete_upload, refusal=e)
        if not completed:
            raise ExistsError(self._key)
        return answer

    def _complete_again(self, complete_upload: Callable[[], bool], *, refusal: ClientError) -> bool:
        """Return what *complete_upload* does after a *refusal* although nothing is there.

        The parts are there still, and what was there may have been deleted at that moment.

        Raises:
            ClientError: It was refused for another reason. It is *refusal* where the parts are gone
                with the upload, so that all of them have to be sent again.
            ConfigurationError: It was refused as before, and nothing is there.
        """
        pause_for(pause_seconds(self._limits.conflict_retry, 1))
        try:
            return complete_upload()
        except ClientError as e:
            if code_of(e) == "NoSuchUpload":
                raise refusal from e
            if code_of(e) not in UNMET or self._exists():
                raise
            raise self._ignored_condition(e) from e

    def _send_part(
        self,
        upload: str,
        source: Source,
        number: int,
        part: Part,
        sent_parts: "dict[int, CompletedPartTypeDef]",
    ) -> None:
        where = {
            "Bucket": self._bucket,
            "Key": self._key,
            "UploadId": upload,
            "PartNumber": number,
        }
        if self._copy_from is None:
            stored = self._send_bytes(source, part, where)
        else:
            self._beat(0)
            stored = copy_part(self._client, self._copy_from, part, where, region=self._region)
        sent_parts[number] = {"PartNumber": number, **stored}
        self._beat(part.size)

    def _send_bytes(
        self, source: Source, part: Part, where: Mapping[str, Any]
    ) -> "CompletedPartTypeDef":
        checksum = crc32_text(part.crc32)

        def send() -> "UploadPartOutputTypeDef":
            with self._checked_body(source, part), source.open(part, self._on_read) as body:
                return self._client.upload_part(
                    **where, Body=body, ContentLength=part.size, ChecksumCRC32=checksum
                )

        return {"ETag": self._as_it_was_sent(send)["ETag"], "ChecksumCRC32": checksum}

    def _as_it_was_sent(self, send: Callable[[], T]) -> T:
        """Return what *send* does; it is called again where the bytes did not come as they were."""
        for attempt in attempts(self._limits.request_retry):
            try:
                return send()
            except ClientError as e:
                last = attempt == self._limits.request_retry.attempts
                if last or code_of(e) not in _NOT_AS_SENT:
                    raise
        raise AssertionError  # the last attempt has raised

    @contextlib.contextmanager
    def _checked_body(self, source: Source, part: Part) -> Iterator[None]:
        """Raise a `LocalFileError` where a body is refused because the file has changed."""
        try:
            yield
        except ClientError as e:
            if code_of(e) in _DAMAGED:
                source.check_bytes(part)
            raise

    def _on_read(self) -> None:
        self._beat(0)


def abort(client: "S3Client", *, region: str, bucket: str, key: str, upload: str) -> None:
    """Abort *upload*, so that its parts are deleted. An error is only logged.

    The error that ended the upload matters more, and a lifecycle rule of the bucket deletes parts
    that are left.
    """
    resource = arn(client, bucket, key)
    try:
        # This thread may have been cancelled, which must not keep it from aborting.
        with unfollowed(), aws_errors("s3:AbortMultipartUpload", region=region, resource=resource):
            client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
    except StartifactError as e:
        logger.info("%s: the upload was not aborted: %s", region, e)
