"""Retention: runs that ended long ago are deleted."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Clock

BATCH_SIZE: Final = 100


@dataclass(frozen=True, slots=True)
class Retention:
    """Delete ended runs after *keep_days*, with all that hangs on them; 0 keeps them for ever."""

    storage: Storage
    clock: Clock
    keep_days: int

    async def sweep(self) -> int:
        """Delete in batches, between which others have their turn; return how many runs went."""
        if not self.keep_days:
            return 0
        before = self.clock.now() - timedelta(days=self.keep_days)
        removed, batch = 0, BATCH_SIZE
        while batch == BATCH_SIZE:
            async with self.storage.open("") as uow:
                batch = await uow.credentials.remove_ended_runs(before, limit=BATCH_SIZE)
            removed += batch
        if removed:
            await self.storage.shrink()
        return removed
