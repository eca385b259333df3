"""Starting runs: accepted with their audit entry, and perhaps waited for."""

from dataclasses import dataclass

from orbiter.application.ports.execution import RunEngine, RunEvents
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.ports.versions import Head, Version, VersionedRepository
from orbiter.application.work import Work
from orbiter.domain.errors import Invalid, NotFound
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.runs import Run, Trigger
from orbiter.domain.workflows import WorkflowVersion


@dataclass(frozen=True, slots=True)
class Starting:
    """How every run is started that somebody asks for."""

    work: Work
    engine: RunEngine
    events: RunEvents

    async def accept(
        self,
        uow: UnitOfWork,
        actor: Actor,
        run: Run,
        graph: WorkflowVersion | None = None,
        *,
        action: str = "run.started",
        has_past: bool = False,
    ) -> None:
        """Store a new run in the caller's transaction; it is executed once that commits."""
        await self.engine.accept(uow, run, has_past=has_past, graph=graph)
        await self.work.audit(uow, actor, action, run.id)

    async def begin(
        self,
        actor: Actor,
        run: Run,
        graph: WorkflowVersion,
        *,
        wait_seconds: float,
        permission: Permission,
    ) -> Run:
        """Accept a new run and return it as it stands after at most *wait_seconds*."""
        with self.events.watch(run) as ending:
            async with self.work(actor, permission) as uow:
                await self.accept(uow, actor, run, graph)
            if not wait_seconds:
                return run
            await ending.wait(wait_seconds)
        async with self.work(actor, permission, reading=True) as uow:
            return await uow.runs.get(run.id)


async def version_of(
    repository: VersionedRepository[Head, Version], head_id: str, number: int
) -> Version:
    """Return the version that is to run or raise Invalid."""
    try:
        return await repository.version(head_id, number)
    except NotFound:
        raise Invalid.field("version", f"There is no version {number}") from None


def trigger_of(actor: Actor) -> Trigger:
    """Return what sets off a run that *actor* asks for."""
    return Trigger.API if actor.api_key_id else Trigger.MANUAL
