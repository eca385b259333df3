"""Rotation: what an old key has encrypted, encrypted again with the newest; what none opens."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Column, bindparam, select, tuple_, update

from orbiter.adapters.sql.columns import Sealed
from orbiter.adapters.sql.database import Database
from orbiter.adapters.sql.tables import metadata
from orbiter.application.ports.identity import Cipher

BATCH: Final = 200

_Found = tuple[Mapping[str, Any], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What became of a *table*'s values: encrypted again, *fresh* before, or left *unreadable*."""

    table: str
    rotated: int = 0
    fresh: int = 0
    unreadable: int = 0


async def rotate(database: Database, cipher: Cipher) -> Sequence[Rotation]:
    """Encrypt every sealed value with the newest key, in small transactions.

    A value that somebody else changes meanwhile stays as they leave it. What was done before an
    interruption is done: each value tells by which key.
    """
    return [await _rotate(database, cipher, each) for each in _sealed_columns()]


async def unreadable_tables(database: Database, cipher: Cipher) -> Sequence[str]:
    """Return the tables with values that no key opens, as far as their first values tell."""
    tables = []
    for column in _sealed_columns():
        async for batch in column.batches(database):
            if any(_renewed(cipher, sealed) is None for _, sealed in batch):
                tables.append(column.table)
            break
    return tables


async def _rotate(database: Database, cipher: Cipher, column: "_SealedColumn") -> Rotation:
    done = Rotation(table=column.table)
    async for batch in column.batches(database):
        renewals = [(which, sealed, _renewed(cipher, sealed)) for which, sealed in batch]
        changes = [each for each in renewals if each[2] not in (None, each[1])]
        async with database.writing() as transaction:
            for which, sealed, renewed in changes:
                values = {**which, "sealed": sealed, "renewed": renewed}
                await transaction.write(column.renew, values)
        unreadable = sum(1 for _, _, renewed in renewals if renewed is None)
        done = replace(
            done,
            rotated=done.rotated + len(changes),
            fresh=done.fresh + len(batch) - len(changes) - unreadable,
            unreadable=done.unreadable + unreadable,
        )
    return done


def _renewed(cipher: Cipher, sealed: bytes) -> bytes | None:
    try:
        return cipher.rotate(sealed)
    except ValueError:
        return None


def _sealed_columns() -> Iterator["_SealedColumn"]:
    for _, table in sorted(metadata.tables.items()):
        for column in table.columns:
            if isinstance(column.type, Sealed):
                yield _SealedColumn(column)


class _SealedColumn:
    """A column of sealed values, each found by its row's primary key."""

    def __init__(self, column: Column[Any]) -> None:
        keys = column.table.primary_key.columns
        which = [bindparam(f"the_{key.name}", type_=key.type) for key in keys]
        self.table = column.table.name
        self._names = [bound.key for bound in which]
        self._first = select(*keys, column).where(column.is_not(None)).order_by(*keys).limit(BATCH)
        self._next = self._first.where(tuple_(*keys) > tuple_(*which))
        # What somebody else has put there meanwhile is not overwritten.
        self.renew = (
            update(column.table)
            .where(
                *(key == bound for key, bound in zip(keys, which, strict=True)),
                column == bindparam("sealed", type_=column.type),
            )
            .values({column: bindparam("renewed", type_=column.type)})
        )

    async def batches(self, database: Database) -> AsyncIterator[Sequence[_Found]]:
        """Yield the key and the value of each row that has one."""
        statement = self._first
        which: Mapping[str, Any] = {}
        while True:
            async with database.reading() as transaction:
                rows = await transaction.rows(statement, which)
            batch: list[_Found] = [
                (dict(zip(self._names, row[:-1], strict=True)), row[-1]) for row in rows
            ]
            if not batch:
                return
            yield batch
            statement, which = self._next, batch[-1][0]
