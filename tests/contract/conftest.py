"""Every storage, under one fixture."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.sql.database import Database
from orbiter.adapters.sql.schema import migrate
from orbiter.adapters.sql.storage import SqlStorage
from orbiter.application.ports.storage import Storage
from support.postgres import Postgres, emptied, execute
from support.tenants import Tenant, settle

SQL: Final = ("sqlite", "postgresql")
ALL: Final = ("memory", *SQL)


@pytest.fixture(scope="session")
def postgres(testrun_uid: str) -> Postgres:
    """One server for all the workers of a test run."""
    # Not among pytest's temporary folders: these are for root alone, and the server is not root.
    return Postgres(Path(tempfile.gettempdir()) / f"orbiter-postgres-{testrun_uid}")


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema and nothing in it."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_database(postgres: Postgres) -> str:
    """The address of a PostgreSQL database with the schema, this worker's own."""
    name = f"contract_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    asyncio.run(execute(postgres.url(), f"CREATE DATABASE {name}"))
    asyncio.run(migrate(postgres.url(name)))
    return postgres.url(name)


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """A migrated, empty SQLite database."""
    path = tmp_path / "orbiter.db"
    shutil.copy(migrated_file, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def postgresql_url(migrated_database: str) -> str:
    """A migrated, empty PostgreSQL database."""
    await emptied(migrated_database)
    return migrated_database


@pytest.fixture(params=SQL)
def url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database of each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


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
