"""One bucket, as a store of artifacts and channels below a key prefix."""

import base64
import contextlib
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from startifact.concurrency.backoff import attempts
from startifact.concurrency.heartbeat import record_answer
from startifact.errors import (
    IntegrityError,
    RegionUnavailableError,
)
from startifact.files.source import Source
from startifact.limits import MAX_CHANNEL_BYTES, Limits
from startifact.model.keys import PROJECT_DELIMITER, Key, is_channel_key, project_of
from startifact.regions.aws.answers import BrokenAnswerError, NoAnswerError, is_page
from startifact.regions.aws.conditional import write_once
from startifact.regions.aws.conditions import UNMET, ignored_condition, is_same
from startifact.regions.aws.copying import CopySource
from startifact.regions.aws.described_bucket import ABSENT, DescribedBucket
from startifact.regions.aws.errors import REFUSED
from startifact.regions.aws.head import md5_of
from startifact.regions.aws.resuming import asked_again, resumed, wrong_length
from startifact.regions.aws.retries import configured_attempts
from startifact.regions.aws.trouble import CONFLICT, code_of
from startifact.regions.aws.upload import RECORD, Upload
from startifact.regions.interface import Beat, StoredArtifact, StoredChannel
from startifact.regions.pages import Page

_CHANGED = UNMET | CONFLICT
_MD5_OF_NOTHING = hashlib.md5(usedforsecurity=False).hexdigest()


