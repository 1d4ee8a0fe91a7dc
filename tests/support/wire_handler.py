"""How the wire reads a request, and sends an answer as that is meant to be sent."""

import io
import os
import socket
import struct
import sys
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.wire import Answer, Wire

_BLOCK = 16 * 1024


class Handler(BaseHTTPRequestHandler):
    """Serves one connection of a wire, each in a thread of its own."""

    protocol_version = "HTTP/1.1"
    # A body that waits until the client has acknowledged the headers comes 40 ms late.
    disable_nagle_algorithm = True
    wire: "Wire"

    def setup(self) -> None:
        sys.settrace(None)  # measuring coverage here takes time and measures nothing
        super().setup()
        with self.wire.lock:
            self.wire.connections.add(self.connection)

    def finish(self) -> None:
        with self.wire.lock:
            self.wire.connections.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def _serve(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        body = self._body(size)
        if len(body) < size:  # whoever sent it has gone
            self.close_connection = True
            return
        answer = self.wire.serve(self.command, self.path, dict(self.headers.items()), body)
        if answer is None:
            self.close_connection = True
            return
        self._send(answer)

    def _body(self, size: int) -> bytes:
        """Read the body, as slowly as is wished."""
        rate = self.wire.upload_rate
        if rate is None:
            return self.rfile.read(size)
        body = bytearray()
        while len(body) < size and (block := self.rfile.read(min(size - len(body), _BLOCK))):
            body += block
            self._pass(len(block), rate)
        return bytes(body)

    def _pass(self, count: int, rate: float) -> None:
        """Take as long as *count* bytes take at *rate*."""
        with self.wire.lock:
            self.wire.bytes_transferred += count
        self.wire.closing.wait(count / rate)

    def _send(self, answer: "Answer") -> None:
        if not answer.head:
            self._end(reset=answer.reset)
            return
        names = {name.lower() for name in answer.headers}
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in {"connection", "transfer-encoding"}:
                self.send_header(name, value)
        if answer.chunks is not None:
            self._send_chunks(answer.chunks)
            return
        if "content-length" not in names:
            self.send_header("Content-Length", str(len(answer.body)))
        if answer.drip is not None:
            self._drip(answer, answer.drip)
            return
        self.end_headers()
        self._send_body(answer)

    def _send_body(self, answer: "Answer") -> None:
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
        if ends or answer.reset:
            self._end(reset=answer.reset)

    def _end(self, *, reset: bool) -> None:
        """End the connection, with *reset* as if the server had crashed."""
        if reset:
            # Closed without lingering, unread or not: the other side gets a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with self.wire.lock:  # nobody may end a connection that has got its number since
                self.wire.connections.discard(self.connection)
                os.close(self.connection.detach())
        self.close_connection = True

    def _send_chunks(self, chunks: Iterable[tuple[float, bytes]]) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for pause, block in chunks:
            if self.wire.closing.wait(pause):
                self.close_connection = True
                return
            if block:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
        self.wfile.write(b"0\r\n\r\n")

    def _drip(self, answer: "Answer", pause: float) -> None:
        network, self.wfile = self.wfile, io.BytesIO()
        self.end_headers()
        head, self.wfile = self.wfile.getvalue(), network
        self.close_connection = True
        for byte in head + (b"" if self.command == "HEAD" else answer.body):
            self.wfile.write(bytes([byte]))
            if self.wire.closing.wait(pause):
                return

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815
