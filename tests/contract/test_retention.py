"""Old runs: what is deleted, what stays, and that the file shrinks."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from orbiter.adapters.sql.schema import migrate
from orbiter.adapters.sql.storage import SqlStorage
from orbiter.application.paging import PageRequest
from orbiter.application.ports.storage import Storage
from orbiter.application.retention import BATCH_SIZE, Retention
from orbiter.domain.runs import Run
from support.builders import a_run, a_step
from support.clock import START, ManualClock
from support.tenants import Tenant, ids, settle

DAY = timedelta(days=1)
FILLER = "z" * 20_000


async def swept(storage: Storage, *, days: int, keep: int = 30) -> int:
    """Sweep so many days after START."""
    return await Retention(storage, ManualClock(START + days * DAY), keep).sweep()


async def ended(storage: Storage, tenant: Tenant, count: int = 1, output: str = "") -> list[Run]:
    """Store runs that ended at START, each with two steps."""
    runs = []
    for _ in range(count):
        run = a_run(tenant.project, workflow_id=tenant.workflow.id)
        runs.append(run.start(at=START).complete(output, at=START))
    async with storage.open(tenant.id) as uow:
        for run in runs:
            await uow.runs.add(run)
            await uow.runs.put_steps([a_step(run, number) for number in range(2)])
    return runs


async def test_what_ended_long_ago_goes_in_every_workspace(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    (old,) = await ended(storage, tenant)
    await ended(storage, stranger)
    young = a_run(tenant.project, queued_at=START + 2 * DAY).start(at=START + 2 * DAY)
    async with storage.open(tenant.id) as uow:
        await uow.runs.add(young.complete(None, at=START + 2 * DAY))
    assert await swept(storage, days=30) == 0
    assert await swept(storage, days=31) == 2
    assert ids((await tenant.listed(storage, "runs")).items) == [young.id]
    assert (await stranger.listed(storage, "runs")).total == 0
    async with storage.open(tenant.id, reading=True) as uow:
        assert (await uow.runs.steps(old.id, PageRequest())).total == 0


async def test_what_has_not_ended_stays_however_old(storage: Storage, tenant: Tenant) -> None:
    waiting = await tenant.stored(storage, "runs")
    long = await tenant.stored(storage, "runs")
    async with storage.open(tenant.id) as uow:
        await uow.runs.save(long.start(at=START).complete(None, at=START + 400 * DAY))
    assert await swept(storage, days=401) == 0
    assert {each.id for each in (await tenant.listed(storage, "runs")).items} == {
        waiting.id,
        long.id,
    }


async def test_zero_days_keep_runs_for_ever(storage: Storage, tenant: Tenant) -> None:
    await ended(storage, tenant)
    assert await swept(storage, days=36_500, keep=0) == 0
    assert (await tenant.listed(storage, "runs")).total == 1


async def test_more_than_a_batch_goes_at_once(storage: Storage, tenant: Tenant) -> None:
    await ended(storage, tenant, BATCH_SIZE + 1)
    assert await swept(storage, days=31) == BATCH_SIZE + 1


async def test_the_file_shrinks_and_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "orbiter.db"
    await migrate(f"sqlite+aiosqlite:///{path}")
    storage = SqlStorage.connect(f"sqlite+aiosqlite:///{path}")
    tenant = await settle(storage)
    empty = size(path)
    await ended(storage, tenant, 200, FILLER)
    full = size(path)
    kept = await tenant.stored(storage, "runs")
    assert full > empty + 200 * len(FILLER)
    assert await swept(storage, days=31) == 200
    assert size(path) < empty + 10 * len(FILLER)
    assert ids((await tenant.listed(storage, "runs")).items) == [kept.id]
    await storage.close()


async def test_others_write_while_the_file_shrinks(sqlite_url: str) -> None:
    storage = SqlStorage.connect(sqlite_url)
    tenant = await settle(storage)
    await ended(storage, tenant, 200, FILLER)
    sweep = asyncio.create_task(swept(storage, days=31))
    written = 0
    while not sweep.done():
        await tenant.stored(storage, "projects")
        written += 1
    assert (sweep.result(), written > 1) == (200, True)
    await storage.close()


async def test_a_file_from_before_shrinks_from_the_next_start_on(tmp_path: Path) -> None:
    path = tmp_path / "orbiter.db"
    url = f"sqlite+aiosqlite:///{path}"
    await migrate(url)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum = NONE")
        connection.execute("VACUUM")
    await migrate(url)
    storage = SqlStorage.connect(url)
    tenant = await settle(storage)
    await ended(storage, tenant, 50, FILLER)
    before = size(path)
    await swept(storage, days=31)
    assert size(path) < before / 2
    await storage.close()


async def test_one_process_sweeps_at_a_time(postgresql_url: str) -> None:
    first, second = SqlStorage.connect(postgresql_url), SqlStorage.connect(postgresql_url)
    tenant = await settle(first)
    await ended(first, tenant, 3)
    async with first.open("") as uow:
        assert await uow.credentials.remove_ended_runs(START + DAY, limit=1) == 1
        assert await swept(second, days=31) == 0
    assert await swept(second, days=31) == 2
    for storage in (first, second):
        await storage.close()


def size(path: Path) -> int:
    """Return the bytes of a database and what lies beside it."""
    return sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*"))
