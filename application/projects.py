"""Project use cases."""

from dataclasses import dataclass
from typing import Unpack

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.execution import RunEngine
from orbiter.application.work import Work
from orbiter.domain.errors import Conflict
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.projects import Project, ProjectChanges


@dataclass(frozen=True, slots=True)
class ProjectHandlers:
    """What an actor may do with projects."""

    work: Work
    engine: RunEngine

    async def create(
        self,
        actor: Actor,
        *,
        name: str,
        description: str | None = None,
        default_model: str | None = None,
    ) -> Project:
        """Add a project to the actor's workspace."""
        now = self.work.clock.now()
        async with self.work(actor, Permission.PROJECTS_WRITE) as uow:
            project = Project(
                id=self.work.new_id(),
                workspace_id=actor.workspace_id,
                name=name,
                description=description,
                default_model=default_model,
                created_by=actor.user_id,
                created_at=now,
                updated_at=now,
            )
            await uow.projects.add(project)
            await self.work.audit(uow, actor, "project.created", project.id)
        return project

    async def get(self, actor: Actor, project_id: str) -> Project:
        """Return a project."""
        async with self.work(actor, Permission.PROJECTS_READ) as uow:
            return await uow.projects.get(project_id)

    async def page(self, actor: Actor, request: PageRequest) -> Page[Project]:
        """Return a page of the workspace's projects."""
        async with self.work(actor, Permission.PROJECTS_READ) as uow:
            return await uow.projects.page(request)

    async def revise(
        self, actor: Actor, project_id: str, **changes: Unpack[ProjectChanges]
    ) -> Project:
        """Change the fields given, leave the rest."""
        async with self.work(actor, Permission.PROJECTS_WRITE) as uow:
            project = await uow.projects.get(project_id)
            project = project.revise(at=self.work.clock.now(), **changes)
            await uow.projects.save(project)
            await self.work.audit(uow, actor, "project.updated", project_id)
        return project

    async def remove(self, actor: Actor, project_id: str, *, cascade: bool = False) -> None:
        """Delete a project; raise Conflict when it holds things, unless they go too (*cascade*)."""
        async with self.work(actor, Permission.PROJECTS_WRITE) as uow:
            await uow.projects.get(project_id)
            dependents = await uow.projects.dependents(project_id)
            if dependents and not cascade:
                raise Conflict("The project still holds things", {"dependents": dict(dependents)})
            for run in await uow.projects.empty(project_id):
                await self.engine.cancel(uow, run)
            await uow.projects.remove(project_id)
            await self.work.audit(uow, actor, "project.deleted", project_id)
