"""SQLite: one statement is one errand to the connection's thread."""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast

import aiosqlite
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

PATIENCE_SECONDS: Final = 30.0  # how long another process may keep the database locked

_EVERY: Final = ("PRAGMA journal_mode = WAL", "PRAGMA foreign_keys = ON")
# FULL, so that what was answered for survives a loss of power: in WAL, NORMAL may lose the end.
_WRITING: Final = (*_EVERY, "PRAGMA synchronous = FULL")
_READING: Final = (*_EVERY, "PRAGMA query_only = ON")


def reading_engine(path: Path) -> AsyncEngine:
    """Return the engine of connections that can't write."""
    return _engine(path, _READING, begins=False)


def writing_engine(path: Path) -> AsyncEngine:
    """Return the engine of connections whose first statement begins a transaction."""
    return _engine(path, _WRITING, begins=True)


def migrating_engine(path: Path) -> AsyncEngine:
    """Return the same without foreign keys: altering a table means to copy and drop it."""
    return _engine(path, (*_WRITING, "PRAGMA foreign_keys = OFF"), begins=True)


def _engine(path: Path, pragmas: Sequence[str], *, begins: bool) -> AsyncEngine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            path, timeout=PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
        )
        for pragma in pragmas:
            connection.execute(pragma)
        return connection

    async def create(*_: Any, **__: Any) -> aiosqlite.Connection:
        connection = _Connection(connect, begins=begins)
        try:
            return await connection
        except sqlite3.Error:
            connection.join()
            raise

    return create_async_engine("sqlite+aiosqlite://", async_creator=create, poolclass=NullPool)


class _Connection(aiosqlite.Connection):
    """A connection whose cursors make one errand where aiosqlite's make four."""

    def __init__(self, connect: Any, *, begins: bool) -> None:
        super().__init__(connect, iter_chunk_size=64)
        self._thread.daemon = True  # a process that ends without closing must not hang
        self._begins = begins

    def join(self) -> None:
        """Wait for the thread, which is ending already; it must not outlive the event loop."""
        self._thread.join()

    def cursor(self) -> Any:
        return _Cursor(self)

    async def run(self, work: Any, *arguments: Any) -> Any:
        """Call *work* in the connection's thread, inside a transaction if it begins them."""
        errand = cast(Callable[..., Awaitable[Any]], self._execute)
        return await errand(self._run, work, *arguments)

    def _run(self, work: Any, *arguments: Any) -> Any:
        if self._begins and not self._conn.in_transaction:
            self._conn.execute("BEGIN IMMEDIATE")
        return work(self._conn, *arguments)


class _Cursor:
    """The part of a cursor that SQLAlchemy uses, with every row fetched at once."""

    arraysize = 1

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> "_Cursor":
        return self

    async def execute(self, sql: str, parameters: Any = ()) -> None:
        await self._connection.run(self._execute, sql, parameters)

    async def executemany(self, sql: str, parameters: Any) -> None:
        await self._connection.run(self._executemany, sql, parameters)

    async def fetchall(self) -> list[Any]:
        return self._rows

    async def close(self) -> None:
        self._rows = []

    def _execute(self, connection: sqlite3.Connection, sql: str, parameters: Any) -> None:
        self._take(connection.execute(sql, parameters))

    def _executemany(self, connection: sqlite3.Connection, sql: str, parameters: Any) -> None:
        self._take(connection.executemany(sql, parameters))

    def _take(self, cursor: sqlite3.Cursor) -> None:
        self._rows = cursor.fetchall() if cursor.description else []
        self.description = cursor.description
        self.rowcount = cursor.rowcount
        self.lastrowid = cursor.lastrowid
        cursor.close()
