"""Idempotency keys: one claims, however many ask."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import pytest
from sqlalchemy import func, select

from orbiter.adapters.memory.idempotency import MemoryIdempotencyStore
from orbiter.adapters.sql.database import Database
from orbiter.adapters.sql.idempotency import SqlIdempotencyStore, idempotency_keys
from orbiter.adapters.system.ids import new_id
from orbiter.application.ports.idempotency import KEPT, Claim, IdempotencyStore
from support.builders import a_hash
from support.clock import START

ANN: Final = new_id()
PRINT: Final = a_hash()
STALE: Final = timedelta(minutes=1)


@pytest.fixture
async def store(address: str) -> AsyncIterator[IdempotencyStore]:
    """A store of each kind."""
    if not address:
        yield MemoryIdempotencyStore()
        return
    database = Database.connect(address)
    yield SqlIdempotencyStore(database)
    await database.close()


async def claim(
    store: IdempotencyStore, key: str = "key", *, who: str = ANN, after: timedelta = timedelta()
) -> Claim | None:
    """Ask for a key some time after the start."""
    now = START + after
    return await store.claim(who, key, PRINT, at=now, stale=now - STALE)


async def test_a_key_is_claimed_once_however_many_ask(store: IdempotencyStore) -> None:
    answers = await asyncio.gather(*(claim(store) for _ in range(50)))
    assert answers.count(None) == 1
    kept = Claim(fingerprint=PRINT, answer=None, claimed_at=START)
    assert [each for each in answers if each is not None] == [kept] * 49


async def test_an_answer_is_given_again(store: IdempotencyStore) -> None:
    await claim(store)
    await store.keep(ANN, "key", b"\0\xff answer")
    other = await store.claim(ANN, "key", a_hash(), at=START, stale=START)
    assert other == Claim(fingerprint=PRINT, answer=b"\0\xff answer", claimed_at=START)


async def test_keys_are_each_user_s_own(store: IdempotencyStore) -> None:
    assert await claim(store) is None
    assert await claim(store, who="anybody") is None
    assert await claim(store, "key2") is None
    assert await claim(store, "x" * 255) is None
    await store.release("anybody", "key")
    await store.keep(new_id(), "key", b"")
    assert await claim(store) == Claim(fingerprint=PRINT, answer=None, claimed_at=START)


async def test_a_released_key_is_free(store: IdempotencyStore) -> None:
    await claim(store)
    await store.release(ANN, "key")
    await store.release(ANN, "key")
    assert await claim(store) is None


async def test_a_claim_without_an_answer_grows_stale(store: IdempotencyStore) -> None:
    await claim(store)
    assert await claim(store, after=STALE) is not None
    late = STALE + timedelta(milliseconds=1)
    answers = await asyncio.gather(*(claim(store, after=late) for _ in range(20)))
    assert answers.count(None) == 1
    assert await claim(store, after=late) == Claim(
        fingerprint=PRINT, answer=None, claimed_at=START + late
    )


async def test_an_answer_is_kept_for_a_day(store: IdempotencyStore) -> None:
    await claim(store)
    await store.keep(ANN, "key", b"answer")
    assert (await claim(store, after=KEPT)) is not None
    assert await claim(store, after=KEPT + timedelta(milliseconds=1)) is None
    await store.keep(ANN, "key", b"another")
    kept = await claim(store, after=KEPT + timedelta(seconds=1))
    assert kept is not None and kept.answer == b"another"


async def test_what_has_expired_is_deleted(database: Database) -> None:
    store = SqlIdempotencyStore(database)
    for number in range(3):
        await claim(store, str(number))
    await claim(store, "later", after=KEPT + timedelta(seconds=1))
    async with database.reading() as transaction:
        rows = await transaction.rows(select(func.count()).select_from(idempotency_keys), {})
    assert rows[0][0] == 1


async def test_processes_share_the_keys(url: str) -> None:
    databases = [Database.connect(url) for _ in range(4)]
    stores = [SqlIdempotencyStore(database) for database in databases]
    answers = await asyncio.gather(*(claim(stores[number % 4]) for number in range(50)))
    assert answers.count(None) == 1
    for database in databases:
        await database.close()
