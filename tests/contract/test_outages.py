"""Databases that go away, processes that share one, and processes that end."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from types import NoneType
from typing import Final

import pytest

from orbiter.adapters.sql.schema import migrate
from orbiter.adapters.sql.storage import SqlStorage
from orbiter.domain.errors import Unavailable
from support.postgres import Postgres, execute
from support.tenants import Tenant, found, settle

_WRITER: Final = """
import asyncio, sys
from orbiter.adapters.sql.storage import SqlStorage
from support.builders import an_entry

async def main(url, workspace_id):
    storage = SqlStorage.connect(url)
    async def write():
        async with storage.open(workspace_id) as uow:
            await uow.audit_log.add(an_entry(workspace_id))
            await uow.audit_log.add(an_entry(workspace_id))
    for _ in range(4):
        await asyncio.gather(*(write() for _ in range(32)))
    await storage.close()

asyncio.run(main(*sys.argv[1:]))
"""
_LEAVER: Final = """
import asyncio, sys
from orbiter.adapters.sql.storage import SqlStorage

async def main(url):
    storage = SqlStorage.connect(url)
    await storage.ready()
    async with storage.open("") as uow:
        await uow.credentials.any_user()

asyncio.run(main(*sys.argv[1:]))
"""
_TERMINATE: Final = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


async def test_a_server_that_stops_makes_unavailable_and_one_that_starts_again_works(
    own_server: Postgres,
) -> None:
    await migrate(own_server.url())
    storage = SqlStorage.connect(own_server.url())
    tenant = await settle(storage)
    await use(storage, tenant)
    with pytest.raises(Unavailable):
        async with storage.open(tenant.id) as uow:
            await uow.projects.add(tenant.new("projects"))
            await asyncio.to_thread(own_server.stop)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await storage.ready()
        for reading in (True, False):
            with pytest.raises(Unavailable):
                async with storage.open(tenant.id, reading=reading) as uow:
                    await uow.projects.get(tenant.project.id)
    with pytest.raises(Unavailable):
        await migrate(own_server.url())
    await asyncio.to_thread(own_server.start)
    await use(storage, tenant)
    assert (await tenant.listed(storage, "projects")).items == [tenant.project]
    await storage.close()


async def test_connections_that_broke_are_replaced(postgresql_url: str) -> None:
    storage = SqlStorage.connect(postgresql_url)
    tenant = await settle(storage)
    await asyncio.gather(*(use(storage, tenant) for _ in range(5)))
    with pytest.raises(Unavailable):
        async with storage.open(tenant.id) as uow:
            await uow.projects.add(tenant.new("projects"))
            await execute(postgresql_url, _TERMINATE)
            for _ in range(2):
                with pytest.raises(Unavailable):
                    await uow.projects.get(tenant.project.id)
    # The driver may not have noticed yet.
    uses = (use(storage, tenant) for _ in range(5))
    outcomes = await asyncio.gather(*uses, return_exceptions=True)
    assert {type(each) for each in outcomes} <= {NoneType, Unavailable}
    await asyncio.gather(*(use(storage, tenant) for _ in range(5)))
    await storage.close()


async def test_of_two_who_wait_for_each_other_one_is_sent_away(postgresql_url: str) -> None:
    storage = SqlStorage.connect(postgresql_url)
    tenant = await settle(storage)
    other = await tenant.stored(storage, "projects")
    both = asyncio.Barrier(2)

    async def hold(first: str, second: str) -> None:
        async with storage.open(tenant.id) as uow:
            await uow.projects.get(first)
            await both.wait()
            await uow.projects.get(second)

    outcomes = await asyncio.gather(
        hold(other.id, tenant.project.id), hold(tenant.project.id, other.id), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in outcomes) == ["NoneType", "Unavailable"]
    await use(storage, tenant)
    await storage.close()


async def test_nobody_there_is_unavailable() -> None:
    storage = SqlStorage.connect("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(Unavailable):
        await storage.ready()
    await storage.close()


async def test_a_database_that_is_not_there_is_unavailable(postgres: Postgres) -> None:
    storage = SqlStorage.connect(postgres.url("nothing"))
    with pytest.raises(Unavailable):
        await storage.ready()
    await storage.close()


async def test_a_file_that_can_not_be_opened_is_unavailable(tmp_path: Path) -> None:
    storage = SqlStorage.connect(f"sqlite+aiosqlite:///{tmp_path}")
    with pytest.raises(Unavailable):
        await storage.ready()
    await storage.close()


@pytest.mark.parametrize(
    "url", ["sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:", "mysql://x/y"]
)
def test_what_is_neither_a_file_nor_a_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="SQLite file"):
        SqlStorage.connect(url)


async def test_two_processes_write_to_one_database(url: str, sql_storage: SqlStorage) -> None:
    tenant = await settle(sql_storage)
    processes = [script(_WRITER, url, tenant.id) for _ in range(2)]
    assert [await asyncio.to_thread(each.wait, 60) for each in processes] == [0, 0]
    assert (await tenant.listed(sql_storage, "audit_log")).total == 2 * 4 * 32 * 2


async def test_a_process_ends_even_if_it_does_not_close(url: str) -> None:
    assert await asyncio.to_thread(script(_LEAVER, url).wait, 30) == 0


async def test_no_thread_is_left_when_closed(sqlite_url: str) -> None:
    before = set(threading.enumerate())
    storage = SqlStorage.connect(sqlite_url)
    tenant = await settle(storage)
    await asyncio.gather(*(use(storage, tenant) for _ in range(20)))
    threads = set(threading.enumerate()) - before
    assert threads
    await storage.close()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


async def use(storage: SqlStorage, tenant: Tenant) -> None:
    """Read and write a little."""
    await storage.ready()
    assert await found(storage, tenant.id, "projects", tenant.project.id) == tenant.project
    async with storage.open(tenant.id) as uow:
        await uow.projects.save(tenant.project)


def script(text: str, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start a process of its own."""
    support = str(Path(__file__).parent.parent)
    text = f"import sys; sys.path.insert(0, {support!r})\n{text}"
    return subprocess.Popen([sys.executable, "-c", text, *arguments])
