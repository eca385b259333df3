"""Every storage, under one fixture."""

from collections.abc import AsyncIterator
from typing import Final

import pytest

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.sql.database import Database
from orbiter.adapters.sql.storage import SqlStorage
from orbiter.application.ports.storage import Storage
from support.tenants import Tenant, settle

ALL: Final = ("memory", "sqlite", "postgresql")


@pytest.fixture(params=ALL)
def address(request: pytest.FixtureRequest) -> str:
    """Where each kind of storage is, empty."""
    return "" if request.param == "memory" else request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
async def storage(address: str) -> AsyncIterator[Storage]:
    """An empty storage of each kind."""
    storage = SqlStorage.connect(address) if address else MemoryStorage()
    yield storage
    await storage.close()


@pytest.fixture
async def sql_storage(url: str) -> AsyncIterator[SqlStorage]:
    """An empty storage in SQL of each kind."""
    storage = SqlStorage.connect(url)
    yield storage
    await storage.close()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """An empty database of each kind."""
    database = Database.connect(url)
    yield database
    await database.close()


@pytest.fixture
async def tenant(storage: Storage) -> Tenant:
    """A workspace with something in it."""
    return await settle(storage)


@pytest.fixture
async def stranger(storage: Storage) -> Tenant:
    """Another workspace."""
    return await settle(storage)
