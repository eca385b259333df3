"""Single connections: what waits for whom, and how each knows that the other has gone."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpcore2
import pytest

from orbiter.adapters.outbound.streams import UNREAD_MAX, Stream, connected

MANY = 64 * UNREAD_MAX

Side = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def a_stream_to(other: Side) -> AsyncIterator[Stream]:
    async def side(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await other(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(side, "127.0.0.1", 0) as listening:
        stream = await connected("127.0.0.1", listening.sockets[0].getsockname()[1], seconds=5)
        try:
            yield stream
        finally:
            await stream.aclose()


async def everything_of(stream: Stream) -> bytes:
    parts = list[bytes]()
    while part := await stream.read(65536, 5):
        parts.append(part)
    return b"".join(parts)


async def test_who_sends_more_than_is_read_has_to_wait() -> None:
    sent, done = asyncio.Event(), asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * MANY)
        sent.set()
        await writer.drain()
        done.set()

    async with a_stream_to(flood) as stream:
        first = await stream.read(1)
        await sent.wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(done.wait(), 0.3)
        assert first + await everything_of(stream) == b"x" * MANY
        await asyncio.wait_for(done.wait(), 5)


async def test_what_is_sent_waits_for_a_slow_reader_and_arrives_whole() -> None:
    may_read, read = asyncio.Event(), asyncio.Queue[int]()

    async def sluggish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await may_read.wait()
        read.put_nowait(len(await reader.readexactly(MANY)))

    async with a_stream_to(sluggish) as stream:
        with pytest.raises(httpcore2.WriteTimeout):
            await stream.write(b"x" * MANY, 0.2)
        may_read.set()
        await stream.write(b"", 5)
        assert await asyncio.wait_for(read.get(), 5) == MANY


async def test_one_that_lies_idle_tells_that_the_other_side_ended_it() -> None:
    may_end = asyncio.Event()

    async def ending(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"answer")
        await may_end.wait()

    async with a_stream_to(ending) as stream:
        assert await stream.read(65536, 5) == b"answer"
        assert not stream.get_extra_info("is_readable")
        may_end.set()
        assert await stream.read(65536, 5) == b""
        assert stream.get_extra_info("is_readable")
        with pytest.raises(httpcore2.WriteError):
            await stream.write(b"more")


async def test_silence_is_waited_for_as_long_as_was_said() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with a_stream_to(silent) as stream:
        with pytest.raises(httpcore2.ReadTimeout):
            await stream.read(65536, 0.05)


async def test_a_reset_is_no_end() -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        at_once = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        writer.transport.abort()

    async with a_stream_to(rude) as stream:
        await stream.write(b"go")
        with pytest.raises(httpcore2.ReadError):
            await stream.read(65536, 5)
