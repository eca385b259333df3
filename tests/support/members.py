"""A workspace of four: who may be told something, and what they were told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orbiter.application.paging import PageRequest
from orbiter.application.ports.notifications import NotificationFilter
from orbiter.application.ports.storage import Storage
from orbiter.domain.identity import Role
from orbiter.domain.notifications import Notification
from orbiter.domain.users import User, UserStatus
from orbiter.domain.workflows import WorkflowVersion
from support.builders import a_project, a_user, a_workflow
from support.graphs import NOBODY, Laboratory
from support.power import House


@dataclass
class Members:
    """Three members of a workspace, and one who is invited."""

    workspace_id: str = NOBODY

    def __post_init__(self) -> None:
        self.admin, self.developer, self.viewer = (
            a_user(self.workspace_id, role=role)
            for role in (Role.ADMIN, Role.DEVELOPER, Role.VIEWER)
        )
        self.invited = a_user(self.workspace_id, status=UserStatus.INVITED)

    @property
    def active(self) -> tuple[User, ...]:
        return self.admin, self.developer, self.viewer

    async def join(self, storage: Storage) -> None:
        """Store them."""
        async with storage.open(self.workspace_id) as uow:
            for user in (*self.active, self.invited):
                await uow.users.add(user)

    async def house(self, lab: Laboratory, graph: WorkflowVersion, **inputs: Any) -> House:
        """Return a run of the graph in their workspace, which the laboratory keeps."""
        await self.join(lab.kept)
        house = House(lab, graph, inputs=inputs)
        project = a_project(NOBODY, id=NOBODY)
        workflow = a_workflow(project, id=graph.workflow_id, name="Pass")
        async with lab.kept.open(NOBODY) as uow:
            await uow.projects.add(project)
            await uow.workflows.add(workflow)
            await uow.runs.add(house.run)
        return house

    async def told(self, storage: Storage, user: User) -> Sequence[Notification]:
        """Return what a member was told, newest first."""
        only = NotificationFilter(user_id=user.id)
        async with storage.open(self.workspace_id, reading=True) as uow:
            return (await uow.notifications.page(PageRequest(limit=100), only)).items
