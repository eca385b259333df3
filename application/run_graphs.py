"""The graph that a run executes: a workflow's version, or an agent's as a graph of one node."""

from orbiter.application.execution.agents.graph import graph_of
from orbiter.application.ports.storage import UnitOfWork
from orbiter.domain.runs import Run
from orbiter.domain.workflows import WorkflowVersion


async def graph_of_run(uow: UnitOfWork, run: Run) -> WorkflowVersion:
    """Return the graph, or raise NotFound when the workflow or agent is gone."""
    if run.agent_id is not None:
        return graph_of(await uow.agents.version(run.agent_id, run.version))
    return await uow.workflows.version(run.workflow_id or "", run.version)
