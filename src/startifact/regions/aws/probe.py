"""Whether a store that is not AWS honours conditional writes.

Some accept the headers and overwrite all the same. Everything Startifact promises about staged
versions and about ``latest`` rests on these conditions, so a store has to prove that it honours
them before anything is staged there.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from startifact.concurrency.backoff import attempts
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import ConfigurationError
from startifact.model.keys import probe_key
from startifact.regions.aws.bucket import Bucket
from startifact.regions.aws.completion import complete as make_completion
from startifact.regions.aws.errors import aws_errors
from startifact.regions.aws.trouble import code_of
from startifact.regions.aws.upload import CONFLICT, abort

_AWS_HOST = re.compile(r"(^|\.)(amazonaws\.com(\.cn)?|amazonaws\.eu|api\.aws)$")
_REFUSED = frozenset({"412", "PreconditionFailed"})
_UNKNOWN = frozenset({"501", "NotImplemented"})
_BODY = b"Startifact writes this to see whether the store honours conditions.\n"


def is_custom(endpoint: str) -> bool:
    """Say whether *endpoint* is a store other than AWS."""
    return _AWS_HOST.search(urlsplit(endpoint).hostname or "") is None


def check_conditions(bucket: Bucket, project: str) -> None:
    """Return when the store refuses three writes whose conditions do not hold.

    The object that this is tried with stays: Startifact needs no permission to delete, and the
    next time nothing new is stored.

    Raises:
        ConfigurationError: It accepts a write that it was asked to refuse.
    """
    key = bucket.full(probe_key(project))
    where: dict[str, Any] = {"Bucket": bucket.name, "Key": key}
    client = bucket.client

    def create() -> None:
        client.put_object(**where, Body=_BODY, IfNoneMatch="*")

    def complete() -> None:
        upload = client.create_multipart_upload(**where)["UploadId"]

        def send() -> None:
            part = client.upload_part(**where, UploadId=upload, PartNumber=1, Body=_BODY)
            request = partial(
                client.complete_multipart_upload,
                **where,
                UploadId=upload,
                MultipartUpload={"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]},
                IfNoneMatch="*",
            )
            # The key exists, as it has to: what is there says nothing of an answer that is lost.
            make_completion(request, exists=lambda: False, key=key, parts=1, limits=bucket.limits)

        try:
            # In a thread of its own: one that hangs must not keep the upload from being aborted.
            run_in_pool([send], workers=1, limits=bucket.limits)
        except BaseException:
            abort(client, region=bucket.region, bucket=bucket.name, key=key, upload=upload)
            raise

    def replace() -> None:
        # No object has this ETag, so the condition never holds.
        client.put_object(**where, Body=_BODY, IfMatch='"00000000000000000000000000000000"')

    with aws_errors("s3:PutObject", region=bucket.region, resource=bucket.arn(probe_key(project))):
        put = "PutObject and If-None-Match: *"
        # Twice: where there is no object yet, the first write makes it.
        if not _refuses(bucket, create, put) and not _refuses(bucket, create, put):
            raise _unfit(bucket, f"overwrites an object with {put}")
        parts = "CompleteMultipartUpload and If-None-Match: *"
        if not _refuses(bucket, complete, parts):
            raise _unfit(bucket, f"overwrites an object with {parts}")
        if not _refuses(bucket, replace, "PutObject and If-Match"):
            raise _unfit(bucket, "replaces an object whose ETag is not the one in If-Match")


def _refuses(bucket: Bucket, write: Callable[[], None], what: str) -> bool:
    """Say whether *write* is refused for its condition; a conflict says nothing about that."""
    for attempt in attempts(bucket.limits.conflict_retry):
        try:
            write()
        except ClientError as e:
            code = code_of(e)
            if code in _REFUSED:
                return True
            if code in _UNKNOWN:
                raise _unfit(bucket, f"does not know {what}") from e
            if code not in CONFLICT or attempt == bucket.limits.conflict_retry.attempts:
                raise
        else:
            return False
    raise AssertionError  # the last attempt has raised


def _unfit(bucket: Bucket, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"the store of {bucket.region} does not honour conditions: it {what}. "
        "Two jobs could overwrite each other's artifacts there",
        hint="Use a store that honours If-None-Match and If-Match, as Amazon S3 does",
    )
