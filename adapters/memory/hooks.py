"""Hooks in memory."""

from dataclasses import replace

from orbiter.adapters.memory.repository import MemoryRepository, page_of, require
from orbiter.adapters.memory.tables import Tables
from orbiter.adapters.memory.triggers import matching
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.triggers import TriggerFilter
from orbiter.domain.hooks import Hook


class MemoryHooks(MemoryRepository[Hook]):
    """Hooks of one workspace."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(tables.hooks, workspace_id, "Hook")
        self._tables = tables

    async def page(self, request: PageRequest, only: TriggerFilter) -> Page[Hook]:
        """Return a page of the hooks that match."""
        return page_of(matching(self._mine(), only), request)

    async def touch(self, hook: Hook) -> bool:
        """Store its last call, unless it was removed meanwhile."""
        self._rows.for_writing()
        kept = self._own(hook.id)
        if kept is None:
            return False
        self._rows.put(hook.id, replace(kept, last_called_at=hook.last_called_at))
        return True

    def _check(self, entity: Hook) -> None:
        require(self._tables.workflows, entity.workflow_id, entity.workspace_id, "Workflow")
