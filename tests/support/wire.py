"""A wire between the code under test and moto's server: it counts, and it can be cut or bent."""

import contextlib
import http.client
import io
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

_BLOCK = 16 * 1024


@dataclass(frozen=True)
class Request:
    """One request of the SDK, before it reaches the server."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def region(self) -> str:
        """The AWS region that the request was signed for."""
        return self._scope[2]

    @property
    def service(self) -> str:
        """``s3`` or ``ssm``."""
        return self._scope[3]

    @property
    def operation(self) -> str:
        """What is asked of SSM, for example ``GetParameter``; empty for S3."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2]

    @property
    def key_id(self) -> str:
        """The id of the access key that signed the request."""
        return self._scope[0]

    @property
    def _scope(self) -> list[str]:
        """Key, date, region, service and terminator; blanks in an unsigned request."""
        credential = self.headers.get("authorization", "").partition("Credential=")[2]
        return [*credential.partition(",")[0].split("/"), "", "", "", ""]


@dataclass(frozen=True)
class Answer:
    """What the server said, or what a rule says in its place.

    ``cut_after`` ends the connection after that many bytes of the body, with ``reset`` as if the
    server had crashed. With ``drip`` every byte, of the head too, comes so many seconds after the
    one before. ``stall_after`` sends that many bytes of the body, and then nothing any more.
    ``rate`` is how many bytes of the body are sent per second.
    """

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    reset: bool = False
    drip: float | None = None
    stall_after: int | None = None
    rate: float | None = None


class Forward(Protocol):
    """Passes a request on, by default the one that came."""

    def __call__(self, request: Request | None = None) -> Answer:
        """Return what the next rule or the server answers."""


Rule = Callable[[Request, Forward], Answer | None]
"""Answers a request, mostly with ``forward()``; ``None`` cuts the connection."""


class Wire:
    """Forwards to *target* whatever its rules do not keep."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target).netloc
        self._rules: list[Rule] = []
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.upload_rate: float | None = None
        """How many bytes of every request's body are read per second."""

        self.bytes_transferred = 0
        """How many bytes of bodies have come and gone, where that is slow."""

        self.log: list[tuple[Request, int | None]] = []
        handler = type("Handler", (_Handler,), {"wire": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the door, and let go of what hangs."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def add(self, rule: Rule) -> Callable[[], None]:
        """Put *rule* in front of those that are there; call what is returned to take it away."""
        self._rules.insert(0, rule)
        return lambda: self._rules.remove(rule)

    def clear(self) -> None:
        """Take every rule away."""
        self._rules.clear()

    def requests(self) -> list[Request]:
        """Return every request so far."""
        with self.lock:
            return [request for request, _ in self.log]

    def writes(self) -> list[Request]:
        """Return the requests that changed something in S3 or SSM."""
        with self.lock:
            return [
                request
                for request, status in self.log
                if status is not None
                and status < 300
                and (
                    request.operation == "PutParameter"
                    if request.service == "ssm"
                    else request.method in {"PUT", "POST", "DELETE"}
                )
            ]

    def handle(self, request: Request) -> Answer | None:
        """Pass *request* through the rules, and to the server behind them."""

        def through(rules: list[Rule], asked: Request) -> Answer | None:
            if not rules:
                return self._forward(asked)

            def forward(request: Request | None = None) -> Answer:
                answer = through(rules[1:], request or asked)
                if answer is None:
                    raise ConnectionAbortedError
                return answer

            return rules[0](asked, forward)

        answer: Answer | None = None
        with contextlib.suppress(ConnectionAbortedError):
            answer = through(list(self._rules), request)
        with self.lock:
            self.log.append((request, None if answer is None else answer.status))
        return answer

    def _forward(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection(self._target, timeout=60)
        try:
            connection.putrequest(
                request.method,
                request.headers[":target"],
                skip_host=True,
                skip_accept_encoding=True,
            )
            for name, value in request.headers.items():
                if name not in {":target", "connection", "expect", "content-length"}:
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(request.body)))
            connection.putheader("Connection", "close")
            connection.endheaders(request.body)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), dict(answer.getheaders()))
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wire: Wire

    def setup(self) -> None:
        sys.settrace(None)  # measuring coverage here takes time and measures nothing
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def _serve(self) -> None:
        url = urlsplit(self.path)
        size = int(self.headers.get("Content-Length", 0))
        body = self._body(size)
        if len(body) < size:  # whoever sent it has gone
            self.close_connection = True
            return
        answer = self.wire.handle(
            Request(
                method=self.command,
                path=unquote(url.path),
                query=parse_qs(url.query, keep_blank_values=True),
                headers={
                    ":target": self.path,
                    **{name.lower(): value for name, value in self.headers.items()},
                },
                body=body,
            )
        )
        if answer is None:
            self.close_connection = True
            return
        self._send(answer)

    def _body(self, size: int) -> bytes:
        """Read the body, as slowly as is wished."""
        rate = self.wire.upload_rate
        if rate is None:
            return self.rfile.read(size)
        body = b""
        while len(body) < size and (block := self.rfile.read(min(size - len(body), _BLOCK))):
            body += block
            self._pass(len(block), rate)
        return body

    def _pass(self, count: int, rate: float) -> None:
        """Take as long as *count* bytes take at *rate*."""
        with self.wire.lock:
            self.wire.bytes_transferred += count
        self.wire.closing.wait(count / rate)

    def _send(self, answer: Answer) -> None:
        names = {name.lower() for name in answer.headers}
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in {"connection", "transfer-encoding"}:
                self.send_header(name, value)
        if "content-length" not in names:
            self.send_header("Content-Length", str(len(answer.body)))
        if answer.drip is not None:
            self._drip(answer, answer.drip)
            return
        self.end_headers()
        ends = [end for end in (answer.cut_after, answer.stall_after) if end is not None]
        body = b"" if self.command == "HEAD" else answer.body[: min(ends, default=None)]
        if answer.rate is None:
            self.wfile.write(body)
        else:
            for start in range(0, len(body), _BLOCK):
                block = body[start : start + _BLOCK]
                self.wfile.write(block)
                self._pass(len(block), answer.rate)
        if answer.stall_after is not None:
            self.wire.closing.wait()
        if answer.reset:
            # Closed without lingering, unread or not: the other side gets a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
        self.close_connection |= bool(ends) or answer.reset

    def _drip(self, answer: Answer, pause: float) -> None:
        network, self.wfile = self.wfile, io.BytesIO()
        self.end_headers()
        head, self.wfile = self.wfile.getvalue(), network
        self.close_connection = True
        for byte in head + (b"" if self.command == "HEAD" else answer.body):
            self.wfile.write(bytes([byte]))
            if self.wire.closing.wait(pause):
                return

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815


def error(status: int, code: str, message: str = "because the test says so") -> Answer:
    """Return an error as S3 answers it."""
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, body.encode(), {"Content-Type": "application/xml"})


def tampered(answer: Answer, at: int = 0) -> Answer:
    """Return *answer* with one bit flipped of the byte at *at* of its body."""
    body = answer.body
    return replace(answer, body=body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
