"""How often tools were used: summed up for a moment, then stored together."""

import asyncio
import logging
from collections import Counter, defaultdict
from typing import Final

from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Clock

SECONDS: Final = 1.0
LONGEST_PAUSE: Final = 60.0

log = logging.getLogger(__name__)


class ToolUses:
    """Counts uses without a transaction for each; a crash loses those of the last second."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._counted: dict[str, Counter[str]] = defaultdict(Counter)
        self._storing: asyncio.Task[None] | None = None

    def count(self, workspace_id: str, tool_id: str) -> None:
        """Count one use; it is stored within a second or two."""
        self._counted[workspace_id][tool_id] += 1
        if self._storing is None or self._storing.done():
            self._storing = asyncio.ensure_future(self._store_soon())

    async def store(self) -> None:
        """Store what was counted so far; what storage does not take now stays counted."""
        for workspace_id in list(self._counted):
            uses = self._counted.pop(workspace_id)
            try:
                async with self._storage.open(workspace_id) as uow:
                    await uow.tools.count_uses(uses)
            except BaseException as error:
                self._counted[workspace_id].update(uses)
                if not isinstance(error, Exception):
                    raise
                log.warning("Uses of tools could not be stored yet: %s", error)

    async def close(self) -> None:
        """Store what was counted, and stop storing in the background."""
        if self._storing is not None:
            self._storing.cancel()
            await asyncio.gather(self._storing, return_exceptions=True)
        await self.store()

    async def _store_soon(self) -> None:
        pause = SECONDS
        while self._counted:
            await self._clock.sleep(pause)
            await self.store()
            pause = min(2 * pause, LONGEST_PAUSE)
