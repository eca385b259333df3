"""The database: connections for reading, connections for writing, and their transactions."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, CursorResult, Executable, make_url, select

from orbiter.adapters.sql import postgresql, space, sqlite
from orbiter.adapters.sql.connections import Connections, settled
from orbiter.adapters.sql.transactions import Transaction
from orbiter.domain.errors import Unavailable

POOL_SIZE: Final = 10
READY_SECONDS: Final = 3.0

# More threads than this only wait for each other, as Python runs one of them at a time.
_SQLITE_READERS: Final = 4


class Database:
    """Where statements go; one per process and event loop."""

    def __init__(
        self,
        readers: Connections,
        writers: Connections,
        soloists: Connections | None = None,
        *,
        file: Path | None = None,
    ) -> None:
        self._readers = readers
        self._writers = writers
        self._soloists = soloists
        self._file = file

    @classmethod
    def connect(cls, url: str, *, pool_size: int = POOL_SIZE) -> "Database":
        """Return the database at *url*; its connections open when they are needed.

        *pool_size* bounds those that read, those that write, and those of `write_alone`, each;
        SQLite has one that writes.
        """
        place = location(url)
        if isinstance(place, Path):
            return cls(
                Connections(sqlite.reading_engine(place), min(pool_size, _SQLITE_READERS)),
                Connections(sqlite.writing_engine(place), 1),
                file=place,
            )
        engines = (
            postgresql.reading_engine(place),
            postgresql.writing_engine(place),
            postgresql.single_engine(place),
        )
        return cls(
            *(Connections(engine, pool_size, is_open=postgresql.is_open) for engine in engines)
        )

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Lend a connection for statements that only read, each of them by itself."""
        async with self._readers.use() as connection:
            transaction = Transaction(connection, reading=True)
            yield transaction
        for callback in transaction.callbacks:
            callback()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Transaction]:
        """Begin a transaction; commit on leaving, roll back on any exception.

        A commit that has begun is brought to its end, so that nobody is left in doubt.
        """
        async with self._writers.use() as connection:
            transaction = Transaction(connection, reading=False)
            try:
                yield transaction
                if transaction.failure is not None:
                    raise transaction.failure
                cancelled = await settled(transaction.commit())
            except BaseException:
                await settled(transaction.rollback())
                raise
        for callback in transaction.callbacks:
            callback()
        if cancelled:
            raise asyncio.CancelledError

    async def write_alone(
        self, statement: Executable, parameters: Mapping[str, Any]
    ) -> CursorResult[Any]:
        """Execute a statement that is a transaction of its own."""
        if self._soloists is None:
            async with self.writing() as transaction:
                return await transaction.write(statement, parameters)
        async with self._soloists.use() as connection:
            return await Transaction(connection, reading=False).write(statement, parameters)

    async def ready(self) -> None:
        """Raise Unavailable unless a statement gets an answer soon."""
        try:
            async with asyncio.timeout(READY_SECONDS), self.reading() as transaction:
                await transaction.first(select(1), {})
        except TimeoutError as error:
            raise Unavailable("The database takes too long to answer") from error

    async def shrink(self) -> None:
        """Give a SQLite file's free space back; a PostgreSQL server sees to its own."""
        if self._file is not None:
            await asyncio.to_thread(space.shrink, self._file)

    async def close(self) -> None:
        """Give back every connection."""
        await self._readers.close()
        await self._writers.close()
        if self._soloists is not None:
            await self._soloists.close()


def location(url: str) -> Path | URL:
    """Return the file of a SQLite url or the address of a PostgreSQL one; or raise ValueError.

    The file and its folder are made for their owner alone, as they hold secrets.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+asyncpg")
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise ValueError("The database must be a PostgreSQL server or a SQLite file")
    path = Path(str(parsed.database)).absolute()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    return path
