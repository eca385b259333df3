"""Running a workflow: accept, and perhaps wait for the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orbiter.application.execution.executor import Executor
from orbiter.application.ports.execution import RunEngine, RunEvents
from orbiter.application.work import Work
from orbiter.domain.errors import FieldProblem, Invalid, NotFound
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.runs import Run, Trigger
from orbiter.domain.workflows import Workflow, WorkflowVersion


@dataclass(frozen=True, slots=True)
class RunWorkflow:
    """Start a workflow; an answer is given only for what is stored."""

    work: Work
    engine: RunEngine
    events: RunEvents
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

        Raise Invalid when the version does not exist or its graph is unfinished.
        """
        head, graph = await self._graph(actor, workflow_id, version, permission)
        run = self._new(actor, head, graph, inputs or {}, trigger or _trigger_of(actor))
        if wait_seconds and self.executor.is_instant(graph):
            return await self._at_once(actor, run, graph, permission)
        with self.events.watch(run.id) as ending:
            async with self.work(actor, permission) as uow:
                await self.engine.accept(uow, run)
                await self.work.audit(uow, actor, "run.started", run.id)
            if not wait_seconds:
                return run
            await ending.wait(wait_seconds)
        async with self.work(actor, permission, reading=True) as uow:
            return await uow.runs.get(run.id)

    async def _graph(
        self, actor: Actor, workflow_id: str, version: int | None, permission: Permission
    ) -> tuple[Workflow, WorkflowVersion]:
        async with self.work(actor, permission, reading=True) as uow:
            head = await uow.workflows.get(workflow_id)
            try:
                graph = await uow.workflows.version(workflow_id, version or head.version)
            except NotFound:
                raise Invalid.field("version", f"There is no version {version}") from None
        _require_finished(graph)
        return head, graph

    async def _at_once(
        self, actor: Actor, run: Run, graph: WorkflowVersion, permission: Permission
    ) -> Run:
        # What is purely computed leaves nothing half done, so it may end before it is stored.
        ended, steps = await self.executor.compute(run, graph)
        async with self.work(actor, permission) as uow:
            await uow.runs.add(ended)
            await uow.runs.put_steps(steps)
            await self.work.audit(uow, actor, "run.started", run.id)
        return ended

    def _new(
        self,
        actor: Actor,
        head: Workflow,
        graph: WorkflowVersion,
        inputs: Mapping[str, Any],
        trigger: Trigger,
    ) -> Run:
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


def _trigger_of(actor: Actor) -> Trigger:
    return Trigger.API if actor.api_key_id else Trigger.MANUAL


def _require_finished(graph: WorkflowVersion) -> None:
    places = {node.id: f"canvas.nodes.{at}" for at, node in enumerate(graph.canvas.nodes)}
    problems = [
        FieldProblem(places.get(issue.node_id or "", "canvas"), f"{issue.code}: {issue.message}")
        for issue in graph.issues
    ]
    if problems:
        raise Invalid(problems)
