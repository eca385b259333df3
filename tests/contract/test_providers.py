"""Providers: names of their own, and pools in the order they are called."""

import pytest

from orbiter.application.ports.storage import Storage
from orbiter.domain.errors import Conflict
from orbiter.domain.providers import ProviderType
from support.tenants import Tenant, ids


async def pool(storage: Storage, tenant: Tenant, word: str) -> list[str]:
    """Return the ids of who is called by *word*."""
    async with storage.open(tenant.id, reading=True) as uow:
        return ids(await uow.providers.pool(word))


async def test_a_name_is_used_once_in_a_workspace(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    kept = await tenant.stored(storage, "providers", name="Main")
    other = await tenant.stored(storage, "providers", name="main")
    await stranger.stored(storage, "providers", name="Main")
    with pytest.raises(Conflict, match="A provider with this name"):
        await tenant.stored(storage, "providers", name="Main")
    async with storage.open(tenant.id) as uow:
        await uow.providers.save(kept.revise(at=kept.created_at, priority=3))
    with pytest.raises(Conflict, match="A provider with this name"):
        async with storage.open(tenant.id) as uow:
            await uow.providers.save(other.revise(at=other.created_at, name="Main"))
    assert (await tenant.listed(storage, "providers")).total == 2


async def test_a_pool_begins_with_the_lowest_priority_then_the_oldest(
    storage: Storage, tenant: Tenant
) -> None:
    second = await tenant.stored(storage, "providers")
    third = await tenant.stored(storage, "providers")
    last = await tenant.stored(storage, "providers", priority=7)
    first = await tenant.stored(storage, "providers", priority=-7)
    assert await pool(storage, tenant, "openai") == ids([first, second, third, last])


async def test_who_is_disabled_of_another_type_or_a_stranger_is_in_no_pool(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    await tenant.stored(storage, "providers", enabled=False, name="off")
    await tenant.stored(storage, "providers", provider_type=ProviderType.GROQ)
    await stranger.stored(storage, "providers", name="theirs")
    for word in ("openai", "off", "theirs", "", "\0", "OpenAI", "open%", "\ud800"):
        assert await pool(storage, tenant, word) == []


async def test_a_provider_is_found_by_its_name(storage: Storage, tenant: Tenant) -> None:
    named = await tenant.stored(storage, "providers", name="Main, ö")
    await tenant.stored(storage, "providers")
    assert await pool(storage, tenant, "Main, ö") == [named.id]
    assert await pool(storage, tenant, "main, ö") == []
