"""Who is at work on a database: the first may put in order what nobody is at work on."""

import asyncio

from orbiter.adapters.sql.presence import present


async def test_the_first_is_alone_and_the_next_is_not(postgresql_url: str) -> None:
    async with present(postgresql_url) as first:
        await first.settle()
        async with present(postgresql_url) as second:
            assert (first.alone, second.alone) == (True, False)
    async with present(postgresql_url) as third:
        assert third.alone


async def test_the_next_waits_until_the_first_has_settled(postgresql_url: str) -> None:
    came = asyncio.Event()

    async def come() -> bool:
        async with present(postgresql_url) as second:
            came.set()
            return second.alone

    async with present(postgresql_url) as first:
        coming = asyncio.ensure_future(come())
        done, _ = await asyncio.wait([coming], timeout=0.3)
        assert not done and not came.is_set()
        await first.settle()
        assert not await coming


async def test_on_sqlite_everybody_is_alone(sqlite_url: str) -> None:
    async with present(sqlite_url) as presence:
        await presence.settle()
        assert presence.alone
