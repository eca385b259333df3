"""Recorded effects in SQL."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Boolean, Column, ForeignKey, Row, Table, Text, bindparam, select
from sqlalchemy.dialects.postgresql import insert  # SQLite speaks it too

from orbiter.adapters.sql.columns import Hash, Id, Json
from orbiter.adapters.sql.large_values import LargeValues, told
from orbiter.adapters.sql.metadata import metadata
from orbiter.application.ports.executions import Recorded

effects: Final = Table(
    "effects",
    metadata,
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    # A key may be longer than an index takes.
    Column("digest", Hash, primary_key=True),
    Column("key", Text, nullable=False),
    Column("value", Json, nullable=False),
    Column("value_blob", Text),
    Column("failures", Json, nullable=False),
    Column("failed", Boolean, nullable=False),
)

_VALUES: Final = ("value",)
_READ: Final = [effects.c[name] for name in ("key", "value", "value_blob", "failures", "failed")]
RECORDED: Final = select(*_READ).where(effects.c.run_id == bindparam("of_run"))
RECORD: Final = insert(effects).on_conflict_do_nothing(index_elements=effects.primary_key.columns)


async def row_of(large: LargeValues, run_id: str, recorded: Recorded) -> Mapping[str, Any]:
    """Return the columns of an outcome, whose value is put into a blob if it is large."""
    row = {
        "run_id": run_id,
        "digest": sha256(recorded.key.encode()).hexdigest(),
        "key": recorded.key,
        "value": recorded.value,
        "failures": recorded.failures,
        "failed": recorded.failed,
    }
    return await large.put(run_id, row, _VALUES)


async def recorded_of(large: LargeValues, row: Row[Any]) -> Recorded:
    """Return the outcome in a row."""
    failures = tuple((code, message) for code, message in row.failures)
    value = told(row.value, row.value_blob)
    recorded = Recorded(key=row.key, value=value, failures=failures, failed=row.failed)
    return await large.whole(recorded, _VALUES)
