"""The schema's history: up, down, and up again; and that it leads to what the code expects."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from orbiter.adapters.sql.schema import downgrade, migrate
from orbiter.adapters.sql.storage import SqlStorage
from orbiter.adapters.sql.tables import metadata
from support.postgres import Postgres, execute
from support.tenants import settle

_MIGRATE: Final = """
import asyncio, sys
from orbiter.adapters.sql.schema import migrate
asyncio.run(migrate(sys.argv[1]))
"""


@pytest.fixture
async def empty_sqlite_url(tmp_path: Path) -> str:
    """Where a SQLite file may be made, in a folder that is not there yet."""
    return f"sqlite+aiosqlite:///{tmp_path / 'new' / 'orbiter.db'}"


@pytest.fixture
async def empty_postgresql_url(postgres: Postgres) -> AsyncIterator[str]:
    """A PostgreSQL database without tables."""
    name = f"empty_{uuid4().hex}"
    await execute(postgres.url(), f"CREATE DATABASE {name}")
    yield postgres.url(name)
    await execute(postgres.url(), f"DROP DATABASE {name}")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind."""
    return str(request.getfixturevalue(f"empty_{request.param}_url"))


async def test_the_history_leads_to_the_schema_the_code_expects(empty_url: str) -> None:
    await migrate(empty_url)
    assert await look(empty_url, differences) == []


async def test_down_leaves_nothing_and_up_again_everything(empty_url: str) -> None:
    await migrate(empty_url)
    before = await look(empty_url, columns)
    await downgrade(empty_url)
    assert await look(empty_url, columns) == {"alembic_version": ["version_num"]}
    await migrate(empty_url)
    assert await look(empty_url, columns) == before


async def test_migrating_twice_changes_nothing(empty_url: str) -> None:
    await migrate(empty_url)
    await migrate(empty_url)
    assert await look(empty_url, differences) == []


async def test_several_tasks_migrate_at_once(empty_url: str) -> None:
    await asyncio.gather(*(migrate(empty_url) for _ in range(4)))
    assert await look(empty_url, differences) == []


async def test_processes_that_start_at_once_take_turns(empty_url: str) -> None:
    command = [sys.executable, "-W", "error", "-c", _MIGRATE, empty_url]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert await look(empty_url, differences) == []


async def test_a_migration_that_fails_leaves_nothing_half_done(empty_url: str) -> None:
    await migrate(empty_url)
    await downgrade(empty_url)
    await look(empty_url, made("CREATE TABLE steps (a INTEGER)"))
    before = await look(empty_url, columns)
    with pytest.raises(DBAPIError, match="steps"):
        await migrate(empty_url)
    assert await look(empty_url, columns) == before
    await look(empty_url, made("DROP TABLE steps"))
    await migrate(empty_url)
    assert await look(empty_url, differences) == []


async def test_an_older_build_does_not_start_over_a_newer_schema(empty_url: str) -> None:
    await migrate(empty_url)
    await look(empty_url, made("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CommandError, match="9999"):
        await migrate(empty_url)
    assert await look(empty_url, differences) == []


async def test_the_file_and_its_folder_are_for_their_owner_alone(empty_sqlite_url: str) -> None:
    storage = SqlStorage.connect(empty_sqlite_url)
    await migrate(empty_sqlite_url)
    await settle(storage)
    path = Path(empty_sqlite_url.removeprefix("sqlite+aiosqlite:///"))
    modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    await storage.close()
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {mode for name, mode in modes.items() if name != "orbiter.db.lock"} == {0o600}
    assert {"orbiter.db", "orbiter.db-wal"} <= modes.keys()


def differences(connection: Connection) -> Any:
    """Return what the schema lacks of what the code expects, or has beyond it."""
    return compare_metadata(MigrationContext.configure(connection), metadata)


def made(change: str) -> Callable[[Connection], None]:
    """Return what changes the schema behind the history's back."""

    def make(connection: Connection) -> None:
        connection.exec_driver_sql(change)
        connection.commit()

    return make


def columns(connection: Connection) -> Any:
    """Return the columns of each table."""
    found = inspect(connection)
    return {
        table: [column["name"] for column in found.get_columns(table)]
        for table in found.get_table_names()
    }


async def look(url: str, question: Any) -> Any:
    """Ask a question of the database's schema."""
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        answer = await connection.run_sync(question)
    await engine.dispose()
    return answer
