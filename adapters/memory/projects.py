"""Projects in memory."""

from collections.abc import Mapping, Sequence

from orbiter.adapters.memory.conversations import conversations_of, drop_conversations
from orbiter.adapters.memory.notifications import drop_notifications
from orbiter.adapters.memory.repository import MemoryRepository, page_of
from orbiter.adapters.memory.tables import Tables
from orbiter.adapters.memory.triggers import drop_triggers
from orbiter.application.paging import Page, PageRequest
from orbiter.domain.agents import Agent
from orbiter.domain.errors import NotFound
from orbiter.domain.projects import Project
from orbiter.domain.runs import Run
from orbiter.domain.secrets import Secret
from orbiter.domain.tools import Tool
from orbiter.domain.workflows import Workflow


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
        agents = self._agents_of(project_id)
        counts = {
            "agents": len(agents),
            "conversations": len(conversations_of(self._tables, [row.id for row in agents])),
            "workflows": len(self._workflows_of(project_id)),
            "runs": len(self._runs_of(project_id)),
            "secrets": len(self._secrets_of(project_id)),
            "tools": len(self._tools_of(project_id)),
        }
        return {kind: count for kind, count in counts.items() if count}

    async def empty(self, project_id: str) -> Sequence[Run]:
        """Delete everything the project holds, and return the runs that had not ended."""
        self._rows.for_writing()
        runs = self._runs_of(project_id)
        for run in runs:
            self._tables.runs.drop(run.id)
            self._tables.steps.drop(run.id)
            self._tables.run_events.drop(run.id)
            drop_notifications(self._tables, run_id=run.id)
        for workflow in self._workflows_of(project_id):
            self._tables.workflows.drop(workflow.id)
            self._tables.workflow_versions.drop(workflow.id)
            drop_triggers(self._tables, workflow.id)
        for agent in self._agents_of(project_id):
            self._tables.agents.drop(agent.id)
            self._tables.agent_versions.drop(agent.id)
            drop_conversations(self._tables, [agent.id])
        for secret in self._secrets_of(project_id):
            self._tables.secrets.drop(secret.id)
        for tool in self._tools_of(project_id):
            self._tables.tools.drop(tool.id)
        return sorted((run for run in runs if not run.ended), key=lambda run: run.id)

    async def remove(self, entity_id: str) -> None:
        """Delete the project, and what it may still hold."""
        await super().remove(entity_id)
        await self.empty(entity_id)

    def _agents_of(self, project_id: str) -> Sequence[Agent]:
        return [row for row in self._tables.agents.rows() if self._holds(project_id, row)]

    def _workflows_of(self, project_id: str) -> Sequence[Workflow]:
        return [row for row in self._tables.workflows.rows() if self._holds(project_id, row)]

    def _runs_of(self, project_id: str) -> Sequence[Run]:
        return [row for row in self._tables.runs.rows() if self._holds(project_id, row)]

    def _secrets_of(self, project_id: str) -> Sequence[Secret]:
        return [row for row in self._tables.secrets.rows() if self._holds(project_id, row)]

    def _tools_of(self, project_id: str) -> Sequence[Tool]:
        return [row for row in self._tables.tools.rows() if self._holds(project_id, row)]

    def _holds(self, project_id: str, row: Agent | Workflow | Run | Secret | Tool) -> bool:
        return (row.workspace_id, row.project_id) == (self._workspace_id, project_id)


def require_project(tables: Tables, row: Agent | Workflow | Run) -> None:
    """Raise NotFound unless the project of *row* is in its workspace."""
    project = tables.projects.get(row.project_id)
    if project is None or project.workspace_id != row.workspace_id:
        raise NotFound("Project")
