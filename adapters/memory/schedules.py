"""Schedules in memory."""

from dataclasses import replace
from datetime import datetime

from orbiter.adapters.memory.repository import MemoryRepository, page_of, require
from orbiter.adapters.memory.tables import Tables
from orbiter.adapters.memory.triggers import matching
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.triggers import TriggerFilter
from orbiter.domain.schedules import Schedule


class MemorySchedules(MemoryRepository[Schedule]):
    """Schedules of one workspace."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(tables.schedules, workspace_id, "Schedule")
        self._tables = tables

    async def page(self, request: PageRequest, only: TriggerFilter) -> Page[Schedule]:
        """Return a page of the schedules that match."""
        return page_of(matching(self._mine(), only), request)

    async def claim(self, ticked: Schedule, *, due: datetime) -> bool:
        """Store when a tick came and the next one will, if *due* is still next."""
        self._rows.for_writing()
        kept = self._own(ticked.id)
        if kept is None or kept.next_run_at != due:
            return False
        claimed = replace(
            kept,
            next_run_at=ticked.next_run_at,
            last_run_at=ticked.last_run_at,
            last_error=ticked.last_error,
        )
        self._rows.put(ticked.id, claimed)
        return True

    def _check(self, entity: Schedule) -> None:
        require(self._tables.workflows, entity.workflow_id, entity.workspace_id, "Workflow")
