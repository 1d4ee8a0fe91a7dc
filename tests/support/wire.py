"""A wire between the code under test and moto's server: it counts, and it can be cut or bent."""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from http.server import ThreadingHTTPServer
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.server import ask_inside
from tests.support.wire_handler import Handler


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
        """``s3``, ``ssm`` and so on."""
        return self._scope[3]

    @property
    def operation(self) -> str:
        """What is asked of SSM and others, for example ``GetParameter``; empty for S3."""
        if self.service in _WITH_FORMS:
            return parse_qs(self.body.decode()).get("Action", [""])[0]
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
    ``rate`` is how many bytes of the body are sent per second. ``chunks`` are sent in place of the
    body, in the chunked encoding, each after a pause of so many seconds. Without ``head`` nothing
    is sent at all, and the connection ends, with ``reset`` as if the server had crashed.
    """

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    reset: bool = False
    drip: float | None = None
    stall_after: int | None = None
    rate: float | None = None
    chunks: Iterable[tuple[float, bytes]] | None = None
    head: bool = True


class Forward(Protocol):
    """Passes a request on, by default the one that came."""

    def __call__(self, request: Request | None = None) -> Answer:
        """Return what the next rule or the server answers."""


_WITH_FORMS = {"cloudformation", "iam", "sts"}
"""Services whose requests are forms."""

_READING = ("Describe", "Get", "List")

_OWN = {":target", "connection", "expect", "content-length"}
"""What the wire does not pass on as it came."""

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
        self._serving = 0
        """How many requests are being answered."""

        self.connections: set[socket.socket] = set()
        """The connections that are open."""

        self._listening = threading.Lock()
        self._server = self._listen(_bound(0))
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def _listen(self, bound: socket.socket) -> ThreadingHTTPServer:
        """Serve whoever connects to the port of *bound*, in a thread of its own."""
        handler = type("Handler", (Handler,), {"wire": self})
        server = ThreadingHTTPServer(bound.getsockname(), handler, bind_and_activate=False)
        server.socket.close()
        server.socket = bound
        server.daemon_threads = True
        server.block_on_close = False
        server.server_activate()
        threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return server

    def stop(self) -> None:
        """Serve nobody any more, let go of what hangs, and forget what was asked.

        Clients keep connections that they may use again, and each has a thread here, which holds
        every body that this wire has seen.
        """
        self.closing.set()
        with self._listening:
            self._server.shutdown()
            self._server.server_close()
        self._end_connections()
        self.clear()
        with self.lock:
            self.log.clear()

    def _end_connections(self) -> None:
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def refuse(self, seconds: float) -> None:
        """End every connection, and refuse new ones at the same port for *seconds* from now on.

        Returns when connections are refused. A second call while they are lasts as long on top.
        """
        self._listening.acquire()
        self._server.shutdown()
        self._server.server_close()
        # A port that is bound but not listened at refuses, and nobody else can take it.
        bound = _bound(self._server.server_address[1])
        self._end_connections()

        def listen_again() -> None:
            self.closing.wait(seconds)
            self._server = self._listen(bound)
            self._listening.release()

        threading.Thread(target=listen_again, daemon=True).start()

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
        """Return the requests that changed something."""
        with self.lock:
            return [
                request
                for request, status in self.log
                if status is not None
                and status < 300
                and (
                    request.operation == "PutParameter"
                    if request.service == "ssm"
                    else not request.operation.startswith(_READING)
                    if request.service in {"cloudformation", "iam"}
                    else request.service not in {"kms", "sts"}
                    and request.method in {"PUT", "POST", "DELETE"}
                )
            ]

    def serve(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> Answer | None:
        """Return what the request for *target*, as it stands in its first line, is answered."""
        url = urlsplit(target)
        request = Request(
            method=method,
            path=unquote(url.path),
            query=parse_qs(url.query, keep_blank_values=True),
            headers={
                ":target": target,
                **{name.lower(): value for name, value in headers.items()},
            },
            body=body,
        )
        with self.lock:
            self._serving += 1
        try:
            return self.handle(request)
        finally:
            with self.lock:
                self._serving -= 1

    def wait_until_quiet(self, seconds: float = 5.0) -> None:
        """Wait until nothing is done any more of what a process had asked before it was killed."""
        until, before = time.monotonic() + seconds, -1
        while time.monotonic() < until:
            with self.lock:
                count, is_quiet = len(self.log), self._serving == 0
            if is_quiet and count == before:
                return
            before = count
            time.sleep(0.1)

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
        headers = {
            **{name: value for name, value in request.headers.items() if name not in _OWN},
            "Content-Length": str(len(request.body)),
            "Connection": "close",
        }
        target = request.headers[":target"]
        answered = ask_inside(self._target, request.method, target, headers, request.body)
        if answered is not None:
            return Answer(answered.status, answered.body, answered.headers)
        connection = http.client.HTTPConnection(self._target, timeout=60)
        try:
            connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(request.body)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), dict(answer.getheaders()))
        finally:
            connection.close()


def _bound(port: int) -> socket.socket:
    """Return a socket that has *port* on loopback, any free one where it is 0."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def error(status: int, code: str, message: str = "because the test says so") -> Answer:
    """Return an error as S3 answers it."""
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, body.encode(), {"Content-Type": "application/xml"})


def tampered(answer: Answer, at: int = 0) -> Answer:
    """Return *answer* with one bit flipped of the byte at *at* of its body."""
    body = answer.body
    return replace(answer, body=body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
