"""Whether an answer to a request is the service's at all.

A portal that wants somebody to sign in, or a proxy, answers in the place of the service, mostly
with a web page and status 200. The SDK takes what such an answer lacks for something that is not
set, and a page for a listing of nothing.

It says nothing of the request, as a connection that breaks says nothing: `retries` makes it again.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from botocore.client import BaseClient
from botocore.response import StreamingBody

_HEADERS: dict[str, tuple[str, ...]] = {
    "GetObject": ("ETag",),
    "HeadObject": ("ETag", "Content-Length"),
    "PutObject": ("ETag",),
    "UploadPart": ("ETag",),
}
"""What the service always sends with success."""

_ROOTS = {
    "ListObjectsV2": "ListBucketResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
}
"""The root of the body's XML. An error may come in its place: S3 sends the status before it has
completed an upload."""

_LEFT_ALONE = frozenset({407, 408, 429})
"""A proxy's own, and what is tried again whatever comes with it, as 5xx are."""

_REQUEST_IDS = ("x-amz-request-id", "x-amz-id-2", "x-amzn-requestid")
_ROOT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>)?\s*<(?:[\w.-]+:)?([\w.-]+)")
_TRUNCATED = re.compile(rb"<(?:[\w.-]+:)?IsTruncated>\s*(true|false)\s*<", re.IGNORECASE)
_TOKEN = re.compile(rb"<(?:[\w.-]+:)?NextContinuationToken>")


_NO_ANSWER = "startifact:no-answer"
"""Under this name the SDK's reading of such an answer holds its `NoAnswerError`."""


class NoAnswerError(Exception):
    """What came is not the service's answer; the text says what it lacks."""

    asked_again = False
    """Whether the request was made again by the client that raises this, as long as it may be."""


class BrokenAnswerError(NoAnswerError):
    """It is a part of the service's answer, of which the rest did not come."""


class _Operation(Protocol):
    name: str
    http: dict[str, Any]
    has_streaming_output: bool


def mark_foreign_answers(client: BaseClient) -> None:
    """Make `no_answer_in` return a `NoAnswerError` for answers that lack what the service sends.

    `retry_requests` makes their requests again, and raises the error in the end.
    """
    service = client.meta.service_model.service_id.hyphenize()
    check = _check_json if service == "ssm" else _check_s3
    # Before the SDK's own check, which makes a failure of the service of what it cannot parse.
    client.meta.events.register_first(f"before-parse.{service}.*", _marking(check))


def no_answer_in(parsed: Mapping[str, Any]) -> NoAnswerError | None:
    """Return what is wrong with the answer that the SDK has *parsed*; ``None`` where it is one."""
    error: NoAnswerError | None = parsed.get(_NO_ANSWER)
    return error


def _marking(check: Callable[..., None]) -> Callable[..., None]:
    def mark(
        response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **rest: Any
    ) -> None:
        try:
            check(response_dict=response_dict, **rest)
        except NoAnswerError as e:
            customized_response_dict[_NO_ANSWER] = e
            if isinstance(response_dict["body"], StreamingBody):
                response_dict["body"].close()
            response_dict["body"] = b""  # it is read no further

    return mark


def is_page(headers: Mapping[str, str]) -> bool:
    """Say whether an answer with *headers* is a web page, and not the service's."""
    return headers.get("content-type", "").lower().startswith("text/html")


def _check_s3(operation_model: _Operation, response_dict: dict[str, Any], **_: object) -> None:
    status, headers = response_dict["status_code"], response_dict["headers"]
    if status in _LEFT_ALONE or status >= 500:
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
    if succeeded:
        _check_success(operation_model.name, headers, body)


def _check_success(operation: str, headers: Mapping[str, str], body: bytes) -> None:
    for name in _HEADERS.get(operation, ()):
        if not headers.get(name):
            raise NoAnswerError(f"there is no {name} in it")
    expected = _ROOTS.get(operation)
    if expected is None or _root_of(body) == "Error":
        return
    if _root_of(body) != expected:
        raise NoAnswerError(f"its body is not the XML of {expected}")
    if operation == "ListObjectsV2":
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
    status, headers = response_dict["status_code"], response_dict["headers"]
    if status >= 300:
        if status not in _LEFT_ALONE and status < 500 and is_page(headers):
            raise NoAnswerError("a web page came instead")
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
