"""Where what starts workflows is kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.repositories import Repository
from orbiter.domain.hooks import Hook
from orbiter.domain.schedules import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerFilter:
    """Which schedules or hooks are listed."""

    workflow_id: str | None = None


class ScheduleRepository(Repository[Schedule], Protocol):
    """Schedules of the workspace; removing a workflow removes its schedules."""

    async def page(self, request: PageRequest, only: TriggerFilter) -> Page[Schedule]:
        """Return a page of the schedules that match."""
        ...

    async def claim(self, ticked: Schedule, *, due: datetime) -> bool:
        """Store when a tick came and the next one will; say False when *due* is no longer next.

        Of all who claim a tick one alone is told True, whose transaction the others wait for.
        """
        ...


class HookRepository(Repository[Hook], Protocol):
    """Hooks of the workspace; removing a workflow removes its hooks."""

    async def page(self, request: PageRequest, only: TriggerFilter) -> Page[Hook]:
        """Return a page of the hooks that match."""
        ...

    async def touch(self, hook: Hook) -> bool:
        """Store its last call; say False when it was removed meanwhile."""
        ...
