"""The bytes of one connection, over a transport of the event loop itself."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import httpcore2

# What lies unread beyond this makes the other side wait.
UNREAD_MAX: Final = 256 * 1024
# Linux only; elsewhere acknowledgements come as they come.
_QUICKACK: Final = getattr(socket, "TCP_QUICKACK", None)


async def connected(address: str, port: int, *, seconds: float) -> "Stream":
    """Return a connection to an address, or raise OSError when there is none after *seconds*."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(seconds):
        _, stream = await loop.create_connection(Stream, address, port)
    return stream


class Stream(asyncio.Protocol, httpcore2.AsyncNetworkStream):
    """A connection, read by one caller at a time and written by one.

    It is told when the other side ends it, so that one that lies idle is known to be in order
    without asking the kernel before each request.
    """

    def __init__(self) -> None:
        self._unread = bytearray()
        self._paused = False
        self._ended = False
        self._failure: Exception | None = None
        self._transport: asyncio.Transport | None = None
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        self._readable.set()
        if len(self._unread) > UNREAD_MAX and not self._paused:
            self._paused = True
            self._open.pause_reading()

    def eof_received(self) -> None:
        self._ended = True
        self._readable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._failure = exc
        self.eof_received()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has come, nothing at the end; or raise ReadError or ReadTimeout."""
        if self._readable.is_set():
            # Whoever sends without end must not keep everybody else waiting.
            await asyncio.sleep(0)
        else:
            async with _within(timeout, httpcore2.ReadTimeout):
                await self._readable.wait()
        data = bytes(self._unread[:max_bytes])
        del self._unread[:max_bytes]
        if not data and self._failure is not None:
            raise httpcore2.ReadError(self._failure)
        if not (self._unread or self._ended):
            self._readable.clear()
            self._read_on()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send everything; or raise WriteError or WriteTimeout."""
        if not self._open.is_closing():
            self._open.write(buffer)
            self._acknowledge_at_once()
            if not self._writable.is_set():
                async with _within(timeout, httpcore2.WriteTimeout):
                    await self._writable.wait()
        if self._open.is_closing():
            raise httpcore2.WriteError(self._failure)

    async def aclose(self) -> None:
        """End the connection; nobody waits for what is still under way."""
        self._open.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Speak TLS from now on; or raise ConnectError or ConnectTimeout."""
        loop = asyncio.get_running_loop()
        try:
            async with _within(timeout, httpcore2.ConnectTimeout):
                self._transport = await loop.start_tls(
                    self._open, self, ssl_context, server_hostname=server_hostname
                )
        except OSError as error:
            raise httpcore2.ConnectError(error) from error
        return self

    def get_extra_info(self, info: str) -> Any:
        """Return what is known of the connection, by the names of httpcore2 and asyncio."""
        if info == "is_readable":
            return self._readable.is_set()
        return self._open.get_extra_info(info)

    def _acknowledge_at_once(self) -> None:
        """Don't delay acknowledgements of what is said next; the system soon forgets it.

        A server that writes an answer's head and body apart, and leaves Nagle's algorithm on,
        waits for the head to be acknowledged: 40 ms, as long as the system likes to put that off.
        """
        if _QUICKACK is not None:
            self.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def _read_on(self) -> None:
        if self._paused:
            self._paused = False
            self._open.resume_reading()

    @property
    def _open(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport


@asynccontextmanager
async def _within(seconds: float | None, late: type[Exception]) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds) as bound:
            yield
    except TimeoutError:
        if not bound.expired():
            raise
        raise late from None
