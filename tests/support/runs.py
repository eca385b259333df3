"""Runs that stand still, and an engine that executes none."""

from dataclasses import dataclass, field
from typing import Any

from orbiter.adapters.system.ids import new_id
from orbiter.application.ports.executions import Recorded
from orbiter.application.ports.storage import UnitOfWork
from orbiter.domain.runs import Run, Trigger
from orbiter.domain.workflows import WorkflowVersion
from support.clock import START


@dataclass
class IdleEngine:
    """An engine that accepts runs and executes none; it notes which it was told to stop."""

    stopped: list[str] = field(default_factory=list)

    async def accept(
        self,
        uow: UnitOfWork,
        run: Run,
        *,
        graph: WorkflowVersion | None = None,
        has_past: bool = False,
    ) -> None:
        await uow.runs.add(run)

    async def cancel(self, uow: UnitOfWork, run: Run) -> None:
        uow.after_commit(lambda: self.stopped.append(run.id))

    async def answer(self, uow: UnitOfWork, run: Run, key: str, value: Any) -> bool:
        return await uow.executions.record(run.id, Recorded(key=key, value=value))

    async def start(self) -> None:
        """There is nothing to take up."""

    async def stop(self, seconds: float) -> None:
        """There is nothing to wait for."""


def a_run(workspace_id: str, project_id: str) -> Run:
    """Return a queued run."""
    return Run(
        id=new_id(),
        workspace_id=workspace_id,
        project_id=project_id,
        version=1,
        trigger=Trigger.MANUAL,
        queued_at=START,
        created_by="user",
    )
