"""Providers: names of their own, and pools in the order they are called."""

import pytest

from orbiter.application.ports.storage import Storage
from orbiter.domain.errors import Conflict
from orbiter.domain.providers import Provider, ProviderType
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


async def test_the_default_model_is_that_of_the_first_provider_that_has_one(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    async def default() -> Provider | None:
        async with storage.open(tenant.id, reading=True) as uow:
            return await uow.providers.default()

    await stranger.stored(storage, "providers", default_model="theirs", priority=-9)
    await tenant.stored(storage, "providers", default_model="off", priority=-9, enabled=False)
    await tenant.stored(storage, "providers", priority=-8)
    assert await default() is None
    later = await tenant.stored(storage, "providers", default_model="later", priority=2)
    assert await default() == later
    first = await tenant.stored(storage, "providers", default_model="first", priority=1)
    await tenant.stored(storage, "providers", default_model="younger", priority=1)
    assert await default() == first


async def test_a_time_out_of_whole_seconds_stays_whole(storage: Storage, tenant: Tenant) -> None:
    for seconds in (30, 30.0, 0.5):
        kept = await tenant.stored(storage, "providers", timeout_seconds=seconds)
        async with storage.open(tenant.id, reading=True) as uow:
            (found,) = await uow.providers.pool(kept.name)
        assert str(found.timeout_seconds) == str(kept.timeout_seconds) == f"{seconds:g}"


async def test_a_provider_is_found_by_its_name(storage: Storage, tenant: Tenant) -> None:
    named = await tenant.stored(storage, "providers", name="Main, ö")
    await tenant.stored(storage, "providers")
    assert await pool(storage, tenant, "Main, ö") == [named.id]
    assert await pool(storage, tenant, "main, ö") == []
