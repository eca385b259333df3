"""Ticks of schedules: each of them starts one run, however many processes look."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Calendar, Clock
from orbiter.application.run_workflow import RunWorkflow
from orbiter.application.triggers import starter_of
from orbiter.domain.errors import Invalid, NotFound, Unavailable
from orbiter.domain.runs import Trigger
from orbiter.domain.schedules import Schedule

LOOK_SIZE: Final = 100
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ticker:
    """Look for schedules that are due and start their runs.

    A tick is claimed and its run accepted in one transaction. Of the ticks that were missed while
    nobody looked, the last one alone is made up for.
    """

    storage: Storage
    run_workflow: RunWorkflow
    calendar: Calendar
    clock: Clock

    async def look(self) -> int:
        """Tick every schedule that is due; return how many runs that started here."""
        started, looked = 0, LOOK_SIZE
        while looked == LOOK_SIZE:
            now = self.clock.now()
            async with self.storage.open("", reading=True) as uow:
                due = await uow.credentials.due_schedules(now, limit=LOOK_SIZE)
            ticked = [await self._tick(schedule, now) for schedule in due]
            started += sum(ticked)
            looked = len(due) if any(ticked) else 0
        return started

    async def _tick(self, schedule: Schedule, now: datetime) -> bool:
        try:
            return await self._start(schedule, now)
        except Unavailable:
            raise
        except Exception:
            # Whatever is wrong with one of them, the others tick.
            _LOG.exception("The schedule %s did not tick", schedule.id)
            return False

    async def _start(self, schedule: Schedule, now: datetime) -> bool:
        if schedule.next_run_at is None:
            return False
        starter, run = starter_of(schedule), None
        ticked = schedule.plan(self.calendar.next_tick(schedule.cron, schedule.timezone, after=now))
        try:
            run = await self.run_workflow.prepare(
                starter, schedule.workflow_id, inputs=schedule.inputs, trigger=Trigger.SCHEDULE
            )
            ticked = ticked.succeed(at=now)
        except (Invalid, NotFound) as refused:
            ticked = ticked.fail(_reason(refused))
        async with self.storage.open(schedule.workspace_id) as uow:
            if not await uow.schedules.claim(ticked, due=schedule.next_run_at):
                return False
            if run is not None:
                await self.run_workflow.accept(uow, starter, run)
        return run is not None


def _reason(refused: Invalid | NotFound) -> str:
    if isinstance(refused, NotFound):
        return refused.message
    return "; ".join(f"{problem.field}: {problem.message}" for problem in refused.problems)
