"""What an engine keeps beside runs, in SQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Executable,
    bindparam,
    case,
    delete,
    false,
    func,
    null,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert  # SQLite speaks it too

from orbiter.adapters.sql.claims import CLAIM, CLAIM_ELSEWHERE, CLAIMED, FREE, executions
from orbiter.adapters.sql.columns import Instant
from orbiter.adapters.sql.effects import RECORD, RECORDED, effects, recorded_of, row_of
from orbiter.adapters.sql.executors import (
    BEAT,
    DISMISS,
    DISMISS_DEAD,
    DISMISS_OTHERS,
    ENROLL,
    NEWEST,
    executors,
)
from orbiter.adapters.sql.large_values import LargeValues
from orbiter.adapters.sql.runs import runs
from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.ports.executions import Claimed, Recorded

_cells: Final = executions.c
_ONE: Final = _cells.run_id == bindparam("which")
_MINE: Final = _cells.executor_id == bindparam("who")
_SOME: Final = _cells.run_id.in_(bindparam("some", expanding=True))
_AT_ONCE: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")
_FREED: Final = {_cells.executor_id: null()}

_ADD: Final = insert(executions)
_NEXT: Final = select(func.min(_cells.due_at)).where(FREE)
_HOLDS: Final = select(_cells.run_id).where(_ONE, _MINE).with_for_update()
_KEPT: Final = select(_cells.run_id).where(_SOME)
_HELD: Final = _KEPT.where(_MINE)
_CHILDREN: Final = (
    select(*CLAIMED)
    .join_from(executions, runs, runs.c.id == _cells.run_id)
    .where(runs.c.parent_run_id == bindparam("parent"))
)
_PARK: Final = (
    update(executions)
    .where(_ONE, _MINE)
    .values(
        {
            **_FREED,
            _cells.takeups: 0,
            _cells.woken: false(),
            _cells.seconds: bindparam("so_far"),
            _cells.due_at: case(
                (_cells.woken, bindparam("at_once", type_=Instant)),
                else_=bindparam("wake_at", type_=Instant),
            ),
        }
    )
)
_WAKE: Final = (
    update(executions)
    .where(_ONE)
    .values(
        woken=true(),
        due_at=case((FREE, bindparam("at_once", type_=Instant)), else_=_cells.due_at),
    )
)
_RELEASE: Final = (
    update(executions).where(_SOME, _MINE).values({**_FREED, _cells.takeups: _cells.takeups - 1})
)
_REMOVE: Final = delete(executions).where(_ONE)
_REMOVE_MINE: Final = _REMOVE.where(_MINE)
_RECORD_MINE: Final = RECORD.from_select(
    [column.name for column in effects.columns],
    select(*(bindparam(f"new_{column.name}", type_=column.type) for column in effects.columns))
    .where(_ONE, _MINE)
    .with_for_update(read=True, of=executions),
)
_FREE_MINE: Final = update(executions).where(_MINE).values(_FREED)
_FREE_OTHERS: Final = (
    update(executions).where(_cells.executor_id != bindparam("who")).values(_FREED)
)
_FREE_ORPHANS: Final = (
    update(executions)
    .where(
        _cells.executor_id.is_not(None),
        ~select(executors.c.id).where(executors.c.id == _cells.executor_id).exists(),
    )
    .values(_FREED)
)


class SqlExecutions:
    """Executions of every workspace, the effects of their runs, and the leases of processes."""

    def __init__(self, transaction: Transaction, large: LargeValues) -> None:
        self._transaction = transaction
        self._large = large

    async def add(
        self,
        run_id: str,
        workspace_id: str,
        *,
        executor_id: str | None,
        interpreter: int,
        due_at: datetime,
    ) -> None:
        """Begin keeping a run, queued; claimed at once by *executor_id* if given."""
        row = {
            "run_id": run_id,
            "workspace_id": workspace_id,
            "executor_id": executor_id,
            "due_at": due_at,
            "woken": False,
            "takeups": 0 if executor_id is None else 1,
            "seconds": 0.0,
            "interpreter": None if executor_id is None else interpreter,
        }
        await self._transaction.write(_ADD, row)

    async def claim(
        self,
        executor_id: str,
        *,
        interpreter: int,
        limit: int,
        at: datetime,
        passing: Collection[str] = (),
    ) -> Sequence[Claimed]:
        """Take up to *limit* runs that nobody executes and that are due, longest due first."""
        wanted: dict[str, Any] = {"who": executor_id, "mine": interpreter, "size": limit, "at": at}
        statement = CLAIM
        if passing:
            statement, wanted["passing"] = CLAIM_ELSEWHERE, list(passing)
        taken = await self._transaction.write(statement, wanted)
        return sorted((_claimed(row) for row in taken), key=lambda each: each.run_id)

    async def due(self) -> datetime | None:
        """Return when the first of the runs that nobody executes is due, if any will be."""
        row = await self._transaction.first(_NEXT, {})
        return None if row is None else row[0]

    async def kept(self, run_ids: Collection[str]) -> Collection[str]:
        """Return those of *run_ids* that have not ended."""
        rows = await self._transaction.rows(_KEPT, {"some": list(run_ids)})
        return {row.run_id for row in rows}

    async def children(self, run_id: str) -> Sequence[Claimed]:
        """Return the unended runs whose parent is that run."""
        rows = await self._transaction.rows(_CHILDREN, {"parent": run_id})
        return [_claimed(row) for row in rows]

    async def holds(self, run_id: str, executor_id: str) -> bool:
        """Say whether the executor still has the run, and lock that answer till the commit."""
        which = {"which": run_id, "who": executor_id}
        return await self._transaction.first(_HOLDS, which) is not None

    async def park(
        self,
        run_id: str,
        executor_id: str,
        *,
        wake_at: datetime | None,
        seconds: float = 0.0,
    ) -> bool:
        """Give the run back till *wake_at* or a wake-up; say False when it was taken away."""
        when = {"wake_at": wake_at, "at_once": _AT_ONCE, "so_far": seconds}
        return await self._changed(_PARK, {"which": run_id, "who": executor_id, **when})

    async def wake(self, run_id: str) -> None:
        """Make a run due now; one that is being executed goes on at once after its park."""
        await self._changed(_WAKE, {"which": run_id, "at_once": _AT_ONCE})

    async def release(self, run_ids: Sequence[str], executor_id: str) -> None:
        """Give runs back unfinished, due at once, as at a stop; the take-up does not count."""
        await self._changed(_RELEASE, {"some": list(run_ids), "who": executor_id})

    async def remove(self, run_id: str, executor_id: str | None = None) -> bool:
        """Stop keeping a run because it ended; its records stay as long as the run does."""
        if executor_id is None:
            return await self._changed(_REMOVE, {"which": run_id})
        return await self._changed(_REMOVE_MINE, {"which": run_id, "who": executor_id})

    async def lost(self, executor_id: str, run_ids: Collection[str]) -> Collection[str]:
        """Return those of *run_ids* that the executor no longer has: cancelled, ended, taken."""
        rows = await self._transaction.rows(_HELD, {"some": list(run_ids), "who": executor_id})
        return set(run_ids) - {row.run_id for row in rows}

    async def record(self, run_id: str, recorded: Recorded) -> bool:
        """Keep an outcome; say False, and keep the old one, when its key has one."""
        return await self._changed(RECORD, await row_of(self._large, run_id, recorded))

    async def record_all(
        self, executor_id: str, outcomes: Sequence[tuple[str, Recorded]]
    ) -> Sequence[Recorded | None]:
        """Keep an executor's outcomes, each with its run; return for each what is kept then."""
        rows = [await self._row_of_mine(executor_id, *each) for each in outcomes]
        if await self._transaction.count(_RECORD_MINE, rows) == len(rows):
            return [recorded for _, recorded in outcomes]
        return [await self._kept(executor_id, run_id, each.key) for run_id, each in outcomes]

    async def recorded(self, run_id: str) -> Mapping[str, Recorded]:
        """Return every outcome kept for a run, by key."""
        rows = await self._transaction.rows(RECORDED, {"of_run": run_id})
        return {row.key: await recorded_of(self._large, row) for row in rows}

    async def beat(self, executor_id: str, *, ttl_seconds: float) -> bool:
        """Prolong the executor's lease on the database's clock; False when it had ended."""
        return await self._changed(BEAT, _lease(executor_id, ttl_seconds))

    async def enroll(self, executor_id: str, *, interpreter: int, ttl_seconds: float) -> None:
        """Give a new executor its lease."""
        await self._changed(ENROLL, {**_lease(executor_id, ttl_seconds), "mine": interpreter})

    async def newest(self) -> int | None:
        """Return the highest interpreter of the executors that live, if any does."""
        row = await self._transaction.first(NEWEST, {})
        return None if row is None else row[0]

    async def bury(self, *, survivor: str | None = None) -> int:
        """Free the runs of executors whose lease has ended, delete these; return how many runs."""
        if survivor is not None:
            await self._changed(DISMISS_OTHERS, {"who": survivor})
            freed = await self._transaction.write(_FREE_OTHERS, {"who": survivor})
            return freed.rowcount
        await self._changed(DISMISS_DEAD, {})
        return (await self._transaction.write(_FREE_ORPHANS, {})).rowcount

    async def retire(self, executor_id: str) -> None:
        """Free an executor's runs and delete its lease."""
        await self._changed(_FREE_MINE, {"who": executor_id})
        await self._changed(DISMISS, {"who": executor_id})

    async def _kept(self, executor_id: str, run_id: str, key: str) -> Recorded | None:
        if not await self.holds(run_id, executor_id):
            return None
        return (await self.recorded(run_id)).get(key)

    async def _row_of_mine(
        self, executor_id: str, run_id: str, recorded: Recorded
    ) -> Mapping[str, Any]:
        row = await row_of(self._large, run_id, recorded)
        values = {f"new_{name}": value for name, value in row.items()}
        return {**values, "which": run_id, "who": executor_id}

    async def _changed(self, statement: Executable, values: Mapping[str, Any]) -> bool:
        return (await self._transaction.write(statement, values)).rowcount > 0


def _claimed(row: Any) -> Claimed:
    return Claimed(
        run_id=row.run_id,
        workspace_id=row.workspace_id,
        takeups=row.takeups,
        seconds=row.seconds,
    )


def _lease(executor_id: str, ttl_seconds: float) -> Mapping[str, Any]:
    return {"who": executor_id, "ttl": round(ttl_seconds * 1000)}
