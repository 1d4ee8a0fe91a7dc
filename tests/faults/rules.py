"""Rules for the wire, and holes that take connections and give nothing back."""

import base64
import hashlib
import random
import socket
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import replace

from tests.support.wire import Answer, Forward, Request, Rule, Wire, error, tampered


def lost(request: Request, forward: Forward) -> Answer | None:
    """Do what is asked, and lose the answer."""
    forward()
    return None


def hanging(wire: Wire) -> Rule:
    """Return a rule that never answers, and does not do what is asked."""

    def hang(request: Request, forward: Forward) -> Answer | None:
        wire.closing.wait()
        return None

    return hang


def when(condition: Callable[[Request], bool], rule: Rule, *, times: int | None = None) -> Rule:
    """Return *rule* for requests that fulfil *condition*, only the first so many of them."""
    left = [times]
    lock = threading.Lock()

    def limited(request: Request, forward: Forward) -> Answer | None:
        if not condition(request):
            return forward()
        with lock:
            if left[0] == 0:
                use = False
            else:
                use = True
                left[0] = None if left[0] is None else left[0] - 1
        return rule(request, forward) if use else forward()

    return limited


def answering(answer: Answer) -> Rule:
    """Return a rule that gives *answer* and does nothing."""
    return lambda request, forward: answer


def sometimes(share: float, rule: Rule, *, seed: int = 1) -> Rule:
    """Return *rule* for about that *share* of requests, 0.3 for 30 %, drawn from *seed*."""
    draw = random.Random(seed)
    lock = threading.Lock()

    def drawn(request: Request, forward: Forward) -> Answer | None:
        with lock:
            use = draw.random() < share
        return rule(request, forward) if use else forward()

    return drawn


def within(seconds: float, rule: Rule) -> Rule:
    """Return *rule* for the first request and all that come within *seconds* of it."""
    end: list[float] = []
    lock = threading.Lock()

    def timed(request: Request, forward: Forward) -> Answer | None:
        with lock:
            now = time.monotonic()
            if not end:
                end.append(now + seconds)
            use = now < end[0]
        return rule(request, forward) if use else forward()

    return timed


def starting(nth: int, condition: Callable[[Request], bool], rule: Rule) -> Rule:
    """Return *rule* for the *nth* request, from 1, that fulfils *condition* and all after it."""
    count = [0]
    lock = threading.Lock()

    def begin(request: Request, forward: Forward) -> Answer | None:
        with lock:
            count[0] += count[0] < nth and condition(request)
            use = count[0] == nth
        return rule(request, forward) if use else forward()

    return begin


def in_turn(*rules: Rule) -> Rule:
    """Return *rules* as one, the first of which stands before the others."""

    def both(request: Request, forward: Forward) -> Answer | None:
        if not rules:
            return forward()

        asked = request

        def onward(request: Request | None = None) -> Answer:
            passed = request or asked
            answer = in_turn(*rules[1:])(passed, lambda request=None: forward(request or passed))
            if answer is None:
                raise ConnectionAbortedError
            return answer

        return rules[0](request, onward)

    return both


def checking(request: Request, forward: Forward) -> Answer | None:
    """Refuse bodies that are not what their checksums say, as S3 does and moto does not."""
    body = request.body
    checksums = {
        "x-amz-checksum-sha256": hashlib.sha256(body).digest(),
        "x-amz-checksum-crc32": zlib.crc32(body).to_bytes(4, "big"),
        "content-md5": hashlib.md5(body, usedforsecurity=False).digest(),
    }
    if request.method == "POST":  # of a completion it is that of the object
        del checksums["x-amz-checksum-crc32"]
    for header, checksum in checksums.items():
        expected = request.headers.get(header)
        if expected is not None and expected != base64.b64encode(checksum).decode():
            return error(400, "BadDigest", f"The {header} you specified did not match")
    signed = request.headers.get("x-amz-content-sha256", "")
    if len(signed) == 64 and signed != hashlib.sha256(request.body).hexdigest():
        return error(400, "XAmzContentSHA256Mismatch", "The body is not what was signed")
    return forward()


def span(request: Request, size: int) -> tuple[int, int]:
    """Return the first byte that is asked for, and the one after the last, of *size* bytes."""
    text = request.headers.get("range", "")
    if not text.startswith("bytes="):
        return 0, size
    first, _, last = text.removeprefix("bytes=").partition("-")
    return int(first), min(int(last) + 1, size)


def flipping_downloads(at: int, size: int) -> Rule:
    """Return a rule that flips a bit of the byte at *at* of an artifact of *size* bytes."""

    def flip(request: Request, forward: Forward) -> Answer | None:
        answer = forward()
        first, end = span(request, size)
        if answer.status not in {200, 206} or not first <= at < end:
            return answer
        return tampered(answer, at - first)

    return flip


def flipping_uploads(at: int = 0) -> Rule:
    """Return a rule that flips a bit of the byte at *at* of the body, unless it is refused."""

    def flip(request: Request, forward: Forward) -> Answer | None:
        body = request.body
        flipped = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        return checking(
            replace(request, body=flipped), lambda _=None: forward(replace(request, body=flipped))
        )

    return flip


def is_read(request: Request) -> bool:
    """Say whether bytes of an artifact are asked for."""
    return request.method == "GET" and "@" in request.path


def is_write(request: Request) -> bool:
    """Say whether something is to be written, in S3 or in SSM."""
    if request.service == "ssm":
        return request.operation == "PutParameter"
    return request.method in {"PUT", "POST"}


def is_artifact(request: Request) -> bool:
    """Say whether bytes of an artifact are sent, in one request or as a part."""
    return request.method == "PUT" and "@" in request.path


def is_object(request: Request) -> bool:
    """Say whether *request* is about an object itself, and not a list, an upload or its tags."""
    key = request.path.lstrip("/").partition("/")[2]
    return request.service == "s3" and bool(key) and request.query.keys() <= {"x-id", "versionId"}


def is_part(request: Request) -> bool:
    """Say whether a part of an upload is sent or copied."""
    return request.method == "PUT" and "partNumber" in request.query


def is_copy(request: Request) -> bool:
    """Say whether *request* copies a part."""
    return "x-amz-copy-source" in request.headers


def copied_to(wire: Wire) -> set[str]:
    """Return the regions whose store was asked to copy."""
    return {request.region for request in wire.requests() if is_copy(request)}


def is_completion(request: Request) -> bool:
    """Say whether *request* is a CompleteMultipartUpload."""
    return request.method == "POST" and "uploadId" in request.query


def is_upload(request: Request) -> bool:
    """Say whether the bytes of an object are sent, in one request or as a part."""
    return request.method == "PUT" and (is_object(request) or is_part(request))


class Hole:
    """A port on loopback that never answers; with *accepts* false it does not even connect."""

    def __init__(self, *, accepts: bool, host: str = "127.0.0.1") -> None:
        self._server = socket.create_server((host, 0), backlog=128 if accepts else 0)
        self.port: int = self._server.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._full: list[socket.socket] = []
        if not accepts:
            self._fill()

    def _fill(self) -> None:
        """Take every place in the queue of those that wait to be accepted."""
        for _ in range(16):
            client = socket.socket()
            client.settimeout(0.2)
            self._full.append(client)
            try:
                client.connect(("127.0.0.1", self.port))
            except TimeoutError:
                return
        raise AssertionError("the queue does not fill up")

    def close(self) -> None:
        """Let go of everybody."""
        for connection in (*self._full, self._server):
            connection.close()
