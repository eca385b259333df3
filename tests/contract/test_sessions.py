"""Sessions: touched, listed by user, ended all at once."""

from datetime import timedelta

import pytest

from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.storage import Storage
from orbiter.domain.errors import NotFound
from orbiter.domain.sessions import Session
from orbiter.domain.users import User
from support.builders import a_session
from support.clock import START
from support.tenants import Tenant, found, ids


async def test_a_touched_session_keeps_the_rest(storage: Storage, tenant: Tenant) -> None:
    session = await tenant.stored(storage, "sessions")
    later = session.touch(START + timedelta(hours=1))
    await touch(storage, tenant.id, a_session(tenant.user, **_times(later), id=session.id))
    assert await found(storage, tenant.id, "sessions", session.id) == later != session


async def test_a_session_that_was_ended_stays_ended(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    session = await tenant.stored(storage, "sessions")
    await touch(storage, stranger.id, session.touch(START + timedelta(hours=1)))
    assert await found(storage, tenant.id, "sessions", session.id) == session
    async with storage.open(tenant.id) as uow:
        await uow.sessions.remove(session.id)
    await touch(storage, tenant.id, session)
    await touch(storage, tenant.id, a_session(tenant.user, id="\0"))
    assert (await tenant.listed(storage, "sessions")).total == 0


async def test_sessions_are_listed_by_user(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    session = await tenant.stored(storage, "sessions")
    other = await tenant.stored(storage, "users")
    others = await add(storage, other)
    for workspace_id, user_id, expected in (
        (tenant.id, tenant.user.id, [session.id]),
        (tenant.id, other.id, [others.id]),
        (tenant.id, new_id(), []),
        (tenant.id, "\0", []),
        (stranger.id, tenant.user.id, []),
    ):
        async with storage.open(workspace_id, reading=True) as uow:
            page = await uow.sessions.page(PageRequest(), user_id)
            assert (ids(page.items), page.total) == (expected, len(expected))


async def test_all_sessions_of_a_user_end_but_perhaps_one(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    sessions = [await tenant.stored(storage, "sessions") for _ in range(4)]
    others = await add(storage, await tenant.stored(storage, "users"))
    theirs = await stranger.stored(storage, "sessions")
    async with storage.open(stranger.id) as uow:
        await uow.sessions.remove_all(tenant.user.id)
        await uow.sessions.remove_all("\0")
    assert (await tenant.listed(storage, "sessions")).total == 4
    async with storage.open(tenant.id) as uow:
        await uow.sessions.remove_all(tenant.user.id, but=sessions[1].id)
        await uow.sessions.remove_all(tenant.user.id, but=sessions[1].id)
    assert ids((await tenant.listed(storage, "sessions")).items) == [sessions[1].id]
    async with storage.open(tenant.id) as uow:
        await uow.sessions.remove_all(tenant.user.id)
    assert (await tenant.listed(storage, "sessions")).total == 0
    assert await found(storage, tenant.id, "sessions", others.id) == others
    assert await found(storage, stranger.id, "sessions", theirs.id) == theirs


async def test_a_session_needs_its_user(storage: Storage, tenant: Tenant, stranger: Tenant) -> None:
    for user_id in (new_id(), stranger.user.id):
        with pytest.raises(NotFound, match="User"):
            await tenant.stored(storage, "sessions", user_id=user_id)


async def test_what_only_reads_ends_no_session(storage: Storage, tenant: Tenant) -> None:
    session = await tenant.stored(storage, "sessions")
    async with storage.open(tenant.id, reading=True) as uow:
        for change in (uow.sessions.touch(session), uow.sessions.remove_all(tenant.user.id)):
            with pytest.raises(RuntimeError, match="opened for reading"):
                await change


async def add(storage: Storage, user: User) -> Session:
    """Store a session of a user."""
    session = a_session(user)
    async with storage.open(user.workspace_id) as uow:
        await uow.sessions.add(session)
    return session


async def touch(storage: Storage, workspace_id: str, session: Session) -> None:
    """Store a session's last use."""
    async with storage.open(workspace_id) as uow:
        await uow.sessions.touch(session)


def _times(session: Session) -> dict[str, object]:
    return {"last_used_at": session.last_used_at, "expires_at": session.expires_at}
