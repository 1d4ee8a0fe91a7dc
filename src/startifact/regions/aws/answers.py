"""Whether an answer to a request is the service's at all.

A portal that wants somebody to sign in, or a proxy, answers in the place of the service, mostly
with a web page and status 200. The SDK takes what such an answer lacks for something that is not
set, and a page for a listing of nothing.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Protocol

from botocore.client import BaseClient

_HEADERS: dict[str, tuple[str, ...]] = {
    "GetObject": ("ETag",),
    "HeadObject": ("ETag", "Content-Length"),
    "PutObject": ("ETag",),
    "UploadPart": ("ETag",),
}
"""What the service always sends with success."""

_ROOTS: dict[str, tuple[str, ...]] = {
    "ListObjectsV2": ("ListBucketResult",),
    "CreateMultipartUpload": ("InitiateMultipartUploadResult",),
    # An error may follow the status: S3 sends that before it has completed the upload.
    "CompleteMultipartUpload": ("CompleteMultipartUploadResult", "Error"),
}
"""The root of the body's XML."""

_REQUEST_IDS = ("x-amz-request-id", "x-amz-id-2", "x-amzn-requestid")
_ROOT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>)?\s*<(?:[\w.-]+:)?([\w.-]+)")
_TRUNCATED = re.compile(rb"<(?:[\w.-]+:)?IsTruncated>\s*(true|false)\s*<", re.IGNORECASE)
_TOKEN = re.compile(rb"<(?:[\w.-]+:)?NextContinuationToken>")


class NoAnswerError(Exception):
    """What came is not the service's answer; the text says what it lacks."""


class BrokenAnswerError(NoAnswerError):
    """It is a part of the service's answer, of which the rest did not come."""


class _Operation(Protocol):
    name: str
    http: dict[str, Any]
    has_streaming_output: bool


def refuse_foreign_answers(client: BaseClient) -> None:
    """Make *client* raise a `NoAnswerError` for answers that lack what the service always sends.

    `aws_errors` turns it into an error of the region. Statuses that the SDK tries again are left to
    it: a load balancer answers those with pages as well.
    """
    service = client.meta.service_model.service_id.hyphenize()
    check = _check_json if service == "ssm" else _check_s3
    client.meta.events.register(f"before-parse.{service}", check)


def is_page(headers: Mapping[str, str]) -> bool:
    """Say whether an answer with *headers* is a web page, and not the service's."""
    return headers.get("content-type", "").lower().startswith("text/html")


def _check_s3(operation_model: _Operation, response_dict: dict[str, Any], **_: object) -> None:
    status, headers = response_dict["status_code"], response_dict["headers"]
    if status in {408, 429} or status >= 500:
        return
    succeeded = status < 300
    streamed = succeeded and operation_model.has_streaming_output
    body = b"" if streamed else response_dict["body"]
    if not succeeded and operation_model.http["method"] != "HEAD":
        _check_error(body, headers)
    if _root_of(body).lower() in {"html", "!doctype"}:
        raise NoAnswerError("a web page came instead")
    if is_page(headers) and not any(name in headers for name in _REQUEST_IDS):
        raise NoAnswerError("a web page came instead, without a request's id")
    if not succeeded:
        return
    for name in _HEADERS.get(operation_model.name, ()):
        if not headers.get(name):
            raise NoAnswerError(f"there is no {name} in it")
    roots = _ROOTS.get(operation_model.name)
    if roots and _root_of(body) not in roots:
        raise NoAnswerError(f"its body is not the XML of {roots[0]}")
    if operation_model.name == "ListObjectsV2":
        _check_listing(body)


def _check_error(body: bytes, headers: Mapping[str, str]) -> None:
    length = headers.get("content-length", "")
    if length.isdecimal() and len(body) < int(length):
        raise BrokenAnswerError(f"it broke off after {len(body):,} of {int(length):,} bytes")


def _check_listing(body: bytes) -> None:
    truncated = _TRUNCATED.search(body)
    if truncated is None:
        raise NoAnswerError("it does not say whether it is the whole listing")
    if truncated[1].lower() == b"true" and not _TOKEN.search(body):
        raise NoAnswerError("it is a part of the listing, and does not say where the rest begins")


def _check_json(response_dict: dict[str, Any], **_: object) -> None:
    if response_dict["status_code"] >= 300:
        return
    try:
        value = json.loads(response_dict["body"])
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise NoAnswerError("its body is not a JSON object")
    if not value:
        raise NoAnswerError("its body is empty")


def _root_of(body: bytes) -> str:
    """Return the name of the first element in *body*, which may have white space before it."""
    if body.lstrip()[:9].lower() == b"<!doctype":
        return "!doctype"
    root = _ROOT.match(body)
    return "" if root is None else root[1].decode()
