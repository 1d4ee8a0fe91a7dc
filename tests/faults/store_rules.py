"""Rules for what S3 and other stores do and moto does not: slow completions, weak ETags, archives,
conditions that are not atomic.
"""

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from tests.faults.rules import is_completion, is_object
from tests.support.wire import Answer, Forward, Request, Rule, Wire, error

_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_CONDITIONS = ("if-none-match", "if-match")
_NO_SUCH_UPLOAD = error(
    404,
    "NoSuchUpload",
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
    "been aborted or completed.",
)
_PRECONDITION_FAILED = error(
    412,
    "PreconditionFailed",
    "At least one of the pre-conditions you specified did not hold",
)


@dataclass(eq=False)
class SlowCompletion:
    """A rule by which a CompleteMultipartUpload takes *seconds*, as one of a large object may.

    With *every* the answer is a 200 whose head is sent at once, then white space every so many
    seconds, and last the result, or the error in its place. Without *every* nothing comes until
    the end. The object appears at the end, with *at_once* at the beginning.

    *ending* is the error to end in, for example ``error(500, "InternalError")``; the upload is
    completed all the same if *stores* is true, and otherwise stays as it was.

    The server is asked once for each upload, also if whoever asked has gone. As soon as a
    completion has begun, and for ever if it succeeds, every other request for its upload is
    answered NoSuchUpload.
    """

    wire: Wire
    seconds: float
    every: float | None = 1
    at_once: bool = False
    ending: Answer | None = None
    stores: bool = True
    _taken: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request, forward: Forward) -> Answer | None:
        """Answer *request*."""
        upload = "".join(request.query.get("uploadId", []))
        with self._lock:
            if upload in self._taken:
                return _NO_SUCH_UPLOAD
            if not is_completion(request):
                return forward()
            self._taken.add(upload)
        outcome: Future[Answer] = Future()
        if self.at_once:
            self._complete(upload, forward, outcome)
            if (answer := outcome.result()).status >= 300:
                return answer
        else:
            threading.Thread(
                target=self._complete, args=(upload, forward, outcome, self.seconds), daemon=True
            ).start()
        end = time.monotonic() + self.seconds
        if self.every is None:
            self.wire.closing.wait(self.seconds)
            return self.ending or outcome.result(60)
        chunks = self._chunks(outcome, end, self.every)
        return Answer(200, headers={"Content-Type": "application/xml"}, chunks=chunks)

    def _complete(
        self, upload: str, forward: Forward, outcome: Future[Answer], after: float = 0
    ) -> None:
        """Complete the upload *after* so many seconds."""
        self.wire.closing.wait(after)
        try:
            answer = forward() if self.stores and not self.wire.closing.is_set() else Answer(503)
        except Exception as problem:  # noqa: BLE001 - told to whoever waits
            outcome.set_exception(problem)
            return
        if answer.status >= 300:
            with self._lock:
                self._taken.discard(upload)
        outcome.set_result(self.ending or answer)

    def _chunks(
        self, outcome: Future[Answer], end: float, every: float
    ) -> Iterator[tuple[float, bytes]]:
        # Nothing may stand before the declaration: S3 sends it with the head.
        yield 0, _DECLARATION
        while (left := end - time.monotonic()) > 0:
            yield min(every, left), b" "
        yield 0, re.sub(rb"^<\?xml.*?\?>\s*", b"", outcome.result(60).body)


def completed_once(wire: Wire) -> Rule:
    """Return a rule by which an upload is gone when it is completed, as in S3 and not in moto."""
    return SlowCompletion(wire, 0, every=None, at_once=True)


def _strengthened(request: Request) -> Request:
    """Return *request* with each weak ETag made strong, in conditions and in lists of parts."""
    headers = {
        name: value.replace('W/"', '"') if name.endswith("match") else value
        for name, value in request.headers.items()
    }
    body = request.body
    if is_completion(request):
        body = re.sub(rb'W/(?=&quot;|&#34;|")', b"", body)
    return replace(request, headers=headers, body=body)


def _weakened(answer: Answer) -> Answer:
    """Return *answer* with a weak ETag."""
    headers = {
        name: f"W/{value}" if name.lower() == "etag" and not value.startswith("W/") else value
        for name, value in answer.headers.items()
    }
    return replace(answer, headers=headers)


def weak_etags(request: Request, forward: Forward) -> Answer | None:
    """Make the ETag of every answer weak, as a proxy that compresses; conditions hold with it."""
    return _weakened(forward(_strengthened(request)))


def weak_etags_never_match(request: Request, forward: Forward) -> Answer | None:
    """Make the ETag of every answer weak; If-Match with one never holds: 412.

    That is what RFC 9110 says of a strong comparison. To have conditions dropped instead, put
    ``without_request_headers("if-match")`` before ``weak_etags``.
    """
    if request.headers.get("if-match", "").startswith("W/"):
        return _PRECONDITION_FAILED
    return _weakened(forward(_strengthened(request)))


