"""What an engine keeps beside runs: who executes which, what was recorded, when to go on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An effect's outcome: a *value*, or none but *failures* as (code, message)."""

    key: str
    value: Any = None
    failures: tuple[tuple[str, str], ...] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A run taken up: which, and how often that was so far without its ending or parking.

    *seconds* is how long it had run when it was last parked.
    """

    run_id: str
    workspace_id: str
    takeups: int
    seconds: float = 0.0


class Executions(Protocol):
    """Bookkeeping over all workspaces; an execution row is there from accept to the run's end.

    Every write of an executor is fenced: it changes nothing once the run was taken from it.
    """

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

    async def claim(
        self,
        executor_id: str,
        *,
        interpreter: int,
        limit: int,
        at: datetime,
        passing: Collection[str] = (),
    ) -> Sequence[Claimed]:
        """Take up to *limit* runs that nobody executes and that are due, longest due first.

        Those of the workspaces *passing* are passed over. So is what was last executed by another
        *interpreter*, and what was never executed while there is a newer one: as long as an
        executor of that interpreter lives.
        """
        ...

    async def due(self) -> datetime | None:
        """Return when the first of the runs that nobody executes is due, if any will be."""
        ...

    async def kept(self, run_ids: Collection[str]) -> Collection[str]:
        """Return those of *run_ids* that have not ended."""
        ...

    async def children(self, run_id: str) -> Sequence[Claimed]:
        """Return the unended runs whose parent is that run."""
        ...

    async def holds(self, run_id: str, executor_id: str) -> bool:
        """Say whether the executor still has the run, and lock that answer till the commit."""
        ...

    async def park(
        self,
        run_id: str,
        executor_id: str,
        *,
        wake_at: datetime | None,
        seconds: float = 0.0,
    ) -> bool:
        """Give the run back till *wake_at* or a wake-up; say False when it was taken away.

        One woken since it was claimed is due at once. Its take-ups are counted anew. *seconds* is
        how long it has run so far.
        """
        ...

    async def wake(self, run_id: str) -> None:
        """Make a run due now; one that is being executed goes on at once after its park."""

    async def release(self, run_ids: Sequence[str], executor_id: str) -> None:
        """Give runs back unfinished, due at once, as at a stop; the take-up does not count."""

    async def remove(self, run_id: str, executor_id: str | None = None) -> bool:
        """Stop keeping a run because it ended; its records stay as long as the run does.

        With *executor_id*, say False, and change nothing, when that executor has it no more.
        """
        ...

    async def lost(self, executor_id: str, run_ids: Collection[str]) -> Collection[str]:
        """Return those of *run_ids* that the executor no longer has: cancelled, ended, taken."""
        ...

    async def record(self, run_id: str, recorded: Recorded) -> bool:
        """Keep an outcome; say False, and keep the old one, when its key has one."""
        ...

    async def record_all(
        self, executor_id: str, outcomes: Sequence[tuple[str, Recorded]]
    ) -> Sequence[Recorded | None]:
        """Keep an executor's outcomes, each with its run; return for each what is kept then.

        That is another where its key had one, and none where the executor has the run no more.
        """
        ...

    async def recorded(self, run_id: str) -> Mapping[str, Recorded]:
        """Return every outcome kept for a run, by key."""
        ...

    async def beat(self, executor_id: str, *, ttl_seconds: float) -> bool:
        """Prolong the executor's lease on the database's clock; False when it had ended."""
        ...

    async def enroll(self, executor_id: str, *, interpreter: int, ttl_seconds: float) -> None:
        """Give a new executor its lease."""

    async def newest(self) -> int | None:
        """Return the highest interpreter of the executors that live, if any does."""
        ...

    async def bury(self, *, survivor: str | None = None) -> int:
        """Free the runs of executors whose lease has ended, delete these; return how many runs.

        A *survivor* is told to be the only process: whatever others had is free.
        """
        ...

    async def retire(self, executor_id: str) -> None:
        """Free an executor's runs and delete its lease."""
