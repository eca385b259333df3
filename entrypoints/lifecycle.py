"""From a container to a core at work, and to its end."""

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from orbiter.application.facade import Orbiter
from orbiter.entrypoints.container import Container
from orbiter.entrypoints.data_folder import exclusive

if TYPE_CHECKING:
    from litestar.types import ASGIApp

log = logging.getLogger(__name__)


def _alone(url: str) -> AbstractContextManager[None]:
    from orbiter.adapters.sql.database import location

    place = location(url)
    return exclusive(place) if isinstance(place, Path) else nullcontext()


@asynccontextmanager
async def running(container: Container) -> AsyncIterator[Orbiter]:
    """Give the core over a migrated database and a running engine; end them in order.

    Raise DataFolderUnusable when another process is at work on the same SQLite file.
    """
    from orbiter.adapters.sql.orphans import remove_orphans
    from orbiter.adapters.sql.run_feed import listening
    from orbiter.adapters.sql.schema import migrate

    settings = container.settings()
    with _alone(settings.storage_url):
        await migrate(settings.storage_url)
        async with listening(settings.storage_url, container.feed()):
            core = container.core()
            try:
                await remove_orphans(container.database(), container.beside())
                await _tell_what_no_key_opens(container)
                await core.start()
                yield core
            finally:
                await core.stop(settings.shutdown_seconds)
                await container.gateway().close()
                await container.remote_tools().close()
                await container.http_client().close()
                await container.search_client().close()
                container.passwords().close()
                container.sandbox().close()


async def _tell_what_no_key_opens(container: Container) -> None:
    from orbiter.adapters.sql.rotation import unreadable_tables

    tables = await unreadable_tables(container.database(), container.cipher())
    if tables:
        log.warning(
            "No key opens what is encrypted in %s: is ORBITER_SECRET_KEY, or secret_key in the "
            "data folder, still what it was encrypted under?",
            ", ".join(tables),
        )


@asynccontextmanager
async def started(container: Container) -> AsyncIterator["ASGIApp"]:
    """Give the app over a running core."""
    async with running(container):
        yield container.app()
