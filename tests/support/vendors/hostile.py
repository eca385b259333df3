"""Servers that mean harm or are broken, whatever wire format they are asked in."""

import asyncio
import zlib

from support.outbound import Heard, Talk
from support.vendors.serving import STREAM_HEAD, chunk, head

_ROW = b"x" * 65536


def hanging(begun: bytes = b"") -> Talk:
    """Send what is given, and then nothing any more."""

    async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(begun)
        await writer.drain()
        await asyncio.Event().wait()

    return talk


def breaking_off(begun: bytes) -> Talk:
    """Send what is given, and hang up."""

    async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(begun)
        await writer.drain()
        writer.close()

    return talk


def dripping(begun: bytes, drop: bytes) -> Talk:
    """Send what is given, and then drop by drop, without an end."""

    async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(begun)
        while True:
            writer.write(drop)
            await asyncio.sleep(0.02)

    return talk


def endless(event: bytes) -> Talk:
    """Send the same event again and again."""

    async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD)
        many = chunk(event * max(1, 65536 // len(event)))
        while True:
            writer.write(many)
            await writer.drain()

    return talk


def huge(size: int = 1 << 30, *, sent: list[int]) -> Talk:
    """Answer with a body of *size* bytes, made as it is sent; *sent* has what could be sent."""

    async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, {"content-type": "application/json", "content-length": str(size)}))
        for _ in range(size // len(_ROW)):
            writer.write(_ROW)
            await writer.drain()
            sent.append(len(_ROW))

    return talk


def bomb(size: int = 1 << 30, content_type: str = "application/json") -> Talk:
    """Answer with few bytes that decode to *size* of them."""

    async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
        kinds = {"content-type": content_type, "content-encoding": "gzip"}
        writer.write(head(200, kinds | {"transfer-encoding": "chunked"}))
        packer = zlib.compressobj(9, wbits=31)
        for _ in range(size // len(_ROW)):
            if packed := packer.compress(_ROW):
                writer.write(chunk(packed))
                await writer.drain()
        writer.write(chunk(packer.flush()) + chunk(b""))

    return talk
