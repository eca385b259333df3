"""Rotation: everything sealed is sealed by the newest key, whatever comes between."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import pytest

from orbiter.adapters.security.encryption import FernetCipher
from orbiter.adapters.sql.columns import Sealed
from orbiter.adapters.sql.database import Database
from orbiter.adapters.sql.idempotency import SqlIdempotencyStore
from orbiter.adapters.sql.rotation import BATCH, Rotation, rotate, unreadable_tables
from orbiter.adapters.sql.storage import SqlStorage
from orbiter.adapters.sql.tables import metadata
from orbiter.adapters.sql.transactions import Transaction
from orbiter.adapters.system.ids import new_id
from orbiter.application.ports.identity import Cipher
from support.clock import START
from support.tenants import Tenant, found, settle

OLD, NEW, OTHER = "o" * 32, "n" * 32, "x" * 32
BEFORE: Final = FernetCipher([OLD])
BOTH: Final = FernetCipher([NEW, OLD])
AFTER: Final = FernetCipher([NEW])


class Stumbling:
    """A cipher that gives up at its *last* rotation."""

    def __init__(self, cipher: Cipher, last: int) -> None:
        self._cipher = cipher
        self._left = last

    def encrypt(self, plain: bytes) -> bytes:
        return self._cipher.encrypt(plain)

    def decrypt(self, sealed: bytes) -> bytes:
        return self._cipher.decrypt(sealed)

    def rotate(self, sealed: bytes) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt
        return self._cipher.rotate(sealed)


@pytest.fixture
async def home(sql_storage: SqlStorage) -> Tenant:
    """A workspace in an otherwise empty database."""
    return await settle(sql_storage)


def told(rotations: Sequence[Rotation], table: str) -> tuple[int, int, int]:
    """Return what was told of a table: encrypted again, fresh, unreadable."""
    (one,) = (each for each in rotations if each.table == table)
    return one.rotated, one.fresh, one.unreadable


async def keep(storage: SqlStorage, tenant: Tenant, count: int, cipher: Cipher = BEFORE) -> None:
    """Store so many secrets whose values are their ids."""
    async with storage.open(tenant.id) as uow:
        for _ in range(count):
            id = new_id()
            await uow.secrets.add(
                tenant.new("secrets", id=id, sealed_value=cipher.encrypt(id.encode()))
            )


async def opened(storage: SqlStorage, tenant: Tenant, cipher: Cipher) -> int:
    """Count the secrets that *cipher* opens."""
    async with storage.open(tenant.id, reading=True) as uow:
        secrets = await uow.secrets.seen_by(tenant.project.id)
    count = 0
    for secret in secrets:
        try:
            count += cipher.decrypt(secret.sealed_value) == secret.id.encode()
        except ValueError:
            continue
    return count


async def test_everything_sealed_opens_with_the_newest_key_alone(
    sql_storage: SqlStorage, database: Database, home: Tenant
) -> None:
    sealed = BEFORE.encrypt(b"plain")
    hook = await home.stored(sql_storage, "hooks", sealed_secret=sealed)
    provider = await home.stored(sql_storage, "providers", sealed_key=sealed)
    secret = await home.stored(sql_storage, "secrets", sealed_value=sealed)
    bare = await home.stored(sql_storage, "hooks", sealed_secret=None)
    answers = SqlIdempotencyStore(database)
    stale = START - timedelta(minutes=3)
    await answers.claim("user", "key", "f" * 64, at=START, stale=stale)
    await answers.keep("user", "key", sealed)

    rotations = await rotate(database, BOTH)
    for table in ("hooks", "idempotency_keys", "providers", "secrets"):
        assert told(rotations, table) == (1, 0, 0)

    kept = await answers.claim("user", "key", "f" * 64, at=START, stale=stale)
    assert kept is not None and kept.answer is not None
    values = [
        (await found(sql_storage, home.id, "hooks", hook.id)).sealed_secret,
        (await found(sql_storage, home.id, "providers", provider.id)).sealed_key,
        (await found(sql_storage, home.id, "secrets", secret.id)).sealed_value,
        kept.answer,
    ]
    assert [AFTER.decrypt(value) for value in values] == [b"plain"] * 4
    assert await found(sql_storage, home.id, "hooks", bare.id) == bare


async def test_more_than_a_batch_is_rotated_once(
    sql_storage: SqlStorage, database: Database, home: Tenant
) -> None:
    count = 2 * BATCH + 1
    await keep(sql_storage, home, count)
    assert told(await rotate(database, BOTH), "secrets") == (count, 0, 0)
    assert await opened(sql_storage, home, AFTER) == count
    assert told(await rotate(database, BOTH), "secrets") == (0, count, 0)
    assert told(await rotate(database, AFTER), "secrets") == (0, count, 0)


async def test_interrupted_it_goes_on_and_all_opens_meanwhile(
    sql_storage: SqlStorage, database: Database, home: Tenant
) -> None:
    count = 2 * BATCH
    await keep(sql_storage, home, count)
    with pytest.raises(KeyboardInterrupt):
        await rotate(database, Stumbling(BOTH, BATCH + 7))
    assert await opened(sql_storage, home, AFTER) == BATCH
    assert await opened(sql_storage, home, BOTH) == count
    assert told(await rotate(database, BOTH), "secrets") == (BATCH, BATCH, 0)
    assert await opened(sql_storage, home, AFTER) == count


async def test_what_no_key_opens_is_counted_and_left_as_it_is(
    sql_storage: SqlStorage, database: Database, home: Tenant
) -> None:
    await keep(sql_storage, home, 3)
    lost = [
        await home.stored(sql_storage, "secrets", sealed_value=value)
        for value in (b"", b"nonsense", FernetCipher([OTHER]).encrypt(b"plain"))
    ]
    for rotations, expected in (((3, 0, 3), 3), ((0, 3, 3), 3)):
        assert told(await rotate(database, BOTH), "secrets") == rotations
        assert await opened(sql_storage, home, AFTER) == expected
    for secret in lost:
        assert await found(sql_storage, home.id, "secrets", secret.id) == secret


async def test_where_something_is_that_no_key_opens_is_told(
    sql_storage: SqlStorage, database: Database, home: Tenant
) -> None:
    await keep(sql_storage, home, 3)
    await home.stored(sql_storage, "hooks", sealed_secret=BOTH.encrypt(b"plain"))
    assert await unreadable_tables(database, BOTH) == []
    assert await unreadable_tables(database, AFTER) == ["secrets"]
    assert await unreadable_tables(database, FernetCipher([OTHER])) == ["hooks", "secrets"]


async def test_what_changes_meanwhile_is_not_overwritten(
    sql_storage: SqlStorage, url: str, home: Tenant
) -> None:
    secret = await home.stored(sql_storage, "secrets", sealed_value=BEFORE.encrypt(b"first"))
    newer = secret.revise(at=START, sealed_value=BOTH.encrypt(b"second"))

    class Overtaken(Database):
        """A database in which the secret changes right before anything is written."""

        @asynccontextmanager
        async def writing(self) -> AsyncIterator[Transaction]:
            async with sql_storage.open(home.id) as uow:
                await uow.secrets.save(newer)
            async with super().writing() as transaction:
                yield transaction

    database = Overtaken.connect(url)
    await rotate(database, BOTH)
    await database.close()
    assert await found(sql_storage, home.id, "secrets", secret.id) == newer


def test_every_column_of_that_name_is_rotated() -> None:
    columns = [column for table in metadata.tables.values() for column in table.columns]
    named = {str(column) for column in columns if column.name.startswith("sealed_")}
    typed = {str(column) for column in columns if isinstance(column.type, Sealed)}
    assert named | {"idempotency_keys.answer"} == typed
