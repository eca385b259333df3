"""Two processes on one PostgreSQL: what one writes, readers in the other hear of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from orbiter.adapters.memory.run_feed import MemoryRunFeed
from orbiter.adapters.sql.run_feed import CHANNEL, listening
from orbiter.adapters.sql.storage import SqlStorage
from orbiter.application.ports.run_events import Subscription
from orbiter.application.run_endings import RunEndings
from orbiter.application.run_events import Chronicle
from orbiter.domain.runs import Run
from support.builders import a_run, a_step
from support.clock import START, ManualClock
from support.postgres import execute
from support.tenants import settle

SOON = 5
TERMINATE = """
SELECT 1 / count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE query LIKE 'LISTEN%' AND datname = current_database()
"""


@pytest.fixture
async def storage(postgresql_url: str) -> AsyncIterator[SqlStorage]:
    """What the process that writes writes to."""
    storage = SqlStorage.connect(postgresql_url)
    yield storage
    await storage.close()


@pytest.fixture
async def run(storage: SqlStorage) -> Run:
    """A run under way."""
    run = a_run((await settle(storage)).project).start(at=START)
    async with storage.open(run.workspace_id) as uow:
        await uow.runs.add(run)
    return run


@asynccontextmanager
async def hearing(url: str, run: Run) -> AsyncIterator[Subscription]:
    """Listen for a run in a process that writes nothing itself."""
    feed = MemoryRunFeed()
    async with listening(url, feed):
        with feed.subscribe(run.id) as ear:
            async with asyncio.timeout(SOON):
                await connected(url, feed)
            yield ear


async def connected(url: str, feed: MemoryRunFeed) -> None:
    """Return once what is notified is heard."""
    with feed.subscribe("probe") as probe:
        heard = asyncio.ensure_future(probe.beyond(0))
        while not heard.done():
            await execute(url, f"NOTIFY {CHANNEL}, 'probe 1 0'")
            await asyncio.wait({heard}, timeout=0.05)


async def tell(storage: SqlStorage, run: Run, number: int = 0) -> None:
    """Write events, in a process whose readers are its own."""
    chronicle = Chronicle(MemoryRunFeed(), ManualClock())
    async with storage.open(run.workspace_id) as uow:
        await uow.runs.advance(run)
        await chronicle.of_run(uow, run, [a_step(run, number)])


async def test_events_are_heard_of_once_committed(
    postgresql_url: str, storage: SqlStorage, run: Run
) -> None:
    async with hearing(postgresql_url, run) as ear, asyncio.timeout(SOON):
        heard = asyncio.ensure_future(ear.beyond(0))
        async with storage.open(run.workspace_id) as uow:
            await Chronicle(MemoryRunFeed(), ManualClock()).of_run(uow, run)
            await asyncio.wait({heard}, timeout=0.05)
            assert not heard.done()
        await heard
        heard = asyncio.ensure_future(ear.beyond(1))
        await tell(storage, run)
        await heard


async def test_an_end_elsewhere_is_heard_by_who_waits_for_it(
    postgresql_url: str, storage: SqlStorage, run: Run
) -> None:
    feed = MemoryRunFeed()
    async with listening(postgresql_url, feed), asyncio.timeout(SOON):
        await connected(postgresql_url, feed)
        with RunEndings(storage, feed).watch(run) as ending:
            await tell(storage, run)
            await tell(storage, run.complete("x", at=START))
            async with asyncio.timeout(2):
                assert await ending.wait(60)


async def test_a_connection_that_broke_is_opened_again(
    postgresql_url: str, storage: SqlStorage, run: Run
) -> None:
    feed = MemoryRunFeed()
    async with listening(postgresql_url, feed), asyncio.timeout(SOON):
        await connected(postgresql_url, feed)
        await execute(postgresql_url, TERMINATE)
        await connected(postgresql_url, feed)


async def test_what_is_no_notice_does_no_harm(
    postgresql_url: str, storage: SqlStorage, run: Run
) -> None:
    async with hearing(postgresql_url, run) as ear, asyncio.timeout(SOON):
        for wrong in ("", "x", "x y z", "a 1 0 b"):
            await execute(postgresql_url, f"NOTIFY {CHANNEL}, '{wrong}'")
        await tell(storage, run)
        await ear.beyond(0)


async def test_a_database_that_is_away_keeps_nobody_from_starting() -> None:
    feed = MemoryRunFeed()
    async with listening("postgresql+asyncpg://nobody@127.0.0.1:1/nothing", feed):
        await asyncio.sleep(0)


async def test_a_file_needs_nobody_to_listen(sqlite_url: str) -> None:
    async with listening(sqlite_url, MemoryRunFeed()):
        assert not [each for each in asyncio.all_tasks() if "_listen" in repr(each)]
