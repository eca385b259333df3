"""Retention: runs that ended long ago are deleted, and what was told long ago."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from orbiter.application.ports.repositories import Credentials
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Clock

BATCH_SIZE: Final = 100

_Removal = Callable[[Credentials, datetime], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Retention:
    """Delete ended runs, with all that hangs on them, and notifications after *keep_days*.

    0 keeps them for ever.
    """

    storage: Storage
    clock: Clock
    keep_days: int

    async def sweep(self) -> int:
        """Delete in batches, between which others have their turn; return how many rows went."""
        if not self.keep_days:
            return 0
        removed = await self._in_batches(_ended_runs) + await self._in_batches(_notifications)
        if removed:
            await self.storage.shrink()
        return removed

    async def _in_batches(self, remove: _Removal) -> int:
        before = self.clock.now() - timedelta(days=self.keep_days)
        removed, batch = 0, BATCH_SIZE
        while batch == BATCH_SIZE:
            async with self.storage.open("") as uow:
                batch = await remove(uow.credentials, before)
            removed += batch
        return removed


async def _ended_runs(kept: Credentials, before: datetime) -> int:
    return await kept.remove_ended_runs(before, limit=BATCH_SIZE)


async def _notifications(kept: Credentials, before: datetime) -> int:
    return await kept.remove_old_notifications(before, limit=BATCH_SIZE)
