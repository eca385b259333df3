"""Open connections, kept for the next who needs one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orbiter.domain.errors import Unavailable

SILENT: Final = "The database does not answer"


class Connections:
    """At most *size* connections of an engine without a pool, the last one given back first.

    A pool of SQLAlchemy's resets a connection between two uses, which costs more than the
    statement it is used for.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        size: int,
        *,
        is_open: Callable[[AsyncConnection], bool] = lambda _: True,
    ) -> None:
        """Lend connections that *is_open* knows to be so, without asking the database."""
        self._engine = engine
        self._is_open = is_open
        self._free = asyncio.Semaphore(size)
        self._idle: list[AsyncConnection] = []
        self._closed = False

    @asynccontextmanager
    async def use(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection, or raise Unavailable; one that broke meanwhile is not lent again."""
        async with self._free:
            connection = await self._take()
            try:
                yield connection
            except Unavailable:
                # What broke one has most likely broken those that lie idle, too.
                idle, self._idle = self._idle, []
                await settled(self._discard(*idle))
                raise
            finally:
                await self._take_back(connection)

    async def close(self) -> None:
        """Close every connection; those in use when they are given back."""
        self._closed = True
        await self._discard(*self._idle)
        self._idle.clear()
        await self._engine.dispose()

    async def _take(self) -> AsyncConnection:
        while self._idle:
            connection = self._idle.pop()
            if self._is_open(connection):
                return connection
            await self._discard(connection)
        if self._closed:
            raise Unavailable("The storage is closed")
        return await connected(self._engine)

    async def _take_back(self, connection: AsyncConnection) -> None:
        if not (connection.invalidated or self._closed):
            self._idle.append(connection)
        elif await settled(self._discard(connection)):
            raise asyncio.CancelledError

    async def _discard(self, *connections: AsyncConnection) -> None:
        for connection in connections:
            await connection.invalidate()
            await connection.close()


async def connected(engine: AsyncEngine) -> AsyncConnection:
    """Open a connection, or raise Unavailable."""
    try:
        return await engine.connect()
    except (SQLAlchemyError, OSError) as error:
        raise Unavailable(SILENT) from error


async def settled(work: Coroutine[Any, Any, None]) -> bool:
    """Await *work* to its end whatever happens; say whether a cancellation came meanwhile."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    return cancelled
