"""What all fake vendors have in common: answers in turn, bodies and streams on the wire."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from orbiter.adapters.models.gateway import VendorModels
from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.adapters.outbound.transport import guarded_client
from support.outbound import Heard, Talk

Event = Mapping[str, Any] | str | bytes


@asynccontextmanager
async def a_gateway(allow: str = "127.0.0.1", **options: Any) -> AsyncIterator[VendorModels]:
    """Give the gateway over a guarded client, and close it."""
    gateway = VendorModels(lambda: guarded_client(EgressAllowlist.parse(allow), **options))
    try:
        yield gateway
    finally:
        await gateway.close()


def asked(heard: Heard) -> Any:
    """Return what a request's body said."""
    return json.loads(heard.body)


def in_turn(*talks: Talk) -> Talk:
    """Answer one request after the other; the last answer is given again and again."""
    left = list(talks)

    async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(heard, writer)

    return talk


def whole(
    body: Any,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    zipped: bool = False,
) -> Talk:
    """Answer with a body of JSON, or with the bytes given."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    if zipped:
        content = gzip.compress(content)

    async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
        encoding = {"content-encoding": "gzip"} if zipped else {}
        sizes = {"content-type": "application/json", "content-length": str(len(content))}
        writer.write(head(status, sizes | encoding | dict(headers or {})) + content)

    return talk


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Return a status line and headers."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode()


STREAM_HEAD = head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})


def event(said: Event) -> bytes:
    """Return an event of a stream; bytes are sent as they are."""
    if isinstance(said, bytes):
        return said
    return f"data: {said if isinstance(said, str) else json.dumps(said)}\n\n".encode()


def chunk(content: bytes) -> bytes:
    """Return a chunk of a body of no length known beforehand; an empty one ends it."""
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


async def send_stream(
    writer: asyncio.StreamWriter,
    events: Iterable[Event],
    *,
    pieces_of: int = 0,
    gate: asyncio.Event | None = None,
) -> None:
    """Send events; torn in *pieces_of* so many bytes, and each waiting for *gate* to be set."""
    writer.write(STREAM_HEAD)
    for said in events:
        content = event(said)
        size = pieces_of or len(content)
        for start in range(0, len(content), size):
            writer.write(chunk(content[start : start + size]))
            await writer.drain()
        if gate is not None:
            await gate.wait()
            gate.clear()
    writer.write(chunk(b""))


def streaming(*events: Event, pieces_of: int = 0, gate: asyncio.Event | None = None) -> Talk:
    """Answer with these events, whatever is asked."""

    async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
        await send_stream(writer, events, pieces_of=pieces_of, gate=gate)

    return talk
