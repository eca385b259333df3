"""What an engine keeps beside runs: who executes which, what was recorded, when to go on."""

from collections.abc import Mapping, Sequence
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
    """A run taken up: which, and how often that was so far without its ending or parking."""

    run_id: str
    workspace_id: str
    takeups: int


class Executions(Protocol):
    """Bookkeeping over all workspaces; an execution row is there from accept to the run's end.

    Every write of an executor is fenced: it changes nothing once the run was taken from it.
    """

    async def add(self, run_id: str, workspace_id: str, *, executor_id: str | None) -> None:
        """Begin keeping a run, queued; claimed at once by *executor_id* if given."""

    async def claim(self, executor_id: str, *, limit: int, at: datetime) -> Sequence[Claimed]:
        """Take up to *limit* runs that nobody executes and that are due, longest due first."""
        ...

    async def holds(self, run_id: str, executor_id: str) -> bool:
        """Say whether the executor still has the run, and lock that answer till the commit."""
        ...

    async def park(self, run_id: str, executor_id: str, *, wake_at: datetime | None) -> bool:
        """Give the run back till *wake_at* or a wake-up; say False when it was taken away.

        One woken since it was claimed is due at once. Its take-ups are counted anew.
        """
        ...

    async def wake(self, run_id: str) -> None:
        """Make a run due now; one that is being executed goes on at once after its park."""

    async def release(self, run_ids: Sequence[str], executor_id: str) -> None:
        """Give runs back unfinished, due at once, as at a stop; the take-up does not count."""

    async def remove(self, run_id: str) -> None:
        """Stop keeping a run because it ended; its records stay as long as the run does."""

    async def lost(self, executor_id: str, run_ids: Sequence[str]) -> Sequence[str]:
        """Return those of *run_ids* that the executor no longer has: cancelled, ended, taken."""
        ...

    async def record(self, run_id: str, recorded: Recorded) -> bool:
        """Keep an outcome; say False, and keep the old one, when its key has one."""
        ...

    async def recorded(self, run_id: str) -> Mapping[str, Recorded]:
        """Return every outcome kept for a run, by key."""
        ...

    async def beat(self, executor_id: str, *, ttl_seconds: float) -> bool:
        """Prolong the executor's lease on the database's clock; False when it had ended."""
        ...

    async def enroll(self, executor_id: str, *, ttl_seconds: float) -> None:
        """Give a new executor its lease."""

    async def bury(self) -> int:
        """Free the runs of executors whose lease has ended, delete these; return how many."""
        ...

    async def retire(self, executor_id: str) -> None:
        """Free an executor's runs and delete its lease."""