def archived(
    storage_class: str = "GLACIER", *, restore: str | None = None, archive_status: str | None = None
) -> Rule:
    """Return a rule by which the objects that are there are archived.

    HEAD shows *storage_class*, *restore* (``ongoing-request="true"``, or ``ongoing-request="false",
    expiry-date="Fri, 27 Nov 2026 00:00:00 GMT"``) and *archive_status* (``ARCHIVE_ACCESS`` or
    ``DEEP_ARCHIVE_ACCESS``, of ``INTELLIGENT_TIERING``). Reading one and copying from one is
    refused, unless *restore* says that it is restored. A class without an archive, such as
    ``STANDARD_IA``, is only shown.
    """
    headers = {
        "x-amz-storage-class": storage_class,
        **({"x-amz-restore": restore} if restore else {}),
        **({"x-amz-archive-status": archive_status} if archive_status else {}),
    }
    frozen = storage_class in {"GLACIER", "DEEP_ARCHIVE"} or archive_status is not None
    frozen &= 'ongoing-request="false"' not in (restore or "")

    def keep_archived(request: Request, forward: Forward) -> Answer | None:
        if frozen and "x-amz-copy-source" in request.headers:
            return error(
                403,
                "ObjectNotInActiveTierError",
                "The source object of the COPY action is not in the active tier and is only "
                "stored in Amazon S3 Glacier.",
            )
        answer = forward()
        if request.method not in {"GET", "HEAD"} or not is_object(request) or answer.status >= 300:
            return answer
        if frozen and request.method == "GET":
            return _invalid_object_state(storage_class, archive_status)
        return replace(answer, headers={**answer.headers, **headers})

    return keep_archived


def _invalid_object_state(storage_class: str, archive_status: str | None) -> Answer:
    answer = error(
        403, "InvalidObjectState", "The operation is not valid for the object's storage class"
    )
    details = f"<StorageClass>{storage_class}</StorageClass>"
    if archive_status is not None:
        details += f"<AccessTier>{archive_status}</AccessTier>"
    return replace(answer, body=answer.body.replace(b"</Error>", f"{details}</Error>".encode()))


def not_atomic(wire: Wire, delay: float, *, for_two: float = 0) -> Rule:
    """Return a rule by which a store describes, waits *delay* seconds, and writes unconditionally.

    For up to *for_two* seconds it waits until another write of the same object has come as far.

    If-None-Match and If-Match of PutObject and CompleteMultipartUpload hold for writes one after
    the other, and several of those that come at once succeed.
    """

    changed = threading.Condition()
    described_times: Counter[str] = Counter()

    def check_then_write(request: Request, forward: Forward) -> Answer | None:
        conditions = {
            name: request.headers[name] for name in _CONDITIONS if name in request.headers
        }
        writes = request.method in {"PUT", "POST"}
        if not writes or not conditions or not (is_object(request) or is_completion(request)):
            return forward()
        described = forward(_describe(request))
        if (refusal := _refusal(conditions, described)) is not None:
            return refusal
        with changed:
            before = described_times[request.path]
            described_times[request.path] += 1
            changed.notify_all()
            if for_two:
                changed.wait_for(
                    lambda: before % 2 == 1 or described_times[request.path] > before + 1, for_two
                )
        wire.closing.wait(delay)
        kept = {name: value for name, value in request.headers.items() if name not in conditions}
        return forward(replace(request, headers=kept))

    return check_then_write


def _describe(request: Request) -> Request:
    """Return a HEAD of the object that *request* writes."""
    headers = {
        name: value
        for name, value in request.headers.items()
        if name in {"host", "authorization", "x-amz-date", "x-amz-security-token"}
    }
    headers[":target"] = request.headers[":target"].partition("?")[0]
    return replace(request, method="HEAD", query={}, headers=headers, body=b"")


def _refusal(conditions: dict[str, str], described: Answer) -> Answer | None:
    """Return what a write gets whose *conditions* do not hold."""
    exists = described.status < 300
    headers = {name.lower(): value for name, value in described.headers.items()}
    if "if-none-match" in conditions and exists:
        return _PRECONDITION_FAILED
    if "if-match" in conditions:
        if not exists:
            return error(404, "NoSuchKey", "The specified key does not exist.")
        if conditions["if-match"] not in {"*", headers["etag"], headers["etag"].strip('"')}:
            return _PRECONDITION_FAILED
    return None


def with_object_lock(request: Request, forward: Forward) -> Answer | None:
    """Refuse objects and parts without a checksum, as S3 does in a bucket with Object Lock."""
    if request.method != "PUT" or not is_object(request):
        return forward()
    names = {"content-md5"} | {n for n in request.headers if n.startswith("x-amz-checksum-")}
    trailer = request.headers.get("x-amz-trailer", "").startswith("x-amz-checksum-")
    if trailer or any(request.headers.get(name) for name in names - {"x-amz-checksum-algorithm"}):
        return forward()
    return error(
        400,
        "InvalidRequest",
        "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with "
        "Object Lock parameters",
    )
