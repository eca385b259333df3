"""Executing runs without serving HTTP, beside other processes on one PostgreSQL."""

import asyncio
import os
import signal
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import structlog

from orbiter.entrypoints.garbage import spare_what_stays
from orbiter.entrypoints.loading import Loaded
from orbiter.entrypoints.serving import SAME_SIGNAL_SECONDS

READY: Final = "Orbiter executes runs (Ctrl+C ends it)"

log = structlog.get_logger("orbiter")


class NotShared(Exception):
    """The database can't be used by several processes; the message says what can."""


def require_shared(loaded: Loaded) -> None:
    """Raise NotShared unless other processes may use the database, too."""
    if not loaded.settings.is_shared:
        raise NotShared(
            "A worker needs PostgreSQL: set ORBITER_DATABASE_URL. SQLite has one process, "
            "`orbiter serve`, which executes runs itself."
        )


async def work(running: AbstractAsyncContextManager[Any], loaded: Loaded) -> None:
    """Execute runs until SIGINT or SIGTERM; then those under way get `shutdown_seconds` to end.

    What does not end by then is left to others. A second signal ends the process at once.
    """
    ending = asyncio.Event()
    _end_on_signals(ending)
    async with running:
        spare_what_stays()
        _announce(loaded)
        await ending.wait()


def _announce(loaded: Loaded) -> None:
    database = loaded.shown("ORBITER_DATABASE_URL")
    if loaded.settings.log.json:
        log.info("executing", database=database)
    else:
        print(f"{READY}\n  database  {database}", flush=True)


def _end_on_signals(ending: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    first: list[float] = []

    def end(number: int) -> None:
        ending.set()
        first.append(loop.time())
        if loop.time() - first[0] > SAME_SIGNAL_SECONDS:
            os._exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)
