"""Agents and their versions in memory."""

from collections.abc import Collection

from orbiter.adapters.memory.conversations import drop_conversations
from orbiter.adapters.memory.projects import require_project
from orbiter.adapters.memory.repository import MemoryRepository, page_by, page_of
from orbiter.adapters.memory.tables import Tables
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.agents import AgentFilter
from orbiter.domain.agents import Agent, AgentVersion
from orbiter.domain.errors import Conflict, NotFound


class MemoryAgents(MemoryRepository[Agent]):
    """Agents of one workspace."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(tables.agents, workspace_id, "Agent")
        self._tables = tables

    async def remove(self, entity_id: str) -> None:
        """Delete the agent, its versions and its conversations."""
        await super().remove(entity_id)
        self._tables.agent_versions.drop(entity_id)
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

    async def add_version(self, version: AgentVersion) -> None:
        """Store a new version of an agent of this workspace."""
        self._rows.for_writing()
        await self.get(version.agent_id)
        others = self._tables.agent_versions.get(version.agent_id) or {}
        if version.version in others:
            raise Conflict("Agent version with this number already exists")
        self._tables.agent_versions.put(version.agent_id, {**others, version.version: version})

    async def version(self, agent_id: str, number: int) -> AgentVersion:
        """Return a version or raise NotFound."""
        found = self._versions_of(agent_id).get(number)
        if found is None:
            raise NotFound("Agent version")
        return found

    async def versions(self, agent_id: str, request: PageRequest) -> Page[AgentVersion]:
        """Return a page of versions, by number."""
        rows = self._versions_of(agent_id).values()
        return page_by(rows, lambda row: row.version, request, request.number_after())

    def _check(self, entity: Agent) -> None:
        require_project(self._tables, entity)

    def _versions_of(self, agent_id: str) -> dict[int, AgentVersion]:
        agent = self._rows.get(agent_id)
        if agent is None or agent.workspace_id != self._workspace_id:
            return {}
        return dict(self._tables.agent_versions.get(agent_id) or {})
