"""Agents and their versions in memory."""

from collections.abc import Collection

from orbiter.adapters.memory.conversations import drop_conversations
from orbiter.adapters.memory.repository import page_of, require
from orbiter.adapters.memory.tables import Tables
from orbiter.adapters.memory.versions import MemoryVersioned
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.agents import AgentFilter
from orbiter.domain.agents import Agent, AgentVersion


class MemoryAgents(MemoryVersioned[Agent, AgentVersion]):
    """Agents of one workspace."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(
            tables.agents,
            tables.agent_versions,
            workspace_id,
            "Agent",
            head_of=lambda version: version.agent_id,
        )
        self._tables = tables

    async def remove(self, entity_id: str) -> None:
        """Delete the agent, its versions and its conversations."""
        await super().remove(entity_id)
        drop_conversations(self._tables, [entity_id])

    async def page(self, request: PageRequest, only: AgentFilter) -> Page[Agent]:
        """Return a page of the agents that match."""
        rows = (
            row
            for row in self._mine()
            if only.project_id in (None, row.project_id) and only.status in (None, row.status)
        )
        return page_of(rows, request)

    async def known(self, ids: Collection[str]) -> Collection[str]:
        """Return those of the *ids* that agents here have."""
        return {row.id for row in self._mine()} & set(ids)

    def _check(self, entity: Agent) -> None:
        require(self._tables.projects, entity.project_id, entity.workspace_id, "Project")
