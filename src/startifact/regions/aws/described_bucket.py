"""What S3 says of objects without their bytes, and its reason where it refuses to say it.

S3 answers HEAD without a reason, and refuses whoever may not list also what is not there.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from startifact.concurrency.heartbeat import holding
from startifact.errors import AccessDeniedError, ConfigurationError
from startifact.limits import Limits
from startifact.model.bucket_options import BucketOptions
from startifact.model.keys import Key
from startifact.regions.aws import advice
from startifact.regions.aws.endpoint import is_custom
from startifact.regions.aws.errors import REFUSED, aws_errors
from startifact.regions.aws.head import md5_of, version_of, why_archived
from startifact.regions.aws.partitions import arn
from startifact.regions.aws.request_options import expected_owner_in
from startifact.regions.aws.trouble import code_of, may_pass, said_by_aws, status_of
from startifact.regions.aws.upload import RECORD
from startifact.regions.interface import StoredArtifact

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})


class DescribedBucket:
    """Describes the objects below *prefix* in one bucket. *region* names it in messages."""

    def __init__(
        self,
        client: "S3Client",
        *,
        region: str,
        name: str,
        prefix: str,
        limits: Limits,
        options: BucketOptions,
    ) -> None:
        self.client = client
        self.region = region
        self.name = name
        self.prefix = prefix
        self.limits = limits
        self.options = options
        self._exists = threading.Event()
        self._asking_existence = threading.Lock()
        # Only keys that are absent now: one that was staged since is taken out.
        self._deleted: set[str] = set()

    @property
    def is_aws(self) -> bool:
        """Whether the store is Amazon S3 itself.

        There a clean answer to a conditional write proves it: 2xx with an ETag and the checksum
        that was sent. Every other store shows first that it honours conditions at all, and is asked
        again what is there after each write of an artifact, whatever it has answered.
        """
        return not is_custom(self.client.meta.endpoint_url)

    def full(self, key: str) -> str:
        """Return the object's whole key."""
        return f"{self.prefix}{key}"

    def arn(self, key: str | None = None) -> str:
        """Return the ARN of the bucket, or of the object at *key*."""
        return arn(self.client, self.name, None if key is None else self.full(key))

    def describe(self, key: Key) -> StoredArtifact | None:
        """Return the artifact at *key*, or ``None`` when there is none."""
        with self._errors("s3:GetObject", key):
            try:
                head = self.client.head_object(Bucket=self.name, Key=self.full(key))
            except ClientError as e:
                if self._says_absent(e, key):
                    return None
                self._raise_reason(e, key)
                raise
            self._deleted.discard(key)
            size, token, encoded_record = (
                head["ContentLength"],
                head["ETag"],
                head["Metadata"].get(RECORD),
            )
        return StoredArtifact(
            size=size,
            encoded_record=encoded_record,
            token=token,
            md5=md5_of(head),
            object_version=version_of(head),
            archived=why_archived(head),
        )

    def why_absent(self, key: Key) -> str | None:
        """Return that *key* was deleted, where that is known."""
        if key not in self._deleted:
            return None
        return (
            "a delete marker is in its place: it was deleted, and the bucket may have its versions "
            "still"
        )

    def _says_absent(self, error: ClientError, key: Key) -> bool:
        """Say whether *error*, the answer to HEAD, says that nothing is at *key*."""
        headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        is_deleted = headers.get("x-amz-delete-marker") == "true"
        if is_deleted:
            self._deleted.add(key)
        elif code_of(error) in ABSENT:
            self._deleted.discard(key)
            self._check_exists()
        elif code_of(error) not in REFUSED or self._is_listed(key):
            return False
        return True

    def _raise_reason(self, error: ClientError, key: Key) -> None:
        """Raise what S3 says of *key* where it gave *error*, the answer to HEAD, without a reason.

        The answer to a request for the first byte has one.
        """
        if may_pass(error) or not 400 <= status_of(error) <= 501:
            return
        try:
            answer = self.client.get_object(Bucket=self.name, Key=self.full(key), Range="bytes=0-0")
        except ClientError as e:
            if code_of(e) not in {"InvalidRange", "416"}:  # an empty object has no first byte
                raise
        else:
            answer["Body"].close()

    def _errors(self, action: str, key: str) -> contextlib.AbstractContextManager[None]:
        return self._errors_of(action, self.arn(key))

    def _bucket_errors(self) -> contextlib.AbstractContextManager[None]:
        # This action is allowed on the bucket: with a key behind it, a policy does not match.
        return self._errors_of("s3:ListBucket", self.arn())

    def _errors_of(self, action: str, resource: str) -> contextlib.AbstractContextManager[None]:
        aws_region = self.client.meta.region_name
        return aws_errors(action, region=self.region, resource=resource, aws_region=aws_region)

    @contextlib.contextmanager
    def shows_existence(self) -> Iterator[None]:
        """Ask inside what may show that the bucket exists; whoever has to know waits for that."""
        asks = not self._exists.is_set() and self._asking_existence.acquire(blocking=False)
        try:
            yield
        finally:
            if asks:
                self._asking_existence.release()

    def has_answered(self) -> None:
        """Record that the bucket exists: it has given, or missed, an object by its key."""
        self._exists.set()

    def _check_exists(self) -> None:
        """Return when the bucket exists: HEAD is answered alike without bucket and without object.

        An answer to GET, which has a body, tells one from the other. Where one is under way, it is
        waited for.
        """
        if self._exists.is_set():
            return
        with holding(self._asking_existence):
            if not self._exists.is_set():
                self._ask_existence()

    def _ask_existence(self) -> None:
        with self._bucket_errors():
            try:
                self.client.head_bucket(Bucket=self.name)
            except ClientError as e:
                if code_of(e) in ABSENT | {"NoSuchBucket"}:
                    raise ConfigurationError(
                        f"there is no bucket {self.name} in {self.region}",
                        hint="Make the bucket, or correct its name where it is configured",
                    ) from e
                if code_of(e) not in REFUSED:  # a refusal shows that the bucket exists
                    raise
        self._exists.set()

    def _is_listed(self, key: Key) -> bool:
        """Say whether *key* is there: without s3:ListBucket, S3 refuses absent keys as well."""
        try:
            with self._bucket_errors():
                page = self.client.list_objects_v2(
                    Bucket=self.name, Prefix=self.full(key), MaxKeys=1
                )
        except AccessDeniedError as e:
            if not isinstance(e.__cause__, ClientError) or code_of(e.__cause__) not in REFUSED:
                raise  # the credentials are refused, not this request: a policy would not help
            said = said_by_aws(e.__cause__.response.get("Error", {}).get("Message", ""))
            raise AccessDeniedError(
                f"{self.region} neither shows {key} nor says that it is not there: {said}",
                hint=f"Allow s3:GetObject on {self.arn(key)} and s3:ListBucket on {self.arn()}"
                + advice.or_requester_pays(said)
                + advice.or_other_owner(expected_owner_in(e.__cause__.response)),
            ) from e
        return any(item["Key"] == self.full(key) for item in page.get("Contents", []))
