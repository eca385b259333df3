"""A process's right to execute runs, which it has to renew."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Clock, IdFactory

TTL_SECONDS: Final = 15.0
BEATS_PER_TTL: Final = 3

log = logging.getLogger(__name__)


class Lease:
    """The lease of one process, under an id that no other process ever had.

    Where storage is *shared*, it ends *ttl_seconds* after the last beat that was stored, and
    whoever else lives takes over. Else there is one process, whose lease never ends.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        new_id: IdFactory,
        *,
        interpreter: int,
        shared: bool,
        ttl_seconds: float = TTL_SECONDS,
    ) -> None:
        self.executor_id = new_id()
        self.interpreter = interpreter
        self._storage = storage
        self._clock = clock
        self._new_id = new_id
        self._shared = shared
        self._ttl = ttl_seconds
        self._good_at = time.monotonic()
        self._enrolled = not shared
        self._newest: int | None = None

    @property
    def alive(self) -> bool:
        """Say whether nobody can have taken over; by the process's own clock, without asking."""
        return not self._shared or (self._enrolled and time.monotonic() - self._good_at < self._ttl)

    @property
    def outdated(self) -> bool:
        """Say whether a process with a newer interpreter was alive at the last beat."""
        return self._newest is not None and self._newest > self.interpreter

    async def begin(self) -> None:
        """Enroll, and free what the dead left; alone, everything that is found."""
        if self._shared:
            await self._enroll()
        await self._bury()

    async def keep(self, lost: Callable[[], None]) -> None:
        """Beat for ever; when the lease has ended, call *lost* and begin another one."""
        while True:
            await self._clock.sleep(self._ttl / BEATS_PER_TTL)
            try:
                if not await self._beat():
                    log.error("The lease %s has ended; its runs are others' now", self.executor_id)
                    lost()
                    await self._begin_anew()
                await self._bury()
            except Exception as error:
                log.warning("The lease can't be renewed yet: %s", error)
                if self._enrolled and not self.alive:
                    self._enrolled = False
                    lost()

    async def end(self) -> None:
        """Give the lease back, and every run with it."""
        async with self._storage.open("") as uow:
            await uow.executions.retire(self.executor_id)

    async def _beat(self) -> bool:
        if not self.alive:
            return False
        now = time.monotonic()
        async with (
            asyncio.timeout(self._ttl / BEATS_PER_TTL),
            self._storage.open("") as uow,
        ):
            kept = await uow.executions.beat(self.executor_id, ttl_seconds=self._ttl)
            self._newest = await uow.executions.newest()
        if kept:
            self._good_at = now
        return kept

    async def _begin_anew(self) -> None:
        self._enrolled = False
        await self.end()
        self.executor_id = self._new_id()
        await self._enroll()

    async def _enroll(self) -> None:
        now = time.monotonic()
        async with self._storage.open("") as uow:
            await uow.executions.enroll(
                self.executor_id, interpreter=self.interpreter, ttl_seconds=self._ttl
            )
            self._newest = await uow.executions.newest()
        self._good_at, self._enrolled = now, True

    async def _bury(self) -> None:
        survivor = None if self._shared else self.executor_id
        async with self._storage.open("") as uow:
            freed = await uow.executions.bury(survivor=survivor)
        if freed:
            log.warning("%s runs of processes that ended are taken up again", freed)
