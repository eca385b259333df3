"""Events of runs in SQL; on PostgreSQL every process is notified of those that are committed."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
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
    and_,
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
WORDS_AT_ONCE: Final = 10_000  # a statement has a bound number of parameters

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
_THE_RUNS: Final = (
    runs.c.id.in_(bindparam("of_runs", expanding=True)),
    runs.c.workspace_id == bindparam("mine"),
)
_LOCK: Final = (
    select(runs.c.id).where(*_THE_RUNS).order_by(runs.c.id).with_for_update(key_share=True)
)
_last: Final = run_events.alias("last")
_LAST: Final = (
    select(func.max(_last.c.sequence)).where(_last.c.run_id == runs.c.id).scalar_subquery()
)
_TOLD: Final = (
    select(runs.c.id, runs.c.status, _cells.sequence, _cells.once)
    .join_from(
        runs,
        run_events,
        and_(
            _cells.run_id == runs.c.id,
            or_(_cells.once.in_(bindparam("some", expanding=True)), _cells.sequence == _LAST),
        ),
        isouter=True,
    )
    .where(*_THE_RUNS)
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

    async def append(
        self, events: Mapping[str, Sequence[RunEvent]]
    ) -> Mapping[str, Sequence[RunEvent]]:
        """Add events of runs, each counted on from its last; return what was added, by run."""
        self._transaction.require_writing()
        which = {"of_runs": [id for id in events if is_id(id)], "mine": self._workspace_id}
        # Locked first, as a statement that waits for a lock has looked at the rest before.
        await self._transaction.lock(_LOCK, which)
        once = {each.once for told in events.values() for each in told if each.once is not None}
        words, by_run = sorted({*once, ENDED}), defaultdict[str, list[Any]](list)
        for at in range(0, len(words), WORDS_AT_ONCE):
            some = words[at : at + WORDS_AT_ONCE]
            for row in await self._transaction.rows(_TOLD, {**which, "some": some}):
                by_run[row.id].append(row)
        added = {id: told for id, rows in by_run.items() if (told := _added(events[id], rows))}
        if added:
            rows = [self._row(event) for told in added.values() for event in told]
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

    def _row(self, event: RunEvent) -> Mapping[str, Any]:
        return {
            "of_run": event.run_id,
            "mine": self._workspace_id,
            "new_run_id": event.run_id,
            "new_sequence": event.sequence,
            "new_type": event.type,
            "new_at": event.at,
            "new_once": event.once,
            "new_step": _text(event.step),
            "new_run": _text(event.run),
        }


def _added(events: Sequence[RunEvent], rows: Sequence[Any]) -> Sequence[RunEvent]:
    if rows[0].status in TERMINAL and all(each.once != ENDED for each in events):
        return ()
    told = {row.once for row in rows if row.once is not None}
    return numbered(events, told, max(row.sequence or 0 for row in rows))


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
