"""The schema's history applied: up at every start, down by hand."""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orbiter.adapters.sql import postgresql, space, sqlite
from orbiter.adapters.sql.connections import connected
from orbiter.adapters.sql.database import location

_SCRIPTS: Final = Path(__file__).parent / "migrations"
_TURN: Final = text("SELECT pg_advisory_lock(5279147263)")  # any number, as long as it stays


async def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema up to *revision*; processes that start at once take turns.

    Raise Unavailable when the database does not answer.
    """
    await _apply(url, command.upgrade, revision)


async def downgrade(url: str, revision: str = "base") -> None:
    """Take the schema back to *revision*, without what does not fit into it."""
    await _apply(url, command.downgrade, revision)


async def _apply(url: str, change: Callable[[Config, str], None], revision: str) -> None:
    def run(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
        config.attributes["connection"] = connection
        change(config, revision)

    async with _turn(url) as connection:
        await connection.run_sync(run)
        await connection.commit()


@asynccontextmanager
async def _turn(url: str) -> AsyncIterator[AsyncConnection]:
    place = location(url)
    if isinstance(place, Path):
        lock = place.with_name(f"{place.name}.lock")
        async with _locked(lock):
            async with _connection_of(sqlite.migrating_engine(place)) as connection:
                yield connection
            await asyncio.to_thread(space.make_shrinkable, place)
    else:
        async with _connection_of(postgresql.migrating_engine(place)) as connection:
            # Held by the connection, not by its transaction: alembic may commit in between.
            await connection.execute(_TURN)
            await connection.commit()
            yield connection


@asynccontextmanager
async def _connection_of(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    connection = await connected(engine)
    try:
        yield connection
    finally:
        await connection.close()
        await engine.dispose()


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    with path.open("w") as file:
        await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
        yield
