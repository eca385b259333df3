"""Blobs of runs that are not there: what a crash or a rollback has left behind."""

from typing import Final

from sqlalchemy import bindparam, delete, func, select

from orbiter.adapters.sql.blobs import blobs
from orbiter.adapters.sql.columns import ID_LENGTH
from orbiter.adapters.sql.database import Database
from orbiter.adapters.sql.large_values import RUNS
from orbiter.adapters.sql.runs import runs
from orbiter.application.ports.blobs import Blobs

AT_ONCE: Final = 10_000

_FIRST: Final = len(f"{RUNS}/")
_ID: Final = func.substr(blobs.c.name, _FIRST + 1, ID_LENGTH)
_REMOVE: Final = delete(blobs).where(
    blobs.c.name > f"{RUNS}/",
    blobs.c.name < f"{RUNS}0",  # 0 comes after /
    ~select(runs.c.id).where(runs.c.id == _ID).exists(),
)
_KNOWN: Final = select(runs.c.id).where(runs.c.id.in_(bindparam("some", expanding=True)))


async def remove_orphans(database: Database, beside: Blobs | None) -> None:
    """Remove blobs of runs that no committed row has, while others may write."""
    if beside is None:
        # One statement sees a run if it sees its blobs: they were committed no later.
        await database.write_alone(_REMOVE, {})
        return
    after = ""
    # Nobody else is in the middle of a transaction, whose blobs come before its rows.
    async with database.writing() as transaction:
        while page := await beside.list(RUNS, after=after, limit=AT_ONCE):
            after = page[-1][0]
            ids = {name.split("/")[1] for name, _ in page}
            rows = await transaction.rows(_KNOWN, {"some": list(ids)})
            gone = ids - {row.id for row in rows}
            await beside.remove(*(f"{RUNS}/{run_id}" for run_id in gone))
