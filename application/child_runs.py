"""Child runs: started by nodes, once each; they end with their parents at the latest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from orbiter.application.execution.executor import Executor
from orbiter.application.ports.execution import EffectError, RunEngine
from orbiter.application.ports.storage import Storage, UnitOfWork
from orbiter.application.ports.system import Clock
from orbiter.application.run_events import Chronicle
from orbiter.domain.errors import NotFound
from orbiter.domain.runs import Run, Trigger
from orbiter.domain.workflows import Workflow, WorkflowVersion

DEPTH_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class StoredChildRuns:
    """The children of runs, in their parents' workspaces."""

    storage: Storage
    engine: RunEngine
    executor: Executor
    chronicle: Chronicle
    clock: Clock

    async def start(
        self,
        parent: Run,
        child_id: str,
        workflow_id: str,
        *,
        inputs: Any,
        version: int | None = None,
    ) -> None:
        """Accept the child, unless it was; raise EffectError for what can't be run."""
        async with self.storage.open(parent.workspace_id, reading=True) as uow:
            if await _found(uow, child_id) is not None:
                return
            await _require_depth(uow, parent)
            head, graph = await _graph(uow, workflow_id, version)
        self._require_inputs(graph, inputs)
        child = self._new(parent, child_id, head, graph, inputs)
        async with self.storage.open(parent.workspace_id) as uow:
            if await _found(uow, child_id) is None:
                await self.engine.accept(uow, child)

    async def ended(self, parent: Run, child_id: str) -> Run | None:
        """Return the child if it has ended; raise EffectError when it is gone."""
        async with self.storage.open(parent.workspace_id, reading=True) as uow:
            child = await _found(uow, child_id)
        if child is None:
            raise EffectError("CHILD_DELETED", "The child run was deleted")
        return child if child.ended else None

    async def cancel(self, parent: Run, child_id: str) -> None:
        """End the child unless it has ended."""
        async with self.storage.open(parent.workspace_id) as uow:
            await self._cancel(uow, await _found(uow, child_id))

    async def cancel_all(self, parent: Run) -> None:
        """End every child of a run that has not ended."""
        # Most have none, and others write meanwhile.
        async with self.storage.open(parent.workspace_id, reading=True) as uow:
            children = await uow.executions.children(parent.id)
        if children:
            async with self.storage.open(parent.workspace_id) as uow:
                for each in children:
                    await self._cancel(uow, await _found(uow, each.run_id))

    async def _cancel(self, uow: UnitOfWork, child: Run | None) -> None:
        if child is None or child.ended:
            return
        cancelled = child.cancel(at=self.clock.now())
        if await uow.runs.advance(cancelled):
            await self.engine.cancel(uow, cancelled)
            await self.chronicle.of_run(uow, cancelled)

    def _require_inputs(self, graph: WorkflowVersion, inputs: Any) -> None:
        if not isinstance(inputs, Mapping):
            raise EffectError("INVALID_INPUTS", "`inputs` is no object")
        problems = self.executor.input_problems(graph, inputs)
        if problems:
            told = "; ".join(f"{each.field}: {each.message}" for each in problems)
            raise EffectError("INVALID_INPUTS", told)

    def _new(
        self, parent: Run, child_id: str, head: Workflow, graph: WorkflowVersion, inputs: Any
    ) -> Run:
        return Run(
            id=child_id,
            workspace_id=parent.workspace_id,
            workflow_id=head.id,
            project_id=head.project_id,
            version=graph.version,
            trigger=Trigger.PARENT,
            inputs=inputs,
            parent_run_id=parent.id,
            deployment_id=parent.deployment_id,
            queued_at=self.clock.now(),
            created_by=parent.created_by,
        )


async def _found(uow: UnitOfWork, run_id: str) -> Run | None:
    try:
        return await uow.runs.get(run_id)
    except NotFound:
        return None


async def _require_depth(uow: UnitOfWork, parent: Run) -> None:
    depth, above = 1, parent.parent_run_id
    while above is not None:
        depth += 1
        if depth > DEPTH_MAX:
            message = f"Workflows run each other more than {DEPTH_MAX} levels deep"
            raise EffectError("RUN_DEPTH", message)
        found = await _found(uow, above)
        above = None if found is None else found.parent_run_id


async def _graph(
    uow: UnitOfWork, workflow_id: str, version: int | None
) -> tuple[Workflow, WorkflowVersion]:
    try:
        head = await uow.workflows.get(workflow_id)
        graph = await uow.workflows.version(workflow_id, version or head.version)
    except NotFound:
        raise EffectError("WORKFLOW_NOT_FOUND", "There is no such workflow or version") from None
    if not graph.valid:
        raise EffectError("WORKFLOW_UNFINISHED", graph.issues[0].message)
    return head, graph
