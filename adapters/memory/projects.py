"""Projects in memory."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from orbiter.adapters.memory.conversations import conversations_of, drop_conversations
from orbiter.adapters.memory.notifications import drop_notifications
from orbiter.adapters.memory.repository import MemoryRepository, page_of
from orbiter.adapters.memory.tables import Table, Tables
from orbiter.adapters.memory.triggers import drop_triggers
from orbiter.application.paging import Page, PageRequest
from orbiter.domain.projects import Project
from orbiter.domain.runs import Run


class Row(Protocol):
    """What a project may hold."""

    @property
    def workspace_id(self) -> str: ...
    @property
    def project_id(self) -> str | None: ...


Held = TypeVar("Held", bound=Row)


class MemoryProjects(MemoryRepository[Project]):
    """Projects of one workspace."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(tables.projects, workspace_id, "Project")
        self._tables = tables

    async def page(self, request: PageRequest) -> Page[Project]:
        """Return a page of all projects."""
        return page_of(self._mine(), request)

    async def dependents(self, project_id: str) -> Mapping[str, int]:
        """Count what the project holds, per kind."""
        agents = self._held(self._tables.agents, project_id)
        counts = {
            "agents": len(agents),
            "conversations": len(conversations_of(self._tables, [row.id for row in agents])),
            "workflows": len(self._held(self._tables.workflows, project_id)),
            "runs": len(self._held(self._tables.runs, project_id)),
            "secrets": len(self._held(self._tables.secrets, project_id)),
            "tools": len(self._held(self._tables.tools, project_id)),
        }
        return {kind: count for kind, count in counts.items() if count}

    async def empty(self, project_id: str) -> Sequence[Run]:
        """Delete everything the project holds, and return the runs that had not ended."""
        self._rows.for_writing()
        runs = self._held(self._tables.runs, project_id)
        for run in runs:
            self._tables.runs.drop(run.id)
            self._tables.steps.drop(run.id)
            self._tables.run_events.drop(run.id)
            drop_notifications(self._tables, run_id=run.id)
        for workflow in self._held(self._tables.workflows, project_id):
            self._tables.workflows.drop(workflow.id)
            self._tables.workflow_versions.drop(workflow.id)
            drop_triggers(self._tables, workflow.id)
        for agent in self._held(self._tables.agents, project_id):
            self._tables.agents.drop(agent.id)
            self._tables.agent_versions.drop(agent.id)
            drop_conversations(self._tables, [agent.id])
        for secret in self._held(self._tables.secrets, project_id):
            self._tables.secrets.drop(secret.id)
        for tool in self._held(self._tables.tools, project_id):
            self._tables.tools.drop(tool.id)
        return sorted((run for run in runs if not run.ended), key=lambda run: run.id)

    async def remove(self, entity_id: str) -> None:
        """Delete the project, and what it may still hold."""
        await super().remove(entity_id)
        await self.empty(entity_id)

    def _held(self, rows: Table[Held], project_id: str) -> Sequence[Held]:
        where = self._workspace_id, project_id
        return [row for row in rows.rows() if (row.workspace_id, row.project_id) == where]
