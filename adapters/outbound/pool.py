"""Connections kept open for the next request to the same place."""

import ssl
from asyncio import Semaphore
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final

import httpcore2

from orbiter.adapters.outbound.connections import CheckedConnections

CONNECTIONS: Final = 200
CONNECTIONS_IDLE: Final = 100
IDLE_SECONDS: Final = 15.0

Place = tuple[bytes, bytes, int]


class Pool:
    """Lends each connection to one request at a time, the last one given back first.

    httpcore2's own pool looks at every connection twice for each request, which takes longer than
    the request where a hundred are open.
    """

    def __init__(self, connections: CheckedConnections, tls: ssl.SSLContext) -> None:
        self._connections = connections
        self._tls = tls
        self._free = Semaphore(CONNECTIONS)
        self._lent = set[httpcore2.AsyncHTTPConnection]()
        self._idle = defaultdict[Place, list[httpcore2.AsyncHTTPConnection]](list)
        self._swept = monotonic()

    @asynccontextmanager
    async def use(self, origin: httpcore2.Origin) -> AsyncIterator[httpcore2.AsyncHTTPConnection]:
        """Lend a connection to *origin*; it is kept if its exchange came to a good end."""
        async with self._free:
            connection = await self._idle_one(origin) or self._new(origin)
            self._lent.add(connection)
            try:
                yield connection
            finally:
                self._lent.discard(connection)
                await self._take_back(origin, connection)

    async def close(self) -> None:
        """Close every connection; requests under way fail."""
        for connection in [*self._lent, *(each for some in self._idle.values() for each in some)]:
            await connection.aclose()
        self._idle.clear()

    async def _idle_one(self, origin: httpcore2.Origin) -> httpcore2.AsyncHTTPConnection | None:
        idle = self._idle.get(_place(origin), [])
        while idle:
            connection = idle.pop()
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return None

    def _new(self, origin: httpcore2.Origin) -> httpcore2.AsyncHTTPConnection:
        return httpcore2.AsyncHTTPConnection(
            origin, self._tls, keepalive_expiry=IDLE_SECONDS, network_backend=self._connections
        )

    async def _take_back(
        self, origin: httpcore2.Origin, connection: httpcore2.AsyncHTTPConnection
    ) -> None:
        if monotonic() > self._swept + IDLE_SECONDS:
            await self._sweep()
        full = sum(map(len, self._idle.values())) >= CONNECTIONS_IDLE
        if connection.is_closed() or not connection.is_idle() or full:
            await connection.aclose()
        else:
            self._idle[_place(origin)].append(connection)

    async def _sweep(self) -> None:
        """Close what has lain idle for too long, or was ended by the other side."""
        self._swept = monotonic()
        for place, idle in list(self._idle.items()):
            expired = [each for each in idle if each.has_expired()]
            self._idle[place] = [each for each in idle if each not in expired]
            if not self._idle[place]:
                del self._idle[place]
            for connection in expired:
                await connection.aclose()


def _place(origin: httpcore2.Origin) -> Place:
    return origin.scheme, origin.host, origin.port
