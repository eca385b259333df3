"""What `Repository` promises, for every kind of entity in every storage."""

from typing import Any, Final

import pytest

from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.storage import Storage
from orbiter.domain.errors import Conflict, NotFound
from support.tenants import NOUNS, Tenant, changed, found, ids, repository

NO_IDS: Final = [
    "",
    "1",
    "\0",
    "%",
    "' OR 1=1 --",
    "\ud800",
    "ü" * 100_000,
    new_id().upper(),
    f"{new_id()}\n",
    f"{{{new_id()}}}",
    new_id().replace("-", ""),
]

pytestmark = pytest.mark.parametrize("noun", NOUNS)


async def test_what_was_added_comes_back_equal(storage: Storage, tenant: Tenant, noun: str) -> None:
    entity = await tenant.stored(storage, noun)
    assert await found(storage, tenant.id, noun, entity.id) == entity
    assert entity in (await tenant.listed(storage, noun)).items


async def test_what_was_added_is_seen_at_once_in_the_same_unit_of_work(
    storage: Storage, tenant: Tenant, noun: str
) -> None:
    entity = tenant.new(noun)
    async with storage.open(tenant.id) as uow:
        await repository(uow, noun).add(entity)
        assert await repository(uow, noun).get(entity.id) == entity


async def test_an_id_is_used_once(storage: Storage, tenant: Tenant, noun: str) -> None:
    entity = await tenant.stored(storage, noun)
    for again in (entity, tenant.new(noun, id=entity.id)):
        with pytest.raises(Conflict, match="with this id already exists"):
            async with storage.open(tenant.id) as uow:
                await repository(uow, noun).add(again)
    assert await found(storage, tenant.id, noun, entity.id) == entity


async def test_an_id_that_another_workspace_uses_is_used(
    storage: Storage, tenant: Tenant, stranger: Tenant, noun: str
) -> None:
    entity = await tenant.stored(storage, noun)
    with pytest.raises(Conflict, match="with this id already exists"):
        await stranger.stored(storage, noun, id=entity.id)
    assert await found(storage, tenant.id, noun, entity.id) == entity


async def test_saving_overwrites(storage: Storage, tenant: Tenant, noun: str) -> None:
    entity = await tenant.stored(storage, noun)
    other = await tenant.stored(storage, noun)
    async with storage.open(tenant.id) as uow:
        await repository(uow, noun).save(changed(noun, entity))
    assert await found(storage, tenant.id, noun, entity.id) == changed(noun, entity) != entity
    assert await found(storage, tenant.id, noun, other.id) == other


async def test_what_was_removed_is_gone(storage: Storage, tenant: Tenant, noun: str) -> None:
    entity, other = [await tenant.stored(storage, noun) for _ in range(2)]
    async with storage.open(tenant.id) as uow:
        await repository(uow, noun).remove(entity.id)
    with pytest.raises(NotFound):
        await found(storage, tenant.id, noun, entity.id)
    listed = ids((await tenant.listed(storage, noun)).items)
    assert entity.id not in listed and other.id in listed


async def test_what_is_absent_is_not_found(storage: Storage, tenant: Tenant, noun: str) -> None:
    async with storage.open(tenant.id) as uow:
        await expect_nothing(uow, noun, tenant.new(noun))


async def test_what_is_no_id_is_not_found(storage: Storage, tenant: Tenant, noun: str) -> None:
    async with storage.open(tenant.id) as uow:
        for no_id in NO_IDS:
            await expect_nothing(uow, noun, tenant.new(noun, id=no_id))


async def test_another_workspace_sees_and_changes_nothing(
    storage: Storage, tenant: Tenant, stranger: Tenant, noun: str
) -> None:
    entity = await tenant.stored(storage, noun)
    before = await tenant.listed(storage, noun)
    for workspace_id in (stranger.id, new_id(), ""):
        async with storage.open(workspace_id) as uow:
            await expect_nothing(uow, noun, changed(noun, entity))
            assert entity not in (await tenant.page(uow, noun, PageRequest())).items
    theirs = await stranger.listed(storage, noun)
    assert entity not in theirs.items and theirs.total == len(theirs.items)
    assert await tenant.listed(storage, noun) == before


async def test_nothing_is_added_to_another_workspace(
    storage: Storage, tenant: Tenant, stranger: Tenant, noun: str
) -> None:
    with pytest.raises(ValueError, match="another workspace"):
        async with storage.open(stranger.id) as uow:
            await repository(uow, noun).add(tenant.new(noun))


async def test_what_only_reads_changes_nothing(storage: Storage, tenant: Tenant, noun: str) -> None:
    entity = await tenant.stored(storage, noun)
    async with storage.open(tenant.id, reading=True) as uow:
        kept = repository(uow, noun)
        for change in (
            kept.add(tenant.new(noun)),
            kept.save(changed(noun, entity)),
            kept.remove(entity.id),
        ):
            with pytest.raises(RuntimeError, match="opened for reading"):
                await change
    assert await found(storage, tenant.id, noun, entity.id) == entity


async def expect_nothing(uow: Any, noun: str, entity: Any) -> None:
    """Demand that nothing of the entity's id is found."""
    kept = repository(uow, noun)
    for attempt in (kept.get(entity.id), kept.save(entity), kept.remove(entity.id)):
        with pytest.raises(NotFound):
            await attempt
