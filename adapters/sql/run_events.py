"""Events of runs in SQL; on PostgreSQL every process is notified of those that are committed."""

import json
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    bindparam,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import Insert, insert  # SQLite speaks it too

from orbiter.adapters.sql.columns import ID_LENGTH, Id, Instant, OneOf, dumped
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.run_feed import CHANNEL, notice
from orbiter.adapters.sql.runs import runs
from orbiter.adapters.sql.transactions import Transaction
from orbiter.domain.checks import is_id
from orbiter.domain.run_events import ENDED, RunEvent, RunEventType, numbered
from orbiter.domain.runs import TERMINAL, Run, Step

ONCE_LENGTH: Final = ID_LENGTH + 6

run_events: Final = Table(
    "run_events",
    metadata,
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("type", OneOf(RunEventType), nullable=False),
    Column("at", Instant, nullable=False),
    Column("once", String(ONCE_LENGTH)),
    Column("step", Text),
    Column("run", Text),
    Index("uq_run_events_run_id_once", "run_id", "once", unique=True),
)

_cells: Final = run_events.c
_THE_RUN: Final = (runs.c.id == bindparam("of_run"), runs.c.workspace_id == bindparam("mine"))
_OF_RUN: Final = _cells.run_id == bindparam("of_run")
_LOCK: Final = select(runs.c.status).where(*_THE_RUN).with_for_update(key_share=True)
_last: Final = run_events.alias("last")
_LAST: Final = (
    select(func.max(_last.c.sequence)).where(_last.c.run_id == bindparam("of_run"))
).scalar_subquery()
_TOLD: Final = select(_cells.sequence, _cells.once).where(
    _OF_RUN,
    or_(_cells.once.in_(bindparam("some", expanding=True)), _cells.sequence == _LAST),
)
_PAGE: Final = (
    select(_cells.sequence, _cells.type, _cells.at, _cells.step, _cells.run)
    .where(_OF_RUN, exists().where(*_THE_RUN), _cells.sequence > bindparam("beyond"))
    .order_by(_cells.sequence)
    .limit(bindparam("size"))
)
_NOTIFY: Final = select(func.pg_notify(CHANNEL, bindparam("told")))


def _append() -> Insert:
    values = [bindparam(f"new_{each.name}", type_=each.type) for each in run_events.columns]
    names = [each.name for each in run_events.columns]
    return insert(run_events).from_select(names, select(*values).where(*_THE_RUN))


_APPEND: Final = _append()


class SqlRunEventLog:
    """Events of one workspace's runs."""

    def __init__(self, transaction: Transaction, workspace_id: str) -> None:
        self._transaction = transaction
        self._workspace_id = workspace_id

    async def append(self, run_id: str, events: Sequence[RunEvent]) -> Sequence[RunEvent]:
        """Add events of one run and return those that were added."""
        self._transaction.require_writing()
        which = {"of_run": run_id, "mine": self._workspace_id}
        # Locked first, as a statement that waits for a lock has looked at the rest before.
        run = await self._transaction.first(_LOCK, which) if is_id(run_id) else None
        if run is None or (run.status in TERMINAL and all(each.once != ENDED for each in events)):
            return ()
        once = {event.once for event in events if event.once is not None} | {ENDED}
        found = await self._transaction.rows(_TOLD, {"of_run": run_id, "some": sorted(once)})
        told = {row.once for row in found if row.once is not None}
        added = numbered(events, told, max((row.sequence for row in found), default=0))
        if added:
            rows = [{**which, **_row(event)} for event in added]
            await self._transaction.write(_APPEND, rows)
        return added

    async def announce(self, run_id: str, sequence: int, *, ended: bool) -> None:
        """Tell the feeds of other processes at the commit; SQLite has none."""
        if self._transaction.connection.dialect.name == "postgresql":
            told = notice(run_id, sequence, ended=ended)
            await self._transaction.rows(_NOTIFY, {"told": told})

    async def page(self, run_id: str, *, after: int, limit: int) -> Sequence[RunEvent]:
        """Return up to *limit* events beyond the sequence *after*, in order."""
        if not is_id(run_id):
            return ()
        which = {"of_run": run_id, "mine": self._workspace_id}
        found = await self._transaction.rows(_PAGE, {**which, "beyond": after, "size": limit})
        return [_event(run_id, row) for row in found]


def _row(event: RunEvent) -> dict[str, Any]:
    row = {
        "run_id": event.run_id,
        "sequence": event.sequence,
        "type": event.type,
        "at": event.at,
        "once": event.once,
        "step": _text(event.step),
        "run": _text(event.run),
    }
    return {f"new_{name}": value for name, value in row.items()}


def _text(told: Run | Step | None) -> str | None:
    return None if told is None else dumped(msgspec.to_builtins(told))


def _event(run_id: str, row: Any) -> RunEvent:
    return RunEvent(
        run_id=run_id,
        sequence=row.sequence,
        type=row.type,
        at=row.at,
        step=_told(row.step, Step),
        run=_told(row.run, Run),
    )


def _told(text: str | None, kind: Any) -> Any:
    return None if text is None else msgspec.convert(json.loads(text), kind)
