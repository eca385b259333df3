"""Runs that are due, taken up as far as there is room."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from orbiter.adapters.durable.lease import Lease
from orbiter.application.ports.executions import Claimed
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Clock

BUSY_SECONDS: Final = 0.15
IDLE_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 3600.0

log = logging.getLogger(__name__)


class Queue:
    """Claims due runs for this process: at most *size* at once, and *share* of one workspace (0
    for any number); *begin* is called with each.

    Where storage is *shared* it looks for runs again and again; else only when something is due
    or was stirred, as nobody else could have left anything.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        lease: Lease,
        begin: Callable[[Claimed], None],
        *,
        size: int,
        share: int,
        shared: bool,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._lease = lease
        self._begin = begin
        self._size = size
        self._share = share
        self._shared = shared
        self._taken: dict[str, str] = {}
        self._stirred = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._closed = False
        self._wanting = False

    def has_room(self, workspace_id: str) -> bool:
        """Say whether a new run of that workspace may begin here now."""
        may = self._lease.alive and not self._lease.outdated
        return may and len(self._taken) < self._size and workspace_id not in self._full()

    def take(self, run_id: str, workspace_id: str) -> None:
        """Count a run that begins here."""
        self._taken[run_id] = workspace_id

    def leave(self, run_id: str) -> None:
        """Count a run no more; one that was left for want of room may begin."""
        if self._taken.pop(run_id, None) is not None and self._wanting:
            self.stir()

    def stir(self) -> None:
        """Look for runs that are due now."""
        if self._closed:
            return
        self._stirred.set()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())

    async def close(self) -> None:
        """Take up no more."""
        self._closed = True
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self) -> None:
        pause: float | None = BUSY_SECONDS
        while pause is not None:
            self._stirred.clear()
            try:
                found = await self._take_up()
                pause = await self._pause(pause, found=found)
            except Exception as error:
                log.warning("The queue can't be looked at yet: %s", error)
                pause = IDLE_SECONDS
            if pause is not None:
                await self._wait(pause)
            elif self._stirred.is_set():
                pause = BUSY_SECONDS

    async def _take_up(self) -> bool:
        """Claim what there is room for; say whether something was found."""
        found, self._wanting = False, True
        while (room := self._size - len(self._taken)) > 0 and self._lease.alive:
            limit = 1 if self._share else room
            claimed = await self._claim(limit)
            for each in claimed:
                self.take(each.run_id, each.workspace_id)
                self._begin(each)
            found = found or bool(claimed)
            if len(claimed) < limit:
                self._wanting = bool(self._full())
                break
        return found

    async def _claim(self, limit: int) -> Sequence[Claimed]:
        async with self._storage.open("") as uow:
            return await uow.executions.claim(
                self._lease.executor_id,
                interpreter=self._lease.interpreter,
                limit=limit,
                at=self._clock.now(),
                passing=self._full(),
            )

    async def _pause(self, last: float, *, found: bool) -> float | None:
        """Return how long to wait before the next look; None for till it is stirred."""
        if self._shared:
            return BUSY_SECONDS if found else min(1.5 * last, IDLE_SECONDS)
        async with self._storage.open("", reading=True) as uow:
            due = await uow.executions.due()
        if due is None:
            return None
        seconds = (due - self._clock.now()).total_seconds()
        if seconds > 0:
            return min(seconds, LONGEST_SECONDS)
        # It became due just now, or lies there for want of room, which will be told.
        return LONGEST_SECONDS if len(self._taken) >= self._size else BUSY_SECONDS

    async def _wait(self, seconds: float) -> None:
        stirred = asyncio.ensure_future(self._stirred.wait())
        slept = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({stirred, slept}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stirred.cancel()
            slept.cancel()
            await asyncio.gather(stirred, slept, return_exceptions=True)

    def _full(self) -> frozenset[str]:
        if not self._share:
            return frozenset()
        counts = Counter(self._taken.values())
        return frozenset(each for each, count in counts.items() if count >= self._share)
