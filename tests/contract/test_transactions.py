"""Units of work: all of it or nothing, whatever ends it."""

import asyncio
from typing import Final

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from orbiter.adapters.sql.database import Database
from orbiter.adapters.sql.storage import SqlStorage
from orbiter.application.paging import PageRequest
from orbiter.application.ports.storage import Storage
from orbiter.domain.errors import Conflict, NotFound, Unavailable
from orbiter.domain.projects import Project
from support.builders import a_user
from support.tenants import LISTS, Tenant, found, ids, repository, settle

WRITERS: Final = 64


async def test_an_exception_rolls_everything_back(storage: Storage, tenant: Tenant) -> None:
    before = [await tenant.listed(storage, noun) for noun in LISTS]
    with pytest.raises(ZeroDivisionError):
        async with storage.open(tenant.id) as uow:
            for noun in LISTS:
                await repository(uow, noun).add(tenant.new(noun))
            await uow.workflows.remove(tenant.workflow.id)
            raise ZeroDivisionError
    assert [await tenant.listed(storage, noun) for noun in LISTS] == before


async def test_a_conflict_rolls_everything_back(storage: Storage, tenant: Tenant) -> None:
    project = tenant.new("projects")
    with pytest.raises(Conflict):
        async with storage.open(tenant.id) as uow:
            await uow.projects.add(project)
            await uow.users.add(a_user(tenant.id, email=tenant.user.email))
    with pytest.raises(NotFound):
        await found(storage, tenant.id, "projects", project.id)
    await tenant.stored(storage, "projects")


async def test_a_cancellation_rolls_everything_back(storage: Storage, tenant: Tenant) -> None:
    project, inside = tenant.new("projects"), asyncio.Event()

    async def work() -> None:
        async with storage.open(tenant.id) as uow:
            await uow.projects.add(project)
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(NotFound):
        await found(storage, tenant.id, "projects", project.id)
    await tenant.stored(storage, "projects")


async def test_cancelled_anywhere_it_is_all_or_nothing_and_callbacks_know(
    storage: Storage, tenant: Tenant
) -> None:
    for turns in range(40):
        pair, told = [tenant.new("projects") for _ in range(2)], list[str]()

        task = asyncio.ensure_future(_add_all(storage, tenant, pair, told))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        stored = set(ids((await tenant.listed(storage, "projects")).items)) & set(ids(pair))
        assert stored in (set(), set(ids(pair)))
        assert told == (["committed"] if stored else [])
    await tenant.stored(storage, "projects")


async def _add_all(
    storage: Storage, tenant: Tenant, projects: list[Project], told: list[str]
) -> None:
    async with storage.open(tenant.id) as uow:
        uow.after_commit(lambda: told.append("committed"))
        for project in projects:
            await uow.projects.add(project)


async def test_cancelled_while_reading_others_go_on(storage: Storage, tenant: Tenant) -> None:
    async def look() -> None:
        async with storage.open(tenant.id, reading=True) as uow:
            await uow.projects.get(tenant.project.id)

    for turns in range(30):
        task = asyncio.ensure_future(look())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await look()


async def test_callbacks_come_after_the_commit(storage: Storage, tenant: Tenant) -> None:
    order: list[str] = []
    async with storage.open(tenant.id) as uow:
        uow.after_commit(lambda: order.append("first"))
        uow.after_commit(lambda: order.append("second"))
        await uow.projects.add(tenant.new("projects"))
        assert order == []
    assert order == ["first", "second"]


async def test_callbacks_never_come_after_a_rollback(storage: Storage, tenant: Tenant) -> None:
    told: list[str] = []
    with pytest.raises(ZeroDivisionError):
        async with storage.open(tenant.id) as uow:
            uow.after_commit(lambda: told.append("committed"))
            raise ZeroDivisionError
    assert told == []


async def test_nobody_sees_what_is_not_committed(storage: Storage, tenant: Tenant) -> None:
    project = tenant.new("projects")
    async with storage.open(tenant.id) as uow:
        await uow.projects.add(project)
        with pytest.raises(NotFound):
            await found(storage, tenant.id, "projects", project.id)
    assert await found(storage, tenant.id, "projects", project.id) == project


async def test_64_writers_at_once_lose_nothing(storage: Storage, tenant: Tenant) -> None:
    projects = [tenant.new("projects") for _ in range(WRITERS)]

    async def write(index: int) -> None:
        async with storage.open(tenant.id) as uow:
            await uow.projects.add(projects[index])

    await asyncio.gather(*(write(index) for index in range(WRITERS)))
    assert (await tenant.listed(storage, "projects")).total == WRITERS + 1


async def test_who_writes_keeps_the_row_from_changing(storage: Storage, tenant: Tenant) -> None:
    async def revise() -> None:
        async with storage.open(tenant.id) as uow:
            workflow = await uow.workflows.get(tenant.workflow.id)
            await asyncio.sleep(0)
            await uow.workflows.save(workflow.revise(at=workflow.updated_at))

    await asyncio.gather(*(revise() for _ in range(20)))
    revised = await found(storage, tenant.id, "workflows", tenant.workflow.id)
    assert revised.revision == tenant.workflow.revision + 20


async def test_reading_waits_for_no_writer(storage: Storage, tenant: Tenant) -> None:
    async with storage.open(tenant.id) as uow:
        await uow.projects.remove(tenant.project.id)
        reads = [found(storage, tenant.id, "projects", tenant.project.id) for _ in range(20)]
        assert await asyncio.gather(*reads) == [tenant.project] * 20


async def test_more_at_once_than_there_are_connections(storage: Storage, tenant: Tenant) -> None:
    async def both() -> None:
        async with storage.open(tenant.id, reading=True) as uow:
            await uow.users.page(PageRequest())
        async with storage.open(tenant.id) as uow:
            await uow.users.get(tenant.user.id)

    await asyncio.gather(*(both() for _ in range(50)))


async def test_a_closed_storage_is_unavailable(sql_storage: SqlStorage) -> None:
    await sql_storage.ready()
    await sql_storage.close()
    with pytest.raises(Unavailable):
        await sql_storage.ready()


async def test_the_database_too_keeps_readers_from_writing(database: Database) -> None:
    async with database.reading() as transaction:
        with pytest.raises(DBAPIError, match="read-?only"):
            await transaction.connection.execute(text("DELETE FROM users"))


async def test_what_a_caught_error_left_is_not_committed(sql_storage: SqlStorage) -> None:
    tenant = await settle(sql_storage)
    project = tenant.new("projects")
    with pytest.raises(Conflict, match="email"):
        async with sql_storage.open(tenant.id) as uow:
            await uow.projects.add(project)
            with pytest.raises(Conflict, match="email"):
                await uow.users.add(a_user(tenant.id, email=tenant.user.email))
    with pytest.raises(NotFound):
        await found(sql_storage, tenant.id, "projects", project.id)
