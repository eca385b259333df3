"""What an engine keeps beside runs, in memory."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from orbiter.adapters.memory.tables import Execution, ExecutorLease, Tables
from orbiter.application.ports.executions import Claimed, Recorded
from orbiter.domain.errors import NotFound

_AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MemoryExecutions:
    """Executions of every workspace, the effects of their runs, and the leases of processes."""

    tables: Tables

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
        self.tables.executions.for_writing()
        if self.tables.runs.get(run_id) is None:
            raise NotFound("Run")
        execution = Execution(
            run_id=run_id,
            workspace_id=workspace_id,
            executor_id=executor_id,
            due_at=due_at,
            takeups=0 if executor_id is None else 1,
            interpreter=None if executor_id is None else interpreter,
        )
        self.tables.executions.put(run_id, execution)

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
        living = self._living()
        due = [
            (each.due_at, each.run_id)
            for each in self._rows()
            if each.executor_id is None
            and each.due_at is not None
            and each.due_at <= at
            and each.workspace_id not in passing
            and not _is_anothers(each, interpreter, living)
        ]
        return [self._claim(run_id, executor_id, interpreter) for _, run_id in sorted(due)[:limit]]

    async def due(self) -> datetime | None:
        """Return when the first of the runs that nobody executes is due, if any will be."""
        free = (each.due_at for each in self._rows() if each.executor_id is None)
        return min((each for each in free if each is not None), default=None)

    async def kept(self, run_ids: Collection[str]) -> Collection[str]:
        """Return those of *run_ids* that have not ended."""
        return {run_id for run_id in run_ids if self._row(run_id) is not None}

    async def children(self, run_id: str) -> Sequence[Claimed]:
        """Return the unended runs whose parent is that run."""
        runs = ((each, self.tables.runs.get(each.run_id)) for each in self._rows())
        return [_claimed(each) for each, run in runs if run and run.parent_run_id == run_id]

    async def holds(self, run_id: str, executor_id: str) -> bool:
        """Say whether the executor still has the run, and lock that answer till the commit."""
        return self._held(run_id, executor_id) is not None

    async def park(
        self,
        run_id: str,
        executor_id: str,
        *,
        wake_at: datetime | None,
        seconds: float = 0.0,
    ) -> bool:
        """Give the run back till *wake_at* or a wake-up; say False when it was taken away."""
        held = self._held(run_id, executor_id)
        if held is None:
            return False
        parked = Execution(
            run_id=run_id,
            workspace_id=held.workspace_id,
            due_at=_AT_ONCE if held.woken else wake_at,
            seconds=seconds,
            interpreter=held.interpreter,
        )
        self.tables.executions.put(run_id, parked)
        return True

    async def wake(self, run_id: str) -> None:
        """Make a run due now; one that is being executed goes on at once after its park."""
        row = self._row(run_id)
        if row is not None:
            due_at = _AT_ONCE if row.executor_id is None else row.due_at
            self.tables.executions.put(run_id, replace(row, woken=True, due_at=due_at))

    async def release(self, run_ids: Sequence[str], executor_id: str) -> None:
        """Give runs back unfinished, due at once, as at a stop; the take-up does not count."""
        for run_id in run_ids:
            held = self._held(run_id, executor_id)
            if held is not None:
                freed = replace(held, executor_id=None, takeups=held.takeups - 1)
                self.tables.executions.put(run_id, freed)

    async def remove(self, run_id: str, executor_id: str | None = None) -> bool:
        """Stop keeping a run because it ended; its records stay as long as the run does."""
        row = self._row(run_id)
        if row is None or (executor_id is not None and row.executor_id != executor_id):
            return False
        self.tables.executions.drop(run_id)
        return True

    async def lost(self, executor_id: str, run_ids: Collection[str]) -> Collection[str]:
        """Return those of *run_ids* that the executor no longer has: cancelled, ended, taken."""
        return {run_id for run_id in run_ids if self._held(run_id, executor_id) is None}

    async def record(self, run_id: str, recorded: Recorded) -> bool:
        """Keep an outcome; say False, and keep the old one, when its key has one."""
        self.tables.effects.for_writing()
        if self.tables.runs.get(run_id) is None:
            raise NotFound("Run")
        others = self.tables.effects.get(run_id) or {}
        if recorded.key in others:
            return False
        self.tables.effects.put(run_id, {**others, recorded.key: recorded})
        return True

    async def record_all(
        self, executor_id: str, outcomes: Sequence[tuple[str, Recorded]]
    ) -> Sequence[Recorded | None]:
        """Keep an executor's outcomes, each with its run; return for each what is kept then."""
        return [await self._kept(executor_id, *each) for each in outcomes]

    async def recorded(self, run_id: str) -> Mapping[str, Recorded]:
        """Return every outcome kept for a run, by key."""
        if self.tables.runs.get(run_id) is None:
            return {}
        return self.tables.effects.get(run_id) or {}

    async def beat(self, executor_id: str, *, ttl_seconds: float) -> bool:
        """Prolong the executor's lease; False when it had ended."""
        lease = self.tables.executors.get(executor_id)
        if lease is None or lease.expires_at <= time.monotonic():
            return False
        await self.enroll(executor_id, interpreter=lease.interpreter, ttl_seconds=ttl_seconds)
        return True

    async def enroll(self, executor_id: str, *, interpreter: int, ttl_seconds: float) -> None:
        """Give a new executor its lease."""
        expires_at = time.monotonic() + ttl_seconds
        lease = ExecutorLease(expires_at=expires_at, interpreter=interpreter)
        self.tables.executors.put(executor_id, lease)

    async def newest(self) -> int | None:
        """Return the highest interpreter of the executors that live, if any does."""
        return max(self._living(), default=None)

    async def bury(self, *, survivor: str | None = None) -> int:
        """Free the runs of executors whose lease has ended, delete these; return how many runs."""
        leases = self.tables.executors.for_writing()
        now = time.monotonic()
        for executor_id, lease in list(leases.items()):
            if lease.expires_at <= now or survivor not in (None, executor_id):
                del leases[executor_id]
        alive = leases.keys() if survivor is None else {survivor}
        return self._free(
            each
            for each in self._rows()
            if each.executor_id is not None and each.executor_id not in alive
        )

    async def retire(self, executor_id: str) -> None:
        """Free an executor's runs and delete its lease."""
        self._free(each for each in self._rows() if each.executor_id == executor_id)
        self.tables.executors.drop(executor_id)

    def _claim(self, run_id: str, executor_id: str, interpreter: int) -> Claimed:
        row = self.tables.executions.for_writing()[run_id]
        row = replace(
            row,
            executor_id=executor_id,
            interpreter=interpreter,
            takeups=row.takeups + 1,
            woken=False,
        )
        self.tables.executions.put(run_id, row)
        return _claimed(row)

    def _living(self) -> set[int]:
        now = time.monotonic()
        leases = self.tables.executors.rows()
        return {lease.interpreter for lease in leases if lease.expires_at > now}

    def _free(self, rows: Iterable[Execution]) -> int:
        freed = list(rows)
        for each in freed:
            self.tables.executions.put(each.run_id, replace(each, executor_id=None))
        return len(freed)

    async def _kept(self, executor_id: str, run_id: str, recorded: Recorded) -> Recorded | None:
        if self._held(run_id, executor_id) is None:
            return None
        await self.record(run_id, recorded)
        return (await self.recorded(run_id))[recorded.key]

    def _held(self, run_id: str, executor_id: str) -> Execution | None:
        row = self._row(run_id)
        return row if row is not None and row.executor_id == executor_id else None

    def _row(self, run_id: str) -> Execution | None:
        # What hangs on a run is gone with it.
        row = self.tables.executions.get(run_id)
        return row if row is not None and self.tables.runs.get(run_id) is not None else None

    def _rows(self) -> Sequence[Execution]:
        rows = self.tables.executions.rows()
        return [each for each in rows if self.tables.runs.get(each.run_id) is not None]


def _is_anothers(row: Execution, interpreter: int, living: Collection[int]) -> bool:
    """Say whether it rather is a living executor's: of the interpreter that began it, or newer."""
    if row.interpreter is None:
        return any(each > interpreter for each in living)
    return row.interpreter != interpreter and row.interpreter in living


def _claimed(row: Execution) -> Claimed:
    return Claimed(
        run_id=row.run_id,
        workspace_id=row.workspace_id,
        takeups=row.takeups,
        seconds=row.seconds,
    )
