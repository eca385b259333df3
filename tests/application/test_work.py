"""No permission, no unit of work."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.system.ids import new_id
from orbiter.application.work import Work
from orbiter.domain.errors import Forbidden
from orbiter.domain.identity import Actor, Permission, Role, Scope, permissions_of
from orbiter.domain.projects import Project
from support.clock import START, ManualClock

WORK = Work(MemoryStorage(), ManualClock(), new_id)


def an_actor(role: Role, scopes: frozenset[Scope] | None = None) -> Actor:
    return Actor(
        user_id="user",
        workspace_id="workspace",
        role=role,
        permissions=permissions_of(role, scopes),
    )


def opens(actor: Actor, permission: Permission) -> bool:
    async def enter() -> None:
        async with WORK(actor, permission):
            pass

    try:
        asyncio.run(enter())
    except Forbidden:
        return False
    return True


@given(
    st.sampled_from(Role),
    st.none() | st.frozensets(st.sampled_from(Scope)),
    st.sampled_from(Permission),
)
def test_the_door_opens_to_exactly_what_role_and_scopes_grant(
    role: Role, scopes: frozenset[Scope] | None, permission: Permission
) -> None:
    granted = permission in permissions_of(role, scopes)
    assert opens(an_actor(role, scopes), permission) == granted


@pytest.mark.parametrize("permission", Permission)
def test_who_was_granted_nothing_gets_nothing(permission: Permission) -> None:
    nobody = Actor(user_id="user", workspace_id="w", role=Role.ADMIN, permissions=frozenset())
    assert not opens(nobody, permission)


def a_project() -> Project:
    return Project(
        id=new_id(),
        workspace_id="workspace",
        name="Apollo",
        created_by="user",
        created_at=START,
        updated_at=START,
    )


@pytest.mark.parametrize("permission", Permission)
async def test_what_only_reads_can_not_write(permission: Permission) -> None:
    async with WORK(an_actor(Role.ADMIN), permission) as uow:
        if permission.reads:
            with pytest.raises(RuntimeError):
                await uow.projects.add(a_project())
        else:
            await uow.projects.add(a_project())


async def test_a_writer_may_ask_for_a_unit_of_work_that_reads() -> None:
    async with WORK(an_actor(Role.ADMIN), Permission.PROJECTS_WRITE, reading=True) as uow:
        with pytest.raises(RuntimeError):
            await uow.projects.add(a_project())


async def test_it_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(Forbidden, match="projects:write"):
        WORK(an_actor(Role.VIEWER), Permission.PROJECTS_WRITE)
