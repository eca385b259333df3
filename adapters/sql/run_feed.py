"""Hearing of other processes: one connection that listens for all readers of this one.

Of events it is notified which run, up to which event, and whether that is its end; the log tells
the rest. A word that is lost while the connection is down delays a reader, who looks from time to
time. What models say is notified as it is.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import URL

from orbiter.adapters.sql import deltas
from orbiter.adapters.sql.database import location
from orbiter.adapters.sql.deltas import Outbox
from orbiter.adapters.sql.postgresql import CONNECT_SECONDS
from orbiter.application.ports.run_events import RunFeed

CHANNEL: Final = "orbiter_run_events"
_NOTICE: Final = re.compile(r"(\S{1,64}) (\d{1,18}) ([01])")
PROBE_SECONDS: Final = 30.0
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0

log = logging.getLogger(__name__)


def notice(run_id: str, sequence: int, *, ended: bool) -> str:
    """Return what is notified of a run."""
    return f"{run_id} {sequence} {int(ended)}"


@asynccontextmanager
async def listening(url: str, feed: RunFeed) -> AsyncIterator[None]:
    """Publish on *feed* what any process writes to the PostgreSQL at *url*, till the block ends.

    What models say in this process is carried to the others. A SQLite file has one process at a
    time, which hears itself.
    """
    place = location(url)
    if isinstance(place, Path):
        yield
        return
    outbox = Outbox()
    tasks = [
        asyncio.ensure_future(_listen(place, feed, outbox)),
        asyncio.ensure_future(outbox.send(partial(_connected, place, synchronous_commit="off"))),
    ]
    try:
        with feed.carried(outbox.tell):
            yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(place: URL, feed: RunFeed, outbox: Outbox) -> None:
    pause = FIRST_PAUSE
    while True:
        try:
            connection = await _connected(place)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("Events of other processes are not heard yet: %s", error)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            pause = FIRST_PAUSE
            await _hear(connection, feed, outbox)
        await asyncio.sleep(pause)


async def _connected(place: URL, **more: str) -> Any:
    address = place.set(drivername="postgresql").render_as_string(hide_password=False)
    settings = {"application_name": "orbiter", **more}
    return await asyncpg.connect(address, timeout=CONNECT_SECONDS, server_settings=settings)


async def _hear(connection: Any, feed: RunFeed, outbox: Outbox) -> None:
    """Publish what comes until the connection breaks."""
    closed = asyncio.Event()

    def heard(_connection: Any, _process: int, _channel: str, told: str) -> None:
        found = _NOTICE.fullmatch(told)
        if found:
            feed.publish(found[1], int(found[2]), ended=found[3] == "1")

    def said(_connection: Any, _process: int, _channel: str, told: str) -> None:
        outbox.hear(feed, told)

    connection.add_termination_listener(lambda _: closed.set())
    try:
        await connection.add_listener(CHANNEL, heard)
        await connection.add_listener(deltas.CHANNEL, said)
        while not closed.is_set():
            try:
                async with asyncio.timeout(PROBE_SECONDS):
                    await closed.wait()
            except TimeoutError:
                await connection.execute("SELECT 1", timeout=CONNECT_SECONDS)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        log.warning("Events of other processes are not heard for a moment: %s", error)
    finally:
        connection.terminate()
