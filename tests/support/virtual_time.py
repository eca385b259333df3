"""Time that passes only when everybody waits for it, and then at once."""

import asyncio
import heapq
from collections.abc import Coroutine
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final, TypeVar

from support.clock import START

Result = TypeVar("Result")

# So many turns of the loop are enough for everything that a wake-up sets off.
TURNS: Final = 30


class VirtualClock:
    """A clock that jumps to the next sleeper's time when nothing else is left to do."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._order = count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    @property
    def asleep(self) -> int:
        """Return how many sleep."""
        return sum(not future.done() for _, _, future in self._sleepers)

    def advance_to(self, time: datetime) -> None:
        """Let time pass, unless it has."""
        self._now = max(self._now, time)

    async def sleep(self, seconds: float) -> None:
        until = self._now + timedelta(seconds=seconds)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (until, next(self._order), future))
        await future

    async def through(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Return what *work* gives, with as much time passing as it waits for."""
        task = asyncio.ensure_future(work)
        while not task.done():
            for _ in range(TURNS):
                await asyncio.sleep(0)
            if not task.done():
                await self._pass_time()
        return task.result()

    async def _pass_time(self) -> None:
        while self._sleepers:
            until, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                self._now = max(self._now, until)
                future.set_result(None)
                return
        # Whoever still waits does so for the world outside.
        await asyncio.sleep(0.001)
