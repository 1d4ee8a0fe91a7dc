"""A process that forwards connections to a server, later by a fixed time, and records the requests.

    python -m benchmarks.latency_proxy TARGET_PORT ROUND_TRIP_SECONDS HANDSHAKE_SECONDS

It prints the port that it listens on. For each line that it is sent on its standard input it prints
one of JSON, once its clients have closed their connections: a list of their requests since the line
before, with the fields of `benchmarks.requests.Exchange`. A new connection waits for
HANDSHAKE_SECONDS, in which TCP would shake hands; its first request begins with it.
"""

import asyncio
import json
import re
import sys
from dataclasses import asdict

from benchmarks.requests import Exchange

BLOCK = 1 << 18
SETTLE_SECONDS = 0.02
REQUEST = re.compile(rb"(GET|PUT|POST|HEAD|DELETE) (\S+) HTTP/1\.1\r\n")
REGION = re.compile(rb"(?i)\nAuthorization: \S+ Credential=[^/]+/\d+/([^/]+)/")
OPERATION = re.compile(rb"(?i)\nX-Amz-Target: AmazonSSM\.(\w+)")
PARAMETER = re.compile(rb'\r\n\r\n\{.*?"Name": ?"([^"]*)"', re.DOTALL)
# Enough for the headers of a request, and the body of one to SSM.
KEPT_BYTES = 1 << 14


class Connection:
    """One connection of a client, and the request that it waits for."""

    def __init__(self, number: int, began: float, ended: list[Exchange]) -> None:
        self._number = number
        self._began: float | None = began
        self._ended = ended
        self._exchange: Exchange | None = None
        self._is_answered = False
        self._text = b""

    def sent(self, data: bytes, now: float) -> None:
        """Note what the client sent at *now*: a request, or more of one."""
        match = REQUEST.match(data)
        if match and (self._exchange is None or self._is_answered):
            self.close()
            method, path = (part.decode("ascii", "replace") for part in match.groups())
            begin = now if self._began is None else self._began
            self._exchange = Exchange(self._number, method, path, begin, now, 0)
            self._began = None
            self._is_answered = False
            self._text = b""
        if self._exchange is not None:
            self._exchange.sent_bytes += len(data)
            self._text += data[: KEPT_BYTES - len(self._text)]

    def received(self, data: bytes, now: float) -> None:
        """Note what the client received at *now*."""
        if self._exchange is not None:
            self._is_answered = self._is_answered or not data.startswith(b"HTTP/1.1 100")
            self._exchange.end = now

    def close(self) -> None:
        """Keep the request that has ended."""
        if self._exchange is not None:
            self._exchange.region = _found(REGION, self._text)
            self._exchange.operation = _found(OPERATION, self._text)
            if self._exchange.operation:
                self._exchange.parameter = _found(PARAMETER, self._text)
            self._ended.append(self._exchange)
            self._exchange = None


def _found(pattern: re.Pattern[bytes], text: bytes) -> str:
    match = pattern.search(text)
    return match[1].decode("ascii", "replace") if match else ""


class Proxy:
    """Forwards connections to the port *target* of this machine, *delay* seconds later each way."""

    def __init__(self, target: int, delay: float, handshake: float) -> None:
        self._target = target
        self._delay = delay
        self._handshake = handshake
        self._connections = 0
        self._open = 0
        self._ended: list[Exchange] = []

    async def serve(self) -> None:
        """Serve until the process is ended, and print the port first."""
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0, limit=1 << 22)
        print(server.sockets[0].getsockname()[1], flush=True)
        async with server:
            while await asyncio.to_thread(sys.stdin.readline):
                # What a process that has ended sent is not all read yet.
                await asyncio.sleep(SETTLE_SECONDS)
                while self._open:
                    await asyncio.sleep(SETTLE_SECONDS)
                print(json.dumps([asdict(exchange) for exchange in self._ended]), flush=True)
                self._ended.clear()

    async def _handle(
        self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        self._connections += 1
        self._open += 1
        now = asyncio.get_running_loop().time()
        connection = Connection(self._connections, now, self._ended)
        await asyncio.sleep(self._handshake)
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(
            self._forward(from_client, to_server, connection, is_request=True),
            self._forward(from_server, to_client, connection, is_request=False),
            return_exceptions=True,
        )
        to_server.close()
        to_client.close()

    async def _forward(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        connection: Connection,
        *,
        is_request: bool,
    ) -> None:
        now = asyncio.get_running_loop().time
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def write() -> None:
            while True:
                due, data = await queue.get()
                await asyncio.sleep(max(0.0, due - now()))
                if not data:
                    break
                if not is_request:
                    connection.received(data, now())
                target.write(data)
                await target.drain()
            target.write_eof()

        writing = asyncio.create_task(write())
        data = b"-"
        while data:
            try:
                data = await source.read(BLOCK)
            except ConnectionError:
                data = b""
            if is_request and data:
                connection.sent(data, now())
            elif is_request:
                connection.close()
                self._open -= 1
            queue.put_nowait((now() + self._delay, data))
        await writing


if __name__ == "__main__":
    port, round_trip, handshake = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    asyncio.run(Proxy(port, round_trip / 2, handshake).serve())