class Bucket(DescribedBucket):
    """The objects below *prefix* in one bucket. *region* names it in messages."""

    def create(
        self, key: Key, source: Source, encoded_record: str, beat: Beat
    ) -> StoredArtifact | None:
        """Store *source* at *key* if nothing is there; see `Region.create`."""
        stored = self._upload(key, beat).create(source, encoded_record)
        return stored if self.is_aws else None

    def can_copy_from(self, origin: "Bucket") -> bool:
        """Say whether the store can copy from *origin*; see `Region.can_copy_from`.

        Only Amazon S3 is known to compare the whole of a copy. It copies within a partition.
        """
        same = origin.client.meta.partition == self.client.meta.partition
        return self.is_aws and origin.is_aws and same

    def create_copy(
        self,
        key: Key,
        source: Source,
        encoded_record: str,
        beat: Beat,
        *,
        origin: "Bucket",
        stored: StoredArtifact,
    ) -> None:
        """Let the store copy *stored* from *origin*; see `Region.create_copy`."""
        owner = origin.options.bucket_owner
        copy_from = CopySource(origin.name, origin.full(key), stored.token, owner)
        self._upload(key, beat, copy_from).create(source, encoded_record)

    def _upload(self, key: Key, beat: Beat, copy_from: CopySource | None = None) -> Upload:
        return Upload(
            self.client,
            region=self.region,
            bucket=self.name,
            key=self.full(key),
            exists=lambda: self.describe(key) is not None,
            is_aws=self.is_aws,
            beat=beat,
            limits=self.limits,
            copy_from=copy_from,
            options=self.options,
        )

    def read(self, key: Key, stored: StoredArtifact, start: int, stop: int) -> Iterator[bytes]:
        """Yield bytes *start* to *stop*; when a connection breaks, resume where it broke."""
        read = partial(self._read_once, key, stored)
        configured = configured_attempts(self.client)
        return resumed(read, start, stop, self.limits, configured=configured)

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
                if code_of(e) in ABSENT and self.describe(key) == stored:
                    raise RegionUnavailableError(
                        f"{self.region} said that {key} is not there, and then that it is"
                    ) from e
                if code_of(e) in _CHANGED | ABSENT | {"InvalidRange", "416"}:
                    raise self._replaced(key) from e
                raise
            with contextlib.closing(answer["Body"]) as body:
                if answer["ContentLength"] != stop - start:
                    if self.describe(key) != stored:
                        raise self._replaced(key)
                    raise wrong_length(self.region, key, answer["ContentLength"], stop - start)
                for block in _blocks(body.read, stop - start, self.limits):
                    if not block:
                        raise RegionUnavailableError(f"{self.region} ended {key} early")
                    yield block

    def _replaced(self, key: Key) -> IntegrityError:
        return IntegrityError(f"{key} in {self.region} was replaced or removed while it was read")

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys of artifacts that begin with *prefix*, and of nothing below them."""
        for page in self._pages(prefix):
            yield from self._artifact_keys(item["Key"] for item in page.get("Contents", []))

    def keys_below(self, prefix: str) -> Iterator[str]:
        """Yield all keys that begin with *prefix*, those below an artifact's key included."""
        for page in self._pages(prefix):
            yield from (item["Key"].removeprefix(self.prefix) for item in page.get("Contents", []))

    def channel_keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys of channels directly below *prefix*; see `Region.channel_keys`."""
        for page in self._pages(prefix, "/"):
            for item in page.get("Contents", []):
                key = item["Key"].removeprefix(self.prefix)
                if key != prefix and not key.removeprefix(prefix).startswith("."):
                    yield key

    def projects(self) -> Iterator[str]:
        """Yield what is before the first ``@`` or ``/`` of each key; see `Region.projects`."""
        for page in self._pages("", PROJECT_DELIMITER):
            full = [item["Prefix"] for item in page.get("CommonPrefixes", [])]
            full += [item["Key"] for item in page.get("Contents", [])]
            yield from dict.fromkeys(project_of(Key(key.removeprefix(self.prefix))) for key in full)

    def _pages(self, prefix: str, delimiter: str = "") -> Iterator[Any]:
        with self._bucket_errors():
            yield from self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=self.full(prefix), Delimiter=delimiter
            )

    def first_page(self, prefix: str, delimiter: str) -> Page:
        """Return the first page of the same keys; see `Region.first_page`."""
        with self._bucket_errors():
            page = self.client.list_objects_v2(
                Bucket=self.name, Prefix=self.full(prefix), Delimiter=delimiter
            )
        keys = [item["Key"] for item in page.get("Contents", [])]
        common = [item["Prefix"] for item in page.get("CommonPrefixes", [])]
        return Page(
            keys=tuple(self._artifact_keys(keys)),
            common_prefixes=tuple(self._artifact_keys(common)),
            whole=not page["IsTruncated"],
        )

    def _artifact_keys(self, full: Iterable[str]) -> Iterator[str]:
        """Yield what is below the prefix in *full*, and not below an artifact's key."""
        keys = (Key(key.removeprefix(self.prefix)) for key in full)
        return (key for key in keys if not is_channel_key(key))

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
                    if code_of(e) in ABSENT:
                        break
                    last = attempt == self.limits.conflict_retry.attempts
                    if code_of(e) not in CONFLICT or last:
                        raise
                else:
                    break
        return True

    def delete_whatever_is_at(self, key: Key) -> None:
        """Delete the object at *key*, which nobody replaces any more."""
        with self._errors("s3:DeleteObject", key):
            self.client.delete_object(Bucket=self.name, Key=self.full(key))

    def replace_with_tombstone(
        self, key: Key, encoded_record: str, stored: StoredArtifact | None
    ) -> bool:
        """Put a tombstone in the place of *stored*; ``False`` when something else is there."""
        put = self._put_of(
            key,
            encoded_record.encode(),
            None if stored is None else stored.token,
            Metadata={RECORD: encoded_record},
        )
        found = stored

        def has_changed() -> bool:
            nonlocal found
            found = self.describe(key)
            return (found and found.token) != (stored and stored.token)

        with self._errors("s3:PutObject", key):
            try:
                if write_once(self.client, put, settled=has_changed, limits=self.limits):
                    return True
            except ClientError as e:
                if code_of(e) in UNMET and stored is not None:
                    self._check_replaced(key, stored, e)
                if code_of(e) in _CHANGED | ABSENT:
                    return False
                raise
        # The answer was lost: what is there is ours, or another writer's.
        return found is not None and found.encoded_record == encoded_record

    def read_channel(self, key: Key) -> StoredChannel | None:
        """Return the channel at *key*, or ``None`` when there is none."""
        return self.read_small(key, MAX_CHANNEL_BYTES)

    def read_small(self, key: Key, limit: int) -> StoredChannel | None:
        """Return the text at *key*, at most *limit* + 1 bytes of it, and its ETag."""
        read = partial(self._read_small_once, key, limit)
        with self._errors("s3:GetObject", key), self.shows_existence():
            return asked_again(read, self.limits, configured=configured_attempts(self.client))

    def _read_small_once(self, key: Key, limit: int) -> StoredChannel | None:
        try:
            answer = self.client.get_object(Bucket=self.name, Key=self.full(key))
        except ClientError as e:
            # "404" is no code of S3's own: whatever answered, the listing decides.
            if code_of(e) in ABSENT - {"404"}:
                if self.is_aws:  # others may call everything absent in a bucket that is
                    self.has_answered()
                return None
            if code_of(e) in REFUSED | {"404"} and not self._is_listed(key):
                return None
            raise
        with contextlib.closing(answer["Body"]) as body:
            if is_page(answer["ResponseMetadata"]["HTTPHeaders"]):
                raise NoAnswerError("a web page came instead")
            data, token = body.read(limit + 1), answer["ETag"]
        if len(data) < min(answer.get("ContentLength", 0), limit + 1):
            raise BrokenAnswerError(f"{self.region} ended {key} early")
        if not data and md5_of(answer) not in {None, _MD5_OF_NOTHING}:
            raise NoAnswerError("its body is empty, and its ETag is that of something else")
        record_answer()
        self.has_answered()
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
        put = self._put_of(key, text.encode(), None if expected is None else expected.token)
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
                if code_of(e) in _CHANGED | ABSENT:
                    return e
                raise
        # The answer was lost: what is there is ours, or another writer's.
        return current is not None and current.text == text

    def _put_of(
        self, key: Key, data: bytes, token: str | None, **more: Any
    ) -> Callable[[], object]:
        """Return what puts *data* where the object with *token* is, or nothing if that is none."""
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if token is None else {"IfMatch": token}
        return partial(
            self.client.put_object,
            Bucket=self.name,
            Key=self.full(key),
            Body=data,
            ContentType="application/json",
            ChecksumSHA256=base64.b64encode(hashlib.sha256(data).digest()).decode(),
            **condition,
            **more,
        )

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


def _blocks(read: Callable[[int], bytes], size: int, limits: Limits) -> Iterator[bytes]:
    """Yield what *read* returns until that is *size* bytes, in larger blocks as they come faster.

    Nothing is known of an answer while a block of it is waited for.
    """
    length = limits.read_block_bytes
    while size > 0:
        began = time.monotonic()
        block = read(min(length, size))
        seconds = time.monotonic() - began
        size -= len(block)
        yield block
        if seconds > limits.read_block_seconds:
            length = limits.read_block_bytes
        elif 2 * seconds <= limits.read_block_seconds:
            length = min(2 * length, limits.longest_read_block_bytes)
