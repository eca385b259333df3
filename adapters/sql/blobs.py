"""Blobs in SQL, for many machines: a row each."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    Column,
    LargeBinary,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert  # SQLite speaks it too

from orbiter.adapters.sql.database import Database
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.ports.blobs import (
    PAGE,
    require_blob_names,
    require_blob_place,
    require_blob_size,
)

blobs: Final = Table(
    "blobs",
    metadata,
    Column(
        "name",
        Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"),
        primary_key=True,
    ),
    Column("data", LargeBinary, nullable=False),
)

_cells: Final = blobs.c
_INSERT: Final = insert(blobs)
_PUT: Final = _INSERT.on_conflict_do_update(
    index_elements=[_cells.name], set_={"data": _INSERT.excluded.data}
)
_GET: Final = select(_cells.data).where(_cells.name == bindparam("which"))
_UNDER: Final = or_(
    _cells.name == bindparam("prefix"),
    and_(_cells.name > bindparam("first"), _cells.name < bindparam("beyond")),
)
_LIST: Final = (
    select(_cells.name, func.length(_cells.data).label("size"))
    .where(_UNDER, _cells.name > bindparam("after"))
    .order_by(_cells.name)
    .limit(bindparam("size"))
)
_REMOVE: Final = delete(blobs).where(_UNDER)
_LAST: Final = "\U0010ffff"  # comes after every name


class BlobRows:
    """Blobs of one transaction: what it puts is there once it has committed."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def put(self, name: str, data: bytes) -> None:
        """Keep *data*, in place of what was there."""
        require_blob_names(name)
        require_blob_size(data)
        await self._transaction.write(_PUT, {"name": name, "data": data})

    async def get(self, name: str) -> bytes | None:
        """Return what is kept, if anything is."""
        require_blob_names(name)
        row = await self._transaction.first(_GET, {"which": name})
        return None if row is None else row.data

    async def list(
        self, prefix: str = "", *, after: str = "", limit: int = PAGE
    ) -> Sequence[tuple[str, int]]:
        """Return names and sizes of what is under *prefix*, in order."""
        require_blob_place(prefix, after)
        wanted = {**_bounds(prefix), "after": after, "size": limit}
        return [(row.name, row.size) for row in await self._transaction.rows(_LIST, wanted)]

    async def remove(self, *prefixes: str) -> None:
        """Forget what has one of these names, and everything under it."""
        require_blob_names(*prefixes)
        if prefixes:
            await self._transaction.write(_REMOVE, [_bounds(prefix) for prefix in prefixes])


class SqlBlobs:
    """Blobs of all processes; each call is a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, name: str, data: bytes) -> None:
        """Keep *data*, in place of what was there."""
        async with self._database.writing() as transaction:
            await BlobRows(transaction).put(name, data)

    async def get(self, name: str) -> bytes | None:
        """Return what is kept, if anything is."""
        async with self._database.reading() as transaction:
            return await BlobRows(transaction).get(name)

    async def list(
        self, prefix: str = "", *, after: str = "", limit: int = PAGE
    ) -> Sequence[tuple[str, int]]:
        """Return names and sizes of what is under *prefix*, in order."""
        async with self._database.reading() as transaction:
            return await BlobRows(transaction).list(prefix, after=after, limit=limit)

    async def remove(self, *prefixes: str) -> None:
        """Forget what has one of these names, and everything under it."""
        async with self._database.writing() as transaction:
            await BlobRows(transaction).remove(*prefixes)


def _bounds(prefix: str) -> Mapping[str, Any]:
    if not prefix:
        return {"prefix": "", "first": "", "beyond": _LAST}
    return {"prefix": prefix, "first": f"{prefix}/", "beyond": f"{prefix}0"}  # 0 comes after /
