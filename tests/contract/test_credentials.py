"""What is found by what somebody presents, whatever the workspace."""

import asyncio
from datetime import timedelta
from typing import Any, Final

import pytest

from orbiter.adapters.system.ids import new_id
from orbiter.application.credentials import NO_WORKSPACE
from orbiter.application.ports.storage import Storage
from orbiter.domain.errors import Conflict, NotFound
from orbiter.domain.password_resets import PasswordReset
from orbiter.domain.runs import RunStatus
from orbiter.domain.users import UserStatus
from support.builders import a_hash, a_reset, a_step, a_user, a_workspace
from support.clock import START
from support.tenants import Tenant, ids

STRANGE: Final = ["", "\0", "%", "\ud800", "x" * 100_000, "0" * 64]


async def test_a_session_is_found_with_its_user(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    for each in (tenant, stranger):
        session = await each.stored(storage, "sessions")
        assert await ask(storage, "by_session", session.token_hash) == (session, each.user)


async def test_a_key_is_found_with_its_creator(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    for each in (tenant, stranger):
        key = await each.stored(storage, "api_keys")
        assert await ask(storage, "by_api_key", key.key_hash) == (key, each.user)


async def test_a_user_is_found_by_id_and_by_address(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    for user in (tenant.user, stranger.user):
        assert await ask(storage, "user", user.id) == user
        assert await ask(storage, "user_by_email", user.email) == user
        assert await ask(storage, "user_by_email", f" {user.email.upper()}") == user


async def test_only_who_has_joined_is_found_by_address_and_only_who_has_not_by_invitation(
    storage: Storage, tenant: Tenant
) -> None:
    guest = a_user(tenant.id, status=UserStatus.INVITED, invite_token_hash=a_hash())
    member = a_user(tenant.id, invite_token_hash=a_hash())
    async with storage.open(tenant.id) as uow:
        await uow.users.add(guest)
        await uow.users.add(member)
    assert await ask(storage, "user_by_email", guest.email) is None
    assert await ask(storage, "user_by_email", member.email) == member
    assert await ask(storage, "user_by_invite", guest.invite_token_hash) == guest
    assert await ask(storage, "user_by_invite", member.invite_token_hash) is None


@pytest.mark.parametrize(
    "question", ["by_session", "by_api_key", "user", "user_by_email", "user_by_invite", "reset"]
)
async def test_what_nobody_has_finds_nobody(
    storage: Storage, tenant: Tenant, question: str
) -> None:
    for presented in (*STRANGE, new_id()):
        assert await ask(storage, question, presented) is None


async def test_anybody_is_somebody(storage: Storage) -> None:
    assert await ask(storage, "any_user") is False
    user = a_user(new_id(), status=UserStatus.INVITED)
    async with storage.open(user.workspace_id) as uow:
        assert await uow.credentials.any_user() is False
        await uow.users.add(user)
        assert await uow.credentials.any_user() is True
    assert await ask(storage, "any_user") is True


async def test_workspaces_come_oldest_first(storage: Storage) -> None:
    workspaces = [a_workspace(name=f"No. {number}") for number in range(3)]
    async with storage.open(NO_WORKSPACE) as uow:
        for workspace in reversed(workspaces):
            await uow.credentials.add_workspace(workspace)
        with pytest.raises(Conflict, match="id"):
            await uow.credentials.add_workspace(workspaces[0])
    assert list(await ask(storage, "workspaces", 2)) == workspaces[:2]
    assert list(await ask(storage, "workspaces", 10)) == workspaces


async def test_a_reset_takes_the_place_of_earlier_ones(storage: Storage, tenant: Tenant) -> None:
    other = await tenant.stored(storage, "users")
    first, second, others = a_reset(tenant.user), a_reset(tenant.user), a_reset(other)
    for reset in (first, others, second):
        await add_reset(storage, reset)
    assert await ask(storage, "reset", first.token_hash) is None
    assert await ask(storage, "reset", second.token_hash) == second
    assert await ask(storage, "reset", others.token_hash) == others


async def test_a_reset_needs_its_user(storage: Storage, tenant: Tenant) -> None:
    with pytest.raises(NotFound, match="User"):
        await add_reset(storage, a_reset(a_user(tenant.id)))


async def test_a_reset_is_taken_once(storage: Storage, tenant: Tenant) -> None:
    reset = a_reset(tenant.user)
    await add_reset(storage, reset)

    async def take() -> PasswordReset | None:
        async with storage.open(NO_WORKSPACE) as uow:
            return await uow.credentials.take_reset(reset.token_hash)

    taken = await asyncio.gather(*(take() for _ in range(10)))
    assert [each for each in taken if each is not None] == [reset]
    assert await ask(storage, "reset", reset.token_hash) is None


async def test_a_reset_whose_taking_was_rolled_back_is_there_again(
    storage: Storage, tenant: Tenant
) -> None:
    reset = a_reset(tenant.user)
    await add_reset(storage, reset)
    with pytest.raises(ZeroDivisionError):
        async with storage.open(NO_WORKSPACE) as uow:
            assert await uow.credentials.take_reset(reset.token_hash) == reset
            raise ZeroDivisionError
    assert await ask(storage, "reset", reset.token_hash) == reset


async def test_unended_runs_of_all_workspaces_come_oldest_first(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    unended = []
    for status in RunStatus:
        run = await tenant.stored(storage, "runs", status=status)
        theirs = await stranger.stored(storage, "runs", status=status)
        unended += [] if run.ended else [run, theirs]
    assert list(await ask(storage, "unended_runs")) == unended
    async with storage.open(tenant.id) as uow:
        for run in unended[::2]:
            await uow.runs.put_steps([a_step(run)])
            await uow.runs.advance(run.cancel(at=START + timedelta(seconds=1)))
    assert ids(await ask(storage, "unended_runs")) == ids(unended[1::2])


async def test_no_workspace_sees_no_rows(storage: Storage, tenant: Tenant) -> None:
    async with storage.open(NO_WORKSPACE, reading=True) as uow:
        with pytest.raises(NotFound):
            await uow.users.get(tenant.user.id)
        assert await uow.users.active_admins() == 0


async def test_what_only_reads_changes_no_credentials(storage: Storage, tenant: Tenant) -> None:
    async with storage.open(NO_WORKSPACE, reading=True) as uow:
        for change in (
            uow.credentials.add_workspace(a_workspace()),
            uow.credentials.add_reset(a_reset(tenant.user)),
            uow.credentials.take_reset(a_hash()),
        ):
            with pytest.raises(RuntimeError, match="opened for reading"):
                await change


async def ask(storage: Storage, question: str, *presented: Any) -> Any:
    """Return an answer of `Credentials`."""
    async with storage.open(NO_WORKSPACE, reading=True) as uow:
        return await getattr(uow.credentials, question)(*presented)


async def add_reset(storage: Storage, reset: PasswordReset) -> None:
    """Store a password reset."""
    async with storage.open(NO_WORKSPACE) as uow:
        await uow.credentials.add_reset(reset)
