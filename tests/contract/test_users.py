"""Users: whose address is whose, and the last admin."""

import asyncio
from dataclasses import replace

import pytest

from orbiter.application.ports.storage import Storage
from orbiter.domain.errors import Conflict, NotFound
from orbiter.domain.identity import Role
from orbiter.domain.users import User, UserStatus
from support.builders import a_hash, a_reset, a_session, a_user, an_api_key
from support.tenants import Tenant, found, ids

TAKEN = "A user with this email already exists"


def invited(workspace_id: str, email: str) -> User:
    """Return somebody who has not joined."""
    return a_user(
        workspace_id,
        email=email,
        status=UserStatus.INVITED,
        password_hash=None,
        invite_token_hash=a_hash(),
    )


async def test_an_address_signs_in_to_one_user_of_all_workspaces(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    for workspace_id in (tenant.id, stranger.id):
        for email in (tenant.user.email, tenant.user.email.upper()):
            with pytest.raises(Conflict, match=TAKEN):
                await add(storage, a_user(workspace_id, email=email))
    assert ids((await tenant.listed(storage, "users")).items) == [tenant.user.id]


async def test_case_does_not_count_in_any_language(storage: Storage, tenant: Tenant) -> None:
    await add(storage, a_user(tenant.id, email="Ärger.Straße@Example.org"))
    with pytest.raises(Conflict, match=TAKEN):
        await add(storage, a_user(tenant.id, email="äRGER.STRASSE@example.ORG"))
    async with storage.open("", reading=True) as uow:
        user = await uow.credentials.user_by_email("ÄRGER.straße@EXAMPLE.org")
    assert user is not None and user.email == "Ärger.Straße@Example.org"


async def test_a_member_is_invited_once_but_may_be_active_elsewhere(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    guest = invited(stranger.id, tenant.user.email)
    await add(storage, guest)
    with pytest.raises(Conflict, match=TAKEN):
        await add(storage, invited(stranger.id, tenant.user.email.upper()))
    with pytest.raises(Conflict, match=TAKEN):
        await add(storage, invited(tenant.id, tenant.user.email))
    assert await found(storage, stranger.id, "users", guest.id) == guest


async def test_an_invitation_is_not_taken_up_while_the_address_is_active_elsewhere(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    guest = invited(stranger.id, tenant.user.email)
    await add(storage, guest)
    with pytest.raises(Conflict, match=TAKEN):
        await save(storage, guest.join(name=None, password_hash="x", at=guest.created_at))
    async with storage.open(tenant.id) as uow:
        await uow.users.remove(tenant.user.id)
    await save(storage, guest.join(name=None, password_hash="x", at=guest.created_at))
    assert (await found(storage, stranger.id, "users", guest.id)).active


async def test_nobody_moves_to_an_address_that_is_taken(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    other = await tenant.stored(storage, "users")
    for email in (tenant.user.email.upper(), stranger.user.email):
        with pytest.raises(Conflict, match=TAKEN):
            await save(storage, replace(other, email=email))
    recased = replace(other, email=other.email.upper())
    await save(storage, recased)
    assert await found(storage, tenant.id, "users", other.id) == recased


async def test_an_address_is_given_once_however_many_ask_at_once(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    asking = [
        a_user(workspace_id, email="ann@example.org")
        for workspace_id in (tenant.id, stranger.id)
        for _ in range(5)
    ]
    outcomes = await asyncio.gather(
        *(add(storage, user) for user in asking), return_exceptions=True
    )
    assert [str(each) for each in outcomes if each is not None] == [TAKEN] * 9


async def test_a_user_takes_along_what_signs_in(storage: Storage, tenant: Tenant) -> None:
    leaver = await tenant.stored(storage, "users")
    theirs, others = a_session(leaver), a_session(tenant.user)
    key, other_key = an_api_key(leaver), an_api_key(tenant.user)
    reset, other_reset = a_reset(leaver), a_reset(tenant.user)
    async with storage.open(tenant.id) as uow:
        for session in (theirs, others):
            await uow.sessions.add(session)
        for each in (key, other_key):
            await uow.api_keys.add(each)
        for mine in (reset, other_reset):
            await uow.credentials.add_reset(mine)
        await uow.users.remove(leaver.id)
    async with storage.open(tenant.id, reading=True) as uow:
        with pytest.raises(NotFound):
            await uow.sessions.get(theirs.id)
        with pytest.raises(NotFound):
            await uow.api_keys.get(key.id)
        assert await uow.credentials.by_session(theirs.token_hash) is None
        assert await uow.credentials.by_api_key(key.key_hash) is None
        assert await uow.credentials.reset(reset.token_hash) is None
        assert await uow.sessions.get(others.id) == others
        assert await uow.api_keys.get(other_key.id) == other_key
        assert await uow.credentials.reset(other_reset.token_hash) == other_reset


async def test_admins_are_counted_if_they_can_sign_in(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    await tenant.stored(storage, "users", role=Role.DEVELOPER)
    await tenant.stored(storage, "users", status=UserStatus.INVITED)
    await stranger.stored(storage, "users")
    for reading in (True, False):
        async with storage.open(tenant.id, reading=reading) as uow:
            assert await uow.users.active_admins() == 1
    await tenant.stored(storage, "users")
    async with storage.open(tenant.id) as uow:
        assert await uow.users.active_admins() == 2


async def test_one_admin_stays_however_many_leave_at_once(storage: Storage, tenant: Tenant) -> None:
    admins = [tenant.user, *[await tenant.stored(storage, "users") for _ in range(4)]]

    async def leave(user: User) -> bool:
        async with storage.open(tenant.id) as uow:
            if await uow.users.active_admins() > 1:
                await uow.users.remove(user.id)
                return True
            return False

    assert sorted(await asyncio.gather(*map(leave, admins))) == [False, True, True, True, True]
    assert (await tenant.listed(storage, "users")).total == 1


async def test_nobody_registers_while_somebody_looks_whether_anybody_has(
    storage: Storage,
) -> None:
    async def register() -> bool:
        user = a_user("00000000-0000-7000-8000-000000000000")
        async with storage.open(user.workspace_id) as uow:
            first = not await uow.credentials.any_user()
            await uow.users.add(user)
            return first

    assert sum(await asyncio.gather(*(register() for _ in range(10)))) == 1


async def add(storage: Storage, user: User) -> None:
    """Store a user."""
    async with storage.open(user.workspace_id) as uow:
        await uow.users.add(user)


async def save(storage: Storage, user: User) -> None:
    """Overwrite a user."""
    async with storage.open(user.workspace_id) as uow:
        await uow.users.save(user)
