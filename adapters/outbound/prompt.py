"""Connections that acknowledge at once what they receive."""

import socket
import ssl
from typing import Any, Final

import httpcore2

# Linux only; elsewhere acknowledgements come as they come.
_QUICKACK: Final = getattr(socket, "TCP_QUICKACK", None)


class PromptStream(httpcore2.AsyncNetworkStream):
    """Don't delay acknowledgements while an answer is awaited.

    A server that writes an answer's head and body apart, and leaves Nagle's algorithm on, waits
    for the head to be acknowledged: 40 ms, as long as the system likes to put that off.
    """

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream
        self._socket = stream.get_extra_info("socket")

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has arrived, nothing at the end."""
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it."""
        await self._stream.write(buffer, timeout)
        if _QUICKACK is not None:
            # It does not last: the system forgets it as soon as a conversation goes to and fro.
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Return the connection encrypted; it is prompt too."""
        stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return PromptStream(stream)

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection knows of itself."""
        return self._stream.get_extra_info(info)
