"""PostgreSQL goes away while runs are at work and ending, and comes back."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import pytest

from support.api import Caller
from support.commands import serving, working
from support.counting import Counting
from support.operation import (
    MOMENT,
    TTL,
    a_flow,
    all_ended,
    call,
    calling,
    settings,
)
from support.postgres import Postgres

CALLERS: Final = 8


@dataclass
class Load:
    """Runs that are started again and again; which were accepted, and what was told else."""

    caller: Caller
    flow: str
    accepted: list[str] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    going_on: bool = True

    async def start(self) -> None:
        while self.going_on:
            answer = await self.caller.post(f"/workflows/{self.flow}/run", {})
            if answer.status_code == httpx.codes.ACCEPTED:
                self.accepted.append(answer.json()["id"])
            else:
                self.refused.append(answer.status_code)
                await asyncio.sleep(0.2)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            for _ in range(CALLERS):
                group.create_task(self.start())
            yield
            self.going_on = False

    async def until(self, count: int) -> None:
        """Return when so many more were accepted."""
        wanted = len(self.accepted) + count
        while len(self.accepted) < wanted:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(("lease", "away"), [(15, 2), (TTL, TTL + 2)], ids=["shortly", "for long"])
async def test_what_was_accepted_ends_although_the_database_was_away(
    own_server: Postgres, tmp_path: Path, service: Counting, lease: int, away: int
) -> None:
    """The leases of processes outlast it, or do not."""
    service.seconds = 0.02
    some = settings(own_server.url(), RUN_CONCURRENCY=8, LEASE_SECONDS=lease)
    with serving(tmp_path / "api", **some) as server, working(tmp_path / "worker", **some):
        async with calling(server) as caller:
            calls = [call(service, name) for name in ("a", "b", "c", "d", "e")]
            edges = "start > a, a > b, start > c, c > d, b > e, d > e, e > end"
            load = Load(caller, await a_flow(caller, *calls, edges=edges))
            async with load.at_work():
                await load.until(40)
                stopping = time.monotonic()
                await asyncio.to_thread(own_server.stop)
                await asyncio.sleep(MOMENT)
                before = len(load.accepted)
                await asyncio.sleep(away - MOMENT)
                assert len(load.accepted) == before, "accepted by nobody"
                assert (await caller.client.get("/health/ready")).status_code == 503
                await asyncio.to_thread(own_server.start)
                await load.until(20)
            assert set(load.refused) == {503}
            await all_ended(caller)
            for run in load.accepted:
                shown = (await caller.get(f"/runs/{run}")).json()
                assert (shown["status"], shown["error"]) == ("completed", None)
    again = [times for times in service.asked.values() if len(times) > 1]
    if away < lease:
        assert again == [], "who still has a lease remembers what can't be recorded yet"
    assert all(times[0] > stopping - MOMENT for times in again), (stopping, again)
