"""PostgreSQL: settings of its connections."""

from typing import Any, Final

from sqlalchemy import URL, NullPool
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

CONNECT_SECONDS: Final = 5.0
STATEMENT_SECONDS: Final = 60.0


def reading_engine(url: URL) -> AsyncEngine:
    """Return the engine of connections that can't write, each statement by itself."""
    return _engine(url, {"default_transaction_read_only": "on"}, isolation_level="AUTOCOMMIT")


def writing_engine(url: URL) -> AsyncEngine:
    """Return the engine of connections whose first statement begins a transaction."""
    return _engine(url, {}, isolation_level="READ COMMITTED")


def single_engine(url: URL) -> AsyncEngine:
    """Return the engine of connections whose every statement is a transaction."""
    return _engine(url, {}, isolation_level="AUTOCOMMIT")


def is_open(connection: AsyncConnection) -> bool:
    """Say whether the server has left the connection open, as far as the driver has noticed."""
    sync = connection.sync_connection
    driver: Any = sync.connection.driver_connection if sync else None
    return driver is not None and not driver.is_closed()


def migrating_engine(url: URL) -> AsyncEngine:
    """Return the same for changes that may take long."""
    return _engine(url, {}, isolation_level="READ COMMITTED", seconds=None)


def _engine(
    url: URL,
    settings: dict[str, str],
    *,
    isolation_level: Any,
    seconds: float | None = STATEMENT_SECONDS,
) -> AsyncEngine:
    return create_async_engine(
        url,
        poolclass=NullPool,
        isolation_level=isolation_level,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": seconds,
            "server_settings": {"application_name": "orbiter", **settings},
        },
    )
