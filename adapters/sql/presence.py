"""Which processes are at work on one database, told by advisory locks that a dead one loses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from orbiter.adapters.sql import postgresql
from orbiter.adapters.sql.connections import connected
from orbiter.adapters.sql.database import location

_NUMBER: Final = 5279147264  # any, as long as it stays and is no other lock's
_ALONE: Final = text(f"SELECT pg_try_advisory_lock({_NUMBER})")
_PRESENT: Final = text(f"SELECT pg_advisory_lock_shared({_NUMBER})")
_OPEN_TO_OTHERS: Final = text(f"SELECT pg_advisory_unlock({_NUMBER})")


class Presence:
    """This process among those at work; *alone* if no other was when it came."""

    def __init__(self, connection: AsyncConnection | None, *, alone: bool) -> None:
        self._connection = connection
        self.alone = alone

    async def settle(self) -> None:
        """Let others come in, who wait until the first has put in order what it found."""
        if self.alone and self._connection is not None:
            await self._connection.execute(_OPEN_TO_OTHERS)


@asynccontextmanager
async def present(url: str) -> AsyncIterator[Presence]:
    """Be present at the database at *url* till the block ends, or raise Unavailable.

    A SQLite file has one process at a time: whoever opens its folder sees to that.
    """
    place = location(url)
    if isinstance(place, Path):
        yield Presence(None, alone=True)
        return
    engine = postgresql.single_engine(place)
    connection = await connected(engine)
    try:
        alone = bool((await connection.execute(_ALONE)).scalar())
        await connection.execute(_PRESENT)
        yield Presence(connection, alone=alone)
    finally:
        await connection.close()
        await engine.dispose()
