"""Run use cases: looking at runs, cancelling and deleting them."""

from dataclasses import dataclass
from typing import Final

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.execution import RunEngine, RunEvents
from orbiter.application.ports.repositories import RunFilter
from orbiter.application.run_events import Chronicle
from orbiter.application.work import Work
from orbiter.domain.errors import Conflict
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.runs import Run, Step

TRACE_MAX: Final = 500
# How long a cancellation waits for what it stops, so that its trace is whole when it answers.
STOPPING_SECONDS: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """A run and its trace, or the first steps of it; *trace* says how many there are in all."""

    run: Run
    trace: Page[Step]


@dataclass(frozen=True, slots=True)
class RunHandlers:
    """What an actor may do with runs that were started."""

    work: Work
    engine: RunEngine
    events: RunEvents
    chronicle: Chronicle

    async def page(self, actor: Actor, request: PageRequest, only: RunFilter) -> Page[Run]:
        """Return a page of the runs that match."""
        async with self.work(actor, Permission.RUNS_READ) as uow:
            return await uow.runs.page(request, only)

    async def get(
        self, actor: Actor, run_id: str, *, permission: Permission = Permission.RUNS_READ
    ) -> RunDetail:
        """Return a run with the first 500 steps of its trace."""
        first = PageRequest(limit=TRACE_MAX, newest_first=False)
        async with self.work(actor, permission) as uow:
            run = await uow.runs.get(run_id)
            trace = await uow.runs.steps(run_id, first)
        return RunDetail(run=run, trace=trace)

    async def after(
        self, actor: Actor, run_id: str, seconds: float, *, permission: Permission
    ) -> Run:
        """Return a run as it stands once it has ended, or after so many seconds."""
        with self.events.watch(await self._run(actor, run_id, permission)) as ending:
            run = await self._run(actor, run_id, permission)
            if run.ended or not seconds:
                return run
            await ending.wait(seconds)
        return await self._run(actor, run_id, permission)

    async def steps(self, actor: Actor, run_id: str, request: PageRequest) -> Page[Step]:
        """Return a page of a run's trace."""
        async with self.work(actor, Permission.RUNS_READ) as uow:
            await uow.runs.get(run_id)
            return await uow.runs.steps(run_id, request)

    async def cancel(self, actor: Actor, run_id: str) -> Run:
        """End a run now, and what is under way in it; raise Conflict when it has ended already."""
        with self.events.stopping(run_id) as ending:
            async with self.work(actor, Permission.WORKFLOWS_RUN) as uow:
                run = (await uow.runs.get(run_id)).cancel(at=self.work.clock.now())
                if not await uow.runs.advance(run):
                    raise Conflict("The run has ended already")
                await self.engine.cancel(uow, run)
                await self.chronicle.of_run(uow, run)
                await self.work.audit(uow, actor, "run.cancelled", run_id)
            await ending.wait(STOPPING_SECONDS)
        return run

    async def remove(self, actor: Actor, run_id: str) -> None:
        """Delete a run and its trace; raise Conflict when it has not ended."""
        async with self.work(actor, Permission.RUNS_WRITE) as uow:
            run = await uow.runs.get(run_id)
            if not run.ended:
                raise Conflict(f"The run is {run.status}; cancel it first")
            await uow.runs.remove(run_id)
            await self.work.audit(uow, actor, "run.deleted", run_id)

    async def _run(self, actor: Actor, run_id: str, permission: Permission) -> Run:
        async with self.work(actor, permission, reading=True) as uow:
            return await uow.runs.get(run_id)
