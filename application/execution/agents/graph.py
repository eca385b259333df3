"""An agent as a graph of one node: so that it is executed, and its run kept, as any other."""

from dataclasses import dataclass
from typing import Final

from orbiter.domain.agents import AgentVersion
from orbiter.domain.workflows import Canvas, Node, WorkflowVersion

NODE_ID: Final = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentGraph(WorkflowVersion):
    """A graph whose one node is *agent*, which need not be looked up."""

    agent: AgentVersion


def graph_of(agent: AgentVersion) -> AgentGraph:
    """Return the graph that runs this version of an agent."""
    config = {"agent_id": agent.agent_id, "version": agent.version}
    node = Node(id=NODE_ID, type="agent", label=agent.name, config=config)
    return AgentGraph(
        agent=agent,
        workflow_id=agent.agent_id,
        version=agent.version,
        canvas=Canvas(nodes=(node,)),
        created_by=agent.created_by,
        created_at=agent.created_at,
    )
