"""Servers in the outside world, well-behaved and hostile ones, and names that lead to them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

from orbiter.adapters.outbound.addresses import Address

Talk = Callable[["Heard", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Heard:
    """One request as it arrived; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Server:
    """What a server on a loopback port was told; *gone* is set when a client has hung up."""

    port: int = 0
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


@dataclass
class Names:
    """A resolver with a book of its own; a list of lists is answered one after the other."""

    book: dict[str, list[list[str]]]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append(host)
        if host not in self.book:
            raise OSError("no such name")
        answers = self.book[host]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [ip_address(text) for text in answer]

    def close(self) -> None:
        """Nothing is held."""


@asynccontextmanager
async def serving(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Listen on a loopback port; *talk* answers each request."""
    server = Server()
    tasks: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        server.connections += 1
        try:
            while heard := await _request(reader):
                server.heard.append(heard)
                await _until_hung_up(reader, talk(heard, writer))
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            server.gone.set()
            writer.close()

    async with await asyncio.start_server(converse, "127.0.0.1", 0, ssl=tls) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)


def answering(
    status: str = "200 OK", headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Talk:
    """Answer every request with the same."""

    async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
        lines = [f"{name}: {value}\r\n" for name, value in (headers or {}).items()]
        head = f"HTTP/1.1 {status}\r\n{''.join(lines)}content-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + (b"" if heard.method == "HEAD" else body))

    return talk


def redirecting(location: str, status: int = 302) -> Talk:
    """Send every client elsewhere."""
    return answering(f"{status} Elsewhere", {"location": location})


async def _until_hung_up(reader: asyncio.StreamReader, talking: Awaitable[None]) -> None:
    # Nobody sends a second request before the first is answered: what can be read is the end.
    answer, end = asyncio.ensure_future(talking), asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait((answer, end), return_when=asyncio.FIRST_COMPLETED)
    finally:
        answer.cancel()
        end.cancel()
        await asyncio.gather(answer, end, return_exceptions=True)


async def _request(reader: asyncio.StreamReader) -> Heard | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, target, _ = head[0].split(" ")
    pairs = (line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Heard(method, target, headers, body)
