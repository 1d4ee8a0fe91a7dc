"""One bucket, as a store of artifacts and channels below a key prefix."""

import base64
import contextlib
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from startifact.concurrency.backoff import attempts
from startifact.concurrency.heartbeat import record_answer
from startifact.errors import (
    AccessDeniedError,
    ConfigurationError,
    IntegrityError,
    RegionUnavailableError,
)
from startifact.files.source import Source
from startifact.limits import MAX_CHANNEL_BYTES, Limits
from startifact.model.keys import Key, is_channel_key
from startifact.regions.aws.answers import NoAnswerError, is_page
from startifact.regions.aws.conditional import write_once
from startifact.regions.aws.conditions import UNMET, ignored_condition, is_same
from startifact.regions.aws.errors import REFUSED, aws_errors, code_of
from startifact.regions.aws.head import md5_of, version_of
from startifact.regions.aws.resuming import resumed, wrong_length
from startifact.regions.aws.upload import CONFLICT, RECORD, Upload
from startifact.regions.interface import Beat, StoredArtifact, StoredChannel

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_CHANGED = UNMET | CONFLICT


class Bucket:
    """The objects below *prefix* in one bucket. *region* names it in messages."""

    def __init__(
        self, client: "S3Client", *, region: str, name: str, prefix: str, limits: Limits
    ) -> None:
        self.client = client
        self.region = region
        self.name = name
        self.prefix = prefix
        self.limits = limits
        self._exists = threading.Event()

    def full(self, key: str) -> str:
        """Return the object's whole key."""
        return f"{self.prefix}{key}"

    def describe(self, key: Key) -> StoredArtifact | None:
        """Return the artifact at *key*, or ``None`` when there is none."""
        with self._errors("s3:GetObject", key):
            try:
                head = self.client.head_object(Bucket=self.name, Key=self.full(key))
            except ClientError as e:
                if code_of(e) in _ABSENT:
                    self._check_exists()
                    return None
                # S3 gives no reason with an answer to HEAD; the listing's answer has one.
                if code_of(e) in REFUSED | {"400"}:
                    listed = self._is_listed(key)
                    if not listed and code_of(e) in REFUSED:
                        return None
                raise
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
        )

    def create(self, key: Key, source: Source, encoded_record: str, beat: Beat) -> None:
        """Store *source* at *key* if nothing is there."""
        Upload(
            self.client,
            region=self.region,
            bucket=self.name,
            key=self.full(key),
            exists=lambda: self.describe(key) is not None,
            beat=beat,
            limits=self.limits,
        ).create(source, encoded_record)

    def read(self, key: Key, stored: StoredArtifact, start: int, stop: int) -> Iterator[bytes]:
        """Yield bytes *start* to *stop*; when a connection breaks, resume where it broke."""
        return resumed(partial(self._read_once, key, stored), start, stop, self.limits)

    def _read_once(
        self, key: Key, stored: StoredArtifact, start: int, stop: int
    ) -> Iterator[bytes]:
        with self._errors("s3:GetObject", key):
            try:
                answer = self.client.get_object(
                    Bucket=self.name,
                    Key=self.full(key),
                    Range=f"bytes={start}-{stop - 1}",
                    IfMatch=stored.token,
                )
            except ClientError as e:
                if code_of(e) in UNMET:
                    self._check_replaced(key, stored, e)
                if code_of(e) in _ABSENT and self.describe(key) == stored:
                    raise RegionUnavailableError(
                        f"{self.region} said that {key} is not there, and then that it is"
                    ) from e
                if code_of(e) in _CHANGED | _ABSENT | {"InvalidRange", "416"}:
                    raise self._replaced(key) from e
                raise
            with contextlib.closing(answer["Body"]) as body:
                if answer["ContentLength"] != stop - start:
                    if self.describe(key) != stored:
                        raise self._replaced(key)
                    raise wrong_length(self.region, key, answer["ContentLength"], stop - start)
                while start < stop:
                    block = body.read(min(self.limits.read_block_bytes, stop - start))
                    if not block:
                        raise RegionUnavailableError(f"{self.region} ended {key} early")
                    start += len(block)
                    yield block

    def _replaced(self, key: Key) -> IntegrityError:
        return IntegrityError(f"{key} in {self.region} was replaced or removed while it was read")

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys of artifacts that begin with *prefix*, and of nothing below them."""
        with self._errors("s3:ListBucket", prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=self.full(prefix)
            )
            for page in pages:
                for item in page.get("Contents", []):
                    key = Key(item["Key"].removeprefix(self.prefix))
                    if not is_channel_key(key):
                        yield key

    def delete(self, key: Key, stored: StoredArtifact) -> bool:
        """Delete the object that *stored* describes; ``False`` when another one is there."""
        with self._errors("s3:DeleteObject", key):
            for attempt in attempts(self.limits.conflict_retry):
                try:
                    self.client.delete_object(
                        Bucket=self.name, Key=self.full(key), IfMatch=stored.token
                    )
                except ClientError as e:
                    if code_of(e) in UNMET:
                        return self._check_replaced(key, stored, e) is None
                    if code_of(e) in _ABSENT:
                        break
                    last = attempt == self.limits.conflict_retry.attempts
                    if code_of(e) not in CONFLICT or last:
                        raise
                else:
                    break
        return True

    def read_channel(self, key: Key) -> StoredChannel | None:
        """Return the channel at *key*, or ``None`` when there is none."""
        return self.read_small(key, MAX_CHANNEL_BYTES)

    def read_small(self, key: Key, limit: int) -> StoredChannel | None:
        """Return the text at *key*, at most *limit* + 1 bytes of it, and its ETag."""
        with self._errors("s3:GetObject", key):
            try:
                answer = self.client.get_object(Bucket=self.name, Key=self.full(key))
            except ClientError as e:
                # "404" is no name of S3's: whatever answered, the listing settles it.
                if code_of(e) in _ABSENT - {"404"}:
                    return None
                if code_of(e) in REFUSED | {"404"} and not self._is_listed(key):
                    return None
                raise
            with contextlib.closing(answer["Body"]) as body:
                if is_page(answer["ResponseMetadata"]["HTTPHeaders"]):
                    raise NoAnswerError("a web page came instead")
                data, token = body.read(limit + 1), answer["ETag"]
        if len(data) < min(answer.get("ContentLength", 0), limit + 1):
            raise RegionUnavailableError(f"{self.region} ended {key} early")
        record_answer()
        return StoredChannel(data.decode(errors="replace"), token)

    def write_channel(self, key: Key, text: str, expected: StoredChannel | None) -> bool:
        """Replace *expected* by *text*; ``False`` when something else is there by now."""
        named = None if expected is None else expected.token
        refused_before = False
        while not isinstance(outcome := self._write(key, text, expected), bool):
            if code_of(outcome) not in UNMET:
                return False
            channel = self.read_channel(key)
            found = None if channel is None else channel.token
            if not is_same(found, named):
                return False
            if refused_before:  # another writer may take back what it did, but hardly twice
                raise ignored_condition(
                    outcome, region=self.region, key=self.full(key), expected=named, got=found
                )
            refused_before = True
        return outcome

    def _write(self, key: Key, text: str, expected: StoredChannel | None) -> bool | ClientError:
        """Write *text* where *expected* is, and say whether it is there; or why it was refused."""
        data = text.encode()
        condition: dict[str, Any] = (
            {"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected.token}
        )
        put = partial(
            self.client.put_object,
            Bucket=self.name,
            Key=self.full(key),
            Body=data,
            ContentType="application/json",
            ChecksumSHA256=base64.b64encode(hashlib.sha256(data).digest()).decode(),
            **condition,
        )
        current = expected

        def has_changed() -> bool:
            nonlocal current
            current = self.read_channel(key)
            return (current and current.text) != (expected and expected.text)

        with self._errors("s3:PutObject", key):
            try:
                if write_once(self.client, put, settled=has_changed, limits=self.limits):
                    return True
            except ClientError as e:
                if code_of(e) in _CHANGED | _ABSENT:
                    return e
                raise
        # The answer was lost: what is there is ours, or another writer's.
        return current is not None and current.text == text

    def _check_replaced(
        self, key: Key, stored: StoredArtifact, refusal: ClientError
    ) -> StoredArtifact | None:
        """Return what is at *key* now, another one than *stored*, which a condition named.

        Raises:
            ConfigurationError: It is *stored* still: the condition was not honoured.
        """
        found = self.describe(key)
        if found is not None and is_same(found.token, stored.token):
            raise ignored_condition(
                refusal,
                region=self.region,
                key=self.full(key),
                expected=stored.token,
                got=found.token,
            )
        return found

    def _errors(self, action: str, key: str) -> contextlib.AbstractContextManager[None]:
        resource = f"arn:aws:s3:::{self.name}/{self.full(key)}"
        return aws_errors(action, region=self.region, resource=resource)

    def _check_exists(self) -> None:
        """Return when the bucket exists: a missing one answers as if its objects were missing."""
        if self._exists.is_set():
            return
        with aws_errors("s3:ListBucket", region=self.region, resource=f"arn:aws:s3:::{self.name}"):
            try:
                self.client.head_bucket(Bucket=self.name)
            except ClientError as e:
                if code_of(e) in _ABSENT | {"NoSuchBucket"}:
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
            with self._errors("s3:ListBucket", key):
                page = self.client.list_objects_v2(
                    Bucket=self.name, Prefix=self.full(key), MaxKeys=1
                )
        except AccessDeniedError as e:
            if not isinstance(e.__cause__, ClientError) or code_of(e.__cause__) not in REFUSED:
                raise  # the credentials are refused, not this request: a policy would not help
            raise AccessDeniedError(
                f"{self.region} neither shows {key} nor says that it is not there",
                hint=f"Allow s3:GetObject on arn:aws:s3:::{self.name}/{self.full(key)} and "
                f"s3:ListBucket on arn:aws:s3:::{self.name}",
            ) from e
        return any(item["Key"] == self.full(key) for item in page.get("Contents", []))
