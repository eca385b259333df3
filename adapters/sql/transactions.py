"""One unit of work as its repositories see it: statements on one connection."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import CursorResult, Executable, Row, Select, Table
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.ext.asyncio import AsyncConnection

from orbiter.adapters.sql.connections import SILENT
from orbiter.adapters.sql.failures import meaning
from orbiter.domain.errors import Unavailable

Done = TypeVar("Done")
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Transaction:
    """Statements that are committed together, or single ones that only read.

    Nothing is committed once a statement has failed, even when the error was caught: PostgreSQL
    gives such a transaction up, so all storages do.
    """

    def __init__(self, connection: AsyncConnection, *, reading: bool) -> None:
        self.connection = connection
        self.reading = reading
        self.failure: Exception | None = None
        self.callbacks: list[Callable[[], None]] = []

    async def rows(
        self, statement: Select[Any], parameters: Mapping[str, Any]
    ) -> Sequence[Row[Any]]:
        """Return what a SELECT finds."""
        return (await self._execute(statement, parameters)).all()

    async def first(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Row[Any] | None:
        """Return the first row a SELECT finds."""
        return (await self._execute(statement, parameters)).first()

    async def lock(self, statement: Executable, parameters: Parameters | None = None) -> None:
        """Lock what *statement* says; SQLite has one writer, who needs no lock."""
        if self.connection.dialect.name == "postgresql":
            await self.write(statement, parameters or {})

    async def write(self, statement: Executable, parameters: Parameters) -> CursorResult[Any]:
        """Change rows, raising what a violated constraint stands for."""
        self.require_writing()
        return await self._execute(statement, parameters)

    async def count(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> int:
        """Execute a statement that writes for each of *rows*; return how many rows it changed."""
        if rows and self.connection.dialect.supports_sane_multi_rowcount:
            return (await self.write(statement, rows)).rowcount
        return sum([(await self.write(statement, row)).rowcount for row in rows])

    def require_writing(self) -> None:
        """Raise RuntimeError in a unit of work that only reads."""
        if self.reading:
            raise RuntimeError("This unit of work was opened for reading")

    async def commit(self) -> None:
        """Commit, or raise what kept it from being done."""
        await self._translated(self.connection.commit(), None)

    async def rollback(self) -> None:
        """Undo everything; where that fails, the connection and its transaction are gone."""
        try:
            await self.connection.rollback()
        except (DBAPIError, OSError):
            await self.connection.invalidate()

    async def _execute(self, statement: Executable, parameters: Parameters) -> CursorResult[Any]:
        done = self.connection.execute(statement, parameters)
        return await self._translated(done, getattr(statement, "table", None))

    async def _translated(self, work: Awaitable[Done], table: Table | None) -> Done:
        try:
            return await work
        except DBAPIError as error:
            self.failure = meaning(error, table)
            raise self.failure from error
        except (OSError, PendingRollbackError) as error:
            await self.connection.invalidate()
            self.failure = Unavailable(SILENT)
            raise self.failure from error
