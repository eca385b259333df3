"""API keys: touched, listed by creator."""

from dataclasses import replace
from datetime import timedelta

import pytest

from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.storage import Storage
from orbiter.domain.api_keys import ApiKey
from orbiter.domain.errors import NotFound
from orbiter.domain.identity import Scope
from support.builders import an_api_key
from support.clock import START
from support.tenants import Tenant, found, ids

LATER = START + timedelta(hours=1)


async def test_scopes_keep_their_order(storage: Storage, tenant: Tenant) -> None:
    key = await tenant.stored(storage, "api_keys", scopes=(Scope.RUN, Scope.CI, Scope.READ))
    read = await found(storage, tenant.id, "api_keys", key.id)
    assert read.scopes == (Scope.RUN, Scope.CI, Scope.READ)
    assert all(type(scope) is Scope for scope in read.scopes)


async def test_a_touched_key_keeps_the_rest(storage: Storage, tenant: Tenant) -> None:
    key = await tenant.stored(storage, "api_keys")
    await touch(storage, tenant.id, replace(key.touch(LATER), name="Something else"))
    assert await found(storage, tenant.id, "api_keys", key.id) == key.touch(LATER)


async def test_a_revoked_key_stays_revoked(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    key = await tenant.stored(storage, "api_keys")
    await touch(storage, stranger.id, key.touch(LATER))
    assert await found(storage, tenant.id, "api_keys", key.id) == key
    async with storage.open(tenant.id) as uow:
        await uow.api_keys.remove(key.id)
    await touch(storage, tenant.id, key.touch(LATER))
    assert (await tenant.listed(storage, "api_keys")).total == 0


async def test_keys_are_listed_by_creator(storage: Storage, tenant: Tenant) -> None:
    key = await tenant.stored(storage, "api_keys")
    other = an_api_key(await tenant.stored(storage, "users"))
    async with storage.open(tenant.id) as uow:
        await uow.api_keys.add(other)
        for user_id, expected in (
            (None, [other.id, key.id]),
            (tenant.user.id, [key.id]),
            (other.created_by, [other.id]),
            (new_id(), []),
            ("\0", []),
        ):
            page = await uow.api_keys.page(PageRequest(), user_id)
            assert (ids(page.items), page.total) == (expected, len(expected))


async def test_a_key_needs_its_creator(storage: Storage, tenant: Tenant, stranger: Tenant) -> None:
    for user_id in (new_id(), stranger.user.id):
        with pytest.raises(NotFound, match="User"):
            await tenant.stored(storage, "api_keys", created_by=user_id)


async def test_what_only_reads_touches_no_key(storage: Storage, tenant: Tenant) -> None:
    key = await tenant.stored(storage, "api_keys")
    async with storage.open(tenant.id, reading=True) as uow:
        with pytest.raises(RuntimeError, match="opened for reading"):
            await uow.api_keys.touch(key)


async def touch(storage: Storage, workspace_id: str, key: ApiKey) -> None:
    """Store a key's last use."""
    async with storage.open(workspace_id) as uow:
        await uow.api_keys.touch(key)
