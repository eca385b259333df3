"""Workflows and their versions in memory."""

from dataclasses import replace

from orbiter.adapters.memory.repository import page_of, require
from orbiter.adapters.memory.tables import Tables
from orbiter.adapters.memory.triggers import drop_triggers
from orbiter.adapters.memory.versions import MemoryVersioned
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.workflows import WorkflowFilter
from orbiter.domain.workflows import Workflow, WorkflowVersion


class MemoryWorkflows(MemoryVersioned[Workflow, WorkflowVersion]):
    """Workflows of one workspace; `last_run_at` is when the newest run was queued."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(
            tables.workflows,
            tables.workflow_versions,
            workspace_id,
            "Workflow",
            head_of=lambda version: version.workflow_id,
        )
        self._tables = tables

    async def get(self, entity_id: str) -> Workflow:
        """Return the workflow or raise NotFound."""
        return self._with_last_run(await super().get(entity_id))

    async def remove(self, entity_id: str) -> None:
        """Delete the workflow, its versions, and what starts it."""
        await super().remove(entity_id)
        drop_triggers(self._tables, entity_id)

    async def page(self, request: PageRequest, only: WorkflowFilter) -> Page[Workflow]:
        """Return a page of the workflows that match."""
        found = page_of(
            (row for row in self._mine() if only.project_id in (None, row.project_id)), request
        )
        return replace(found, items=[self._with_last_run(row) for row in found.items])

    def _check(self, entity: Workflow) -> None:
        require(self._tables.projects, entity.project_id, entity.workspace_id, "Project")

    def _with_last_run(self, workflow: Workflow) -> Workflow:
        runs = [
            run
            for run in self._tables.runs.rows()
            if (run.workspace_id, run.workflow_id) == (workflow.workspace_id, workflow.id)
        ]
        newest = max(runs, key=lambda run: run.id, default=None)
        return replace(workflow, last_run_at=newest.queued_at if newest else None)
