"""The audit log: every filter."""

from datetime import timedelta
from typing import Any

import pytest

from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.repositories import AuditFilter
from orbiter.application.ports.storage import Storage
from orbiter.domain.audit_log import AuditEntry
from support.builders import an_entry
from support.clock import START
from support.tenants import Tenant, ids

MILLISECOND = timedelta(milliseconds=1)


async def test_entries_come_back_equal(storage: Storage, tenant: Tenant) -> None:
    entries = [
        await add(storage, tenant),
        await add(storage, tenant, actor_id=None, actor_email=None, entity_id=None, address=None),
        await add(storage, tenant, api_key_id=new_id(), actor_email="Ä@example.org"),
    ]
    assert (await tenant.listed(storage, "audit_log", newest_first=False)).items == entries


@pytest.mark.parametrize("name", ["action", "entity_type", "entity_id"])
async def test_entries_are_listed_by_what_was_done_to_what(
    storage: Storage, tenant: Tenant, stranger: Tenant, name: str
) -> None:
    value = new_id()
    entry = await add(storage, tenant, **{name: value})
    await add(storage, tenant)
    await add(storage, stranger, **{name: value})
    assert await listed(storage, tenant, **{name: value}) == [entry.id]
    for nothing in ("", "\0", "%", "\ud800", "x" * 100_000, value.upper()):
        assert await listed(storage, tenant, **{name: nothing}) == []


async def test_entries_are_listed_by_actor(storage: Storage, tenant: Tenant) -> None:
    entry = await add(storage, tenant, actor_email="Ärger@Example.org")
    await add(storage, tenant, actor_email="bob@example.org")
    await add(storage, tenant, actor_id=None, actor_email=None)
    for actor in (entry.actor_id, "Ärger@Example.org", " äRGER@EXAMPLE.ORG"):
        assert await listed(storage, tenant, actor=actor) == [entry.id]
    for actor in ("", "%", "\0", "\ud800", "example.org", new_id(), "x" * 100_000):
        assert await listed(storage, tenant, actor=actor) == []


async def test_entries_are_listed_by_when(storage: Storage, tenant: Tenant) -> None:
    entries = [await add(storage, tenant, created_at=START + n * MILLISECOND) for n in range(3)]
    first, second, third = ids(entries)
    half = START + MILLISECOND / 2
    assert await listed(storage, tenant, created_after=START) == [third, second, first]
    assert await listed(storage, tenant, created_after=half) == [third, second]
    assert await listed(storage, tenant, created_before=half) == [first]
    assert await listed(storage, tenant, created_before=entries[1].created_at) == [first]


async def test_filters_narrow_each_other(storage: Storage, tenant: Tenant) -> None:
    wanted = [await add(storage, tenant, action="a.b", entity_type="a") for _ in range(3)]
    await add(storage, tenant, action="a.b")
    await add(storage, tenant, entity_type="a")
    only = AuditFilter(action="a.b", entity_type="a", created_after=START)
    async with storage.open(tenant.id, reading=True) as uow:
        first = await uow.audit_log.page(PageRequest(limit=2), only)
        rest = await uow.audit_log.page(PageRequest(limit=2, after=first.next_after), only)
    assert ids([*first.items, *rest.items]) == ids(wanted)[::-1]
    assert (first.total, rest.total) == (3, 3)


async def test_nothing_is_told_by_who_only_reads(storage: Storage, tenant: Tenant) -> None:
    async with storage.open(tenant.id, reading=True) as uow:
        with pytest.raises(RuntimeError, match="opened for reading"):
            await uow.audit_log.add(an_entry(tenant.id))


async def add(storage: Storage, tenant: Tenant, **changes: Any) -> AuditEntry:
    """Store an entry."""
    entry = an_entry(tenant.id, **changes)
    async with storage.open(tenant.id) as uow:
        await uow.audit_log.add(entry)
    return entry


async def listed(storage: Storage, tenant: Tenant, **only: Any) -> list[str]:
    """Return the ids of the entries that match."""
    async with storage.open(tenant.id, reading=True) as uow:
        page = await uow.audit_log.page(PageRequest(), AuditFilter(**only))
    assert page.total == len(page.items)
    return ids(page.items)
