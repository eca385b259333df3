"""Running a workflow: accept, and perhaps wait for the end."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orbiter.application.execution.executor import Executor
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.starting import Starting, trigger_of, version_of
from orbiter.application.work import Work
from orbiter.domain.errors import FieldProblem, Invalid
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.runs import Run, Step, Trigger
from orbiter.domain.workflows import Workflow, WorkflowVersion

INSTANT_SECONDS: Final = 1


@dataclass(frozen=True, slots=True)
class RunWorkflow:
    """Start a workflow; an answer is given only for what is stored."""

    work: Work
    starting: Starting
    executor: Executor

    async def __call__(
        self,
        actor: Actor,
        workflow_id: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        version: int | None = None,
        wait_seconds: float = 0,
        trigger: Trigger | None = None,
        permission: Permission = Permission.WORKFLOWS_RUN,
    ) -> Run:
        """Accept a run and return it as it stands after at most *wait_seconds*.

        Raise Invalid when the version does not exist, its graph is unfinished, or the inputs
        break the schema of its start.
        """
        head, graph = await self._graph(actor, workflow_id, version, permission)
        run = self._new(actor, head, graph, inputs or {}, trigger or trigger_of(actor))
        if wait_seconds and self.executor.is_instant(graph):
            computed = await self._computed(run, graph, min(wait_seconds, INSTANT_SECONDS))
            if computed is not None:
                return await self._keep(actor, *computed, permission)
        return await self.starting.begin(
            actor, run, graph, wait_seconds=wait_seconds, permission=permission
        )

    async def prepare(
        self,
        actor: Actor,
        workflow_id: str,
        *,
        inputs: Mapping[str, Any],
        trigger: Trigger,
        version: int | None = None,
    ) -> Run:
        """Return a run, by default of the latest version, that only needs to be accepted.

        Raise as a call does.

        For who stores more in the transaction that accepts it.
        """
        head, graph = await self._graph(actor, workflow_id, version, Permission.WORKFLOWS_RUN)
        return self._new(actor, head, graph, inputs, trigger)

    async def accept(self, uow: UnitOfWork, actor: Actor, run: Run) -> None:
        """Store a prepared run in the caller's transaction; it is executed once that commits."""
        await self.starting.accept(uow, actor, run)

    async def _graph(
        self, actor: Actor, workflow_id: str, version: int | None, permission: Permission
    ) -> tuple[Workflow, WorkflowVersion]:
        async with self.work(actor, permission, reading=True) as uow:
            head = await uow.workflows.get(workflow_id)
            number = head.version if version is None else version
            graph = await version_of(uow.workflows, workflow_id, number)
        _require_finished(graph)
        return head, graph

    def _require_inputs(self, graph: WorkflowVersion, inputs: Mapping[str, Any]) -> None:
        problems = self.executor.input_problems(graph, inputs)
        if problems:
            raise Invalid(problems)

    async def _computed(
        self, run: Run, graph: WorkflowVersion, seconds: float
    ) -> tuple[Run, Sequence[Step]] | None:
        """Return the ended run, or None when it takes longer than a caller should be kept."""
        # What is purely computed leaves nothing half done: it may end before it is stored, and
        # may be given up and left to the engine, which computes the same again.
        try:
            async with asyncio.timeout(seconds):
                return await self.executor.compute(run, graph)
        except TimeoutError:
            return None

    async def _keep(
        self, actor: Actor, ended: Run, steps: Sequence[Step], permission: Permission
    ) -> Run:
        async with self.work(actor, permission) as uow:
            await uow.runs.add(ended)
            await uow.runs.put_steps(steps)
            await self.work.audit(uow, actor, "run.started", ended.id)
        return ended

    def _new(
        self,
        actor: Actor,
        head: Workflow,
        graph: WorkflowVersion,
        inputs: Mapping[str, Any],
        trigger: Trigger,
    ) -> Run:
        self._require_inputs(graph, inputs)
        return Run(
            id=self.work.new_id(),
            workspace_id=actor.workspace_id,
            workflow_id=head.id,
            project_id=head.project_id,
            version=graph.version,
            trigger=trigger,
            inputs=inputs,
            queued_at=self.work.clock.now(),
            created_by=actor.user_id,
        )


def _require_finished(graph: WorkflowVersion) -> None:
    places = {node.id: f"canvas.nodes.{at}" for at, node in enumerate(graph.canvas.nodes)}
    problems = [
        FieldProblem(places.get(issue.node_id or "", "canvas"), f"{issue.code}: {issue.message}")
        for issue in graph.issues
    ]
    if problems:
        raise Invalid(problems)
