"""Replay use cases: runs that begin with what an earlier one has done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from orbiter.application.execution.reuse import Legacy, Wanted
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.run_agent import RunAgent
from orbiter.application.run_graphs import graph_of_run
from orbiter.application.run_steps import steps_of_run
from orbiter.application.run_workflow import RunWorkflow
from orbiter.application.starting import Starting
from orbiter.application.work import Work
from orbiter.domain.errors import Conflict, Invalid
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.runs import Run, RunStatus, Trigger
from orbiter.domain.workflows import Canvas

_RETRIED: Final = frozenset({RunStatus.FAILED, RunStatus.CANCELLED})

# Which nodes' steps are carried over, of a graph.
Choice = Callable[[Canvas], Wanted]


@dataclass(frozen=True, slots=True)
class ReplayHandlers:
    """What an actor may do with a run once more, as a new run."""

    work: Work
    starting: Starting
    run_workflow: RunWorkflow
    run_agent: RunAgent

    async def retry(self, actor: Actor, run_id: str) -> Run:
        """Start a run that goes on where a failed or cancelled one stopped; else raise Conflict."""
        source = await self._source(actor, run_id)
        if source.status not in _RETRIED:
            raise Conflict(f"The run is {source.status}; only a failed or cancelled one is retried")
        run = await self._prepared(actor, source, source.inputs, source.version)
        return await self._begin(actor, run, "run.retried", lambda _: lambda _: True)

    async def replay(
        self,
        actor: Actor,
        run_id: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        from_node: str | None = None,
        version: int | None = None,
    ) -> Run:
        """Start a run of the same thing again: all of it, or all that comes *from_node* on.

        The inputs and the version are the earlier run's unless given. A node in a loop stands for
        the whole loop. Raise Invalid for a node or version that does not exist, Conflict when the
        run has not ended and *from_node* asks for what it has done.
        """
        source = await self._source(actor, run_id)
        if from_node is not None and not source.ended:
            raise Conflict(f"The run is {source.status}; it has not ended")
        given = source.inputs if inputs is None else inputs
        run = await self._prepared(actor, source, given, version or source.version)
        if from_node is None:
            return await self._begin(actor, run, "run.replayed", None)
        return await self._begin(
            actor, run, "run.replayed", lambda canvas: _before(canvas, from_node)
        )

    async def _source(self, actor: Actor, run_id: str) -> Run:
        async with self.work(actor, Permission.WORKFLOWS_RUN, reading=True) as uow:
            return await uow.runs.get(run_id)

    async def _prepared(
        self, actor: Actor, source: Run, inputs: Mapping[str, Any], version: int
    ) -> Run:
        if source.agent_id is not None:
            run, _ = await self.run_agent.prepare(
                actor, source.agent_id, inputs=inputs, trigger=Trigger.REPLAY, version=version
            )
        else:
            run = await self.run_workflow.prepare(
                actor,
                source.workflow_id or "",
                inputs=inputs,
                trigger=Trigger.REPLAY,
                version=version,
            )
        return replace(run, source_run_id=source.id)

    async def _begin(self, actor: Actor, run: Run, action: str, wanted: Choice | None) -> Run:
        async with self.work(actor, Permission.WORKFLOWS_RUN) as uow:
            graph = await graph_of_run(uow, run)
            has_past = wanted is not None
            await self.starting.accept(uow, actor, run, graph, action=action, has_past=has_past)
            if wanted is not None:
                await _carry_over(uow, run, graph.canvas, wanted(graph.canvas))
        return run


async def _carry_over(uow: UnitOfWork, run: Run, canvas: Canvas, wanted: Wanted) -> None:
    source_id = run.source_run_id or ""
    recorded = await uow.executions.recorded(source_id)
    legacy = Legacy(await steps_of_run(uow, source_id), recorded, canvas, run.id, wanted)
    await uow.runs.put_steps(legacy.steps)
    for record in legacy.records:
        await uow.executions.record(run.id, record)


def _before(canvas: Canvas, node_id: str) -> Wanted:
    """Return which nodes neither are the node nor come after it."""
    parents = {node.id: node.parent_id for node in canvas.nodes}
    if node_id not in parents:
        raise Invalid.field("from_node", f"There is no node '{node_id}'")
    while (loop := parents[node_id]) is not None:
        node_id = loop
    after = {node_id}
    while fresh := {
        edge.target for edge in canvas.edges if edge.source in after and edge.target not in after
    } | {id for id, loop in parents.items() if loop in after and id not in after}:
        after |= fresh
    return lambda id: id not in after
