"""Whether there is what a request is about."""

import pytest

from orbiter.application.presence import Presence
from orbiter.application.projects import ProjectHandlers
from orbiter.domain.errors import Forbidden, NotFound
from orbiter.domain.identity import Permission, Role, Scope
from support.office import Office
from support.runs import IdleEngine


async def test_rows_of_the_own_workspace_are_there_and_no_others(office: Office) -> None:
    ada, bob = await office.admin(), await office.admin("bob@example.org")
    project = await ProjectHandlers(office.work, IdleEngine()).create(ada, name="Apollo")
    presence = Presence(office.work)
    await presence.require(ada, Permission.PROJECTS_WRITE, "projects", project.id)
    for actor, entity_id in ((bob, project.id), (ada, "nonsense"), (ada, ada.user_id)):
        with pytest.raises(NotFound, match="Project not found"):
            await presence.require(actor, Permission.PROJECTS_WRITE, "projects", entity_id)


async def test_one_looks_with_the_permission_of_what_one_is_about_to_do(office: Office) -> None:
    ada = await office.admin()
    writer = await office.by_key(ada, Scope.WRITE)
    viewer = await office.member(ada, Role.VIEWER)
    presence = Presence(office.work)
    await presence.require(writer, Permission.MEMBERS_WRITE, "users", viewer.user_id)
    with pytest.raises(Forbidden):
        await presence.require(viewer, Permission.MEMBERS_WRITE, "users", ada.user_id)
