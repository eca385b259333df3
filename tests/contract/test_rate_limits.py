"""Rate limits: what is allowed, what is left, and when there is more."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final

import pytest
from sqlalchemy import func, select, text

from orbiter.adapters.memory.rate_limits import MemoryRateLimiter
from orbiter.adapters.sql.database import Database
from orbiter.adapters.sql.rate_limits import SqlRateLimiter, rate_limits
from orbiter.application.ports.identity import Allowance, Rate, RateLimiter

# So long that no test meets the end of a window; were it to, the one before counts nearly whole.
RATE: Final = Rate(amount=5, seconds=100_000_000)


@pytest.fixture(params=["memory", "postgresql"])
async def limiter(request: pytest.FixtureRequest, limited: Database) -> AsyncIterator[RateLimiter]:
    """A limiter of each kind."""
    yield MemoryRateLimiter() if request.param == "memory" else SqlRateLimiter(limited)


@pytest.fixture
async def limited(postgresql_url: str) -> AsyncIterator[Database]:
    """A PostgreSQL without counters."""
    database = Database.connect(postgresql_url)
    yield database
    await database.close()


async def test_so_many_are_allowed_and_no_more(limiter: RateLimiter) -> None:
    hits = [await limiter.hit("login", "ann", RATE) for _ in range(8)]
    assert [hit.allowed for hit in hits] == [True] * 5 + [False] * 3
    assert [hit.remaining for hit in hits] == [4, 3, 2, 1, 0, 0, 0, 0]
    assert {hit.limit for hit in hits} == {5}
    assert all(1 <= hit.reset_after <= RATE.seconds for hit in hits)


async def test_so_many_are_allowed_however_many_come_at_once(limiter: RateLimiter) -> None:
    hits = await asyncio.gather(*(limiter.hit("login", "ann", RATE) for _ in range(40)))
    assert sum(hit.allowed for hit in hits) == 5


async def test_each_is_counted_alone(limiter: RateLimiter) -> None:
    for name, who in (("login", "ann"), ("login", "bob"), ("run", "ann"), ("loginann", "")):
        for _ in range(5):
            assert (await limiter.hit(name, who, RATE)).allowed
    assert not (await limiter.hit("login", "ann", RATE)).allowed


async def test_whoever_it_is_can_be_counted(limiter: RateLimiter) -> None:
    for who in ("", "\0", "'; --", "x" * 100_000, "ü@example.org"):
        assert (await limiter.hit("login", who, RATE)).remaining == 4


async def test_a_short_window_soon_ends(limiter: RateLimiter) -> None:
    hits = [await limiter.hit("run", "ann", Rate(amount=1, seconds=60)) for _ in range(2)]
    assert all(1 <= hit.reset_after <= 60 for hit in hits)


async def test_hits_of_the_window_before_count_as_far_as_it_overlaps(limited: Database) -> None:
    # A window that is half over: so long, that it stays so while the test runs.
    rate = Rate(amount=5, seconds=int(time.time() / 1.5))
    limiter = SqlRateLimiter(limited)
    await hit(limiter, rate, 5)
    await limited.write_alone(text("UPDATE rate_limits SET period = period - 1"), {})
    hits = await hit(limiter, rate, 4)
    assert [each.remaining for each in hits] == [2, 1, 0, 0]
    assert [each.allowed for each in hits] == [True, True, True, False]
    # One more fits in when two of five count, and that is after six tenths of the window.
    assert hits[-1].reset_after == pytest.approx(0.1 * rate.seconds, rel=0.01)
    await limited.write_alone(text("UPDATE rate_limits SET period = period - 2"), {})
    assert [each.remaining for each in await hit(limiter, rate, 2)] == [4, 3]


async def test_what_has_expired_is_deleted(limited: Database) -> None:
    await hit(SqlRateLimiter(limited), RATE, 1)
    await limited.write_alone(text("UPDATE rate_limits SET expires_at = 0"), {})
    limiter = SqlRateLimiter(limited, sweep_seconds=0)
    await limiter.hit("run", "ann", RATE)
    async with limited.reading() as transaction:
        rows = await transaction.rows(select(func.count()).select_from(rate_limits), {})
    assert rows[0][0] == 1


async def test_processes_share_the_counters(postgresql_url: str) -> None:
    databases = [Database.connect(postgresql_url) for _ in range(4)]
    limiters = [SqlRateLimiter(database) for database in databases]
    hits = await asyncio.gather(
        *(limiters[number % 4].hit("login", "ann", RATE) for number in range(40))
    )
    assert sum(hit.allowed for hit in hits) == 5
    for database in databases:
        await database.close()


async def hit(limiter: RateLimiter, rate: Rate, count: int) -> list[Allowance]:
    """Return what comes of *count* hits."""
    return [await limiter.hit("login", "ann", rate) for _ in range(count)]
