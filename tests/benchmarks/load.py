"""A load generator as light as Python allows: raw HTTP/1.1 over kept-alive connections."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

Maker = Callable[[], bytes]


@dataclass(frozen=True)
class Figures:
    """What was measured; latencies in milliseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float
    failures: int


@dataclass(frozen=True)
class Answer:
    """One answer, as far as the setting up of a measurement needs it."""

    status: int
    headers: Mapping[str, str]
    body: Any


def request(
    method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> bytes:
    """Return a request as it goes over the wire."""
    payload = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *_lines(headers or {})]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
    return "\r\n".join([*lines, "", ""]).encode() + payload


class Connection(asyncio.Protocol):
    """One kept-alive connection with one request under way at a time."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answered: asyncio.Future[tuple[bytes, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered and not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, mark, rest = self._buffer.partition(b"\r\n\r\n")
        if mark and len(rest) >= _length(head) and self._answered:
            self._buffer = b""
            self._answered.set_result((head, rest))

    async def send(self, raw: bytes) -> tuple[bytes, bytes]:
        """Return the head and the body of the answer."""
        assert self._transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(raw)
        return await self._answered

    def close(self) -> None:
        """Hang up."""
        if self._transport:
            self._transport.close()


async def connect(port: int) -> Connection:
    """Return a connection to a local server."""
    _, protocol = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return protocol


async def once(port: int, raw: bytes) -> Answer:
    """Send one request and return its answer, decoded."""
    connection = await connect(port)
    head, body = await connection.send(raw)
    connection.close()
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(first.split()[1]), headers, json.loads(body) if body else None)


async def measure(port: int, make: Maker, concurrency: int, seconds: float) -> Figures:
    """Send requests from *concurrency* connections for *seconds*, after a short warm-up."""
    connections = [await connect(port) for _ in range(concurrency)]
    await _drive(connections, make, min(0.5, seconds / 4))
    began = time.perf_counter()
    latencies, failures = await _drive(connections, make, seconds)
    elapsed = time.perf_counter() - began
    for connection in connections:
        connection.close()
    latencies.sort()
    return Figures(
        per_second=len(latencies) / elapsed,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[min(len(latencies) - 1, len(latencies) * 99 // 100)] * 1000,
        failures=failures,
    )


async def _drive(
    connections: list[Connection], make: Maker, seconds: float
) -> tuple[list[float], int]:
    latencies: list[float] = []
    failures = 0
    end = time.perf_counter() + seconds

    async def caller(connection: Connection) -> None:
        nonlocal failures
        while (began := time.perf_counter()) < end:
            head, _ = await connection.send(make())
            latencies.append(time.perf_counter() - began)
            failures += not head.startswith(b"HTTP/1.1 2")

    await asyncio.gather(*(caller(connection) for connection in connections))
    return latencies, failures


def _length(head: bytes) -> int:
    _, mark, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0]) if mark else 0


def _lines(headers: Mapping[str, str]) -> list[str]:
    return [f"{name}: {value}" for name, value in headers.items()]
