"""Workflows and their versions in memory."""

from dataclasses import replace

from orbiter.adapters.memory.projects import require_project
from orbiter.adapters.memory.repository import MemoryRepository, page_by, page_of
from orbiter.adapters.memory.tables import Tables
from orbiter.adapters.memory.triggers import drop_triggers
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.repositories import WorkflowFilter
from orbiter.domain.errors import Conflict, NotFound
from orbiter.domain.workflows import Workflow, WorkflowVersion


class MemoryWorkflows(MemoryRepository[Workflow]):
    """Workflows of one workspace; `last_run_at` is when the newest run was queued."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(tables.workflows, workspace_id, "Workflow")
        self._tables = tables

    async def get(self, entity_id: str) -> Workflow:
        """Return the workflow or raise NotFound."""
        return self._with_last_run(await super().get(entity_id))

    async def remove(self, entity_id: str) -> None:
        """Delete the workflow, its versions, and what starts it."""
        await super().remove(entity_id)
        self._tables.versions.drop(entity_id)
        drop_triggers(self._tables, entity_id)

    async def page(self, request: PageRequest, only: WorkflowFilter) -> Page[Workflow]:
        """Return a page of the workflows that match."""
        found = page_of(
            (row for row in self._mine() if only.project_id in (None, row.project_id)), request
        )
        return replace(found, items=[self._with_last_run(row) for row in found.items])

    async def add_version(self, version: WorkflowVersion) -> None:
        """Store a new version of a workflow of this workspace."""
        self._rows.for_writing()
        await super().get(version.workflow_id)
        others = self._tables.versions.get(version.workflow_id) or {}
        if version.version in others:
            raise Conflict("Workflow version with this number already exists")
        self._tables.versions.put(version.workflow_id, {**others, version.version: version})

    async def version(self, workflow_id: str, number: int) -> WorkflowVersion:
        """Return a version or raise NotFound."""
        found = self._versions_of(workflow_id).get(number)
        if found is None:
            raise NotFound("Workflow version")
        return found

    async def versions(self, workflow_id: str, request: PageRequest) -> Page[WorkflowVersion]:
        """Return a page of versions, by number."""
        rows = self._versions_of(workflow_id).values()
        return page_by(rows, lambda row: row.version, request, request.number_after())

    def _check(self, entity: Workflow) -> None:
        require_project(self._tables, entity)

    def _versions_of(self, workflow_id: str) -> dict[int, WorkflowVersion]:
        workflow = self._rows.get(workflow_id)
        if workflow is None or workflow.workspace_id != self._workspace_id:
            return {}
        return dict(self._tables.versions.get(workflow_id) or {})

    def _with_last_run(self, workflow: Workflow) -> Workflow:
        runs = [
            run
            for run in self._tables.runs.rows()
            if (run.workspace_id, run.workflow_id) == (workflow.workspace_id, workflow.id)
        ]
        newest = max(runs, key=lambda run: run.id, default=None)
        return replace(workflow, last_run_at=newest.queued_at if newest else None)
