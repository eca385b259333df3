"""Schedule use cases."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Unpack

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.ports.system import Calendar
from orbiter.application.ports.triggers import TriggerFilter
from orbiter.application.references import reference_problems
from orbiter.application.triggers import require_may_start
from orbiter.application.work import Work
from orbiter.domain.errors import Invalid
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.schedules import Schedule, ScheduleChanges

_PLANNED_BY: Final = frozenset({"cron", "timezone", "enabled"})


@dataclass(frozen=True, slots=True)
class ScheduleHandlers:
    """What an actor may do with schedules, whose next tick is always known."""

    work: Work
    calendar: Calendar

    async def create(
        self,
        actor: Actor,
        *,
        workflow_id: str,
        cron: str,
        timezone: str = "UTC",
        name: str | None = None,
        inputs: Mapping[str, Any] | None = None,
        enabled: bool = True,
    ) -> Schedule:
        """Add a schedule to a workflow of the workspace; raise Invalid with all that is wrong."""
        now = self.work.clock.now()
        async with self.work(actor, Permission.SCHEDULES_WRITE) as uow:
            require_may_start(actor)
            schedule = Schedule(
                id=self.work.new_id(),
                workspace_id=actor.workspace_id,
                workflow_id=workflow_id,
                name=name,
                cron=cron,
                timezone=timezone,
                inputs=inputs or {},
                enabled=enabled,
                created_by=actor.user_id,
                created_at=now,
                updated_at=now,
            )
            schedule = await self._planned(uow, schedule)
            await uow.schedules.add(schedule)
            await self.work.audit(uow, actor, "schedule.created", schedule.id)
        return schedule

    async def get(self, actor: Actor, schedule_id: str) -> Schedule:
        """Return a schedule."""
        async with self.work(actor, Permission.SCHEDULES_READ) as uow:
            return await uow.schedules.get(schedule_id)

    async def page(self, actor: Actor, request: PageRequest, only: TriggerFilter) -> Page[Schedule]:
        """Return a page of the schedules that match."""
        async with self.work(actor, Permission.SCHEDULES_READ) as uow:
            return await uow.schedules.page(request, only)

    async def revise(
        self, actor: Actor, schedule_id: str, **changes: Unpack[ScheduleChanges]
    ) -> Schedule:
        """Change the fields given; a tick that is due still comes, unless the plan is another."""
        async with self.work(actor, Permission.SCHEDULES_WRITE) as uow:
            require_may_start(actor)
            kept = await uow.schedules.get(schedule_id)
            schedule = kept.revise(at=self.work.clock.now(), **changes)
            planned = await self._planned(uow, schedule)
            if any(getattr(kept, name) != getattr(planned, name) for name in _PLANNED_BY):
                schedule = planned
            await uow.schedules.save(schedule)
            await self.work.audit(uow, actor, "schedule.updated", schedule_id)
        return schedule

    async def remove(self, actor: Actor, schedule_id: str) -> None:
        """Delete a schedule; its runs stay."""
        async with self.work(actor, Permission.SCHEDULES_WRITE) as uow:
            await uow.schedules.remove(schedule_id)
            await self.work.audit(uow, actor, "schedule.deleted", schedule_id)

    async def _planned(self, uow: UnitOfWork, schedule: Schedule) -> Schedule:
        get = uow.workflows.get
        problems = [*await reference_problems("workflow_id", get, schedule.workflow_id)]
        next_run_at = None
        try:
            next_run_at = self.calendar.next_tick(
                schedule.cron, schedule.timezone, after=self.work.clock.now()
            )
        except Invalid as refused:
            problems += refused.problems
        if problems:
            raise Invalid(problems)
        return schedule.plan(next_run_at)
