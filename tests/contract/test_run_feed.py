"""Two processes on one PostgreSQL: what one writes, readers in the other hear of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from orbiter.adapters.memory.run_feed import MemoryRunFeed
from orbiter.adapters.sql.deltas import CHANNEL as DELTAS
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
TERMINATE_NOTIFIER = """
SELECT 1 / count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE query LIKE '%pg_notify%unnest%' AND query NOT LIKE '%pg_stat_activity%'
AND datname = current_database()
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
        with feed.subscribe(run.id, speech=True) as ear:
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


class TestDeltas:
    """What a model says in one process, heard in another."""

    async def test_it_is_heard_in_its_order_and_exactly(
        self, postgresql_url: str, run: Run
    ) -> None:
        odd = ["Good ", "morning", "\n", " ", "'; DROP TABLE runs --", "Ω😀" * 10, "a a"]
        async with talking(postgresql_url, run) as (speaker, ear):
            for text in odd:
                speaker.tell(run.id, "step", text)
            assert await heard(ear, len("".join(odd))) == "".join(odd)

    async def test_long_texts_and_equal_pieces_arrive_whole(
        self, postgresql_url: str, run: Run
    ) -> None:
        async with talking(postgresql_url, run) as (speaker, ear):
            for text in ("x" * 100_000, "😀" * 20_000):
                speaker.tell(run.id, "step", text)
                assert await heard(ear, len(text)) == text

    async def test_what_no_notification_holds_is_replaced(
        self, postgresql_url: str, run: Run
    ) -> None:
        async with talking(postgresql_url, run) as (speaker, ear):
            speaker.tell(run.id, "step", "a\0b\ud800c")
            assert await heard(ear, 4) == "ab?c"

    async def test_steps_are_told_apart(self, postgresql_url: str, run: Run) -> None:
        async with talking(postgresql_url, run) as (speaker, ear):
            for number in range(6):
                speaker.tell(run.id, f"step{number % 2}", str(number))
            said = await pieces(ear, 6)
            texts = {each: "".join(text for id, text in said if id == each) for each, _ in said}
            assert texts == {"step0": "024", "step1": "135"}

    async def test_who_says_it_hears_it_once(self, postgresql_url: str, run: Run) -> None:
        async with talking(postgresql_url, run) as (speaker, ear):
            with speaker.subscribe(run.id, speech=True) as own:
                speaker.tell(run.id, "step", "once")
                assert list(own.said()) == [("step", "once")]
                assert await heard(ear, 4) == "once"
                # By now its own notification has come back to it.
                speaker.tell(run.id, "step", "twice")
                assert await heard(ear, 5) == "twice"
                assert list(own.said()) == [("step", "twice")]

    async def test_a_flood_is_told_in_part_and_holds_nobody_up(
        self, postgresql_url: str, run: Run
    ) -> None:
        async with talking(postgresql_url, run) as (speaker, ear):
            for number in range(100):
                speaker.tell(run.id, "step", f"{number} " * 40_000)
            assert "99" not in await until_heard(speaker, run, ear, "still here")

    async def test_a_connection_that_broke_is_opened_again(
        self, postgresql_url: str, run: Run
    ) -> None:
        async with talking(postgresql_url, run) as (speaker, ear):
            speaker.tell(run.id, "step", "before")
            assert await heard(ear, 6) == "before"
            await execute(postgresql_url, TERMINATE_NOTIFIER)
            await until_heard(speaker, run, ear, "after")

    async def test_what_is_no_delta_does_no_harm(self, postgresql_url: str, run: Run) -> None:
        async with talking(postgresql_url, run) as (speaker, ear):
            for wrong in ("", "x", "a b c d e", f"a 1 {run.id} step "):
                await execute(postgresql_url, f"NOTIFY {DELTAS}, '{wrong}'")
            speaker.tell(run.id, "step", "fine")
            assert await heard(ear, 4) == "fine"

    async def test_without_a_database_speaking_costs_nothing(self, run: Run) -> None:
        feed = MemoryRunFeed()
        async with listening("postgresql+asyncpg://nobody@127.0.0.1:1/nothing", feed):
            with feed.subscribe(run.id, speech=True) as ear:
                for number in range(1000):
                    feed.tell(run.id, "step", f"{number}")
                assert len(ear.said()) == 1


@asynccontextmanager
async def talking(url: str, run: Run) -> AsyncIterator[tuple[MemoryRunFeed, Subscription]]:
    """Give the feed of a process in which models speak, and an ear in another."""
    speaker = MemoryRunFeed()
    async with listening(url, speaker), hearing(url, run) as ear, asyncio.timeout(2 * SOON):
        await connected(url, speaker)
        yield speaker, ear


async def until_heard(speaker: MemoryRunFeed, run: Run, ear: Subscription, text: str) -> str:
    """Return what is heard until that text is, which is said again and again."""
    said = ""
    while text not in said:
        speaker.tell(run.id, "step", text)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await ear.speech()
        said += "".join(piece for _, piece in ear.said())
    return said


async def pieces(ear: Subscription, length: int) -> list[tuple[str, str]]:
    """Return what is said until it is that long."""
    said = list[tuple[str, str]]()
    while sum(len(text) for _, text in said) < length:
        await ear.speech()
        said += ear.said()
    return said


async def heard(ear: Subscription, length: int) -> str:
    """Return the text of what is said until it is that long."""
    return "".join(text for _, text in await pieces(ear, length))


async def test_a_database_that_is_away_keeps_nobody_from_starting() -> None:
    feed = MemoryRunFeed()
    async with listening("postgresql+asyncpg://nobody@127.0.0.1:1/nothing", feed):
        await asyncio.sleep(0)


async def test_a_file_needs_nobody_to_listen(sqlite_url: str) -> None:
    async with listening(sqlite_url, MemoryRunFeed()):
        assert not [each for each in asyncio.all_tasks() if "_listen" in repr(each)]
