"""What a database's refusal means, in the core's words.

A constraint says so itself: its `info` holds the `error` to raise, a function without arguments.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

from sqlalchemy import ForeignKeyConstraint, Table
from sqlalchemy.exc import DBAPIError, IntegrityError

from orbiter.adapters.sql.connections import SILENT
from orbiter.adapters.sql.metadata import metadata
from orbiter.domain.errors import Conflict, NotFound, OrbiterError, Unavailable

# SQLSTATEs: connection, a standby, deadlocks and the like, resources, operators, the system.
_PASSING: Final = ("08", "25006", "40", "53", "55P03", "57", "58")
_SQLITE_PASSING: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
_UNIQUE: Final = re.compile(r"UNIQUE constraint failed: (.+)")


def conflict(message: str) -> dict[str, Callable[[], OrbiterError]]:
    """Return the `info` of a constraint whose violation is a Conflict."""
    return {"error": lambda: Conflict(message)}


def missing(noun: str) -> dict[str, Callable[[], OrbiterError]]:
    """Return the `info` of a foreign key whose violation is a NotFound."""
    return {"error": lambda: NotFound(noun)}


def meaning(error: DBAPIError, table: Table | None) -> Exception:
    """Return what to raise for *error*, met while writing to *table*; perhaps *error* itself."""
    if isinstance(error, IntegrityError):
        raised = _errors().get(_violated(error, table))
        return raised() if raised else error
    return Unavailable(SILENT) if _passes(error) else error


def _passes(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None) or ""
    code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return (
        error.connection_invalidated
        or str(state).startswith(_PASSING)
        or code & 0xFF in _SQLITE_PASSING  # the rest says more exactly what it is
    )


def _violated(error: IntegrityError, table: Table | None) -> str:
    # PostgreSQL names the constraint, SQLite the columns of a unique one and nothing of a key.
    name = getattr(error.orig.__cause__, "constraint_name", None) if error.orig else None
    if name is not None:
        return str(name)
    unique = _UNIQUE.search(str(error.orig))
    return unique[1] if unique else f"{table} refers to nothing"


@cache
def _errors() -> dict[str, Callable[[], OrbiterError]]:
    return dict(pair for table in metadata.tables.values() for pair in _errors_of(table))


def _errors_of(table: Table) -> Iterator[tuple[str, Callable[[], OrbiterError]]]:
    constraints: list[Any] = [*table.constraints, *table.indexes]
    for constraint in constraints:
        error = constraint.info.get("error")
        if error is None:
            continue
        yield str(constraint.name), error
        if isinstance(constraint, ForeignKeyConstraint):
            yield f"{table} refers to nothing", error
        else:
            yield ", ".join(f"{table}.{column.name}" for column in constraint.columns), error
