"""A process that forwards connections to a server, later by a fixed time, and records the requests.

    python -m benchmarks.latency_proxy TARGET_PORT ROUND_TRIP_SECONDS LOG

It prints the port that it listens on. Each request that has ended is a line of JSON in LOG; its
fields are those of `benchmarks.requests.Exchange`. A new connection waits for one round trip first,
as the handshake of TCP takes one.
"""

import asyncio
import json
import re
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.requests import Exchange

BLOCK = 1 << 18
REQUEST = re.compile(rb"(GET|PUT|POST|HEAD|DELETE) (\S+) HTTP/1\.1\r\n")


class Connection:
    """One connection of a client, and the request that it waits for."""

    def __init__(self, number: int, log: Path) -> None:
        self._number = number
        self._log = log
        self._exchange: Exchange | None = None
        self._is_answered = False

    def sent(self, data: bytes, now: float) -> None:
        """Note what the client sent at *now*: a request, or more of one."""
        match = REQUEST.match(data)
        if match and (self._exchange is None or self._is_answered):
            self.close()
            method, path = (part.decode("ascii", "replace") for part in match.groups())
            self._exchange = Exchange(self._number, method, path, now, now, 0)
            self._is_answered = False
        if self._exchange is not None:
            self._exchange.sent_bytes += len(data)

    def received(self, data: bytes, now: float) -> None:
        """Note what the client received at *now*."""
        if self._exchange is not None:
            self._is_answered = self._is_answered or not data.startswith(b"HTTP/1.1 100")
            self._exchange.end = now

    def close(self) -> None:
        """Write the request that has ended."""
        if self._exchange is not None:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(self._exchange)) + "\n")
            self._exchange = None


class Proxy:
    """Forwards connections to the port *target* of this machine, *delay* seconds later each way."""

    def __init__(self, target: int, delay: float, log: Path) -> None:
        self._target = target
        self._delay = delay
        self._log = log
        self._connections = 0

    async def serve(self) -> None:
        """Serve until the process is ended, and print the port first."""
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0, limit=1 << 22)
        print(server.sockets[0].getsockname()[1], flush=True)
        async with server:
            await server.serve_forever()

    async def _handle(
        self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        self._connections += 1
        connection = Connection(self._connections, self._log)
        await asyncio.sleep(2 * self._delay)
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(
            self._forward(from_client, to_server, connection, is_request=True),
            self._forward(from_server, to_client, connection, is_request=False),
            return_exceptions=True,
        )
        connection.close()
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
            queue.put_nowait((now() + self._delay, data))
        await writing


if __name__ == "__main__":
    port, round_trip, path = int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
    asyncio.run(Proxy(port, round_trip / 2, path).serve())
