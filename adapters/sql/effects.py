"""Recorded effects in SQL."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Boolean, Column, ForeignKey, Row, Table, Text, bindparam, select
from sqlalchemy.dialects.postgresql import insert  # SQLite speaks it too

from orbiter.adapters.sql.columns import Hash, Id, Json
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
    Column("failures", Json, nullable=False),
    Column("failed", Boolean, nullable=False),
)

_READ: Final = (effects.c.key, effects.c.value, effects.c.failures, effects.c.failed)
RECORDED: Final = select(*_READ).where(effects.c.run_id == bindparam("of_run"))
RECORD: Final = insert(effects).on_conflict_do_nothing(index_elements=effects.primary_key.columns)


def row_of(run_id: str, recorded: Recorded) -> Mapping[str, Any]:
    """Return the columns of an outcome."""
    return {
        "run_id": run_id,
        "digest": sha256(recorded.key.encode()).hexdigest(),
        "key": recorded.key,
        "value": recorded.value,
        "failures": recorded.failures,
        "failed": recorded.failed,
    }


def recorded_of(row: Row[Any]) -> Recorded:
    """Return the outcome in a row."""
    failures = tuple((code, message) for code, message in row.failures)
    return Recorded(key=row.key, value=row.value, failures=failures, failed=row.failed)
