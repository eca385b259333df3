"""Leases of processes, on the database's clock."""

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, Table, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert  # SQLite speaks it too
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from orbiter.adapters.sql.columns import Id
from orbiter.adapters.sql.metadata import metadata

executors: Final = Table(
    "executors",
    metadata,
    Column("id", Id, primary_key=True),
    Column("expires_at", BigInteger, nullable=False),
    Column("interpreter", Integer, nullable=False),
)


class _Now(FunctionElement[int]):
    """The database's time, in milliseconds since 1970."""

    type = BigInteger()
    inherit_cache = True


@compiles(_Now, "postgresql")
def _on_postgresql(*_: object, **__: object) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"


@compiles(_Now, "sqlite")
def _on_sqlite(*_: object, **__: object) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"


_EXPIRES: Final = _Now() + bindparam("ttl", type_=BigInteger)

ALIVE: Final = executors.c.expires_at > _Now()

ENROLL: Final = insert(executors).values(
    id=bindparam("who"), expires_at=_EXPIRES, interpreter=bindparam("mine")
)
BEAT: Final = (
    update(executors).where(executors.c.id == bindparam("who"), ALIVE).values(expires_at=_EXPIRES)
)
NEWEST: Final = select(func.max(executors.c.interpreter)).where(ALIVE)
DISMISS: Final = delete(executors).where(executors.c.id == bindparam("who"))
DISMISS_OTHERS: Final = delete(executors).where(executors.c.id != bindparam("who"))
# What another process is burying already is passed over; SQLite has one process anyhow.
_DEAD: Final = (
    select(executors.c.id).where(executors.c.expires_at <= _Now()).with_for_update(skip_locked=True)
)
DISMISS_DEAD: Final = delete(executors).where(executors.c.id.in_(_DEAD))
